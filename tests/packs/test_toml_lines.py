"""Lines of keys: every key the parser finds is found too, on the line where it stands."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.toml_lines import line_of_each_key

PACKS = Path(__file__).parents[2] / "deploy" / "packs"


def paths(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            place = f"{path}.{key}" if path else key
            yield place
            yield from paths(inner, place)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield f"{path}[{number}]"
            yield from paths(inner, f"{path}[{number}]")


def test_keys_tables_lists_and_their_elements_have_their_lines() -> None:
    text = '''# a comment = "with a key"
top = 1

[table]  # [no.table]
inner.deep = "a = b # c"
"quoted key" = 'it = 1'
list = [
  1,

  { a = 1, b = [2,
    3] },  # , , ,
]
text = """
fake = 1
[fake]"""
after = 2026-03-10 09:15:00
[[rows]]
[[rows]]
x = {}
[rows.sub]
y = 1
[[rows.more]]
z = [ ]
'''
    assert line_of_each_key(text) == {
        "top": 2, "table": 4, "table.inner": 5, "table.inner.deep": 5, "table.quoted key": 6, "table.list": 7,
        "table.list[0]": 8, "table.list[1]": 10, "table.list[1].a": 10, "table.list[1].b": 10,
        "table.list[1].b[0]": 10, "table.list[1].b[1]": 11, "table.text": 13, "table.after": 16,
        "rows": 17, "rows[0]": 17, "rows[1]": 18, "rows[1].x": 19, "rows[1].sub": 20, "rows[1].sub.y": 21,
        "rows[1].more": 22, "rows[1].more[0]": 22, "rows[1].more[0].z": 23,
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(PACKS.rglob("*.toml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_key_of_a_shipped_file_is_missed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = line_of_each_key(text)
    # A table that is only opened through its inner ones has no line of its own.
    missed = [key for key in paths(tomllib.loads(text)) if key not in lines]
    assert all(any(known.startswith(f"{key}.") for known in lines) for key in missed)
    assert set(lines) <= set(paths(tomllib.loads(text)))


KEY = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
SCALAR = st.one_of(st.integers(), st.booleans(), st.text("abc #[]{},='\\\" \t", max_size=8))
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3))


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    if isinstance(value, list):
        return "[\n" + "".join(f"  {written(item)},\n" for item in value) + "]"
    assert isinstance(value, dict)
    # An inline table stands on one line; its lists may not.
    return "{ " + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + " }"


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEY, VALUE, max_size=5))
def test_whatever_can_be_parsed_is_found_key_by_key(table: dict[str, object]) -> None:
    text = "".join(f"{key} = {written(value)}\n" for key, value in table.items())
    assert tomllib.loads(text) == table
    lines = line_of_each_key(text)
    assert set(lines) == set(paths(table))
    top = [lines[key] for key in table]
    assert top == sorted(top)


@pytest.mark.parametrize(
    "value", ['"""a""""', "'''b'''''", '""""""', '"""\\""""', '"\\""', "'\\'", "{}", "[[], [{}]]", "1e3"]
)
def test_odd_values_do_not_hide_the_key_after_them(value: str) -> None:
    text = f"first = {value}\nsecond = 2\n"
    assert set(line_of_each_key(text)) == set(paths(tomllib.loads(text)))
    assert line_of_each_key(text)["second"] == 2
