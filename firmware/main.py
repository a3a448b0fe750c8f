# Runs on: MicroPython
# Wires the node together; the only module that knows all the others.

import asyncio
import json
import sys
import time

import micropython

from firmware import VERSION
from firmware.analysis import buffer_bytes
from firmware.board import Board
from firmware.config import ConfigError
from firmware.counters import Counters
from firmware.drivers import iis3dwb
from firmware.link_serial import SerialLink
from firmware.measure import Measurement
from firmware.node import PROFILE, Node
from firmware.sampler import Sampler
from firmware.sequence import Sequence
from firmware.session import Session
from firmware.store import RecordStore
from resonode_wire.fields import RESET_CAUSES

_RESTART_S = 1
_NAP_S = 0.02
_GOODBYE_S = 5.0
_FLUSH_S = 0.05  # what was written leaves the port
_CHIPS = {"iis3dwb": (iis3dwb, iis3dwb.IIS3DWB)}


async def _guard(node, name: str, task) -> None:
    # A task's boundary: an exception is counted and reported, and the task begins again.
    while True:
        node.set_task_state(name, 1)
        try:
            await task()
        except Exception as error:
            node.report(name, error)
        node.set_task_state(name, 0)
        await asyncio.sleep(_RESTART_S)


def _sampler(board, counters) -> Sampler:
    fitted = board.data["sensors"][0]
    driver, chip = _CHIPS[fitted["chip"]]
    sensor = chip(board.spi(fitted["spi"]), board.output(fitted["cs"]), board.clock)
    return Sampler(sensor, driver, board.interrupt(fitted["int1"]), board.clock, counters)


def _seconds() -> float:
    return time.ticks_ms() / 1000  # type: ignore[operator]  # the stubs keep ticks apart from int


def _memory_check(limit: int):
    def fits(config: dict) -> None:
        needed = buffer_bytes(config)
        if needed > limit:
            raise ConfigError(
                f"needs {needed} bytes of buffers where this board gives {limit}: "
                "fewer envelope_axes or velocity_axes, or shorter windows"
            )

    return fits


async def _reset_when_asked(node) -> None:
    # The answer to the request leaves before the node does, and a host that is there gets the
    # records it has not acknowledged.
    while not node.reset_requested:
        await asyncio.sleep(_NAP_S)
    node.stop_measuring()
    patience_s = _GOODBYE_S
    while patience_s > 0 and not _all_said(node):
        await asyncio.sleep(_NAP_S)
        patience_s -= _NAP_S
    await asyncio.sleep(_FLUSH_S)


def _all_said(node) -> bool:
    kept = node.link.streaming and node.store.first < node.store.next
    return node.link.idle.is_set() and not kept


async def _start(board, node_name: str, reset_cause: str) -> None:
    counters = Counters()
    sequence = Sequence("sequence.bin")
    store = RecordStore(sequence, board.clock, counters, board.data["store_bytes"])
    link = SerialLink(
        asyncio.StreamReader(sys.stdin.buffer),
        asyncio.StreamWriter(sys.stdout.buffer, {}),
        store,
        counters,
        _seconds,
    )
    link.log(f"Resonode {VERSION} on {board.name}, node {node_name}, {PROFILE} profile")
    sensors = [fitted["chip"] for fitted in board.data["sensors"]]
    fits = _memory_check(board.data["buffer_bytes"])
    node = Node(node_name, board, sensors, sequence, store, counters, link, fits)
    measurement = Measurement(node, _sampler(board, counters))
    link.handle = Session(node, measurement).handle
    link.on_stream_end = measurement.cancel_waveform
    node.add_boot(RESET_CAUSES.index(reset_cause))
    store.declare_restart()
    tasks = (
        ("receive", link.receive),
        ("transmit", link.transmit),
        ("measure", measurement.run),
    )
    guards = [asyncio.create_task(_guard(node, name, task)) for name, task in tasks]
    await _reset_when_asked(node)
    for guard in guards:
        guard.cancel()
    sequence.close(store.first)


def run(path: str) -> None:
    # Runs until a reset is asked for. `path`: the folder of this board's board.json.
    micropython.kbd_intr(-1)  # 03 is a byte like any other on this port
    board = Board(path + "/board.json")
    with open("board_id") as file:
        identity = json.load(file)
    asyncio.run(_start(board, identity["node_id"], identity.get("reset_cause", "power")))
    board.reset()
