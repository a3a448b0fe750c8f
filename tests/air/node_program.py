"""Runs a few lines on a virtual board, in MicroPython, with sensors on its buses.

    said = run(tmp_path, '''
        chip = sht45.over_i2c(i2c, 0x44, clock)
        await chip.identify()
        say(await chip.read())
    ''', i2c={0x44: Sht45()})

The lines have `i2c` (bus 0), `uart(number)`, `clock`, `say(value)`, `trying(coroutine)` and all
modules of drivers; what they say comes back as a list.
"""

from __future__ import annotations

import json
import os
import select
import textwrap
import time
from pathlib import Path
from typing import Any

from resonode_hil.board import VirtualBoard
from resonode_hil.staging import stage
from resonode_hil.timebase import Lockstep

PATIENCE_S = 60.0

HEAD = """
import asyncio, gc, json, time
import machine
from firmware.drivers import SensorError, bme680, pms5003, scd41, sgp41, sht45, sps30

clock = machine.BoardClock()
i2c = machine.I2C(0)
uart = machine.UART

def say(value):
    print(json.dumps(value))

async def trying(coroutine):
    # What it gives, or what it complains of.
    try:
        return await coroutine
    except SensorError as error:
        return "error: " + str(error)

async def sleep_s(seconds):
    await clock.sleep_until(clock.now_us() + int(seconds * 1e6))

async def program():
{body}

asyncio.run(program())
print("END")
while True:  # until the board is switched off
    time.sleep(1)
"""


def run(directory: Path, body: str, *, patience_s: float = PATIENCE_S, **options: Any) -> list[Any]:
    """Return what `body` says, once it has ended."""
    staged = stage()
    entry = directory / "entry"
    entry.mkdir(parents=True, exist_ok=True)
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    (entry / "program.py").write_text(HEAD.replace("{body}", lines))
    board = VirtualBoard(
        directory / "board",
        timebase=options.pop("timebase", None) or Lockstep(),
        entry="program",
        staged=staged,
        env={"MICROPYPATH": f"{entry}:{staged.resolve()}:.frozen"},
        **options,
    )
    with board:
        said = _listen(board, patience_s)
    return [json.loads(line) for line in said]


def _listen(board: VirtualBoard, patience_s: float) -> list[str]:
    port = os.open(board.port, os.O_RDONLY | os.O_NOCTTY)
    try:
        data = b""
        end_s = time.monotonic() + patience_s
        while not data.endswith(b"END\n"):
            board.check()
            assert time.monotonic() < end_s, f"the program goes on and on; it said {data!r}"
            if select.select([port], [], [], 0.05)[0]:
                data += os.read(port, 65536).replace(b"\r\n", b"\n")
    finally:
        os.close(port)
    return data.decode().splitlines()[:-1]
