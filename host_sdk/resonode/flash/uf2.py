"""UF2 bootloaders: a file copied onto the drive that the board shows.

Source: Microsoft, "USB Flashing Format (UF2)".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resonode.boards import Board
from resonode.errors import DoesNotFit, Incomplete, NodeNotFound
from resonode.flash import dfu, mounted
from resonode.flash.report import Flashed

_INFO = "INFO_UF2.TXT"
_HOW = (
    "Press the board's reset button twice, quickly; its drive appears (mount it: udisksctl mount "
    "-b /dev/sdX), or name it with --drive"
)
_BLOCK, _HEAD = 512, 32
_MAGIC, _MAGIC_END = (0x0A324655, 0x9E5D5157), 0x0AB16F30
_HAS_FAMILY = 0x2000
_RESTART_S = 20.0


def flash(
    board: Board,
    data: bytes,
    folder: Path | None,
    port: str | None,
    on_progress: Callable[[str, float], None],
) -> Flashed:
    """See flash.flash(). Without a drive the image goes to the port, by serial DFU."""
    facts = board.hardware["flash"]
    where = check_image(board, data)
    first, size = min(where), sum(len(piece) for piece in where.values())
    try:
        drive = mounted.find(_INFO, folder, _HOW)
    except NodeNotFound:
        if port is None or folder is not None:
            raise
        return dfu.flash(board, first, _joined(where), port, on_progress)
    info = (drive / _INFO).read_text(encoding="ascii", errors="replace")
    _check_board(board, info, facts)
    mounted.copy(data, drive / "FIRMWARE.UF2", drive / _INFO, on_progress)
    on_progress("restarting", 1.0)
    if not mounted.wait_until(lambda: not (drive / _INFO).is_file(), _RESTART_S):
        raise Incomplete(
            "The board did not restart",
            why=f"its drive is still there {_RESTART_S:.0f} s after the last byte",
            next="Flash it again; if that does not help, its loader took another file than ours",
        )
    return Flashed(
        board.name, "nRF52840", first, size, "the loader counted the blocks, and restarted"
    )


def _joined(where: dict[int, bytes]) -> bytes:
    """Return the image as one piece, with what lies between the blocks as if erased."""
    first = min(where)
    image = bytearray(b"\xff" * (max(at + len(piece) for at, piece in where.items()) - first))
    for at, piece in where.items():
        image[at - first : at - first + len(piece)] = piece
    return bytes(image)


def check_image(board: Board, data: bytes) -> dict[int, bytes]:
    """Check that `data` is a complete UF2 file for this board; return its pieces by address.

    Raises:
        DoesNotFit
    """
    facts = board.hardware["flash"]
    family = int(facts["family"], 0)
    take = f"Build the image as the head of boards/{board.name}/micropython/mpconfigboard.mk says"
    if not data or len(data) % _BLOCK:
        raise DoesNotFit("This is no UF2 file", why=f"it has {len(data)} bytes", next=take)
    where: dict[int, bytes] = {}
    numbers: set[int] = set()
    total = 0
    for at in range(0, len(data), _BLOCK):
        head = struct.unpack_from("<8I", data, at)
        *magic, flags, address, size, number, total, found = head
        (end,) = struct.unpack_from("<I", data, at + _BLOCK - 4)
        if tuple(magic) != _MAGIC or end != _MAGIC_END:
            why = f"there is no block at byte {at}"
            raise DoesNotFit("This is no UF2 file", why=why, next=take)
        if not flags & _HAS_FAMILY or found != family:
            named = f"0x{found:08X}" if flags & _HAS_FAMILY else "none"
            raise DoesNotFit(
                f"This image is not for a {board.name}",
                why=f"its family is {named}, and the board's is 0x{family:08X}",
                next=take,
            )
        if not facts["first"] <= address <= facts["end"] - size:
            raise DoesNotFit(
                f"The image does not fit a {board.name}",
                why=f"it writes to 0x{address:X}, and the application lies between "
                f"0x{facts['first']:X} and 0x{facts['end']:X}",
                next=take,
            )
        where[address] = data[at + _HEAD : at + _HEAD + size]
        numbers.add(number)
    if numbers != set(range(total)):
        why = f"{len(numbers)} of {total} blocks are there"
        raise DoesNotFit("The image is not complete", why=why, next=take)
    return where


def _check_board(board: Board, info: str, facts: dict[str, Any]) -> None:
    found = re.search(r"^Board-ID: *(.*?)\s*$", info, re.MULTILINE)
    there = found[1] if found else "nothing"
    if there not in facts["board_ids"]:
        raise DoesNotFit(
            f"This is not a {board.name}",
            why=f"it calls itself {there}, not {' or '.join(facts['board_ids'])}",
            next="Name the board that it is, or plug the right one in",
        )
    found = re.search(r"^SoftDevice: *(.*?)\s*$", info, re.MULTILINE)
    there = found[1] if found else "nothing"
    wanted = (facts["softdevice"], facts["softdevice_version"])
    # "S140 7.3.0" and, from older loaders, "S140 version 7.3.0".
    if not all(word in there.replace("version", "").split() for word in wanted):
        raise DoesNotFit(
            "The board has not the SoftDevice that the image needs",
            why=f"it has {there}, and {' '.join(wanted)} is needed",
            next="Copy the maker's update of the bootloader with SoftDevice onto its drive first",
        )
