"""Real FFT against float64 NumPy.

Tolerance: each of the log2(n) radix-2 levels that the algorithm amounts to rounds its values and
its twiddles about once. At worst these add up, so the relative L2 error is below EPS log2(n)
(4.8e-7 at 256, 8.3e-7 at 16384; measured 1.1e-7 to 1.4e-7).
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import EPS, ONE_G_LSB, SIZES, noise


def l2_error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def tolerance(n: int) -> float:
    return EPS * np.log2(n)


@pytest.mark.parametrize("n", SIZES)
def test_floats_transform_as_in_numpy(n):
    x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    got = dsp.to_complex(dsp.rfft(x)).astype(complex)
    assert l2_error(got, np.fft.rfft(x.astype(float))) < tolerance(n)


@pytest.mark.parametrize("n", SIZES)
def test_rounding_adds_up_as_if_at_random(n):
    # One rounding a level, uniform within EPS, adding in squares: EPS sqrt(log2(n) / 3), 1.09e-7 at
    # 1024. Over 64 records of noise together measured 1.00 (256) to 1.07 (16384) times that.
    x = np.random.default_rng(n).standard_normal((64, n)).astype(np.float32)
    got = np.array([dsp.to_complex(dsp.rfft(row)) for row in x]).astype(complex)
    assert l2_error(got, np.fft.rfft(x.astype(float))) < 1.1 * EPS * np.sqrt(np.log2(n) / 3)
    assert 1.1 * EPS * np.sqrt(np.log2(1024) / 3) < 1.2e-7  # what is asked for


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_integers_transform_as_in_numpy_without_their_mean(n, dtype):
    x = noise(n, seed=n).astype(dtype)
    wanted = np.fft.rfft(x.astype(float) - x.mean())
    got = dsp.to_complex(dsp.rfft(x)).astype(complex)
    assert got[0] == 0
    assert l2_error(got, wanted) < tolerance(n)


@pytest.mark.parametrize("n", SIZES)
def test_every_impulse_position_has_the_right_phase(n):
    # An impulse meets every twiddle once; a wrong index anywhere shows at some position.
    for at in [0, 1, 2, 3, n // 8, n // 2 - 1, n // 2, 5 * n // 7, n - 1]:
        x = np.zeros(n, np.float32)
        x[at] = 1.0
        wanted = np.exp(-2j * np.pi * np.arange(n // 2 + 1) * at / n)
        got = dsp.to_complex(dsp.rfft(x))
        assert np.max(np.abs(got - wanted)) < tolerance(n), at


@pytest.mark.parametrize("n", SIZES)
def test_inverse_is_as_in_numpy_and_undoes_the_transform(n):
    # Two sums before and two after the transform, each rounded once.
    bound = tolerance(n) + 4 * EPS
    bins = np.random.default_rng(n).standard_normal((2, n // 2 + 1)).astype(np.float32)
    bins[1, [0, -1]] = 0  # real at both ends
    y = np.concatenate([bins[0], bins[1, -2:0:-1]])
    wanted = np.fft.irfft(bins[0].astype(float) + 1j * bins[1].astype(float))
    assert l2_error(dsp.irfft(y), wanted) < bound
    x = np.random.default_rng(n + 1).standard_normal(n).astype(np.float32)
    assert l2_error(dsp.irfft(dsp.rfft(x)), x) < bound + tolerance(n)


@given(st.integers(0, 6), st.integers(0, 2**32 - 1), st.floats(-4, 4), st.floats(-4, 4))
def test_transform_is_linear(size, seed, a, b):
    n = SIZES[size]
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, n)).astype(np.float32)
    a, b = np.float32(a), np.float32(b)
    whole = dsp.rfft(a * x + b * y).astype(float)
    parts = float(a) * dsp.rfft(x).astype(float) + float(b) * dsp.rfft(y).astype(float)
    # Both sides are off by the tolerance, of each part's norm; and denormals by half their distance
    # in each of log2(n) stages, on n values, which later stages carry to n outputs.
    denormals = n * np.log2(n) * 2.0**-149
    bound = (
        2 * tolerance(n) * np.sqrt(n) * (abs(a) * np.linalg.norm(x) + abs(b) * np.linalg.norm(y))
    )
    assert np.linalg.norm(whole - parts) <= bound + denormals


@pytest.mark.parametrize("n", SIZES)
def test_energy_is_kept(n):
    x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    power = dsp.rfft(x).astype(float) ** 2
    # Parseval; half-complex values stand for two bins each, but for DC and Nyquist.
    energy = (2 * power.sum() - power[0] - power[n // 2]) / n
    assert energy == pytest.approx(np.sum(x.astype(float) ** 2), rel=2 * tolerance(n))


@pytest.mark.parametrize("n", SIZES)
def test_a_constant_is_nothing_but_mean(n):
    assert not dsp.rfft(np.full(n, ONE_G_LSB, np.int16)).any()
    assert not dsp.rfft(np.full(n, -(2**23), np.int32)).any()


def test_full_scale_does_not_overflow():
    n = dsp.N_MAX
    x = np.where(np.arange(n) % 2, -32768, 32767).astype(np.int16)
    assert dsp.rfft(x)[n // 2] == pytest.approx(65535 / 2 * n, rel=tolerance(n))
    assert not dsp.rfft(np.full(n, -32768, np.int16)).any()


@pytest.mark.parametrize("n", [0, 1, 128, 255, 1000, 32768])
def test_other_sizes_are_refused(n):
    with pytest.raises(dsp.DspError, match="length not allowed"):
        dsp.rfft(np.zeros(n, np.float32))


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (np.zeros(512, np.float32)[::2], "not contiguous"),
        (np.zeros(512, np.int16)[::-2], "not contiguous"),
        (np.zeros((2, 256), np.float32), "one-dimensional array of float32"),
        (np.zeros((2, 256), np.int16), "one-dimensional array of int16"),
        (np.zeros(256), "one-dimensional array of float32"),
        (np.zeros(256, ">f4"), "one-dimensional array of float32"),
        ([0.0] * 256, "one-dimensional array of float32"),
    ],
)
def test_what_the_core_cannot_read_where_it_lies_is_refused(x, why):
    with pytest.raises(TypeError, match=f"^x: .*{why}"):
        dsp.rfft(x)


def test_a_record_that_may_not_be_written_is_read():
    x = np.ones(256, np.float32)
    x.setflags(write=False)
    assert dsp.rfft(x)[0] == 256
