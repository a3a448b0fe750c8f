"""Drives that boards show: finding one, copying to it, and seeing what became of it."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from resonode.errors import Disconnected, DoesNotFit, NodeNotFound

_PIECE = 64 * 1024
_POLL_S = 0.05


def find(marker: str, folder: Path | None, how: str) -> Path:
    """Return the drive that has the file `marker`: `folder`, or the only one mounted.

    Args:
        how: what to do to make the board show its drive.

    Raises:
        NodeNotFound: there is none, or more than one.
    """
    if folder is not None:
        if (folder / marker).is_file():
            return folder
        why = f"it has no {marker}" if folder.is_dir() else "there is no such folder"
        raise NodeNotFound(f"{folder} is not the drive of the board", why=why, next=how)
    found = [place for place in _mounted() if (place / marker).is_file()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NodeNotFound("No drive of a board was found", why=f"none has {marker}", next=how)
    names = ", ".join(str(place) for place in found)
    raise NodeNotFound(
        "Which drive?", why=f"there are {len(found)}: {names}", next="Name one with --drive"
    )


def _mounted() -> list[Path]:
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").iterdir())
    mounts = Path("/proc/mounts")
    lines = mounts.read_text(encoding="utf-8").splitlines() if mounts.is_file() else []
    rows = [line.split() for line in lines]
    # Spaces in a path are written as octal.
    return [Path(row[1].replace("\\040", " ")) for row in rows if row[2] in ("vfat", "msdos")]


def copy(
    data: bytes, target: Path, marker: Path, on_progress: Callable[[str, float], None]
) -> None:
    """Write `data` to a file on a drive, down to the device.

    Args:
        marker: a file that is there as long as the drive is.

    Raises:
        Disconnected: the drive went away before all was written.
        DoesNotFit: there is no room on it.
    """
    written = 0
    try:
        with open(target, "wb", buffering=0) as file:
            while written < len(data):
                if not marker.is_file():
                    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
                written += file.write(data[written : written + _PIECE])
                os.fsync(file.fileno())
                on_progress("writing", written / len(data))
    except OSError as error:
        # The board restarts as soon as it has the last block, sometimes before the drive is asked.
        if written >= len(data):
            return
        if error.errno == errno.ENOSPC:
            why = f"{written} of {len(data)} bytes found room"
            raise DoesNotFit("The drive is full", why=why, next="Take the right image") from error
        raise Disconnected(
            "The drive went away",
            why=f"{written} of {len(data)} bytes were written ({error.strerror})",
            next="Plug the board in, start its loader and flash it again",
        ) from error


def wait_until(true: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `true()`, and tell whether it became so in time."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    return True
