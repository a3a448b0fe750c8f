"""Windows and Welch's method against SciPy. Promised: 1e-5 of the largest bin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from resonode import dsp
from tests.dsp.reference import EPS, RATE_HZ, SCALE, SIZES, noise, sine

PROMISED = 1e-5
SCIPY_NAMES = dict(zip(dsp.WINDOWS, ("hann", "hamming", "blackmanharris", "flattop"), strict=True))


def windowed_amplitude(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    a = x.astype(float) * SCALE
    amp = np.abs(np.fft.rfft((a - a.mean()) * w)) * 2 / w.sum()
    amp[[0, -1]] /= 2
    return amp


@pytest.mark.parametrize("name", dsp.WINDOWS)
def test_gain_and_noise_bandwidth_are_those_of_the_table(name):
    w = signal.get_window(SCIPY_NAMES[name], 4096)
    gain, enbw = dsp.window_info(name)
    # Coefficients rounded to float32, squared and added five times: ten roundings.
    assert gain == pytest.approx(w.mean(), rel=2 * EPS)
    assert enbw == pytest.approx(np.mean(w**2) / w.mean() ** 2, rel=10 * EPS)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", dsp.WINDOWS)
def test_windows_in_the_frequency_domain_equal_those_in_time(name, n):
    x = noise(n, seed=n)
    wanted = windowed_amplitude(x, signal.get_window(SCIPY_NAMES[name], n))
    assert np.max(np.abs(dsp.spectrum_window(x, SCALE, name) - wanted)) <= PROMISED * wanted.max()


def test_the_hann_window_is_the_spectrum_functions_own():
    x = noise(1024, 3)
    plain = dsp.spectrum(x, SCALE)
    assert np.max(np.abs(dsp.spectrum_window(x, SCALE, "hann") - plain)) <= 4 * EPS * plain.max()


def test_flat_top_reads_a_sines_amplitude_between_bins():
    for offset in (0.0, 0.25, 0.5):
        x = np.round(sine(1024, 100 + offset, 20000.0)).astype(np.int16)
        # Scalloping 0.01 dB (0.12 %), rounding noise below 1e-5.
        assert dsp.spectrum_window(x, 1.0, "flat-top").max() == pytest.approx(20000, rel=1.3e-3)


def test_blackman_harris_shows_a_line_80_db_below_another():
    x = np.round(sine(4096, 1000.5, 30000.0) + sine(4096, 1020.0, 3.0)).astype(np.int16)
    amp = dsp.spectrum_window(x, 1.0, "blackman-harris")
    # Side lobes of the large line: 30000 * -92 dB = 0.75. Hann's are 10 dB above the small one.
    assert amp[1020] == pytest.approx(3.0, abs=0.9)
    assert max(amp[1010], amp[1030]) < 1.2


@pytest.mark.parametrize("beta", [0.0, 0.5, 5.0, 8.6, 14.0, 40.0])
@pytest.mark.parametrize("n", [2, 255, 1024])
def test_kaiser_equals_scipys(n, beta):
    w, gain, enbw = dsp.kaiser(n, beta)
    wanted = signal.get_window(("kaiser", beta), n)
    # I0(b u) / I0(b) <= 1; an error of one rounding in b u counts b times.
    assert np.max(np.abs(w - wanted)) <= (8 + 2 * beta) * EPS
    assert gain == pytest.approx(wanted.mean(), rel=1e-5)
    assert enbw == pytest.approx(np.mean(wanted**2) / wanted.mean() ** 2, rel=2e-5)


def test_a_spectrum_through_a_kaiser_table_equals_numpys():
    for n in (256, 4096):
        x = noise(n, n)
        w, gain, _ = dsp.kaiser(n, 9.0)
        wanted = windowed_amplitude(x, signal.get_window(("kaiser", 9.0), n))
        got = dsp.spectrum_table(x, SCALE, w, gain)
        assert np.max(np.abs(got - wanted)) <= PROMISED * wanted.max()


def welch_in_pieces(x, n, overlap, name, seed):
    state, at, rng = dsp.Welch(n, overlap, name), 0, np.random.default_rng(seed)
    segments = 0
    while at < len(x):
        cut = int(rng.integers(0, 2 * n))
        segments = state.feed(x[at : at + cut])
        at += cut
    return state, segments


@pytest.mark.parametrize("name", dsp.WINDOWS)
@pytest.mark.parametrize(("n", "overlap"), [(256, 128), (1024, 0), (1024, 1000), (2048, 600)])
def test_welch_equals_scipys_however_the_samples_come(name, n, overlap):
    x = noise(6 * n + 17, seed=overlap)
    state, segments = welch_in_pieces(x, n, overlap, name, seed=n)
    assert segments == (len(x) - overlap) // (n - overlap)
    _, wanted = signal.welch(x * SCALE, RATE_HZ, SCIPY_NAMES[name], n, overlap)
    got = state.psd(SCALE, RATE_HZ)
    assert np.max(np.abs(got - wanted)) <= PROMISED * wanted.max()


def test_the_density_integrates_to_the_variance():
    x = noise(64 * 1024, 5)
    state = dsp.Welch(1024)
    state.feed(x)
    power = state.psd(SCALE, RATE_HZ).sum() * RATE_HZ / 1024
    # 127 segments half overlapping of 1024 values each: 0.4 % standard error; four of them.
    assert power == pytest.approx(np.var(x * SCALE), rel=0.016)


@given(cuts=st.lists(st.integers(0, 700), max_size=20), seed=st.integers(0, 2**32 - 1))
def test_the_cut_of_the_stream_changes_no_bit(cuts, seed):
    x = noise(2000, seed)
    whole, pieces, at = dsp.Welch(256), dsp.Welch(256), 0
    whole.feed(x)
    for cut in cuts:
        pieces.feed(x[at : at + cut])
        at = min(at + cut, len(x))
    pieces.feed(x[at:])
    assert np.array_equal(whole.psd(1.0, 1.0), pieces.psd(1.0, 1.0))


def test_a_reset_forgets():
    state = dsp.Welch(256)
    state.feed(noise(1000, 1, sigma_lsb=9000))
    state.reset()
    with pytest.raises(dsp.DspError):
        state.psd(1.0, 1.0)
    x = noise(1000, 2)
    fresh = dsp.Welch(256)
    assert state.feed(x) == fresh.feed(x)
    assert np.array_equal(state.psd(1.0, 1.0), fresh.psd(1.0, 1.0))


def test_refusals_write_nothing():
    ffi, lib = dsp._ffi, dsp._lib
    out = ffi.new("float[600]", [5.0] * 600)
    gain = ffi.new("float *", 5.0)
    assert lib.dsp_window_info(4, gain, gain) == lib.DSP_ERR_VALUE
    assert lib.dsp_window_info(-1, gain, gain) == lib.DSP_ERR_VALUE
    assert lib.dsp_kaiser(1, 1.0, out, gain, gain) == lib.DSP_ERR_SIZE
    for beta in (-1.0, 40.5, float("nan")):
        assert lib.dsp_kaiser(256, beta, out, gain, gain) == lib.DSP_ERR_VALUE
    x, work = ffi.new("int16_t[256]"), ffi.new("float[512]")
    fake, plan = ffi.cast("dsp_plan *", ffi.new("float[64]")), dsp._plan(256)[0]
    assert lib.dsp_spectrum_window(fake, x, 1.0, 0, work, out) == lib.DSP_ERR_PLAN
    assert lib.dsp_spectrum_window(plan, x, 1.0, 9, work, out) == lib.DSP_ERR_VALUE
    assert lib.dsp_spectrum_window(plan, x, 0.0, 0, work, out) == lib.DSP_ERR_VALUE
    assert lib.dsp_spectrum_table(fake, x, 1.0, work, 1.0, work, out) == lib.DSP_ERR_PLAN
    for scale, mean in ((0.0, 1.0), (1.0, 0.0), (1.0, float("inf"))):
        status = lib.dsp_spectrum_table(plan, x, scale, work, mean, work, out)
        assert status == lib.DSP_ERR_VALUE
    assert set(out) == {5.0} and gain[0] == 5.0


def test_welch_refuses_memory_that_is_none_of_its_own():
    ffi, lib = dsp._ffi, dsp._lib
    n_bytes = lib.dsp_welch_bytes(256)
    assert n_bytes and not lib.dsp_welch_bytes(255)
    memory, state = ffi.new("float[]", n_bytes // 4 + 1), ffi.new("dsp_welch **")
    for n, overlap in ((100, 0), (256, -1), (256, 256)):
        status = lib.dsp_welch_init(n, overlap, 0, memory, n_bytes, state)
        assert status == lib.DSP_ERR_SIZE
    assert lib.dsp_welch_init(256, 0, 4, memory, n_bytes, state) == lib.DSP_ERR_VALUE
    assert lib.dsp_welch_init(256, 0, 0, memory, n_bytes - 1, state) == lib.DSP_ERR_SPACE
    odd = ffi.cast("char *", memory) + 2
    assert lib.dsp_welch_init(256, 0, 0, odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_welch_open(odd, n_bytes, state) == lib.DSP_ERR_ALIGN
    assert lib.dsp_welch_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN
    assert state[0] == ffi.NULL
    assert lib.dsp_welch_init(256, 0, 0, memory, n_bytes, state) == lib.DSP_OK
    made = state[0]
    x, work = ffi.new("int16_t[256]"), ffi.new("float[512]")
    assert lib.dsp_welch_feed(made, dsp._plan(512)[0], x, 256, work) == lib.DSP_ERR_PLAN
    assert lib.dsp_welch_feed(made, dsp._plan(256)[0], x, -1, work) == lib.DSP_ERR_SIZE
    psd = ffi.new("float[129]", [5.0] * 129)
    assert lib.dsp_welch_psd(made, 1.0, 1.0, psd) == lib.DSP_ERR_SIZE
    assert lib.dsp_welch_feed(made, dsp._plan(256)[0], x, 256, work) == lib.DSP_OK
    for scale, rate_hz in ((0.0, 1.0), (1.0, 0.0), (float("nan"), 1.0)):
        assert lib.dsp_welch_psd(made, scale, rate_hz, psd) == lib.DSP_ERR_VALUE
    assert set(psd) == {5.0}
    assert lib.dsp_welch_open(memory, n_bytes - 1, state) == lib.DSP_ERR_PLAN
    words = ffi.cast("int32_t *", memory)
    for field in range(6):  # mark, n, hop, window, fill, segments
        before = words[field]
        words[field] = -1
        assert lib.dsp_welch_open(memory, n_bytes, state) == lib.DSP_ERR_PLAN, field
        words[field] = before
    assert lib.dsp_welch_open(memory, n_bytes, state) == lib.DSP_OK and state[0] == made
