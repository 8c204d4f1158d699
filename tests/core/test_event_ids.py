"""Ids that follow from names: put together by hand, they are what the standard library makes of the same name."""

from copy import deepcopy
from pickle import dumps, loads
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.event_ids import NAMESPACE, event_id, name_based
from shared.terms import Source, TicketId


@given(st.text())
def test_an_id_is_the_name_based_one_of_the_standard(name: str) -> None:
    made = name_based(name.encode())
    assert made == uuid5(NAMESPACE, name)
    assert (str(made), hash(made), made.version) == (str(uuid5(NAMESPACE, name)), hash(uuid5(NAMESPACE, name)), 5)


def test_an_id_can_be_copied_and_sent_like_any_other() -> None:
    made = name_based(b"a name")
    assert deepcopy(made) == loads(dumps(made)) == made
    assert made.is_safe is UUID(int=1).is_safe


def test_an_event_has_the_id_it_always_had() -> None:
    made = event_id(Source.DISPATCH, TicketId(UUID(int=1)), 7)
    assert made == UUID("90948299-7c1d-5510-b71c-5da4e5db7d01")
