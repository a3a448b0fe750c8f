"""NaN, infinity and denormals among float inputs: what dsp.h says about them in its conventions."""

import numpy as np
import pytest

from resonode import dsp
from tests.dsp.reference import SIZES

ODD = [np.nan, np.inf, -np.inf]


def floats(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def spectrum_of_a_line(bins: int = 513, at: int = 100) -> np.ndarray:
    amp = 0.01 * np.abs(floats(bins))
    amp[at] = 1.0
    return amp


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("odd", ODD)
def test_one_odd_sample_leaves_no_bin_that_looks_like_a_number(n, odd):
    x = floats(n)
    x[n // 3] = odd
    y = dsp.rfft(x)
    assert not np.isfinite(dsp.to_complex(y)).any()
    assert not np.isfinite(dsp.irfft(y)).any()


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_row_leaves_the_others_alone(odd):
    x = floats(3 * 256).reshape(3, 256)
    wanted = dsp.rfft_rows(x)
    x[1, 7] = odd
    got = dsp.rfft_rows(x)
    assert np.array_equal(got[[0, 2]], wanted[[0, 2]])
    assert not np.isfinite(dsp.to_complex(got[1])).any()


@pytest.mark.parametrize("n", SIZES)
def test_denormals_transform_like_other_numbers(n):
    # Multiples of the smallest denormal: each of log2(n) levels rounds values to one of them, by up
    # to half of it.
    unit = 2.0**-149
    x = np.round(1000 * floats(n)).astype(np.float32) * np.float32(unit)
    assert x.any() and np.abs(x).max() < 2.0**-126
    got = dsp.to_complex(dsp.rfft(x)).astype(complex) / unit
    error = got - np.fft.rfft(x.astype(float) / unit)
    assert np.sqrt(np.mean(np.abs(error) ** 2)) < np.sqrt(n) * np.log2(n) / 2


def test_a_nan_is_no_peak_and_does_not_hide_others():
    amp = spectrum_of_a_line()
    wanted = dsp.peaks(amp, 1.0, room=1)
    amp[300] = np.nan
    assert dsp.peaks(amp, 1.0, room=1) == wanted


def test_an_infinite_bin_is_the_largest_peak():
    amp = spectrum_of_a_line()
    amp[300] = np.inf
    first, second = dsp.peaks(amp, 1.0, room=2)
    assert first.amp == np.inf and second.freq_hz == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_bin_in_the_background_of_a_line_counts_as_one_bin_of_80(odd):
    amp = spectrum_of_a_line()
    wanted = dsp.line_score(amp, 1.0, 100.0, harmonics=1)
    amp[110] = odd
    got = dsp.line_score(amp, 1.0, 100.0, harmonics=1)
    assert got.amp == wanted.amp and got.background == pytest.approx(wanted.background, rel=0.1)


@pytest.mark.parametrize("odd", ODD)
def test_only_the_band_with_an_odd_bin_has_no_rms(odd):
    amp = spectrum_of_a_line()
    amp[110] = odd
    with_it, without = dsp.band_rms(amp, 1.0, [(90, 120), (200, 250)])
    assert not np.isfinite(with_it)
    assert without == dsp.band_rms(spectrum_of_a_line(), 1.0, [(200, 250)])[0]
