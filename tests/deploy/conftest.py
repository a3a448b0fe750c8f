"""Emulated boards to deploy onto: MicroPython on a Cortex-M4F, and its prompt behind a pty."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import serial

from resonode import boards
from resonode.deploy import Deployed, deploy
from resonode.deploy.prompt import is_open
from resonode.trust.access import Trust
from resonode_hil.board import VirtualBoard
from resonode_hil.commissioning import own, own_trust
from resonode_hil.emulated import EmulatedBoard
from resonode_hil.machine import default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from tools import emulated

ROOT = Path(__file__).resolve().parents[2]
BOARD = boards.load("QEMU_M4F")
# All bytecode and native code in RAM take more than an nRF52840 has; the flash is an ESP32's.
HEAP, FLASH = 512 * 1024, 2 * 1024 * 1024

NODE_ID = "00000000c0ffee00"
# What a new file system has, as an ESP32 makes it.
IDLE_BOOT = "# This file is executed on every boot\n#import esp\n"


class Chip(EmulatedBoard):
    """A board whose flash is never touched from outside once it was made."""

    def start(self) -> None:
        if self.image.is_file():
            VirtualBoard.start(self)
        else:
            super().start()

    def power_cycle(self) -> None:
        """Cut the power, and switch it on again."""
        self.kill()
        self.start()

    def press(self, stage: str, _part: float) -> None:
        """Do what `deploy` asks for: press the reset button."""
        if "reset button" in stage:
            self.power_cycle()

    def to_prompt(self) -> None:
        """Switch it on anew and knock, as often as it takes on a busy computer."""
        for _attempt in range(20):
            self.power_cycle()
            for _knocks in range(4):
                if is_open(self.port):
                    return
        raise AssertionError("its prompt does not open")

    def greeting(self, timeout_s: float = 20.0) -> str:
        """Return what the board says after power-on, to the end of the firmware's greeting."""
        return self.start_under(b"", timeout_s)

    def start_under(self, bytes_sent: bytes, timeout_s: float = 20.0) -> str:
        """The same, while somebody sends these bytes again and again from before power-on."""
        self.kill()
        said, deadline_s = b"", time.monotonic() + timeout_s
        with serial.Serial(self.port, timeout=0.002, write_timeout=0) as port:
            self.start()
            while GREETED not in said and time.monotonic() < deadline_s:
                port.write(bytes_sent)
                said += port.read(4096)
        return said.decode(errors="replace")


# How the firmware's first line ends.
GREETED = b" profile\n"
ChipFactory = Callable[..., Chip]


@pytest.fixture(scope="session")
def native_modules() -> None:
    emulated.build("stock")
    emulated.native_module("crypto", "armv7emsp")
    emulated.native_module("dsp", "armv7emsp")


@pytest.fixture(scope="session")
def rig_files(native_modules: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies on a board with nothing but MicroPython."""
    files = tmp_path_factory.mktemp("chip")
    (files / "boot.py").write_text(IDLE_BOOT)
    (files / "board_id").write_text(json.dumps({"node_id": NODE_ID}))
    return files


def new_chip(directory: Path, files: Path, **options: Any) -> Chip:
    """Return a board that is switched off."""
    options = {"heap_bytes": HEAP, "flash_bytes": FLASH} | options
    return Chip(directory, {0: Iis3dwb(default_machine())}, files=files, **options)


@pytest.fixture
def chip(rig_files: Path, tmp_path: Path) -> Iterator[ChipFactory]:
    """Return a function that switches on a board with nothing but MicroPython."""
    with ExitStack() as stack:

        def start(**options: Any) -> Chip:
            board = new_chip(tmp_path / "board", rig_files, **options)
            stack.enter_context(board)
            return board

        yield start


@pytest.fixture(scope="session")
def first_time(
    rig_files: Path, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Deployed, bytes]:
    """The report of a first deployment, and the board's flash after it."""
    board = new_chip(tmp_path_factory.mktemp("deployed"), rig_files)
    with board:
        report = deploy(BOARD, board.port, source=source)
    return report, board.image.read_bytes()


def chip_with(flash: bytes, directory: Path, files: Path) -> Chip:
    """Return a board, switched off, that holds what was in another one's flash."""
    board = new_chip(directory, files)
    board.image.parent.mkdir(parents=True)
    board.image.write_bytes(flash)
    return board


@pytest.fixture
def deployed(rig_files: Path, first_time: tuple[Deployed, bytes], tmp_path: Path) -> Iterator[Chip]:
    """A board that runs what was deployed."""
    board = chip_with(first_time[1], tmp_path / "deployed", rig_files)
    with board:
        yield board


@pytest.fixture(scope="session")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Whose boards the claimed ones are."""
    return own_trust(tmp_path_factory.mktemp("owner"))


@pytest.fixture(scope="session")
def claimed_flash(
    rig_files: Path,
    first_time: tuple[Deployed, bytes],
    owner: Trust,
    tmp_path_factory: pytest.TempPathFactory,
) -> bytes:
    board = chip_with(first_time[1], tmp_path_factory.mktemp("claimed"), rig_files)
    with board:
        assert asyncio.run(own(board, owner)) is not None
        board.kill()
        return board.image.read_bytes()


@pytest.fixture
def claimed(rig_files: Path, claimed_flash: bytes, tmp_path: Path) -> Iterator[Chip]:
    """A deployed board that `owner` has commissioned."""
    board = chip_with(claimed_flash, tmp_path / "claimed", rig_files)
    with board:
        yield board


@pytest.fixture(scope="session")
def source(native_modules: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that stays as it is while the tests run."""
    copy = tmp_path_factory.mktemp("checkout")
    for part in ("firmware", "resonode_wire", "boards/QEMU_M4F"):
        shutil.copytree(ROOT / part, copy / part)
    for module in ("node/dsp.mpy", "crypto.mpy"):
        built = Path("build/natmod/armv7emsp") / module
        (copy / built).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / built, copy / built)
    return copy


@pytest.fixture
def other_source(source: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a checkout with other firmware: `change(its root)`."""

    def make(change: Callable[[Path], object]) -> Path:
        other = tmp_path / "other"
        shutil.copytree(source, other)
        change(other)
        return other

    return make


def version(text: str) -> Callable[[Path], object]:
    """A change of the firmware's version, which it greets with."""

    def change(source: Path) -> None:
        path = source / "firmware" / "__init__.py"
        lines = path.read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("VERSION"))
        lines[at] = f'VERSION = "{text}"'
        path.write_text("\n".join(lines) + "\n")

    return change
