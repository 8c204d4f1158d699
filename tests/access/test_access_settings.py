"""A service does not start half locked: every reason is named at once."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.access_settings import AccessSettings, Mode
from tests.access.values import PEPPER_TEXT

LOCKED: dict[str, Any] = {
    "access": "enforced", "host": "0.0.0.0", "key_pepper": PEPPER_TEXT, "tls_terminated": True,
    "oidc_issuer": "https://login.example.test", "oidc_audience": "griddispatch",
}  # fmt: skip


def settings(**changes: Any) -> AccessSettings:
    return AccessSettings(_env_file=None, **changes)


def test_as_it_comes_it_is_a_demo_on_this_machine() -> None:
    assert settings().access is Mode.OPEN


def test_production_starts_when_everything_is_said() -> None:
    assert settings(**LOCKED).access is Mode.ENFORCED
    assert settings(**LOCKED | {"oidc_issuer": "", "oidc_audience": ""}).oidc_issuer == ""
    assert settings(**LOCKED | {"key_pepper": ""}).access is Mode.ENFORCED


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "grid.example", ""])
def test_a_demo_does_not_listen_to_other_machines(host: str) -> None:
    with pytest.raises(ValidationError, match="this machine only"):
        settings(host=host)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key_pepper": "", "oidc_issuer": "", "oidc_audience": ""}, "needs key_pepper"),
        ({"key_pepper": "short"}, "random bytes"),
        ({"key_pepper": "a" * 64}, "random bytes"),
        ({"key_pepper": "changeme-changeme-changeme-0123456789"}, "random bytes"),
        ({"key_pepper": "demo-pepper-of-the-demo-0123456789ab"}, "random bytes"),
        ({"key_pepper": "Password-Password-Password-12345678"}, "random bytes"),
        ({"oidc_audience": ""}, "go together"),
        ({"oidc_issuer": ""}, "go together"),
        ({"oidc_issuer": "http://login.example.test"}, "must be https"),
        ({"tls_terminated": False}, "tls_terminated"),
    ],
    ids=str,
)  # fmt: skip
def test_production_does_not_start_half_locked(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**LOCKED | changes)


def test_every_reason_is_named_at_once_and_no_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        settings(access="enforced", key_pepper="demo-secret")
    told = str(refused.value)
    assert "random bytes" in told
    assert "tls_terminated" in told
    assert "demo-secret" not in told


@pytest.mark.parametrize("mode", ["", "Production", "off", "none"])
def test_there_is_no_third_mode(mode: str) -> None:
    with pytest.raises(ValidationError):
        settings(access=mode)
