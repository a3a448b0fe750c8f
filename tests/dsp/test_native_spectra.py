"""Inverse and 16-bit transforms, window tables, zoom and Goertzel bank of the native module: the
host's results, bit for bit; and the node's part of the module is what the firmware calls."""

import ast
import struct
import subprocess
import sys

import numpy as np
import pytest

from resonode import dsp
from tests.dsp.reference import RATE_HZ, SCALE, noise
from tests.dsp.test_native_module import REPO, micropython, module_folder  # noqa: F401

SIZES = (256, 512, 1024, 2048, 4096, 8192)


def transform_results(x: np.ndarray) -> list[tuple[str, bytes]]:
    found = []
    for n in SIZES:
        y = dsp.rfft(x[:n].astype(np.float32))
        y16, exponent = dsp.rfft_q15(x[:n])
        found.append((f"rfft_f32 {n}", y.tobytes()))
        found.append((f"irfft {n}", dsp.irfft(y).tobytes()))
        found.append((f"rfft_q15 {n}", struct.pack("<i", exponent) + y16.tobytes()))
    return found


def host_results(x: np.ndarray) -> list[tuple[str, bytes]]:
    """What native_spectra.py writes, from the host build."""
    w, gain, enbw = dsp.kaiser(1024, 8.6)
    zoom = dsp.Zoom(RATE_HZ, 2900.0, 3100.0, points=256)
    used = zoom.feed(x)
    bank = dsp.Goertzel(RATE_HZ, [0.0, float(np.float32(99.7)), 3000.0, 9876.5])
    bank.feed(x[3:30780])
    return [
        *transform_results(x),
        ("kaiser", w.tobytes() + struct.pack("<2f", gain, enbw)),
        ("spectrum_table", dsp.spectrum_table(x[5:1029], SCALE, w, gain).tobytes()),
        ("zoom", zoom.spectrum(SCALE).tobytes()),
        ("zoom bins", struct.pack("<2f2i", zoom.first_hz, zoom.bin_hz, zoom.bins, used)),
        ("goertzel", bank.read(SCALE).tobytes()),
    ]


def test_every_function_gives_the_hosts_bits(module_folder, tmp_path):  # noqa: F811
    x = noise(40000, 21)
    (tmp_path / "in").write_bytes(x.tobytes())
    said = micropython(
        *("native_spectra.py", module_folder, "dsp", tmp_path / "in", tmp_path / "out")
    )
    assert said.split() == ["done"]
    native, at = (tmp_path / "out").read_bytes(), 0
    for name, wanted in host_results(x):
        assert native[at : at + len(wanted)] == wanted, name
        at += len(wanted)
    assert at == len(native)


def called_by_the_firmware() -> set[str]:
    names = set()
    for path in (REPO / "firmware").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names |= {node.attr} if node.value.id == "dsp" else set()
    return names


def test_the_nodes_part_of_the_module_is_what_the_firmware_calls():
    listed = set((REPO / "c_dsp" / "natmod" / "node.txt").read_text().split())
    assert listed == called_by_the_firmware()


def held_by(folder) -> set[str]:
    said = micropython("native_names.py", folder, "dsp")
    return set(said.split())


@pytest.mark.parametrize("part", ["", "node"])
def test_typings_name_what_the_module_holds(module_folder, part):  # noqa: F811
    tree = ast.parse((REPO / "tools" / "typings" / "dsp.pyi").read_text())
    typed = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    typed |= {ast.unparse(node.target) for node in tree.body if isinstance(node, ast.AnnAssign)}
    if part:
        typed &= called_by_the_firmware()
    assert held_by(module_folder / part) == typed


@pytest.mark.parametrize("core", ["c_dsp", "c_crypto"])
def test_an_architecture_that_is_not_known_is_told_with_those_that_are(core):
    command = [sys.executable, str(REPO / core / "natmod" / "build.py"), "xtensa"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "'xtensa'" in done.stderr and "xtensawin" in done.stderr
