"""What the contract's fields and closed lists mean, in words for people: one entry per name, whichever event uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.terms import (
    AssignmentKind,
    Channel,
    CloseReason,
    FollowUpOutcome,
    Light,
    MatterSize,
    PlaceLevel,
    ReturnReason,
    Satisfaction,
    Source,
    TicketType,
    Urgency,
)

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class FieldWords:
    """What a field means (with its unit), and a value as an example."""

    meaning: str
    example: Scalar | tuple[str, ...] = None


@dataclass(frozen=True, slots=True)
class Label:
    """A value of a closed list as people read it."""

    zh: str
    en: str


W = FieldWords
_GRID = "990101001001001"
_ASSIGNMENT = "3f0c1f0e-1d2b-5c58-9a51-5f6f5c7f0a11"

FIELDS: Mapping[str, FieldWords] = MappingProxyType(
    {
        # ---- who and what --------------------------------------------------------------------------------------
        "ticket_id": W("Id of the ticket 工单; the same as the record's key.", "0198a1c2-7f00-7000-8000-000000000001"),
        "ticket_no": W("Ticket number 工单编号: 20 digits, the last a check digit.", "99010126031010000010"),
        "source": W("Name of the hotline or system that handed the matter in.", "hotline-12345"),
        "channel": W("How the matter reached the hotline.", "PHONE"),
        "NotificationDelivered.channel": W("The kind of endpoint it went through.", "webhook"),
        "NotificationFailed.channel": W("The kind of endpoint it was tried through.", "webhook"),
        "ticket_type": W("What the citizen wants.", "COMPLAINT"),
        "category": W("Category 诉求分类: 2, 4 or 6 digits, a code of the rule pack's table.", "150101"),
        "urgency": W("How urgent: U1 is the most.", "U3"),
        "size": W("Small matters are solved the same day, big ones by joint action.", "SMALL"),
        "confidence": W("How sure triage is of the category, from 0 to 1.", 0.9),
        "confidential": W("Whether the reporter asked for confidentiality 保密.", False),
        "exercise": W("A drill 演练: counted nowhere, nobody is told.", False),
        # ---- where ---------------------------------------------------------------------------------------------
        "place_level": W("How closely the place is known.", "GRID"),
        "county": W("County 县: 6 digits.", "990101"),
        "township": W("Township 乡镇(街道): 9 digits; null while unknown.", "990101001"),
        "village": W("Village or community 村(社区): 12 digits; null while unknown.", "990101001001"),
        "grid": W("Grid 网格: 15 digits; null while unknown.", _GRID),
        "also_grids": W("Further grids that hold the point, where it lies on a border.", ()),
        "in_grid": W("Whether the place of the check-in lies in the ticket's grid; null when no place was given.", True),
        # ---- who must do what ----------------------------------------------------------------------------------
        "assignment_id": W("Id of the assignment 承办任务: one unit's share of the ticket.", _ASSIGNMENT),
        "replaces": W("Id of the assignment that was handed back.", "3f0c1f0e-1d2b-5c58-9a51-5f6f5c7f0a10"),
        "kind": W("The unit's part in the ticket.", "LEAD"),
        "unit": W("Id of the unit 承办单位, as the area's data names it.", _GRID),
        "state": W("Where the ticket stands, as the state machine names it.", "DISPATCHED"),
        "public_state": W("What the citizen sees: 已受理 办理中 已办结 待评价 已结案.", "办理中"),
        "action": W("What was done, as a code in capitals.", "REPAIRED"),
        "reason": W("Why, in one of the listed codes.", "NOT_OUR_DUTY"),
        "TicketClosed.reason": W("Why the loop was closed.", "EVALUATED"),
        "NotificationFailed.reason": W("Why it was given up: a short code, never the receiver's own words.", "status_500"),
        "deemed": W("True when the clock, not the unit, made it signed 视为签收.", False),
        "first": W("Whether this was the first contact of the assignment.", True),
        "automatic": W("Whether the audit was made by rule and not by a person.", True),
        "follow_up": W("Whether the citizen will be asked.", True),
        # ---- when: instants in UTC -----------------------------------------------------------------------------
        "reported_at": W("When it was reported, as the source says; null when it says nothing.", "2026-03-10T01:10:00Z"),
        "accepted_at": W("When it was accepted; every limit runs from here.", "2026-03-10T01:15:00Z"),
        "due_at": W("The deadline; in time is up to and including this instant.", "2026-03-10T10:00:00Z"),
        "sign_by": W("Until when the unit must confirm receipt 签收.", "2026-03-10T01:45:00Z"),
        "notify_at": W("Not to be told before this instant; null means at once.", None),
        "closed_at": W("When the loop was closed; null while it is open.", None),
        # ---- counts --------------------------------------------------------------------------------------------
        "version": W("Place in the ticket's story at its writer, from 1 without gaps.", 3),
        "cycle": W("Round of handling: 0 at first, one more after each reopening 重办.", 0),
        "level": W("Level of supervision 督办, 1 to 3; 0 is none.", 1),
        "TicketSnapshot.level": W("Highest level of supervision 督办 so far; 0 is none.", 0),
        "attempt": W("The how-manieth attempt of this cycle, from 1.", 1),
        "attempts": W("How often it was tried.", 1),
        # ---- clocks and lights ---------------------------------------------------------------------------------
        "light": W("Due-state 灯: green in time, yellow near, red past the deadline.", "YELLOW"),
        "TicketSnapshot.light": W("Due-state 灯: green in time, yellow near, red past the deadline.", "GREEN"),
        "clock": W("Which of the ticket's clocks: SIGN, RESOLVE, RESOLVE_BIG, FOLLOW_UP and others to come.", "RESOLVE"),
        "on_time": W("Whether the result came within the deadline.", True),
        "to": W("Who is to act: `unit:<id>`, or a role of that unit's supervision.", "unit:command-centre"),
        # ---- the citizen's word --------------------------------------------------------------------------------
        "outcome": W("How asking the citizen ended.", "ANSWERED"),
        "contacted": W("Did the handler get in touch 是否联系; null when nobody answered.", True),
        "solved": W("Is it solved 是否解决; null when nobody answered.", True),
        "satisfaction": W("How satisfied the citizen is 是否满意; null when nobody answered.", "SATISFIED"),
        # ---- messages ------------------------------------------------------------------------------------------
        "notification_id": W("Id of the message.", "5a1f6d3c-6a53-5a0c-9d0b-2a1f7c3f9b57"),
        "template": W("The kind of message.", "assigned"),
        "recipient": W("Who was told: `unit:<id>`, `source:<name>` or a role; never an address.", f"unit:{_GRID}"),
        # ---- why -----------------------------------------------------------------------------------------------
        "rules": W("Ids of the rules that fired, in order.", ("place.point", "type.broken")),
        "rule_pack": W("Name and version of the rule pack 规则包 that decided.", "county-default@1"),
    }
)
"""By field name, or `Model.field` where a model means something of its own. Every instant is RFC 3339."""

L = Label

LABELS: Mapping[type[StrEnum], Mapping[str, Label]] = MappingProxyType(
    {
        Source: {
            "/griddispatch/intake": L("受理", "intake"),
            "/griddispatch/dispatch": L("派单", "dispatch"),
            "/griddispatch/notify": L("通知与回访", "notify"),
        },
        Channel: {
            "PHONE": L("电话", "telephone"), "WEB": L("网站", "web site"), "APP": L("手机应用", "app"),
            "WECHAT": L("微信", "WeChat"), "LETTER": L("来信", "letter"), "VISIT": L("来访", "visit"),
            "SERVICE_CENTRE": L("便民服务中心", "service centre"), "GRID_PATROL": L("网格巡查", "grid patrol"),
            "EVENING_TALK": L("夜话", "evening talk"), "ONSITE_OFFICE": L("现场办公", "office on site"),
            "UPPER_LEVEL": L("上级交办", "passed down from above"), "TRANSFER_110": L("110 转办", "transferred by 110"),
            "SENSOR": L("感知设备", "sensor"),
        },
        TicketType: {
            "CONSULT": L("咨询", "question"), "HELP": L("求助", "call for help"), "COMPLAINT": L("投诉", "complaint"),
            "REPORT": L("举报", "report of a wrong"), "SUGGESTION": L("建议", "suggestion"), "PRAISE": L("表扬", "praise"),
            "OTHER": L("其他", "other"),
        },
        Urgency: {"U1": L("特急", "critical"), "U2": L("紧急", "urgent"), "U3": L("一般", "normal")},
        PlaceLevel: {
            "GRID": L("网格", "grid"), "VILLAGE": L("村(社区)", "village"), "TOWNSHIP": L("乡镇(街道)", "township"),
            "COUNTY": L("县", "county"),
        },
        MatterSize: {"SMALL": L("小事", "small"), "BIG": L("大事", "big"), "UNSIZED": L("不分大小", "not sized")},
        AssignmentKind: {
            "LEAD": L("主办", "leads"), "SUPPORT": L("协办", "supports"), "COORDINATE": L("属地协调", "coordinates locally"),
            "FIRST_DISPOSAL": L("先行处置", "contains it first"),
        },
        Light: {"GREEN": L("绿灯", "green"), "YELLOW": L("黄灯", "yellow"), "RED": L("红灯", "red")},
        ReturnReason: {
            "NOT_OUR_AREA": L("属地不符", "not our area"), "NOT_OUR_DUTY": L("职责不符", "not our duty"),
            "TAKEN_BACK_ITEM": L("清单已收回", "item taken back by a higher level"), "DUPLICATE": L("重复", "duplicate"),
            "INSUFFICIENT_INFO": L("要素不全", "facts missing"), "NO_AUTHORITY": L("没法管", "no authority"),
            "NO_CAPABILITY": L("不会管", "no capability"),
        },
        FollowUpOutcome: {"ANSWERED": L("已答复", "answered"), "UNREACHABLE": L("联系不上", "unreachable")},
        Satisfaction: {
            "SATISFIED": L("满意", "satisfied"), "BASICALLY": L("基本满意", "basically satisfied"),
            "DISSATISFIED": L("不满意", "dissatisfied"),
        },
        CloseReason: {
            "EVALUATED": L("已评价", "evaluated"), "UNREACHABLE": L("联系不上", "unreachable"),
            "NO_FOLLOW_UP_DUE": L("无需回访", "no follow-up due"),
        },
    }
)  # fmt: skip
"""Chinese and English for every value of every closed list that an event carries."""

LABELS_BY_TITLE: Mapping[str, Mapping[str, Label]] = MappingProxyType({k.__name__: v for k, v in LABELS.items()})
"""The same by the title that a JSON Schema gives the list."""


def words_for(model: str, field: str) -> FieldWords | None:
    """What is said of a field of a model; None when nothing is."""
    return FIELDS.get(f"{model}.{field}") or FIELDS.get(field)
