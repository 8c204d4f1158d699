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
