"""What lies in the flash of an emulated board: Python compiled to .mpy, and native modules."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from resonode.deploy.constants import with_constants
from resonode.deploy.files import HOST_ONLY
from resonode_hil.errors import BoardError, explain
from resonode_hil.staging import source_root

ARCH = "armv7emsp"
# As a board has them: of the DSP core, what the firmware calls.
NATIVE_MODULES = {"dsp.mpy": "node/dsp.mpy", "crypto.mpy": "crypto.mpy"}


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
    root = source_root()
    port = Path(__file__).parents[1] / "port" / "qemu"
    sources = {path.name: path for path in port.glob("*.py")}
    for folder in ("firmware", "resonode_wire"):
        for path in (root / folder).rglob("*.py"):
            sources[str(path.relative_to(root))] = path
    for name in HOST_ONLY:
        sources.pop(name, None)
    compile_files(sources, target, as_deployed=True)
    _native_modules(target)
    _board_data(target)
    return target


def frozen_files(target: Path) -> Path:
    """Lay out in `target` what a board needs that has everything else compiled in: its data."""
    _board_data(target)
    return target


def _native_modules(target: Path) -> None:
    for name, built in NATIVE_MODULES.items():
        module = source_root() / "build" / "natmod" / ARCH / built
        if not module.is_file():
            next_step = f"build it: make natmod ARCH={ARCH}"
            raise BoardError(explain("no native module", f"{module} is missing", next_step))
        shutil.copyfile(module, target / name)


def _board_data(target: Path) -> None:
    board = Path("boards") / "QEMU_M4F"
    (target / board).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source_root() / board / "board.json", target / board / "board.json")


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
