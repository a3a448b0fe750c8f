"""The 16-bit block-floating-point FFT against float64 NumPy.

Tolerance: a pass, a leaf and the last step each round both parts of a value once, which adds
1/6 LSB^2 of power to it. (A leaf rounds down twice on its way, by up to 1/8 and 1/4 LSB, and once
up by up to 1/2: 0.17 LSB^2 in all.) What a pass scales by keeps the power of noise, so errors of P
passes add up to (P + 2)/6, and the largest |z| of a block is left at 2^12 or more. Noise of n
values has a largest |z| of about sqrt(ln n) its RMS, so that its SNR is at least
    20 log10(2^12 / sqrt(ln n)) - 10 log10((P + 2) / 6)        (64 dB at 1024)
A sine is one bin of |X| >= 2^12, 2^13 unless it lies between bins, against n/2 of noise: every
octave of n costs 3 dB, and 1024 gives 60 dB.
"""

import numpy as np
import pytest

from resonode import dsp

from .test_errors import ffi, lib

SIZES = (256, 512, 1024, 2048, 4096, 8192)


def bins(x: np.ndarray) -> np.ndarray:
    y, exponent = dsp.rfft_q15(x)
    values = y.astype(float) * 2.0**exponent
    return np.concatenate([values[:1], values[2::2] + 1j * values[3::2], values[1:2]])


def snr_db(x: np.ndarray) -> float:
    wanted = np.fft.rfft(x.astype(float))
    error = float(np.linalg.norm(bins(x) - wanted))
    return float(20 * np.log10(np.linalg.norm(wanted) / max(error, 1e-9)))


def white(n: int, peak: float) -> np.ndarray:
    return np.round(np.random.default_rng(n).uniform(-peak, peak, n)).astype(np.int16)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("peak", [32767, 3277, 328, 33])
def test_noise_of_any_level(n, peak):
    passes = int(np.log2(n / 2) - 2) // 2
    bound = 20 * np.log10(2**12 / np.sqrt(np.log(n))) - 10 * np.log10((passes + 2) / 6)
    assert snr_db(white(n, peak)) > bound
    if n == 1024:
        assert snr_db(white(n, peak)) >= 60


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("peak", [32767, 20000, 327.67])
def test_sines_on_and_between_bins(n, peak):
    t = np.arange(n)
    for k in [*np.arange(1, n // 2, n / 37), 3, n // 8, n // 4, n // 2 - 1]:
        x = np.round(peak * np.sin(2 * np.pi * k * t / n + k)).astype(np.int16)
        assert snr_db(x) > 60 - max(0, 3.02 * np.log2(n / 1024)), k


@pytest.mark.parametrize("n", SIZES)
def test_nothing_overflows(n):
    t = np.arange(n)
    full = [np.full(n, -32768), np.full(n, 32767), np.where(t % 2, 32767, -32768)]
    full += [np.where(t % period < period // 2, 32767, -32768) for period in (4, 8, 16, n // 4, n)]
    for k in range(1, n // 2, n // 32):  # what adds up at one bin as far as it can
        turn = 2 * np.pi * k * t / n
        full += [np.where(np.cos(turn + shift) >= 0, 32767, -32768) for shift in (0, 0.4, 0.8)]
    for x in full:
        assert snr_db(x.astype(np.int16)) > 50


@pytest.mark.parametrize("n", SIZES)
def test_every_impulse_has_the_right_phase(n):
    for at in (0, 1, 2, 3, n // 8, n // 2 - 1, n // 2, 5 * n // 7, n - 1):
        for height in (1, -1, 32767, -32768):
            x = np.zeros(n, np.int16)
            x[at] = height
            assert snr_db(x) > 64, (at, height)


@pytest.mark.parametrize("n", SIZES)
def test_parseval(n):
    x = white(n, 9000)
    power = np.abs(bins(x)) ** 2
    energy = (power[0] + power[-1] + 2 * power[1:-1].sum()) / n
    assert energy == pytest.approx((x.astype(float) ** 2).sum(), rel=2 * 10 ** (-60 / 20))


def test_zeros_have_exponent_0():
    y, exponent = dsp.rfft_q15(np.zeros(256, np.int16))
    assert exponent == 0 and not y.any()


def test_refusals_leave_the_outputs():
    y, exponent = ffi.new("int16_t[258]", [5] * 258), ffi.new("int32_t *", 7)
    x = ffi.new("int16_t[258]")
    for n in (0, -256, 128, 255, 257, 16384):
        assert lib.dsp_rfft_q15(n, x, y, exponent) == lib.DSP_ERR_SIZE
    assert lib.dsp_rfft_q15(256, x + 1, y, exponent) == lib.DSP_ERR_ALIGN
    assert lib.dsp_rfft_q15(256, x, y + 1, exponent) == lib.DSP_ERR_ALIGN
    assert set(y) == {5} and exponent[0] == 7
    with pytest.raises(dsp.DspError):
        dsp.rfft_q15(np.zeros(100, np.int16))
    with pytest.raises(TypeError):
        dsp.rfft_q15(np.zeros(256, np.float32))
