"""Does what is to be deployed fit this board? Asked before anything is copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonode.boards import Board
from resonode.deploy import files
from resonode.errors import DoesNotFit

# Bytes of heap that a byte of a loaded .mpy file takes, Python and native: 1.78 and 1.02 on the
# emulated Cortex-M4F (tests/deploy), and a little more.
HEAP_PER_BYTE, HEAP_PER_NATIVE_BYTE = 1.85, 1.1
# littlefs keeps two blocks for a folder; the pointer to the slots and main.py are files too.
_BLOCKS_OF_A_FOLDER, _SPARE_BLOCKS = 2, 6


@dataclass(frozen=True)
class OnBoard:
    """What the board says about itself (on_board/receiver.py, probe).

    `slot` are the words of /slot, `boards` which slot holds data of which boards, `main` the hash
    of main.py, `boot` whether there is a boot.py: empty, idle or busy.
    """

    version: tuple[int, int, int]
    machine: str
    abi: files.Abi
    heap_bytes: int
    heap_free: int
    block: int
    files_free: int
    slot: list[str]
    boards: list[tuple[str, list[str]]]
    main: str
    boot: str

    @classmethod
    def of(cls, facts: dict[str, Any]) -> OnBoard:
        """Return it from what `probe` printed."""
        major, minor, patch = facts["version"]
        return cls(
            (major, minor, patch),
            facts["machine"],
            files.abi_of_board(facts["mpy"]),
            facts["heap"],
            facts["heap_free"],
            facts["block"],
            facts["files_free"],
            facts["slot"].split(),
            [(slot, names) for slot, names in facts["boards"]],
            facts["main"],
            facts["boot"],
        )

    @property
    def version_text(self) -> str:
        """Its MicroPython, in words."""
        return "MicroPython " + ".".join(map(str, self.version))


def check_version(board: Board, there: OnBoard) -> None:
    """Check the version of MicroPython.

    Raises:
        DoesNotFit
    """
    if there.version[:2] < board.micropython_min:
        major, minor = board.micropython_min
        raise DoesNotFit(
            f"The board has {there.version_text}",
            why=f"a {board.name} needs MicroPython {major}.{minor} or later",
            next=_flash(board),
        )


def check_chip(board: Board, there: OnBoard) -> None:
    """Check that its chip is one that the named board's native code runs on.

    Raises:
        DoesNotFit
    """
    if not board.frozen and there.abi.arch != board.node["arch"]:
        raise DoesNotFit(
            f"The board on this port is no {board.name}",
            why=f"its {there.machine} runs native code for {there.abi.arch}, "
            f"that of {board.name} is for {board.node['arch']}",
            next="Name the board that it is, or another port",
        )


def check_abi(board: Board, there: OnBoard, wanted: dict[str, bytes]) -> None:
    """Check that the board can load every .mpy file.

    Raises:
        DoesNotFit
    """
    for name, data in sorted(wanted.items()):
        if not name.endswith(".mpy"):
            continue
        abi = files.abi_of_file(data)
        if abi.arch == "none":
            fits = abi.major == there.abi.major
        else:
            fits = abi == there.abi
        if not fits:
            # An old module in build/ is mended there; another chip only by another board.
            stale = (abi.major, abi.minor) != (there.abi.major, there.abi.minor)
            rebuild = f"or build the modules again: make natmod ARCH={board.node['arch']}"
            raise DoesNotFit(
                f"The board's {there.version_text} loads {there.abi}",
                why=f"{name} is {abi}",
                next=f"{_flash(board)}, {rebuild}" if stale else "Name the board that it is",
            )


def check_memory(board: Board, there: OnBoard, needed: int) -> None:
    """Check that the firmware finds the RAM it needs.

    Raises:
        DoesNotFit
    """
    if needed > there.heap_free:
        raise DoesNotFit(
            "The board has too little RAM",
            why=f"{there.heap_free} bytes of heap are free, and the firmware needs {needed}",
            next="Use a board or a module with more RAM (PSRAM), or MicroPython with the firmware "
            f"frozen in; or lower buffer_bytes in boards/{board.name}/board.json",
        )


def check_room(there: OnBoard, sizes: dict[str, int], freed: int) -> None:
    """Check that there is room in flash for files of these sizes, `freed` bytes being made free.

    Raises:
        DoesNotFit
    """
    folders = {parent for name in sizes for parent in PurePosixPath(name).parents}
    blocks = sum(-(-size // there.block) for size in sizes.values())
    blocks += _BLOCKS_OF_A_FOLDER * len(folders) + _SPARE_BLOCKS
    needed, free = blocks * there.block, there.files_free + freed
    if needed > free:
        raise DoesNotFit(
            "The board has too little room for files",
            why=f"{free} bytes are or can be made free, and {needed} are needed",
            next="Remove files of your own from the board: mpremote fs ls, mpremote fs rm",
        )


def heap_needed(board: Board, wanted: dict[str, bytes], loaded: set[str]) -> int:
    """Return the bytes of heap that loaded code, buffers and stored records take."""
    needed = float(board.node["buffer_bytes"] + board.node["store_bytes"])
    for name in loaded & set(wanted):
        data = wanted[name]
        native = files.abi_of_file(data).arch != "none" and "/" not in name
        needed += len(data) * (HEAP_PER_NATIVE_BYTE if native else HEAP_PER_BYTE)
    return int(needed)


def _flash(board: Board) -> str:
    if not board.real:
        return "Build it: make emulated"
    return f"Flash one that fits: resonode flash {board.name} IMAGE"
