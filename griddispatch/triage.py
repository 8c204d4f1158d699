"""`griddispatch triage`: train a model on labelled texts, measure it, and ask why a matter is judged as it is."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from griddispatch.data import PACK, find
from griddispatch.demo.layouts import InputError
from griddispatch.evaluation import Evaluation, evaluate
from griddispatch.labelled import Columns, Labelled, read_labelled
from griddispatch.training import Recipe, fold_of, train
from services.intake.core.classifier import Classifier, read_classifier
from services.intake.core.lessons import Lesson
from services.intake.core.triage import Matter, Triage, triage
from services.intake.core.triage_rules import read_rules
from services.intake.learning import read_lessons
from services.intake.models import read_models
from shared.database import connect
from shared.errors import Rejected
from shared.packs import open_pack

T = TypeVar("T")

REFUSED: Final = 2
HELD_OUT: Final = 4
"""The fold, a fifth of the texts by their words alone, that `--hold-out` keeps for measuring."""
RULES: Final = ("triage.toml", "categories.toml")

app = typer.Typer(no_args_is_help=True, help="Judging texts: train a model, measure it, ask it why.")

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="labelled texts or lessons: .csv, .ndjson, also .gz")
]
TextColumn = Annotated[str, typer.Option("--text", help="the column of the text")]
LabelColumn = Annotated[str, typer.Option("--label", help="the column of the label")]
TitleColumn = Annotated[str, typer.Option("--title", help="the column of a title, if there is one")]
HoldOut = Annotated[bool, typer.Option("--hold-out", help="keep a fifth of the texts for measuring; eval uses only it")]


@app.callback()
def judging() -> None:
    """Judging texts."""


@app.command("train")
def train_model(
    files: Files,
    out: Annotated[Path, typer.Option(help="where the model goes")],
    text: TextColumn = "text",
    label: LabelColumn = "label",
    title: TitleColumn = "title",
    target: Annotated[str, typer.Option(help="what it predicts: category or ticket_type")] = "category",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="confidence from which triage heeds it")] = 0.5,
    hold_out: HoldOut = False,
) -> None:
    """Train a model on texts whose label a person has chosen; several files are learnt together."""
    if not out.absolute().parent.is_dir():
        _leave(f"--out: there is no folder {out.absolute().parent}")
    rows = _tried(lambda: read_labelled(files, Columns(text, label, title)))
    lessons = [lesson for row in rows if (lesson := _lesson(row)).label]
    if hold_out:
        lessons = [lesson for lesson in lessons if fold_of(lesson) != HELD_OUT]
    began = time.monotonic()
    model = _tried(lambda: train(lessons, Recipe(target=target, threshold=threshold)))
    out.write_bytes(model.to_bytes())
    skipped = sum(not row.label for row in rows)
    typer.echo(f"{out}: {model.examples} texts, {len(model.labels)} labels, {time.monotonic() - began:.1f} s")
    if skipped:
        typer.echo(f"left out {skipped} rows without a {label}")


@app.command("lessons")
def export_lessons(
    file: Annotated[Path, typer.Argument(help="where the lessons go: .ndjson")],
    dsn: Annotated[
        str | None, typer.Option(envvar="GRIDDISPATCH_DATABASE_DSN_INTAKE", help="where intake's tables are")
    ] = None,
) -> None:
    """Write down what people taught by confirming categories, for `train`: counted words, no texts; for inside only."""
    if dsn is None:
        _leave("where are the tables of intake? Set GRIDDISPATCH_DATABASE_DSN_INTAKE, or --dsn")
    lines = asyncio.run(_lessons_of(dsn))
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    typer.echo(f"{file}: {len(lines)} lessons")


async def _lessons_of(dsn: str) -> list[bytes]:
    database = await connect(dsn, size=1, application="griddispatch-lessons")
    try:
        return [line async for line in read_lessons(database)]
    finally:
        await database.close()


@app.command("eval")
def evaluate_model(
    files: Files,
    model: Annotated[Path, typer.Option(help="a model that train has written")],
    text: TextColumn = "text",
    label: LabelColumn = "label",
    title: TitleColumn = "title",
    hold_out: HoldOut = False,
    as_json: Annotated[bool, typer.Option("--json", help="everything measured, as JSON")] = False,
) -> None:
    """Measure a model: F1 per label, confusion, calibration and time. Exit code 1 when it knows none of the labels."""
    judge = _model_of(model)
    rows = _tried(lambda: read_labelled(files, Columns(text, label, title)))
    if any(isinstance(row, Lesson) for row in rows):
        _leave("a lesson has no text any more: it can be learnt from, not measured on")
    cases = [row for row in rows if isinstance(row, Labelled) and row.label]
    if hold_out:
        cases = [row for row in cases if fold_of(row.lesson()) == HELD_OUT]
    if not cases:
        _leave("no labelled texts to measure on")
    found = evaluate(judge.choose, [(row.text, row.title, row.label) for row in cases])
    if as_json:
        typer.echo(orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, Console())
    if not {row.label for row in cases} & set(judge.labels):
        raise typer.Exit(1)


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="what somebody has said")],
    title: Annotated[str, typer.Option(help="its title")] = "",
    pack: Annotated[Path | None, typer.Option(help="the folder of a rule pack [the default one]")] = None,
) -> None:
    """Judge one matter and say why: the rules with their words, and what the models heard, as JSON."""
    folder = pack or find(PACK)
    rules = _tried(lambda: open_pack(folder, *RULES).read(read_rules, *RULES))
    models = _tried(lambda: read_models(folder, rules.tree))
    verdict = triage(Matter(text, title), rules, models=models)
    heard = {model.target: _heard(model, text, title) for model in models if model is not None}
    name = rules.tree.leaves[verdict.category]
    shown = {"category_zh": name.zh, "category_en": name.en, **_plain(verdict), "models": heard}
    typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


def _lesson(row: Labelled | Lesson) -> Lesson:
    return row.lesson() if isinstance(row, Labelled) else row


def _plain(verdict: Triage) -> dict[str, object]:
    return {
        "ticket_type": verdict.ticket_type, "category": verdict.category, "urgency": verdict.urgency,
        "confidence": verdict.confidence, "lead": verdict.lead,
        "rules": [{"rule": fired.rule, "saw": list(fired.words)} for fired in verdict.rules],
    }  # fmt: skip


def _heard(model: Classifier, text: str, title: str) -> dict[str, object]:
    choice = model.choose(text, title)
    grams = [{"gram": gram, "adds": adds} for gram, adds in model.speaking(text, title, choice.label)]
    return {"label": choice.label, "confidence": choice.confidence, "threshold": model.threshold, "heard": grams}


def _model_of(path: Path) -> Classifier:
    try:
        return read_classifier(path.read_bytes())
    except OSError as error:
        _leave(f"{path}: {error.strerror}")
    except Rejected as error:
        _leave(f"{path}: {error}")


def _show(found: Evaluation, console: Console) -> None:
    console.print(
        f"{found.texts} texts, macro-F1 {found.macro_f1:.3f}, right {found.accuracy:.1%}, "
        f"{found.median_ms:.2f} ms a text at the median, {found.mean_ms:.2f} ms on average"
    )
    scores = Table("label", "texts", "precision", "recall", "F1")
    for score in found.scores:
        scores.add_row(score.label, str(score.texts), *(f"{n:.3f}" for n in (score.precision, score.recall, score.f1)))
    console.print(scores)
    console.print(_confusion(found))
    bins = Table("confidence", "texts", "on average", "right", title="calibration")
    for one in found.bins:
        bins.add_row(f"{one.low:.1f}–{one.high:.1f}", str(one.texts), f"{one.confidence:.2f}", f"{one.right:.2f}")
    console.print(bins)
    console.print(f"calibration error {found.calibration_error:.3f}")


WIDEST: Final = 12
"""More labels than this make no table that a terminal can hold: then the commonest mistakes are listed."""


def _confusion(found: Evaluation) -> Table:
    labels = [score.label for score in found.scores]
    if len(labels) > WIDEST:
        return _mistakes(found)
    table = Table("truth / choice", *labels, title="confusion")
    for truth in labels:
        table.add_row(truth, *(str(found.confusion[truth][given]) for given in labels))
    return table


def _mistakes(found: Evaluation) -> Table:
    pairs: Sequence[tuple[int, str, str]] = sorted(
        ((-times, truth, given) for truth, row in found.confusion.items() for given, times in row.items()
         if times and truth != given),
    )[:20]  # fmt: skip
    table = Table("truth", "choice", "texts", title="commonest mistakes")
    for times, truth, given in pairs:
        table.add_row(truth, given, str(-times))
    return table


def _tried(work: Callable[[], T]) -> T:
    """The result, or a sentence and exit code 2 for what cannot be used."""
    try:
        return work()
    except (InputError, Rejected, ValueError) as error:
        _leave(str(error))


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(REFUSED)
