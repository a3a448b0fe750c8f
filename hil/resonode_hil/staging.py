"""Lay out the files of a virtual board as they lie on a real one.

    <staged>/            the port's files (boot.py ...), dsp.mpy and crypto.mpy
    <staged>/firmware/  <staged>/resonode_wire/  <staged>/boards/VIRTUAL/

Only what changed is copied, and each file appears whole, so any number of boards may stage into
the same folder at once.
"""

from __future__ import annotations

import filecmp
import os
import platform
import shutil
import tempfile
from pathlib import Path

from resonode.deploy.files import NATIVE_MODULES
from resonode_hil.errors import BoardError, explain

# MicroPython's native architecture by the machine it runs on.
NATIVE_ARCH = {"x86_64": "x64", "AMD64": "x64"}

_SOURCES = ("firmware", "resonode_wire", "boards/VIRTUAL")
_SUFFIXES = (".py", ".json", ".mpy")


def source_root() -> Path:
    """Return the checkout this rig runs from.

    Raises:
        BoardError: the rig is installed without one; a virtual board runs the firmware's sources.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "firmware").is_dir():
        why = f"no firmware/ in {root}"
        raise BoardError(explain("no firmware to run", why, "run the rig from a checkout"))
    return root


def stage(staged: Path | None = None, root: Path | None = None) -> Path:
    """Bring the board's files up to date and return their folder, default build/virtual.

    Raises:
        BoardError: a part is missing, with the command that makes it.
    """
    root = root or source_root()
    staged = staged or root / "build" / "virtual"
    wanted = _wanted(root)
    for name, source in wanted.items():
        _copy_if_changed(source, staged / name)
    _remove_others(staged, set(wanted))
    return staged


def _wanted(root: Path) -> dict[str, Path]:
    """Return every file of the board: its place there -> its source."""
    files: dict[str, Path] = {
        name: _native_module(root, built) for name, built in NATIVE_MODULES.items()
    }
    for folder in _SOURCES:
        for source in sorted((root / folder).rglob("*")):
            if source.suffix in _SUFFIXES:
                files[str(source.relative_to(root))] = source
    for source in sorted((Path(__file__).parent / "port").glob("*.py")):
        files[str(source.relative_to(Path(__file__).parent / "port"))] = source
    return files


def _native_module(root: Path, name: str) -> Path:
    arch = NATIVE_ARCH.get(platform.machine())
    if arch is None:
        why = f"no native modules for {platform.machine()}"
        raise BoardError(explain("cannot run a virtual board", why, "use an x86-64 machine"))
    module = root / "build" / "natmod" / arch / name
    if not module.is_file():
        next_step = f"build it: make natmod ARCH={arch}"
        raise BoardError(explain("cannot run a virtual board", f"{module} is missing", next_step))
    return module


def _copy_if_changed(source: Path, target: Path) -> None:
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".staging-")
    os.close(handle)
    try:
        shutil.copyfile(source, temporary)
        os.chmod(temporary, 0o444)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _remove_others(staged: Path, wanted: set[str]) -> None:
    """Remove what no longer exists in the sources, so that it cannot be imported by mistake."""
    for path in staged.rglob("*"):
        if path.suffix in _SUFFIXES and str(path.relative_to(staged)) not in wanted:
            path.unlink(missing_ok=True)
