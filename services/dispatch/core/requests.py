"""Work asked of townships beside any ticket, as tasks, reports, ledgers, entrustments: the duty lists rule it too."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import ConfigDict, Field

from services.dispatch.core.fields import UnitId
from services.dispatch.core.guards import Task, Verdict, judge_unit
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from shared.joint_events import GuardRefused
from shared.sections import CLOSED
from shared.terms import AssignmentKind, Urgency


class RequestKind(StrEnum):
    """What is asked: 任务, 报表, 台账, 委托."""

    TASK = "TASK"
    REPORT = "REPORT"
    LEDGER = "LEDGER"
    ENTRUSTMENT = "ENTRUSTMENT"


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """A unit asks something of places, by their unit ids; `enforces` when it asks for an act of authority.

    An entrustment brings money or people, and ends: without that it is refused, whatever the lists say.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    kind: RequestKind
    unit: UnitId
    category: Annotated[str, Field(pattern=r"^([0-9]{2}){1,3}$")]
    targets: Annotated[tuple[UnitId, ...], Field(min_length=1, max_length=200)]
    enforces: bool = False
    funding_yuan: Annotated[int, Field(ge=0, le=1_000_000_000_000)] = 0
    staff: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    until: date | None = None


class TargetVerdict(NamedTuple):
    """What the guards say of one target; `refused` is what the burden report keeps."""

    target: str
    verdict: Verdict
    refused: GuardRefused | None

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        v = self.verdict
        return {"unit": self.target, "code": v.code, "rule": v.rule, "list_version": v.list_version,
                "deployment": v.deployment}  # fmt: skip


def judge_request(asked: WorkRequest, unit: str, book: Rulebook, org: Org, on: date) -> list[TargetVerdict]:
    """Whether each target may be asked."""
    task = Task(asked.category, Urgency.U3, enforces=asked.enforces)
    verdicts = []
    for target in asked.targets:
        verdict = judge_unit(task, target, AssignmentKind.SUPPORT, unit, book, org, on)
        if verdict.code is None and asked.kind is RequestKind.ENTRUSTMENT and not _is_supported(asked, on):
            verdict = Verdict("ENTRUSTMENT_WITHOUT_SUPPORT", "SUPPORT_AND_END_NEEDED")
        refused = None
        if verdict.code is not None:
            refused = GuardRefused(
                code=verdict.code, unit=unit, target=target, category=asked.category,
                rule=f"{asked.kind}_{verdict.rule}",
            )  # fmt: skip
        verdicts.append(TargetVerdict(target, verdict, refused))
    return verdicts


def _is_supported(asked: WorkRequest, on: date) -> bool:
    """Whether it brings money or people, and ends on a day that is not over."""
    return (asked.funding_yuan > 0 or asked.staff > 0) and asked.until is not None and asked.until >= on
