"""The DSP core as a native module of armv7emsp, in MicroPython on an emulated Cortex-M4F.

Every result must have the host's bits: see tests/dsp/golden.py for why no tolerance is needed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from resonode_hil.emulated import compile_files, read_flash
from tests.dsp import golden
from tests.dsp.reference import noise
from tests.dsp.test_native_condition import host_results
from tests.emulated.conftest import BareFactory

DSP_TESTS = Path(__file__).resolve().parents[1] / "dsp"
# 16384 points take more memory than the chip has; the vectors run at every size.
ROOM = {"heap_bytes": 2 << 20, "flash_bytes": 4 << 20}


def run_on_chip(
    script: str, sample_bytes: bytes, bare: BareFactory, modules: Path, folder: Path
) -> tuple[str, bytes]:
    """What a script of tests/dsp printed, and what it wrote."""
    files = folder / "files"
    files.mkdir()
    compile_files({script: DSP_TESTS / script}, files)
    shutil.copy(modules / "dsp.mpy", files)
    (files / "in").write_bytes(sample_bytes)
    board, repl = bare(files, **ROOM)
    start = "import sys\nsys.argv[:] = ['', '/', 'dsp', 'in', 'out']\n"
    printed = repl.run(f"{start}import {Path(script).stem}", timeout_s=60)
    board.stop()
    read_flash(board.image, folder / "read")
    return printed, (folder / "read" / "out").read_bytes()


def test_every_function_gives_the_hosts_bits_at_every_size(
    bare: BareFactory, armv7emsp: Path, tmp_path: Path
) -> None:
    _, native = run_on_chip("native_vectors.py", golden.inputs(), bare, armv7emsp, tmp_path)
    golden.check(native)


def test_condition_monitoring_gives_the_hosts_bits(
    bare: BareFactory, armv7emsp: Path, tmp_path: Path
) -> None:
    x = noise(40000, 12)
    said, native = run_on_chip("native_condition.py", x.tobytes(), bare, armv7emsp, tmp_path)
    assert said.split() == ["done"]
    at = 0
    for name, wanted in host_results(x):
        assert native[at : at + len(wanted)] == wanted, name
        at += len(wanted)
    assert at == len(native)
