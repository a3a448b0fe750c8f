"""Condition monitoring in the native module gives the host's results, bit for bit."""

import struct
from dataclasses import astuple

import numpy as np

from resonode import dsp
from tests.dsp.reference import RATE_HZ, SCALE, noise
from tests.dsp.test_native_module import micropython, module_folder  # noqa: F401

N = 1024


def line_results(amp: np.ndarray) -> list[tuple[str, bytes]]:
    bin_hz = RATE_HZ / N
    found = [v for line in dsp.peaks(amp, bin_hz) for v in astuple(line)]
    family = dsp.lines(amp, bin_hz, step_hz=500.0, count=4, tolerance=0.01, window="hamming")
    score = dsp.line_score(amp, bin_hz, 1000.0, side_hz=100.0)
    return [
        ("peaks", struct.pack(f"<{len(found)}f", *found)),
        ("lines", struct.pack("<8f", *(v for line in family for v in astuple(line)))),
        ("line_score", struct.pack("<6f", *astuple(score)[:6])),
        ("band_rms", dsp.band_rms(amp, bin_hz, [(10.0, 1000.0), (2000.0, 4000.0)]).tobytes()),
    ]


def host_results(x: np.ndarray) -> list[tuple[str, bytes]]:
    """What native_condition.py writes, from the host build."""
    spectra = [dsp.spectrum_window(x[:N], SCALE, window) for window in dsp.WINDOWS]
    welch = dsp.Welch(N, 500, "blackman-harris")
    segments = welch.feed(x[7:9007])
    envelope = dsp.EnvelopeStream(RATE_HZ, 2000.0, 4000.0, f_max_hz=500.0, points=1024)
    used = envelope.feed(x)
    slow = dsp.HalfBand(3).feed(x)
    motion = dsp.Motion(RATE_HZ / 8, SCALE)
    motion.feed(slow)
    moved = motion.read()
    kurtogram = dsp.Kurtogram(N, 8)
    for block in range(4):
        kurtogram.add(x[block * N : (block + 1) * N])
    band = kurtogram.best()
    gas = dsp.GasIndex()
    index = [gas.process(28000 + int(v)) for v in x[:2000]]
    um = dsp.displacement(slow[:N], SCALE, RATE_HZ / 8, 14.0, 1000.0)
    bearing = dsp.bearing_orders(9, 0.3126, 1.537, 10.0)
    zone = "ABCD".index(dsp.severity_zone(2.9, (1.4, 2.8, 4.5)))
    counts = (zone, segments, used, len(slow), moved.count, band.k_lo, band.k_hi)
    return [
        ("shape_factors", struct.pack("<4f", *astuple(dsp.shape_factors(x[3:5003], SCALE)))),
        ("bearing_orders", struct.pack("<4f", *astuple(bearing))),
        *((f"spectrum_window {i}", amp.tobytes()) for i, amp in enumerate(spectra)),
        *line_results(spectra[-1]),
        ("welch", welch.psd(SCALE, RATE_HZ).tobytes()),
        ("envelope_stream", envelope.spectrum(SCALE, 400).tobytes()),
        ("halfband", slow.tobytes()),
        ("motion", struct.pack("<4f", *astuple(moved)[1:])),
        ("kurtogram", kurtogram._sums.tobytes()),
        ("gas", np.array(index, np.int32).tobytes()),
        ("numbers", struct.pack("<fff", envelope.bin_hz, um, band.kurtosis)),
        ("counts", struct.pack("<8i", *counts, index[-1])),
    ]


def test_every_function_gives_the_hosts_bits(module_folder, tmp_path):  # noqa: F811
    x = noise(40000, 12)
    (tmp_path / "in").write_bytes(x.tobytes())
    said = micropython(
        *("native_condition.py", module_folder, "dsp", tmp_path / "in", tmp_path / "out")
    )
    assert said.split() == ["done"]
    native, at = (tmp_path / "out").read_bytes(), 0
    for name, wanted in host_results(x):
        assert native[at : at + len(wanted)] == wanted, name
        at += len(wanted)
    assert at == len(native)
