"""Put MicroPython onto a board.

    report = flash(boards.load("ESP32_C3"), Path("firmware.bin"), port="serial:/dev/ttyUSB0")

Everything that can be checked is checked before the first byte is written: that the file is an
image, for this chip, complete, and that it fits; then that the board is the one that was named.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from resonode import files
from resonode.boards import Board
from resonode.errors import NodeError
from resonode.flash import drive, esp, uf2
from resonode.flash.report import Flashed

__all__ = ["Flashed", "flash", "read_image"]


def read_image(board: Board, image: Path) -> bytes:
    """Return an image that may be for `board`, as far as that is known without the board.

    Raises:
        NodeError: this board is not flashed at all.
        StoreError: the file cannot be read.
        DoesNotFit: it is no image for this board.
    """
    if not board.real:
        raise NodeError(
            f"{board.name} is not flashed",
            why="it is a board of the rig",
            next="Start it instead: resonode twin, or make emulated",
        )
    data = files.read_named(image, "Name an image that is there")
    kinds = {"esptool": esp, "uf2": uf2, "drive": drive}
    kinds[board.hardware["flash"]["method"]].check_image(board, data)
    return data


def flash(
    board: Board,
    image: Path,
    *,
    port: str | None = None,
    folder: Path | None = None,
    erase: bool = False,
    on_progress: Callable[[str, float], None] = lambda stage, part: None,
) -> Flashed:
    """Write `image` to `board` and see that it arrived.

    Args:
        port: serial port of boards with an ESP32; for a UF2 board whose drive is not mounted, of
            its bootloader, which takes the image by serial DFU.
        folder: where the board's drive is mounted, for boards that show one; else it is looked for.
        erase: all of the flash first, with the files on it (ESP32 only).
        on_progress: called with what is being done, and which part of it is done, 0 to 1.

    Raises:
        DoesNotFit: another chip, another board, or no room; nothing was written.
        NodeNotFound, PortBusy, PortForbidden, Timeout: the board cannot be reached.
        Disconnected: it went away.
        VerifyFailed: what is in the flash is not what was sent.
        MissingExtra: esptool is not installed.
        StoreError: the file cannot be read.
        NodeError: this board is not flashed at all.
    """
    data = read_image(board, image)
    method = board.hardware["flash"]["method"]
    if erase and method != "esptool":
        raise NodeError(
            f"The files of a {board.name} cannot be erased this way",
            why="its image is copied to a drive, which keeps them",
            next="Flash it without --erase",
        )
    if method == "esptool":
        if port is None:
            raise NodeError("Which port?", next="Name it with --port, or in RESONODE_PORT")
        return esp.flash(board, image, data, port, erase, on_progress)
    if method == "uf2":
        return uf2.flash(board, data, folder, port, on_progress)
    return drive.flash(board, data, folder, on_progress)
