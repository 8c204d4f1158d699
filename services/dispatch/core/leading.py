"""Who leads a matter that came back after it was closed: a level above whoever would lead it for the first time."""

from collections.abc import Iterator
from datetime import date

from services.dispatch.core.assignment import Candidate, choose_lead, first_admitted
from services.dispatch.core.guards import Verdict, verdict_on
from services.dispatch.core.story import Story
from shared.terms import AssignmentKind

_LEAD = AssignmentKind.LEAD


def lead_of(story: Story) -> tuple[str, Verdict]:
    """The unit that must lead a matter that is not small, so many levels up as it came back with.

    The levels are the place (grid and village), the township, the department, the command centre. Whoever the guards
    refuse is passed over for the level above.
    """
    if not story.case.levels_up:
        return choose_lead(story)
    usual = _usual(story)
    above = list(_above(story, usual, story.today))
    skipped = story.case.levels_up - 1
    wanted = above[skipped:] or above[-1:]
    candidates: Iterator[Candidate] = (
        (unit, f"LEAD_LEVELS_UP levels={story.case.levels_up} instead_of={usual} unit={unit}") for unit in wanted
    )
    return first_admitted(story, candidates, _LEAD, story.today) or choose_lead(story)


def _usual(story: Story) -> str:
    """Who would lead it had it not come back: of what may be small its place, of anything else who owes it."""
    case = story.case
    place = story.org.place_unit(case.grid, case.village, case.township)
    may_be_small = case.category in story.book.small_categories and place is not None
    if may_be_small and place is not None and verdict_on(story, place, _LEAD).code is None:
        return place
    unit, _ = choose_lead(Story(case, story.book, story.org, story.now))
    return unit


def _above(story: Story, unit: str, on: date) -> Iterator[str]:
    """One unit of each level above, the command centre last."""
    case, org = story.case, story.org
    level = unit.partition(":")[0]
    township = org.place_unit(None, None, case.township)
    if level in ("grid", "village") and township is not None:
        yield township
    if level in ("grid", "village", "township"):
        lead = org.lead_for(case.category, case.township, on)
        if lead is not None and lead.unit != unit:
            yield lead.unit
    else:
        yield from (one for one in org.ancestors(unit) if one != org.command_centre)
    yield org.command_centre
