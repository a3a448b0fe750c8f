"""Boards with a programmer on them that shows a drive and takes a .hex file (nRF52840 DK).

Source of the file's form: Intel, "Hexadecimal Object File Format Specification" (1988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from resonode.boards import Board
from resonode.errors import DoesNotFit, Incomplete, VerifyFailed
from resonode.flash import mounted
from resonode.flash.report import Flashed

_HOW = (
    "Plug in the USB socket of the board's programmer, and switch it on; its drive appears, or "
    "name it with --drive"
)
_FAIL = "FAIL.TXT"
_PROGRAM_S = 60.0
# The master boot record, which comes with a SoftDevice, is the first page.
_BOOT_RECORD_END = 0x1000


def flash(
    board: Board,
    data: bytes,
    folder: Path | None,
    on_progress: Callable[[str, float], None],
) -> Flashed:
    """See flash.flash()."""
    first, size = check_image(board, data)
    marker = board.hardware["flash"]["marker"]
    drive = mounted.find(marker, folder, _HOW)
    mounted.copy(data, drive / "FIRMWARE.HEX", drive / marker, on_progress)
    on_progress("programming", 1.0)
    # The programmer takes its drive away, programs the chip, and comes back with the result.
    went = mounted.wait_until(
        lambda: not (drive / marker).is_file() or (drive / _FAIL).is_file(), _PROGRAM_S
    )
    came = went and mounted.wait_until((drive / marker).is_file, _PROGRAM_S)
    if (drive / _FAIL).is_file():
        why = (drive / _FAIL).read_text(encoding="ascii", errors="replace").strip()
        raise VerifyFailed(
            "The programmer refused the image",
            why=why,
            next="Update the programmer's own firmware, or program with nrfjprog or pyocd",
        )
    if not came:
        raise Incomplete(
            "The programmer does not come back",
            why=f"its drive {'went away' if went else 'is as it was'} for {_PROGRAM_S:.0f} s",
            next="Unplug it, plug it in, and flash it again",
        )
    return Flashed(board.name, "nRF52840", first, size, "by the board's programmer")


def check_image(board: Board, data: bytes) -> tuple[int, int]:
    """Check that `data` is a whole .hex file for this board; return its first address and size.

    Raises:
        DoesNotFit
    """
    facts = board.hardware["flash"]
    take = "Merge the SoftDevice's .hex and the firmware's .hex into one (mergehex, srec_cat)"
    pieces = list(_records(data))
    if not pieces:
        raise DoesNotFit("The image is empty", next=take)
    first = min(address for address, _size in pieces)
    end = max(address + size for address, size in pieces if address < 0x1000_0000)
    if end > facts["end"]:
        raise DoesNotFit(
            f"The image does not fit a {board.name}",
            why=f"it ends at 0x{end:X}, and the flash at 0x{facts['end']:X}",
            next=take,
        )
    if first >= _BOOT_RECORD_END:
        raise DoesNotFit(
            "There is no SoftDevice in the image",
            why=f"it begins at 0x{first:X}, and the chip would not start",
            next=take,
        )
    return first, sum(size for _address, size in pieces)


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (address, size) of each data record.

    Raises:
        DoesNotFit: no .hex file, a damaged record, or no end.
    """
    base, ended = 0, False
    for number, line in enumerate(data.split(), start=1):
        try:
            record = bytes.fromhex(line[1:].decode("ascii"))
        except ValueError:
            record = b""
        whole = len(record) >= 5 and len(record) == record[0] + 5
        if line[:1] != b":" or not whole or sum(record) & 0xFF:
            why = f"line {number} is damaged" if number > 1 else "its first line is no record"
            raise DoesNotFit("This is no .hex file", why=why, next="Take the .hex, not the .bin")
        address, kind = int.from_bytes(record[1:3], "big"), record[3]
        if kind == 0:
            yield base + address, record[0]
        elif kind in (2, 4):
            base = int.from_bytes(record[4:6], "big") << (4 if kind == 2 else 16)
        ended = kind == 1
    if not ended:
        raise DoesNotFit(
            "The image is not complete", why="it has no last record", next="Copy it again"
        )
