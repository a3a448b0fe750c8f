"""A chip sleeps between captures: the path of real boards, with the rig's time."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import resonode
from resonode_hil.emulated import EmulatedBoard
from resonode_hil.machine import Still
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_wire.security import OPEN
from tests.e2e.conftest import run
from tests.e2e.test_sleep import S, Skipping, configured, skip, stored
from tools import emulated

PERIOD_S, HOURS = 3600, 2
DATE = dt.datetime(2027, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


def test_captures_of_two_hours_are_on_time_complete_and_slept_in_between(tmp_path: Path) -> None:
    emulated.build("frozen")
    timebase = Skipping()
    chip = {0: Iis3dwb(Still())}
    with EmulatedBoard(tmp_path, chip, timebase=timebase, build="frozen", profile=OPEN) as board:

        async def hours() -> tuple[int, list[Any]]:
            async with resonode.connect(f"serial:{board.port}") as node:
                await node.set_datetime(DATE)
            began_us = await configured(
                board, schedule_period_s=PERIOD_S, schedule_length_s=1, window=4096, watermark=256
            )
            await skip(timebase, began_us + HOURS * 3600 * S + S // 2)
            async with resonode.connect(f"serial:{board.port}") as node:
                passed_s = (await node.datetime() - DATE).total_seconds()
                assert abs(passed_s - HOURS * 3600) < 10  # ticks have wrapped six times
                return began_us, await stored(node)

        began_us, records = run(hours())
        board.check()
    assert all(after.seq == before.seq + 1 for before, after in pairwise(records))
    features = [one for one in records if isinstance(one, resonode.Features)]
    first = {one.capture: one.t_us for one in reversed(features) if one.t_us > began_us}
    starts_us = [first[one] for one in sorted(first)]
    assert len(starts_us) == HOURS * 3600 // PERIOD_S + 1
    # One window of a sensor whose rate is measured anew in each capture, and a nap of 100 ms.
    assert all(
        abs(after - before - PERIOD_S * S) < 0.2 * S for before, after in pairwise(starts_us)
    )
    assert abs(starts_us[-1] - starts_us[0] - HOURS * 3600 * S) < 0.2 * S
    asleep_s = [one.asleep_s for one in records if isinstance(one, resonode.Health)][-1]
    assert asleep_s > HOURS * 3600 - 30
