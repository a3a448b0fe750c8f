"""resonode node config get, set, diff, apply"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import Command, Group, Json, Port, Timeout, with_node
from resonode.errors import NodeError
from resonode.setting_units import UNITS
from resonode.settings import check, check_names

if TYPE_CHECKING:
    from resonode.node import Node

app = typer.Typer(cls=Group, no_args_is_help=True, help="Read and change a node's settings.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="Settings as TOML, some or all.")]


@app.command("get", cls=Command)
def get(
    names: Annotated[
        list[str] | None, typer.Argument(help="Settings to show; all without one.")
    ] = None,
    port: Port = None,
    timeout: Timeout = 5.0,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="As a file for diff and apply has them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show settings. What each means, its range and default: docs/settings.md."""
    settings = with_node(port, timeout, lambda node: node.config())
    check_names(names or [], settings)
    shown = {name: settings[name] for name in names or sorted(settings)}
    if as_toml:
        import tomli_w

        print(tomli_w.dumps(shown), end="")
    else:
        _show(shown, as_json)


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
    wanted: dict[str, Any] = {}
    for name, value in map(_parse, changes):
        if name in wanted:
            raise typer.BadParameter(f"{name} is given twice")
        wanted[name] = value
    settings = with_node(port, timeout, lambda node: node.configure(wanted))
    _show({name: settings.get(name) for name in wanted}, as_json)


@app.command("diff", cls=Command)
def diff(file: File, port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """Show where a node's settings are not those of a file."""
    wanted = read_settings(file)
    settings = with_node(port, timeout, lambda node: node.config())
    _show_changes(_changes(wanted, settings), settings, as_json)


@app.command("apply", cls=Command)
def apply(file: File, port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """Make a node's settings those of a file: all of them, or none if one is refused."""
    wanted = read_settings(file)

    async def work(node: Node) -> tuple[dict[str, Any], dict[str, Any]]:
        settings = await node.config()
        changes = _changes(wanted, settings)
        if changes:
            await node.configure(changes)
        return changes, settings

    changes, before = with_node(port, timeout, work)
    _show_changes(changes, before, as_json)


def read_settings(file: Path) -> dict[str, Any]:
    """Return the settings in a TOML file.

    Raises:
        StoreError: it cannot be read.
        NodeError: it is no TOML; the text names the line.
    """
    import tomllib

    from resonode import files

    data = files.read_named(file, "Make one with: resonode node config get --toml > FILE")
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NodeError(
            f"{file} is no TOML", why=str(error), next="Mend that place; nothing was changed"
        ) from error


def _changes(wanted: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return what has to change, or raise NodeError where the node plainly cannot take it."""
    check(wanted, settings)
    return {name: value for name, value in wanted.items() if value != settings[name]}


def _parse(change: str) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"'{change}' is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _show(settings: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json({"config": settings})
        return
    rows = [(name, _text(value), UNITS.get(name, "")) for name, value in settings.items()]
    output.table(("setting", "value", "unit"), rows)


def _show_changes(changes: dict[str, Any], settings: dict[str, Any], as_json: bool) -> None:
    if as_json:
        both = {name: {"node": settings[name], "file": v} for name, v in changes.items()}
        output.print_json({"changes": both})
    elif changes:
        rows = [(name, _text(settings[name]), _text(v)) for name, v in changes.items()]
        output.table(("setting", "node", "file"), rows)
    else:
        output.say("The node's settings are those of the file.")
