"""Upstream's MicroPython for QEMU's RISC-V board `virt`, with files in its memory.

It has neither filesystem nor semihosting, so QEMU lays the files into memory before the start, and
saves from memory what the board has written.
"""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.emulated.repl import Repl

QEMU = ["qemu-system-riscv32", "-M", "virt", "-bios", "none", "-display", "none"]
# Of the 128 MB from 0x80000000 MicroPython uses the first 7.
FILES_AT = 0x82000000
OUTPUT_AT = 0x84000000

# A filesystem of {name: (address, size)}, read-only but for the file `out`.
_MOUNT = """
import io, sys, uctypes, vfs
class File(io.IOBase):
    def __init__(self, at, size):
        self.data = memoryview(uctypes.bytearray_at(at, size))
        self.at = 0
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def readinto(self, into):
        # bytes(): the length of an array in bytes, whatever its type.
        got = min(len(bytes(into)), len(self.data) - self.at)
        target = uctypes.bytearray_at(uctypes.addressof(into), got)
        target[:] = self.data[self.at : self.at + got]
        self.at += got
        return got
    def write(self, data):
        data = memoryview(bytes(data))
        self.data[self.at : self.at + len(data)] = data
        self.at += len(data)
        written[0] = self.at
        return len(data)
    def ioctl(self, request, argument):
        return 0 if request == 4 else -1
class Memory:
    def mount(self, readonly, mkfs): pass
    def chdir(self, path): pass
    def stat(self, path):
        path = path.strip('/')
        if path in files: return (0x8000,) + (0,) * 9
        for name in files:
            if name.startswith(path + '/'): return (0x4000,) + (0,) * 9
        raise OSError(2)
    def open(self, path, mode):
        return File(*files[path.strip('/')])
written = [0]
vfs.mount(Memory(), '/memory')
sys.path.append('/memory')
"""


class RiscvBoard:
    """Its raw prompt, and what it writes to the file `out`."""

    def __init__(self, repl: Repl, monitor: socket.socket) -> None:
        self.repl = repl
        self._monitor = monitor

    def output(self, path: Path) -> bytes:
        """What was written to `out`; `path`: where the emulator may put it."""
        size = int(self.repl.run("print(written[0])"))
        # Quoted, or the monitor divides the size by the path.
        self._monitor.sendall(f'pmemsave {OUTPUT_AT:#x} {size} "{path}"\n'.encode())
        self._monitor.sendall(b"info status\n")  # answered when the file is written
        said = b""
        while b"VM status" not in said:
            said += self._monitor.recv(4096)
        return path.read_bytes()


@contextmanager
def riscv_board(elf: Path, files: Mapping[str, Path]) -> Iterator[RiscvBoard]:
    """A board that runs, with `files` in its folder /memory, which is also on sys.path.

    Args:
        files: name, with slashes for folders, to where it is on this computer.
    """
    command = [*QEMU, "-kernel", str(elf)]
    places, at = {"out": (OUTPUT_AT, 1 << 24)}, FILES_AT
    for name, path in files.items():
        command += ["-device", f"loader,file={path},addr={at:#x},force-raw=on"]
        places[name] = (at, path.stat().st_size)
        at += -(-path.stat().st_size // 4096) * 4096
    master, slave = pty.openpty()
    ours, theirs = socket.socketpair()
    try:
        tty.setraw(slave)
        command += ["-add-fd", f"fd={master},set=1"]
        command += ["-chardev", "serial,id=console,path=/dev/fdset/1", "-serial", "chardev:console"]
        command += ["-chardev", f"socket,id=monitor,fd={theirs.fileno()}"]
        command += ["-mon", "chardev=monitor,mode=readline"]
        with subprocess.Popen(command, pass_fds=(master, theirs.fileno())) as process:
            try:
                theirs.close()
                with Repl(os.ttyname(slave)) as repl:
                    repl.run(f"files = {places!r}\n{_MOUNT}")
                    yield RiscvBoard(repl, ours)
            finally:
                process.kill()
    finally:
        ours.close()
        theirs.close()
        os.close(master)
        os.close(slave)
