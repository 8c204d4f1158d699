"""Who acts: the roles there are, and a person in one of them."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in the loop; the values are those of the lifecycle table and the API."""

    SYSTEM = "system"
    CITIZEN = "citizen"
    HOTLINE_AGENT = "hotline_agent"
    DISPATCHER = "dispatcher"
    COMMAND_CENTRE = "command_centre"
    TOWNSHIP = "township"
    GRID_LEADER = "grid_leader"
    PAIRED_CADRE = "paired_cadre"
    GRID_WORKER = "grid_worker"
    LIAISON = "liaison"
    HANDLER = "handler"
    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"
    AUDITOR = "auditor"
    FOLLOW_UP_AGENT = "follow_up_agent"
    SUPERVISOR = "supervisor"


ROLE_NAMES = {
    Role.SYSTEM: ("系统", "System"), Role.CITIZEN: ("诉求人", "Citizen"),
    Role.HOTLINE_AGENT: ("话务员", "Hotline agent"),
    Role.DISPATCHER: ("派单员", "Dispatcher"), Role.COMMAND_CENTRE: ("指挥中心", "Command centre"),
    Role.TOWNSHIP: ("镇街分中心", "Township sub-centre"), Role.GRID_LEADER: ("网格长", "Grid leader"),
    Role.PAIRED_CADRE: ("包格干部", "Paired cadre"), Role.GRID_WORKER: ("网格员", "Grid worker"),
    Role.LIAISON: ("联络员", "Liaison"), Role.HANDLER: ("承办人", "Handler"), Role.REVIEWER: ("审核人", "Reviewer"),
    Role.ADJUDICATOR: ("仲裁组", "Adjudicator"), Role.AUDITOR: ("审核员", "Auditor"),
    Role.FOLLOW_UP_AGENT: ("回访员", "Follow-up agent"), Role.SUPERVISOR: ("督办员", "Supervisor"),
}  # fmt: skip
"""Chinese and English."""

UNIT_ROLES = frozenset(
    (Role.TOWNSHIP, Role.GRID_LEADER, Role.PAIRED_CADRE, Role.GRID_WORKER, Role.LIAISON, Role.HANDLER, Role.REVIEWER)
)
"""Roles that act for a unit, and only on what their unit or one below it answers for."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a role; `unit` and `person` are ids, None where the caller did not say."""

    role: Role
    unit: str | None = None
    person: str | None = None


SYSTEM = Actor(Role.SYSTEM)
