"""Our records lie where every Kafka client would put them: integrators join topics by that."""

from uuid import uuid4

import pytest
from aiokafka.partitioner import DefaultPartitioner

from shared.kafka import partition_of

TWELVE = list(range(12))


@pytest.mark.parametrize(
    ("key", "hashed"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_a_key_is_hashed_as_kafkas_own_tests_have_it(key: bytes, hashed: int) -> None:
    assert partition_of(key, TWELVE, TWELVE) == (hashed & 0x7FFFFFFF) % 12
    assert partition_of(key, TWELVE[::-1], TWELVE) == (hashed & 0x7FFFFFFF) % 12


def test_every_key_lies_where_the_library_would_put_it_the_second_time_too() -> None:
    keys = [str(uuid4()).encode() for _ in range(200)]
    library = DefaultPartitioner()
    expected = [library(key, TWELVE, TWELVE) for key in keys]
    for _ in range(2):
        assert [partition_of(key, TWELVE, TWELVE) for key in keys] == expected


def test_a_record_without_a_key_goes_where_somebody_is() -> None:
    assert partition_of(None, TWELVE, [5]) == 5
