"""`make lint` finds wrong calls in firmware: the stubs are MicroPython's, not CPython's."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_both_interpreters import micropython

ROOT = Path(__file__).resolve().parent.parent

RIGHT = """
import time
import machine
spi = machine.SPI(1, baudrate=10_000_000, polarity=1, phase=1)
spi.write_readinto(b"1234", bytearray(4))
waited_ms: int = time.ticks_diff(time.ticks_ms(), 0)
import dsp
plan = bytearray(dsp.plan_bytes(1024))
"""

WRONG = {
    "machine.SPI(1, bauderate=10_000_000)": "bauderate",
    "spi.write_readinto(b'1234')": "Too few arguments",
    "time.ticks_ms(1)": "Too many arguments",
    "time.monotonic()": "has no attribute",
    "dsp.plan_init(1024)": "Too few arguments",
    "import dataclasses": "Cannot find implementation or library stub",
}


@pytest.mark.slow
def test_wrong_calls_in_firmware_are_reported_and_right_ones_are_not(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(RIGHT + "\n".join(WRONG) + "\n")
    mypy = [sys.executable, "-m", "mypy", "--config-file", "tools/mypy-firmware.ini"]
    done = subprocess.run([*mypy, sample], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    reported: dict[int, str] = {}
    for line in done.stdout.splitlines():
        place, is_error, message = line.partition(": error: ")
        if is_error:
            reported.setdefault(int(place.rpartition(":")[2]), message)
    first = RIGHT.count("\n") + 1
    assert set(reported) == set(range(first, first + len(WRONG))), done.stdout
    for number, (call, expected) in enumerate(WRONG.items(), first):
        assert expected in reported[number], call


@pytest.mark.parametrize("module", ["dsp", "crypto"])
def test_stub_of_a_native_module_names_what_the_module_has(module: str) -> None:
    """And every function takes as many arguments as the stub says: one more is refused."""
    stub = ast.parse((ROOT / "tools" / "typings" / f"{module}.pyi").read_text())
    functions = {
        node.name: len(node.args.posonlyargs)
        for node in stub.body
        if isinstance(node, ast.FunctionDef)
    }
    constants = {
        node.target.id
        for node in stub.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    arities = f"""
import {module}
print(sorted(name for name in dir({module}) if name[0] != "_"))
for name, count in {functions}.items():
    for given in (count - 1, count + 1):
        try:
            getattr({module}, name)(*[0] * max(given, 0))
        except TypeError as error:
            print(name, "positional arguments" in str(error))
"""
    done = subprocess.run(
        [micropython(), "-c", arities],
        env={"MICROPYPATH": str(ROOT / "build" / "natmod" / "x64")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    names, *refusals = done.stdout.splitlines()
    assert set(ast.literal_eval(names)) == set(functions) | constants
    for name, count in functions.items():
        assert refusals.count(f"{name} True") == (2 if count else 1), name
