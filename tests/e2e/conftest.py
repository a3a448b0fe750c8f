"""The whole chain on a virtual board: sensor model, firmware, serial, SDK, gateway, database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import resonode
from resonode.transport import ResonodeTransport
from resonode.trust.label import Label
from resonode_hil.board import VirtualBoard, fresh_seed
from resonode_hil.commissioning import own, read_label, url_of
from resonode_hil.machine import Machine, Still, default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.timebase import Lockstep, Paced, TimeBase
from resonode_wire import smp
from resonode_wire.security import CLOSED
from tests.sdk.conftest import cli  # noqa: F401  # a fixture

PATIENCE_S = 60.0


@dataclass
class Rig:
    """One virtual node, measuring."""

    board: VirtualBoard
    chip: Iis3dwb

    @property
    def port(self) -> str:
        return f"serial:{self.board.port}"


RigFactory = Callable[..., Rig]


@pytest.fixture
def rig(virtual_board: Any, tmp_path: Path) -> RigFactory:
    """Return a function that starts a node on a machine, commissioned unless it is open."""
    count = 0

    def start(
        machine: Machine | None = None,
        *,
        timebase: TimeBase | None = None,
        chip_options: dict[str, Any] | None = None,
        profile: str = CLOSED,
        **options: Any,
    ) -> Rig:
        nonlocal count
        directory = tmp_path / f"rig{count}"
        count += 1
        if profile == CLOSED:
            commission_beforehand(directory)
        chip = Iis3dwb(machine or default_machine(), tap=True, **(chip_options or {}))
        board = virtual_board(
            {0: chip},
            timebase=timebase or Lockstep(),
            directory=directory,
            profile=profile,
            **options,
        )
        return Rig(board, chip)

    return start


def commission_beforehand(directory: Path) -> None:
    """Make the board of `directory` the test's own, in an earlier life.

    In that life time is the wall's. The numbering of its records and starts is taken back, so
    that a test sees the node from its first record on.
    """
    with VirtualBoard(directory, {0: Iis3dwb(Still())}) as board:
        run(own(board))
    (directory / "flash" / "sequence.bin").unlink()


@dataclass
class NewNode:
    """A node as it comes from the factory, and its label."""

    board: VirtualBoard
    label: Label

    @property
    def url(self) -> str:
        return url_of(self.board)


NewNodes = Callable[[], NewNode]


@pytest.fixture
def new_node(virtual_board: Any) -> NewNodes:
    """Return a function that starts a node nobody owns, on a machine at rest."""

    def start() -> NewNode:
        board = virtual_board({0: Iis3dwb(Still())}, timebase=Paced(), seed=fresh_seed())
        return NewNode(board, run(read_label(board)))

    return start


class Wire(ResonodeTransport):
    """A link on which somebody sits.

    Attributes:
        sent: every SMP message that left.
        forward: called with each message; returns the reply the host gets. `node(message)` asks
            the node.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sent: list[bytes] = []
        self.forward: Callable[[bytes], Awaitable[bytes]] | None = None

    async def send_and_receive(self, data: bytes) -> bytes:
        self.sent.append(data)
        if self.forward is None:
            return await super().send_and_receive(data)
        return await self.forward(data)

    async def node(self, message: bytes) -> bytes:
        return await super().send_and_receive(message)

    def commands(self) -> list[tuple[int, int]]:
        """(group, command) of what was sent."""
        return [(smp.unpack(message)[2], smp.unpack(message)[4]) for message in self.sent]


def run(coroutine: Awaitable[Any]) -> Any:
    """Run `coroutine` to its end, within PATIENCE_S."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await coroutine

    return asyncio.run(bounded())


async def measure(
    url: str, database: Path, config: dict[str, Any], until: Callable[[Any], bool]
) -> tuple[dict[str, dict[str, int]], str]:
    """Configure a node, store what it sends until `until(record)`, stop it, store the rest.

    Returns its statistics at the end, and its id.
    """
    async with resonode.connect(url) as node:
        await node.configure(config)
    reached = asyncio.Event()

    def watch(_node: str, record: Any) -> None:
        if until(record):
            reached.set()

    with resonode.Store(database) as store:
        gateway = resonode.Gateway(store, [url], on_record=watch)
        running = asyncio.create_task(gateway.run())
        waiting = asyncio.create_task(reached.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        status = gateway.nodes[0]
        assert status.connection is not None
        statistics = await stop_measuring(status.connection)
        last = (await status.connection.info()).next - 1
        while status.last_seq < last:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.01)
        gateway.stop()
        await running
        return statistics, status.node


async def stop_measuring(node: resonode.Node) -> dict[str, dict[str, int]]:
    """Stop, wait until the last window is analysed, and return the statistics."""
    await node.configure(run=False)
    while True:
        statistics = await node.statistics()
        windows = statistics["windows"]
        if windows["acquired"] == windows["analysed"] + windows["lost"]:
            return statistics
