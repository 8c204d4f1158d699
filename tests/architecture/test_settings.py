"""Every setting stands, commented, in the example of its service, and nothing stands there that is none."""

import re
from pathlib import Path

import pytest

from services.dispatch.settings import DispatchSettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from shared.settings import ServiceSettings

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("service", "settings"), [("intake", IntakeSettings), ("dispatch", DispatchSettings), ("notify", NotifySettings)]
)
def test_the_example_lists_every_setting(service: str, settings: type[ServiceSettings]) -> None:
    text = (ROOT / "deploy" / "env" / f"{service}.env.example").read_text(encoding="utf-8")
    listed = set(re.findall(r"^#?GRIDDISPATCH_(\w+)=", text, re.MULTILINE))
    assert listed == {name.upper() for name in settings.model_fields}
