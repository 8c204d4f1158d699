"""Folders of packs: what an heir inherits, what it may not loosen, and how every fault is told with its line."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.packs import PackRefused, open_pack

PARENT = """name = "parent"
version = "3"
level = "city"
zh = "父"
en = "Parent"
locked = ["rules.limits.SMALL", "rules.limits.BIG.base", "rules.count"]
"""
PARENT_RULES = """name = "parent"
version = "3"
count = 2

[limits.SMALL]
base = "same_day"
U1 = "2 NH"
[limits.BIG]
base = "5 WD"
U2 = "24 NH"

[[step]]
id = "first"
words = ["a",
  "b"]
[[step]]
id = "second"
"""
HEIR = """name = "heir"
version = "1"
level = "county"
zh = "子"
en = "Heir"
extends = "parent"
"""


def folders(root: Path, heir: str = "", sheet: str = HEIR, parent: str = PARENT, rules: str = PARENT_RULES) -> Path:
    """A parent and an heir; returns the heir."""
    write(root / "parent", {"pack.toml": parent, "rules.toml": rules})
    write(root / "heir", {"pack.toml": sheet} | ({"rules.toml": heir} if heir else {}))
    return root / "heir"


def write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def problems_of(folder: Path, *, strict: bool = False) -> tuple[str, ...]:
    with pytest.raises(PackRefused) as refused:
        open_pack(folder, "rules.toml", strict=strict)
    return refused.value.problems


# Inheriting


def test_an_heir_without_the_file_has_its_parents_under_its_own_name(tmp_path: Path) -> None:
    pack = open_pack(folders(tmp_path), "rules.toml")
    assert (pack.name, pack.version, pack.level, pack.chain) == ("heir", "1", "county", ("heir", "parent"))
    assert pack.tables["rules.toml"]["limits"]["BIG"] == {"base": "5 WD", "U2": "24 NH"}
    assert (pack.tables["rules.toml"]["name"], pack.tables["rules.toml"]["version"]) == ("heir", "1")


def test_tables_are_merged_key_by_key_and_lists_replaced(tmp_path: Path) -> None:
    heir = '[limits.BIG]\nU2 = "12 NH"\n[[step]]\nid = "only"\n'
    rules = open_pack(folders(tmp_path, heir), "rules.toml").tables["rules.toml"]
    assert rules["limits"]["BIG"] == {"base": "5 WD", "U2": "12 NH"}
    assert rules["step"] == [{"id": "only"}]


def test_three_levels_are_merged_from_the_top_down(tmp_path: Path) -> None:
    folder = folders(tmp_path, '[limits.OTHER]\nbase = "3 WD"\n')
    grandchild = HEIR.replace("heir", "town").replace("county", "township").replace('"parent"', '"heir"')
    write(tmp_path / "town", {"pack.toml": grandchild, "rules.toml": '[limits.OTHER]\nbase = "2 WD"\n'})
    pack = open_pack(tmp_path / "town", "rules.toml")
    assert pack.chain == ("town", "heir", "parent")
    assert pack.tables["rules.toml"]["limits"]["OTHER"] == {"base": "2 WD"}
    assert folder.is_dir()


def test_a_folder_without_a_sheet_stands_alone_unless_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "plain", {"rules.toml": "count = 1\n"})
    assert open_pack(tmp_path / "plain", "rules.toml").tables == {"rules.toml": {"count": 1}}
    assert problems_of(tmp_path / "plain", strict=True) == ("pack.toml: missing",)


# Locks


@pytest.mark.parametrize(
    "heir",
    [
        '[limits.BIG]\nbase = "4 WD"\n',
        '[limits.BIG]\nbase = "5 WD"\n',
        '[limits.BIG]\nU2 = "48 NH"\n',  # not locked
        '[limits.SMALL]\nU1 = "90 min"\n',
        '[limits.SMALL]\nbase = "same_day"\n',
        "count = 2\n",
    ],
)
def test_a_locked_limit_may_stay_or_become_shorter(tmp_path: Path, heir: str) -> None:
    assert open_pack(folders(tmp_path, heir), "rules.toml").name == "heir"


@pytest.mark.parametrize(
    ("heir", "problem"),
    [
        ('[limits.BIG]\nbase = "6 WD"\n', "rules.toml:2: limits.BIG.base: 6 WD is not shorter than 5 WD, which parent has locked"),
        ('[limits.BIG]\nbase = "5 ND"\n', "rules.toml:2: limits.BIG.base: 5 ND is not shorter than 5 WD, which parent has locked"),
        ('[limits.BIG]\nbase = "soon"\n', "rules.toml:2: limits.BIG.base: soon is not shorter than 5 WD, which parent has locked"),
        ('\n[limits.SMALL]\nU1 = "121 min"\n', "rules.toml:3: limits.SMALL.U1: 121 min is not shorter than 2 NH, which parent has locked"),
        ('[limits.SMALL]\nbase = "1 WD"\n', "rules.toml:2: limits.SMALL.base: 1 WD is not shorter than same_day, which parent has locked"),
        ('[limits.SMALL]\nU2 = "1 NH"\n', "rules.toml:2: limits.SMALL.U2: limits.SMALL is locked by parent and takes no more keys"),
        ("count = 1\n", "rules.toml:1: count: is locked by parent and may not change"),
        ('[limits]\nBIG = "5 WD"\n', "rules.toml:2: limits.BIG: must be a table, as limits.BIG.base is locked by parent"),
    ],
)  # fmt: skip
def test_a_locked_key_that_is_loosened_is_refused_with_its_line(tmp_path: Path, heir: str, problem: str) -> None:
    assert problems_of(folders(tmp_path, heir)) == (problem,)


def test_a_lock_binds_every_level_below(tmp_path: Path) -> None:
    folders(tmp_path, '[limits.BIG]\nbase = "4 WD"\n')
    town = HEIR.replace("heir", "town").replace("county", "township").replace('"parent"', '"heir"')
    write(tmp_path / "town", {"pack.toml": town, "rules.toml": '[limits.BIG]\nbase = "5 WD"\n'})
    assert problems_of(tmp_path / "town") == (
        "rules.toml:2: limits.BIG.base: 5 WD is not shorter than 4 WD, which parent has locked",
    )


def test_every_loosened_lock_is_told_at_once(tmp_path: Path) -> None:
    heir = 'count = 3\n[limits.BIG]\nbase = "6 WD"\n[limits.SMALL]\nU1 = "3 NH"\n'
    assert [problem.split(":")[1] for problem in problems_of(folders(tmp_path, heir))] == ["5", "3", "1"]


def test_a_lock_on_nothing_is_refused(tmp_path: Path) -> None:
    parent = PARENT.replace('"rules.count"', '"rules.cuont"')
    assert problems_of(folders(tmp_path, parent=parent)) == (
        "../parent/pack.toml:6: locked[2]: rules.cuont is no key of rules.toml",
    )


# The sheet


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        (HEIR + "colour = 1\n", "pack.toml:7: colour: unknown key"),
        (HEIR.replace('version = "1"\n', ""), "pack.toml: version: missing"),
        (HEIR.replace('zh = "子"', "zh = 1"), "pack.toml:4: zh: must be a text that is not empty"),
        (HEIR.replace('"heir"', '"hair"'), "pack.toml:1: name: must be heir, as the folder"),
        (HEIR.replace("county", "village"), "pack.toml:3: level: must be one of province, city, county, township"),
        (HEIR.replace("county", "province"), "pack.toml:6: extends: parent is of a level below province"),
        (HEIR.replace('"parent"', '"../parent"'), "pack.toml:6: extends: must be the name of a folder beside this one"),
        (HEIR.replace('"parent"', '"nobody"'), "pack.toml:6: extends: there is no pack nobody beside this one"),
        (HEIR.replace('"parent"', '"heir"'), "pack.toml:6: extends: heir extends this pack itself"),
        (
            HEIR + 'locked = ["count"]\n',
            "pack.toml:7: locked: must be a list of paths such as dispatch.limits.SMALL.base",
        ),
        (HEIR + "locked = 3\n", "pack.toml:7: locked: must be a list of paths such as dispatch.limits.SMALL.base"),
    ],
)
def test_a_wrong_sheet_is_refused_with_its_line(tmp_path: Path, sheet: str, problem: str) -> None:
    assert problems_of(folders(tmp_path, sheet=sheet)) == (problem,)


def test_packs_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    parent = PARENT.replace("city", "county") + 'extends = "heir"\n'
    assert problems_of(folders(tmp_path, parent=parent)) == (
        "../parent/pack.toml:7: extends: heir extends this pack itself",
    )


def test_a_file_that_calls_itself_by_another_name_is_refused(tmp_path: Path) -> None:
    assert problems_of(folders(tmp_path, 'count = 2\nname = "parent"\n')) == (
        "rules.toml:2: name: must be heir, as in pack.toml",
    )


# Files


def test_a_file_that_nobody_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackRefused) as refused:
        open_pack(folders(tmp_path), "rules.toml", "words.toml")
    assert refused.value.problems == ("words.toml: missing",)


def test_text_that_is_no_toml_is_refused_with_its_line_and_never_half_loaded(tmp_path: Path) -> None:
    assert problems_of(folders(tmp_path, "count = 2\ncount = 3\n")) == ("rules.toml:2: Cannot overwrite a value",)


def test_bytes_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    folder = folders(tmp_path)
    (folder / "rules.toml").write_bytes('name = "规则"'.encode("gb18030"))
    assert problems_of(folder) == ("rules.toml: is not UTF-8",)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    folder = folders(tmp_path)
    (folder / "rules.toml").write_bytes(b"\xef\xbb\xbfcount = 2\n")
    assert open_pack(folder, "rules.toml").tables["rules.toml"]["count"] == 2


# Places of problems


def reader(*problems: str) -> object:
    error = ValueError("; ".join(problems))
    error.problems = problems  # type: ignore[attr-defined]
    raise error


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("limits.BIG.U2: too long", "rules.toml:2: limits.BIG.U2: too long"),
        ("limits.BIG.base: too long", "../parent/rules.toml:9: limits.BIG.base: too long"),
        ("limits.BIG.U1: missing", "rules.toml:1: limits.BIG.U1: missing"),
        ("step[1].id: twice", "../parent/rules.toml:17: step[1].id: twice"),
        ("step[0].words[1]: odd", "../parent/rules.toml:15: step[0].words[1]: odd"),
        ("second: broken example", "../parent/rules.toml:17: second: broken example"),
        ("rules.count: odd", "../parent/rules.toml:3: count: odd"),
        ("colour: missing", "rules.toml: colour: missing"),
    ],
)
def test_a_readers_problem_is_told_where_its_key_was_written(tmp_path: Path, said: str, told: str) -> None:
    pack = open_pack(folders(tmp_path, '[limits.BIG]\nU2 = "12 NH"\n'), "rules.toml")
    with pytest.raises(PackRefused) as refused:
        pack.read(lambda _: reader(said), "rules.toml")
    assert refused.value.problems == (told,)


def test_a_list_that_an_heir_replaced_is_looked_for_there_alone(tmp_path: Path) -> None:
    pack = open_pack(folders(tmp_path, '[[step]]\nwords = ["c"]\n'), "rules.toml")
    with pytest.raises(PackRefused) as refused:
        pack.read(lambda _: reader("step[0].id: missing"), "rules.toml")
    assert refused.value.problems == ("rules.toml:1: step[0].id: missing",)
