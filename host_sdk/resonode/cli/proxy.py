"""resonode proxy"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, Timeout, with_node

if TYPE_CHECKING:
    from resonode.node import Node

_KEEP_S = 5.0  # a session on a link that drops is noticed after this time


def proxy(
    port: Port = None,
    timeout: Timeout = 5.0,
    udp: Annotated[
        int | None,
        typer.Option(
            "--udp", min=0, max=65535, metavar="N", help="UDP port on loopback; 0 for any free one."
        ),
    ] = None,
    serial: Annotated[
        bool, typer.Option("--serial", help="A pseudo terminal, which only you may open.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, metavar="S", help="End after this time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let any SMP tool work on a node through your session, until stopped (Ctrl-C).

    Without --udp or --serial it is UDP port 1337, where such tools look for it: smpmgr --ip
    127.0.0.1. Every user of this computer can reach UDP, and then has your role on the node.
    """

    async def work(node: Node) -> None:
        from resonode.trust.proxy import SMP_PORT, Relay, serial_proxy, udp_proxy

        relay = Relay(node.session or node.transport, timeout)
        wanted = SMP_PORT if udp is None and not serial else udp
        async with AsyncExitStack() as stack:
            places = {"node": (await node.info()).node}
            if wanted is not None:
                number = await stack.enter_async_context(udp_proxy(relay, wanted))
                places["udp"] = f"127.0.0.1:{number}"
            if serial:
                places["serial"] = await stack.enter_async_context(serial_proxy(relay))
            _announce(places, as_json)
            await _stay(node, relay.ended, seconds)
        if relay.error is not None:
            raise relay.error

    with_node(port, timeout, work)


def _announce(places: dict[str, str], as_json: bool) -> None:
    if as_json:
        output.print_json(dict(places))
    else:
        output.table(("", ""), places.items())
    sys.stdout.flush()


async def _stay(node: Node, ended: asyncio.Event, seconds: float | None) -> None:
    """Wait until the session ends or the time is over; a node that vanishes raises."""
    loop = asyncio.get_running_loop()
    until_s = None if seconds is None else loop.time() + seconds
    while not ended.is_set() and (until_s is None or loop.time() < until_s):
        left_s = _KEEP_S if until_s is None else min(_KEEP_S, until_s - loop.time())
        try:
            async with asyncio.timeout(left_s):
                await ended.wait()
        except TimeoutError:
            await node.echo("")
