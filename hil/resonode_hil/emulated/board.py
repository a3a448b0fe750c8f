"""QEMU_M4F: the firmware on an emulated Cortex-M4F, behind the same pty and bus as a virtual board.

    with EmulatedBoard(tmp_path, {0: Iis3dwb(default_machine())}) as board:
        serial.Serial(board.port) ...

The board's `flash` folder on this computer is QEMU's working directory. It holds flash.img, which
is the chip's flash, and `board_id`. The console is UART 0 on the pty, the bus channel UART 1 on
the same socket that a virtual board has, the radio UART 2.

It has no other time than the rig's. Under a Lockstep that has a host, give that a speed: else the
board's idle time flies, and with it what it grants the host for an answer.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from resonode_hil.board import VirtualBoard
from resonode_hil.bus import Chip
from resonode_hil.emulated.files import firmware_elf, frozen_files, romfs_files, stock_files
from resonode_hil.emulated.flash import FLASH_BYTES, write_flash
from resonode_hil.errors import BoardError, explain

QEMU = "qemu-system-arm"
HEAP_BYTES = 184 * 1024  # of an nRF52840, and of the board unless it is told otherwise

# Of which MicroPython a build is.
_MICROPYTHON = {"stock": "stock", "romfs": "stock", "frozen": "frozen", "profile": "profile"}

# Ends the emulator when the rig is gone, in whatever way: the rig holds the other end of its input.
_LEASH = 'cat; kill -9 "$0"'


class EmulatedBoard(VirtualBoard):
    """One node on an emulated chip.

    Args:
        directory, chips, and the other options: as of VirtualBoard.
        build: `stock` (our .mpy files in flash, loaded into RAM), `romfs` (the same files in a
            ROMFS partition, where bytecode runs in place) or `frozen` (all of it compiled in).
        files: folder with what is put into flash, default what the build needs.
        heap_bytes: MicroPython's heap; more than the chip has is for tests that need it.
        flash_bytes: size of a flash that is made anew.
        at_flash: its file system is mounted at /flash, as upstream's nRF port does, not at /.
        radio: the other end of the radio channel, if anybody listens there.
        options: more of QEMU's.
    """

    def __init__(
        self,
        directory: str | Path,
        chips: Mapping[int, Chip] | None = None,
        *,
        build: str = "stock",
        files: Path | None = None,
        heap_bytes: int = HEAP_BYTES,
        flash_bytes: int = FLASH_BYTES,
        at_flash: bool = False,
        radio: socket.socket | None = None,
        options: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        self._build = build
        self._files = files
        self._heap_bytes = heap_bytes
        self._flash_bytes = flash_bytes
        self._at_flash = at_flash
        self._radio = radio
        self._options = options
        self._leash: subprocess.Popen[bytes] | None = None
        # Nothing of the virtual board's own files is used.
        super().__init__(directory, chips, staged=Path(directory), **more)

    @property
    def image(self) -> Path:
        """The flash."""
        return self.flash_dir / "flash.img"

    def start(self) -> None:
        if not self.running:
            self.flash_dir.mkdir(parents=True, exist_ok=True)
            write_flash(self.image, self._files or self._default_files(), self._flash_bytes)
        super().start()

    def _default_files(self) -> Path:
        files = self.directory / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir(parents=True)
        if self._build == "romfs":
            return romfs_files(files, self.flash_dir / "rom.img")
        return stock_files(files) if self._build == "stock" else frozen_files(files)

    def _popen(
        self, micropython: str, staged: Path, bus: socket.socket, log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        if shutil.which(QEMU) is None:
            next_step = "install it (Debian: apt-get install qemu-system-arm)"
            raise BoardError(explain("no emulated board", f"{QEMU} was not found", next_step))
        self._let_go()
        process = subprocess.Popen(
            self._qemu(bus),
            pass_fds=self._channels(bus),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.flash_dir,
            env={**os.environ, **self._env},
            start_new_session=True,
        )
        self._leash = subprocess.Popen(
            ["/bin/sh", "-c", _LEASH, str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return process

    def _qemu(self, bus: socket.socket) -> list[str]:
        command = [QEMU, "-M", "mps2-an386", "-display", "none", "-monitor", "none"]
        command += ["-kernel", str(firmware_elf(_MICROPYTHON[self._build]).resolve())]
        command += ["-semihosting-config"]
        arguments = f"arg=resonode,arg=heap={self._heap_bytes},arg=flash={int(self._at_flash)}"
        command += [f"enable=on,target=native,{arguments}"]
        command += ["-add-fd", f"fd={self._master},set=1"]
        command += ["-chardev", "serial,id=console,path=/dev/fdset/1", "-serial", "chardev:console"]
        command += ["-chardev", f"socket,id=bus,fd={bus.fileno()}", "-serial", "chardev:bus"]
        radio = "null"
        if self._radio is not None:
            command += ["-chardev", f"socket,id=radio,fd={self._radio.fileno()}"]
            radio = "chardev:radio"
        return [*command, "-serial", radio, *self._options]

    def _channels(self, bus: socket.socket) -> tuple[int, ...]:
        radio = () if self._radio is None else (self._radio.fileno(),)
        return (self._master, bus.fileno(), *radio)

    def _end(self, how: Any) -> None:
        super()._end(how)
        self._let_go()

    def _let_go(self) -> None:
        leash, self._leash = self._leash, None
        if leash is not None:
            leash.kill()  # before its input ends: the process id may be another's by now
            leash.communicate()
