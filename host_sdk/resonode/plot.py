"""One description of a plot, drawn as a picture (extra `plot`) or in the terminal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resonode import files
from resonode.errors import MissingExtra, NodeError
from resonode.records import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
# With four styles 32 lines are told apart. Red is left to the marks; no two are alike to the
# colour-blind.
_COLOURS = (
    *("#1f4e79", "#e69f00", "#009e73", "#56b4e9"),
    *("#cc79a7", "#7030a0", "#8c6d31", "#7f7f7f"),
)
_STYLES = ("-", "--", ":", "-.")
_MARK_COLOUR = "#c00000"
_FONT_PT = 8
_LEVEL = 0.06  # height of a label's row, of the axes
_LEVELS = 6
_LETTER_INCH = 0.6 * _FONT_PT / 72  # on average, of a text in that size
_LEGEND_LETTERS = 28
_LEGEND_ROW_INCH = 0.2
_TITLE_LETTERS = 90
_DOTS = 60  # lines of no more points show each
_LONE_S = 60.0  # what a trend of one moment spans


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
    over_time: bool = False
    """A trend: x is s since 1970, UTC. Spectra are filled down to the axis, trends are not."""


def save(plot: Plot, path: Path) -> None:
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
    figure = figure_of(plot)
    with files.written(path) as new:
        figure.savefig(new, dpi=120)


def figure_of(plot: Plot) -> Figure:
    """Return `plot` as a matplotlib figure, as high as its legend needs. Raises MissingExtra."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "plot", "A picture") from error
    legend = ["\n".join(wrap(one.label, _LEGEND_LETTERS)) for one in plot.series]
    rows = sum(1 + label.count("\n") for label in legend)
    figure = Figure(figsize=(10.0, max(5.0, 1.0 + _LEGEND_ROW_INCH * rows)), layout="constrained")
    axes = figure.add_subplot()
    for index, (one, label) in enumerate(zip(plot.series, legend, strict=True)):
        _draw(axes, plot, one, index, label)
    low, high = x_range(plot)
    legend_inch = 0.5 + _LETTER_INCH * max(map(len, "\n".join(legend).split("\n")))
    if plot.over_time:
        _dates(axes, low, high)
    else:
        axes.set_xlim(low, high)
        axes.set_ylim(bottom=0)
    width_inch = 0.85 * 10.0 - (legend_inch if len(legend) > 1 else 0.0)
    _draw_marks(axes, plot.marks, low, high, width_inch)
    axes.set_title("\n".join(wrap(plot.title, _TITLE_LETTERS)), fontsize=10)
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.grid(alpha=0.25)
    if len(legend) > 1:
        figure.legend(loc="outside right upper", fontsize=_FONT_PT)
    return figure


def _draw(axes: Axes, plot: Plot, one: Series, index: int, label: str) -> None:
    colour = _COLOURS[index % len(_COLOURS)]
    x = _moments(one.x) if plot.over_time else one.x
    shown: Any = None if len(x) <= _DOTS else _alone(one.y)
    axes.plot(
        *(x, one.y),
        color=colour,
        linestyle=_STYLES[index // len(_COLOURS) % len(_STYLES)],
        label=label,
        linewidth=1.1,
        marker="." if plot.over_time else "",
        markevery=shown,
    )
    if not plot.over_time:
        axes.fill_between(x, one.y, color=colour, alpha=0.15, linewidth=0)


def _alone(y: FloatArray) -> list[bool]:
    """Tell which points no line leads to: they are seen only as dots."""
    gone = np.concatenate(([True], ~np.isfinite(y), [True]))
    return [bool(one) for one in gone[:-2] & gone[2:] & ~gone[1:-1]]


def _moments(x: FloatArray) -> NDArray[np.datetime64]:
    return np.round(x * 1e6).astype("datetime64[us]")


def _dates(axes: Axes, low: float, high: float) -> None:
    """Label the axis of time with clock and date, UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=dt.UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=dt.UTC))  # type: ignore[no-untyped-call]
    margin = 0.01 * (high - low)
    begin, end = _moments(np.array([low - margin, high + margin]))
    axes.set_xlim(begin, end)


def _draw_marks(
    axes: Axes, marks: list[tuple[str, float]], low: float, high: float, width_inch: float
) -> None:
    for x in (x for _label, x in marks if low <= x <= high):
        axes.axvline(x, color=_MARK_COLOUR, linewidth=0.9, linestyle="--", alpha=0.8)
    for text, x, level, left in _labels(marks, low, high, width_inch):
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


def _labels(
    marks: list[tuple[str, float]], low: float, high: float, width_inch: float
) -> list[tuple[str, float, int, bool]]:
    """Return (text, x, level from the top, whether left of its line) of the labels for which
    there is room on axes of this width: none covers another."""
    found: list[tuple[str, float, int, bool]] = []
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_LEVELS)]
    for label, x in sorted(marks, key=lambda mark: mark[1]):
        if not low <= x <= high:
            continue
        text = f" {label} {x:.1f} "
        wide = 1.1 * len(text) * _LETTER_INCH / width_inch * (high - low)
        left = x + wide > high
        span = (x - wide, x) if left else (x, x + wide)
        for level, others in enumerate(taken):
            if all(span[1] <= begin or end <= span[0] for begin, end in others):
                others.append(span)
                found.append((text, x, level, left))
                break
    return found


def x_range(plot: Plot) -> tuple[float, float]:
    """Return the lowest and the highest x; of one point, something around it."""
    low, high = value_range([one.x for one in plot.series])
    if plot.over_time and high - low <= 1.0:
        middle = (low + high) / 2
        return middle - _LONE_S / 2, middle + _LONE_S / 2
    return low, high


def value_range(arrays: list[FloatArray]) -> tuple[float, float]:
    """Return the lowest and the highest finite value, never the same."""
    values = np.concatenate(arrays) if arrays else np.zeros(1)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
