"""The flash of an emulated board, seen from outside: a littlefs image in a file.

MicroPython's unix build has littlefs, so it does the work (port/host/flash_tool.py): the very code
that the board itself runs.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from resonode_hil.board import find_micropython
from resonode_hil.errors import BoardError, explain

# An nRF52840's megabyte, less MicroPython and the SoftDevice, leaves about this for files.
FLASH_BYTES = 512 * 1024

_TOOL = Path(__file__).parents[1] / "port" / "host" / "flash_tool.py"


def write_flash(image: Path, files: Path, size: int = FLASH_BYTES) -> None:
    """Make the flash hold the tree `files`, and format it first if the image is not there yet.

    Only what differs is written. Files in the flash that `files` has not are kept, except code
    (.py, .mpy) and board data (.json), which could be imported by mistake.

    Raises:
        BoardError: no room, or the image holds no filesystem.
    """
    _run("write", image, files, str(size))


def read_flash(image: Path, files: Path) -> None:
    """Copy everything in the flash to the folder `files`.

    Raises:
        BoardError: the image holds no filesystem.
    """
    files.mkdir(parents=True, exist_ok=True)
    _run("read", image, files)


def _run(what: str, image: Path, files: Path, *more: str) -> None:
    command = [find_micropython(), "-X", "heapsize=16m", str(_TOOL), what, str(image), str(files)]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it printed nothing"]
        next_step = "remove the image to begin with an empty flash"
        raise BoardError(explain(f"cannot {what} {image}", lines[-1], next_step))
