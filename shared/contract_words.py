"""What the contract's fields mean, in words for people: one entry per name, whoever uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class FieldWords:
    """What a field means (with its unit), and a value as an example."""

    meaning: str
    example: Scalar | tuple[str, ...] = None


W = FieldWords
_GRID = "990101001001001"
_ASSIGNMENT = "3f0c1f0e-1d2b-5c58-9a51-5f6f5c7f0a11"

FIELDS: Mapping[str, FieldWords] = MappingProxyType(
    {
        # ---- who and what --------------------------------------------------------------------------------------
        "ticket_id": W("Id of the ticket 工单; the same as the record's key.", "0198a1c2-7f00-7000-8000-000000000001"),
        "ticket_no": W("Ticket number 工单编号: 20 digits, the last a check digit.", "99010126031010000010"),
        "into_ticket_no": W("Number of the ticket 主单 that is worked on for both.", "99010126031010000010"),
        "source": W("Name of the hotline or system that handed the matter in.", "hotline-12345"),
        "channel": W("How the matter reached the hotline.", "PHONE"),
        "NotificationDelivered.channel": W("The kind of endpoint it went through.", "webhook"),
        "NotificationFailed.channel": W("The kind of endpoint it was tried through.", "webhook"),
        "ticket_type": W("What the citizen wants.", "COMPLAINT"),
        "category": W("Category 诉求分类: 2, 4 or 6 digits, a code of the rule pack's table.", "150101"),
        "urgency": W("How urgent: U1 is the most.", "U3"),
        "size": W("Small matters are solved the same day, big ones by joint action.", "SMALL"),
        "confidence": W("How sure triage is of the category, from 0 to 1.", 0.9),
        "vulnerable": W(
            "Whether it is of somebody in difficulty 困难群众: asked always; on no list and no page.", False
        ),
        "confidential": W("Whether the reporter asked for confidentiality 保密.", False),
        "exercise": W("A drill 演练: counted nowhere, nobody is told.", False),
        # ---- where ---------------------------------------------------------------------------------------------
        "place_level": W("How closely the place is known.", "GRID"),
        "county": W("County 县: 6 digits.", "990101"),
        "township": W("Township 乡镇(街道): 9 digits; null while unknown.", "990101001"),
        "village": W("Village or community 村(社区): 12 digits; null while unknown.", "990101001001"),
        "grid": W("Grid 网格: 15 digits; null while unknown.", _GRID),
        "also_grids": W("Further grids that hold the point, where it lies on a border.", ()),
        "in_grid": W(
            "Whether the place of the check-in lies in the ticket's grid; null when no place was given.", True
        ),
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
        "NotificationFailed.reason": W(
            "Why it was given up: a short code, never the receiver's own words.", "status_500"
        ),
        "deemed": W("True when the clock, not the unit, made it signed 视为签收.", False),
        "finding": W("What the adjudicator found; null when nothing counts against the unit.", "GROUNDLESS"),
        "designated": W("Whether the command centre named the unit 指定承办: then it cannot be handed back.", False),
        "TicketWhistled.kind": W("Why the department is called.", "ENFORCEMENT"),
        "TicketReportedIn.kind": W("Why the department was called.", "ENFORCEMENT"),
        "TicketWhistled.by": W("Id of the township that calls 吹哨.", "990101001"),
        "TicketPartnerEvaluated.by": W("Id of the unit that scores.", "990101001"),
        "answer": W("What the department says to the call 报到.", "ACCEPT"),
        "owner": W("Id of the unit that answers for the waiting matter 挂账.", "990101001"),
        "ground": W("Why it has to wait, as a code.", "FUNDS_PENDING"),
        "complained_about": W("Id of the unit that the matter complains of; null when of none.", None),
        "code": W("The guard that said no, as a stable code.", "NOT_ON_DUTY_LIST"),
        "target": W("Id of the unit that was to get the work; null when none was named.", "990101001"),
        "rule": W("Id of the rule that said no.", "duty_list.taken_back"),
        "auto_category": W("The category that the machine had chosen.", "150103"),
        "previous": W("The urgency before.", "U2"),
        "expired": W("True when nobody decided in time.", False),
        "answered": W("Whether the citizen answered before the time was over.", True),
        "first": W("Whether this was the first contact of the assignment.", True),
        "TicketStageReported.first": W("Whether this was the first such report of the assignment.", True),
        "automatic": W("Whether it came about by rule and not by a person.", True),
        "follow_up": W("Whether the citizen will be asked.", True),
        # ---- when: instants in UTC -----------------------------------------------------------------------------
        "reported_at": W(
            "When it was reported, as the source says; null when it says nothing.", "2026-03-10T01:10:00Z"
        ),
        "accepted_at": W("When it was accepted; every limit runs from here.", "2026-03-10T01:15:00Z"),
        "due_at": W("The deadline; in time is up to and including this instant.", "2026-03-10T10:00:00Z"),
        "sign_by": W("Until when the unit must confirm receipt 签收.", "2026-03-10T01:45:00Z"),
        "answer_by": W(
            "Until when the citizen may answer 补充; the deadline stands still meanwhile.", "2026-03-11T01:15:00Z"
        ),
        "decide_by": W("Until when it is to be decided.", "2026-03-10T05:15:00Z"),
        "report_by": W("Until when the department must report in 报到.", "2026-03-10T01:45:00Z"),
        "until": W("The deadline that is asked for 延期.", "2026-03-13T10:00:00Z"),
        "review_at": W("When the waiting matter is looked at again.", "2026-06-08T01:00:00Z"),
        "notify_at": W("Not to be told before this instant; null means at once.", None),
        "closed_at": W("When the loop was closed; null while it is open.", None),
        "queue_at": W(
            "Its place in queues, the earliest first: the deadline, or so much earlier as the matter was raised.",
            "2026-03-10T10:00:00Z",
        ),
        "supporting": W("Units that support it now 协办, beside the one that leads.", ("water",)),
        # ---- counts --------------------------------------------------------------------------------------------
        "version": W("Place in the ticket's story at its writer, from 1 without gaps.", 3),
        "cycle": W("Round of handling: 1 at first, one more after each reopening 重办.", 1),
        "TicketReopened.cycle": W("The round that begins now; the one before was number `cycle` - 1.", 2),
        "level": W("Level of supervision 督办, 1 to 3; 0 is none.", 1),
        "TicketSnapshot.level": W("Highest level of supervision 督办 so far; 0 is none.", 0),
        "attempt": W("Number of the attempt in this cycle, from 1.", 1),
        "attempts": W("How often it was tried.", 1),
        "parts": W("Number of parts of the joint plan.", 2),
        "score": W("From 1 to 5, the best is 5.", 4),
        "hastens": W("How often speed was asked for 催办 so far.", 1),
        "counted": W("Whether this one counts: at most one a day does.", True),
        # ---- clocks and lights ---------------------------------------------------------------------------------
        "light": W("Due-state 灯: green in time, yellow near, red past the deadline.", "YELLOW"),
        "TicketSnapshot.light": W("Due-state 灯: green in time, yellow near, red past the deadline.", "GREEN"),
        "clock": W(
            "Which of the ticket's clocks: SIGN, RESOLVE, RESOLVE_BIG, FOLLOW_UP and others to come.", "RESOLVE"
        ),
        "on_time": W("Whether the result came within the deadline.", True),
        "charged_to": W("Id of the unit whose breach it is; null when it came in time.", None),
        "to": W("Who is to act: `unit:<id>`, or a role of supervision.", f"unit:{_GRID}"),
        # ---- the citizen's word --------------------------------------------------------------------------------
        "outcome": W("How asking the citizen ended.", "ANSWERED"),
        "contacted": W("Did the handler get in touch 是否联系; null when nobody answered.", True),
        "solved": W("Is it solved 是否解决; null when nobody answered.", True),
        "satisfaction": W("How satisfied the citizen is 是否满意; null when nobody answered.", "SATISFIED"),
        # ---- messages ------------------------------------------------------------------------------------------
        "notification_id": W("Id of the message.", "5a1f6d3c-6a53-5a0c-9d0b-2a1f7c3f9b57"),
        "template": W("The kind of message.", "assigned"),
        "recipient": W(
            "Who was told: `unit:<id>`, `person:<staff number>`, `source:<name>` or a role; never an address.",
            f"unit:{_GRID}",
        ),
        # ---- plans ------------------------------------------------------------------------------------------------
        "work": W("Code of a part's work.", "CLEAR_DRAIN"),
        "due_on": W("By which day, in the county's own calendar.", "2026-03-13"),
        # ---- incidents, repeats, leads ----------------------------------------------------------------------------
        "incident_id": W(
            "Id of the incident 同一事件 that several tickets are about.", "5c1f6a52-6b0c-5d7e-8f55-0f6b1a7e2c33"
        ),
        "into": W("The ticket that is worked on for all of them.", "0198a1c2-7f00-7000-8000-000000000002"),
        "merged_into": W("The ticket it was merged into 并单; null: none.", None),
        "reporters": W("Different people who reported the incident.", 2),
        "tickets": W("Tickets of the incident, the main one included.", 2),
        "mass": W("Whether many people report it 群体性.", False),
        "TicketTakenUp.reason": W("Why it is worked on by itself again.", "SPLIT"),
        "wish": W("The event that asked for it, by its type's name.", "ticket.withdrawal-requested"),
        "WishPassedOver.code": W("Why it could not be done, as a stable code.", "TOO_URGENT"),
        "own_follow_up": W("Whether its own citizen is asked in the end.", True),
        "supervise": W("Level of supervision that the number of reporters asks for; 0: none.", 0),
        "repeat_of": W("An earlier ticket of the same caller about the same matter; null: none.", None),
        "repeat": W("Whether the caller had come with this matter before 重复诉求.", False),
        "repeats_30d": W("Earlier tickets of the same caller about the matter within 30 days.", 0),
        "repeats_90d": W("Earlier tickets of the same caller about the matter within 90 days.", 0),
        "levels_up": W("How many levels higher than usual it is to be handled.", 0),
        "involved_units": W("Units whose duty it is, as somebody said or found; 0: nobody did.", 0),
        "involved_grids": W("Grids that it affects, as somebody said or found; 0: nobody did.", 0),
        "households": W("Households in the dispute, as somebody said or found; 0: nobody did.", 0),
        "people": W("People in the dispute, as somebody said or found; 0: nobody did.", 0),
        "money_yuan": W("Money at stake or the cost of the work, in yuan; 0: nobody said.", 0),
        "effort_minutes": W("Work that it takes, in minutes; 0: nobody said.", 0),
        "marks": W("What makes it complex 疑难, beside the number of units.", ("HISTORICAL",)),
        "hidden": W("Whether it stays out of queues, search and counts.", False),
        "count": W("How often it happened.", 2),
        "TicketHastened.count": W("Days on which the citizen asked again 催办; no clock moves.", 1),
        "ReopenRequested.by": W("The ticket that says so; null: the citizen did, about this very one.", None),
        "supplement_id": W(
            "Id of what the citizen added 补充; its words are in intake.", "7f2d7a10-54b2-4f5e-9d0a-5c7a6f0f9a21"
        ),
        "route": W("The other way that is open to the citizen.", "向人民法院提起诉讼"),
        "lead_id": W(
            "Id of a sensitive lead 问题线索; nothing else of it is told.", "2b9f3f0e-8d5a-4a51-9c1e-6a0f5f7c0b12"
        ),
        # ---- listening: talks, meetings, offices on site, patrols ---------------------------------------------------
        "session_id": W(
            "Id of the session in which it came up; null: in none.", "0198a1c2-7f00-7000-8000-0000000000a1"
        ),
        "item_id": W("Id of what was brought up in the session.", "0198a1c2-7f00-7000-8000-0000000000b1"),
        "SessionClosed.kind": W("How people were listened to.", "EVENING_TALK"),
        "SessionClosed.unit": W("Id of the unit that was the host.", "990101001"),
        "held_at": W("When it took place.", "2026-03-10T11:30:00Z"),
        "heads": W("How many people came.", 12),
        "items": W("How many things were brought up.", 3),
        "SessionClosed.answered": W("How many of them were answered at once.", 1),
        "committed": W("How many of them were promised by a day, kept ones included.", 1),
        "ticketed": W("How many of them became tickets.", 1),
        "became": W("The ticket that was made of it.", "0198a1c2-7f00-7000-8000-000000000001"),
        "self_fixed_by": W(
            "Id of the unit whose patrol found it and has fixed it already 自办件: it is resolved by that unit, nobody"
            " is asked, and its result may be looked at on the spot; null: it is yet to be done.",
            None,
        ),
        "answered_by": W(
            "Entry of the knowledge base 知识库 that answered a question in the call 直接答复; null: none did.",
            None,
        ),
        "knowledge": W("Entry of the knowledge base 知识库 by which it was answered.", "K-2026-0031"),
        "TicketAnswered.unit": W("Id of the centre that answered.", "command-centre"),
        "TicketCallBackAsked.target": W("To whom it was handed on.", "FIRE_119"),
        "TicketCallBackAsked.due_at": W(
            "Until when its hotline is to find out whether help came.", "2026-03-10T03:15:00Z"
        ),
        "TicketCalledBack.target": W("To whom it was handed on.", "FIRE_119"),
        "TicketCalledBack.on_time": W("Whether that was found out within its time.", True),
        "TicketReminded.person": W(
            "Staff number of the grid worker who is meant, as the area keeps it; null: the unit is.", "W001001-01"
        ),
        "helped": W("Whether help came; while it did not, somebody goes on asking.", True),
        "ended_as": W("The state in which it had ended, as the state machine names it.", "CLOSED"),
        "TicketSigned.ticket_no": W("Ticket number 工单编号, where the clock made it signed; else empty.", ""),
        "TicketSigned.sign_by": W("Until when the unit should have confirmed receipt, where it did not.", None),
        "TicketSigned.urgency": W("How urgent it is, where the clock made it signed; else null.", None),
        "truthful": W("Whether the citizen confirms what the unit reported; null: not asked.", True),
        "service": W("The citizen's judgement of the service; null: not asked.", "SATISFIED"),
        # ---- rates and warnings -----------------------------------------------------------------------------------
        "granted": W("Whether the panel left the judgement out of the unit's rates 剔除.", True),
        "lapsed": W("True when the panel did not decide in time, which refuses.", False),
        "sampled": W("Whether a supervisor is to look at it again.", False),
        "upheld": W("Whether the supervisor agreed.", True),
        "grids": W("The grids it was seen in.", ("990101001001001",)),
        "window_start": W("From when on it was counted.", "2026-03-10T00:00:00Z"),
        "window_end": W("Until when it was counted.", "2026-03-10T01:00:00Z"),
        "threshold": W("From which number on it is remarkable.", 5),
        "playbook": W("Id of the playbook 预案 for it.", "sudden-rise"),
        "concerns": W("The ticket of a single critical matter; null: it is about many.", None),
        # ---- what people say and send over HTTP; personal, and in no event --------------------------------------
        "text": W("The citizen's own words.", "小区门口的路灯不亮了"),
        "title": W("A short title.", "路灯不亮"),
        "external_id": W("The source's own id of the matter: the same again is the same matter.", "A-2026-000123"),
        "name": W("Name, as far as given.", "居民"),
        "phone": W("Telephone number, as far as given.", "000-00000000"),
        "note": W("A note.", "电话联系过"),
        "address": W("Address, as far as given.", "东门小区"),
        "lon": W("Longitude in degrees, of the datum that `crs` names.", 119.25),
        "lat": W("Latitude in degrees, of the datum that `crs` names.", 33.15),
        "crs": W("The datum of lon and lat.", "WGS84"),
        "village_code": W("Village or community 村(社区): 12 digits.", "990101001001"),
        "township_code": W("Township 乡镇(街道): 9 digits.", "990101001"),
        "query_code": W("For asking about the matter without an account.", "7K3M9A"),
        "handler": W("Id of the person who handles it.", "worker-1"),
        "reply": W("What the citizen is told.", "已更换灯泡，恢复照明。"),
        "basis": W("On what ground.", "该路段由交通部门管理"),
        # ---- why -----------------------------------------------------------------------------------------------
        "rules": W("Ids of the rules that fired, in order.", ("place.IN_GRID", "cat.street_lights")),
        "rule_pack": W("The rule pack 规则包 that decided, as it names itself.", "2026.1"),
    }
)
"""By field name, or `Model.field` where a model means something of its own. Every instant is RFC 3339."""


def words_for(model: str, field: str) -> FieldWords | None:
    """What is said of a field of a model; None when nothing is."""
    return FIELDS.get(f"{model}.{field}") or FIELDS.get(field)
