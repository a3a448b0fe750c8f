"""Peaks, families of lines, scores, bearings, bands: against sines of known place and size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import EPS, RATE_HZ, SCALE, amplitude, noise, sine

N = 1024
# What dsp.h states for a lone sine: bins, and relative amplitude.
BIAS = {
    "hann": (5e-4, 5e-5),
    "hamming": (0.02, 0.052),
    "blackman-harris": (0.005, 4e-3),
    "flat-top": (0.15, 1.3e-3),
}


@pytest.mark.parametrize("window", dsp.WINDOWS)
@given(
    place=st.floats(8.0, N / 2 - 8),
    phase=st.floats(0, 6.3),
)
def test_a_lone_sine_is_found_within_the_stated_bias(window, place, phase):
    x = np.round(sine(N, place, 20000.0, phase)).astype(np.int16)
    (line,) = dsp.peaks(dsp.spectrum_window(x, 1.0, window), 1.0, room=1, window=window)
    bins, relative = BIAS[window]
    # Samples are whole numbers: another 0.3 / 20000.
    assert abs(line.freq_hz - place) <= bins
    assert line.amp == pytest.approx(20000, rel=relative + 2e-5)


def test_peaks_come_largest_first_and_no_more_than_asked_for():
    x = sum(sine(N, k, a) for k, a in ((50, 300.0), (120, 900.0), (300, 600.0)))
    amp = dsp.spectrum(np.round(x).astype(np.int16), 1.0)
    found = dsp.peaks(amp, 2.0, room=3)
    assert [round(line.freq_hz) for line in found] == [240, 600, 100]
    assert [line.amp for line in found] == pytest.approx([900, 600, 300], rel=1e-3)
    assert dsp.peaks(amp, 2.0, room=2) == found[:2]
    assert dsp.peaks(amp, 2.0, room=8, least=500.0) == found[:2]


@given(st.lists(st.floats(0, 1e6, width=32), min_size=3, max_size=60), st.integers(1, 64))
def test_peaks_are_the_largest_local_maxima(values, room):
    amp = np.array(values, np.float32)
    inner = range(1, len(amp) - 1)
    maxima = [k for k in inner if amp[k] > 0 and amp[k] > amp[k - 1] and amp[k] >= amp[k + 1]]
    wanted = sorted(maxima, key=lambda k: -amp[k])[:room]
    found = dsp.peaks(amp, 1.0, room=room)
    # Interpolation moves each by half a bin at most.
    assert [float(amp[round(line.freq_hz - 1e-6)]) for line in found] == pytest.approx(
        [float(amp[k]) for k in wanted]
    ) or all(abs(line.freq_hz - k) <= 0.5 for line, k in zip(found, wanted, strict=True))
    assert len(found) == len(wanted)


def test_harmonics_and_sidebands_are_read_where_they_are():
    parts = {40.3: 100.0, 80.6: 50.0, 120.9: 25.0, 300.0: 400.0, 290.5: 80.0, 309.5: 60.0}
    x = sum(sine(N, k, a) for k, a in parts.items())
    amp = dsp.spectrum(np.round(x).astype(np.int16), 1.0)
    harmonics = dsp.lines(amp, 1.0, step_hz=40.3, count=3)
    assert [line.amp for line in harmonics] == pytest.approx([100, 50, 25], rel=0.02)
    assert [line.freq_hz for line in harmonics] == pytest.approx([40.3, 80.6, 120.9], abs=0.05)
    sides = dsp.lines(amp, 1.0, base_hz=300.0, step_hz=9.5, first=-1, count=3)
    assert [line.amp for line in sides] == pytest.approx([80, 400, 60], rel=0.02)


def test_lines_outside_the_spectrum_are_zero():
    amp = np.ones(100, np.float32)
    found = dsp.lines(amp, 1.0, step_hz=60.0, first=-1, count=4)
    assert [line.amp > 0 for line in found] == [False, False, True, False]


def test_tolerance_widens_the_search_relatively():
    amp = np.ones(600, np.float32)
    amp[505] = 9.0
    assert dsp.lines(amp, 1.0, step_hz=500.0, count=1)[0].amp < 2
    assert dsp.lines(amp, 1.0, step_hz=500.0, count=1, tolerance=0.01)[0].amp >= 9


@given(st.data())
def test_score_is_the_line_over_the_median_around_it(data):
    bins = data.draw(st.integers(32, 300))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    amp = rng.gamma(2.0, 1.0, bins).astype(np.float32)
    k = data.draw(st.integers(1, bins - 3))
    tolerance = data.draw(st.sampled_from([0.0, 0.01, 0.05]))
    score = dsp.line_score(amp, 1.0, float(k), harmonics=1, tolerance=tolerance)
    reach = 1 + int(np.float32(tolerance) * np.float32(k))
    lo, hi = max(k - reach, 1), min(k + reach, bins - 2)
    around = [
        amp[i]
        for i in range(max(lo - 40, 1), min(hi + 40, bins - 1) + 1)
        if not lo - 2 <= i <= hi + 2
    ]
    middle = sorted(around)[(len(around) - 1) // 2]
    assert score.background == middle
    assert score.ratio == pytest.approx(amp[lo : hi + 1].max() / middle, rel=2 * EPS)
    assert score.family_ratio == pytest.approx(score.ratio, rel=2 * EPS)
    assert score.harmonics == 1 and score.sideband_ratio == 0


def test_family_and_sidebands_sum_lines_and_backgrounds():
    amp = np.ones(1000, np.float32)
    amp[[100, 200, 300]] = 10, 6, 2
    amp[[90, 110, 190, 210]] = 4, 4, 3, 3
    score = dsp.line_score(amp, 1.0, 100.0, side_hz=10.0, harmonics=3, tolerance=0.0)
    assert score.ratio == 10 and score.family_ratio == 6
    assert score.sideband_ratio == pytest.approx((4 + 4 + 3 + 3 + 1 + 1) / 6)
    assert dsp.line_score(amp, 1.0, 400.0, harmonics=5, tolerance=0.0).harmonics == 2


def test_an_empty_spectrum_scores_nothing():
    score = dsp.line_score(np.zeros(100, np.float32), 1.0, 30.0)
    assert (score.ratio, score.family_ratio, score.amp) == (0, 0, 0)


# Orders published for these bearings: CWRU's drive end and fan end, MFPT's test bearing.
@pytest.mark.parametrize(
    ("geometry", "orders"),
    [
        ((9, 0.3126, 1.537, 0.0), (3.5848, 5.4152, 4.7135, 0.39828)),
        ((8, 0.2656, 1.122, 0.0), (3.0530, 4.9469, 3.9874, 0.3817)),
        ((8, 0.235, 1.245, 0.0), (3.2450, 4.7550, 5.1091, 0.4056)),
    ],
)
def test_bearing_orders_are_those_published(geometry, orders):
    got = dsp.bearing_orders(*geometry)
    # Published with four digits, from diameters with four.
    assert (got.bpfo, got.bpfi, got.bsf2, got.ftf) == pytest.approx(orders, rel=1e-3)


@given(st.integers(3, 60), st.floats(0.5, 30), st.floats(1.1, 20), st.floats(0, 89))
def test_bearing_orders_follow_the_formulas(elements, element, ratio, contact_deg):
    pitch = element * ratio
    got = dsp.bearing_orders(elements, element, pitch, contact_deg)
    gamma = np.cos(np.radians(contact_deg)) / ratio
    assert got.ftf == pytest.approx((1 - gamma) / 2, rel=2e-6)
    assert got.bpfo == pytest.approx(elements * (1 - gamma) / 2, rel=2e-6)
    assert got.bpfi == pytest.approx(elements - got.bpfo, rel=2e-6)
    assert got.bsf2 == pytest.approx(ratio * (1 - gamma**2), rel=2e-6)


def test_zones_end_at_their_limits():
    limits = (1.4, 2.8, 4.5)
    values = (0.0, 1.4, 1.5, 2.8, 2.9, 4.5, 4.6)
    assert "".join(dsp.severity_zone(v, limits) for v in values) == "AABBCCD"


def test_band_rms_equals_its_definition():
    x = noise(4096, 9)
    amp = dsp.spectrum(x, SCALE)
    bin_hz = RATE_HZ / 4096
    bands = [(0.0, RATE_HZ / 2), (10.0, 1000.0), (2000.0, 4000.0), (5 * bin_hz, 5 * bin_hz)]
    exact = amplitude(x * SCALE)
    f_hz = np.arange(2049) * bin_hz
    weight = np.full(2049, 0.5)
    weight[[0, -1]] = 1
    wanted = [
        np.sqrt(np.sum((weight * exact**2)[(f_hz >= lo - 1e-9) & (f_hz <= hi + 1e-9)]) / 1.5)
        for lo, hi in bands
    ]
    assert dsp.band_rms(amp, bin_hz, bands) == pytest.approx(wanted, rel=1e-5)


def test_the_whole_band_is_the_rms_of_the_windowed_block():
    x = noise(4096, 10)
    a = (x - x.mean()) * SCALE
    w = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4096) / 4096)
    total = dsp.band_rms(dsp.spectrum(x, SCALE), 1.0, [(0.0, 2048.0)])[0]
    assert total == pytest.approx(np.sqrt(np.mean((a * w) ** 2) / np.mean(w**2)), rel=1e-5)


@pytest.mark.parametrize("n", [2, 63, 64, 65, 1024, 65535])
def test_shape_factors_equal_numpys(n):
    x = noise(n, n)
    got = dsp.shape_factors(x, SCALE)
    d = np.abs((x - x.mean()) * SCALE)
    wanted = (
        d.mean(),
        np.sqrt(np.mean(d**2)) / d.mean(),
        d.max() / d.mean(),
        d.max() / np.mean(np.sqrt(d)) ** 2,
    )
    got_all = (got.mean_magnitude, got.shape, got.impulse, got.clearance)
    assert got_all == pytest.approx(wanted, rel=1e-5)


def test_a_constant_has_no_shape():
    got = dsp.shape_factors(np.full(100, 7, np.int16), 1.0)
    assert (got.mean_magnitude, got.shape, got.impulse, got.clearance) == (0, 0, 0, 0)


def test_refusals_write_nothing():
    ffi, lib = dsp._ffi, dsp._lib
    amp = ffi.new("float[64]", [1.0] * 64)
    line, found = ffi.new("dsp_line[64]"), ffi.new("int32_t *", 7)
    nan, inf = float("nan"), float("inf")

    def peaks(bins=64, bin_hz=1.0, window=0, least=0.0, room=4):
        return lib.dsp_peaks(amp, bins, bin_hz, window, least, room, line, found)

    assert [peaks(bins=2), peaks(room=0), peaks(room=65)] == [lib.DSP_ERR_SIZE] * 3
    bad = [peaks(bin_hz=0.0), peaks(window=4), peaks(least=-1.0), peaks(least=nan)]
    assert bad == [lib.DSP_ERR_VALUE] * 4

    def lines(bins=64, bin_hz=1.0, window=0, base=0.0, step=1.0, first=1, count=1, tolerance=0.0):
        return lib.dsp_lines(amp, bins, bin_hz, window, base, step, first, count, tolerance, line)

    assert [lines(bins=2), lines(count=0), lines(first=-(2**31))] == [lib.DSP_ERR_SIZE] * 3
    bad = [lines(bin_hz=inf), lines(window=-1), lines(base=-1.0), lines(base=inf)]
    bad += [lines(step=0.0), lines(tolerance=0.2), lines(tolerance=nan)]
    assert bad == [lib.DSP_ERR_VALUE] * 7

    out = ffi.new("dsp_score *", {"ratio": 5.0})

    def score(bins=64, bin_hz=1.0, f=9.0, side=0.0, harmonics=2, tolerance=0.01):
        return lib.dsp_line_score(amp, bins, bin_hz, f, side, harmonics, tolerance, out)

    assert [score(bins=31), score(harmonics=0), score(harmonics=33)] == [lib.DSP_ERR_SIZE] * 3
    bad = [score(bin_hz=0.0), score(f=0.0), score(side=-1.0), score(side=inf), score(tolerance=1.0)]
    assert bad == [lib.DSP_ERR_VALUE] * 5
    assert [score(f=63.0), score(f=0.5), score(f=1e30)] == [lib.DSP_ERR_BAND] * 3
    assert out.ratio == 5.0 and found[0] == 7 and line[0].amp == 0

    bearing = ffi.new("dsp_bearing *", {"ftf": 5.0})
    assert lib.dsp_bearing_orders(2, 1.0, 2.0, 0.0, bearing) == lib.DSP_ERR_SIZE
    for geometry in ((0.0, 2.0, 0.0), (2.0, 2.0, 0.0), (1.0, nan, 0.0), (1.0, 2.0, 90.0)):
        assert lib.dsp_bearing_orders(9, *geometry, bearing) == lib.DSP_ERR_VALUE
    assert bearing.ftf == 5.0
    for value, limits in ((-1.0, (1, 2, 3)), (nan, (1, 2, 3)), (1.0, (0, 2, 3)), (1.0, (1, 3, 3))):
        limits = ffi.new("float[3]", limits)
        assert lib.dsp_severity_zone(value, limits, found) == lib.DSP_ERR_VALUE
    assert found[0] == 7

    rms = ffi.new("float[2]", [5.0] * 2)

    def band(limits, bins=64, bin_hz=1.0, enbw=1.5, count=None):
        count = len(limits) // 2 if count is None else count
        return lib.dsp_band_rms(amp, bins, bin_hz, enbw, ffi.new("float[]", limits), count, rms)

    assert [band([1, 2], bins=1), band([1, 2], count=0)] == [lib.DSP_ERR_SIZE] * 2
    bad = [band([1, 2], bin_hz=0.0), band([1, 2], enbw=0.9), band([2, 1]), band([-1, 2])]
    bad += [band([1, inf]), band([nan, 2]), band([1, 2, 2, 1])]
    assert bad == [lib.DSP_ERR_VALUE] * 7
    assert [band([1.2, 1.8]), band([64, 70]), band([1, 2, 80, 90])] == [lib.DSP_ERR_BAND] * 3
    assert list(rms) == [5.0, 5.0]

    shape = ffi.new("dsp_shape_set *", {"shape": 5.0})
    x = ffi.new("int16_t[64]")
    for n in (1, 65536):
        assert lib.dsp_shape_factors(x, n, 1.0, shape) == lib.DSP_ERR_SIZE
    for scale in (0.0, nan, inf):
        assert lib.dsp_shape_factors(x, 64, scale, shape) == lib.DSP_ERR_VALUE
    assert shape.shape == 5.0
