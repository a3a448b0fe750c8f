"""The native modules of xtensawin (ESP32, ESP32-S3), in MicroPython for qemu-xtensa.

The very files that boards get: loaded, relocated, called. QEMU's core de233_fpu stands for the
ESP32's; MULUH and MULSH, which it lacks, are done by tools/xtensa_micropython/linux.c, a few
microseconds each, so of the cryptography only published vectors are run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulated import vectors
from tests.test_both_interpreters import ROOT
from tools import emulated

QEMU = ["qemu-xtensa", "-cpu", "de233_fpu"]
# X25519 (RFC 7748), Ed25519 (RFC 8032), ChaCha20-Poly1305 (RFC 8439), HMAC (RFC 4231) and HKDF (RFC
# 5869), and what must be refused.
PUBLISHED = (
    "test_x25519_vectors",
    "test_ed25519_vectors",
    "test_signature_whose_s_is_not_reduced_is_refused",
    "test_aead_vectors",
    "test_aead_refuses_every_flip_and_truncation_and_leaves_the_text_alone",
    "test_hmac_vectors",
    "test_hkdf_vector",
    "test_wrong_lengths_are_named",
)
# No random numbers come from an operating system here: they only have to differ.
_OS = """
import random
def urandom(size):
    return bytes([random.getrandbits(8) for _ in range(size)])
"""
_SUITE = """
import sys
sys.path[:] = sys.argv[2:]
suite = __import__("test_primitives")
getattr(suite, sys.argv[1])()
print("passed")
"""
Run = Callable[..., str]


@pytest.fixture(scope="module")
def run() -> Run:
    """Return a function that runs a script with its arguments, and returns what it printed."""
    program = emulated.build("xtensa")

    def start(script: Path, *arguments: object) -> str:
        command = [*QEMU, str(program), str(script), *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return start


@pytest.fixture(scope="module")
def modules() -> Path:
    """Folder of the native modules, up to date."""
    emulated.native_module("crypto", "xtensawin")
    return emulated.native_module("dsp", "xtensawin").parent


@pytest.mark.parametrize("make", vectors.ALL)
def test_the_core_gives_the_hosts_bits(
    run: Run, modules: Path, tmp_path: Path, make: Callable[[], vectors.Vectors]
) -> None:
    one = make()
    (tmp_path / "in").write_bytes(one.given)
    said = run(one.path, modules, "dsp", tmp_path / "in", tmp_path / "out")
    assert said.split() in ([], ["done"])
    one.check((tmp_path / "out").read_bytes())


@pytest.mark.parametrize("function", PUBLISHED)
def test_published_vectors_of_cryptography(
    run: Run, modules: Path, tmp_path: Path, function: str
) -> None:
    (tmp_path / "os.py").write_text(_OS)
    (tmp_path / "suite.py").write_text(_SUITE)
    search = [tmp_path, ROOT, ROOT / "tests" / "both", modules]
    assert run(tmp_path / "suite.py", function, *search).split() == ["passed"]


def test_the_nodes_part_is_loaded_too_and_holds_what_the_firmware_calls(
    run: Run, modules: Path, tmp_path: Path
) -> None:
    script = tmp_path / "names.py"
    script.write_text("import sys\nsys.path[:] = sys.argv[1:]\nimport dsp\nprint(*dir(dsp))\n")
    held = set(run(script, modules / "node").split())
    assert held >= set((ROOT / "c_dsp" / "natmod" / "node.txt").read_text().split())


def test_a_module_of_another_architecture_is_refused_as_on_a_board(
    run: Run, tmp_path: Path
) -> None:
    script = tmp_path / "other.py"
    script.write_text(
        "import sys\nsys.path[:] = sys.argv[1:]\n"
        "try:\n    import dsp\nexcept ValueError as error:\n    print(error)\n"
    )
    assert "incompatible .mpy" in run(script, emulated.native_module("dsp", "x64").parent)
