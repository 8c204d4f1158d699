"""Every alert has a page that says what to do, and what a page names is really there."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from griddispatch.cli import command_line
from services.dispatch.settings import DispatchSettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from tests.observability.metrics import series_names
from tests.observability.rules import RUNBOOKS, alerts, rules

PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
PARTS = ("## What it means", "## Look", "## Do", "## Verify")
SETTINGS = {
    f"GRIDDISPATCH_{n.upper()}" for s in (IntakeSettings, DispatchSettings, NotifySettings) for n in s.model_fields
}


def code(page: Path) -> list[str]:
    """What stands in code on a page."""
    return re.findall(r"`([^`]+)`", page.read_text(encoding="utf-8"))


def known_metrics() -> set[str]:
    """Names a query may use: our series, what scraping adds, and what rules record."""
    return set(series_names()) | {rule.name for rule in rules()}


def base(name: str) -> str:
    """The name of a histogram, which stands for its series."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_every_alert_has_a_page_and_no_page_is_left_over() -> None:
    assert {page.stem for page in PAGES} == {alert.name for alert in alerts()}


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: f"{rule.name}-{rule.labels['severity']}")
def test_an_alert_leads_to_its_page(alert: object) -> None:
    rule = next(a for a in alerts() if a == alert)
    assert rule.annotations["runbook_url"] == "{{ $externalLabels.runbooks }}/" + f"{rule.name}.md"
    assert rule.annotations["summary"].endswith(".")
    assert rule.annotations["summary_zh"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_where_to_look_what_to_do_and_how_it_ends(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    assert text.startswith(f"# {page.stem} ")
    assert len(text.splitlines()) <= 40, "one page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_metrics_a_page_names_are_there(page: Path) -> None:
    named = {n for text in code(page) for n in re.findall(r"\bgriddispatch_[a-z0-9_:]+", text)}
    known = known_metrics()
    bases = {base(name) for name in known}
    assert not [name for name in named if name not in known and name not in bases]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_and_settings_a_page_names_are_there(page: Path) -> None:
    for text in code(page):
        if text.startswith("griddispatch "):
            assert find_command(shlex.split(text)[1:]), text
        if text.startswith("GRIDDISPATCH_"):
            assert text in SETTINGS, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_a_page_leads_to_are_there(page: Path) -> None:
    for target in re.findall(r"\]\((\w+\.md)\)", page.read_text(encoding="utf-8")):
        assert (RUNBOOKS / target).is_file()


def find_command(words: list[str]) -> bool:
    """Whether the command line knows this command and its options."""
    command = get_command(command_line())
    for place, word in enumerate(words):
        commands = getattr(command, "commands", None)
        if commands is None:
            options = {o for p in command.params for o in p.opts}
            return all(w in options for w in words[place:] if w.startswith("--"))
        if word not in commands:
            return False
        command = commands[word]
    return getattr(command, "commands", None) is None


def test_a_command_that_is_not_there_would_be_noticed() -> None:
    assert isinstance(command_line(), typer.Typer)
    assert find_command(["dlq", "replay", "--service", "intake", "--yes"])
    assert not find_command(["dlq", "revive"])
    assert not find_command(["dlq", "replay", "--force"])
    assert not find_command(["dlq"])
