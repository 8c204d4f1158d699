"""Rule packs: folders of TOML files, of which one may extend another and write only what differs.

`pack.toml` says what a pack is: `name`, `version`, `level`, the pack it `extends` (a folder beside it), and which keys
are `locked` for every pack below. A folder without it stands alone. Each service reads its own files and no others.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any, Final, TypeVar

from shared.errors import Rejected
from shared.toml_lines import line_of_each_key

T = TypeVar("T")

SHEET: Final = "pack.toml"
LEVELS: Final = ("province", "city", "county", "township")
"""From the top down; a pack extends one of its own level or above."""

_KEYS: Final = ("name", "version", "level", "zh", "en", "extends", "locked")
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LIMIT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(WD|ND|NH|WH|min)")
_SECONDS: Final = {"NH": 3600, "min": 60}
_TOML_FAULT: Final = re.compile(r"(?s)(.*) \(at line ([0-9]+), column ([0-9]+)\)")


class PackRefused(ValueError):
    """A pack that cannot be used; `problems` lists all, each as `file.toml:12: key.path: what is wrong`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Source:
    """One file of one folder: how people find it, its text and what it parses to."""

    label: str
    text: str
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One folder of a chain and its sheet, if it has one."""

    folder: Path
    sheet: Source | None

    @property
    def says(self) -> Mapping[str, Any]:
        return {} if self.sheet is None else self.sheet.table


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack with what it inherits: the tables of the wanted files, and where every key of them was written."""

    name: str
    version: str
    level: str
    chain: tuple[str, ...]
    """Folders from the pack itself up to the one that extends nothing."""
    tables: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, tuple[Source, ...]]
    """For each wanted file those that were merged, the pack's own first."""

    def read(self, reader: Callable[..., T], *files: str) -> T:
        """What `reader` makes of the tables of the files. Raises PackRefused with its problems by file and line.

        The reader refuses with `Rejected`, or with a ValueError that has `problems`; each problem begins with its key
        path, or with the name of its file and the path: `calendar.hours[1]`.
        """
        try:
            return reader(*(self.tables[file] for file in files))
        except Rejected as error:
            problems = [f"{problem.field}: {problem.message}" for problem in error.problems]
        except ValueError as error:
            problems = list(getattr(error, "problems", [str(error)]))
        places = {file: _Places(file, self.sources[file]) for file in files}
        raise PackRefused([_located(problem, places) for problem in problems])

    def value(self, file: str, path: str) -> object:
        """What stands at a path of dotted keys, or None."""
        found: object = _get(self.tables[file], path)
        return found

    def located(self, remark: str, *files: str) -> str:
        """A remark that begins with a key path, led by the file and line of its key."""
        return _located(remark, {file: _Places(file, self.sources[file]) for file in files})


class _Places:
    """Where the keys of one merged file stand."""

    def __init__(self, file: str, sources: Sequence[Source]) -> None:
        self.file = file
        self._sources = sources
        self._lines = [(source.label, line_of_each_key(source.text)) for source in sources]

    def closest(self, path: str) -> tuple[int, str]:
        """How much of the path is written down, and where; a list stands where it was written last.

        Instead of its path a rule may have its id.
        """
        head = path.partition("[")[0]
        owners = [place for place in self._lines if head in place[1]] if "[" in path else []
        best = (-1, self.file)
        for label, lines in owners[:1] or self._lines:
            around = next((around for around in _shortened(path) if around in lines), None)
            if around is not None and len(around) > best[0]:
                best = (len(around), f"{label}:{lines[around]}")
        return best if best[0] >= 0 else next(self._with_id(path), best)

    def _with_id(self, name: str) -> Iterator[tuple[int, str]]:
        for source in self._sources:
            for number, line in enumerate(source.text.splitlines(), 1):
                if line.replace(" ", "") == f'id="{name}"':
                    yield len(name), f"{source.label}:{number}"


def _located(problem: str, places: Mapping[str, _Places]) -> str:
    """The problem with the file and line of its key, or of the closest table around it that is written down."""
    path, colon, message = problem.partition(": ")
    stem, _, inner = path.partition(".")
    if inner and f"{stem}.toml" in places:
        return f"{places[f'{stem}.toml'].closest(inner)[1]}: {inner}{colon}{message}"
    _, where = max((place.closest(path) for place in places.values()), key=lambda found: found[0])
    return f"{where}: {problem}"


def open_pack(folder: Path, *files: str, strict: bool = False) -> Pack:
    """The pack in `folder` with the wanted files merged. Raises PackRefused with every problem found.

    Tables are merged key by key, anything else replaces what it overrides. A file that only a parent has is inherited.
    `strict` asks for the sheet too.
    """
    problems: list[str] = []
    layers = _chain(folder, problems, strict=strict)
    if problems:
        raise PackRefused(problems)
    sources: dict[str, tuple[Source, ...]] = {}
    for file in files:
        found = [_source(layer.folder, folder, file, problems) for layer in layers]
        sources[file] = tuple(source for source in found if source is not None)
        if not any((layer.folder / file).exists() for layer in layers):
            problems.append(f"{file}: missing")
        _check_locks(file, layers, found, problems)
    sheet = layers[0].says
    tables = {file: _named(_merged(sources[file]), sources[file], sheet, problems) for file in files}
    if problems:
        raise PackRefused(problems)
    return Pack(
        str(sheet.get("name", folder.name)), str(sheet.get("version", "")), str(sheet.get("level", "county")),
        tuple(layer.folder.name for layer in layers), tables, sources,
    )  # fmt: skip


def _chain(folder: Path, problems: list[str], *, strict: bool) -> list[_Layer]:
    """The pack and those it extends, each with its sheet."""
    layers: list[_Layer] = []
    below = folder
    while True:
        source = _source(below, folder, SHEET, problems)
        if source is None and strict and not problems:
            problems.append(f"{_label(below, folder, SHEET)}: missing")
        layers.append(_Layer(below, source))
        sheet = layers[-1].says
        if source is not None:
            problems += [_at(source, problem) for problem in _sheet_problems(sheet, below.name)]
        parent = sheet.get("extends")
        if problems or source is None or parent is None:
            return layers
        above = below.parent / str(parent)
        if not above.is_dir():
            problems.append(_at(source, f"extends: there is no pack {parent} beside this one"))
        elif above.name in [layer.folder.name for layer in layers]:
            problems.append(_at(source, f"extends: {parent} extends this pack itself"))
        elif _level_above(above) > LEVELS.index(sheet["level"]):
            problems.append(_at(source, f"extends: {parent} is of a level below {sheet['level']}"))
        if problems:
            return layers
        below = above


def _level_above(folder: Path) -> int:
    """The rank of a parent's level; an unreadable one says so when its turn comes."""
    source = _source(folder, folder, SHEET, [])
    level = "" if source is None else source.table.get("level")
    return LEVELS.index(level) if level in LEVELS else 0


def _sheet_problems(sheet: Mapping[str, Any], folder: str) -> Iterator[str]:
    yield from (f"{key}: unknown key" for key in sheet if key not in _KEYS)
    yield from (f"{key}: missing" for key in _KEYS[:5] if key not in sheet)
    for key in ("name", "version", "zh", "en", "extends"):
        if key in sheet and (not isinstance(sheet[key], str) or not sheet[key].strip()):
            yield f"{key}: must be a text that is not empty"
    if isinstance(sheet.get("name"), str) and sheet["name"] != folder:
        yield f"name: must be {folder}, as the folder"
    if "extends" in sheet and not (isinstance(sheet["extends"], str) and _NAME.fullmatch(sheet["extends"])):
        yield "extends: must be the name of a folder beside this one"
    if "level" in sheet and sheet["level"] not in LEVELS:
        yield f"level: must be one of {', '.join(LEVELS)}"
    locked = sheet.get("locked", [])
    if not isinstance(locked, list) or not all(isinstance(path, str) and "." in path for path in locked):
        yield "locked: must be a list of paths such as dispatch.limits.SMALL.base"


def _source(layer: Path, folder: Path, file: str, problems: list[str]) -> Source | None:
    """One file of one layer; None when it is not there or cannot be parsed, which is then among the problems."""
    label = _label(layer, folder, file)
    try:
        text = (layer / file).read_text(encoding="utf-8-sig")
        return Source(label, text, tomllib.loads(text))
    except FileNotFoundError:
        return None
    except tomllib.TOMLDecodeError as error:
        fault = _TOML_FAULT.fullmatch(str(error))
        problems.append(f"{label}:{fault[2]}: {fault[1]}" if fault else f"{label}: {error}")
    except UnicodeDecodeError:
        problems.append(f"{label}: is not UTF-8")
    except OSError as error:
        problems.append(f"{label}: {error.strerror}")
    return None


def _label(layer: Path, folder: Path, file: str) -> str:
    return file if layer == folder else f"../{layer.name}/{file}"


def _merged(sources: Sequence[Source]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged = _overlaid(merged, source.table)
    return merged


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _overlaid(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _named(
    table: dict[str, Any], sources: Sequence[Source], sheet: Mapping[str, Any], problems: list[str]
) -> dict[str, Any]:
    """A table that has a name gets that of the pack; one that its own file states must agree."""
    for key in ("name", "version"):
        if key in table and "name" in table and key in sheet:
            own = sources[0]
            if "/" not in own.label and own.table.get(key, sheet[key]) != sheet[key]:
                problems.append(_at(own, f"{key}: must be {sheet[key]}, as in {SHEET}"))
            table[key] = sheet[key]
    return table


def _check_locks(file: str, layers: Sequence[_Layer], found: Sequence[Source | None], problems: list[str]) -> None:
    """Compare every locked key with what stands below it, from the top down."""
    table: dict[str, Any] = {}
    locks: dict[str, str] = {}
    for layer, source in zip(reversed(layers), reversed(found), strict=True):
        if source is not None:
            for path, by in locks.items():
                problems += [_at(source, fault) for fault in _loosened(path, by, table, source.table)]
            table = _overlaid(table, source.table)
        for place, path in enumerate(layer.says.get("locked", ())):
            stem, _, inner = path.partition(".")
            if f"{stem}.toml" != file:
                continue
            locks.setdefault(inner, layer.folder.name)
            if _get(table, inner) is None and layer.sheet is not None:
                problems.append(_at(layer.sheet, f"locked[{place}]: {path} is no key of {file}"))


def _loosened(path: str, by: str, above: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    for around in list(_shortened(path))[1:]:
        if not isinstance(_get(own, around), Mapping | NoneType):
            yield f"{around}: must be a table, as {path} is locked by {by}"
            return
    old, new = _get(above, path), _get(own, path)
    if new is None or new == old:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in new:
            if key in old:
                yield from _loosened(f"{path}.{key}", by, above, own)
            else:
                yield f"{path}.{key}: {path} is locked by {by} and takes no more keys"
    elif not _is_limit(old):
        yield f"{path}: is locked by {by} and may not change"
    elif not _is_shorter(new, old):
        yield f"{path}: {new} is not shorter than {old}, which {by} has locked"


def _is_limit(value: object) -> bool:
    return isinstance(value, str) and (value == "same_day" or _LIMIT.fullmatch(value) is not None)


def _is_shorter(new: object, old: object) -> bool:
    """Whether a limit is surely shorter: only limits of one kind can be compared, and no other value may move."""
    first, second = (_LIMIT.fullmatch(value) if isinstance(value, str) else None for value in (new, old))
    if first is None or second is None:
        return False
    same_kind = first[2] == second[2] or {first[2], second[2]} <= _SECONDS.keys()
    sizes = [Decimal(limit[1]) * _SECONDS.get(limit[2], 1) for limit in (first, second)]
    return same_kind and sizes[0] < sizes[1]


def _get(table: Mapping[str, Any], path: str) -> Any:
    found: Any = table
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _at(source: Source, problem: str) -> str:
    lines = line_of_each_key(source.text)
    path = problem.partition(": ")[0]
    line = next((lines[around] for around in _shortened(path) if around in lines), 0)
    return f"{source.label}:{line}: {problem}" if line else f"{source.label}: {problem}"


def _shortened(path: str) -> Iterator[str]:
    """The path and everything around it, from the inside out."""
    while path:
        yield path
        cut = max(path.rfind("."), path.rfind("["))
        path = path[: max(cut, 0)]
