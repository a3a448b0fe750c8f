"""The node's cryptography as a native module of rv32imc (ESP32-C3, -C6), on an emulated RISC-V.

The published vectors of tests/both: RFC 7748, 8032, 8439, 4231, 5869, and Noise's of both patterns.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resonode_hil.emulated import compile_files
from tests.emulated.riscv import RiscvBoard, riscv_board
from tests.test_both_interpreters import ROOT
from tests.test_both_interpreters import test_functions as functions_of
from tools import emulated

SUITES = [ROOT / "tests" / "both" / name for name in ("test_primitives.py", "test_noise.py")]
VECTORS = "tests/crypto/vectors/noise.json"
NAMES = ("__init__", "primitives", "cipher", "noise")
SOURCES = tuple(f"firmware/{name}.py" for name in NAMES)

# Upstream's board has no random numbers. Here they only have to differ.
_OS = """
import random
from uos import *
def urandom(size):
    return bytes([random.getrandbits(8) for _ in range(size)])
"""
_RUN = """
import os, sys
sys.path[:] = ['/memory']
os.chdir('/memory')
import {module} as suite
suite.{function}()
print('passed')
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RiscvBoard]:
    elf = emulated.build("rv32")
    folder = tmp_path_factory.mktemp("rv32")
    (folder / "os.py").write_text(_OS)
    sources = {name: ROOT / name for name in SOURCES} | {path.name: path for path in SUITES}
    compile_files(sources | {"os.py": folder / "os.py"}, folder / "compiled", arch="rv32imc")
    files = {
        str(path.relative_to(folder / "compiled")): path
        for path in (folder / "compiled").rglob("*.mpy")
    }
    files |= {"crypto.mpy": emulated.native_module("crypto", "rv32imc"), VECTORS: ROOT / VECTORS}
    with riscv_board(elf, files) as started:
        yield started


@pytest.mark.parametrize(
    ("suite", "function"),
    [
        pytest.param(path.stem, function, id=f"{path.name}::{function}")
        for path in SUITES
        for function in functions_of(path)
    ],
)
def test_passes_on_the_chip_too(board: RiscvBoard, suite: str, function: str) -> None:
    said = board.repl.run(_RUN.format(module=suite, function=function), timeout_s=120)
    assert said.split()[-1] == "passed", said
