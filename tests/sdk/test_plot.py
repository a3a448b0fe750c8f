"""Plots, as pictures and in the terminal."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

import resonode
from resonode.plot import Plot, Series, figure_of, save
from resonode.textplot import render


def spectrum(peak_at=50, marks=()):
    x = np.arange(200, dtype=np.float64) * 2.5
    y = np.full(200, 0.1)
    y[peak_at] = 8.0
    return Plot("A spectrum", "Hz", "m/s²", [Series("z", x, y)], list(marks))


def test_png_shows_the_line_where_it_is(tmp_path):
    from matplotlib.image import imread

    path = tmp_path / "p.png"
    save(spectrum(marks=[("BPFO", 400.0)]), path)
    image = imread(path)[..., :3]
    assert image.shape[1] > 600
    # The peak at a quarter of the axis is dark ink high up; the mark at 0.8 of it is red.
    high = image[image.shape[0] // 5 : image.shape[0] // 3]
    blue = (high[..., 2] - high[..., 0] > 0.2).any(axis=0)
    red = (high[..., 0] - high[..., 2] > 0.4).any(axis=0)
    width = image.shape[1]
    assert blue.any() and red.any()
    assert np.flatnonzero(blue).mean() == pytest.approx(0.29 * width, abs=0.05 * width)
    assert np.flatnonzero(red).mean() == pytest.approx(0.83 * width, abs=0.07 * width)


def test_svg_is_one_and_names_the_mark(tmp_path):
    path = tmp_path / "p.svg"
    save(spectrum(marks=[("BPFO", 400.0)]), path)
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert "BPFO" in path.read_text()


def test_another_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(resonode.NodeError, match=".png, .svg, .pdf"):
        save(spectrum(), tmp_path / "p.gif")


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(resonode.MissingExtra, match=r"pip install 'resonode\[plot\]'"):
        save(spectrum(), tmp_path / "p.png")


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("peak_at", [1, 73, 74, 198])
def test_a_line_one_bin_wide_is_never_lost_in_the_terminal(peak_at, ascii_only):
    """200 bins on 34 columns: whatever the bin, its top reaches the first line of the plot."""
    text = render(spectrum(peak_at), width=40, ascii_only=ascii_only)
    first = text.splitlines()[1]
    body = first.split("|" if ascii_only else "│", 1)[1]
    drawn = [at for at, character in enumerate(body) if character != " "]
    columns = 40 - first.index("|" if ascii_only else "│") - 1
    assert drawn
    assert drawn[0] == pytest.approx(peak_at / 199 * columns, abs=1.5)


def test_marks_stand_under_their_frequency():
    lines = render(spectrum(marks=[("A", 0.0), ("B", 497.5)]), width=60).splitlines()
    rule = next(line for line in lines if "▲" in line)
    start = rule.index("└") + 1
    assert rule.index("▲") == start
    assert rule.rindex("▲") == 59
    assert lines[lines.index(rule) + 1].split() == ["A", "B"]


def test_marks_outside_the_plot_are_left_out():
    assert "FAR" not in render(spectrum(marks=[("FAR", 9999.0)]))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    marks = [("BPFO", 100.0), ("2BSF", 130.0), ("BPFI", 495.0)]
    text = render(spectrum(marks=marks), width=width)
    assert max(map(len, text.splitlines()[1:])) <= width


@pytest.mark.parametrize("over_time", [False, True])
@pytest.mark.parametrize(
    "y", [[0.0, 0.0, 0.0], [1.0], [np.nan, 1.0, 2.0], [5.0, 5.0], [-1.0, 0.0, 1.0]]
)
def test_odd_data_draws_without_error(y, over_time, tmp_path):
    values = np.array(y, np.float64)
    plot = Plot(
        "odd",
        "s",
        "1",
        [Series("a", np.arange(len(values), dtype=np.float64), values)],
        over_time=over_time,
    )
    assert "odd" in render(plot)
    save(plot, tmp_path / "odd.png")


def test_plain_terminals_get_plain_characters():
    render(spectrum(marks=[("A", 10.0)]), ascii_only=True).removeprefix(
        "A spectrum  [m/s²]"
    ).encode("ascii")


@pytest.mark.parametrize("apart", [0.5, 3.0, 12.0, 40.0])
def test_labels_of_marks_do_not_cover_each_other(apart):
    marks = [(f"LINE{at}", 300 + apart * at) for at in range(5)]
    figure = figure_of(spectrum(marks=marks))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [one.get_window_extent() for one in axes.texts]
    assert len(boxes) == 5
    for at, box in enumerate(boxes):
        assert box.x1 <= axes.bbox.x1 + 1
        for other in boxes[at + 1 :]:
            assert not box.overlaps(other)


def test_labels_without_room_are_left_out_and_their_lines_stay():
    marks = [(f"L{at}", 300 + 0.1 * at) for at in range(30)]
    (axes,) = figure_of(spectrum(marks=marks)).axes
    assert 0 < len(axes.texts) < 30
    assert len(axes.lines) == 1 + 30


# --- trends of many nodes ------------------------------------------------------------------------

START_S = 1795000000.0  # 2026-11-18 11:06:40 UTC
LONG = "Cooling water pump 3, hall 2, drive end, left"


def trend(count, *, y=None, x=None):
    x = START_S + 3600.0 * np.arange(96.0) if x is None else x
    y = np.sin(x / 9000.0) if y is None else y
    series = [Series(f"{LONG} {at}", x, y + at) for at in range(count)]
    return Plot("rms_m_s2", "UTC", "m/s²", series, over_time=True)


def drawn(plot):
    figure = figure_of(plot)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("plot", [trend(24), spectrum()], ids=["trend", "spectrum"])
def test_nothing_that_is_written_is_cut_off(plot):
    figure = drawn(replace(plot, title=f"{LONG} {LONG} {LONG} {LONG}"))
    (axes,) = figure.axes
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, axes.xaxis.get_offset_text()]
    boxes = [one.get_window_extent() for one in texts]
    boxes += [one.get_window_extent() for one in figure.legends]
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_lines_of_many_nodes_are_told_apart():
    (axes,) = figure_of(trend(32)).axes
    looks = {(one.get_color(), one.get_linestyle()) for one in axes.lines}
    assert len(looks) == 32


@pytest.mark.parametrize("count", [2, 24])
def test_the_legend_covers_no_line(count):
    figure = drawn(trend(count))
    (axes,), (legend,) = figure.axes, figure.legends
    assert len(legend.texts) == count
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    assert axes.get_window_extent().width > 0.5 * figure.bbox.width


def test_the_axis_of_time_says_the_date_and_the_clock():
    (axes,) = drawn(trend(1)).axes
    ticks = [one.get_text() for one in axes.get_xticklabels()]
    assert "Nov-20" in ticks and "12:00" in ticks
    assert axes.xaxis.get_offset_text().get_text().startswith("2026-Nov")
    last = render(trend(1)).splitlines()[-1]
    assert last.split() == ["2026-11-18", "11:06:40", "UTC", "2026-11-22", "10:06:40"]


def test_a_trend_of_one_point_spans_a_time_and_shows_it():
    plot = trend(1, x=np.array([START_S]), y=np.array([2.0]))
    (axes,) = drawn(plot).axes
    low, high = axes.get_xlim()
    assert (high - low) * 86400 > 30
    assert axes.lines[0].get_marker() == "."
    assert render(plot).splitlines()[-1].split()[0] == "2026-11-18"


def test_a_point_between_two_holes_is_seen_in_a_long_trend():
    y = np.ones(96)
    y[[40, 42]] = np.nan
    (axes,) = figure_of(trend(1, y=y)).axes
    assert np.flatnonzero(np.array(axes.lines[0].get_markevery())).tolist() == [41]


def test_the_lines_of_a_plot_in_the_terminal_are_named():
    text = render(trend(3), width=60)
    assert all(f"{LONG} {at}" in " ".join(text.splitlines()) for at in range(3))
    assert max(map(len, text.splitlines())) <= 60
