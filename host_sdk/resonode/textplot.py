"""Plots in the terminal: Unicode braille, two by four dots to a character.

Where the terminal cannot show braille, `ascii_only` draws with `.:|#`.
"""

from __future__ import annotations

import datetime as dt
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from resonode.plot import Plot, value_range, x_range
from resonode.records import FloatArray

# Bit of the dot in row r (from the top), column c of a character: U+2800 and up.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_ASCII = " .::||###"


def render(plot: Plot, *, width: int = 80, height: int = 12, ascii_only: bool = False) -> str:
    """Return `plot` as text of at most `width` columns; the plot itself is `height` lines high."""
    x_low, x_high = x_range(plot)
    y_low, y_high = value_range([one.y for one in plot.series])
    if not plot.over_time:
        y_low = 0.0
        y_high = y_high if y_high > 0 else 1.0
    labels = [_number(y_high), _number((y_low + y_high) / 2), _number(y_low)]
    margin = max(len(one) for one in labels) + 1
    columns = max(10, width - margin - 1)
    dots = np.zeros((4 * height, 2 * columns), np.bool_)
    for one in plot.series:
        tops = _tops(one.x, one.y, x_low, x_high, 2 * columns)
        _draw(dots, (tops - y_low) / (y_high - y_low), not plot.over_time)
    lines = [f"{plot.title}  [{plot.y_label}]"]
    if len(plot.series) > 1:
        lines += wrap(", ".join(one.label for one in plot.series), width)
    for row, text in enumerate(_characters(dots, ascii_only)):
        label = {0: labels[0], (height - 1) // 2: labels[1], height - 1: labels[2]}.get(row, "")
        lines.append(f"{label:>{margin - 1}} {'|' if ascii_only else '│'}{text}")
    lines += _axis(plot, x_low, x_high, margin, columns, ascii_only)
    return "\n".join(line.rstrip() for line in lines)


def _tops(x: FloatArray, y: FloatArray, low: float, high: float, columns: int) -> FloatArray:
    """Return the highest value in each column, between points interpolated: no peak is lost."""
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    places = (x - low) / (high - low) * (columns - 1)
    tops: FloatArray = np.interp(np.arange(columns), places, y, left=np.nan, right=np.nan)
    good = np.isfinite(y) & np.isfinite(places)
    np.fmax.at(tops, np.round(places[good]).astype(int).clip(0, columns - 1), y[good])
    return tops


def _draw(dots: NDArray[np.bool_], heights: FloatArray, filled: bool) -> None:
    rows = dots.shape[0]
    last: int | None = None
    for column, value in enumerate(heights):
        if not np.isfinite(value):
            last = None
            continue
        top = rows - 1 - round(float(np.clip(value, 0.0, 1.0)) * (rows - 1))
        bottom = rows if filled else 1 + max(top, top if last is None else last)
        first = top if filled or last is None else min(top, last)
        dots[first:bottom, column] = True
        last = top


def _characters(dots: NDArray[np.bool_], ascii_only: bool) -> list[str]:
    rows, columns = dots.shape
    cells = dots.reshape(rows // 4, 4, columns // 2, 2)
    if ascii_only:
        counts = cells.sum(axis=(1, 3))
        return ["".join(_ASCII[count] for count in row) for row in counts]
    codes = np.tensordot(cells, np.array(_DOTS), axes=([1, 3], [0, 1]))
    return ["".join(chr(0x2800 + code) if code else " " for code in row) for row in codes]


def _axis(
    plot: Plot, low: float, high: float, margin: int, columns: int, ascii_only: bool
) -> list[str]:
    rule = ["-" if ascii_only else "─"] * columns
    marks = [" "] * columns
    end = 0
    for label, x in sorted(plot.marks, key=lambda mark: mark[1]):
        if not low <= x <= high:
            continue
        place = round((x - low) / (high - low) * (columns - 1))
        rule[place] = "^" if ascii_only else "▲"
        start = max(end, min(place, columns - len(label)))
        if start + len(label) <= columns:
            marks[start : start + len(label)] = label
            end = start + len(label) + 1
    corner = "+" if ascii_only else "└"
    lines = [" " * margin + corner + "".join(rule)]
    if end:
        lines.append(" " * (margin + 1) + "".join(marks))
    left, right = (_moment(low), _moment(high)) if plot.over_time else (_number(low), _number(high))
    middle = plot.x_label.center(max(1, columns - len(left) - len(right)))
    lines.append(" " * (margin + 1) + left + middle + right)
    return lines


def _moment(time_s: float) -> str:
    return f"{dt.datetime.fromtimestamp(time_s, dt.UTC):%Y-%m-%d %H:%M:%S}"


def _number(value: float) -> str:
    return f"{value:.4g}"
