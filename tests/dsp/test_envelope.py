"""Squared envelope spectra. Promised: 1e-5 of the largest bin of the full-length computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp
from tests.dsp.reference import ONE_G_LSB, RATE_HZ, SCALE, SIZES, envelope, noise

PROMISED = 1e-5


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("band_hz", [(2000, 4000), (1250, 4000), (5000, 5600)])
def test_short_transforms_give_the_full_length_result(n, band_hz):
    k_lo, k_hi = (round(f * n / RATE_HZ) for f in band_hz)
    x = noise(n, seed=n)
    got = dsp.envelope(x, SCALE, k_lo, k_hi)
    wanted = envelope(x.astype(float) * SCALE, k_lo, k_hi)[: k_hi - k_lo + 1]
    assert got.shape == wanted.shape
    assert np.max(np.abs(got - wanted)) <= PROMISED * wanted.max()


@given(st.data())
def test_any_band_gives_the_full_length_result(data):
    n = data.draw(st.sampled_from(SIZES[:4]))
    k_lo = data.draw(st.integers(1, n // 2 - 2))
    k_hi = data.draw(st.integers(k_lo + 1, n // 2 - 1))
    bins = data.draw(st.integers(1, k_hi - k_lo + 1))
    x = noise(n, seed=data.draw(st.integers(0, 2**32 - 1)))
    got = dsp.envelope(x, SCALE, k_lo, k_hi, bins)
    wanted = envelope(x.astype(float) * SCALE, k_lo, k_hi)
    # Of the largest bin of all, as only a few may have been asked for. A narrow band may hold next
    # to nothing of the block: then what counts is the transform's error, 1.2e-7 of all bins' RMS
    # and three times that in a single one, times the sum of the band's lines.
    lines = 2 / n * np.abs(np.fft.rfft((x - x.mean()) * SCALE))
    width = k_hi - k_lo + 1
    of_transform = 3 * 1.2e-7 * np.sqrt(np.mean(lines**2)) * width * lines[k_lo : k_hi + 1].sum()
    assert np.max(np.abs(got - wanted[:bins])) <= PROMISED * wanted.max() + 4 * of_transform


def test_modulation_of_a_carrier_is_found_at_its_frequency():
    n, carrier, modulation, depth, peak = 4096, 1000, 40, 0.4, 8000
    t = np.arange(n) / n
    a = peak * (1 + depth * np.cos(2 * np.pi * modulation * t)) * np.cos(2 * np.pi * carrier * t)
    x = np.round(a + ONE_G_LSB).astype(np.int16)
    got = dsp.envelope(x, 1.0, carrier - 100, carrier + 100)
    # (1 + m cos)² = 1 + m²/2 + 2 m cos + m²/2 cos 2..: lines of 2 m A² and m²/2 A².
    # Rounding noise (0.3 LSB against 8000) shifts them by less than 1e-4.
    assert np.argmax(got) == modulation
    assert got[modulation] == pytest.approx(2 * depth * peak**2, rel=1e-4)
    assert got[2 * modulation] == pytest.approx(depth**2 / 2 * peak**2, rel=1e-3)


def test_a_steady_tone_has_no_envelope_lines():
    n, k, peak = 4096, 1000, 8000
    x = np.round(peak * np.cos(2 * np.pi * k * np.arange(n) / n)).astype(np.int16)
    # Only rounding noise beats with the tone: 2 * 8000 * 0.036 LSB or less per bin, times six.
    assert dsp.envelope(x, 1.0, k - 100, k + 100).max() < 6 * 2 * peak * 0.036


def test_a_constant_has_no_envelope():
    assert not dsp.envelope(np.full(1024, ONE_G_LSB, np.int16), SCALE, 100, 200).any()


def test_points_are_the_smallest_that_hold_the_band():
    assert dsp.envelope_points(1229, 2457) == 4096  # 2000-4000 Hz of 16384 at 26.667 kHz
    assert dsp.envelope_points(1, 128) == 256
    assert dsp.envelope_points(1, 129) == 512


@pytest.mark.parametrize(
    ("k_lo", "k_hi", "bins"),
    [(0, 10, 5), (10, 9, 1), (10, 512, 5), (-5, 5, 3), (10, 20, 12), (10, 20, 0)],
)
def test_bands_outside_the_spectrum_are_refused(k_lo, k_hi, bins):
    with pytest.raises(dsp.DspError, match="band outside"):
        dsp.envelope(noise(1024, 1), SCALE, k_lo, k_hi, bins)
