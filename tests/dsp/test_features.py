"""Features against float64 NumPy and SciPy of the same LSBs.

Promised by dsp.h: rms, peak, crest within 1e-6, kurtosis within 3e-6, whatever the offset.
The moments are exact integers; what rounds is about a dozen float operations (EPS each).
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from resonode import dsp
from tests.dsp.reference import EPS, ONE_G_LSB, SCALE, noise


def check(x: np.ndarray) -> None:
    got = dsp.features(x, SCALE)
    a = x.astype(float) * SCALE
    centred = (x - x.mean()) * SCALE
    rms, peak = np.sqrt(np.mean(centred**2)), np.abs(centred).max()
    assert got.mean == pytest.approx(a.mean(), rel=4 * EPS, abs=EPS * SCALE)
    assert got.rms == pytest.approx(rms, rel=1e-6)
    assert got.peak == pytest.approx(peak, rel=1e-6)
    assert got.crest == pytest.approx(peak / rms, rel=1e-6)
    assert got.peak_to_peak == pytest.approx(np.ptp(a), rel=2 * EPS)
    assert got.kurtosis == pytest.approx(stats.kurtosis(centred, fisher=False), rel=3e-6)
    # Skewness may be 0, so its error is measured against the third absolute moment; the terms of
    # m3 that cancel are at most 7 of those for |r| <= 1/2, with 4 roundings each.
    size = np.mean(np.abs(centred) ** 3) / rms**3
    assert got.skewness == pytest.approx(stats.skew(centred), abs=28 * EPS * size)


@pytest.mark.parametrize("n", [2, 3, 255, 256, 1000, 1024, 16384, 65535])
@pytest.mark.parametrize("offset", [0, ONE_G_LSB, -20_000.5])
def test_features_agree_with_float64(n, offset):
    check(noise(n, seed=n, offset_lsb=offset))


@given(
    hnp.arrays(np.int16, st.integers(2, 300), elements=st.integers(-32768, 32767)).filter(
        lambda x: np.ptp(x) > 0
    )
)
def test_features_agree_for_any_samples(x):
    check(x)


@given(
    st.integers(-32768, 32766),
    hnp.arrays(np.bool_, st.integers(2, 3000)).filter(lambda x: 0 < x.sum() < len(x)),
)
def test_features_agree_for_one_toggling_bit(low, bits):
    check((low + bits).astype(np.int16))


@pytest.mark.parametrize("share", [1, 7, 13_000, 32_767, 51_700, 65_534])
def test_sums_do_not_overflow_at_full_scale(share):
    x = np.full(65_535, -32_768, np.int16)
    x[:share] = 32_767
    check(x)
    check(-1 - x)


def test_outlier_in_the_longest_block_keeps_its_kurtosis():
    x = np.zeros(65_535, np.int16)
    x[17] = 1
    # Of one outlier in n: kurtosis = n - 2 + 1/(n - 1)
    assert dsp.features(x, 1.0).kurtosis == pytest.approx(65_533, rel=3e-6)


@pytest.mark.parametrize("value", [0, ONE_G_LSB, -32768, 32767])
def test_a_constant_has_a_mean_and_nothing_else(value):
    got = dsp.features(np.full(1000, value, np.int16), SCALE)
    assert got.mean == pytest.approx(value * SCALE, rel=2 * EPS)
    assert (got.rms, got.peak, got.crest, got.kurtosis, got.skewness, got.peak_to_peak) == (0,) * 6


def test_skewness_is_within_1e_4_with_1_g_of_offset():
    for seed in range(50):
        x = noise(1024, seed=seed, offset_lsb=ONE_G_LSB)
        x[seed::97] += 2000  # skewed to one side
        assert dsp.features(x, SCALE).skewness == pytest.approx(stats.skew(x - x.mean()), abs=1e-4)


def test_a_gaussian_has_kurtosis_three():
    # Standard error of kurtosis: sqrt(24 / n) = 0.019; five of them.
    assert dsp.features(noise(65_535, seed=5), SCALE).kurtosis == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("n", [0, 1, 65_536])
def test_block_lengths_out_of_range_are_refused(n):
    with pytest.raises(dsp.DspError, match="length not allowed"):
        dsp.features(np.zeros(n, np.int16), SCALE)
