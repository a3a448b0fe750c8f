"""Decimation by 8: exact integers, any cutting, and the response that dsp.h promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import ONE_G_LSB, RATE_HZ, noise

UNIT = 2**dsp.DECIMATE_FRACTION_BITS


def taps() -> np.ndarray:
    """Impulse response, from impulses at all eight phases.

    The taps are whole multiples of 2^-17; an impulse of 2^14 turns them into whole outputs of
    2^14 * 2^8 * 2^-17 = 32 per unit, so nothing is rounded away.
    """
    h = np.zeros(dsp.DECIMATE_TAPS + 8)
    for phase in range(8):
        x = np.zeros(8 * 20, np.int16)
        x[8 + phase] = 2**14
        y = dsp.Decimator().feed(x)[1:]
        lags = 7 + 8 * np.arange(len(y)) - phase
        h[lags[lags < len(h)]] = y[lags < len(h)] / (2**14 * UNIT)
    assert not h[dsp.DECIMATE_TAPS :].any()
    return h[: dsp.DECIMATE_TAPS]


def test_taps_are_symmetric_and_pass_a_constant_unchanged():
    h = taps()
    assert np.array_equal(h, h[::-1])
    assert h.sum() == 1.0


def test_response_is_flat_below_1000_hz_and_80_db_down_where_it_would_alias():
    h = taps()
    f_hz = np.fft.rfftfreq(1 << 16, 1 / RATE_HZ)
    gain = np.abs(np.fft.rfft(h, 1 << 16))
    assert np.max(np.abs(gain[f_hz <= 1000] - 1)) <= 1e-4
    assert np.max(gain[f_hz >= RATE_HZ / 8 - 1000]) <= 1e-4  # 80 dB


def test_outputs_are_the_exact_rounded_convolution():
    x = noise(4000, seed=3, sigma_lsb=9000)
    whole_taps = np.round(taps() * 2**17).astype(np.int64)
    past = np.full(dsp.DECIMATE_TAPS - 1, x[0])
    sums = np.convolve(np.concatenate([past, x]).astype(np.int64), whole_taps, "valid")[7::8]
    wanted = (sums + 2**8) >> 9  # 2^-17 to 2^-8, half up
    assert np.array_equal(dsp.Decimator().feed(x), wanted)


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(0, 2**32 - 1))
def test_any_cutting_gives_the_same_outputs(cuts, seed):
    x = noise(1500, seed)
    whole = dsp.Decimator().feed(x)
    stream = dsp.Decimator()
    edges = [0, *np.minimum(np.cumsum(cuts, dtype=int), len(x)), len(x)]
    parts = [stream.feed(x[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert len(whole) == len(x) // dsp.DECIMATE_FACTOR


@pytest.mark.parametrize("value", [0, ONE_G_LSB, -32768, 32767])
def test_gravity_is_no_step_and_comes_out_exactly(value):
    assert (dsp.Decimator().feed(np.full(800, value, np.int16)) == value * UNIT).all()


def test_worst_case_input_does_not_overflow():
    # Signs of the taps at full scale: the largest output there is, sum|h| = 1.6 of full scale.
    h = taps()
    x = np.where(h[::-1] < 0, -32768, 32767).astype(np.int16)
    x = np.concatenate([np.zeros(-len(h) % 8, np.int16), x])
    wanted = float(np.dot(h[::-1], x[-len(h) :].astype(float))) * UNIT
    assert dsp.Decimator().feed(x)[-1] == pytest.approx(wanted, abs=0.5)
    assert wanted > 32767 * UNIT


def test_outputs_after_settling_do_not_remember_the_start():
    x = noise(2000, seed=8)
    other = x.copy()
    other[:8] += 5000
    late = slice(dsp.DECIMATE_SETTLE + 1, None)
    assert np.array_equal(dsp.Decimator().feed(x)[late], dsp.Decimator().feed(other)[late])
    assert not np.array_equal(dsp.Decimator().feed(x), dsp.Decimator().feed(other))


def test_reset_forgets():
    x = noise(1000, seed=9)
    stream = dsp.Decimator()
    stream.feed(noise(777, seed=10))
    stream.reset()
    assert np.array_equal(stream.feed(x), dsp.Decimator().feed(x))


def test_a_tone_in_the_band_keeps_its_amplitude_and_delay():
    f_hz, peak = 640.0, 12_000
    t = np.arange(16_000) / RATE_HZ
    x = np.round(peak * np.sin(2 * np.pi * f_hz * t)).astype(np.int16)
    y = dsp.Decimator().feed(x)[dsp.DECIMATE_SETTLE :] / UNIT
    delay = (dsp.DECIMATE_TAPS - 1) / 2
    at = (8 * np.arange(dsp.DECIMATE_SETTLE, dsp.DECIMATE_SETTLE + len(y)) + 7 - delay) / RATE_HZ
    # 1e-4 of ripple, half an LSB of rounding in (largest tap sums average it down), output rounding
    assert np.max(np.abs(y - peak * np.sin(2 * np.pi * f_hz * at))) < 1e-4 * peak + 0.5 * 1.7
