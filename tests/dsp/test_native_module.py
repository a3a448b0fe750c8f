"""The native module in real MicroPython gives the host's results, bit for bit.

Nothing in the core may be contracted, reassociated or taken from a libm, so two compilations of it
must agree exactly; a difference in one bit is a defect.
"""

import importlib.util
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from resonode import dsp
from tests.dsp.reference import RATE_HZ, SCALE, SIZES, noise

REPO = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def module_folder() -> Path:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the native module is built for x86-64 here")
    spec = importlib.util.spec_from_file_location("build", REPO / "c_dsp/natmod/build.py")
    assert spec and spec.loader
    build = importlib.util.module_from_spec(spec)
    sys.modules["build"] = build  # dataclasses look their module up
    spec.loader.exec_module(build)
    return build.build("x64").parent


def micropython(script: str, *arguments: object) -> str:
    beside = Path(sys.executable).with_name("micropython")
    program = os.environ.get("MICROPYTHON") or str(beside)
    command = [program, "-X", "heapsize=4m", str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def host_results(x: np.ndarray) -> list[tuple[str, bytes]]:
    """What native_vectors.py writes for one block, from the host build."""
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


def test_every_function_gives_the_hosts_bits_at_every_size(module_folder, tmp_path):
    blocks = [noise(n, seed=n) for n in SIZES]
    (tmp_path / "in").write_bytes(b"".join(x.tobytes() for x in blocks))
    micropython("native_vectors.py", module_folder, "dsp", tmp_path / "in", tmp_path / "out")
    native = (tmp_path / "out").read_bytes()
    at = 0
    for x in blocks:
        for name, wanted in host_results(x):
            assert native[at : at + len(wanted)] == wanted, (len(x), name)
            at += len(wanted)
    assert at == len(native)


def test_bad_arguments_are_value_errors_that_name_the_argument(module_folder):
    lines = micropython("native_refusals.py", module_folder, "dsp").splitlines()
    assert lines[-1] == "done" and len(lines) > 50


def test_a_build_with_nothing_changed_touches_nothing(module_folder):
    module = module_folder / "dsp.mpy"
    before = module.stat().st_mtime_ns
    command = [sys.executable, str(REPO / "c_dsp/natmod/build.py"), "x64"]
    assert subprocess.run(command, capture_output=True, check=True).stdout
    assert module.stat().st_mtime_ns == before


def test_the_module_holds_no_path_of_this_machine(module_folder):
    assert str(REPO).encode() not in (module_folder / "dsp.mpy").read_bytes()


def test_an_unknown_architecture_is_refused_by_name():
    command = [sys.executable, str(REPO / "c_dsp/natmod/build.py"), "z80"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "unknown architecture 'z80'; known: x64" in done.stderr
