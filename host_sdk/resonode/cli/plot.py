"""resonode plot spectrum, envelope, trend"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import (
    Axis,
    Command,
    Database,
    Group,
    Json,
    NodeId,
    Yes,
    axis_number,
    database,
    may_write,
    node_names,
    stored_node,
    the_nodes,
)
from resonode.cli.report import envelope_plot, print_lines, print_terminal, report_dict
from resonode.errors import NodeError

if TYPE_CHECKING:
    from resonode.bearing import Bearing
    from resonode.gateway.store import StoredRecord
    from resonode.plot import Plot

app = typer.Typer(
    cls=Group, no_args_is_help=True, help="Plot stored records, in the terminal or as a picture."
)

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write a .png, .svg or .pdf instead."),
]
Last = Annotated[int, typer.Option("--last", min=0, metavar="N", help="The last N; 0 for all.")]
BearingName = Annotated[
    str | None,
    typer.Option(
        "--bearing", metavar="NAME", help="Mark its lines: 6205, ... or n,d_mm,pitch_mm[,phi_deg]."
    ),
]
Rpm = Annotated[
    float | None,
    typer.Option("--rpm", min=0, help="Shaft speed; else the one the records carry."),
]
MaxHz = Annotated[float | None, typer.Option("--max-hz", min=0, help="Highest frequency shown.")]

# The wire's table is ASCII.
_UNITS = {"m/s2": "m/s²", "m2/s4": "m²/s⁴", "C": "°C", "us": "µs"}
_SAME_SPEED = 1.005  # a speed that is measured wanders by less
_HOLE_INTERVALS = 3  # a line over time is broken where nothing came for longer


@app.command("spectrum", cls=Command)
def spectrum(
    db: Database = None,
    node: NodeId = None,
    axis: Axis = None,
    last: Last = 1,
    bearing: BearingName = None,
    rpm: Rpm = None,
    max_hz: MaxHz = None,
    out: Out = None,
    yes: Yes = False,
) -> None:
    """Amplitude spectra, one line per axis; several of an axis are averaged in power."""
    import numpy as np

    from resonode.plot import Plot, Series

    _check_range(max_hz)
    _shaft_hz(rpm)
    label = _labeller()
    groups: dict[str, list[Any]] = {}
    for one in _stored("spectrum", db, node, axis):
        groups.setdefault(label(one), []).append(one.record)
    series, speeds_hz = [], []
    for name, records in groups.items():
        shape = len(records[-1].amplitude_m_s2)
        used = [one for one in records if len(one.amplitude_m_s2) == shape][-last:]
        level = np.sqrt(np.mean([one.amplitude_m_s2**2 for one in used], axis=0))
        series.append(Series(name, *_points(used[-1].frequency_hz, level, max_hz)))
        speeds_hz.append(used[-1].shaft_hz)
    plot = Plot(
        title=_title("Amplitude spectrum", groups),
        x_label="Hz",
        y_label="m/s²",
        series=series,
        marks=_marks(bearing, rpm, speeds_hz),
    )
    _show(plot, out, yes)


@app.command("envelope", cls=Command)
def envelope(
    db: Database = None,
    node: NodeId = None,
    axis: Axis = None,
    band: Annotated[
        float | None,
        typer.Option("--band", metavar="HZ", help="The band that begins here; else the first."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last", min=0, metavar="N", help="The last N; 0 for all; else the newest run's."
        ),
    ] = None,
    bearing: BearingName = None,
    rpm: Rpm = None,
    max_hz: MaxHz = 500.0,
    out: Out = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """The averaged envelope spectrum, the bearing's lines marked and rated."""
    from resonode.analysis import envelope_report

    _check_range(max_hz)
    found = _stored("envelope", db, node, axis)
    group, others = _one_band(found, band)
    spectra = _chosen(group, last)
    speed_hz = _shaft_hz(rpm)
    try:
        report = envelope_report(
            spectra, shaft_hz=speed_hz, bearing=_bearing(bearing, rpm, spectra)
        )
    except ValueError as error:
        raise NodeError(
            "The envelope spectra cannot be analysed",
            why=str(error),
            next="Choose others with --band and --last",
        ) from error
    left_out = {"other_settings": others, "other_runs": len(group) - len(spectra)}
    if as_json:
        output.print_json(report_dict(report) | {"left_out": left_out})
        return
    band_text = f"{report.band_hz[0]:.0f}-{report.band_hz[1]:.0f} Hz"
    whose = _labeller()(found[-1])
    averaged = f"{report.windows} windows averaged" if report.windows > 1 else "1 window"
    title = f"Envelope {band_text} of {whose}, {averaged}"
    _show(envelope_plot(report, title, max_hz), out, yes)
    print_lines(report)
    _print_choice(spectra, last, **left_out)


@app.command("trend", cls=Command)
def trend(
    field: Annotated[
        str, typer.Argument(help="rms_m_s2, peak_m_s2, crest, kurtosis, velocity_mm_s, ...")
    ] = "rms_m_s2",
    db: Database = None,
    node: NodeId = None,
    axis: Axis = None,
    last: Last = 0,
    out: Out = None,
    yes: Yes = False,
) -> None:
    """A value over time, one line per node and axis or air sensor."""
    from resonode.gateway.store import COLUMNS
    from resonode.plot import Plot, Series
    from resonode_wire.fields import KIND_OF
    from resonode_wire.meanings import UNIT_OF

    kinds = [name for name, columns in COLUMNS.items() if field in columns]
    if not kinds or KIND_OF[field] not in ("uint", "f32"):
        raise NodeError(f"There is no number {field}", next="See the columns with: resonode query")
    kind = next((one for one in ("features", "velocity", "health") if one in kinds), kinds[0])
    found = _stored(kind, db, node, axis)
    boot_s = _boot_times_s(found)
    label = _labeller()
    groups: dict[str, list[tuple[float, float]]] = {}
    for one in found:
        value = getattr(one.record, field)
        if value is not None:
            time_s = boot_s[one.node, one.record.epoch] + one.record.t_us / 1e6
            groups.setdefault(label(one), []).append((time_s, float(value)))
    if not groups:
        raise NodeError(
            f"No {kind} record has a value of {field}",
            next=f"See what they have with: resonode query {kind}",
        )
    plot = Plot(
        title=_title(field, groups),
        x_label="UTC",
        y_label=_UNITS.get(UNIT_OF[field], UNIT_OF[field]) or "1",
        series=[Series(name, *_broken_at_holes(points[-last:])) for name, points in groups.items()],
        over_time=True,
    )
    _show(plot, out, yes)


# --- inside --------------------------------------------------------------------------------------


def _stored(kind: str, db: Path | None, node: str | None, axis: str | None) -> list[StoredRecord]:
    from resonode.gateway.store import Store

    path = database(db)
    with Store(path, readonly=True) as store:
        found = list(store.query(kind, node=stored_node(store, node), axis=axis_number(axis)))
    if not found:
        raise NodeError(
            f"{path} has no such {kind} record", next="See what it has with: resonode query"
        )
    return found


def _labeller() -> Callable[[StoredRecord], str]:
    """Return what tells whose a record is: node (by its name in the site file), axis or sensor."""
    names = node_names()
    shared = {name for name, count in Counter(names.values()).items() if count > 1}

    def label(one: StoredRecord) -> str:
        name = names.get(one.node, "")
        node = f"{name} ({one.node})" if name in shared else name or one.node
        which = [getattr(one.record, field, "") for field in ("axis_name", "sensor", "place")]
        return " ".join(part for part in (node, *which) if part)

    return label


def _title(what: str, labels: Iterable[str]) -> str:
    """Name the line if there is one only: the names of several stand beside the plot."""
    labels = list(labels)
    return f"{what} of {labels[0]}" if len(labels) == 1 else what


def _boot_times_s(found: Sequence[StoredRecord]) -> dict[tuple[str, int], float]:
    """Return when each boot of each node was, by the host's clock.

    A record arrives later than it was made, never earlier: the smallest difference is nearest.
    """
    boot_s: dict[tuple[str, int], float] = {}
    end_s: dict[tuple[str, int], float] = {}
    for one in found:
        key = (one.node, one.record.epoch)
        this_s = (one.received_us - one.record.t_us) / 1e6
        boot_s[key] = min(boot_s.get(key, this_s), this_s)
        end_s[key] = max(end_s.get(key, 0.0), one.record.t_us / 1e6)
    free_s: dict[str, float] = {}
    for node, epoch in sorted(boot_s):  # no boot lies before the end of the one before it
        start_s = max(boot_s[node, epoch], free_s.get(node, 0.0))
        boot_s[node, epoch] = start_s
        free_s[node] = start_s + end_s[node, epoch]
    return boot_s


def _one_band(found: Sequence[StoredRecord], band: float | None) -> tuple[list[Any], int]:
    """Return the spectra of one node, axis and band as it is set now, and how many of the band
    were made with other settings. Without `band`, the lowest of the newest run."""
    from resonode.analysis import group_envelopes, newest_run, same_band

    nodes = {one.node for one in found}
    if len(nodes) > 1:
        raise NodeError(
            f"There are envelope spectra of {len(nodes)} nodes",
            why=the_nodes(sorted(nodes)),
            next="Name one of these with --node",
        )
    records: list[Any] = [one.record for one in found]
    groups = group_envelopes(records)
    axes = sorted({group[-1].axis_name for group in groups})
    if len(axes) > 1:
        raise NodeError(
            f"There are envelope spectra of {len(axes)} axes",
            why=", ".join(axes),
            next="Name one of these with --axis",
        )
    if band is None:
        now = newest_run([group[-1] for group in groups])
        wanted = [group for group in groups if group[-1] in now]
    else:
        # Edges lie on bins of the measured rate: near enough is what was meant.
        wanted = [group for group in groups if abs(group[-1].band_lo_hz - band) < 50.0]
    if not wanted:
        bands = ", ".join(f"{one[-1].band_lo_hz:.0f}" for one in groups)
        raise NodeError(f"No band begins at {band:g} Hz", next=f"There are bands from {bands} Hz")
    newest = max(group[-1].seq for group in wanted)  # of bands that begin alike, the newest
    group = wanted[0] if band is None else next(g for g in wanted if g[-1].seq == newest)
    return group, sum(same_band(one, group[-1]) for one in records) - len(group)


def _chosen(group: list[Any], last: int | None) -> list[Any]:
    from resonode.analysis import newest_run

    return newest_run(group) if last is None else group[-last:]


def _print_choice(
    spectra: Sequence[Any], last: int | None, *, other_settings: int, other_runs: int
) -> None:
    """Say which spectra were left out, and what the average mixes."""
    if other_runs and last is None:
        print(f"Left out: {other_runs} spectra of earlier runs; --last 0 takes them too.")
    elif other_runs:
        print(f"Left out: {other_runs} earlier spectra.")
    if other_settings:
        print(f"Left out: {other_settings} spectra made with other settings.")
    speeds = [one.shaft_hz for one in spectra if one.shaft_hz]
    if speeds and max(speeds) > _SAME_SPEED * min(speeds):
        print(f"Averaged over shaft speeds from {min(speeds):.4g} to {max(speeds):.4g} Hz.")


def _check_range(max_hz: float | None) -> None:
    if max_hz is not None and max_hz <= 0:
        raise typer.BadParameter("the highest frequency must lie above 0", param_hint="--max-hz")


def _shaft_hz(rpm: float | None) -> float | None:
    if rpm is not None and rpm <= 0:
        raise typer.BadParameter("the shaft speed must lie above 0", param_hint="--rpm")
    return rpm / 60.0 if rpm else None


def _points(x: Any, y: Any, max_hz: float | None) -> tuple[Any, Any]:
    """Return the points up to `max_hz`. Raises NodeError if there are none but DC."""
    shown = x <= (max_hz or float("inf"))
    if shown.sum() < 2:
        raise NodeError(
            f"The spectrum has no line up to {max_hz:g} Hz",
            why=f"its bins are {x[1] - x[0]:.4g} Hz apart" if len(x) > 1 else "it has one bin",
            next="Use a higher --max-hz",
        )
    return x[shown], y[shown]


def _broken_at_holes(points: Sequence[tuple[float, float]]) -> tuple[Any, Any]:
    """Return times and values, with a NaN where nothing was measured for long."""
    import numpy as np

    x, y = np.array(points, float).T
    steps = np.diff(x)
    if len(steps) < 2:
        return x, y
    holes = np.flatnonzero(steps > _HOLE_INTERVALS * np.median(steps))
    return (
        np.insert(x, holes + 1, (x[holes] + x[holes + 1]) / 2),
        np.insert(y, holes + 1, np.nan),
    )


def _bearing(name: str | None, rpm: float | None, records: Sequence[Any]) -> Bearing | None:
    if name is None:
        return None
    if not rpm and not any(one.shaft_hz for one in records):
        raise NodeError(
            "The bearing's lines need the shaft speed", why="no record carries it", next="Use --rpm"
        )
    return _lookup(name)


def _marks(
    name: str | None, rpm: float | None, speeds_hz: Sequence[float | None]
) -> list[tuple[str, float]]:
    """Return a bearing's lines at the speed given, else at the one that all spectra are of."""
    if name is None:
        return []
    known = [rpm / 60.0] if rpm else [speed for speed in speeds_hz if speed]
    if not known:
        raise NodeError(
            "The bearing's lines need the shaft speed", why="no record carries it", next="Use --rpm"
        )
    if max(known) > _SAME_SPEED * min(known):
        raise NodeError(
            "The bearing's lines need one shaft speed",
            why=f"it is {min(known):.4g} to {max(known):.4g} Hz in the newest of these spectra",
            next="Use --node or --rpm",
        )
    return list(_lookup(name).lines_hz(known[-1]).items())


def _lookup(name: str) -> Bearing:
    from resonode.bearing import bearing

    try:
        return bearing(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--bearing") from error


def _show(plot: Plot, out: Path | None, yes: bool) -> None:
    if out is None:
        print_terminal(plot)
        return
    from resonode.plot import save

    may_write(out, yes)
    save(plot, out)
    output.say(f"Wrote {out}")
