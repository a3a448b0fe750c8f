"""The heap that each module of the firmware takes: python -m resonode_hil.emulated.ram [romfs]

Imports them one by one on the emulated chip, each after those that it needs, with the heap cleared
before and after, and prints bytes, largest first. `romfs`: with bytecode run in place, not in RAM.
The table of names grows in steps, of which whoever comes last pays the whole. What is loaded for a
moment and forgotten (firmware/passing.py) is not in the list.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path, PurePosixPath

from resonode import boards
from resonode.deploy.files import imports_of, loaded
from resonode.deploy.prompt import Prompt
from resonode_hil.emulated.board import EmulatedBoard
from resonode_hil.emulated.files import romfs_files, stock_files
from resonode_hil.staging import source_root

# All code in RAM takes more than the chip has.
_HEAP_BYTES = 512 * 1024

_MEASURE = """
import gc, json
def free():
    gc.collect()
    return gc.mem_free()
import asyncio
asyncio.StreamReader, asyncio.Event, asyncio.wait_for, asyncio.ThreadSafeFlag
taken = []
for name in NAMES:
    before = free()
    __import__(name)
    taken.append([before - free(), name])
print(json.dumps(taken))
"""


def in_order() -> list[str]:
    """Return the modules that stay in memory, each after those that it imports."""
    source, found = source_root(), list[str]()
    names = {_module(place) for place in loaded(boards.load("QEMU_M4F"), source)}

    def visit(name: str) -> None:
        names.discard(name)
        path = source / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for needed in imports_of(path) if path.is_file() else ():
            if needed in names:
                visit(needed)
        found.append(name)

    for name in sorted(names):
        if name in names:
            visit(name)
    return found


def _module(place: str) -> str:
    path = PurePosixPath(place)
    path = path.parent if path.stem == "__init__" else path.with_suffix("")
    return path.as_posix().replace("/", ".")


def measure(romfs: bool = False) -> dict[str, int]:
    """Return bytes of heap by module."""
    with tempfile.TemporaryDirectory() as folder:
        files, directory = Path(folder, "files"), Path(folder, "board")
        files.mkdir()
        (directory / "flash").mkdir(parents=True)
        if romfs:
            romfs_files(files, directory / "flash" / "rom.img")
        else:
            stock_files(files)
        (files / "boot.py").unlink()
        with (
            EmulatedBoard(directory, files=files, heap_bytes=_HEAP_BYTES) as board,
            Prompt(board.port) as prompt,
        ):
            taken = json.loads(prompt.run(_MEASURE.replace("NAMES", repr(in_order()))))
    return {name: count for count, name in taken}


def main(arguments: list[str]) -> int:
    taken = measure("romfs" in arguments)
    for name in sorted(taken, key=lambda one: -taken[one]):
        print(f"{taken[name]:7d}  {name}")
    native = taken["dsp"] + taken["crypto"]
    print(f"{sum(taken.values()):7d}  in all, {native} of them native code")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
