"""`griddispatch rules explain`: why a matter is what it is, who must do it by when, and by which rules."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn
from uuid import UUID

import orjson
import typer

from griddispatch.data import AREA, PACK, find
from griddispatch.desk import Desk, DeskRefused, Recorded, judge, read_desk, read_gazetteer, take_on
from griddispatch.explanation import LANGUAGES, Explanation, as_document, clock_text, paragraph
from griddispatch.explanation import explain as explained
from griddispatch.ticket_story import fetch_story, new_client, story_codes, story_document, told_story
from griddispatch.wording import Words
from services.dispatch.core.sentences import Language
from services.intake.core.location import Clues, Gazetteer, Location, PlaceReason
from services.intake.core.triage import Matter
from shared.clock import utc_now
from shared.errors import NotFound, Unavailable
from shared.terms import PlaceLevel, TicketType, Urgency

REFUSED: Final = 2
UNREACHABLE: Final = 3
LONGEST: Final = 4000
"""Characters of a text, as at the door."""


class Spoken(StrEnum):
    """A language to tell it in."""

    ZH = "zh"
    EN = "en"


def explain(
    ticket: Annotated[str | None, typer.Argument(metavar="[TICKET_ID]", help="a ticket in service")] = None,
    text: Annotated[str | None, typer.Option(help="what the citizen says")] = None,
    title: Annotated[str, typer.Option(help="a title, if there is one")] = "",
    at: Annotated[str | None, typer.Option(help="when it came in, local time: 2026-03-10T09:15 [now]")] = None,
    lon: Annotated[float | None, typer.Option(min=-180, max=180, help="degrees, WGS 84")] = None,
    lat: Annotated[float | None, typer.Option(min=-90, max=90, help="degrees, WGS 84")] = None,
    grid: Annotated[str | None, typer.Option(help="the grid's code, instead of a point")] = None,
    ticket_type: Annotated[TicketType | None, typer.Option("--type", help="as the hotline gave it")] = None,
    category: Annotated[str | None, typer.Option(help="six digits, as the hotline gave it")] = None,
    urgency: Annotated[Urgency | None, typer.Option(help="as the hotline gave it")] = None,
    pack: Annotated[Path | None, typer.Option(help="a rule pack's folder [county-default]")] = None,
    area: Annotated[Path | None, typer.Option(help="an area's folder [sample-county]")] = None,
    lang: Annotated[Spoken | None, typer.Option(help="only this language")] = None,
    dispatch: Annotated[str | None, typer.Option(metavar="URL", help="with TICKET_ID: the dispatch service")] = None,
    intake: Annotated[str | None, typer.Option(metavar="URL", help="with TICKET_ID: the intake service too")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Say why: of a text that you give, or of a ticket in service."""
    desk = _desk(pack, area)
    spoken: tuple[Language, ...] = LANGUAGES if lang is None else (lang.value,)
    both = {language: Words(desk, language) for language in spoken}
    if ticket is not None:
        if text is not None or dispatch is None:
            _leave("a TICKET_ID goes with --dispatch URL and without --text")
        _tell_ticket(ticket, dispatch, intake, both, as_json)
        return
    if text is None or not text.strip() or len(text) > LONGEST:
        _leave(f"--text: wants 1 to {LONGEST} characters, or give a TICKET_ID with --dispatch URL")
    if category is not None and category not in desk.rules.tree.leaves:
        _leave(f"--category: {category!r} is not in the pack")
    place = _place(_gazetteer(area), Clues(lon, lat, words=f"{title}\n{text}"), grid)
    recorded = Recorded(Matter(text, title, ticket_type, category), _instant(at, desk), urgency=urgency)
    explanation = explained(desk, take_on(desk, recorded, place, judge(desk, recorded, place)))
    typer.echo(_as_json(as_document(explanation, both)) if as_json else told(explanation, both))


def told(explanation: Explanation, both: dict[Language, Words]) -> str:
    """The whole as people read it: for each language a paragraph and the clocks, then the codes."""
    blocks = [
        "\n".join((paragraph(explanation, words), *(f"  {clock_text(line, words)}" for line in explanation.clocks)))
        for words in both.values()
    ]
    blocks.append("\n".join(explanation.codes))
    return "\n\n".join(blocks)


def _tell_ticket(ticket: str, dispatch: str, intake: str | None, both: dict[Language, Words], as_json: bool) -> None:
    try:
        ticket_id = UUID(ticket)
    except ValueError:
        _leave(f"{ticket!r} is not the id of a ticket")
    try:
        with new_client() as client:
            story = fetch_story(ticket_id, dispatch.rstrip("/"), intake.rstrip("/") if intake else None, client)
    except NotFound as error:
        _leave(str(error))
    except Unavailable as error:
        _leave(str(error), UNREACHABLE)
    if as_json:
        typer.echo(_as_json(story_document(story, both)))
        return
    blocks = ["\n".join(told_story(story, words)) for words in both.values()]
    typer.echo("\n\n".join((*blocks, "\n".join(story_codes(story)))))
    if story.triage is None:
        typer.echo("\nwhy it was triaged so is not said: intake was not asked, or has no explanation of it", err=True)


def _place(gazetteer: Gazetteer, clues: Clues, grid: str | None) -> Location:
    if (clues.lon is None) != (clues.lat is None):
        _leave("--lon and --lat go together")
    if grid is None:
        return gazetteer.locate([clues])[0]
    if clues.lon is not None:
        _leave("--grid goes without --lon and --lat")
    if grid not in {known.code for known in gazetteer.grids}:
        _leave(f"--grid: {grid!r} is no grid of this area")
    return Location(PlaceLevel.GRID, grid[:6], grid[:9], grid[:12], grid, reason=PlaceReason.IN_GRID)


def _instant(at: str | None, desk: Desk) -> datetime:
    """When it came in, in UTC; a time without a zone is local."""
    if at is None:
        return utc_now()
    try:
        given = datetime.fromisoformat(at)
    except ValueError:
        _leave(f"--at: {at!r} is not a time such as 2026-03-10T09:15")
    calendar = desk.book.calendar
    local = given if given.tzinfo is not None else given.replace(tzinfo=calendar.zone)
    if not calendar.years[0].year <= local.year <= calendar.years[-1].year + 1:
        _leave(f"--at: the calendar knows {calendar.years[0].year} to {calendar.years[-1].year}")
    return local.astimezone(utc_now().tzinfo)


def _desk(pack: Path | None, area: Path | None) -> Desk:
    try:
        return read_desk(pack or find(PACK), area or find(AREA))
    except DeskRefused as refused:
        _leave("\n".join(refused.problems))


def _gazetteer(area: Path | None) -> Gazetteer:
    try:
        return read_gazetteer(area or find(AREA))
    except DeskRefused as refused:
        _leave("\n".join(refused.problems))


def _as_json(document: object) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _leave(message: str, code: int = REFUSED) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
