"""Putting tickets away (归档): what ended so long ago that nothing can bring it back is final for good."""

from services.dispatch.core.case import TicketState
from services.dispatch.core.lifecycle import FINAL_TICKET_STATES, move
from services.dispatch.core.story import Story
from shared.ending_events import TicketArchived


def archive(story: Story) -> None:
    """Put a ticket away whose time is over; any other is left as it is, whoever said so.

    The time is the pack's, and longer than that in which a citizen may come back (T19): the rulebook sees to that.
    """
    case = story.case
    ended_at = case.closed_at if case.state in FINAL_TICKET_STATES - {TicketState.ARCHIVED} else None
    if ended_at is None or story.now < ended_at + story.book.archive.after:
        story.why.append(f"ARCHIVE_TOO_EARLY state={case.state}")
        return
    story.stop_all()  # nobody asks any more whether help came
    story.why.append(f"ARCHIVED was={case.state}")
    story.case = move(case, TicketState.ARCHIVED)
    story.events.append(TicketArchived(ended_as=case.state.value, cycle=case.cycle))
