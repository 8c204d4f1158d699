"""The command line: what an operator or a newcomer needs, each verb with an exit code that means something."""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Final

import typer

from griddispatch.health import ask

VERBS: Final = {
    "demo": "griddispatch.demo.command:app",
    "bench": "griddispatch.bench.command:app",
    "simulate": "griddispatch.capacity.command:app",
    "db": "griddispatch.stores:database",
    "topics": "griddispatch.stores:topics",
    "dlq": "griddispatch.dlq:app",
    "replay": "griddispatch.replay:app",
    "reconcile": "griddispatch.reconcile:app",
    "recover": "griddispatch.recover:app",
    "contract": "griddispatch.contract:app",
    "area": "griddispatch.area:app",
    "rules": "griddispatch.rules:app",
    "triage": "griddispatch.triage:app",
    "lifecycle": "griddispatch.lifecycle:app",
    "report": "griddispatch.report:app",
    "keys": "griddispatch.keys:app",
    "audit": "griddispatch.audit:app",
}
"""Where each verb is: only what is asked for is loaded, for most of a start is loading."""
SINGLE: Final = frozenset(("demo", "bench", "simulate", "replay", "reconcile"))
"""Verbs without verbs below them."""


def command_line(asked: Iterable[str] = ()) -> typer.Typer:
    """The command line with the verb that is asked for; with every verb where none of them is."""
    app = typer.Typer(no_args_is_help=True, add_completion=False)
    app.callback()(_root)
    app.command("health")(_health)
    verb = next(iter(asked), None)
    for name, place in VERBS.items():
        if verb == name or verb not in (*VERBS, "health"):
            module, _, attribute = place.partition(":")
            verbs: typer.Typer = getattr(import_module(module), attribute)
            app.add_typer(verbs, name=None if name in SINGLE else name)
    return app


def main() -> None:
    """Run the command line."""
    command_line(sys.argv[1:])(prog_name="griddispatch")


def _root() -> None:
    """Grid Dispatch: from the hotline to the citizen."""


def _health(
    port: Annotated[int, typer.Argument(min=1, max=65535, help="where the service listens: 8001, 8002, 8003")],
    host: Annotated[str, typer.Option(help="on which host")] = "127.0.0.1",
) -> None:
    """Whether a service is ready: exit code 0, or 1 and what it lacks."""
    ready, said = ask(port, host)
    typer.echo(said)
    raise typer.Exit(0 if ready else 1)
