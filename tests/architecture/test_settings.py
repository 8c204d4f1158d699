"""Every setting stands, commented, in the example of its service; whatever is wrong is told at once, by name."""

import re
from pathlib import Path

import pytest
from annotated_types import Ge, Le
from pydantic import ValidationError

from services.dispatch.settings import DispatchSettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from shared.clock import FastClock
from shared.settings import ServiceSettings
from shared.start import problems_of

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("service", "settings"), [("intake", IntakeSettings), ("dispatch", DispatchSettings), ("notify", NotifySettings)]
)
def test_the_example_lists_every_setting(service: str, settings: type[ServiceSettings]) -> None:
    text = (ROOT / "deploy" / "env" / f"{service}.env.example").read_text(encoding="utf-8")
    listed = set(re.findall(r"^#?GRIDDISPATCH_(\w+)=", text, re.MULTILINE))
    assert listed == {name.upper() for name in settings.model_fields}


@pytest.mark.parametrize("clock", ["real", "2026-03-09T00:00:00+00:00@2026-03-09T00:00:00+00:00x60"])
def test_whatever_the_clock_it_goes_by_one_without_jumps(clock: str) -> None:
    dsn, broker, here = "postgresql://grid@localhost/grid", "localhost:9092", Path()
    settings = DispatchSettings(
        _env_file=None, clock=clock, database_dsn=dsn, kafka_bootstrap=broker, pack=here, area=here
    )
    assert settings.now is settings.now
    steady = settings.now.base if isinstance(settings.now, FastClock) else settings.now
    assert steady is settings.steady


@pytest.mark.parametrize("settings", [IntakeSettings, DispatchSettings, NotifySettings])
def test_everything_that_is_wrong_is_told_at_once_with_its_name_and_what_would_do(
    settings: type[ServiceSettings],
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(_env_file=None, port="eighty", host="0.0.0.0", clock="fast")
    told = problems_of(refused.value, settings)
    port = settings.model_fields["port"].default
    assert {line.partition(":")[0] for line in told} >= {
        f"GRIDDISPATCH_{name}" for name in ("DATABASE_DSN", "KAFKA_BOOTSTRAP", "PORT", "CLOCK", "PACK", "AREA")
    }
    assert any(line.startswith("GRIDDISPATCH_PORT: ") and line.endswith(f"; for example {port}") for line in told)
    assert "GRIDDISPATCH_KAFKA_BOOTSTRAP: Field required; for example localhost:9092" in told


@pytest.mark.parametrize("settings", [IntakeSettings, DispatchSettings, NotifySettings])
def test_every_setting_without_a_default_has_an_example(settings: type[ServiceSettings]) -> None:
    bare = [name for name, field in settings.model_fields.items() if field.is_required() and not field.examples]
    assert bare == []


@pytest.mark.parametrize("settings", [IntakeSettings, DispatchSettings, NotifySettings])
def test_every_number_has_a_least_and_a_most(settings: type[ServiceSettings]) -> None:
    numbers = {
        name: field.metadata for name, field in settings.model_fields.items() if field.annotation in (int, float)
    }
    assert {name for name, bounds in numbers.items() if not {Ge, Le} <= {type(bound) for bound in bounds}} == set()


@pytest.mark.parametrize("batch", [0, 5001])
def test_a_batch_of_timers_that_nobody_means_is_refused(batch: int) -> None:
    with pytest.raises(ValidationError) as refused:
        DispatchSettings(_env_file=None, timer_batch=batch)
    assert any(line.startswith("GRIDDISPATCH_TIMER_BATCH: ") for line in problems_of(refused.value, DispatchSettings))
