"""resonode config get, resonode config set"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import Command, Group, Json, Port, Timeout, with_node
from resonode.errors import NodeError

app = typer.Typer(cls=Group, no_args_is_help=True, help="Read and change a node's settings.")


@app.command("get", cls=Command)
def get(
    names: Annotated[
        list[str] | None, typer.Argument(help="Settings to show; all without one.")
    ] = None,
    port: Port = None,
    timeout: Timeout = 5.0,
    as_json: Json = False,
) -> None:
    """Show settings."""
    settings = with_node(port, timeout, lambda node: node.config())
    unknown = set(names or []) - set(settings)
    if unknown:
        raise NodeError(
            f"The node has no setting {', '.join(sorted(unknown))}",
            next=f"It has: {', '.join(sorted(settings))}",
        )
    _show({name: settings[name] for name in names or sorted(settings)}, as_json)


@app.command("set", cls=Command)
def set_(
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="Values as JSON, e.g. envelope_bands=[[2000,4000]]; other text is taken as it is.",
        ),
    ],
    port: Port = None,
    timeout: Timeout = 5.0,
    as_json: Json = False,
) -> None:
    """Change settings: all of those named, or none if one is refused."""
    wanted = dict(_parse(one) for one in changes)
    settings = with_node(port, timeout, lambda node: node.configure(wanted))
    _show({name: settings.get(name) for name in wanted}, as_json)


def _parse(change: str) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"'{change}' is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _show(settings: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json({"config": settings})
    else:
        rows = [
            (name, value if isinstance(value, str) else json.dumps(value))
            for name, value in settings.items()
        ]
        output.table(("setting", "value"), rows)
