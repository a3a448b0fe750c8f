"""The golden vectors of the native module: inputs, and what the host's build makes of them.

native_vectors.py computes the same on a target. Nothing in the core may be contracted,
reassociated or taken from a libm, so any two compilations of it agree in every bit, whatever the
processor; a difference of one bit is a defect. So no tolerance is stated for any function.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from resonode import dsp
from tests.dsp.reference import RATE_HZ, SCALE, SIZES, noise


def inputs() -> bytes:
    """What native_vectors.py reads."""
    return b"".join(noise(n, seed=n).tobytes() for n in SIZES)


def wanted() -> list[tuple[int, str, bytes]]:
    """(block length, function, result) in the order native_vectors.py writes them."""
    return [(n, name, result) for n in SIZES for name, result in block_results(noise(n, seed=n))]


def check(native: bytes) -> None:
    """Fail, by name, on the first result that differs from the host's in any bit."""
    at = 0
    for n, name, result in wanted():
        assert native[at : at + len(result)] == result, (n, name)
        at += len(result)
    assert at == len(native)


def block_results(x: npt.NDArray[np.int16]) -> list[tuple[str, bytes]]:
    n = len(x)
    f = dsp.features(x, SCALE)
    moments = (f.mean, f.rms, f.peak, f.crest, f.kurtosis, f.peak_to_peak, f.skewness, 0.0)
    amp = dsp.spectrum(x, SCALE)
    codes, floor_db = dsp.pack_db8(amp, 0.5)
    mean = np.sqrt((amp * amp + amp * amp) / np.float32(2))
    k_lo, k_hi = n * 2 // 27, n * 4 // 27
    stream, parts, held = dsp.Decimator(), [], 0
    while held < n:
        parts.append(stream.feed(x[: min(n // 3 + 5, 8 * (n - held))]))
        held += len(parts[-1])
    rec = np.concatenate(parts)
    speed = dsp.velocity(rec, SCALE, RATE_HZ / 8, 14.0, 1000.0)
    return [
        ("features", struct.pack("<8f", *moments)),
        ("spectrum", amp.tobytes()),
        ("pack_f16", dsp.pack_f16(amp).tobytes()),
        ("pack_db8", codes.tobytes()),
        ("floor_db", struct.pack("<f", floor_db)),
        ("power_mean", mean.tobytes()),
        ("rfft", dsp.rfft(x).tobytes()),
        ("envelope", dsp.envelope(x, SCALE, k_lo, k_hi).tobytes()),
        ("decimate", rec.tobytes()),
        ("velocity", struct.pack("<f", speed)),
    ]
