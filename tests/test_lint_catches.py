"""`make lint` finds wrong calls in firmware: the stubs are MicroPython's, not CPython's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
    reported = {}
    for line in done.stdout.splitlines():
        place, is_error, message = line.partition(": error: ")
        if is_error:
            reported.setdefault(int(place.rpartition(":")[2]), message)
    first = RIGHT.count("\n") + 1
    assert set(reported) == set(range(first, first + len(WRONG))), done.stdout
    for line, (call, expected) in enumerate(WRONG.items(), first):
        assert expected in reported[line], call
