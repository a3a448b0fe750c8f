"""The drive of a UF2 bootloader: a folder that takes one file, programs it, and goes away.

Source: Microsoft, "USB Flashing Format (UF2)", and the behaviour of Adafruit's nRF52 bootloader:
blocks of another family, or outside of the application's flash, are ignored; when as many blocks
as the file says have come, the board restarts and the drive is gone.
"""

from __future__ import annotations

import shutil
import struct
import threading
from pathlib import Path
from types import TracebackType

_BLOCK = 512
_MAGIC = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_POLL_S = 0.01


class Uf2Drive:
    """`with Uf2Drive(folder, ...)`: the folder is the drive while the board waits.

    Args:
        board_id, softdevice: what INFO_UF2.TXT says.
        family: whose blocks are taken.
        first, end: the addresses that may be written.

    `flash` is what was programmed, by address; `restarted` is set when the board ran it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        board_id: str,
        softdevice: str,
        family: int,
        first: int,
        end: int,
    ) -> None:
        self.folder = folder
        self.flash: dict[int, bytes] = {}
        self.restarted = threading.Event()
        self._family, self._first, self._end = family, first, end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        folder.mkdir(parents=True)
        info = "UF2 Bootloader 0.9.2 lib/nrfx (v2.0.0) lib/tinyusb (0.12.0)\r\n"
        info += f"Model: a stand-in\r\nBoard-ID: {board_id}\r\nDate: Jul 19 2024\r\n"
        (folder / "INFO_UF2.TXT").write_text(info + f"SoftDevice: {softdevice}\r\n")

    def __enter__(self) -> Uf2Drive:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_S):
            for path in self.folder.glob("*.[uU][fF]2"):
                if self._program(path.read_bytes()):
                    self.restarted.set()
                    shutil.rmtree(self.folder)
                    return

    def _program(self, data: bytes) -> bool:
        """Take what is there, and tell whether all of it is."""
        seen, total = set(), None
        for at in range(0, len(data) - _BLOCK + 1, _BLOCK):
            block = data[at : at + _BLOCK]
            *magic, flags, address, size, number, count, family = struct.unpack("<8I", block[:32])
            if tuple(magic) != _MAGIC or struct.unpack("<I", block[-4:])[0] != _MAGIC_END:
                continue
            if not flags & 0x2000 or family != self._family:
                continue
            if not self._first <= address <= self._end - size:
                continue
            self.flash[address] = block[32 : 32 + size]
            seen.add(number)
            total = count
        return total is not None and len(seen) == total
