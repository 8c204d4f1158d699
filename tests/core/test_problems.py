"""What a model finds wrong, told field by field: the sender's own names are shown so that they can do no harm."""

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Problem
from shared.problems import problems_of


class Lamp(BaseModel):
    """A form that takes nothing unknown."""

    model_config = ConfigDict(extra="forbid")

    watts: int


def found(body: dict[str, object]) -> list[Problem]:
    with pytest.raises(ValidationError) as refused:
        Lamp.model_validate(body)
    return problems_of(refused.value)


def test_every_field_is_named_with_a_code() -> None:
    assert [(p.field, p.code) for p in found({"watts": "x", "volts": 1})] == [
        ("watts", "int_parsing"), ("volts", "extra_forbidden"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x1b[2J", r"\x1b[2J"),
        ("电话", r"\u7535\u8bdd"),
        ("x" * 200, "x" * 64),
    ],
)
def test_a_name_that_nobody_knows_is_short_and_printable(name: str, shown: str) -> None:
    assert [p.field for p in found({"watts": 1, name: 1})] == [shown]
    assert all(p.message.isprintable() and name not in p.message for p in found({"watts": 1, name: 1}))
