"""Velocity RMS against float64 and against what a sine must read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import DECIMATED_HZ, ONE_G_LSB, SCALE, SIZES, noise, velocity

UNIT = 2**dsp.DECIMATE_FRACTION_BITS


def record(a_lsb: np.ndarray) -> np.ndarray:
    """As Decimator gives it: fractions of an LSB, with gravity."""
    return np.round((a_lsb + ONE_G_LSB) * UNIT).astype(np.int32)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("band_hz", [(10, 1000), (2, 1000), (100, 200), (10, DECIMATED_HZ / 2)])
def test_noise_agrees_with_float64(n, band_hz):
    if n < 1024 and band_hz == (2, 1000):
        band_hz = (14, 1000)  # 2 Hz lies below the first bins here
    rec = record(np.random.default_rng(n).standard_normal(n) * 300)
    wanted = velocity(rec / UNIT * SCALE, DECIMATED_HZ, *band_hz)
    assert dsp.velocity(rec, SCALE, DECIMATED_HZ, *band_hz) == pytest.approx(wanted, rel=1e-5)


@given(
    st.sampled_from(SIZES),
    st.integers(0, 2**32 - 1),
    st.floats(3000, 4000),
    st.floats(14, 300),
    st.floats(400, 1400),
)
def test_agrees_whatever_the_rate_and_band(n, seed, rate_hz, f_lo_hz, f_hi_hz):
    # A bin nearer to a limit than float32 can tell may fall on either side: dsp.h says 1e-6.
    bins = np.array([f_lo_hz, f_hi_hz]) * n / rate_hz
    if np.any(np.abs(bins - np.round(bins)) < 4e-6 * bins):
        return
    rec = record(np.random.default_rng(seed).standard_normal(n) * 300)
    wanted = velocity(rec / UNIT * SCALE, rate_hz, f_lo_hz, f_hi_hz)
    assert dsp.velocity(rec, SCALE, rate_hz, f_lo_hz, f_hi_hz) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("f_hz", [10, 10.2, 11.37, 15, 29.95, 50, 160, 500, 990.3, 999])
def test_a_sine_reads_its_velocity(f_hz):
    n = 8192
    width_hz = DECIMATED_HZ / n
    v_peak_mm_s = 10.0
    a_lsb = v_peak_mm_s / 1000 * 2 * np.pi * f_hz / SCALE
    t = np.arange(n) / DECIMATED_HZ
    rec = record(a_lsb * np.sin(2 * np.pi * f_hz * t + 0.7))
    # The lobe must lie inside: the limits are pushed two bins and a half out where f is near them.
    f_lo_hz, f_hi_hz = min(10, f_hz - 2.5 * width_hz), max(1000, f_hz + 2.5 * width_hz)
    got = dsp.velocity(rec, SCALE, DECIMATED_HZ, f_lo_hz, f_hi_hz)
    # Weighting the lobe with 1/f² reads high by 1/2 (width/f)² (0.08 % at 10 Hz; twice it allowed);
    # side lobes cut off by the limits and the far image lose below 0.05 %; gravity's rest and
    # rounding of 1/512 LSB are far below.
    high = (width_hz / f_hz) ** 2
    assert got == pytest.approx(v_peak_mm_s / np.sqrt(2), rel=high + 5e-4)


@pytest.mark.parametrize("n", [1024, 4096, 16384])
@pytest.mark.parametrize("bins", [25, 25.5, 40.3, 100, 300.7])
def test_a_sine_25_bins_up_or_more_reads_within_a_thousandth(n, bins):
    f_hz = bins * DECIMATED_HZ / n
    rec = record(3000 * np.sin(2 * np.pi * bins * np.arange(n) / n + 0.7))
    # 1/2 / 25² = 0.08 % for the lobe, as above; what side lobes lose outside 3 Hz..1300 Hz is below
    # 0.01 %.
    wanted = 1e3 * 3000 * SCALE / (2 * np.pi * f_hz) / 2**0.5
    f_lo_hz = max(3.0, f_hz / 4)
    assert dsp.velocity(rec, SCALE, DECIMATED_HZ, f_lo_hz, 1300) == pytest.approx(wanted, rel=1e-3)


def test_a_whole_chain_from_raw_samples_reads_a_sine():
    rate_hz, f_hz, v_peak_mm_s, n = 26_667.0, 61.3, 7.0, 8192
    t = np.arange(8 * (n + dsp.DECIMATE_SETTLE)) / rate_hz
    a = v_peak_mm_s / 1000 * 2 * np.pi * f_hz * np.cos(2 * np.pi * f_hz * t) / SCALE
    x = np.round(a + ONE_G_LSB).astype(np.int16)
    rec = dsp.Decimator().feed(x)[dsp.DECIMATE_SETTLE :]
    # Sine as above, 1e-4 of filter ripple; quantisation noise of 0.29 LSB RMS over 13 kHz puts
    # 0.02 mm/s into the band at most, which adds in squares: 1e-5.
    assert dsp.velocity(rec, SCALE, rate_hz / 8) == pytest.approx(v_peak_mm_s / 2**0.5, rel=1e-3)


def test_a_constant_does_not_move():
    assert dsp.velocity(record(np.zeros(1024)), SCALE, DECIMATED_HZ) == 0


def test_bins_on_the_limits_count():
    # 1 Hz bins: the tone's three bins are 9, 10, 11 with weights 1/2, 1, 1/2.
    n, rate_hz = 4096, 4096.0
    rec = record(1000 * np.cos(2 * np.pi * 10 * np.arange(n) / n))
    one = dsp.velocity(rec, SCALE, rate_hz, 10, 10)
    right = dsp.velocity(rec, SCALE, rate_hz, 10, 11)
    assert one == pytest.approx(velocity(rec / UNIT * SCALE, rate_hz, 10, 10), rel=1e-5)
    assert right**2 / one**2 == pytest.approx(1 + (0.5 * 10 / 11) ** 2, rel=1e-4)


@pytest.mark.parametrize(
    ("scale", "rate_hz", "f_lo_hz", "f_hi_hz"),
    [
        (0, 3333, 10, 1000),
        (1, 0, 10, 1000),
        (1, float("nan"), 10, 1000),
        (1, 3333, 0, 1000),
        (1, 3333, 100, 99),
        (1, 3333, 10, 1700),
        (1, 3333, 10, float("nan")),
        (float("inf"), 3333, 10, 1000),
    ],
)
def test_numbers_out_of_range_are_refused(scale, rate_hz, f_lo_hz, f_hi_hz):
    with pytest.raises(dsp.DspError, match="number out of range"):
        dsp.velocity(record(np.zeros(256)), scale, rate_hz, f_lo_hz, f_hi_hz)


def test_a_band_between_two_bins_is_refused():
    with pytest.raises(dsp.DspError, match="band"):
        dsp.velocity(noise(256, 1).astype(np.int32), SCALE, 2560.0, 11, 19)
