"""resonode demo, resonode twin: what the rig adds to the command line.

Imports of weight stay inside the functions: `resonode --help` reads this file too.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import Json, may_write, settings
from resonode.errors import NodeError

if TYPE_CHECKING:
    from resonode_hil.board import VirtualBoard
    from resonode_hil.demo import Options, Progress, Result
    from resonode_hil.machine import Machine

Recording = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="FILE",
        help="A recording (.mat of CWRU form, .csv, .wav) instead of the computed machine.",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate-hz", min=1, metavar="HZ", help="The recording's sample rate; a .wav has its own."
    ),
]
Key = Annotated[str | None, typer.Option("--key", help="Variable of a .mat; else *_DE_time.")]
Column = Annotated[str | None, typer.Option("--column", help="Column of a .csv, name or number.")]
Rpm = Annotated[
    float | None, typer.Option("--rpm", min=1, help="Shaft speed, if the recording has none.")
]
BearingName = Annotated[
    str, typer.Option("--bearing", metavar="NAME", help="6205, ... or n,d_mm,pitch_mm[,phi_deg].")
]
Speed = Annotated[
    str, typer.Option("--speed", metavar="X", help="Times real time, or max: no pacing at all.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")]


def demo(
    replay: Recording = None,
    rate_hz: Rate = None,
    key: Key = None,
    column: Column = None,
    bearing: BearingName = "6205",
    rpm: Rpm = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, metavar="S", help="How long to measure.")
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
    seed: Seed = 1,
) -> None:
    """Measure a machine with a virtual node, and show what the gateway stored.

    The node runs the real firmware in the real MicroPython. Without --replay it measures a
    computed machine whose bearing has a damaged outer race.
    """
    from resonode_hil.demo import Options

    _check_bearing(bearing)
    for path in (report, plot, db):
        if path is not None:
            may_write(path, yes=True)
    options = Options(
        replay=replay,
        rate_hz=rate_hz,
        key=key,
        column=column,
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
        return run(options, progress)


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
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise NodeError(f"{path} cannot be written", why=str(error)) from error
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
    bearing: BearingName = "6205",
    rpm: Rpm = None,
    speed: Speed = "1",
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Keep the nodes' flash here between runs."),
    ] = None,
    seed: Seed = 1,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, metavar="S", help="End after this time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run virtual nodes until stopped (Ctrl-C), for other terminals to connect to."""
    import tempfile

    from resonode_hil.demo import Options, rig_errors

    _check_bearing(bearing)
    options = Options(
        replay=replay, rate_hz=rate_hz, key=key, column=column, bearing=bearing, rpm=rpm, seed=seed
    )
    pace = _speed(speed)
    if pace is None:
        raise typer.BadParameter("nodes for other terminals keep time", param_hint="--speed")
    # Ended by a service manager, it ends its nodes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with rig_errors(), ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twin-")))
        boards = [
            stack.enter_context(_board(folder / f"node{index}", machine, options, index, pace))
            for index in range(count)
        ]
        _announce(boards, as_json)
        _stay(boards, seconds)


def _board(home: Path, name: str, options: Options, index: int, speed: float) -> VirtualBoard:
    from resonode_hil.board import VirtualBoard
    from resonode_hil.sensors.iis3dwb import Iis3dwb
    from resonode_hil.timebase import Paced

    seed = options.seed + index
    chip = Iis3dwb(_machine(name, options, seed), seed=seed)
    return VirtualBoard(home, {0: chip}, timebase=Paced(speed), seed=seed)


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


def _announce(boards: list[VirtualBoard], as_json: bool) -> None:
    nodes = [{"port": f"serial:{board.port}", "pid": board.pid} for board in boards]
    if as_json:
        output.print_json({"nodes": nodes})
    else:
        output.table(("port", "pid"), [(one["port"], one["pid"]) for one in nodes])
        output.say(f"Try: resonode info --port {nodes[0]['port']}   (Ctrl-C ends the nodes)")
    sys.stdout.flush()


def _stay(boards: list[VirtualBoard], seconds: float | None) -> None:
    until_s = None if seconds is None else time.monotonic() + seconds
    while until_s is None or time.monotonic() < until_s:
        for board in boards:
            board.check()
        time.sleep(0.1)
