"""`griddispatch rules`: what an operator asks of a rule pack before it goes into service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer

from griddispatch.data import data_root
from griddispatch.explain import explain
from griddispatch.simulate import simulate
from services.dispatch.core.rule_examples import check_examples
from services.dispatch.core.rulebook import Rulebook, RulePackRefused, load_pack_rules
from services.intake.core.incident_rules import read_incident_rules
from services.intake.core.triage_rules import read_rules
from services.notify.core.measures import load_measures
from shared.packs import SHEET, Pack, PackRefused, open_pack

T = TypeVar("T")

REFUSED: Final = 2
DISPATCH: Final = ("dispatch.toml", "categories.toml", "calendar.toml")
INTAKE: Final = ("triage.toml", "categories.toml")
INCIDENTS: Final = ("incidents.toml",)
NOTIFY: Final = ("notify.toml", "measures.toml")
EXAMPLES: Final = ("examples.toml",)
FILES: Final = tuple(dict.fromkeys((*DISPATCH, *INTAKE, *INCIDENTS, *NOTIFY, *EXAMPLES)))

app = typer.Typer(no_args_is_help=True, help="Rule packs: limits, words, calendars and thresholds as data.")
app.command()(explain)
app.command()(simulate)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: `problems` by file and line, `notes` on what has no effect, `counts` of what was read."""

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


AGREED: Final = (("incidents.toml", "repeats.reopen_days", "dispatch.toml", "repeats.reopen_days"),)
"""Figures that two services keep of the same thing."""


@app.callback()
def rules() -> None:
    """Rule packs."""


@app.command()
def check(
    folders: Annotated[list[Path] | None, typer.Argument(metavar="[DIR…]", help="packs; all that ship if none")] = None,
) -> None:
    """Read packs as the services do, run their examples, and list everything that is wrong."""
    wanted = folders or shipped_packs()
    for folder in wanted:
        if not folder.is_dir():
            _leave(f"{folder}: there is no such folder", REFUSED)
    today = datetime.now().astimezone().date()
    verdicts = {folder: check_pack(folder, today) for folder in wanted}
    for folder, verdict in verdicts.items():
        name = folder.resolve().name
        if verdict.problems:
            typer.echo(f"{name}: {len(verdict.problems)} problems")
        else:
            typer.echo(f"{name}: OK, {', '.join(verdict.counts)}")
        for line in (*verdict.problems, *(f"note: {note}" for note in verdict.notes)):
            typer.echo(f"  {line}")
    if any(verdict.problems for verdict in verdicts.values()):
        raise typer.Exit(1)


def shipped_packs() -> list[Path]:
    """Every pack of this installation, by name."""
    return sorted(sheet.parent for sheet in (data_root() / "packs").glob(f"*/{SHEET}"))


def check_pack(folder: Path, today: date) -> Verdict:
    """Everything about one pack: its sheet, its files as each service reads them, its locks and its examples.

    `today` only decides whether a calendar that lacks a year is worth a note.
    """
    try:
        pack = open_pack(folder, *FILES, strict=True)
    except PackRefused as refused:
        return Verdict(refused.problems)
    problems: list[str] = []
    book = _tried(pack, load_pack_rules, DISPATCH, problems)
    triage = _tried(pack, read_rules, INTAKE, problems)
    _tried(pack, read_incident_rules, INCIDENTS, problems)
    _tried(pack, load_measures, NOTIFY, problems)
    problems += _disagreements(pack)
    if book is None:
        return Verdict(tuple(dict.fromkeys(problems)))
    examples = _tried(pack, lambda table: _run(table, book), EXAMPLES, problems)
    if problems or triage is None:
        return Verdict(tuple(dict.fromkeys(problems)))
    counts = (
        f"{len(book.limits)} limits", f"{len(book.case_classes)} case classes", f"{len(triage.tree.leaves)} categories",
        f"{len(triage.urgency) + len(triage.types) + len(triage.categories)} word rules",
        f"calendar {book.calendar.years[0].year}–{book.calendar.years[-1].year}", f"{examples} examples",
    )  # fmt: skip
    notes = [pack.located(note, "dispatch.toml") for note in book.notes]
    if book.calendar.lacks_next_year(today):
        year = book.calendar.covered_until.year + 1
        notes.append(pack.located(f"years.{year}: is not loaded yet, so its days are provisional", "calendar.toml"))
    return Verdict((), tuple(notes), counts)


def _tried(pack: Pack, reader: Callable[..., T], files: tuple[str, ...], problems: list[str]) -> T | None:
    try:
        return pack.read(reader, *files)
    except PackRefused as refused:
        problems += refused.problems
        return None


def _disagreements(pack: Pack) -> list[str]:
    """Where two services would see the same thing differently."""
    problems = []
    for file, path, other, its_path in AGREED:
        ours, theirs = pack.value(file, path), pack.value(other, its_path)
        if ours is not None and theirs is not None and ours != theirs:
            problems.append(pack.located(f"{path}: is {ours}, but {its_path} of {other} is {theirs}", file))
    return problems


def _run(table: Mapping[str, Any], book: Rulebook) -> int:
    count, problems = check_examples(table, book)
    if problems:
        raise RulePackRefused(problems)
    return count


def _leave(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
