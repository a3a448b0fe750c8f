"""resonode demo, resonode twin: what the rig adds to the command line.

Imports of weight stay inside the functions: `resonode --help` reads this file too.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode import files
from resonode.cli import output
from resonode.cli.common import Json, may_write, settings
from resonode.errors import Incomplete
from resonode_wire.security import CLOSED, OPEN

if TYPE_CHECKING:
    from resonode_hil.board import VirtualBoard
    from resonode_hil.demo import Options, Progress, Result
    from resonode_hil.machine import Machine
    from resonode_hil.machine.tachometer import Tachometer
    from resonode_hil.sensors.iis3dwb import Iis3dwb


def _finite(value: float | None) -> float | None:
    """Refuse nan, which is neither below nor above any limit, and infinity."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def _unit(text: str | None) -> str | None:
    from resonode_hil.machine import units

    try:
        return None if text is None else units.named(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Recording = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="FILE",
        help="A recording instead of the computed machine: .mat of CWRU form, .csv, .wav, or "
        ".npz of resonode capture.",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate-hz",
        metavar="HZ",
        callback=_finite,
        help="The recording's sample rate; .wav, .npz and a captured .csv have their own.",
    ),
]
Key = Annotated[str | None, typer.Option("--key", help="Variable of a .mat; else *_DE_time.")]
Column = Annotated[
    str | None,
    typer.Option("--column", help="Column of a .csv or axis of a .npz by name, or a number."),
]
Unit = Annotated[
    str | None,
    typer.Option(
        "--unit",
        metavar="UNIT",
        callback=_unit,
        help="What the recording's values are in: g, m/s2 or mg; else what its header says, or g.",
    ),
]
FullScale = Annotated[
    float | None,
    typer.Option(
        "--full-scale-g",
        metavar="G",
        callback=_finite,
        help="What full scale of a .wav is; needed if its samples are integers.",
    ),
]
Gain = Annotated[
    float, typer.Option("--gain", callback=_finite, help="Multiply the recording by this, besides.")
]
RemoveMean = Annotated[
    bool | None,
    typer.Option(
        "--remove-mean/--keep-mean",
        help="Take gravity off the recording; the sensor's model adds it. Else only off captures "
        "of a node.",
        show_default=False,
    ),
]
Rpm = Annotated[
    float | None,
    typer.Option(
        "--rpm",
        min=1,
        max=120_000,
        callback=_finite,
        help="Shaft speed, if the recording has none.",
    ),
]
BearingName = Annotated[
    str, typer.Option("--bearing", metavar="NAME", help="6205, ... or n,d_mm,pitch_mm[,phi_deg].")
]
Speed = Annotated[
    str, typer.Option("--speed", metavar="X", help="Times real time, or max: no pacing at all.")
]


def demo(
    replay: Recording = None,
    rate_hz: Rate = None,
    key: Key = None,
    column: Column = None,
    unit: Unit = None,
    full_scale_g: FullScale = None,
    gain: Gain = 1.0,
    remove_mean: RemoveMean = None,
    bearing: BearingName = "6205",
    rpm: Rpm = None,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", min=1, metavar="S", callback=_finite, help="How long to measure."
        ),
    ] = 20.0,
    speed: Speed = "1",
    report: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report; - for stdout.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Write the plot: .png or .svg.")
    ] = None,
    db: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="Keep the records here.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the machine and the sensor.")] = 1,
) -> None:
    """Measure a machine with a virtual node, and show what the gateway stored.

    The node runs the real firmware in the real MicroPython. Without --replay it measures a
    computed machine whose bearing has a damaged outer race.
    """
    from resonode_hil.demo import Options

    _check_bearing(bearing)
    _check_gain(gain)
    for path in (report, plot, db):
        if path is not None:
            may_write(path, yes=True)
    options = Options(
        replay=replay,
        rate_hz=rate_hz,
        key=key,
        column=column,
        unit=unit,
        full_scale_g=full_scale_g,
        gain=gain,
        remove_mean=remove_mean,
        bearing=bearing,
        rpm=rpm,
        seconds=seconds,
        speed=_speed(speed),
        db=db,
        seed=seed,
    )
    result = _run(options)
    if report is not None:
        _write_report(result, report)
    if plot is not None:
        from resonode.cli.report import envelope_plot
        from resonode.plot import save

        save(envelope_plot(result.envelopes[0], _title(result, 0), 500.0), plot)
        output.say(f"Wrote {plot}")
    if report is None or str(report) != "-":
        _print(result)


def _run(options: Options) -> Result:
    from resonode_hil.demo import Progress, run

    progress = Progress()
    with _progress_shown(options, progress):
        return run(options, progress, output.say)


@contextmanager
def _progress_shown(options: Options, progress: Progress) -> Iterator[None]:
    """Show a bar on a terminal's stderr; a line before and after elsewhere."""
    import threading

    source = options.replay.name if options.replay else "a computed machine"
    if settings.quiet or not sys.stderr.isatty():
        output.say(f"Measuring {source} for {options.seconds:g} s ...")
        yield
        output.say(f"Stored {progress.records} records.")
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(f"Measuring {source}"),
        BarColumn(),
        TextColumn("{task.completed:.1f}/{task.total:g} s, {task.fields[records]} records"),
        TimeRemainingColumn(),
    )
    ended = threading.Event()
    with Bar(*columns, console=output.console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=options.seconds, records=0)

        def follow() -> None:
            while not ended.wait(0.1):
                done = min(progress.node_s, options.seconds)
                bar.update(task, completed=done, records=progress.records)

        thread = threading.Thread(target=follow, name="progress")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _write_report(result: Result, path: Path) -> None:
    text = output.dumps(result.report, indent=2)
    if str(path) == "-":
        print(text)
        return
    with files.written(path) as new:
        new.write_text(text + "\n")
    output.say(f"Wrote {path}")


def _print(result: Result) -> None:
    from resonode.cli.report import envelope_plot, print_lines, print_terminal

    report = result.report
    windows, records = report["windows"], report["records"]
    rows: list[tuple[str, Any]] = [
        ("machine", report["machine"]),
        ("node", report["node"]),
        ("sample rate", f"{report['rate_hz']:.2f} Hz, measured"),
        ("shaft", f"{report['shaft_hz']:.3f} Hz" if report["shaft_hz"] else "unknown, see --rpm"),
        (
            "windows",
            f"{windows['acquired']} acquired = {windows['analysed']} analysed "
            f"+ {windows['lost']} lost",
        ),
        ("records", f"{records['sent']} sent, {records['stored']} stored"),
    ]
    if report["clipped"]:
        rows.append(("clipped", f"machine peaks at {report['machine_peak_g']:.4g} g"))
    output.table(("", ""), rows)
    print()
    names = ("rms_m_s2", "peak_m_s2", "crest", "kurtosis")
    features = [
        (axis, *(values[name] for name in names), report["velocity_mm_s"].get(axis))
        for axis, values in report["features"].items()
    ]
    headings = ("axis", "RMS m/s²", "peak m/s²", "crest", "kurtosis", "velocity mm/s")
    output.table(headings, features)
    for index, one in enumerate(result.envelopes):
        print()
        print_terminal(envelope_plot(one, _title(result, index), 500.0))
        print_lines(one)


def _title(result: Result, index: int) -> str:
    one = result.envelopes[index]
    return (
        f"Envelope {one.band_hz[0]:.0f}-{one.band_hz[1]:.0f} Hz of {result.report['machine']}, "
        f"{one.windows} windows averaged"
    )


def _check_bearing(name: str) -> None:
    from resonode.bearing import bearing

    try:
        bearing(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--bearing") from error


def _check_gain(gain: float) -> None:
    if gain == 0.0:
        raise typer.BadParameter("nothing would be left", param_hint="--gain")


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed <= 1000.0:
        raise typer.BadParameter(
            f"'{text}' is neither a number above 0 nor max", param_hint="--speed"
        )
    return speed


def twin(
    count: Annotated[int, typer.Option("--count", min=1, max=64, help="How many nodes.")] = 1,
    machine: Annotated[
        str, typer.Option("--machine", help="outer, inner, ball, cage (damaged), healthy or still.")
    ] = "outer",
    replay: Recording = None,
    rate_hz: Rate = None,
    key: Key = None,
    column: Column = None,
    unit: Unit = None,
    full_scale_g: FullScale = None,
    gain: Gain = 1.0,
    remove_mean: RemoveMean = None,
    bearing: BearingName = "6205",
    rpm: Rpm = None,
    tachometer: Annotated[
        int | None,
        typer.Option(
            "--tachometer",
            min=1,
            max=1000,
            metavar="N",
            help="A tachometer that gives N pulses a turn of the machine's shaft.",
        ),
    ] = None,
    sensor: Annotated[
        list[str] | None,
        typer.Option(
            "--sensor",
            metavar="CHIP",
            help="An air sensor, repeatable: scd41, sgp41, sht45, bme680, sps30, pms5003, "
            "pmsa003i.",
        ),
    ] = None,
    room: Annotated[
        str,
        typer.Option("--room", metavar="NAME", help="Their air: empty, occupied or office."),
    ] = "empty",
    speed: Speed = "1",
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Keep the nodes' flash here between runs."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            help="The same machines, and nodes of the same identity. Else every node is new.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", min=0, metavar="S", callback=_finite, help="End after this time."
        ),
    ] = None,
    commissioned: Annotated[
        bool,
        typer.Option("--commissioned", help="Make them yours first, as node commission does."),
    ] = False,
    open_profile: Annotated[
        bool,
        typer.Option("--open", help="Nodes that ask nobody for a key, and seal nothing."),
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Write the labels of new nodes here, CSV."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run virtual nodes until stopped (Ctrl-C), for other terminals to connect to.

    They are as from the factory: commission them with the labels that are written, or say
    --commissioned.
    """
    import tempfile

    from resonode_hil.board import VirtualBoard, fresh_seed
    from resonode_hil.demo import Options, rig_errors
    from resonode_hil.timebase import Paced

    _check_bearing(bearing)
    _check_gain(gain)
    options = Options(
        replay=replay,
        rate_hz=rate_hz,
        key=key,
        column=column,
        unit=unit,
        full_scale_g=full_scale_g,
        gain=gain,
        remove_mean=remove_mean,
        bearing=bearing,
        rpm=rpm,
        seed=1 if seed is None else seed,
    )
    identity = fresh_seed() if seed is None else seed
    pace = _speed(speed)
    if pace is None:
        raise typer.BadParameter("nodes for other terminals keep time", param_hint="--speed")
    if commissioned and open_profile:
        raise typer.BadParameter("an open node has no owner", param_hint="--commissioned")
    with rig_errors(), ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twin-")))
        boards = []
        for index in range(count):
            chip = _chip(machine, options, index)
            if index == 0:
                _tell(chip)
            air = _air(sensor or [], room, options.seed + index)
            board = VirtualBoard(
                *(folder / f"node{index}", {0: chip}),
                timebase=Paced(pace),
                seed=identity + index,
                profile=OPEN if open_profile else CLOSED,
                pulses=_pulses(chip.machine, tachometer),
                i2c=air["i2c"],
                uart=air["uart"],
            )
            boards.append(stack.enter_context(board))
        if commissioned:
            _commission(boards)
        labels = None if open_profile else _write_labels(boards, labels or folder / "labels.csv")
        _announce(boards, labels, as_json)
        _stay(boards, seconds)


def _chip(name: str, options: Options, index: int) -> Iis3dwb:
    from resonode_hil.sensors.iis3dwb import Iis3dwb

    seed = options.seed + index
    return Iis3dwb(_machine(name, options, seed), seed=seed)


def _tell(chip: Iis3dwb) -> None:
    from resonode_hil.demo import notes, overdrive

    for note in notes(chip.machine, overdrive(chip)):
        output.say(note)


def _machine(name: str, options: Options, seed: int) -> Machine:
    from resonode.bearing import bearing
    from resonode_hil.demo import make_machine
    from resonode_hil.machine import Damage, PhysicalMachine
    from resonode_hil.machine.base import Still
    from resonode_hil.machine.physical import REFERENCE_HZ

    if options.replay is not None:
        return make_machine(options)
    if name == "still":
        return Still()
    if name not in ("outer", "inner", "ball", "cage", "healthy"):
        raise typer.BadParameter(f"no machine '{name}'", param_hint="--machine")
    return PhysicalMachine(
        options.rpm / 60.0 if options.rpm else REFERENCE_HZ,
        bearing=bearing(options.bearing),
        damage=None if name == "healthy" else Damage(name, 0.5),
        seed=seed,
    )


def _pulses(machine: Machine, per_turn: int | None) -> dict[int, Tachometer]:
    from resonode_hil.machine import ShaftSpeed
    from resonode_hil.machine.tachometer import Tachometer

    if per_turn is None:
        return {}
    if not machine.rpm:
        raise typer.BadParameter("no speed is known of this machine", param_hint="--tachometer")
    return {0: Tachometer(ShaftSpeed.constant(machine.rpm / 60.0), per_turn)}


def _air(sensors: list[str], room: str, seed: int) -> dict[str, dict[int, Any]]:
    from resonode_hil import fitting

    try:
        return fitting.air_sensors(sensors, fitting.room(room), seed)
    except ValueError as error:
        hint = "--sensor" if room in fitting.ROOMS else "--room"
        raise typer.BadParameter(str(error), param_hint=hint) from error


def _commission(boards: list[VirtualBoard]) -> None:
    import asyncio

    from resonode_hil.commissioning import own

    async def each() -> None:
        for board in boards:
            await own(board)

    asyncio.run(each())


def _write_labels(boards: list[VirtualBoard], path: Path) -> Path | None:
    """Write the labels of the nodes that are new. Returns None if none is."""
    import asyncio

    from resonode.trust.label import write_csv
    from resonode_hil.commissioning import read_label

    async def read() -> list[Any]:
        return [await read_label(board) for board in boards]

    labels = [label for label in asyncio.run(read()) if label is not None]
    if not labels:
        return None
    with files.written(path, files.SECRET) as new:
        new.write_text(write_csv(labels))
    return path


def _announce(boards: list[VirtualBoard], labels: Path | None, as_json: bool) -> None:
    nodes = [
        {"node": board.node_id, "port": f"serial:{board.port}", "pid": board.pid}
        for board in boards
    ]
    if as_json:
        output.print_json({"nodes": nodes, "labels": str(labels) if labels else None})
    else:
        headings = ("node", "port")  # no pid: a node that restarts gets another
        output.table(headings, [[one[name] for name in headings] for one in nodes])
        port = nodes[0]["port"]
        if labels:
            output.say(f"New, with labels. Try: resonode commission --batch {labels}")
        output.say(f"Try: resonode info --port {port}   (Ctrl-C ends the nodes)")
    sys.stdout.flush()


def _stay(boards: list[VirtualBoard], seconds: float | None) -> None:
    """Keep the nodes running until told to end. One that dies is named; the others go on.

    Raises:
        Incomplete: at the end, if any has died.
    """
    dead: list[VirtualBoard] = []
    try:
        _watch(boards, dead, seconds)
    except (KeyboardInterrupt, SystemExit):
        if not dead:
            raise
    if dead:
        raise Incomplete(
            f"{len(dead)} of {len(boards)} nodes ended by themselves",
            why=", ".join(f"{board.node_id} on serial:{board.port}" for board in dead),
            next="What each printed is above; --home keeps its flash for a look",
        )


def _watch(boards: list[VirtualBoard], dead: list[VirtualBoard], seconds: float | None) -> None:
    until_s = None if seconds is None else time.monotonic() + seconds
    while len(dead) < len(boards) and (until_s is None or time.monotonic() < until_s):
        for board in boards:
            if board not in dead and board.crashed:
                dead.append(board)
                where = f"Node {board.node_id} on serial:{board.port}"
                print(f"{where}: {board.crashed}", file=sys.stderr, flush=True)
        time.sleep(0.1)
