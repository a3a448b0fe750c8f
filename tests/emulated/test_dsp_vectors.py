"""The DSP core as a native module of armv7emsp, in MicroPython on an emulated Cortex-M4F.

Every result must have the host's bits: see tests/dsp/golden.py for why no tolerance is needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resonode_hil.emulated import compile_files, read_flash
from tests.emulated import vectors
from tests.emulated.conftest import BareFactory


@pytest.mark.parametrize("make", vectors.ALL)
def test_the_chip_gives_the_hosts_bits(
    bare: BareFactory, armv7emsp: Path, tmp_path: Path, make: Callable[[], vectors.Vectors]
) -> None:
    one = make()
    files = tmp_path / "files"
    compile_files({one.script: one.path}, files)
    shutil.copy(armv7emsp / "dsp.mpy", files)
    (files / "in").write_bytes(one.given)
    # 16384 points take more memory than the chip has; the vectors run at every size.
    board, repl = bare(files, heap_bytes=2 << 20, flash_bytes=4 << 20)
    start = "import sys\nsys.argv[:] = ['', '/', 'dsp', 'in', 'out']\n"
    assert repl.run(f"{start}import {one.module}", timeout_s=60).split() in ([], ["done"])
    board.stop()
    read_flash(board.image, tmp_path / "read")
    one.check((tmp_path / "read" / "out").read_bytes())
