"""The DSP core as a native module of rv32imc, in upstream's MicroPython on an emulated RISC-V.

No FPU there: every float operation is the compiler's library, and the bits are still the host's.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.dsp import golden
from tests.dsp.reference import noise
from tests.dsp.test_native_condition import host_results
from tests.emulated.riscv import riscv_board
from tools import emulated

DSP_TESTS = Path(__file__).resolve().parents[1] / "dsp"


@pytest.fixture(scope="module")
def rv32_build() -> Path:
    return emulated.build("rv32")


@functools.cache
def rv32_module() -> Path:
    return emulated.native_module("dsp", "rv32imc")


def run_on_chip(script: str, sample_bytes: bytes, elf: Path, folder: Path) -> tuple[str, bytes]:
    """What a script of tests/dsp printed, and what it wrote."""
    samples = folder / "in"
    samples.write_bytes(sample_bytes)
    files = {"dsp.mpy": rv32_module(), script: DSP_TESTS / script, "in": samples}
    with riscv_board(elf, files) as board:
        start = "sys.argv[:] = ['', '/memory', 'dsp', '/memory/in', '/memory/out']\n"
        printed = board.repl.run(f"{start}import {Path(script).stem}", timeout_s=60)
        return printed, board.output(folder / "out")


def test_every_function_gives_the_hosts_bits_at_every_size(
    rv32_build: Path, tmp_path: Path
) -> None:
    _, native = run_on_chip("native_vectors.py", golden.inputs(), rv32_build, tmp_path)
    golden.check(native)


def test_condition_monitoring_gives_the_hosts_bits(rv32_build: Path, tmp_path: Path) -> None:
    x = noise(40000, 12)
    said, native = run_on_chip("native_condition.py", x.tobytes(), rv32_build, tmp_path)
    assert said.split() == ["done"]
    at = 0
    for name, wanted in host_results(x):
        assert native[at : at + len(wanted)] == wanted, name
        at += len(wanted)
    assert at == len(native)
