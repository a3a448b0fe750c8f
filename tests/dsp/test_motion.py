"""Velocity and displacement of analytic sines: as they stream, and displacement by spectrum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import DECIMATED_HZ, RATE_HZ, SCALE

PEAK = 2e5  # LSB / 256: 780 LSB
ACCELERATION = PEAK / 256 * SCALE


def record(f_hz: float, seconds: float = 4.0, offset: int = 524_544) -> np.ndarray:
    t = np.arange(round(seconds * DECIMATED_HZ)) / DECIMATED_HZ
    return np.round(PEAK * np.sin(2 * np.pi * f_hz * t) + offset).astype(np.int32)


def velocity_mm_s(f_hz: float) -> float:
    return 1e3 * ACCELERATION / (2 * np.pi * f_hz)


def displacement_um(f_hz: float) -> float:
    return 1e6 * ACCELERATION / (2 * np.pi * f_hz) ** 2


def figures(rec: np.ndarray, f_lo_hz: float = 10.0) -> dsp.MotionFigures:
    motion = dsp.Motion(DECIMATED_HZ, SCALE, f_lo_hz)
    motion.feed(rec)
    return motion.read()


@pytest.mark.parametrize("f_hz", [10, 11, 16, 25, 50, 99.7, 160, 320, 640, 900, 1000])
def test_streamed_velocity_is_within_half_a_percent_from_10_to_1000_hz(f_hz):
    got = figures(record(f_hz))
    # A part of a period at the end weighs at most 1/(4 pi f T) with T = 3 s: 0.27 % at 10 Hz in
    # power, half of that in RMS; the rest is the filter.
    ends = 0.5 / (4 * np.pi * f_hz * 3)
    assert got.velocity_rms == pytest.approx(velocity_mm_s(f_hz) / 2**0.5, rel=0.0035 + ends)
    assert 0.0035 + 0.5 / (4 * np.pi * 10 * 3) <= 0.005


@pytest.mark.parametrize("f_hz", [10, 20, 50, 100, 333])
def test_streamed_displacement_is_within_half_a_percent_to_a_tenth_of_the_rate(f_hz):
    got = figures(record(f_hz))
    assert got.displacement_rms == pytest.approx(displacement_um(f_hz) / 2**0.5, rel=0.005)
    # A peak falls between samples by up to half of one: 1 - cos(pi f / rate) of it is missed.
    missed = 1 - np.cos(np.pi * f_hz / DECIMATED_HZ)
    got_peak = got.displacement_peak_to_peak / (2 * displacement_um(f_hz))
    assert 1 - 0.005 - missed <= got_peak <= 1.005


def test_the_filter_reaches_down_to_2_hz_when_told_to():
    got = figures(record(2.0, seconds=16.0), f_lo_hz=2.0)
    # Ends: 1/(8 pi f T), T = 11 s.
    assert got.velocity_rms == pytest.approx(velocity_mm_s(2.0) / 2**0.5, rel=0.0035 + 0.002)


@pytest.mark.parametrize(
    ("f_hz", "at_most"), [(2.5, 10 ** (-24 / 20) * 1.05), (1.25, 10 ** (-48 / 20) * 1.05)]
)
def test_below_its_band_velocity_falls_by_24_db_an_octave(f_hz, at_most):
    got = figures(record(f_hz, seconds=20.0))
    assert got.velocity_rms <= at_most * velocity_mm_s(f_hz) / 2**0.5


@pytest.mark.parametrize("f_hz", [1340, 1500, 1600])
def test_above_0_4_of_the_rate_nothing_is_read(f_hz):
    # -34 dB of the equaliser, of an integrator that reads x / tan x, below 1.
    assert figures(record(f_hz)).velocity_rms <= 0.02 * velocity_mm_s(f_hz) / 2**0.5


def test_velocity_of_a_mixture_in_time_is_the_integral():
    t = np.arange(20000) / DECIMATED_HZ
    tones = [(23.0, 1.0, 0.2), (177.0, 4.0, 1.0), (800.0, 9.0, 2.0)]
    a = np.sum([w * np.sin(2 * np.pi * f * t + p) for f, w, p in tones], axis=0)
    speed, _ = dsp.Motion(DECIMATED_HZ, SCALE).feed(np.round(a * 1e5).astype(np.int32))
    # The equaliser is 17 samples late; the high-pass turns the phase of f by 2.61 * 5 Hz / f, which
    # for 23 Hz is 0.6 rad: only that tone may be left when the others are taken away.
    high = [(f, w, p) for f, w, p in tones if f > 100]
    parts = [-w / (2 * np.pi * f) * np.cos(2 * np.pi * f * t + p) for f, w, p in high]
    wanted = np.sum(parts, axis=0)
    low = 1 / (2 * np.pi * 23.0)
    late = speed[10000 + 17 :] / (1e5 / 256 * SCALE * 1e3)
    rest = late - wanted[10000 : 10000 + len(late)]
    # Of the high tones only their own turn by the high-pass is left: 2.61 * 5 / 177 rad of one.
    left = 2.61 * 5 / 177 * 4 / (2 * np.pi * 177) + 2.61 * 5 / 800 * 9 / (2 * np.pi * 800)
    assert np.abs(rest).max() == pytest.approx(low, abs=left * 1.1)


@given(st.lists(st.integers(0, 900), max_size=8))
def test_the_cut_of_the_stream_changes_no_bit(cuts):
    rec = record(77.0, seconds=2.0)
    whole, pieces, at = dsp.Motion(DECIMATED_HZ, SCALE), dsp.Motion(DECIMATED_HZ, SCALE), 0
    wanted = whole.feed(rec)
    got = []
    for cut in [*cuts, len(rec)]:
        got.append(pieces.feed(rec[at : at + cut]))
        at = min(at + cut, len(rec))
    assert np.array_equal(np.concatenate([v for v, _ in got]), wanted[0])
    assert np.array_equal(np.concatenate([d for _, d in got]), wanted[1])
    assert whole.read() == pieces.read()


def test_gravity_and_its_slow_drift_are_no_motion():
    assert figures(np.full(8000, 524_544, np.int32)).velocity_rms == 0
    ramp = (524_544 + np.arange(20000)).astype(np.int32)  # 80 LSB over 6 s
    assert figures(ramp).velocity_rms < 1e-3


def test_reading_begins_anew():
    motion = dsp.Motion(DECIMATED_HZ, SCALE)
    rec = record(100.0)
    motion.feed(rec)
    loud = motion.read()
    motion.feed((rec[0] + (rec - rec[0]) // 10).astype(np.int32))
    motion.read()
    motion.feed((rec[0] + (rec - rec[0]) // 10).astype(np.int32))
    assert motion.read().velocity_rms == pytest.approx(loud.velocity_rms / 10, rel=0.01)
    with pytest.raises(dsp.DspError):
        motion.read()


@pytest.mark.parametrize("f_bins", [10, 25, 100])
def test_displacement_by_spectrum_reads_high_by_what_the_manual_says(f_bins):
    n = 4096
    f_hz = f_bins * DECIMATED_HZ / n
    got = dsp.displacement(
        record(f_hz, seconds=n / DECIMATED_HZ)[:n], SCALE, DECIMATED_HZ, 2.0, 1500.0
    )
    bias = got / (displacement_um(f_hz) / 2**0.5) - 1
    assert bias == pytest.approx(1.5 / f_bins**2, rel=0.2, abs=3e-5)


def test_displacement_by_spectrum_equals_its_definition():
    rng = np.random.default_rng(3)
    rec = np.round(rng.standard_normal(2048) * 5e4 + 5e5).astype(np.int32)
    a = rec / 256 * SCALE
    w = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    amp = np.abs(np.fft.rfft((a - a.mean()) * w)) * 2 / w.sum()
    f_hz = np.arange(1025) * DECIMATED_HZ / 2048
    inside = (f_hz >= 10) & (f_hz <= 1000)
    travel = amp[inside] / (2 * np.pi * f_hz[inside]) ** 2
    wanted = 1e6 * np.sqrt(np.sum(travel**2) / 2 / 1.5)
    assert dsp.displacement(rec, SCALE, DECIMATED_HZ) == pytest.approx(wanted, rel=2e-5)


def test_refusals_write_nothing():
    ffi, lib = dsp._ffi, dsp._lib
    state = ffi.new("dsp_motion *")
    nan = float("nan")
    for rate_hz, f_lo_hz, scale in (
        *((0.0, 10.0, 1.0), (3333.0, 0.0, 1.0), (3333.0, 10.0, 0.0), (nan, 10.0, 1.0)),
        *((3333.0, 200.0, 1.0), (3333.0, 0.1, 1.0), (3333.0, 10.0, nan)),
    ):
        assert lib.dsp_motion_init(rate_hz, f_lo_hz, scale, state) == lib.DSP_ERR_VALUE
    rec, out = ffi.new("int32_t[256]"), ffi.new("float[256]", [5.0] * 256)
    also = ffi.new("float[256]", [5.0] * 256)
    assert lib.dsp_motion_feed(state, rec, 5, out, also) == lib.DSP_ERR_VALUE  # never initialised
    assert lib.dsp_motion_init(RATE_HZ / 8, 10.0, 1.0, state) == lib.DSP_OK
    assert lib.dsp_motion_feed(state, rec, -1, out, also) == lib.DSP_ERR_SIZE
    read = ffi.new("dsp_motion_set *", {"count": 5})
    assert lib.dsp_motion_read(state, read) == lib.DSP_ERR_SIZE
    state.at = 35
    assert lib.dsp_motion_feed(state, rec, 5, out, also) == lib.DSP_ERR_VALUE
    assert set(out) == {5.0} and read.count == 5
    state.at = 0
    assert lib.dsp_motion_feed(state, rec, 256, ffi.NULL, ffi.NULL) == lib.DSP_OK

    um, work = ffi.new("float *", 5.0), ffi.new("float[256]")
    kept = dsp._plan(256)  # the plan lives as long as this
    plan, fake = kept[0], ffi.cast("dsp_plan *", ffi.new("float[64]"))

    def displace(plan=plan, scale=1.0, rate_hz=2560.0, lo=20.0, hi=500.0):
        return lib.dsp_displacement(plan, rec, scale, rate_hz, lo, hi, work, um)

    assert displace(plan=fake) == lib.DSP_ERR_PLAN
    bad = [displace(scale=0.0), displace(rate_hz=nan), displace(lo=0.0), displace(hi=10.0)]
    assert [*bad, displace(hi=1281.0)] == [lib.DSP_ERR_VALUE] * 5
    assert displace(lo=11.0, hi=19.0) == lib.DSP_ERR_BAND
    assert um[0] == 5.0
