"""Amplitude spectra. Promised: every bin within 1e-5 of the largest (dsp.h); measured 1.6e-7."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import ONE_G_LSB, SCALE, SIZES, amplitude, noise, sine

PROMISED = 1e-5


def lsb(x: np.ndarray) -> np.ndarray:
    return np.round(x).astype(np.int16)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("offset", [ONE_G_LSB, -30_000, 0.4])
def test_every_bin_agrees_with_numpy(n, offset):
    x = noise(n, seed=n, offset_lsb=offset)
    wanted = amplitude(x.astype(float) * SCALE)
    got = dsp.spectrum(x, SCALE)
    assert got.shape == (n // 2 + 1,) and got.dtype == np.float32
    assert np.max(np.abs(got - wanted)) <= PROMISED * wanted.max()


@given(
    st.sampled_from(SIZES),
    st.integers(0, 2**32 - 1),
    st.floats(0, 4),
    st.floats(-30_000, 30_000),
)
def test_every_bin_agrees_whatever_the_level_and_offset(n, seed, decades, offset):
    x = noise(n, seed, sigma_lsb=10**decades, offset_lsb=offset)
    wanted = amplitude(x.astype(float) * SCALE)
    assert np.max(np.abs(dsp.spectrum(x, SCALE) - wanted)) <= PROMISED * max(wanted)


@pytest.mark.parametrize("n", SIZES)
def test_a_sine_on_a_bin_peaks_there_with_its_amplitude(n):
    for k in (2, 3, n // 7, n // 4 + 1, n // 2 - 3):
        got = dsp.spectrum(lsb(sine(n, k, 10_000) + ONE_G_LSB), 1.0)
        assert np.argmax(got) == k
        # Rounding to LSB is noise of 0.29 LSB RMS, as long as the sine's period does not divide a
        # few samples: 0.29 * 2 / sqrt(n) = 0.036 LSB in a bin at 256. Six of those, and arithmetic.
        assert got[k] == pytest.approx(10_000, abs=0.22 + 1e-6 * 10_000)
        # Hann: half the amplitude in the neighbours.
        assert got[k + 1] == pytest.approx(5_000, abs=0.22 + 1e-6 * 10_000)


def test_a_nyquist_sine_reads_its_amplitude():
    x = np.where(np.arange(1024) % 2, -500, 500).astype(np.int16)
    assert dsp.spectrum(x, 2.0)[512] == pytest.approx(1000, rel=1e-6)


def test_a_constant_has_no_spectrum():
    assert not dsp.spectrum(np.full(1024, ONE_G_LSB, np.int16), SCALE).any()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_must_be_positive_and_finite(scale):
    with pytest.raises(dsp.DspError, match="number out of range"):
        dsp.spectrum(noise(256, 1), scale)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(512, np.int16)[::2],
        np.zeros(256, np.int32),
        np.zeros((2, 128), np.int16),
        [0] * 256,
    ],
)
def test_arrays_that_would_need_a_copy_are_refused(x):
    with pytest.raises(TypeError, match="^x: "):
        dsp.spectrum(x, SCALE)
