"""The product's terms as types: ids and closed lists, as events, tables and APIs spell them."""

from enum import StrEnum
from typing import NewType
from uuid import UUID

TicketId = NewType("TicketId", UUID)
AssignmentId = NewType("AssignmentId", UUID)


class Source(StrEnum):
    """Who states the facts: the CloudEvents `source`."""

    INTAKE = "/griddispatch/intake"
    DISPATCH = "/griddispatch/dispatch"
    NOTIFY = "/griddispatch/notify"


class Channel(StrEnum):
    """How a matter reached the hotline."""

    PHONE = "PHONE"
    WEB = "WEB"
    APP = "APP"
    WECHAT = "WECHAT"
    LETTER = "LETTER"
    VISIT = "VISIT"
    SERVICE_CENTRE = "SERVICE_CENTRE"
    GRID_PATROL = "GRID_PATROL"
    EVENING_TALK = "EVENING_TALK"
    ONSITE_OFFICE = "ONSITE_OFFICE"
    UPPER_LEVEL = "UPPER_LEVEL"
    TRANSFER_110 = "TRANSFER_110"
    SENSOR = "SENSOR"


class TicketType(StrEnum):
    """What the citizen wants: 咨询 求助 投诉 举报 建议 表扬 其他."""

    CONSULT = "CONSULT"
    HELP = "HELP"
    COMPLAINT = "COMPLAINT"
    REPORT = "REPORT"
    SUGGESTION = "SUGGESTION"
    PRAISE = "PRAISE"
    OTHER = "OTHER"


class Urgency(StrEnum):
    """U1 特急, U2 紧急, U3 一般."""

    U1 = "U1"
    U2 = "U2"
    U3 = "U3"


class PlaceLevel(StrEnum):
    """How closely a matter's place is known."""

    GRID = "GRID"
    VILLAGE = "VILLAGE"
    TOWNSHIP = "TOWNSHIP"
    COUNTY = "COUNTY"


class MatterSize(StrEnum):
    """SMALL 小事 is solved the same day, BIG 大事 by joint action; some matters are not sized."""

    SMALL = "SMALL"
    BIG = "BIG"
    UNSIZED = "UNSIZED"


class AssignmentKind(StrEnum):
    """One unit's part in a ticket: exactly one live LEAD at any time."""

    LEAD = "LEAD"
    SUPPORT = "SUPPORT"
    COORDINATE = "COORDINATE"
    FIRST_DISPOSAL = "FIRST_DISPOSAL"
    VISIT = "VISIT"


class Light(StrEnum):
    """Due-state of a ticket: 绿灯 黄灯 红灯."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"


class ReturnReason(StrEnum):
    """Why a unit may hand an assignment back (退单原因)."""

    NOT_OUR_AREA = "NOT_OUR_AREA"
    NOT_OUR_DUTY = "NOT_OUR_DUTY"
    TAKEN_BACK_ITEM = "TAKEN_BACK_ITEM"
    DUPLICATE = "DUPLICATE"
    INSUFFICIENT_INFO = "INSUFFICIENT_INFO"
    NO_AUTHORITY = "NO_AUTHORITY"
    NO_CAPABILITY = "NO_CAPABILITY"


class FollowUpOutcome(StrEnum):
    """How asking the citizen ended; silence is never satisfaction."""

    ANSWERED = "ANSWERED"
    UNREACHABLE = "UNREACHABLE"


class Satisfaction(StrEnum):
    """The citizen's word: 满意 基本满意 不满意."""

    SATISFIED = "SATISFIED"
    BASICALLY = "BASICALLY"
    DISSATISFIED = "DISSATISFIED"


class CloseReason(StrEnum):
    """Why a loop was closed: by the citizen, or by a rule that says so in the open."""

    EVALUATED = "EVALUATED"
    UNREACHABLE = "UNREACHABLE"
    NO_FOLLOW_UP_DUE = "NO_FOLLOW_UP_DUE"
    WITHDRAWN = "WITHDRAWN"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    TRANSFERRED = "TRANSFERRED"
    ROUTED = "ROUTED"


class ReturnFinding(StrEnum):
    """What an adjudicator finds about a refused return: 不愿管, or no ground for it."""

    UNWILLING = "UNWILLING"
    GROUNDLESS = "GROUNDLESS"


class ConversionReason(StrEnum):
    """Why a small matter turned out big on the spot: 没法管, 多部门, 超出当日, 需执法."""

    NO_AUTHORITY = "NO_AUTHORITY"
    SEVERAL_UNITS = "SEVERAL_UNITS"
    BEYOND_A_DAY = "BEYOND_A_DAY"
    NEEDS_ENFORCEMENT = "NEEDS_ENFORCEMENT"


class ComplexMark(StrEnum):
    """What makes a big matter complex (疑难), beside the number of units: 跨县, 法规空白, 历史遗留, 指挥中心认定."""

    CROSS_COUNTY = "CROSS_COUNTY"
    LEGAL_VACANCY = "LEGAL_VACANCY"
    HISTORICAL = "HISTORICAL"
    COMMAND_CENTRE = "COMMAND_CENTRE"


class WhistleKind(StrEnum):
    """Why a township calls departments to the spot (吹哨): 应急, 综合执法, 重点难点."""

    EMERGENCY = "EMERGENCY"
    ENFORCEMENT = "ENFORCEMENT"
    KEY_ISSUE = "KEY_ISSUE"


class ReportAnswer(StrEnum):
    """What a department says to a whistle (报到): it comes, or it disputes that it must."""

    ACCEPT = "ACCEPT"
    DISPUTE = "DISPUTE"


SessionId = NewType("SessionId", UUID)
ItemId = NewType("ItemId", UUID)


class SessionKind(StrEnum):
    """How people were listened to: 夜话, 开门纳谏, 现场办公, 网格巡查."""

    EVENING_TALK = "EVENING_TALK"
    OPEN_MEETING = "OPEN_MEETING"
    ONSITE_OFFICE = "ONSITE_OFFICE"
    PATROL = "PATROL"


IncidentId = NewType("IncidentId", UUID)
LeadId = NewType("LeadId", UUID)


class LeadKind(StrEnum):
    """What a sensitive lead 问题线索 is about: 扬言, 纪检监察, 涉黑涉恶."""

    THREAT = "THREAT"
    DISCIPLINE = "DISCIPLINE"
    SECURITY = "SECURITY"


class NotAcceptedReason(StrEnum):
    """Why a matter is not taken on 不予受理; each names another way that is open."""

    EMERGENCY_110_119_120 = "EMERGENCY_110_119_120"
    LITIGATION_OR_ARBITRATION = "LITIGATION_OR_ARBITRATION"
    RECONSIDERATION = "RECONSIDERATION"
    PETITION_ONGOING = "PETITION_ONGOING"
    INFO_DISCLOSURE = "INFO_DISCLOSURE"
    SECRET_OR_PRIVACY = "SECRET_OR_PRIVACY"
    OUT_OF_TERRITORY = "OUT_OF_TERRITORY"
    UNLAWFUL_OR_IMMORAL = "UNLAWFUL_OR_IMMORAL"
    NO_SUBSTANCE = "NO_SUBSTANCE"
    SAME_MATTER_FINISHED = "SAME_MATTER_FINISHED"


class SplitReason(StrEnum):
    """Why a merge is undone 拆单."""

    OTHER_PLACE = "OTHER_PLACE"
    OTHER_MATTER = "OTHER_MATTER"
    OTHER_DUTY = "OTHER_DUTY"
    CITIZEN_ASKED = "CITIZEN_ASKED"
    WITHDRAWN = "WITHDRAWN"


class TakeUpReason(StrEnum):
    """Why a merged ticket is worked on by itself again: it was split off, or the one it waited for ended unsolved."""

    SPLIT = "SPLIT"
    MAIN_ENDED = "MAIN_ENDED"


class TransferTarget(StrEnum):
    """To whom a whole matter is handed outside the system 转外部."""

    POLICE_110 = "POLICE_110"
    FIRE_119 = "FIRE_119"
    AMBULANCE_120 = "AMBULANCE_120"
    OTHER_TERRITORY = "OTHER_TERRITORY"


class ExclusionReason(StrEnum):
    """Why a judged ticket may be left out of a unit's rates 剔除; it stays in the volume."""

    BEYOND_GOVERNMENT_DUTY = "BEYOND_GOVERNMENT_DUTY"
    IN_LEGAL_PROCEDURE = "IN_LEGAL_PROCEDURE"
    UNLAWFUL_DEMAND = "UNLAWFUL_DEMAND"
    MALICIOUS_REPEAT = "MALICIOUS_REPEAT"
    FINISHED_THREE_LEVELS = "FINISHED_THREE_LEVELS"
    FORCE_MAJEURE = "FORCE_MAJEURE"
    POLICY_LIMIT_EXPLAINED = "POLICY_LIMIT_EXPLAINED"


class AlertKind(StrEnum):
    """What kind of gathering is warned of 风险预警: 突增, 持续增长, 扩散, 单件特急."""

    SPIKE = "SPIKE"
    GROWTH = "GROWTH"
    SPREAD = "SPREAD"
    CRITICAL = "CRITICAL"
