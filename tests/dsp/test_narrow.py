"""Zoom, Goertzel bank, half-band chain: against float64 on the whole signal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import ONE_G_LSB, RATE_HZ, SCALE, noise


def tones(n: int, parts: dict[float, float], offset: float = ONE_G_LSB) -> np.ndarray:
    t = np.arange(n) / RATE_HZ
    x = np.sum([a * np.cos(2 * np.pi * f * t + 0.7) for f, a in parts.items()], axis=0)
    return np.round(x + offset).astype(np.int16)


# ---- zoom -------------------------------------------------------------------


@pytest.mark.parametrize("f_hz", [1005.3, 1100.0, 1250.7, 1494.5])
def test_zoom_reads_a_tone_anywhere_in_its_band(f_hz):
    zoom = dsp.Zoom(RATE_HZ, 1000.0, 1500.0, points=512)
    assert zoom.bin_hz < 4 and zoom.first_hz >= 1000
    last_hz = zoom.first_hz + (zoom.bins - 1) * zoom.bin_hz
    assert last_hz <= 1500 < last_hz + zoom.bin_hz * 1.001
    assert zoom.feed(tones(20000, {f_hz: 5000.0})) < 20000 and zoom.missing == 0
    amp = zoom.spectrum(SCALE)
    k = (f_hz - zoom.first_hz) / zoom.bin_hz
    assert abs(np.argmax(amp) - k) <= 0.51
    # Hann between bins: at most 15 % low; the filter: 0.5 %.
    assert 0.84 * 5000 * SCALE < amp.max() < 1.005 * 5000 * SCALE


def test_zoom_on_a_bin_reads_the_amplitude():
    zoom = dsp.Zoom(RATE_HZ, 900.0, 1700.0, points=512)
    for k in (3, zoom.bins // 2, zoom.bins - 4):
        zoom.reset()
        zoom.feed(tones(30000, {zoom.first_hz + k * zoom.bin_hz: 5000.0}))
        amp = zoom.spectrum(1.0)
        assert np.argmax(amp) == k and amp[k] == pytest.approx(5000, rel=0.005)


def test_zoom_parts_lines_that_a_block_cannot():
    x = tones(80000, {1234.0: 1000.0, 1238.0: 700.0, 5000.0: 9000.0})
    zoom = dsp.Zoom(RATE_HZ, 1150.0, 1350.0, points=1024)
    zoom.feed(x)
    lines = dsp.peaks(zoom.spectrum(1.0), zoom.bin_hz, room=2)
    assert [zoom.first_hz + line.freq_hz for line in lines] == pytest.approx([1234, 1238], abs=0.05)
    assert [line.amp for line in lines] == pytest.approx([1000, 700], rel=0.01)


def test_what_lies_outside_the_zoomed_band_stays_out():
    zoom = dsp.Zoom(RATE_HZ, 1000.0, 1500.0, points=256)
    for f_hz in (300.0, 2000.0, 5000.0, 13000.0):
        zoom.reset()
        zoom.feed(tones(20000, {f_hz: 9000.0}))
        # 54 dB of the filter and its rounded taps; gravity is a tone at 0 Hz like the others.
        assert zoom.spectrum(1.0).max() < 9000 * 2.5e-3


@given(st.lists(st.integers(0, 3000), max_size=8))
def test_zoom_is_the_same_however_the_stream_is_cut(cuts):
    x = noise(12000, 4)
    spectra = []
    for pieces in ([], cuts):
        zoom, at = dsp.Zoom(RATE_HZ, 2000.0, 4000.0, points=256), 0
        for cut in [*pieces, len(x)]:
            zoom.feed(x[at : at + cut])
            at = min(at + cut, len(x))
        spectra.append(zoom.spectrum(1.0))
    assert np.array_equal(spectra[0], spectra[1])


@pytest.mark.parametrize(
    ("lo_hz", "hi_hz", "points"),
    [(10, 500, 256), (1000, 1000, 256), (1000, 1050, 256), (9000, 13000, 256), (1e3, 2e3, 250)],
)
def test_zooms_that_cannot_be_are_refused(lo_hz, hi_hz, points):
    with pytest.raises(dsp.DspError):
        dsp.Zoom(RATE_HZ, lo_hz, hi_hz, points=points)


def test_zoom_refuses_what_is_not_its_own():
    ffi, lib = dsp._ffi, dsp._lib
    setup = ffi.new("dsp_zoom_setup *", (RATE_HZ, 1000.0, 2000.0, 256))
    n_bytes = lib.dsp_zoom_bytes(setup)
    memory, state = ffi.new("float[]", n_bytes // 4 + 1), ffi.new("dsp_zoom **")
    odd = ffi.cast("char *", memory) + 2
    assert lib.dsp_zoom_init(setup, memory, n_bytes - 1, state) == lib.DSP_ERR_SPACE
    assert lib.dsp_zoom_init(setup, odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_zoom_open(odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_zoom_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN
    assert lib.dsp_zoom_init(setup, memory, n_bytes, state) == lib.DSP_OK
    made, used = state[0], ffi.new("int32_t *", 5)
    x, work, amp = ffi.new("int16_t[9000]"), ffi.new("float[512]"), ffi.new("float[256]")
    amp[0] = 5.0
    kept, other = dsp._plan(256), dsp._plan(512)  # plans live as long as these
    plan = kept[0]
    assert lib.dsp_zoom_feed(made, x, -1, used) == lib.DSP_ERR_SIZE and used[0] == 5
    assert lib.dsp_zoom_spectrum(made, plan, 1.0, work, amp) == lib.DSP_ERR_SIZE
    assert lib.dsp_zoom_feed(made, x, 9000, used) == lib.DSP_OK and used[0] < 9000
    fake = ffi.cast("dsp_plan *", ffi.new("float[9]"))
    assert lib.dsp_zoom_spectrum(made, fake, 1.0, work, amp) == lib.DSP_ERR_PLAN
    assert lib.dsp_zoom_spectrum(made, other[0], 1.0, work, amp) == lib.DSP_ERR_SIZE
    assert lib.dsp_zoom_spectrum(made, plan, 0.0, work, amp) == lib.DSP_ERR_VALUE
    assert amp[0] == 5.0
    assert lib.dsp_zoom_open(memory, n_bytes - 1, state) == lib.DSP_ERR_PLAN
    words = ffi.cast("int32_t *", memory)
    for field in (0, 1, 2, 3, 5, 7, 8, 9):  # all but first and the rates
        before = words[field]
        words[field] = 0x7FFFFFFF
        assert lib.dsp_zoom_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN, field
        words[field] = before


# ---- Goertzel ---------------------------------------------------------------


def dft(x: np.ndarray, f_hz: float) -> complex:
    turn = np.exp(-2j * np.pi * f_hz / RATE_HZ * np.arange(len(x)))
    return complex(2 / len(x) * np.sum((x - x.mean()) * turn))


@given(st.data())
def test_goertzel_is_the_bin_of_the_whole_record(data):
    n = data.draw(st.integers(1, 5000))
    x = noise(n, data.draw(st.integers(0, 2**32 - 1)))
    freq = data.draw(st.lists(st.floats(0, 0.4999 * RATE_HZ), min_size=1, max_size=5))
    bank, at = dsp.Goertzel(RATE_HZ, freq), 0
    for cut in [*data.draw(st.lists(st.integers(0, 2000), max_size=4)), n]:
        bank.feed(x[at : at + cut])
        at = min(at + cut, n)
    got = bank.read(1.0)
    wanted = np.array([dft(x, f) for f in freq])
    # A float holds a frequency to 24 bits: 3e-8 turns times n samples; then the stated error.
    turned = 2 * np.pi * n * 3e-8 * np.abs(wanted).max()
    stated = 2e-6 * np.abs(x - x.mean()).max()
    assert (np.abs(got - wanted) <= stated + turned).all()


def test_goertzel_gives_amplitude_and_phase_of_lines():
    n = 26667  # whole periods of whole frequencies
    x = tones(n, {120.0: 3000.0, 1000.0: 500.0})
    got = dsp.Goertzel(RATE_HZ, [120.0, 1000.0, 60.0])
    got.feed(x)
    lines = got.read(SCALE)
    assert np.abs(lines[:2]) == pytest.approx([3000 * SCALE, 500 * SCALE], rel=1e-4)
    assert np.angle(lines[:2]) == pytest.approx([0.7, 0.7], abs=1e-3)
    assert abs(lines[2]) < 0.1 * SCALE
    got.feed(x[:1000])
    fresh = dsp.Goertzel(RATE_HZ, [120.0, 1000.0, 60.0])
    fresh.feed(x[:1000])
    assert np.array_equal(got.read(1.0), fresh.read(1.0))


def test_goertzel_refusals_write_nothing():
    ffi, lib = dsp._ffi, dsp._lib
    bins, state = ffi.new("dsp_goertzel_bin[2]"), ffi.new("dsp_goertzel *")
    nan = float("nan")

    def init(rate_hz, freq, count=None):
        return lib.dsp_goertzel_init(
            rate_hz, freq, len(freq) if count is None else count, bins, state
        )

    assert init(1000.0, [1.0], 0) == lib.DSP_ERR_SIZE
    for rate_hz, freq in ((0.0, [1.0]), (1e3, [500.0]), (1e3, [-1.0]), (1e3, [1.0, nan])):
        assert init(rate_hz, freq) == lib.DSP_ERR_VALUE
    x, out = ffi.new("int16_t[9]"), ffi.new("float[4]", [5.0] * 4)
    assert lib.dsp_goertzel_feed(state, bins, x, 9) == lib.DSP_ERR_VALUE
    assert init(1000.0, [1.0, 2.0]) == lib.DSP_OK
    assert lib.dsp_goertzel_feed(state, bins, x, -1) == lib.DSP_ERR_SIZE
    assert lib.dsp_goertzel_feed(state, bins, x, (1 << 24) + 1) == lib.DSP_ERR_SIZE
    assert lib.dsp_goertzel_read(state, bins, 1.0, out) == lib.DSP_ERR_SIZE
    assert lib.dsp_goertzel_feed(state, bins, x, 9) == lib.DSP_OK
    assert lib.dsp_goertzel_read(state, bins, 0.0, out) == lib.DSP_ERR_VALUE
    assert set(out) == {5.0}


# ---- half-band chain --------------------------------------------------------


@pytest.mark.parametrize("stages", range(1, 9))
def test_halfband_passes_its_band_and_stops_what_folds_onto_it(stages):
    rate_hz = RATE_HZ / 2**stages
    n = 600 << stages
    for f_hz in (0.02 * rate_hz, 0.2 * rate_hz, 0.399 * rate_hz):
        out = dsp.HalfBand(stages).feed(tones(n, {f_hz: 20000.0}, 0.0))[200:] / 256
        t = np.arange(len(out))
        basis = np.exp(-2j * np.pi * f_hz / rate_hz * t)
        fit = np.linalg.lstsq(np.c_[basis.real, basis.imag], out, rcond=None)[0]
        # Flat within 1e-4, three stages at most near their edge; rounding to LSB: below 1e-5.
        assert np.hypot(*fit) == pytest.approx(20000, rel=2.5e-4)
    for f_hz in (0.601 * rate_hz, 0.8 * rate_hz, rate_hz, 1.3 * rate_hz):
        if f_hz < RATE_HZ / 2:
            out = dsp.HalfBand(stages).feed(tones(n, {f_hz: 20000.0}, 0.0))[200:] / 256
            # 80 dB: 2.0 in amplitude; samples rounded to LSB add what white noise adds.
            assert np.abs(out).max() < 2.0 * 1.05 + 1.0


@given(st.integers(1, 8), st.lists(st.integers(0, 900), max_size=10), st.integers(0, 2**32 - 1))
def test_halfband_is_the_same_however_the_stream_is_cut(stages, cuts, seed):
    x = noise(4000, seed)
    whole, pieces, at, parts = dsp.HalfBand(stages), dsp.HalfBand(stages), 0, []
    for cut in [*cuts, len(x)]:
        parts.append(pieces.feed(x[at : at + cut]))
        at = min(at + cut, len(x))
    wanted = whole.feed(x)
    assert len(wanted) == len(x) >> stages
    assert np.array_equal(np.concatenate(parts), wanted)


def test_halfband_gain_at_0_hz_is_exactly_one():
    for value in (-32768, -1, 1, 32767):
        out = dsp.HalfBand(3).feed(np.full(400, value, np.int16))
        assert set(out.tolist()) == {value * 256}


def test_halfband_refusals_write_nothing():
    ffi, lib = dsp._ffi, dsp._lib
    assert [lib.dsp_halfband_bytes(n) for n in (-1, 0, 9)] == [0, 0, 0]
    n_bytes = lib.dsp_halfband_bytes(3)
    memory, state = ffi.new("int32_t[]", n_bytes // 4 + 1), ffi.new("dsp_halfband **")
    odd = ffi.cast("char *", memory) + 2
    assert lib.dsp_halfband_init(9, memory, n_bytes, state) == lib.DSP_ERR_SIZE
    assert lib.dsp_halfband_init(3, odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_halfband_init(3, memory, n_bytes - 1, state) == lib.DSP_ERR_SPACE
    assert lib.dsp_halfband_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN
    assert lib.dsp_halfband_open(odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert state[0] == ffi.NULL
    assert lib.dsp_halfband_init(3, memory, n_bytes, state) == lib.DSP_OK
    made, out, produced = state[0], ffi.new("int32_t[2]", [5, 5]), ffi.new("int32_t *", 5)
    x = ffi.new("int16_t[32]")
    assert lib.dsp_halfband_feed(made, x, -1, 2, out, produced) == lib.DSP_ERR_SIZE
    assert lib.dsp_halfband_feed(made, x, 24, 2, out, produced) == lib.DSP_ERR_SPACE
    assert list(out) == [5, 5] and produced[0] == 5
    assert lib.dsp_halfband_feed(made, x, 16, 2, out, produced) == lib.DSP_OK
    assert lib.dsp_halfband_open(memory, n_bytes - 1, state) == lib.DSP_ERR_PLAN
    words = ffi.cast("int32_t *", memory)
    for field in range(4):  # mark, stages, started, phase
        before = words[field]
        words[field] = 0x7FFFFFFF
        assert lib.dsp_halfband_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN, field
        words[field] = before
    assert lib.dsp_halfband_open(memory, n_bytes, state) == lib.DSP_OK
