"""Shaft speed by tachometer and by estimate, and a machine that stops, on a virtual board."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

import resonode
from resonode.records import Event, Velocity
from resonode_hil.machine.base import Still
from resonode_hil.machine.shaft import ShaftSpeed
from resonode_hil.machine.tachometer import Tachometer
from resonode_wire.fields import EVENTS, SHAFT_SOURCES

from .conftest import RigFactory, run

SHAFT_HZ = 29.53
VELOCITY = {"outputs": ["velocity"], "velocity_axes": "z", "velocity_window": 8192}


class Unbalanced(Still):
    """A shaft that pulls once a turn, with harmonics; it stands still now and then."""

    def __init__(self, stops_s: tuple[float, float] = (0.0, 0.0)) -> None:
        self._stops_s = stops_s

    def block(self, first: int, count: int, rate_hz: float) -> npt.NDArray[np.float64]:
        t_s = np.arange(first, first + count) / rate_hz
        turn = 2 * np.pi * SHAFT_HZ * t_s
        pull = 0.1 * np.sin(turn) + 0.15 * np.sin(3 * turn) + 0.2 * np.sin(7 * turn)
        out = np.zeros((count, 3))
        out[:, 2] = np.where((t_s >= self._stops_s[0]) & (t_s < self._stops_s[1]), 0.0, pull)
        return out


def collect(port: str, settings: dict, enough: Callable[[list], bool]) -> list[resonode.Record]:
    async def scenario() -> list[resonode.Record]:
        records: list[resonode.Record] = []
        async with resonode.connect(port) as node:
            await node.configure(**settings)
            async for record in node.records():
                records.append(record)
                if enough(records):
                    return records
        raise AssertionError("the stream ended")

    return run(scenario())


def of(kind: type, records: list) -> list:
    return [record for record in records if isinstance(record, kind)]


def test_a_tachometer_tells_the_speed_in_every_record(rig: RigFactory):
    one = rig(Unbalanced(), pulses={0: Tachometer(ShaftSpeed.constant(SHAFT_HZ), 2)})
    settings = VELOCITY | {"shaft_source": "tachometer", "tacho_pulses": 2}
    records = collect(one.port, settings, lambda found: len(of(Velocity, found)) == 3)
    last = of(Velocity, records)[-1]
    # Pulses are timed to 1 us, over 1 s and more.
    assert abs(last.shaft_hz - SHAFT_HZ) < SHAFT_HZ * 2e-6 + 1e-5
    assert SHAFT_SOURCES[last.shaft_source] == "tachometer"


def test_the_speed_is_estimated_from_the_spectrum_and_says_so(rig: RigFactory):
    one = rig(Unbalanced())
    settings = VELOCITY | {"shaft_source": "estimated"}
    records = collect(one.port, settings, lambda found: len(of(Velocity, found)) == 2)
    for record in of(Velocity, records):
        bin_hz = record.rate_hz / 8 / 8192
        assert abs(record.shaft_hz - SHAFT_HZ) < 0.02 * bin_hz
        assert SHAFT_SOURCES[record.shaft_source] == "estimated"


def test_a_stopped_machine_is_not_analysed_and_both_changes_are_told(rig: RigFactory):
    one = rig(Unbalanced(stops_s=(1.0, 2.0)))
    settings = {"outputs": ["features"], "running_m_s2": 0.2}
    records = collect(one.port, settings, lambda found: len(of(Event, found)) == 3)
    events = of(Event, records)
    assert [EVENTS[event.event] for event in events] == ["running", "stopped", "running"]
    assert events[1].rms_m_s2 < 0.2 <= events[2].rms_m_s2
    rate_hz = of(resonode.Features, records)[0].rate_hz
    while_stopped = range(events[1].first_sample, events[2].first_sample)
    for record in of(resonode.Features, records):
        assert record.first_sample not in while_stopped
    assert abs(len(while_stopped) / rate_hz - 1.0) < 2 * 1024 / rate_hz
