"""resonode gateway run"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode import files
from resonode.cli import output
from resonode.cli.common import (
    Command,
    Database,
    Group,
    Json,
    Timeout,
    database,
    only_port,
    run,
    settings,
)
from resonode.errors import Incomplete

if TYPE_CHECKING:
    from resonode.gateway import Gateway, NodeStatus

app = typer.Typer(cls=Group, no_args_is_help=True, help="Keep the records of several nodes.")

_LINE_S = 10.0  # without a terminal: one line of progress in this time


@app.callback()
def _gateway() -> None:
    """Keep the records of several nodes."""


@app.command("run", cls=Command)
def run_gateway(
    ports: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            "-p",
            envvar="RESONODE_PORT",
            metavar="URL",
            help="A node's port; repeat it for several. Without it, the only USB serial port.",
        ),
    ] = None,
    db: Database = None,
    timeout: Timeout = 5.0,
    wait: Annotated[
        bool, typer.Option("--wait", help="Keep trying ports that are absent at the start.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, metavar="S", help="End after this time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Stream every record of the nodes into a database until stopped (Ctrl-C, SIGTERM)."""
    path = database(db)
    if db is None:
        files.make_folder(path.parent)
    interrupted = run(_run(ports or [], path, timeout, wait, seconds, as_json))
    if interrupted:
        raise KeyboardInterrupt


async def _run(
    ports: list[str], path: Path, timeout_s: float, wait: bool, seconds: float | None, as_json: bool
) -> bool:
    from resonode.gateway import Gateway, Store

    with Store(path) as store:
        gateway = Gateway(store, ports or [await only_port()], wait=wait, timeout_s=timeout_s)
        signals = _stop_on_signals(gateway)
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, gateway.stop)
        output.say(f"Storing into {path}. Stop with Ctrl-C.")
        progress = asyncio.create_task(_show_progress(gateway))
        try:
            await gateway.run()
        finally:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)
            _report(gateway, as_json)
    _refuse_absent(
        [one for one in gateway.nodes if not one.connects],
        "were never reached",
        "Check these ports, or let the gateway wait for them with --wait",
    )
    if not signals:  # a service that is stopped has promised nothing of that moment
        _refuse_absent(
            [one for one in gateway.nodes if one.error],
            "were away at the end",
            "Run it again once they are back: they keep their newest records, and declare the rest",
        )
    return signal.SIGINT in signals


def _refuse_absent(absent: list[NodeStatus], how: str, next: str) -> None:
    """Raises Incomplete if there are any."""
    if absent:
        ports = ", ".join(one.url for one in absent)
        why = str(absent[0].error or "")
        raise Incomplete(f"Nodes that {how}: {len(absent)} ({ports})", why=why, next=next)


def _stop_on_signals(gateway: Gateway) -> list[int]:
    """Stop in order on SIGTERM and on the first Ctrl-C. Returns a list: what came, once it has."""
    came: list[int] = []

    def stop(number: int) -> None:
        came.append(number)
        gateway.stop()

    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
    return came


async def _show_progress(gateway: Gateway) -> None:
    if settings.quiet:
        return
    if not sys.stderr.isatty():
        while True:
            await asyncio.sleep(_LINE_S)
            for one in gateway.nodes:
                output.say(f"{one.node}: {one.state}, {one.stored} stored, last seq {one.last_seq}")
    from rich.live import Live

    with Live(console=output.console(stderr=True), transient=True, auto_refresh=False) as live:
        while True:
            live.update(_status_table(gateway), refresh=True)
            await asyncio.sleep(0.5)


def _status_table(gateway: Gateway) -> Any:
    from rich.table import Table

    out = Table(box=None, header_style="bold")
    out.add_column("node", no_wrap=True, min_width=max(len(one.node) for one in gateway.nodes))
    for heading in ("state", "stored", "last seq", "resends", "missing", "damaged", ""):
        out.add_column(heading)
    for one in gateway.nodes:
        numbers = (one.stored, one.last_seq, one.resends, one.missing, one.damaged)
        out.add_row(one.node, one.state, *map(str, numbers), one.error.what if one.error else "")
    return out


def _report(gateway: Gateway, as_json: bool) -> None:
    names = (
        *("received", "stored", "duplicates", "conflicts"),
        *("resends", "missing", "lost_or_unused", "damaged"),
    )
    rows = [
        {"node": one.node, "url": one.url}
        | {name: getattr(one, name) for name in names}
        | {"connects": one.connects, "acknowledges": one.acknowledges}
        | {"error": str(one.error) if one.error else None}
        for one in gateway.nodes
    ]
    if as_json:
        output.print_json({"nodes": rows})
    elif len(rows) > 1 or rows[0]["connects"]:  # else the error that ends it says all there is
        headings = ("node", *names, "connects")
        output.table(headings, [[row[name] for name in headings] for row in rows], whole=True)
        for row in rows:
            if row["error"]:
                print(f"{row['node']}: {row['error']}")
            if not row["acknowledges"]:
                print(f"{row['node']}: not acknowledged, for this computer is only its viewer")
