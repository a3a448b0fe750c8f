"""One description of a plot, drawn as a picture (extra `plot`) or in the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from resonode.errors import MissingExtra, NodeError
from resonode.records import FloatArray

FORMATS = (".png", ".svg", ".pdf")
_COLOURS = ("#1f4e79", "#c55a11", "#548235", "#7030a0")
_MARK_COLOUR = "#c00000"


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a plot."""

    label: str
    x: FloatArray
    y: FloatArray


@dataclass(frozen=True, eq=False)
class Plot:
    """What to draw. `marks`: vertical lines with a label, at x."""

    title: str
    x_label: str
    y_label: str
    series: list[Series]
    marks: list[tuple[str, float]] = field(default_factory=list)
    filled: bool = True
    """Spectra are filled down to the axis, trends are not."""


def save(plot: Plot, path: Path, *, size_inch: tuple[float, float] = (10.0, 5.0)) -> None:
    """Write `plot` to `path` as PNG, SVG or PDF, told by its suffix.

    Raises:
        MissingExtra: matplotlib is not installed.
        NodeError: another suffix, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise NodeError(
            f"{path.name} names no picture format", next=f"Use one of {', '.join(FORMATS)}"
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "plot", "A picture") from error
    figure = Figure(figsize=size_inch, layout="constrained")
    axes = figure.add_subplot()
    for index, one in enumerate(plot.series):
        colour = _COLOURS[index % len(_COLOURS)]
        marker = "" if plot.filled or len(one.x) > 60 else "."
        axes.plot(one.x, one.y, color=colour, label=one.label, linewidth=1.1, marker=marker)
        if plot.filled:
            axes.fill_between(one.x, one.y, color=colour, alpha=0.15, linewidth=0)
    low, high = _range([one.x for one in plot.series])
    axes.set_xlim(low, high)
    if plot.filled:
        axes.set_ylim(bottom=0)
    for level, (label, x) in enumerate(sorted(plot.marks, key=lambda mark: mark[1])):
        if low <= x <= high:
            axes.axvline(x, color=_MARK_COLOUR, linewidth=0.9, linestyle="--", alpha=0.8)
            # Neighbours share a height only every third time: close lines stay readable.
            axes.annotate(
                f" {label} {x:.1f}",
                (x, 0.97 - 0.06 * (level % 3)),
                xycoords=("data", "axes fraction"),
                color=_MARK_COLOUR,
                fontsize=8,
                va="top",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            )
    axes.set_title(plot.title)
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.grid(alpha=0.25)
    if len(plot.series) > 1:
        axes.legend(loc="upper right")
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise NodeError(f"{path} cannot be written", why=str(error)) from error


def _range(arrays: list[FloatArray]) -> tuple[float, float]:
    values = np.concatenate(arrays) if arrays else np.zeros(1)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
