"""`griddispatch contract`: print, write and check the contract that is made from the models."""

import shutil
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer

from griddispatch.contract_pages import pages
from griddispatch.openapi import SERVICES
from griddispatch.openapi import openapi as openapi_of
from griddispatch.releases import Files, breaking_since, may_break, newest
from services.intake.contract import report_schema
from shared import contracts
from shared.asyncapi import asyncapi as asyncapi_document

FOUND = 1
REFUSED = 2
FOLDER = Path("docs/contract")
RELEASED = "released"
WRITE = "griddispatch contract write"
_GENERATED = ("*.json", "topics.md", "headers.md", "terms.md", "http.md", "schemas/*", "examples/*", "topics/*")
_PROMISED = ("asyncapi.json", "openapi-", "schemas/")

app = typer.Typer(no_args_is_help=True, help="The contract with integrators: topics, events, HTTP.")

Folder = Annotated[Path, typer.Option("--dir", help="where the contract's files lie")]


class Service(StrEnum):
    """A service with an OpenAPI document."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    NOTIFY = "notify"


@app.command()
def openapi(service: Annotated[Service, typer.Argument(help="whose HTTP API")]) -> None:
    """Print a service's OpenAPI document."""
    typer.echo(_text(openapi_of(service)), nl=False)


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document of the topics."""
    typer.echo(_text(asyncapi_document(report_schema())), nl=False)


@app.command()
def schemas(name: Annotated[str | None, typer.Argument(help="only this event type", metavar="[TYPE]")] = None) -> None:
    """Print the JSON Schema of every event type, or of one."""
    _print_one_or_all(contracts.schemas(), name)


@app.command()
def examples(name: Annotated[str | None, typer.Argument(help="only this event type", metavar="[TYPE]")] = None) -> None:
    """Print a whole record of every event type, or of one."""
    _print_one_or_all({n: e.as_json() for n, e in contracts.examples().items()}, name)


@app.command()
def write(folder: Folder = FOLDER) -> None:
    """Write every generated file, and remove those that nothing generates any more."""
    made = contract_files()
    for path in sorted(set(_generated_in(folder)) - set(made)):
        (folder / path).unlink()
        typer.echo(f"- {path}")
    for path, text in made.items():
        if _read(folder / path) != text:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
            typer.echo(f"+ {path}")


@app.command()
def check(folder: Folder = FOLDER) -> None:
    """Compare the files with the models; exit code 1 when they differ."""
    found = drift(folder)
    for sentence in found:
        typer.echo(sentence)
    if found:
        typer.echo(f"the contract's files are not what the models say; run: {WRITE}", err=True)
        raise typer.Exit(FOUND)
    typer.echo("the contract's files are what the models say")


@app.command()
def breaking(folder: Folder = FOLDER) -> None:
    """Compare with the last released contract; exit code 1 when something breaks without a new version."""
    version, found = breaks(folder)
    for sentence in found:
        typer.echo(sentence)
    if found and not may_break(version, contracts.CONTRACT_VERSION):
        typer.echo(f"breaks the released contract {version}: add a new version beside the old one", err=True)
        raise typer.Exit(FOUND)
    typer.echo(f"{contracts.CONTRACT_VERSION} against {version}: {len(found)} breaking changes")


@app.command()
def release(
    folder: Folder = FOLDER, again: Annotated[bool, typer.Option("--again", help="replace this very version")] = False
) -> None:
    """Keep the present contract as the released one of its version."""
    target = folder / RELEASED / contracts.CONTRACT_VERSION
    if target.exists() and not again:
        _leave(f"{contracts.CONTRACT_VERSION} is released already: raise CONTRACT_VERSION, or say --again")
    shutil.rmtree(target, ignore_errors=True)
    promised = {path: text for path, text in contract_files().items() if path.startswith(_PROMISED)}
    for path, text in promised.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, encoding="utf-8")
    typer.echo(f"released {contracts.CONTRACT_VERSION}: {len(promised)} files")


def contract_files() -> dict[str, str]:
    """Every generated file of the contract: its text by its path in the folder."""
    http = {service: openapi_of(service) for service in SERVICES}
    made = {"asyncapi.json": _text(asyncapi_document(report_schema()))}
    made |= {f"openapi-{service}.json": _text(document) for service, document in http.items()}
    made |= {f"schemas/{name}.json": _text(schema) for name, schema in contracts.schemas().items()}
    made |= {f"examples/{name}.json": _text(example.as_json()) for name, example in contracts.examples().items()}
    return made | pages(http)


def drift(folder: Path) -> list[str]:
    """Every file that is missing, differs, or should not be there."""
    made = contract_files()
    present = set(_generated_in(folder))
    found = [f"{path}: missing" for path in sorted(set(made) - present)]
    found += [f"{path}: nothing makes it any more" for path in sorted(present - set(made))]
    return found + [f"{path}: differs" for path in sorted(present & set(made)) if _read(folder / path) != made[path]]


def breaks(folder: Path) -> tuple[str, list[str]]:
    """The last released version, and what breaks it. Leaves with exit code 2 when nothing was released."""
    versions = sorted(p.name for p in (folder / RELEASED).iterdir()) if (folder / RELEASED).is_dir() else []
    if not versions:
        _leave(f"{folder / RELEASED}: no contract was released; run: griddispatch contract release")
    version = newest(versions)
    root = folder / RELEASED / version
    released: Files = {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in root.rglob("*.json")}
    return version, breaking_since(released, contract_files())


def _generated_in(folder: Path) -> Iterable[str]:
    return (str(p.relative_to(folder)) for pattern in _GENERATED for p in folder.glob(pattern))


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _text(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _print_one_or_all(known: dict[str, Any], name: str | None) -> None:
    if name is not None and name not in known:
        _leave(f"no event type {name}; there are: {', '.join(known)}")
    typer.echo(_text(known if name is None else known[name]), nl=False)


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(REFUSED)
