"""The last lines of every service: read settings, build, serve, and leave with an exit code that means something."""

import argparse
import gc
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import uvloop
from asyncpg import PostgresError
from prometheus_client import disable_created_metrics
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from shared.access_settings import AccessSettings
from shared.assembly import Assembly, NotMigrated, release
from shared.errors import Rejected, Unavailable
from shared.kafka import TopicMismatch
from shared.kafka_security import KafkaSettings
from shared.migrations import SchemaNewer
from shared.settings import ServiceSettings
from shared.start_faults import StartRefused
from shared.telemetry import configure_logging

S = TypeVar("S", bound=ServiceSettings)

REFUSED = 2
"""Exit code for a start that was refused: settings, tables, topics or rules are wrong; starting again will not help."""
GC_THRESHOLDS = (20_000, 20, 20)
"""A batch makes tens of thousands of values that die with it by themselves; looking for cycles so often is wasted."""
UNREACHABLE = 3
"""Exit code for a start that may succeed later."""


class Exporting(Protocol):
    """Spans on their way; `finish` sends what is left."""

    def finish(self) -> None:
        """Blocks for a few seconds at the most."""


def main(
    service: str,
    settings: Callable[[], S],
    parts: Sequence[str],
    build: Callable[[S, frozenset[str]], Awaitable[Assembly]],
) -> None:
    """Run a service from the command line: `python -m services.<name> [--only PART]…`. Never returns."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("--only", action="append", choices=parts, metavar="PART", help=f"one of: {', '.join(parts)}")
    wanted = frozenset(parser.parse_args().only or parts)
    configure_logging(service)
    # Half as many series again, which no panel and no alert reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        read = settings()
    except ValidationError as error:
        _refuse_settings(service, problems_of(error, settings))
    except StartRefused as error:  # files that settings name
        _refuse_settings(service, error.faults)
    except ValueError as error:  # what a source of settings cannot read
        _refuse_settings(service, [str(error)])

    exporting = _export_traces(service, read)

    async def run() -> int:
        assembly = await build(read, wanted)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        return await assembly.run()

    try:
        code = uvloop.run(run())
    except (NotMigrated, SchemaNewer, TopicMismatch, Rejected, PostgresError, ValueError) as error:
        _leave(service, f"cannot start: {error}", REFUSED)
    except Unavailable as error:
        _leave(service, f"cannot start yet: {error}", UNREACHABLE)
    finally:
        if exporting is not None:
            exporting.finish()
    sys.exit(code)


def problems_of(error: ValidationError, settings: object = None) -> list[str]:
    """Every problem on a line of its own: wrong fields with an example of what would do, and what must not go together.

    The examples are those of the class `settings`. A wrong field hides what the whole would be refused for; so the
    halves that stand alone are asked once more.
    """
    fields = settings.model_fields if isinstance(settings, type) and issubclass(settings, BaseModel) else {}
    found = dict.fromkeys(_told(error, fields))
    for half in (AccessSettings, KafkaSettings):
        try:
            half()
        except ValidationError as hidden:
            found |= dict.fromkeys(_told(hidden, half.model_fields))
    return list(found)


def _told(error: ValidationError, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, StartRefused):
            yield from (f"GRIDDISPATCH: {one}" for one in cause.faults)
        else:
            name = "_".join(map(str, fault["loc"]))
            field = fields.get(str(fault["loc"][0])) if fault["loc"] else None
            yield f"GRIDDISPATCH_{name.upper()}: {fault['msg']}{_example(field)}"


def _example(field: FieldInfo | None) -> str:
    """What would do: the example beside the field, else its default; of a secret without an example nothing."""
    if field is None:
        return ""
    shown = field.examples[0] if field.examples else field.default
    is_told = isinstance(shown, str | int | float | Path) and shown != ""
    return f"; for example {str(shown).lower() if isinstance(shown, bool) else shown}" if is_told else ""


def _refuse_settings(service: str, problems: Iterable[str]) -> NoReturn:
    lines = "\n  ".join(problems)
    _leave(service, f"settings are wrong:\n  {lines}\nevery setting: deploy/env/{service}.env.example", REFUSED)


def _export_traces(service: str, settings: ServiceSettings) -> Exporting | None:
    """Send spans where the settings say so; refuses the start when the extra that sends them is not installed."""
    if not settings.tracing_endpoint:
        return None
    try:
        export = import_module("shared.tracing_export")
    except ModuleNotFoundError as error:
        _leave(service, f"GRIDDISPATCH_TRACING_ENDPOINT needs the extra griddispatch[tracing]: {error}", REFUSED)
    exporting: Exporting = export.Exporting(service, release(), settings.tracing_endpoint, settings.tracing_ratio)
    return exporting


def _leave(service: str, message: str, code: int) -> NoReturn:
    sys.stderr.write(f"{service}: {message}\n")
    sys.exit(code)
