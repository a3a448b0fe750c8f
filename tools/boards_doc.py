#!/usr/bin/env python3
"""Write docs/boards.md and docs/hardware-tests.md from boards/: python tools/boards_doc.py

`--check` writes nothing, and fails if a file is not what it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from resonode import boards
from resonode.boards import Board
from resonode.errors import StoreError

DOCS = Path(__file__).resolve().parents[1] / "docs"
_MADE = "<!-- Written by tools/boards_doc.py from boards/: edit those. -->\n"

MATRIX_HEAD = """# Boards

{made}
What each board has, and how MicroPython and the firmware get onto it
([flash-and-deploy.md](flash-and-deploy.md)). What its keys mean, and how to add one:
[boards/README.md](../boards/README.md). None of them was at hand: what was tested instead, and how
to test the rest, is in [hardware-tests.md](hardware-tests.md). The currents are quoted from the
makers' data sheets. The sleep currents of ESP32 and ESP32-S3 were found again elsewhere, the others
could not be compared, and none was measured.

"Heap it takes" is what the firmware needs with all memory for captures and records in use: code,
measured on the emulated Cortex-M4F ([measured.md](measured.md)), and those two. What upstream's
images leave on these chips could not be measured; one user's report is 261 KiB on an ESP32-S3
without PSRAM. So modules with PSRAM fit; none without is known to fit with that memory, and an
ESP32-S3 may with less: `buffer_bytes` 28672, `store_bytes` 8192 and the configuration of the
emulated board with a ROMFS (`ROMFS_MEMORY` in `hil/resonode_hil/emulated/files.py`) took 205 KiB in
all while streaming, with `window` 512. `resonode doctor` and `deploy` compare with what the board
itself says.

"""

# Of the code that stays in RAM, from .mpy files: `python -m resonode_hil.emulated.ram`.
CODE_BYTES = 170 * 1024

TESTS_HEAD = """# What needs hardware to be tested

{made}
No board was at hand when this was written. Everything is proven one level below: the drivers
against register-level models, flashing with the real esptool against a stand-in for the chip's
loader (UF2 and the DK's programmer likewise), deploying with mpremote's transport onto an emulated
Cortex-M4F, the whole firmware on that chip. Below is, for each board, what that cannot show, the
commands that do, and what must be seen. `$PORT` is the board's port (`resonode ports` lists it),
`$RESONODE` a checkout.

"""

METHODS = {"esptool": "esptool", "uf2": "UF2 drive", "drive": "drive of its programmer"}


def matrix() -> str:
    """Return docs/boards.md."""
    known = [boards.load(name) for name in boards.names()]
    text = MATRIX_HEAD.format(made=_MADE)
    text += "| |" + "".join(f" {board.name} |" for board in known) + "\n"
    text += "|---|" + "---|" * len(known) + "\n"
    for title, cell in ROWS:
        text += f"| {title} |" + "".join(f" {cell(board)} |" for board in known) + "\n"
    for board in known:
        text += f"\n## {board.name}\n\n{board.node['about']}.\n\n"
        text += "".join(_details(board))
    return text


def _of_real(cell: Callable[[Board], Any]) -> Callable[[Board], str]:
    return lambda board: str(cell(board)) if board.real else "-"


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


def _yes(key: str) -> Callable[[Board], str]:
    return lambda board: "yes" if board.node.get(key) else "no"


def _sleeps(board: Board) -> str:
    sleep = board.node.get("sleep")
    if sleep is None:
        return "no"
    return "yes, the button wakes it" if sleep.get("button") else "yes"


def _micropython(board: Board) -> str:
    facts = board.hardware["micropython"]
    return f"{facts['board']}" if facts["build"] == "upstream" else "ours, firmware frozen in"


def _least(board: Board) -> str:
    major, minor = board.micropython_min
    return f"{major}.{minor}"


def _heap(board: Board) -> str:
    data = board.node["buffer_bytes"] + board.node["store_bytes"]
    return _size(data + (0 if board.frozen else CODE_BYTES)) + (" for data" if board.frozen else "")


ROWS: list[tuple[str, Callable[[Board], str]]] = [
    ("product", _of_real(lambda board: board.hardware["product"])),
    ("chip", _of_real(lambda board: board.hardware["chip"])),
    ("native code", lambda board: str(board.node["arch"])),
    ("MicroPython", _of_real(_micropython)),
    ("least version", _least),
    ("flashed by", _of_real(lambda board: METHODS[board.hardware["flash"]["method"]])),
    ("flash", _of_real(lambda board: _size(board.hardware["flash_bytes"]))),
    ("of it for files", _of_real(lambda b: _size(b.hardware["micropython"]["files_bytes"]))),
    ("RAM of the chip", _of_real(lambda board: _size(board.hardware["ram_bytes"]))),
    ("for captures", lambda board: _size(board.node["buffer_bytes"])),
    ("for records", lambda board: _size(board.node["store_bytes"])),
    ("firmware in", _of_real(lambda b: "flash" if b.frozen else "RAM, from .mpy files")),
    ("heap it takes", _of_real(_heap)),
    (
        "SPI, I2C, UART",
        lambda b: ", ".join(str(len(b.node.get(k, []))) for k in ("spi", "i2c", "uart")),
    ),
    (
        "sensors",
        lambda board: ", ".join(one.get("chip", "looked for") for one in board.node["sensors"]),
    ),
    ("light", _yes("led")),
    ("button", _yes("button")),
    ("battery voltage", _yes("battery")),
    ("[light sleep](power.md)", _sleeps),
    ("running, mA", _of_real(lambda board: board.hardware["current_ma"]["run"])),
]


def _details(board: Board) -> Iterator[str]:
    if not board.real:
        return
    rows = list(_pins(board.node))
    if rows:
        yield "| what | pins |\n|---|---|\n"
        yield "".join(f"| {what} | {pins} |\n" for what, pins in rows)
    for note in board.hardware["notes"]:
        yield f"\n- {note}" if note is board.hardware["notes"][0] else f"- {note}"
        yield "\n"
    yield f"\nCurrents: {board.hardware['current_ma']['source']}. "
    yield f"To measure: {board.hardware['current_probe']}.\n"


def _pins(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("spi", "i2c", "uart"):
        for bus in node.get(kind, []):
            yield f"{kind.upper()} {bus['id']}", _listed(bus, ("id", "baudrate"))
    for sensor in node["sensors"]:
        on = next(kind for kind in ("spi", "i2c", "uart") if kind in sensor)
        chip = sensor.get("chip", "accelerometer")
        what = f"{chip} on {on.upper()} {sensor[on]}"
        yield what, _listed(sensor, ("chip", on))
    for kind in ("button", "led", "battery"):
        if kind in node:
            yield kind, _listed(node[kind], ())


def _listed(facts: dict[str, Any], without: tuple[str, ...]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items() if key not in without)


# --- what needs hardware -------------------------------------------------------------------------

# (for which boards, what only hardware shows, the commands, what must be seen)
Check = tuple[Callable[[Board], bool], str, str, str]


def _by(method: str) -> Callable[[Board], bool]:
    return lambda board: bool(board.hardware["flash"]["method"] == method)


def _always(_board: Board) -> bool:
    return True


CHECKS: list[Check] = [
    (
        lambda board: board.frozen,
        "The build of MicroPython: upstream's nrf port needs nrfx and Nordic's SoftDevice, which "
        "no package has. In the tests upstream's Makefile and manifest tool read the definition",
        "git clone https://github.com/micropython/micropython && cd micropython/ports/nrf\n"
        "make submodules && drivers/bluetooth/download_ble_stack.sh\n"
        "make {build}",
        "an image, and `_minimum_heap_size` is met",
    ),
    (
        _by("esptool"),
        "Reset into the loader by DTR and RTS, the loader's own timing, flash parameters",
        "resonode flash {name} {image} --port $PORT --erase",
        "`verified`, and after it MicroPython's prompt: `mpremote connect $PORT`",
    ),
    (
        _by("uf2"),
        "A real FAT drive that vanishes at the restart; automatic mounting",
        "resonode flash {name} firmware.uf2",
        "the drive goes away, and a serial port comes: `resonode ports`",
    ),
    (
        _by("uf2"),
        "Serial DFU: the bootloader's real pace of erasing and writing",
        "resonode flash {name} firmware.uf2 --port $PORT   # after pressing reset twice",
        "no `does not answer`; the port goes away and comes back",
    ),
    (
        _by("drive"),
        "Whether this revision's programmer takes files at all (some refuse)",
        "mergehex -m s140_nrf52_7.3.0_softdevice.hex firmware.hex -o image.hex\n"
        "resonode flash {name} image.hex",
        "no FAIL.TXT; else program with nrfjprog or pyocd",
    ),
    (
        lambda board: bool(board.node["arch"] == "xtensawin"),
        "Native modules on the real core: memory that may hold code, MULUH and MULSH, the steps of "
        "division and square root. In the tests QEMU's core runs the same files",
        "make natmod ARCH=xtensawin   # makes its compiler, once\n"
        "mpremote connect $PORT cp build/natmod/xtensawin/node/dsp.mpy :\n"
        "mpremote connect $PORT cp build/natmod/xtensawin/crypto.mpy :\n"
        "mpremote connect $PORT exec 'import crypto, dsp; public = bytearray(32); "
        "crypto.x25519_public(bytes(range(32)), public); print(public.hex())'\n"
        "mpremote connect $PORT rm :dsp.mpy\n"
        "mpremote connect $PORT rm :crypto.mpy",
        "no MemoryError, and `8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f`",
    ),
    (
        lambda board: not board.frozen,
        "Whether the heap that MicroPython leaves is enough (a .mpy firmware takes about 170 KiB "
        "besides captures and records): modules with PSRAM have it, others may not",
        "resonode doctor {name} --port $PORT",
        "nothing is BAD but what a deployment mends; `too little RAM` is a no",
    ),
    (
        _always,
        "Deploying over a real line, and unplugging it meanwhile",
        "resonode deploy {name} --port $PORT   # unplug while it says `sending`, plug in, again\n"
        "resonode deploy {name} --port $PORT   # once more: nothing is sent\n"
        "resonode doctor {name} --port $PORT",
        "the old version starts after unplugging; the last line has nothing BAD but that the node "
        "has no owner yet",
    ),
    (
        _always,
        "The prompt: its owner's, and nobody else's, also while it starts",
        "resonode node commission --port $PORT\n"
        "resonode deploy {name} --port $PORT\n"
        "while printf '\\r\\003\\003\\001'; do :; done > $PORT   # press reset ten times\n"
        "cat $PORT   # in another window",
        "deploying begins without reset; `raw REPL` is never shown",
    ),
    (
        _always,
        "Wiring and the sensor itself: bus speed, interrupt line, noise",
        "resonode node commission --port $PORT\n"
        "resonode info --port $PORT\n"
        "resonode capture still.wav --samples 32768 --axes xyz --port $PORT",
        "the sensor is named; the rate is its data sheet's within tolerance; one axis shows 1 g",
    ),
    (
        _always,
        "An hour without a loss, with the chip's own clock, heap and interrupts",
        "resonode gateway run --port $PORT --db hour.db --seconds 3600 --json\n"
        "resonode query holes --db hour.db",
        "no holes, no `damaged`, `missing` 0",
    ),
    (
        lambda board: bool(board.node.get("led")),
        "The light",
        "resonode node identify --port $PORT",
        "it blinks, and then stays dark",
    ),
    (
        lambda board: bool(board.node.get("button")),
        "The button, and that its resistor is on (`pull`)",
        "# press reset, then hold the button for 5 s\nresonode info --port $PORT",
        "the node says on its console that owner and configuration are forgotten",
    ),
    (
        lambda board: bool(board.node.get("battery")),
        "The divider of the battery's voltage",
        'mpremote connect $PORT exec "from machine import ADC, Pin; Pin({enable}, Pin.OUT, '
        'value={enabled}); print(ADC(Pin({adc})).read_u16())"',
        "the value times {full_scale_v} V over 65535 times {ratio} is what a voltmeter shows, and "
        "so does `battery_v` in `resonode stream`",
    ),
    (
        lambda board: "sleep" in board.node,
        "Light sleep: that it wakes up on time, that its clock goes on, how long it is deaf",
        "resonode node config set sleep=light schedule_period_s=60 schedule_length_s=5 "
        "--port $PORT\n"
        "sleep 600\n"
        "# it answers when it wakes up\n"
        "resonode stream --stored --timeout 70 --seconds 5 --port $PORT",
        "features of ten captures, 60 s apart by `t_us`, and `asleep_s` of about 500 in `health`",
    ),
    (
        _always,
        "Every current: those here are published, none was measured",
        "resonode node config set schedule_period_s=60 schedule_length_s=10 --port $PORT\n"
        "resonode node config get --toml --port $PORT > node.toml\n"
        "resonode node energy --board {name} --config node.toml\n"
        "# {probe}",
        "the mean over ten minutes is the estimate's `idle` row, and what the board itself draws",
    ),
]


def hardware_tests() -> str:
    """Return docs/hardware-tests.md."""
    text = TESTS_HEAD.format(made=_MADE)
    for name in boards.names():
        board = boards.load(name)
        if board.real:
            text += f"## {name}\n\n" + "".join(_checks(board))
    return text.rstrip("\n") + "\n"


def _checks(board: Board) -> Iterator[str]:
    facts = {
        "name": board.name,
        "image": f"{board.hardware['micropython']['board']}-*.bin",
        "probe": board.hardware["current_probe"],
        "build": f"BOARD_DIR=$RESONODE/boards/{board.name}/micropython BOARD={board.name} "
        "USER_C_MODULES=$RESONODE RESONODE_PYTHON=$RESONODE/.venv/bin/python"
        + (" uf2" if board.hardware["flash"]["method"] == "uf2" else ""),
        **board.node.get("battery", {}),
    }
    number = 0
    for applies, what, commands, seen in CHECKS:
        if applies(board):
            number += 1
            lines = "".join(f"       {line}\n" for line in commands.format(**facts).splitlines())
            yield f"{number}. {what}.\n\n{lines}\n   Must be seen: {seen.format(**facts)}.\n\n"


FILES = {"boards.md": matrix, "hardware-tests.md": hardware_tests}


def main(arguments: list[str]) -> int:
    try:
        texts = {name: make() for name, make in FILES.items()}
    except StoreError as error:
        print(f"{error}", file=sys.stderr)
        return error.exit_code
    stale = []
    for name, text in texts.items():
        path = DOCS / name
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"not current: {', '.join(stale)}; run: python tools/boards_doc.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
