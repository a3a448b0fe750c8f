"""What envelope spectra say: peak, bearing lines, and every other line that stands out.

All ratios are amplitude over the median of the spectrum from 10 to 500 Hz. A line is a bearing
fault only where a bearing's order is, within one bin; any other is reported all the same, with
its shaft order, because a machine has lines of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from resonode.bearing import Bearing
from resonode.records import EnvelopeSpectrum, FloatArray

FLOOR_HZ = (10.0, 500.0)
LINE_RATIO = 6.0
_LINE_BINS = 1  # a line at f is looked for within this many bins
_PEAK_BINS = 2  # half the main lobe of the Hann window: no second maximum inside it
# Races repeat in harmonics, all that the spectrum shows are named; the cage's would lie
# everywhere, and so would those of a race whose lines are less than this many bins apart.
_HARMONICS = ("BPFO", "BPFI", "2BSF")
_APART_BINS = 16
_HARMONICS_OF_SLOW = 3


@dataclass(frozen=True)
class BearingLine:
    """What is at one order of a bearing."""

    hz: float
    """Where geometry and shaft speed put it."""
    found_hz: float
    """The highest bin within one bin of it."""
    ratio: float


@dataclass(frozen=True)
class Line:
    """A line that stands out of the averaged spectrum."""

    hz: float
    ratio: float
    order: float | None
    """Multiple of the shaft speed, where that is known."""
    bearing: str | None
    """BPFO, BPFI, 2BSF or FTF, `2xBPFO` for a harmonic, None for a line of the machine."""


@dataclass(frozen=True, eq=False)
class EnvelopeReport:
    """Envelope spectra of one axis and band, averaged.

    Attributes:
        windows: spectra averaged.
        amplitude_m2_s4: mean of their amplitudes, bin k at k * bin_hz.
        peak_over_median: highest bin of the average from 10 to 500 Hz, over its median.
        min_window_ratio: the same bin (±1) in each single spectrum over that one's median; the
            smallest.
    """

    axis: int
    band_hz: tuple[float, float]
    bin_hz: float
    windows: int
    amplitude_m2_s4: FloatArray
    median_m2_s4: float
    peak_hz: float
    peak_over_median: float
    min_window_ratio: float
    bearing: dict[str, BearingLine]
    lines: tuple[Line, ...]

    @property
    def frequency_hz(self) -> FloatArray:
        """Frequency of every bin."""
        return np.arange(len(self.amplitude_m2_s4), dtype=np.float64) * self.bin_hz


def group_envelopes(
    records: Iterable[EnvelopeSpectrum],
) -> list[list[EnvelopeSpectrum]]:
    """Return the spectra of one node that can be averaged: a list for each axis and band, lowest
    first, each by rising `seq`.

    Of each, only those with the window and size of the newest: settings may have changed. Edges
    of a band lie on bins, and follow the window and the measured rate: a bin's width apart is the
    same band.
    """
    groups: list[list[EnvelopeSpectrum]] = []
    for one in sorted(records, key=lambda record: record.seq, reverse=True):
        group = next((group for group in groups if same_band(one, group[0])), None)
        if group is None:
            groups.append([one])
        elif _size(one) == _size(group[0]):
            group.append(one)
    groups.sort(key=lambda group: (group[0].axis, group[0].band_lo_hz, group[0].band_hi_hz))
    return [group[::-1] for group in groups]


def newest_run(spectra: Sequence[EnvelopeSpectrum]) -> list[EnvelopeSpectrum]:
    """Return those of the same run of the sensor as the newest: settings and shaft speed were
    the same for all of them."""
    last = max(spectra, key=lambda record: record.seq)
    run = (last.epoch, last.capture)
    return [one for one in spectra if (one.epoch, one.capture) == run]


def same_band(one: EnvelopeSpectrum, other: EnvelopeSpectrum) -> bool:
    """Tell whether two spectra are of the same axis and band, whatever their window."""
    # A per mille is more than the measured rate of one sensor wanders.
    near_hz = max(one.bin_hz, other.bin_hz) + 1e-3 * other.band_hi_hz
    return (
        one.axis == other.axis
        and abs(one.band_lo_hz - other.band_lo_hz) <= near_hz
        and abs(one.band_hi_hz - other.band_hi_hz) <= near_hz
    )


def _size(one: EnvelopeSpectrum) -> tuple[int, int]:
    return one.count, len(one.envelope_m2_s4)


def envelope_report(
    spectra: Sequence[EnvelopeSpectrum],
    *,
    shaft_hz: float | None = None,
    bearing: Bearing | None = None,
) -> EnvelopeReport:
    """Average `spectra` of one axis, band and size, and look for lines.

    Raises:
        ValueError: there are none, or they cannot be averaged, or reach not beyond 10 Hz.
    """
    if not spectra:
        raise ValueError("no envelope spectra")
    if len({_size(one) for one in spectra}) > 1:
        raise ValueError("envelope spectra of different sizes cannot be averaged")
    levels = np.array([one.envelope_m2_s4 for one in spectra])
    bin_hz = float(np.mean([one.bin_hz for one in spectra]))
    average: FloatArray = levels.mean(axis=0)
    inside = _inside(len(average), bin_hz)
    median = _median(average[inside])
    peak = int(inside.start + np.argmax(average[inside]))
    if shaft_hz is None:
        shaft_hz = next((one.shaft_hz for one in reversed(spectra) if one.shaft_hz), None)
    expected = bearing.lines_hz(shaft_hz) if bearing is not None and shaft_hz else {}
    return EnvelopeReport(
        axis=spectra[-1].axis,
        band_hz=(
            float(np.mean([one.band_lo_hz for one in spectra])),
            float(np.mean([one.band_hi_hz for one in spectra])),
        ),
        bin_hz=bin_hz,
        windows=len(spectra),
        amplitude_m2_s4=average,
        median_m2_s4=median,
        peak_hz=peak * bin_hz,
        peak_over_median=float(average[peak] / median),
        min_window_ratio=min(
            float(one[_around(peak, len(one))].max() / _median(one[inside])) for one in levels
        ),
        bearing={
            name: _bearing_line(average, hz, bin_hz, median)
            for name, hz in expected.items()
            if round(hz / bin_hz) < len(average)
        },
        lines=tuple(_lines(average, inside, bin_hz, median, shaft_hz, expected)),
    )


def _inside(size: int, bin_hz: float) -> slice:
    lo, hi = FLOOR_HZ
    inside = slice(int(np.ceil(lo / bin_hz)), min(size, int(np.floor(hi / bin_hz)) + 1))
    if inside.start >= inside.stop:
        raise ValueError(f"the spectrum ends below {lo:g} Hz")
    return inside


def _median(levels: FloatArray) -> float:
    # A still machine has an envelope of zeros; its ratios are then zero, not undefined.
    return float(np.median(levels)) or float(np.finfo(np.float64).tiny)


def _around(index: int, size: int, bins: int = _LINE_BINS) -> slice:
    return slice(max(0, index - bins), min(size, index + bins + 1))


def _bearing_line(average: FloatArray, hz: float, bin_hz: float, median: float) -> BearingLine:
    near = _around(round(hz / bin_hz), len(average))
    found = int(near.start + np.argmax(average[near]))
    return BearingLine(hz=hz, found_hz=found * bin_hz, ratio=float(average[found] / median))


def _lines(
    average: FloatArray,
    inside: slice,
    bin_hz: float,
    median: float,
    shaft_hz: float | None,
    expected: dict[str, float],
) -> Iterable[Line]:
    high = [
        index
        for index in range(inside.start, inside.stop)
        if average[index] > LINE_RATIO * median
        and average[index] == average[_around(index, len(average), _PEAK_BINS)].max()
    ]
    names = _named_bins(high, bin_hz, expected)
    for index in high:
        hz = index * bin_hz
        yield Line(
            hz=hz,
            ratio=float(average[index] / median),
            order=hz / shaft_hz if shaft_hz else None,
            bearing=names.get(index),
        )


def _named_bins(high: list[int], bin_hz: float, expected: dict[str, float]) -> dict[int, str]:
    """Return the name of each bin of `high` that is a bearing's line, or a harmonic of one.

    A harmonic counts only if its fundamental is a line as well: somewhere on a spectrum full of
    lines, a multiple of everything is near.
    """
    names: dict[int, str] = {}
    found = {
        name: hz
        for name, hz in expected.items()
        if any(abs(round(hz / bin_hz) - index) <= _LINE_BINS for index in high)
    }
    for index in high:
        near = [
            (abs(round(times * hz / bin_hz) - index), times, name)
            for name, hz in found.items()
            for times in range(1, _harmonics(name, hz / bin_hz, max(high)) + 1)
        ]
        distance, times, name = min(near, default=(_LINE_BINS + 1, 0, ""))
        if distance <= _LINE_BINS:
            names[index] = name if times == 1 else f"{times}x{name}"
    return names


def _harmonics(name: str, apart_bins: float, last: int) -> int:
    """Return how many harmonics of a bearing line are named, of a spectrum's lines up to `last`."""
    if name not in _HARMONICS:
        return 1
    if apart_bins < _APART_BINS:
        return _HARMONICS_OF_SLOW
    return round(last / apart_bins) + 1
