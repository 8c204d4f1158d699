"""Who leads: category x grid at first, and whom a returned ticket goes to next."""

from services.dispatch.core.case import Assignment, Case
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from shared.events import TicketTriaged
from shared.terms import AssignmentKind, MatterSize, ReturnReason

_DUTY_REASONS = (ReturnReason.NOT_OUR_DUTY, ReturnReason.TAKEN_BACK_ITEM, ReturnReason.NO_AUTHORITY)


def lead_unit(matter: TicketTriaged, size: MatterSize, org: Org, book: Rulebook) -> tuple[str, str]:
    """The unit that must lead, and the rule that chose it with what it saw.

    A small matter stays in its grid; any other goes to the department of its category; what nobody is named for goes
    to the closest place, and what cannot be trusted or placed to the command centre.
    """
    if matter.confidence < book.least_confidence:
        return org.command_centre, f"LEAD_COMMAND_CENTRE_UNSURE confidence={matter.confidence:.2f}"
    place = org.place_unit(matter.grid, matter.village, matter.township)
    if size is MatterSize.SMALL and place is not None:
        return place, f"LEAD_SMALL_IN_PLACE unit={place}"
    department = org.department_for(matter.category)
    if department is not None:
        return department, f"LEAD_BY_CATEGORY category={matter.category} unit={department}"
    if place is not None:
        return place, f"LEAD_BY_PLACE unit={place}"
    return org.command_centre, "LEAD_COMMAND_CENTRE_NOBODY_NAMED"


def next_unit(case: Case, returned: Assignment, reason: ReturnReason, org: Org, book: Rulebook) -> tuple[str, str]:
    """Whom a granted return goes to; nobody gets it a second time, and at last the command centre designates."""
    if case.redispatches >= book.max_redispatches:
        return org.command_centre, f"NEXT_DESIGNATED redispatches={case.redispatches}"
    had = {a.unit for a in case.assignments if a.kind is AssignmentKind.LEAD}
    department = org.department_for(case.category)
    township = org.place_unit(None, None, case.township)
    wanted = (department, township) if reason in _DUTY_REASONS else (township, department)
    for unit in wanted:
        if unit is not None and unit not in had:
            return unit, f"NEXT_BY_REASON reason={reason} unit={unit}"
    return org.command_centre, f"NEXT_COMMAND_CENTRE reason={reason} unit={returned.unit}"
