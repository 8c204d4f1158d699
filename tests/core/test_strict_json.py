"""The JSON edge refuses what two readers could understand differently, and says where it stands."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed
from shared.strict_json import Limits, read_json


def codes(body: bytes, limits: Limits | None = None) -> list[tuple[str, str]]:
    document = read_json(body, limits or Limits())
    return [(problem.field, problem.code) for problem in document.problems]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b" ", "not_json"),
        (b'{"a":1,}', "not_json"),
        (b"[1,]", "not_json"),
        (b'{"a":1}//x', "not_json"),
        (b"/* x */{}", "not_json"),
        (b"{}{}", "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":01}', "not_json"),
        (b'{"a":+1}', "not_json"),
        (b'{"a":.5}', "not_json"),
        (b'{"a":"x\ny"}', "not_json"),
        (b'{"a":"\x00"}', "not_json"),
        (b'{"a":"\\x41"}', "not_json"),
        (b'{"a":yes}', "not_json"),
        (b'\xef\xbb\xbf{"a":1}', "byte_order_mark"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        ('{"a":1}'.encode("utf-32-le"), "not_json"),
        (b'{"a":"\xc0\xaf"}', "not_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b"[" * 60_000, "too_deep"),
    ],
)
def test_bytes_that_are_not_one_json_document_are_malformed(body: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_json(body)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        (b'{"a":NaN}', "a", "not_finite"),
        (b'{"a":Infinity}', "a", "not_finite"),
        (b'{"a":-Infinity}', "a", "not_finite"),
        (b'{"a":1e999}', "a", "not_finite"),
        (b'{"a":[0,-1e999]}', "a[1]", "not_finite"),
        (b'{"a":9007199254740993}', "a", "integer_range"),
        (b'{"a":-9007199254740993}', "a", "integer_range"),
        (b'{"a":' + b"9" * 5_000 + b"}", "a", "integer_range"),
        (b'{"a":1,"a":2}', "a", "duplicate_key"),
        (b'{"o":{"k":1,"\\u006b":2}}', "o.k", "duplicate_key"),
        (b'{"a":"\\u0000"}', "a", "forbidden_character"),
        (b'{"a":"\\u001b[31m"}', "a", "forbidden_character"),
        (b'{"a":"x\\r\\ny"}', "a", "forbidden_character"),
        ('{"a":"\u007f"}'.encode(), "a", "forbidden_character"),
        ('{"a":"\u0085"}'.encode(), "a", "forbidden_character"),
        (b'{"a":"\\ud800"}', "a", "forbidden_character"),
        (b'{"a":"\\udc00\\ud800"}', "a", "forbidden_character"),
        (b'["\\u0000"]', "[0]", "forbidden_character"),
        (b'{"o":{"\\u0000":1}}', "o.\\x00", "forbidden_character"),
    ],
)
def test_a_value_no_database_or_reader_should_meet_is_named(body: bytes, field: str, code: str) -> None:
    assert codes(body) == [(field, code)]


def test_every_fault_is_listed_not_only_the_first() -> None:
    assert codes(b'{"b":1,"b":NaN,"c":{"d":"\\u0000","e":99999999999999999}}') == [
        ("b", "duplicate_key"),
        ("b", "not_finite"),
        ("c.d", "forbidden_character"),
        ("c.e", "integer_range"),
    ]


def test_the_largest_exact_integers_pass() -> None:
    assert codes(b"[9007199254740992,-9007199254740992,-0]") == []


def test_a_body_may_fill_its_limit_and_not_one_byte_more() -> None:
    limits = Limits(max_bytes=10)
    assert read_json(b'{"a":1234}', limits).value == {"a": 1234}
    with pytest.raises(Malformed) as refusal:
        read_json(b'{"a":12345}', limits)
    assert refusal.value.code == "body_too_large"


def test_depth_is_counted_in_objects_and_arrays_alike() -> None:
    assert codes(b"[" * 32 + b"]" * 32) == []
    assert [code for _, code in codes(b"[" * 33 + b"]" * 33)] == ["too_deep"]
    assert [code for _, code in codes(b'{"a":[' * 17 + b"]}" * 17)] == ["too_deep"]


def test_brackets_inside_a_text_are_no_depth() -> None:
    assert codes(json.dumps({"a": "[" * 500}).encode()) == []


def test_a_thousand_keys_pass_and_one_more_does_not() -> None:
    inner = {str(number): 0 for number in range(999)}
    assert codes(json.dumps({"a": inner}).encode()) == []
    assert codes(json.dumps({"a": inner, "b": 1}).encode()) == [("a", "too_many_keys")]


def test_a_hostile_body_cannot_earn_an_endless_answer() -> None:
    assert len(codes(b"[" + b"NaN," * 5_000 + b"NaN]")) == 100


def test_a_key_is_shown_short_and_harmless() -> None:
    (field, _), *_ = codes(json.dumps({"<\n\u202e" + "k" * 100: float("nan")}).encode())
    assert field == "<\\n\\u202e" + "k" * 55


@pytest.mark.parametrize("escaped", [True, False])
def test_texts_come_out_in_nfc_however_they_were_written(escaped: bool) -> None:
    body = json.dumps({"a": "Cafe\u0301", "b": ["\u1100\u1161"]}, ensure_ascii=escaped).encode()
    assert read_json(body).value == {"a": "Café", "b": ["가"]}


@pytest.mark.parametrize("text", ["𠮷野家", "㐂", "👨\u200d👩\u200d👧", "line\nand\ttab", "①㈱", "\u202eabc", "\ue000"])
@pytest.mark.parametrize("escaped", [True, False])
def test_legal_text_survives_unchanged(text: str, escaped: bool) -> None:
    document = read_json(json.dumps([text], ensure_ascii=escaped).encode())
    assert document.value == [unicodedata.normalize("NFC", text)]
    assert document.problems == ()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_json(body)
    except Malformed as refusal:
        assert refusal.code in {"not_json", "not_utf8", "byte_order_mark"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_what_passes_holds_nothing_forbidden(value: object, escaped: bool) -> None:
    try:
        body = json.dumps(value, ensure_ascii=escaped).encode()
    except UnicodeEncodeError:
        return
    document = read_json(body)
    if not document.problems:
        again = json.dumps(document.value, ensure_ascii=False, allow_nan=False)
        assert again.encode().decode() == again
        assert "\\u0000" not in again
