"""Packing for the wire, against NumPy's half floats and against decibels in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from resonode import dsp

FLOATS = hnp.arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32))


@given(FLOATS)
def test_half_floats_are_numpys_with_overflow_clamped(values):
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = values.astype(np.float16)
    wanted = np.where(np.isinf(wanted), np.copysign(np.float16(65504), wanted), wanted)
    got = dsp.pack_f16(values)
    assert got.dtype == np.float16
    assert np.array_equal(np.isnan(got), np.isnan(values))
    real = ~np.isnan(values)
    assert np.array_equal(got[real].view(np.uint16), wanted[real].view(np.uint16))


def test_every_half_float_and_every_tie_between_them_rounds_to_even():
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    exact = halves.astype(np.float32)
    assert np.array_equal(dsp.pack_f16(exact), halves)
    ties = (exact[:-1] + exact[1:]) * np.float32(0.5)
    assert np.array_equal(dsp.pack_f16(ties), ties.astype(np.float16))
    assert np.array_equal(dsp.unpack_f16(halves.tobytes()), exact)


@given(
    hnp.arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 2.0**60, width=32)),
    st.floats(0.05, 1.0),
)
def test_levels_are_within_half_a_step(values, step_db):
    codes, floor_db = dsp.pack_db8(values, step_db)
    got = dsp.unpack_db8(codes.tobytes(), floor_db, step_db)
    step_db = float(np.float32(step_db))
    usable = values >= np.finfo(np.float32).tiny
    with np.errstate(divide="ignore"):
        level_db = np.where(usable, 20 * np.log10(values.astype(float)), -np.inf)
    sent = codes > 0
    # Half a step, and float32 in levels of up to 800 dB: 4 roundings of 6e-8.
    slack_db = 0.5 * step_db + 800 * 4 * 6e-8
    assert np.all(np.abs(20 * np.log10(got[sent].astype(float)) - level_db[sent]) <= slack_db)
    assert np.all(level_db[~sent] <= floor_db - 0.5 * step_db + 800 * 4 * 6e-8)
    assert np.all(got[~sent] == 0)
    if usable.any():
        assert codes[np.argmax(values)] == 255


def test_nothing_positive_is_all_zero():
    values = np.array([0, -1, -np.inf, np.nan, 1e-40], np.float32)
    codes, floor_db = dsp.pack_db8(values, 0.5)
    assert not codes.any() and floor_db == 0


def test_negative_and_undefined_values_do_not_disturb_the_rest():
    codes, floor_db = dsp.pack_db8(np.array([1, -5, np.nan, 0.1], np.float32), 0.5)
    assert codes.tolist() == [255, 0, 0, 215]  # 20 dB down is 40 steps
    assert floor_db == pytest.approx(-127, abs=1e-5)


@pytest.mark.parametrize("step_db", [0.0, -0.5, float("nan"), float("inf")])
def test_a_step_must_be_positive_and_finite(step_db):
    with pytest.raises(dsp.DspError, match="number out of range"):
        dsp.pack_db8(np.ones(3, np.float32), step_db)
