"""The streaming envelope means what dsp_envelope means, in less memory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io, signal

from resonode import dsp
from tests.dsp.reference import ONE_G_LSB, RATE_HZ, SCALE, noise

POINTS, F_MAX = 1024, 500.0
SHAFT_HZ = 1797 / 60  # CWRU's name plate; its records differ from it by less than 0.2 %
BPFO, BPFI, BSF2 = 3.5848, 5.4152, 4.7135  # SKF 6205


def stream(**changes: float) -> dsp.EnvelopeStream:
    setup: dict[str, Any] = {
        "rate_hz": RATE_HZ,
        "f_lo_hz": 2000.0,
        "f_hi_hz": 4000.0,
        "f_max_hz": F_MAX,
    }
    return dsp.EnvelopeStream(**{**setup, "points": POINTS, **changes})


def modulated(f_hz: float, depth: float, peak: float, seconds: float, carrier_hz: float = 3000.0):
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    a = (1 + depth * np.cos(2 * np.pi * f_hz * t)) * np.cos(2 * np.pi * carrier_hz * t + 0.4)
    return np.round(peak * a + ONE_G_LSB).astype(np.int16)


@pytest.mark.parametrize("f_hz", [12.0, 107.3, 300.0, 499.0])
@pytest.mark.parametrize("carrier_hz", [2700.0, 3000.0, 3300.0])
def test_a_modulation_reads_its_size_at_its_frequency(f_hz, carrier_hz):
    envelope = stream()
    (amp, *_) = envelope.spectra(modulated(f_hz, 0.2, 8000.0, 1.2, carrier_hz), 1.0)
    line = dsp.peaks(amp, envelope.bin_hz, room=1)[0]
    assert line.freq_hz == pytest.approx(f_hz, abs=0.02 * envelope.bin_hz)
    # (1 + m cos)²: a line of 2 m A² at the modulation, if both sidebands lie in the middle half;
    # beyond, one of them lies on the skirt (half of it at the band's limit, 1000 Hz away).
    whole = 2 * 0.2 * 8000.0**2
    if abs(carrier_hz - 3000.0) + f_hz <= 500:
        assert line.amp == pytest.approx(whole, rel=0.01)
    else:
        assert 0.75 * whole < line.amp < 1.01 * whole


def test_it_agrees_with_the_envelope_of_a_long_block():
    x = modulated(90.0, 0.5, 3000.0, 1.3) + noise(round(1.3 * RATE_HZ), 1, offset_lsb=0)
    n = 32768 // 2
    block = dsp.envelope(x[:n], 1.0, round(2000 * n / RATE_HZ), round(4000 * n / RATE_HZ))
    envelope = stream()
    (amp, *_) = envelope.spectra(x, 1.0)
    lines = [
        dsp.line_score(a, bin_hz, 90.0, harmonics=2)
        for a, bin_hz in ((block, RATE_HZ / n), (amp, envelope.bin_hz))
    ]
    assert lines[1].amp == pytest.approx(lines[0].amp, rel=0.02)
    assert lines[1].freq_hz == pytest.approx(lines[0].freq_hz, abs=0.05)


def test_bins_are_two_hertz_or_finer_in_eight_kilobytes():
    envelope = stream()
    assert envelope.bin_hz <= 2.0
    assert envelope.memory_bytes <= 8192


@given(cuts=st.lists(st.integers(0, 9000), max_size=12), seed=st.integers(0, 2**32 - 1))
def test_the_cut_of_the_stream_changes_no_bit(cuts, seed):
    x = noise(20000, seed)
    whole, pieces, at = stream(points=256), stream(points=256), 0
    wanted = whole.spectra(x, SCALE)
    got = []
    for cut in [*cuts, len(x)]:
        got += pieces.spectra(x[at : at + cut], SCALE)
        at = min(at + cut, len(x))
    assert len(wanted) >= 2 and np.array_equal(wanted, got)


def test_gravity_is_no_envelope_and_a_start_no_click():
    x = np.full(40000, ONE_G_LSB, np.int16)
    assert max(a.max() for a in stream().spectra(x, 1.0)) < 1e-3
    loud = modulated(50.0, 0.3, 9000.0, 1.5)
    envelope = stream()
    first, *_ = envelope.spectra(loud, 1.0)
    envelope.reset()
    again, *_ = envelope.spectra(loud, 1.0)
    assert np.array_equal(first, again)
    # What the filters need to settle is left out: away from the lines (12 bins: Hann's lobes have
    # fallen by 75 dB there) nothing stands out.
    near = [round(f_hz / envelope.bin_hz) + k for f_hz in (0, 50, 100) for k in range(-12, 13)]
    quiet = np.delete(first, [k for k in near if k >= 0])
    assert quiet.max() < 2e-4 * first.max()


def test_a_spectrum_is_made_of_the_last_span_of_samples_and_no_other():
    x = noise(60000, 3)
    envelope = stream(points=256)
    used = envelope.feed(x)
    wanted = envelope.spectrum(SCALE)
    first = used - envelope.span
    assert first > 0
    for at, is_inside in ((first - 1, False), (first, True), (used - 1, True), (used, False)):
        changed = x.copy()
        changed[at] += 20000
        again = stream(points=256)
        assert again.feed(changed) == used
        assert np.array_equal(again.spectrum(SCALE), wanted) != is_inside, at


@pytest.mark.parametrize(
    "changes",
    [
        {"f_hi_hz": 13000.0, "f_max_hz": 11000.0},  # no room for the squares beside the band
        {"f_lo_hz": 4000.0, "f_hi_hz": 4000.0},
        {"f_hi_hz": 13400.0},
        {"f_lo_hz": 3000.0, "f_hi_hz": 3050.0},  # more taps than allowed
        {"f_max_hz": 3000.0},
        {"f_max_hz": 0.0},
        {"f_max_hz": float("nan")},
        {"f_max_hz": 5.0},  # more than 64 times slower
        {"points": 1000},
        {"rate_hz": float("inf")},
    ],
)
def test_set_ups_that_cannot_be_are_refused(changes):
    with pytest.raises(dsp.DspError):
        stream(**changes)


def full_scale_sum(setup: tuple) -> int:
    """Largest sum of magnitudes of a filter's taps, real or imaginary."""
    ffi, lib = dsp._ffi, dsp._lib
    c_setup = ffi.new("dsp_envelope_setup *", setup)
    n_bytes = lib.dsp_envelope_stream_bytes(c_setup)
    memory, state = ffi.new("float[]", n_bytes // 4 + 1), ffi.new("dsp_envelope_stream **")
    assert lib.dsp_envelope_stream_init(c_setup, memory, n_bytes, state) == lib.DSP_OK
    header = ffi.cast("int32_t *", memory)
    points, low_pass, taps = header[1], header[5], header[10]
    data = ffi.cast("char *", memory) + 52 + 4 * (points + 3 * low_pass)
    values = np.frombuffer(ffi.buffer(data, 4 * taps), np.int16).astype(int)
    real, imaginary = values[:taps], values[taps:]
    assert np.array_equal(real, real[::-1]) and np.array_equal(imaginary, -imaginary[::-1])
    return max(int(np.abs(part).sum()) for part in (real, imaginary))


@given(st.data())
def test_no_sample_can_overflow_the_sums(data):
    rate_hz = data.draw(st.floats(1000, 30000))
    width = data.draw(st.floats(rate_hz / 300, rate_hz / 2.2))
    f_lo_hz = data.draw(st.floats(1.0, rate_hz / 2 - width - 1))
    f_max_hz = min(width / 4, rate_hz / 8)
    setup = (rate_hz, f_lo_hz, f_lo_hz + width, f_max_hz, 256)
    # 32768 times it must stay below 2^31.
    assert full_scale_sum(setup) < 65536


RECORDINGS = {
    "130_OR007@6_0": ("X130_DE_time", 12000, BPFO),
    "105_IR007_0": ("X105_DE_time", 12000, BPFI),
    "118_B007_0": ("X118_DE_time", 12000, BSF2),
    "3005_B028_0": ("X048_DE_time", 12000, BSF2),  # so it is named in the file
    "97_Normal_0": ("X097_DE_time", 48000, None),
}


def samples(folder, name: str) -> np.ndarray:
    """Of a recording in g, at 12 kHz, as a sensor of +-16 g would give it."""
    key, rate_hz, _ = RECORDINGS[name]
    g = io.loadmat(folder / "cwru" / f"{name}.mat")[key][:, 0]
    if rate_hz == 48000:
        g = signal.decimate(g, 4, ftype="fir")
    return np.clip(np.round(g / 0.488e-3), -32768, 32767).astype(np.int16)


def both_ways(x: np.ndarray, lo_hz: float = 2000.0, hi_hz: float = 4000.0):
    """(mean spectrum, bin_hz) by long blocks and by streaming, of like resolution."""
    n, rate_hz = 16384, 12000.0
    k_lo, k_hi = round(lo_hz * n / rate_hz), round(hi_hz * n / rate_hz)
    blocks = [dsp.envelope(x[at : at + n], SCALE, k_lo, k_hi) for at in range(0, len(x) - n + 1, n)]
    envelope = dsp.EnvelopeStream(rate_hz, lo_hz, hi_hz, f_max_hz=500.0, points=2048)
    streamed = envelope.spectra(x, SCALE)
    for found, bin_hz in ((blocks, rate_hz / n), (streamed, envelope.bin_hz)):
        mean = np.sqrt(np.mean(np.square(found), axis=0)).astype(np.float32)
        yield mean[: int(500 / bin_hz)], bin_hz


@pytest.mark.parametrize("name", ["130_OR007@6_0", "105_IR007_0"])
def test_both_envelopes_find_the_same_fault_in_a_recording(shared_data, name):
    order = RECORDINGS[name][2]
    scores = [
        dsp.line_score(amp, bin_hz, order * SHAFT_HZ, side_hz=SHAFT_HZ)
        for amp, bin_hz in both_ways(samples(shared_data, name))
    ]
    for score in scores:
        assert score.freq_hz == pytest.approx(order * SHAFT_HZ, rel=0.005)
        assert score.ratio > 40
    # Same line, read through filters of another shape: measured 2 and 3 % apart.
    assert scores[1].amp == pytest.approx(scores[0].amp, rel=0.06)
    assert scores[1].freq_hz == pytest.approx(scores[0].freq_hz, abs=0.05)
    # The background is a median of what 80 bins of noise give: measured 47 % and 6 % apart.
    assert 0.5 < scores[1].ratio / scores[0].ratio < 2


def test_neither_envelope_finds_a_fault_in_the_healthy_recording(shared_data):
    for amp, bin_hz in both_ways(samples(shared_data, "97_Normal_0")):
        for order in (BPFO, BPFI):
            assert dsp.line_score(amp, bin_hz, order * SHAFT_HZ).ratio < 3.6


def test_memory_that_is_none_of_its_own_is_refused_and_outputs_stay():
    ffi, lib = dsp._ffi, dsp._lib
    setup = ffi.new("dsp_envelope_setup *", (RATE_HZ, 2000.0, 4000.0, 500.0, 256))
    n_bytes = lib.dsp_envelope_stream_bytes(setup)
    memory, state = ffi.new("float[]", n_bytes // 4 + 1), ffi.new("dsp_envelope_stream **")
    odd = ffi.cast("char *", memory) + 2
    assert lib.dsp_envelope_stream_init(setup, memory, n_bytes - 1, state) == lib.DSP_ERR_SPACE
    assert lib.dsp_envelope_stream_init(setup, odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_envelope_stream_open(odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_envelope_stream_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN
    assert state[0] == ffi.NULL
    assert lib.dsp_envelope_stream_init(setup, memory, n_bytes, state) == lib.DSP_OK
    made, used = state[0], ffi.new("int32_t *", 5)
    x = ffi.new("int16_t[8000]", [1, 2, 3, 4] * 2000)
    work, amp = ffi.new("float[256]"), ffi.new("float[256]", [5.0] * 256)
    plan = dsp._plan(256)[0]

    def spectrum(plan=plan, scale=1.0, bins=100):
        return lib.dsp_envelope_stream_spectrum(made, plan, scale, bins, work, amp)

    assert lib.dsp_envelope_stream_feed(made, x, -1, used) == lib.DSP_ERR_SIZE and used[0] == 5
    assert spectrum() == lib.DSP_ERR_SIZE  # the record is not full
    assert lib.dsp_envelope_stream_feed(made, x, 8000, used) == lib.DSP_OK and used[0] < 8000
    assert lib.dsp_envelope_stream_missing(made) == 0
    assert lib.dsp_envelope_stream_feed(made, x, 8000, used) == lib.DSP_OK and used[0] == 0
    assert spectrum(plan=ffi.cast("dsp_plan *", ffi.new("float[9]"))) == lib.DSP_ERR_PLAN
    assert spectrum(plan=dsp._plan(512)[0]) == lib.DSP_ERR_SIZE
    assert [spectrum(bins=0), spectrum(bins=129)] == [lib.DSP_ERR_BAND] * 2
    assert [spectrum(scale=0.0), spectrum(scale=float("nan"))] == [lib.DSP_ERR_VALUE] * 2
    assert set(amp) == {5.0}
    assert spectrum() == lib.DSP_OK
    assert lib.dsp_envelope_stream_open(memory, n_bytes - 1, state) == lib.DSP_ERR_PLAN
    words = ffi.cast("int32_t *", memory)
    for field in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11):  # all but the two rates
        before = words[field]
        words[field] = 0x7FFFFFFF
        assert lib.dsp_envelope_stream_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN, field
        words[field] = before
    assert lib.dsp_envelope_stream_open(memory, n_bytes, state) == lib.DSP_OK
