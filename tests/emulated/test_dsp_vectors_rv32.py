"""The DSP core as a native module of rv32imc, in upstream's MicroPython on an emulated RISC-V.

No FPU there: every float operation is the compiler's library, and the bits are still the host's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulated import vectors
from tests.emulated.riscv import riscv_board
from tools import emulated


@pytest.fixture(scope="module")
def rv32_build() -> Path:
    return emulated.build("rv32")


@pytest.fixture(scope="module")
def rv32imc() -> Path:
    return emulated.native_module("dsp", "rv32imc")


@pytest.mark.parametrize("make", vectors.ALL)
def test_the_chip_gives_the_hosts_bits(
    rv32_build: Path, rv32imc: Path, tmp_path: Path, make: Callable[[], vectors.Vectors]
) -> None:
    one = make()
    samples = tmp_path / "in"
    samples.write_bytes(one.given)
    files = {"dsp.mpy": rv32imc, one.script: one.path, "in": samples}
    with riscv_board(rv32_build, files) as board:
        start = "sys.argv[:] = ['', '/memory', 'dsp', '/memory/in', '/memory/out']\n"
        said = board.repl.run(f"{start}import {one.module}", timeout_s=60)
        assert said.split() in ([], ["done"])
        one.check(board.output(tmp_path / "out"))
