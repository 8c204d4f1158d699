"""What people call the values of the contract's closed lists, in Chinese and in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.terms import (
    AlertKind,
    AssignmentKind,
    Channel,
    CloseReason,
    ComplexMark,
    ConversionReason,
    ExclusionReason,
    FollowUpOutcome,
    LeadKind,
    Light,
    MatterSize,
    NotAcceptedReason,
    PlaceLevel,
    ReportAnswer,
    ReturnFinding,
    ReturnReason,
    Satisfaction,
    SessionKind,
    Source,
    SplitReason,
    TakeUpReason,
    TicketType,
    TransferTarget,
    Urgency,
    WhistleKind,
)


@dataclass(frozen=True, slots=True)
class Label:
    """A value of a closed list as people read it."""

    zh: str
    en: str


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
        SessionKind: {
            "EVENING_TALK": L("夜话", "evening talk"), "OPEN_MEETING": L("开门纳谏", "open meeting"),
            "ONSITE_OFFICE": L("现场办公", "office on site"), "PATROL": L("网格巡查", "grid patrol"),
        },
        TicketType: {
            "CONSULT": L("咨询", "question"), "HELP": L("求助", "call for help"), "COMPLAINT": L("投诉", "complaint"),
            "REPORT": L("举报", "report of a wrong"), "SUGGESTION": L("建议", "suggestion"),
            "PRAISE": L("表扬", "praise"), "OTHER": L("其他", "other"),
        },
        Urgency: {"U1": L("特急", "critical"), "U2": L("紧急", "urgent"), "U3": L("一般", "normal")},
        PlaceLevel: {
            "GRID": L("网格", "grid"), "VILLAGE": L("村(社区)", "village"), "TOWNSHIP": L("乡镇(街道)", "township"),
            "COUNTY": L("县", "county"),
        },
        MatterSize: {"SMALL": L("小事", "small"), "BIG": L("大事", "big"), "UNSIZED": L("不分大小", "not sized")},
        LeadKind: {
            "THREAT": L("扬言", "threat"), "DISCIPLINE": L("纪检监察线索", "discipline"),
            "SECURITY": L("涉黑涉恶线索", "public security"),
        },
        NotAcceptedReason: {
            "EMERGENCY_110_119_120": L("紧急警情,由 110/119/120 受理", "an emergency: 110, 119 or 120"),
            "LITIGATION_OR_ARBITRATION": L("诉讼仲裁途径", "for the courts or arbitration"),
            "RECONSIDERATION": L("行政复议途径", "for administrative reconsideration"),
            "PETITION_ONGOING": L("信访正在办理", "a petition is under way"),
            "INFO_DISCLOSURE": L("政府信息公开途径", "for disclosure of information"),
            "SECRET_OR_PRIVACY": L("涉及秘密或隐私", "touches secrets or privacy"),
            "OUT_OF_TERRITORY": L("不属本辖区", "outside the territory"),
            "UNLAWFUL_OR_IMMORAL": L("违法或违背公序良俗", "against law or good morals"),
            "NO_SUBSTANCE": L("无实质内容", "nothing to act on"),
            "SAME_MATTER_FINISHED": L("同一事项已终结", "the same matter has been concluded"),
        },
        SplitReason: {
            "OTHER_PLACE": L("地点不同", "another place"), "OTHER_MATTER": L("事项不同", "another matter"),
            "OTHER_DUTY": L("职责单位不同", "another unit's duty"),
            "CITIZEN_ASKED": L("诉求人要求", "the citizen asked"),
            "WITHDRAWN": L("诉求人撤回", "withdrawn by the citizen"),
        },
        TakeUpReason: {
            "SPLIT": L("已拆单", "split off"), "MAIN_ENDED": L("主单已终止", "the main ticket ended unsolved"),
        },
        TransferTarget: {
            "POLICE_110": L("公安 110", "police, 110"), "FIRE_119": L("消防 119", "fire service, 119"),
            "AMBULANCE_120": L("急救 120", "ambulance, 120"), "OTHER_TERRITORY": L("其他辖区", "another territory"),
        },
        ExclusionReason: {
            "BEYOND_GOVERNMENT_DUTY": L("超出政府职责", "beyond the government's duty"),
            "IN_LEGAL_PROCEDURE": L("已进入法律程序", "in a legal procedure"),
            "UNLAWFUL_DEMAND": L("诉求违法", "an unlawful demand"),
            "MALICIOUS_REPEAT": L("恶意重复", "repeated in bad faith"),
            "FINISHED_THREE_LEVELS": L("三级终结", "concluded at three levels"),
            "FORCE_MAJEURE": L("不可抗力", "force majeure"),
            "POLICY_LIMIT_EXPLAINED": L("政策所限,已作解释", "limited by policy, and explained"),
        },
        AlertKind: {
            "SPIKE": L("突增", "sudden rise"), "GROWTH": L("持续增长", "steady growth"),
            "SPREAD": L("扩散", "spread"), "CRITICAL": L("单件特急", "one critical matter"),
        },
        AssignmentKind: {
            "LEAD": L("主办", "leads"), "SUPPORT": L("协办", "supports"),
            "COORDINATE": L("属地协调", "coordinates locally"), "FIRST_DISPOSAL": L("先行处置", "contains it first"),
            "VISIT": L("上门走访", "visits"),
        },
        Light: {"GREEN": L("绿灯", "green"), "YELLOW": L("黄灯", "yellow"), "RED": L("红灯", "red")},
        ReturnReason: {
            "NOT_OUR_AREA": L("属地不符", "not our area"), "NOT_OUR_DUTY": L("职责不符", "not our duty"),
            "TAKEN_BACK_ITEM": L("清单已收回", "item taken back by a higher level"),
            "DUPLICATE": L("重复", "duplicate"), "INSUFFICIENT_INFO": L("要素不全", "facts missing"),
            "NO_AUTHORITY": L("没法管", "no authority"),
            "NO_CAPABILITY": L("不会管", "no capability"),
        },
        ReturnFinding: {"UNWILLING": L("不愿管", "unwilling"), "GROUNDLESS": L("理由不成立", "without ground")},
        ConversionReason: {
            "NO_AUTHORITY": L("没法管", "no authority"), "SEVERAL_UNITS": L("涉及多部门", "several units needed"),
            "BEYOND_A_DAY": L("当日办不完", "more than a day's work"),
            "NEEDS_ENFORCEMENT": L("需执法", "needs enforcement"),
        },
        ComplexMark: {
            "CROSS_COUNTY": L("跨县", "across counties"), "LEGAL_VACANCY": L("法规空白", "no law for it"),
            "HISTORICAL": L("历史遗留", "left over from long ago"),
            "COMMAND_CENTRE": L("指挥中心认定", "found by the command centre"),
        },
        WhistleKind: {
            "EMERGENCY": L("应急", "emergency"), "ENFORCEMENT": L("综合执法", "enforcement"),
            "KEY_ISSUE": L("重点难点", "key issue"),
        },
        ReportAnswer: {"ACCEPT": L("报到", "comes"), "DISPUTE": L("有异议", "disputes it")},
        FollowUpOutcome: {"ANSWERED": L("已答复", "answered"), "UNREACHABLE": L("联系不上", "unreachable")},
        Satisfaction: {
            "SATISFIED": L("满意", "satisfied"), "BASICALLY": L("基本满意", "basically satisfied"),
            "DISSATISFIED": L("不满意", "dissatisfied"),
        },
        CloseReason: {
            "EVALUATED": L("已评价", "evaluated"), "UNREACHABLE": L("联系不上", "unreachable"),
            "NO_FOLLOW_UP_DUE": L("无需回访", "no follow-up due"), "WITHDRAWN": L("诉求人撤回", "withdrawn"),
            "NOT_ACCEPTED": L("不予受理", "not accepted"), "TRANSFERRED": L("已转外部", "transferred"),
            "ROUTED": L("已专线移送", "routed apart"),
        },
    }
)  # fmt: skip
"""Chinese and English for every value of every closed list that an event carries."""

LABELS_BY_TITLE: Mapping[str, Mapping[str, Label]] = MappingProxyType({k.__name__: v for k, v in LABELS.items()})
"""The same by the title that a JSON Schema gives the list."""
