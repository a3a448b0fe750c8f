"""What lies in the flash of an emulated board: Python compiled to .mpy, and native modules."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resonode.deploy.constants import with_constants
from resonode.deploy.files import HOST_ONLY, NATIVE_MODULES
from resonode_hil.errors import BoardError, explain
from resonode_hil.staging import source_root

ARCH = "armv7emsp"
# Native code and objects take what a frozen build has for data, so a board with a ROMFS has less:
# bearing damage is what its memory goes to.
ROMFS_MEMORY: Mapping[str, Any] = {
    "buffer_bytes": 28672,
    "store_bytes": 8192,
    "config": {
        "outputs": ["features", "envelope"],
        "window": 256,
        "envelope_points": 512,
        "watermark": 128,
    },
}


def mpy_cross() -> Path:
    """MicroPython's cross compiler, as `make emulated` builds it."""
    return _built(source_root() / "build" / "emulated" / "mpy-cross" / "mpy-cross")


def firmware_elf(kind: str) -> Path:
    """MicroPython for the board, as `make emulated` builds it: `stock` or `frozen`."""
    return _built(source_root() / "build" / "emulated" / kind / "firmware.elf")


def _built(path: Path) -> Path:
    if not path.is_file():
        next_step = "build it: make emulated"
        raise BoardError(explain("no emulated board", f"{path} is missing", next_step))
    return path


def stock_files(target: Path) -> Path:
    """Lay out in `target` all that a board without anything of ours in its MicroPython needs.

    Raises:
        BoardError: a part is missing, or does not compile.
    """
    _code(target)
    return _own_files(target)


def romfs_files(target: Path, image: Path) -> Path:
    """As stock_files, but the code goes into an image of a ROMFS partition, and runs from there.

    Raises:
        BoardError: as stock_files, or mpremote makes no image of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        _code(Path(folder))
        command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "-o", str(image)]
        done = subprocess.run(
            [*command, "build", folder], capture_output=True, text=True, check=False
        )
    if done.returncode:
        why = (done.stdout + done.stderr).strip()
        raise BoardError(explain("no ROMFS image", why, "install mpremote 1.25 or later"))
    return _own_files(target, ROMFS_MEMORY)


def frozen_files(target: Path) -> Path:
    """Lay out in `target` what a board needs that has everything else compiled in: its data."""
    return _board_data(target)


def _own_files(target: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """What lies beside the code: boot.py and the board's data."""
    port = Path(__file__).parents[1] / "port" / "qemu"
    shutil.copyfile(port / "boot.py", target / "boot.py")
    return _board_data(target, changes)


def _code(target: Path) -> None:
    root = source_root()
    sources: dict[str, Path] = {}
    for folder in ("firmware", "resonode_wire"):
        for path in (root / folder).rglob("*.py"):
            sources[str(path.relative_to(root))] = path
    for name in HOST_ONLY:
        sources.pop(name, None)
    compile_files(sources, target, as_deployed=True)
    _native_modules(target)


def _native_modules(target: Path) -> None:
    for name, built in NATIVE_MODULES.items():
        module = source_root() / "build" / "natmod" / ARCH / built
        if not module.is_file():
            next_step = f"build it: make natmod ARCH={ARCH}"
            raise BoardError(explain("no native module", f"{module} is missing", next_step))
        shutil.copyfile(module, target / name)


def _board_data(target: Path, changes: Mapping[str, Any] | None = None) -> Path:
    place = Path("boards") / "QEMU_M4F" / "board.json"
    data = json.loads((source_root() / place).read_text(encoding="utf-8"))
    (target / place.parent).mkdir(parents=True, exist_ok=True)
    (target / place).write_text(json.dumps({**data, **(changes or {})}), encoding="utf-8")
    return target


def compile_files(
    sources: Mapping[str, Path], target: Path, as_deployed: bool = False, arch: str = ARCH
) -> None:
    """Compile each source to its place below `target`. boot.py and main.py are copied as they are:
    MicroPython looks for them by these names.

    Args:
        arch: whose machine code `@native` and `@viper` become.
        as_deployed: made small as by `resonode deploy`: without asserts and line numbers, with
            constants put in where they are used; else all is kept, for tests.
    """
    cross = mpy_cross()
    for name, source in sources.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if name in ("boot.py", "main.py"):
            shutil.copyfile(source, place)
            continue
        # -s: what a traceback says; without it the path of this machine would be in the file.
        command = [str(cross), f"-march={arch}", "-s", name, "-o", str(place.with_suffix(".mpy"))]
        text = source.read_text(encoding="utf-8")
        if as_deployed:
            command.append("-O3")
            text = with_constants(text)
        done = subprocess.run(
            [*command, "-"], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            why = (done.stdout + done.stderr).strip()
            raise BoardError(explain(f"{name} does not compile", why, "mend it"))
