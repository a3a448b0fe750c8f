"""When samples, power or the sensor are lost: counted, declared, and never analysed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resonode
from resonode_hil.faults import BusFaults
from resonode_hil.timebase import Lockstep, Paced

from . import reference
from .conftest import Rig, RigFactory, measure, run
from .test_exact import Samples

WINDOW = 1024
LAST_CAPTURE = 2


def records_of(database: Path, kind: type) -> list[Any]:
    with resonode.Store(database, readonly=True) as store:
        return [one.record for one in store.query() if isinstance(one.record, kind)]


@pytest.mark.parametrize("stall_ms", [25, 50, 400])
def test_overrun_costs_whole_windows_which_are_declared_and_never_analysed(
    rig: RigFactory, tmp_path: Path, stall_ms: int
) -> None:
    timebase = Lockstep()
    for at_ms in (1500, 2000, 2010, 3000):
        timebase.stall(at_ms * 1000, stall_ms * 1000)
    one = rig(timebase=timebase)
    database = tmp_path / "store.db"
    config = {"outputs": ["features", "envelope"], "envelope_bands": [[2000, 4000]]}
    counters, _ = run(measure(one.port, database, config, lambda r: r.t_us > 5_000_000))

    windows = counters["windows"]
    assert windows["overruns"] >= 3 and windows["lost"] > 0
    assert windows["acquired"] == windows["analysed"] + windows["lost"]

    losses = records_of(database, resonode.Loss)
    assert all(loss.reason_name == "overrun" for loss in losses)
    assert sum(loss.lost_windows for loss in losses) == windows["lost"]
    lost = set()
    for loss in losses:
        lost |= set(range(loss.first_sample, loss.first_sample + loss.lost_samples, WINDOW))

    features = [f for f in records_of(database, resonode.Features) if f.capture == LAST_CAPTURE]
    analysed = {one.first_sample for one in features}
    # Every window of the capture is either analysed or declared lost, none is both.
    assert analysed.isdisjoint(lost)
    assert sorted(analysed | lost) == list(range(0, max(analysed) + 1, WINDOW))
    # The sensor overwrote words, so nothing analysed may hold any of what is gone: every window
    # is exactly what the sensor took at those indices, also behind the holes.
    assert one.chip.lost_words > 0
    samples = Samples(one)
    for record in features:
        wanted = reference.features(samples(record))
        assert record.kurtosis == pytest.approx(wanted["kurtosis"], rel=3e-6)
        assert record.rms_m_s2 == pytest.approx(wanted["rms_m_s2"], rel=1e-6)
    for record in records_of(database, resonode.EnvelopeSpectrum):
        if record.capture == LAST_CAPTURE:
            span = set(range(record.first_sample, record.first_sample + record.count, WINDOW))
            assert span.isdisjoint(lost)


def test_what_was_overwritten_before_a_host_came_is_declared(
    rig: RigFactory, tmp_path: Path
) -> None:
    """A node fills its store and goes on; then a gateway comes, for the first time."""

    async def scenario() -> None:
        with resonode.Store(tmp_path / "store.db") as store:
            gateway = resonode.Gateway(store, [one.port])
            running = asyncio.create_task(gateway.run())
            while not list(store.query("loss")):
                await asyncio.sleep(0.05)
                assert not running.done()
            gateway.stop()
            await running

    one = rig(timebase=Lockstep())
    while one.board.timebase.now_us() < 30_000_000:  # twice what the store holds
        time.sleep(0.05)
    run(scenario())
    with resonode.Store(tmp_path / "store.db", readonly=True) as store:
        numbers = {one.record.seq for one in store.query()}
    declared: set[int] = set()
    for loss in records_of(tmp_path / "store.db", resonode.Loss):
        assert loss.reason_name == "store_full"
        declared |= set(range(loss.first_seq, loss.first_seq + loss.lost_records))
    assert declared and numbers.isdisjoint(declared)
    assert numbers | declared == set(range(max(numbers) + 1))


async def overfill(one: Rig) -> None:
    """Wait until a node has overwritten something that it made since it started."""
    while True:
        async with resonode.connect(one.port) as node:
            records = (await node.statistics())["records"]
        if records["dropped"]:
            return
        await asyncio.sleep(0.1)


def test_what_restarts_without_a_host_ended_is_declared(rig: RigFactory, tmp_path: Path) -> None:
    """Overwritten before a restart, in memory at it, and the loss record overwritten after it."""
    database = tmp_path / "store.db"

    async def store_some(until: Callable[[resonode.Store], object]) -> None:
        with resonode.Store(database) as store:
            gateway = resonode.Gateway(store, [one.port])
            running = asyncio.create_task(gateway.run())
            while not until(store):
                await asyncio.sleep(0.05)
                assert not running.done()
            gateway.stop()
            await running

    async def restart() -> None:
        async with resonode.connect(one.port) as node:
            await node.reset()

    one = rig(timebase=Lockstep())
    run(store_some(lambda store: store.count() > 10))
    for restarts in (1, 2):
        run(overfill(one))
        run(restart())
        while one.board.restarts < restarts:
            time.sleep(0.05)
    run(overfill(one))
    run(store_some(lambda store: list(store.query("loss"))))
    with resonode.Store(database, readonly=True) as store:
        holes = store.holes()
        [node] = store.nodes()
        newest, stored = store.last_seq(node), store.count()
    assert {hole.kind for hole in holes} == {"restart", "store_full"}
    assert newest == stored + sum(hole.numbers or 0 for hole in holes) - 1


def test_an_abandoned_capture_does_not_keep_the_next_one_away(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            while not (await node.statistics())["windows"]["acquired"]:
                await asyncio.sleep(0.02)
            long = asyncio.create_task(node.capture(1 << 20, "z"))
            await asyncio.sleep(0.5)
            long.cancel()
            with pytest.raises(asyncio.CancelledError):
                await long
            taken = await node.capture(2048, "xyz")
            assert taken.samples.shape == (2048, 3)

    one = rig(timebase=Paced())
    run(scenario())


def test_killed_node_loses_nothing_that_was_stored_and_the_gateway_goes_on(
    rig: RigFactory, tmp_path: Path
) -> None:
    async def scenario() -> tuple[int, dict[tuple[str, int], bytes]]:
        with resonode.Store(tmp_path / "store.db") as store:
            gateway = resonode.Gateway(store, [one.port], timeout_s=2.0)
            running = asyncio.create_task(gateway.run())
            while store.count() < 100:
                await asyncio.sleep(0.02)
            one.board.kill()
            before = store.count()
            kept = {(node.node, node.record.seq): node.record.raw for node in store.query()}
            one.board.start()
            while store.count() < before + 100:
                await asyncio.sleep(0.02)
                assert not running.done()
            gateway.stop()
            await running
            return before, kept

    one = rig(timebase=Paced(), may_crash=True)
    _before, kept = run(scenario())
    with resonode.Store(tmp_path / "store.db", readonly=True) as store:
        for (node, seq), raw in kept.items():
            assert store.raw(node, seq) == raw
        epochs = {one.record.epoch for one in store.query("boot")}
    assert epochs == {1, 2}


def test_absent_sensor_is_told_in_plain_words_and_the_node_stays_reachable(
    rig: RigFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> dict[str, dict[str, int]]:
        async with resonode.connect(one.port) as node:
            while True:
                statistics = await node.statistics()
                if statistics["tasks"]["errors"]:
                    await asyncio.sleep(1.2)  # the next attempt tells it again
                    return statistics
                await asyncio.sleep(0.05)

    one = rig(timebase=Paced(), faults=BusFaults(absent=frozenset({0})))
    with caplog.at_level("INFO", logger="resonode.node_log"):
        statistics = run(scenario())
    assert statistics["windows"]["acquired"] == 0
    assert any("iis3dwb does not answer" in line for line in caplog.messages)


def test_configuration_survives_a_restart_and_a_refused_one_changes_nothing(
    rig: RigFactory,
) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            await node.configure(window=2048, shaft_hz=29.95)
            with pytest.raises(resonode.CommandError, match="full_scale_g"):
                await node.configure(window=512, full_scale_g=3)
            with pytest.raises(resonode.CommandError, match="bytes of buffers"):
                await node.configure(
                    axes="xyz",
                    envelope_axes="xyz",
                    velocity_axes="xyz",
                    window=4096,
                    envelope_points=4096,
                    envelope_bands=[[1000, 2500], [2500, 4000], [4000, 5500], [5500, 7000]],
                    full_scale_g=2,
                    outputs=["features", "spectrum", "envelope", "velocity"],
                    watermark=256,
                )
            await node.reset()
        while not one.board.restarts:
            await asyncio.sleep(0.02)
        async with resonode.connect(one.port) as node:
            config = await node.config()
            assert config["window"] == 2048
            assert config["shaft_hz"] == 29.95

    one = rig(timebase=Paced())
    run(scenario())


def test_schedule_measures_for_its_length_and_pauses(rig: RigFactory, tmp_path: Path) -> None:
    one = rig(timebase=Lockstep())
    config = {
        "schedule_period_s": 5,
        "schedule_length_s": 1,
        "outputs": ["features"],
        "axes": "z",
        "velocity_axes": "z",
    }
    database = tmp_path / "store.db"
    run(measure(one.port, database, config, lambda r: r.t_us > 17_000_000))
    by_capture: dict[int, list[int]] = {}
    for record in records_of(database, resonode.Features):
        if record.capture >= LAST_CAPTURE:
            by_capture.setdefault(record.capture, []).append(record.t_us)
    runs = [times for _, times in sorted(by_capture.items())]
    assert len(runs) >= 3
    starts = [times[0] for times in runs]
    for times in runs[:-1]:
        assert times[-1] - times[0] < 1_050_000
    for earlier, later in zip(starts, starts[1:], strict=False):
        assert later - earlier == pytest.approx(5_000_000, abs=60_000)
