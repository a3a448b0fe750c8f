"""An envelope report as a plot, as tables and as JSON: `plot envelope` and `demo` share it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from resonode.cli import output
from resonode.errors import NodeError

if TYPE_CHECKING:
    from resonode.analysis import EnvelopeReport
    from resonode.plot import Plot


def envelope_plot(report: EnvelopeReport, title: str, max_hz: float | None) -> Plot:
    """Return the plot of a report, its bearing lines marked."""
    from resonode.plot import Plot, Series

    shown = report.frequency_hz <= (max_hz or report.frequency_hz[-1])
    # The DC bin and its neighbour hold what the window leaks, not a line.
    shown[:2] = False
    if not shown.any():
        raise NodeError(
            f"The spectrum has no line up to {max_hz:g} Hz",
            why=f"its bins are {report.bin_hz:.4g} Hz apart",
            next="Use a higher --max-hz",
        )
    axis = "xyz"[report.axis]
    return Plot(
        title=title,
        x_label="Hz",
        y_label="m²/s⁴",
        series=[Series(axis, report.frequency_hz[shown], report.amplitude_m2_s4[shown])],
        marks=[(name, line.hz) for name, line in report.bearing.items()],
    )


def print_terminal(plot: Plot) -> None:
    """Draw a plot in the terminal."""
    from resonode.textplot import render

    width = min(shutil.get_terminal_size().columns, 120)
    print(render(plot, width=width, ascii_only=not _can_braille()))


def print_lines(report: EnvelopeReport) -> None:
    """Print the bearing's lines, and every other line that stands out."""
    if report.bearing:
        found = [(name, one.hz, one.found_hz, one.ratio) for name, one in report.bearing.items()]
        output.table(("bearing line", "expected/Hz", "highest near/Hz", "x median"), found)
    if report.lines:
        rows = [(one.hz, one.ratio, one.order, one.bearing or "") for one in report.lines]
        output.table(("line/Hz", "x median", "shaft order", "bearing"), rows)
    else:
        print("No line stands out.")


def report_dict(report: EnvelopeReport) -> dict[str, Any]:
    """Return a report for JSON, without its spectrum."""
    return {
        "axis": "xyz"[report.axis],
        "band_hz": list(report.band_hz),
        "bin_hz": report.bin_hz,
        "windows": report.windows,
        "peak_hz": report.peak_hz,
        "peak_over_median": report.peak_over_median,
        "min_window_ratio": report.min_window_ratio,
        "bearing": {
            name: {"hz": one.hz, "found_hz": one.found_hz, "ratio": one.ratio}
            for name, one in report.bearing.items()
        },
        "lines": [
            {
                "hz": one.hz,
                "ratio": one.ratio,
                "band_hz": list(report.band_hz),
                "order": one.order,
                "bearing": one.bearing,
            }
            for one in report.lines
        ],
    }


def _can_braille() -> bool:
    try:
        "⠿".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
