"""Two demos on one machine: each gets ports of its own, also when they start at the same moment."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from griddispatch.demo.ports import Ports
from griddispatch.embedded.process import LOOPBACK, free_port


@pytest.fixture
def wanted() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture
def demos() -> Iterator[tuple[Ports, Ports]]:
    """Two demos."""
    with closing(Ports()) as one, closing(Ports()) as other:
        yield one, other


def test_a_port_that_another_demo_is_about_to_take_is_left_alone(demos: tuple[Ports, Ports], wanted: int) -> None:
    one, other = demos
    assert one.take(wanted) == wanted
    assert other.take(wanted) != wanted


def test_a_service_that_starts_again_gets_its_port_back(demos: tuple[Ports, Ports], wanted: int) -> None:
    assert [demos[0].take(wanted), demos[0].take(wanted)] == [wanted, wanted]


def test_a_port_on_which_somebody_listens_is_left_alone(demos: tuple[Ports, Ports]) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert demos[0].take(port) != port


def test_a_demo_that_ended_holds_nothing(demos: tuple[Ports, Ports], wanted: int) -> None:
    one, other = demos
    one.take(wanted)
    one.close()
    assert other.take(wanted) == wanted
