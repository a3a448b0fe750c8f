"""A node that sleeps between captures: on time, complete, deaf, and awake when it should be."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import resonode
from resonode.errors import CommandError, Timeout
from resonode_hil.board import VirtualBoard
from resonode_hil.machine import Still
from resonode_hil.sensors.lis2dw12 import Lis2dw12
from resonode_hil.timebase import Lockstep, Paced
from resonode_wire.security import OPEN

from .conftest import PATIENCE_S, run

S = 1_000_000
DAY_S = 86400
WINDOW, RATE_HZ = 256, 1600
QUIET: dict[str, Any] = {"outputs": ["features"], "axes": "z", "velocity_axes": "z", "window": 256}
QUIET |= {"envelope_axes": "z", "sleep": "light"}


class Skipping(Lockstep):
    """Board time as fast as the wall's, but for what is skipped."""

    def __init__(self) -> None:
        super().__init__(speed=1.0)
        self.skip_until_us = 0

    def pass_until(self, t_us: int) -> float:
        if self.now_us() >= self.skip_until_us:
            return super().pass_until(t_us)
        speed, self.speed = self.speed, None
        try:
            return super().pass_until(min(t_us, self.skip_until_us))
        finally:
            self.speed = speed
            self.hold()  # what is left of this wait takes its time from here


async def skip(timebase: Skipping, until_us: int) -> None:
    timebase.skip_until_us = until_us
    async with asyncio.timeout(PATIENCE_S):
        while timebase.now_us() < until_us:
            await asyncio.sleep(0.02)


def sleeper(virtual_board: Any, timebase: Any) -> VirtualBoard:
    return virtual_board({0: Lis2dw12(Still())}, timebase=timebase, profile=OPEN)


def url_of(board: VirtualBoard) -> str:
    return f"serial:{board.port}"


async def configured(board: VirtualBoard, **settings: Any) -> int:
    """Configure the node, and return its time then."""
    async with resonode.connect(url_of(board)) as node:
        await node.configure(QUIET | settings)
        return (await node.info()).t_us


async def stored(node: resonode.Node) -> list[Any]:
    """All records that the node has kept."""
    last = (await node.info()).next - 1
    found = []
    async for record in node.records():
        found.append(record)
        if record.seq >= last:
            return found
    raise AssertionError


def test_in_24_h_of_sleep_no_capture_is_late_and_no_record_missing(virtual_board: Any) -> None:
    timebase = Skipping()
    board = sleeper(virtual_board, timebase)
    period_s, length_s = 1200, 1

    async def a_day() -> tuple[int, list[Any]]:
        began_us = await configured(board, schedule_period_s=period_s, schedule_length_s=length_s)
        await skip(timebase, began_us + DAY_S * S + length_s * S // 2)
        # It measures just now, so it listens.
        async with resonode.connect(url_of(board)) as node:
            return began_us, await stored(node)

    began_us, records = run(a_day())
    assert all(after.seq == before.seq + 1 for before, after in pairwise(records))
    assert not [one for one in records if isinstance(one, resonode.Loss)]
    # Every capture made whole windows, and the first of each came on the same grid.
    features = [one for one in records if isinstance(one, resonode.Features)]
    first = {one.capture: one.t_us for one in reversed(features) if one.t_us > began_us}
    captures = sorted(first)
    assert captures == list(range(captures[0], captures[0] + DAY_S // period_s + 1))
    starts_us = [first[one] for one in captures]
    late_us = [at - starts_us[0] - k * period_s * S for k, at in enumerate(starts_us)]
    # The sensor starts within a sample, and its FIFO is read within a burst.
    assert max(late_us) - min(late_us) <= 0.2 * S
    # What was not measured was slept, but for the first seconds after a host had spoken.
    health = [one for one in records if isinstance(one, resonode.Health)]
    awake_s = health[-1].t_us / S - health[-1].asleep_s
    assert awake_s <= began_us / S + 12 + 1.5 * length_s * DAY_S / period_s


def test_it_is_deaf_while_it_sleeps_and_answers_in_its_next_capture(virtual_board: Any) -> None:
    board = sleeper(virtual_board, Paced(speed=10))

    async def talk() -> float:
        await configured(board, schedule_period_s=60, schedule_length_s=10)
        async with resonode.connect(url_of(board)) as node:
            before = (await node.statistics())["power"]["asleep_s"]
        await asyncio.sleep(2.5)  # 25 s: beyond the capture, and the time it gives a host
        with pytest.raises(Timeout, match="Nothing answered.*light sleep.*--timeout"):
            await resonode.connect(url_of(board), timeout_s=1.0).__aenter__()
        async with resonode.connect(url_of(board), timeout_s=10.0) as node:
            return (await node.statistics())["power"]["asleep_s"] - before

    assert run(talk()) > 5


def test_a_host_that_listens_keeps_it_awake(virtual_board: Any) -> None:
    timebase = Skipping()
    board = sleeper(virtual_board, timebase)

    async def listen() -> int:
        began_us = await configured(board, schedule_period_s=60, schedule_length_s=1)
        async with resonode.connect(url_of(board)) as node:
            stream = node.records(timeout_s=None)
            await anext(stream)
            await skip(timebase, began_us + 300 * S)
            return (await node.statistics())["power"]["asleep_s"]

    assert run(listen()) == 0


def test_the_button_wakes_it_up(virtual_board: Any) -> None:
    timebase = Skipping()
    board = sleeper(virtual_board, timebase)

    async def press() -> None:
        began_us = await configured(board, schedule_period_s=DAY_S, schedule_length_s=1)
        await skip(timebase, began_us + 3600 * S)
        board.hold_button()
        time.sleep(0.6)
        board.hold_button(False)
        async with resonode.connect(url_of(board)) as node:
            asleep_s = (await node.statistics())["power"]["asleep_s"]
            assert asleep_s == pytest.approx(3600, abs=30)

    run(press())


def test_without_a_schedule_it_never_sleeps(virtual_board: Any) -> None:
    timebase = Skipping()
    board = sleeper(virtual_board, timebase)

    async def wait() -> None:
        for settings in ({"schedule_period_s": 0}, {"schedule_period_s": 60, "run": False}):
            began_us = await configured(board, **settings)
            await skip(timebase, began_us + 40 * S)
            async with resonode.connect(url_of(board)) as node:
                assert (await node.statistics())["power"]["asleep_s"] == 0

    run(wait())


def test_a_board_that_cannot_sleep_refuses_to_be_told_to(
    virtual_board: Any, tmp_path: Path
) -> None:
    from resonode_hil.staging import stage

    staged = stage(tmp_path / "staged")
    data = staged / "boards/VIRTUAL/board.json"
    data.write_text(
        data.read_text().replace('"sleep": {"button": true}', '"sleep": {"before": [1, 0]}')
    )
    board = virtual_board({0: Lis2dw12(Still())}, timebase=Paced(), profile=OPEN, staged=staged)
    with pytest.raises(CommandError, match="sleep must be idle"):
        run(configured(board))


def test_the_batterys_voltage_is_told(virtual_board: Any) -> None:
    board = sleeper(virtual_board, Paced(speed=4))
    board.set_battery(3.21)

    async def told() -> Any:
        async with resonode.connect(url_of(board)) as node:
            await node.configure(QUIET | {"sleep": "idle", "health_period_s": 1})
            async for record in node.records():
                if isinstance(record, resonode.Health):
                    return record
        raise AssertionError

    health = run(told())
    # A step of the converter, and of a float of 32 bits.
    assert health.battery_v == pytest.approx(3.21, abs=6.6 / 65535 + 1e-6)
    assert health.asleep_s is None
