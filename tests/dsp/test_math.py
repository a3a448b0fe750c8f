"""Sine, cosine and log2 without libm. dsp.h promises 1.2e-7."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp


def sincos(phase: int) -> tuple[float, float]:
    sine, cosine = dsp._ffi.new("float *"), dsp._ffi.new("float *")
    dsp._lib.dsp_sincos(phase, sine, cosine)
    return sine[0], cosine[0]


@given(st.integers(0, 2**32 - 1))
def test_sine_and_cosine_of_any_phase(phase):
    angle = 2 * np.pi * phase / 2**32
    assert sincos(phase) == pytest.approx((np.sin(angle), np.cos(angle)), abs=1.2e-7)


def test_twiddles_of_the_largest_transform_are_within_a_unit_in_the_last_place():
    k = np.arange(16384)
    got = np.array([sincos(int(i) << 18) for i in k])
    angle = 2 * np.pi * k / 16384
    # 2^-24 is half a unit just below 1; the polynomials add as much again.
    assert np.max(np.abs(got - np.stack([np.sin(angle), np.cos(angle)], 1))) <= 2 * 2.0**-24


def test_quarter_turns_are_exact():
    quarters = [sincos(q << 30) for q in range(4)]
    assert quarters == [(0, 1), (1, 0), (0, -1), (-1, 0)]


@given(st.floats(2.0**-126, 2.0**127, width=32))
def test_log2_of_any_normal_number(x):
    wanted = np.log2(x)
    assert dsp._lib.dsp_log2(x) == pytest.approx(wanted, rel=2.0**-24, abs=1.2e-7)


@given(st.integers(-126, 127))
def test_log2_of_a_power_of_two_is_exact(exponent):
    assert dsp._lib.dsp_log2(2.0**exponent) == exponent
