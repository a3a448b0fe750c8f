"""What envelope spectra say: peak, bearing lines, and every other line that stands out.

All ratios are amplitude over the median of the spectrum from 10 to 500 Hz. A line is a bearing
fault only where a bearing's order is, within one bin; any other is reported all the same, with
its shaft order, because a machine has lines of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from resonode.bearing import Bearing
from resonode.records import EnvelopeSpectrum, FloatArray

FLOOR_HZ = (10.0, 500.0)
LINE_RATIO = 6.0
_LINE_BINS = 1  # a line at f is looked for within this many bins
_PEAK_BINS = 2  # half the main lobe of the Hann window: no second maximum inside it
# Races repeat in harmonics; the cage's would lie everywhere.
_HARMONICS = {"BPFO": 3, "BPFI": 3, "2BSF": 3, "FTF": 1}


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
    """Return the spectra that can be averaged, one list for each axis and band, lowest first.

    Of each, only those with the window and size of the newest: settings may have changed. A band
    is told by its bins: its edges in Hz follow the measured sample rate.
    """
    groups: dict[tuple[int, int, int], list[EnvelopeSpectrum]] = defaultdict(list)
    for one in records:
        edges = round(one.band_lo_hz / one.bin_hz), round(one.band_hi_hz / one.bin_hz)
        groups[one.axis, *edges].append(one)
    return [_like_the_last(groups[key]) for key in sorted(groups)]


def _like_the_last(group: list[EnvelopeSpectrum]) -> list[EnvelopeSpectrum]:
    last = group[-1]
    shape = (last.count, len(last.envelope_m2_s4))
    return [one for one in group if (one.count, len(one.envelope_m2_s4)) == shape]


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
    if len({(one.count, len(one.envelope_m2_s4)) for one in spectra}) > 1:
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
            for times in range(1, _HARMONICS.get(name, 1) + 1)
        ]
        distance, times, name = min(near, default=(_LINE_BINS + 1, 0, ""))
        if distance <= _LINE_BINS:
            names[index] = name if times == 1 else f"{times}x{name}"
    return names
