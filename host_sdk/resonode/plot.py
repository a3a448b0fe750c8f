"""One description of a plot, drawn as a picture (extra `plot`) or in the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resonode import files
from resonode.errors import MissingExtra, NodeError
from resonode.records import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
_COLOURS = ("#1f4e79", "#c55a11", "#548235", "#7030a0")
_MARK_COLOUR = "#c00000"
_FONT_PT = 8
_LEVEL = 0.06  # height of a label's row, of the axes
_LEVELS = 6


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
        NodeError: another suffix.
        StoreError: the file cannot be written; none is left, or the one that was there.
    """
    if path.suffix.lower() not in FORMATS:
        raise NodeError(
            f"{path.name} names no picture format", next=f"Use one of {', '.join(FORMATS)}"
        )
    figure = figure_of(plot, size_inch)
    with files.written(path) as new:
        figure.savefig(new, dpi=120)


def figure_of(plot: Plot, size_inch: tuple[float, float] = (10.0, 5.0)) -> Figure:
    """Return `plot` as a matplotlib figure. Raises MissingExtra."""
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
    for x in (x for _label, x in plot.marks if low <= x <= high):
        axes.axvline(x, color=_MARK_COLOUR, linewidth=0.9, linestyle="--", alpha=0.8)
    for text, x, level, left in _labels(plot.marks, low, high, size_inch[0]):
        axes.annotate(
            text,
            (x, 0.97 - _LEVEL * level),
            xycoords=("data", "axes fraction"),
            color=_MARK_COLOUR,
            fontsize=_FONT_PT,
            va="top",
            ha="right" if left else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )
    axes.set_title(plot.title)
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.grid(alpha=0.25)
    if len(plot.series) > 1:
        axes.legend(loc="upper right")
    return figure


def _labels(
    marks: list[tuple[str, float]], low: float, high: float, width_inch: float
) -> list[tuple[str, float, int, bool]]:
    """Return (text, x, level from the top, whether left of its line) of the labels for which
    there is room: none covers another."""
    found: list[tuple[str, float, int, bool]] = []
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_LEVELS)]
    for label, x in sorted(marks, key=lambda mark: mark[1]):
        if not low <= x <= high:
            continue
        text = f" {label} {x:.1f} "
        # The axes are narrower than the picture; a letter is less wide than its size.
        wide = len(text) * 0.65 * _FONT_PT / 72 / (0.85 * width_inch) * (high - low)
        left = x + wide > high
        span = (x - wide, x) if left else (x, x + wide)
        for level, others in enumerate(taken):
            if all(span[1] <= begin or end <= span[0] for begin, end in others):
                others.append(span)
                found.append((text, x, level, left))
                break
    return found


def _range(arrays: list[FloatArray]) -> tuple[float, float]:
    values = np.concatenate(arrays) if arrays else np.zeros(1)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
