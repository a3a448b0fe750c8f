"""The main job from end to end: machine, sensor, node, serial port, gateway, database, report.

The node is the real firmware in the real MicroPython; only the machine and the sensor chip are
computed.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonode.analysis import EnvelopeReport, envelope_report, group_envelopes
from resonode.bearing import Bearing, bearing
from resonode.errors import Incomplete, NodeError, RecordingError
from resonode.gateway import Gateway, Store
from resonode.gateway.gateway import NodeStatus
from resonode.node import Node, connect
from resonode.records import EnvelopeSpectrum, Features, Record, Velocity
from resonode.trust.access import Trust
from resonode_hil import errors as rig
from resonode_hil.board import VirtualBoard, fresh_seed
from resonode_hil.commissioning import own, own_trust, url_of
from resonode_hil.machine import Damage, Machine, PhysicalMachine, Replay
from resonode_hil.machine.physical import REFERENCE_HZ
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.timebase import Lockstep, Paced, TimeBase

CONFIG: dict[str, Any] = {
    "run": True,
    "full_scale_g": 16,
    "axes": "xyz",
    "outputs": ["features", "spectrum", "envelope", "velocity"],
    "envelope_axes": "z",
    "envelope_bands": [[2000, 4000], [4000, 6000]],
    "envelope_encoding": "f32",
    "health_period_s": 10,
}
# At rest the node has nothing more to say, even where its time runs faster than the wall's.
REST: dict[str, Any] = {"run": False, "health_period_s": 3600}
_DRAIN_S = 20.0
# How much of a machine that has no end is looked at for what the sensor cannot show.
_LOOK_S = 1.0
_AVERAGED = ("mean_m_s2", "rms_m_s2", "peak_m_s2", "crest", "kurtosis", "skewness")


@dataclass(frozen=True)
class Options:
    """What to measure and for how long. `speed`: times real time, None for as fast as it goes."""

    replay: Path | None = None
    rate_hz: float | None = None
    key: str | None = None
    column: str | None = None
    unit: str | None = None
    full_scale_g: float | None = None
    gain: float = 1.0
    remove_mean: bool | None = None
    bearing: str = "6205"
    rpm: float | None = None
    seconds: float = 20.0
    speed: float | None = 1.0
    db: Path | None = None
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Result:
    """What came of it: the report as the JSON says it, and the spectra it was made from."""

    report: dict[str, Any]
    envelopes: list[EnvelopeReport]


@dataclass
class Progress:
    """How far a run is. `node_s`: by the node's clock, since the measurement began."""

    node_s: float = 0.0
    records: int = 0
    envelopes: int = 0
    start_us: int | None = None

    def take(self, _node: str, record: Record) -> None:
        """Count a record that has arrived."""
        if self.start_us is None and isinstance(record, Features):
            self.start_us = record.t_us
        if self.start_us is not None:
            self.node_s = max(self.node_s, (record.t_us - self.start_us) / 1e6)
        self.records += 1
        self.envelopes += isinstance(record, EnvelopeSpectrum)


@contextmanager
def rig_errors() -> Iterator[None]:
    """Turn the rig's errors into those the command line knows.

    Raises:
        RecordingError, NodeError
    """
    try:
        yield
    except rig.RecordingError as error:
        raise RecordingError(str(error)) from error
    except rig.RigError as error:
        raise NodeError(str(error)) from error


def make_machine(options: Options) -> Machine:
    """Return what the sensor is bolted to.

    Raises:
        resonode_hil.errors.RecordingError: the recording cannot be replayed.
    """
    if options.replay is not None:
        return Replay(
            options.replay,
            options.rate_hz,
            key=options.key,
            column=options.column,
            unit=options.unit,
            full_scale_g=options.full_scale_g,
            gain=options.gain,
            remove_mean=options.remove_mean,
            rpm=options.rpm,
        )
    speed_hz = options.rpm / 60.0 if options.rpm else REFERENCE_HZ
    return PhysicalMachine(
        speed_hz,
        bearing=bearing(options.bearing),
        damage=Damage("outer", 0.5),
        seed=options.seed,
    )


@dataclass(frozen=True)
class Overdrive:
    """Samples of a machine that the sensor cannot show, and the machine's highest acceleration."""

    clipped: int
    of: int
    peak_g: float

    def __str__(self) -> str:
        return (
            f"{self.clipped} of {self.of} samples exceed the sensor's range of "
            f"{CONFIG['full_scale_g']} g, up to {self.peak_g:.4g} g, and will be clipped"
        )


def overdrive(chip: Iis3dwb) -> Overdrive:
    """Look through a recording once, or at the first second of a computed machine."""
    machine = chip.machine
    look_s = machine.duration_s if isinstance(machine, Replay) else _LOOK_S
    count = round(look_s * chip.rate_hz)
    clipped, peak_g = chip.overdriven(count, CONFIG["full_scale_g"])
    return Overdrive(clipped, count, peak_g)


def notes(machine: Machine, found: Overdrive) -> list[str]:
    """Return what the user should know about the machine before it is measured."""
    lines = machine.recording.notes if isinstance(machine, Replay) else []
    return [*lines, f"Warning: {found}"] if found.clipped else lines


def run(
    options: Options, progress: Progress, say: Callable[[str], None] = lambda _text: None
) -> Result:
    """Measure and report. `say` is told what the user should know beforehand.

    Raises:
        RecordingError: the recording has the wrong form.
        Incomplete: the counts do not add up.
        NodeError: anything else, as the command line knows it.
    """
    with rig_errors(), tempfile.TemporaryDirectory(prefix="resonode-demo-") as folder:
        machine = make_machine(options)
        if options.db is None:
            db, home = Path(folder) / "records.db", Path(folder) / "node"
        else:
            # The node's flash and its owner's keys beside it: a second run continues the
            # numbering of its records.
            db, home = options.db, options.db.with_name(options.db.stem + "-node")
        trust = own_trust(home / "owner")
        timebase: TimeBase = Lockstep() if options.speed is None else Paced(options.speed)
        chip = Iis3dwb(machine, seed=options.seed)
        found = overdrive(chip)
        for note in notes(machine, found):
            say(note)
        with (
            Store(db) as store,
            VirtualBoard(home, {0: chip}, timebase=timebase, seed=fresh_seed()) as board,
        ):
            started_s = time.monotonic()
            counts = asyncio.run(_measure(board, trust, store, machine, options, progress))
            wall_s = time.monotonic() - started_s
            cpu_s = board.cpu_s()
            stored = store.query(node=counts["node"], since_seq=counts["first_seq"])
            records = [one.record for one in stored]
    result = _report(options, machine, counts, records)
    result.report["time"] = {
        "node_s": progress.node_s,
        "wall_s": wall_s,
        "node_cpu_s": cpu_s,
    }
    result.report["machine_peak_g"] = found.peak_g
    result.report["clipped"] = found.clipped
    if isinstance(machine, Replay):
        result.report["recording"] = {
            "taken_as": machine.recording.unit,
            "rate_hz": machine.recording.rate_hz,
            "mean_removed_g": machine.recording.mean_removed_g,
        }
    _check(result.report)
    return result


# --- measuring -----------------------------------------------------------------------------------


async def _measure(
    board: VirtualBoard,
    trust: Trust,
    store: Store,
    machine: Machine,
    options: Options,
    progress: Progress,
) -> dict[str, Any]:
    """Run the node and the gateway; return what the node has counted and the store holds."""
    url = url_of(board)
    shaft_hz = machine.rpm / 60.0 if machine.rpm else 0.0
    await own(board, trust, CONFIG)
    async with connect(url, trust=trust) as node:
        info = await node.info()
        await node.configure(CONFIG, shaft_hz=shaft_hz)
    before = store.count(info.node)
    gateway = Gateway(store, [url], on_record=progress.take, trust=trust)
    running = asyncio.create_task(gateway.run())
    try:
        await _until(lambda: progress.node_s >= options.seconds, board, running)
        counts = await _drain(board, gateway.nodes[0], running)
    finally:
        gateway.stop()
        await asyncio.gather(running, return_exceptions=True)
    status = gateway.nodes[0]
    counts["records"]["stored"] = store.count(info.node) - before
    counts["link"] |= {"resends": status.resends, "missing": status.missing}
    return counts | {"node": info.node, "first_seq": info.first}


async def _until(
    condition: Callable[[], bool], board: VirtualBoard, running: asyncio.Task[None]
) -> None:
    while not condition():
        board.check()
        if running.done():
            running.result()
            raise Incomplete("The gateway ended before the measurement")
        await asyncio.sleep(0.02)


async def _drain(
    board: VirtualBoard, status: NodeStatus, running: asyncio.Task[None]
) -> dict[str, Any]:
    """Stop measuring, wait until every record is stored, and return the node's counters."""
    await _until(lambda: status.connection is not None, board, running)
    node = status.connection
    assert node is not None
    await node.configure(REST)
    deadline_s = time.monotonic() + _DRAIN_S
    last: dict[str, Any] = {}
    while True:
        counts = await _counts(node)
        windows = counts["windows"]
        settled = counts == last and windows["acquired"] == windows["analysed"] + windows["lost"]
        if settled and status.last_seq == counts["next_seq"] - 1:
            return counts
        if time.monotonic() > deadline_s:
            return counts  # the report's own check says what does not add up
        last = counts
        await asyncio.sleep(0.1)


async def _counts(node: Node) -> dict[str, Any]:
    statistics: dict[str, Any] = dict(await node.statistics())
    # Asking changes these.
    statistics["link"] = {"damaged": statistics["link"]["damaged"]}
    info = await node.info()
    return statistics | {"next_seq": info.next}


# --- reporting -----------------------------------------------------------------------------------


def _report(
    options: Options, machine: Machine, counts: dict[str, Any], records: list[Record]
) -> Result:
    shaft_hz = machine.rpm / 60.0 if machine.rpm else None
    geometry = bearing(options.bearing)
    envelopes = _envelopes(records, shaft_hz, geometry)
    features = [one for one in records if isinstance(one, Features)]
    report: dict[str, Any] = {
        "machine": options.replay.name if options.replay else "physical, outer race damaged",
        "node": counts["node"],
        "seconds": options.seconds,
        "rate_hz": features[-1].rate_hz if features else None,
        "shaft_hz": shaft_hz,
        "windows": {name: counts["windows"][name] for name in ("acquired", "analysed", "lost")},
        "overruns": counts["windows"]["overruns"],
        "records": {name: counts["records"][name] for name in ("sent", "stored", "dropped")},
        "link": counts["link"],
        "features": _averages(features),
        "velocity_mm_s": _velocities(records),
    }
    if envelopes:
        first = envelopes[0]
        report["envelope"] = _envelope_dict(first)
    report["envelopes"] = [_envelope_dict(one) for one in envelopes]
    report["lines"] = [
        {
            "hz": line.hz,
            "ratio": line.ratio,
            "band_hz": list(one.band_hz),
            "order": line.order,
            "bearing": line.bearing,
        }
        for one in envelopes
        for line in one.lines
    ]
    return Result(report, envelopes)


def _envelopes(
    records: list[Record], shaft_hz: float | None, geometry: Bearing
) -> list[EnvelopeReport]:
    groups = group_envelopes(one for one in records if isinstance(one, EnvelopeSpectrum))
    return [envelope_report(one, shaft_hz=shaft_hz, bearing=geometry) for one in groups]


def _envelope_dict(one: EnvelopeReport) -> dict[str, Any]:
    return {
        "axis": "xyz"[one.axis],
        "band_hz": list(one.band_hz),
        "bin_hz": one.bin_hz,
        "windows": one.windows,
        "peak_hz": one.peak_hz,
        "peak_over_median": one.peak_over_median,
        "min_window_ratio": one.min_window_ratio,
        "bearing": {
            name: {"hz": line.hz, "found_hz": line.found_hz, "ratio": line.ratio}
            for name, line in one.bearing.items()
        },
    }


def _averages(features: list[Features]) -> dict[str, dict[str, float]]:
    """Return the mean of each feature over the windows of each axis."""
    by_axis: dict[str, list[Features]] = defaultdict(list)
    for one in features:
        by_axis[one.axis_name].append(one)
    return {
        axis: {name: float(np.mean([getattr(one, name) for one in group])) for name in _AVERAGED}
        | {"windows": len(group)}
        for axis, group in sorted(by_axis.items())
    }


def _velocities(records: list[Record]) -> dict[str, float]:
    by_axis: dict[str, list[float]] = defaultdict(list)
    for one in records:
        if isinstance(one, Velocity):
            by_axis[one.axis_name].append(one.velocity_mm_s)
    return {axis: float(np.mean(values)) for axis, values in sorted(by_axis.items())}


def _check(report: dict[str, Any]) -> None:
    windows, records = report["windows"], report["records"]
    if windows["acquired"] != windows["analysed"] + windows["lost"]:
        raise Incomplete("Windows are unaccounted for", why=str(windows))
    if records["sent"] != records["stored"]:
        raise Incomplete("Not every record that was sent is stored", why=str(records))
    if not report["envelopes"]:
        raise Incomplete(
            "No envelope spectrum was measured",
            why=f"{report['seconds']:g} s is shorter than one window",
            next="Use --seconds 2 or more",
        )
