"""ESP32 family: esptool, run as a program (it is GPL, and never imported)."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from resonode.boards import Board
from resonode.errors import (
    Disconnected,
    DoesNotFit,
    MissingExtra,
    NodeError,
    Timeout,
    VerifyFailed,
)
from resonode.flash.report import Flashed
from resonode.link import address_of, open_port

Progress = Callable[[str, float], None]

_BAUD = 460800  # the rate upstream recommends; the first bytes go at 115200
# Chips by esptool's name: what they are called, and their number in an image's header.
_CHIPS = {
    "esp32": ("ESP32", 0),
    "esp32s3": ("ESP32-S3", 9),
    "esp32c3": ("ESP32-C3", 5),
    "esp32c6": ("ESP32-C6", 13),
}
# An image begins with E9 and has its chip's number 12 bytes later (ESP-IDF, "App Image Format");
# the partition table of MicroPython's images begins at 0x8000 of the flash with AA 50.
_IMAGE_MAGIC = 0xE9
_CHIP_AT = 12
_TABLE_AT, _TABLE_MAGIC = 0x8000, b"\xaa\x50"


def flash(
    board: Board, image: Path, data: bytes, port: str, erase: bool, on_progress: Progress
) -> Flashed:
    """See flash.flash()."""
    if importlib.util.find_spec("esptool") is None:
        raise MissingExtra("esptool", "flash", "Flashing an ESP32")
    chip = board.hardware["chip"]
    offset = board.hardware["flash"]["offset"]
    open_port(port).close()  # clearer errors than esptool's
    on_progress("looking at the chip", 0.0)
    _check_chip(board, port, len(data))
    options = ["--erase-all"] if erase else []
    arguments = ["--chip", chip, "write-flash", *options, hex(offset), str(image.resolve())]
    said = ""
    for line in _esptool(port, arguments):
        said += line + "\n"
        if part := re.search(r"Writing at .* ([\d.]+)%", line):
            on_progress("writing", float(part[1]) / 100)
        elif "Verifying" in line:
            on_progress("verifying", 1.0)
    if "Hash of data verified" not in said:
        raise VerifyFailed(
            "The flash was not verified",
            why="esptool did not say that it was",
            next="Flash it again, and look at what -vv prints",
        )
    return Flashed(board.name, _CHIPS[chip][0], offset, len(data), "MD5 of the flash, by the chip")


def check_image(board: Board, data: bytes) -> None:
    """Check that `data` is MicroPython for this board's chip, complete, and fits.

    Raises:
        DoesNotFit
    """
    chip = board.hardware["chip"]
    name, number = _CHIPS[chip]
    offset, room = board.hardware["flash"]["offset"], board.hardware["flash"]["app_bytes"]
    build = board.hardware["micropython"]["board"]
    take = (
        f"Take the .bin of MicroPython's board {build} (https://micropython.org/download/{build})"
    )
    if len(data) <= _CHIP_AT + 1 or data[0] != _IMAGE_MAGIC:
        raise DoesNotFit(
            "This is no image for an ESP32", why="it does not begin with E9", next=take
        )
    found = int.from_bytes(data[_CHIP_AT : _CHIP_AT + 2], "little")
    if found != number:
        names = {one: long for long, one in _CHIPS.values()}
        raise DoesNotFit(
            f"This image is not for a {board.name}",
            why=f"it is for {names.get(found, f'chip {found}')}, and the board has {name}",
            next=take,
        )
    table = _TABLE_AT - offset
    if data[table : table + 2] != _TABLE_MAGIC:
        raise DoesNotFit(
            "This image is not complete",
            why="it has no partition table: perhaps it is the application alone, for updates",
            next=take,
        )
    if len(data) > room:
        raise DoesNotFit(
            f"The image does not fit a {board.name}",
            why=f"it has {len(data)} bytes, and there is room for {room}",
            next=take,
        )


def _check_chip(board: Board, port: str, size: int) -> None:
    wanted = _CHIPS[board.hardware["chip"]][0]
    offset = board.hardware["flash"]["offset"]
    said = "\n".join(_esptool(port, ["--chip", "auto", "flash-id"]))
    chip = re.search(r"Connected to (\S+) on", said)
    megabytes = re.search(r"Detected flash size: (\d+)MB", said)
    if chip is None or megabytes is None:
        raise Timeout("The chip did not say what it is", next="Flash it again")
    if chip[1] != wanted:
        raise DoesNotFit(
            f"This is not a {board.name}",
            why=f"its chip is {chip[1]}, and the board has {wanted}",
            next="Name the board that it is, or plug the right one in",
        )
    there = int(megabytes[1]) << 20
    if there < board.hardware["flash_bytes"]:
        why = f"its flash has {there >> 20} MB, and a {board.name} has "
        why += f"{board.hardware['flash_bytes'] >> 20} MB"
        if offset + size > there:
            why += f"; the image ends at {offset + size} bytes"
        raise DoesNotFit("The flash is too small", why=why, next="Plug the right board in")


def _esptool(port: str, arguments: list[str]) -> Iterator[str]:
    """Run esptool, and yield what it prints, line by line.

    Raises:
        NodeError, with the reason, if it fails.
    """
    command = [sys.executable, "-m", "esptool", "--port", address_of(port), "--baud", str(_BAUD)]
    # Wide enough that no line of progress is cut; no colours.
    environment = os.environ | {"COLUMNS": "120", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in _lines(process.stdout):
                said.append(line)
                yield line
        except BaseException:
            process.kill()
            raise
        if process.wait():
            raise _explain(said)


def _lines(stream: IO[str]) -> Iterator[str]:
    # Newlines of every kind are one to a text stream, so progress comes as it is printed.
    for line in stream:
        if line.strip():
            yield line.rstrip()


def _explain(said: list[str]) -> NodeError:
    text = "\n".join(said)
    told = [line.split("occurred: ")[-1] for line in said if "occurred: " in line]
    why = told[0] if told else "\n".join(said[-1:])
    if match := re.search(r"This chip is (\S+), not (\S+)\.", text):
        return DoesNotFit(
            "The chip changed", why=f"it is {match[1]} now", next="Leave the board plugged in"
        )
    if "MD5 of file does not match" in text:
        return VerifyFailed(
            "What is in the flash is not what was sent",
            why="the chip's MD5 of it differs",
            next="Flash it again; if it fails again, the flash is worn out or the power too weak",
        )
    if "serial exception" in text or "Input/output error" in text or "port is busy" in text:
        return Disconnected(
            "The board went away",
            why=why,
            next="Plug it in again, and flash it again: until then it does not start",
        )
    if "Failed to connect" in text or "No serial data" in text or "Wrong boot mode" in text:
        return Timeout(
            "The chip does not answer",
            why=why,
            next="Hold BOOT, press and release RESET, release BOOT, and flash again",
        )
    return Timeout("Flashing failed", why=why, next="Flash it again; -vv shows all that was said")
