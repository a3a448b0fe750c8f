"""tests/both on the emulated Cortex-M4F, through its native modules: wire, crypto, node logic.

Among them the vectors of RFC 7748, 8032, 8439, 4231 and 5869 (test_primitives.py) and the
published ones of Noise (test_noise.py), computed by crypto.mpy of armv7emsp.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from resonode.deploy.files import HOST_ONLY
from resonode_hil.emulated import EmulatedBoard, compile_files
from tests.emulated.repl import DeviceError, Repl
from tests.test_both_interpreters import FILES, ROOT
from tests.test_both_interpreters import test_functions as functions_of

DATA = ("resonode_wire/vectors.json", "tests/crypto/vectors/noise.json")
# Cuts the power at every file operation, which takes 20 s here. test_board.py cuts it for real.
TOO_SLOW = ("test_keeping.py",)

_FLOATS = "MicroPython's floats have 24 bits there: "
KNOWN = {
    "test_floats_take_32_bits_and_what_does_not_fit_is_refused": _FLOATS + "1e39 is infinite",
    "test_golden_vectors_have_not_changed": _FLOATS + "JSON is not read to the last bit",
    "test_rate_follows_a_drift_within_two_base_lines": _FLOATS + "the test's own sum loses samples",
}

# What the firmware stands on comes first, as on a node: an import inside an import takes more than
# a kilobyte of the chip's 8 KB of stack.
_RUN = """
import gc, os, sys
sys.modules.clear()
sys.path[:] = ['/', '/', '.frozen']
os.chdir('/')
gc.collect()
from resonode_wire import cbor
import micropython_runner
micropython_runner.run('/tests/both/{name}')
"""


@pytest.fixture(scope="module")
def chip(
    stock_build: Path, armv7emsp: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repl]:
    folder = tmp_path_factory.mktemp("chip")
    files = folder / "files"
    sources = {"micropython_runner.py": ROOT / "tests" / "micropython_runner.py"}
    for tree in ("firmware", "resonode_wire", "tests/both"):
        for path in (ROOT / tree).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if name not in HOST_ONLY and path.name != "conftest.py":
                sources[name] = path
    compile_files(sources, files)
    for name in DATA:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, files / name)
    for name in ("dsp.mpy", "crypto.mpy"):
        shutil.copy(armv7emsp / name, files)
    # The tests themselves take more memory than the chip has.
    board = EmulatedBoard(folder, files=files, heap_bytes=2 << 20, flash_bytes=4 << 20)
    with board, Repl(board.port) as repl:
        yield repl


@pytest.fixture(scope="module")
def verdicts(chip: Repl) -> dict[str, tuple[dict[str, str], str]]:
    """By file, once it has run: {function: PASS or FAIL} and all that was printed."""
    return {}


def cases() -> Iterator[object]:
    for path in FILES:
        if path.name not in TOO_SLOW:
            for function in functions_of(path):
                known = KNOWN.get(function)
                marks = [pytest.mark.xfail(reason=known, strict=True)] if known else []
                yield pytest.param(path, function, id=f"{path.name}::{function}", marks=marks)


@pytest.mark.parametrize(("path", "function"), list(cases()))
def test_passes_on_the_chip_too(
    chip: Repl, verdicts: dict[str, tuple[dict[str, str], str]], path: Path, function: str
) -> None:
    if path.name not in verdicts:
        try:
            printed = chip.run(_RUN.format(name=path.name), timeout_s=60)
        except DeviceError as error:
            printed = str(error)
        words = [line.split() for line in printed.splitlines() if line.startswith("@@ ")]
        verdicts[path.name] = {line[2]: line[1] for line in words if len(line) == 3}, printed
    found, printed = verdicts[path.name]
    assert found.get(function) == "PASS", printed
