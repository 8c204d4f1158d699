"""Who may give which command; the first role named is the least that may, and is assumed where nobody says who acts."""

from collections.abc import Mapping
from typing import Final

from services.dispatch.core.actors import UNIT_ROLES, Actor, Role
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.triggers import (
    AddSupport,
    Answer,
    ApproveHang,
    AskExtension,
    AskInfo,
    Assess,
    BlowWhistle,
    ChangeUrgency,
    CheckIn,
    Command,
    ConfirmCategory,
    Contact,
    ConvertSize,
    Designate,
    EvaluatePartner,
    GrantExtension,
    GrantReturn,
    Hasten,
    HoldMeeting,
    MakePlan,
    MarkComplex,
    NameHandler,
    PassAudit,
    ProposeHang,
    Recall,
    Redispatch,
    RefuseExtension,
    RefuseReturn,
    Reopen,
    ReportCallBack,
    ReportFirstDisposal,
    ReportIn,
    ReportStage,
    Resolve,
    Return,
    Rework,
    Sign,
    SubDispatch,
    Supervise,
    SupplyInfo,
    Unhang,
    WaiveSupport,
    Withdraw,
)

R = Role
_WORKERS: Final = (R.GRID_WORKER, R.HANDLER, R.LIAISON, R.GRID_LEADER, R.TOWNSHIP)
_CENTRE: Final = (R.DISPATCHER, R.COMMAND_CENTRE)

ROLES: Final[Mapping[type[Command], tuple[Role, ...]]] = {
    Sign: (R.GRID_WORKER, R.LIAISON, R.HANDLER, R.GRID_LEADER, R.TOWNSHIP),
    NameHandler: (R.LIAISON, R.GRID_LEADER, R.TOWNSHIP, R.REVIEWER),
    Contact: _WORKERS,
    CheckIn: (*_WORKERS, R.PAIRED_CADRE),
    ReportStage: _WORKERS,
    ReportFirstDisposal: (*_WORKERS, R.PAIRED_CADRE),
    Resolve: (*_WORKERS, R.REVIEWER),
    SubDispatch: (R.LIAISON, R.GRID_LEADER, R.TOWNSHIP),
    PassAudit: (R.AUDITOR,),
    Rework: (R.AUDITOR,),
    Return: (R.GRID_WORKER, R.LIAISON, R.TOWNSHIP),
    GrantReturn: (R.DISPATCHER, R.ADJUDICATOR, R.COMMAND_CENTRE),
    RefuseReturn: (R.DISPATCHER, R.ADJUDICATOR, R.COMMAND_CENTRE),
    Recall: _CENTRE,
    Redispatch: _CENTRE,
    Designate: (R.COMMAND_CENTRE,),
    AskInfo: (R.HANDLER, R.LIAISON, R.GRID_WORKER, R.HOTLINE_AGENT),
    SupplyInfo: (R.CITIZEN, R.HOTLINE_AGENT),
    AskExtension: (R.REVIEWER, R.LIAISON),
    GrantExtension: (R.COMMAND_CENTRE,),
    RefuseExtension: (R.COMMAND_CENTRE,),
    ProposeHang: (R.COMMAND_CENTRE,),
    ApproveHang: (R.COMMAND_CENTRE,),
    Unhang: (R.COMMAND_CENTRE,),
    ConvertSize: (R.GRID_WORKER, R.GRID_LEADER, R.PAIRED_CADRE, R.TOWNSHIP),
    Assess: (R.GRID_WORKER, R.GRID_LEADER, R.PAIRED_CADRE, R.TOWNSHIP, R.HANDLER, R.LIAISON),
    MarkComplex: (R.COMMAND_CENTRE,),
    ChangeUrgency: (R.HOTLINE_AGENT, *_CENTRE),
    ConfirmCategory: _CENTRE,
    MakePlan: (R.LIAISON, R.HANDLER, R.REVIEWER, R.TOWNSHIP, R.COMMAND_CENTRE),
    HoldMeeting: (R.LIAISON, R.REVIEWER, R.TOWNSHIP, R.COMMAND_CENTRE),
    AddSupport: (*_CENTRE, R.LIAISON, R.TOWNSHIP),
    WaiveSupport: (R.COMMAND_CENTRE,),
    BlowWhistle: (R.GRID_LEADER, R.PAIRED_CADRE, R.TOWNSHIP),
    ReportIn: (R.LIAISON,),
    EvaluatePartner: (R.LIAISON, R.TOWNSHIP, R.GRID_LEADER),
    Hasten: (R.CITIZEN, R.HOTLINE_AGENT, R.SUPERVISOR, *_CENTRE),
    Supervise: (R.SUPERVISOR, R.COMMAND_CENTRE),
    Withdraw: (R.CITIZEN,),
    Reopen: (R.CITIZEN, R.SUPERVISOR),
    Answer: (R.HOTLINE_AGENT,),
    ReportCallBack: (R.HOTLINE_AGENT, *_CENTRE),
}


def least_actor(command: Command) -> Actor:
    """Somebody nameless in the least role that may give the command."""
    return Actor(ROLES[type(command)][0])


def check_role(story: Story, command: Command) -> None:
    """Raises Refused unless the actor's role may give this command."""
    if story.actor.role not in ROLES[type(command)]:
        raise Refused("ROLE_MAY_NOT", f"{story.actor.role} may not do this")


def check_unit(story: Story, unit: str) -> None:
    """Raises Refused when somebody acts for a unit that neither has this nor stands above who has it."""
    actor = story.actor
    if actor.role not in UNIT_ROLES or actor.unit is None:
        return
    if actor.unit != unit and actor.unit not in story.org.ancestors(unit):
        raise Refused("NOT_YOUR_ASSIGNMENT", f"{unit} answers for this, not {actor.unit}")
