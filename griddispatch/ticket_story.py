"""The story of a ticket that is in service: what it is, and every decision on it, as sentences and as codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx

from griddispatch.explanation import told_reason, told_rule
from griddispatch.wording import Words
from services.dispatch.core.sentences import Language
from services.intake.core.triage import Fired
from shared.errors import NotFound, Unavailable
from shared.terms import AssignmentKind, Light, MatterSize, TicketType, Urgency

TIMEOUT_S: Final = 10.0

Document = Mapping[str, Any]
_NEEDED: Final = frozenset(
    (
        "ticket_no",
        "state",
        "public_state",
        "ticket_type",
        "category",
        "urgency",
        "size",
        "light",
        "due_at",
        "assignments",
    )
)


@dataclass(frozen=True, slots=True)
class TicketStory:
    """What the services say of one ticket; `triage` is None where intake says nothing of why."""

    ticket: Document
    decisions: tuple[Document, ...]
    triage: tuple[Fired, ...] | None = None


def fetch_story(ticket_id: UUID, dispatch: str, intake: str | None, client: httpx.Client) -> TicketStory:
    """Ask dispatch, and intake if its URL is given. Raises NotFound, or Unavailable when a service does not answer."""
    ticket = _get(client, f"{dispatch}/v1/tickets/{ticket_id}")
    decisions = _get(client, f"{dispatch}/v1/tickets/{ticket_id}/explanation")
    if not isinstance(ticket, dict) or not isinstance(decisions, list) or not ticket.keys() >= _NEEDED:
        raise NotFound(f"no ticket {ticket_id} at {dispatch}")
    triage = None if intake is None else _get(client, f"{intake}/v1/tickets/{ticket_id}/explanation")
    return TicketStory(ticket, tuple(decisions), _fired(triage))


def new_client() -> httpx.Client:
    """A client whose every wait ends; no proxies, no redirects."""
    return httpx.Client(timeout=TIMEOUT_S, trust_env=False)


def _get(client: httpx.Client, url: str) -> Any:
    """The document at the URL, or None when there is none."""
    try:
        response = client.get(url)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        return response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(f"{url}: {type(error).__name__}: {error}") from error


def _fired(rows: object) -> tuple[Fired, ...] | None:
    if not isinstance(rows, list):
        return None
    return tuple(
        Fired(str(row["rule"]), tuple(map(str, row.get("saw", ()))))
        for row in rows
        if isinstance(row, dict) and "rule" in row
    )


def told_story(story: TicketStory, words: Words) -> list[str]:
    """The story as lines of one language: what it is, who does it, why, and each decision with its instant."""
    zh = words.is_chinese
    lines = [_summary(story.ticket, words)]
    if story.triage:
        reasons = [told_rule(fired, words) for fired in story.triage]
        lines.append(f"分拨：{'；'.join(reasons)}。" if zh else f"Triage: {'; '.join(reasons)}.")
    for decision in story.decisions:
        told = [told_reason(reason, words) for reason in decision["explanation"]] or [
            "无变化" if zh else "nothing changed"
        ]
        at = words.instant(datetime.fromisoformat(decision["decided_at"]))
        lines.append(f"{at}：{'；'.join(told)}。" if zh else f"{at}: {'; '.join(told)}.")
    return lines


def _summary(ticket: Document, words: Words) -> str:
    """Type, category, urgency, size, light, who does it, by when."""
    labels = [
        words.label(TicketType(ticket["ticket_type"])), f"“{words.category(ticket['category'])}”",
        words.label(Urgency(ticket["urgency"])), words.label(MatterSize(ticket["size"])),
        words.label(Light(ticket["light"])),
    ]  # fmt: skip
    parts = [
        f"{words.unit(part['unit'])} {words.label(AssignmentKind(part['kind']))}"
        for part in ticket["assignments"]
        if part.get("ended_at") is None
    ]
    due, number = words.deadline(datetime.fromisoformat(ticket["due_at"])), ticket["ticket_no"]
    if words.is_chinese:
        state = ticket["public_state"]
        return f"工单{number}（{state}）：{'，'.join(labels)}；{'，'.join(parts)}；{due}前办结。"
    return f"Ticket {number} ({ticket['state']}): {', '.join(labels)}; {', '.join(parts)}; due {due}."


def story_codes(story: TicketStory) -> list[str]:
    """Every rule that fired, in order, with what it saw."""
    triage = [" ".join((fired.rule, *(f"“{word}”" for word in fired.words))) for fired in story.triage or ()]
    return triage + [reason for decision in story.decisions for reason in decision["explanation"]]


def story_document(story: TicketStory, both: Mapping[Language, Words]) -> dict[str, Any]:
    """The same as JSON has it."""
    triage = None if story.triage is None else [{"rule": one.rule, "saw": one.words} for one in story.triage]
    text = {language: told_story(story, words) for language, words in both.items()}
    return {"ticket": story.ticket, "triage": triage, "decisions": list(story.decisions), "text": text}
