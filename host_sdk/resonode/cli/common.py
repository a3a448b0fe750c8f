"""What commands share: options every command has, finding the node, running coroutines."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from resonode.cli import output
from resonode.cli.asking import be_sure
from resonode.errors import NodeError, NodeNotFound, StoreError
from resonode_wire.security import KEY

if TYPE_CHECKING:
    from resonode.gateway.store import Store
    from resonode.node import Node

T = TypeVar("T")

_OF_THE_RIG = ("demo", "twin")
NO_NODE = (
    "Plug a node in, name its port with --port or in RESONODE_PORT, "
    "or start a virtual one, which prints its port: resonode twin"
)

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        envvar="RESONODE_PORT",
        metavar="URL",
        help="serial:/dev/ttyACM0, serial:COM3, socket://host:port, rfc2217://host:port or a "
        "path. Without it, the only USB serial port there is.",
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.05, metavar="S", help="Longest wait for an answer, s.")
]
Database = Annotated[
    Path | None,
    typer.Option("--db", envvar="RESONODE_DB", metavar="FILE", help="The gateway's database."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Overwrite files without asking.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per line.")]
NodeId = Annotated[
    str | None, typer.Option("--node", metavar="ID", help="Only this node, by id or name.")
]
Axis = Annotated[str | None, typer.Option("--axis", help="Only this axis: x, y or z.")]


@dataclass
class Settings:
    """What the options of every command set."""

    verbose: int = 0
    quiet: bool = False
    debug: bool = False


settings = Settings()


class _Visible(logging.Formatter):
    """What a node said may be in a line; it must not steer the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return output.visible(super().formatMessage(record))


def start_logging() -> None:
    """Send warnings to stderr; -v and -q change how much."""
    settings.verbose, settings.quiet, settings.debug = 0, False, False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Visible("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], force=True)
    _set_level()


def _set_level() -> None:
    level = logging.WARNING
    if settings.quiet:
        level = logging.CRITICAL
    elif settings.verbose:
        level = logging.INFO if settings.verbose == 1 else logging.DEBUG
    logging.getLogger().setLevel(level)
    # smpclient logs as errors what we repeat or report ourselves.
    smp_level = logging.DEBUG if settings.verbose > 1 else logging.CRITICAL
    logging.getLogger("smpclient").setLevel(smp_level)


def _set(name: str) -> Callable[[Any, Any, Any], None]:
    def callback(_context: Any, _parameter: Any, value: Any) -> None:
        if value:
            setattr(settings, name, value)
            _set_level()

    return callback


def _common_options() -> list[Any]:
    return [
        TyperOption(
            param_decls=["-v", "--verbose"],
            count=True,
            metavar="",
            expose_value=False,
            callback=_set("verbose"),
            help="Say more; -vv says all.",
        ),
        TyperOption(
            param_decls=["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_set("quiet"),
            help="No progress and no warnings.",
        ),
        TyperOption(
            param_decls=["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_set("debug"),
            help="Print the traceback of an error.",
        ),
    ]


class Command(TyperCommand):
    """A command with the options that every command has."""

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, params=[*(params or []), *_common_options()], **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise typer.BadParameter(
                    f"{value} is no number to use here", ctx=ctx, param=parameter
                )
        return rest


class Group(TyperGroup):
    """A group of commands, in the order they were added."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in _OF_THE_RIG and ctx.parent is None and not self.get_command(ctx, args[0]):
            ctx.fail(
                f"'{args[0]}' comes with the rig, which is not installed. "
                "In a checkout of Resonode run: make demo (or make setup, then "
                f".venv/bin/resonode {args[0]})"
            )
        return super().resolve_command(ctx, args)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(work)


async def only_port() -> str:
    """Return the URL of the only candidate port.

    Raises:
        NodeNotFound: there is none, or more than one.
    """
    from resonode.node import discover

    found = await discover()
    if not found:
        raise NodeNotFound(
            "No node was found",
            why="there is no USB serial port",
            next=NO_NODE,
        )
    if len(found) > 1:
        raise NodeNotFound(
            "Which node?",
            why=f"there are {len(found)} ports: {', '.join(one.url for one in found)}",
            next="Name one with --port or in RESONODE_PORT",
        )
    return found[0].url


def with_node(port: str | None, timeout_s: float, work: Callable[[Node], Awaitable[T]]) -> T:
    """Connect, run `work(node)` and disconnect."""

    async def connected() -> T:
        from resonode.node import connect

        async with connect(port or await only_port(), timeout_s=timeout_s) as node:
            return await work(node)

    return run(connected())


def database(path: Path | None) -> Path:
    """Return the database to use: the one named, or the user's own."""
    if path is not None:
        return path
    import platformdirs

    return Path(platformdirs.user_data_dir("resonode")) / "records.db"


def node_names() -> dict[str, str]:
    """Return node id -> name in the site file, of those that have one."""
    from resonode.trust.site import Site

    return {one.id: one.name for one in Site.open().nodes() if one.name}


def stored_node(store: Store, id_or_name: str | None) -> str | None:
    """Return the id of the node that --node names, None for all.

    Raises:
        NodeError: nothing is stored of such a node, or several have this name.
    """
    ids = store.nodes()
    if id_or_name is None or id_or_name in ids:
        return id_or_name
    from resonode.trust.site import Site

    entry = Site.open().find(id_or_name)
    if entry is not None and entry.id in ids:
        return entry.id
    raise NodeError(
        f"{store.path} has no record of a node {id_or_name}",
        why=f"it has {the_nodes(ids)}" if ids else "it has none at all",
        next="Name one of these with --node" if ids else "Fill it with: resonode gateway run",
    )


def the_nodes(ids: Iterable[str]) -> str:
    """Return nodes for a message, each with the name that the site file gives it."""
    names = node_names()
    return ", ".join(f"{one} ({names[one]})" if one in names else one for one in ids)


def axis_number(axis: str | None) -> int | None:
    """Return 0, 1 or 2 for x, y or z."""
    if axis is None:
        return None
    if axis not in ("x", "y", "z"):
        raise typer.BadParameter(f"axis is x, y or z, not {axis}", param_hint="--axis")
    return "xyz".index(axis)


def read_host_key(digits: str) -> bytes:
    """Return the key of a computer, as --host-key has it."""
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != KEY:
        raise typer.BadParameter("a host key has 64 digits of 0-9 and a-f", param_hint="--host-key")
    return key


def may_write(path: Path, yes: bool) -> None:
    """Make sure that `path` may be written: it is new, `--yes` was given, or the user agrees.

    Raises:
        StoreError: its folder is not there.
        NodeError: it exists, and nobody agreed.
    """
    if not path.parent.is_dir():
        raise StoreError(f"There is no folder {path.parent}", next="Make it, or choose another")
    if not path.exists() or yes:
        return
    if not sys.stdin.isatty():
        raise NodeError(f"{path} exists already", next="Overwrite it with --yes")
    be_sure(yes, f"{path} exists already. Overwrite it?")
