"""Heap that the firmware's code takes, so that it is seen when it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from resonode_hil.emulated import ram

# What it took on 2026-11-22, and 3 % more. docs/measured.md has the figures.
MOST = {"stock": 179_000, "romfs": 126_000}


@pytest.mark.parametrize("build", MOST)
def test_code_takes_no_more_heap_than_is_known(
    build: str, stock_build: Path, armv7emsp: Path
) -> None:
    taken = ram.measure(romfs=build == "romfs")
    assert {"dsp", "crypto", "firmware.wiring", "firmware.drivers.iis3dwb"} <= set(taken)
    assert "firmware.limits" not in taken  # forgotten after use
    assert sum(taken.values()) < MOST[build], taken
