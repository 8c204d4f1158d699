"""`griddispatch triage`: train a model on labelled texts, measure it, and ask why a matter was judged as it was."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from griddispatch.data import PACK, find
from griddispatch.evaluation import Evaluation, evaluate
from griddispatch.labelled import Labelled, read_labelled
from griddispatch.demo.layouts import InputError
from griddispatch.training import FOLDS, Recipe, train
from services.intake.core.classifier import Classifier, read_classifier
from services.intake.core.lessons import Lesson, lesson_of
from services.intake.core.triage import Matter, Models, triage
from services.intake.core.triage_rules import read_rules
from services.intake.models import read_models
from shared.errors import Malformed, Rejected
from shared.packs import PackRefused, open_pack

REFUSED: Final = 2
HELD_OUT: Final = 0
"""The fold that `--hold-out` keeps for measuring."""
RULES: Final = ("triage.toml", "categories.toml")

app = typer.Typer(no_args_is_help=True, help="Judging texts: train a model, measure it, ask it why.")

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="labelled texts: .csv or .ndjson, also .gz")]
TextColumn = Annotated[str, typer.Option("--text", help="the column that holds the text")]
LabelColumn = Annotated[str, typer.Option("--label", help="the column that holds the label")]
TitleColumn = Annotated[str, typer.Option("--title", help="the column that holds a title, if there is one")]
AsJson = Annotated[bool, typer.Option("--json", help="as JSON")]
