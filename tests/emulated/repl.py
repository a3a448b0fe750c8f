"""MicroPython's raw prompt on a serial port: run code, get what it prints."""

from __future__ import annotations

import time
from types import TracebackType

import serial

# The device's own buffer is small, and nothing tells the sender that it is full.
PIECE = 256


class DeviceError(Exception):
    """What was run raised; the text is the device's traceback."""


class Repl:
    """A raw prompt. `port`: anything that pyserial opens by URL."""

    def __init__(self, port: str, timeout_s: float = 20.0) -> None:
        self._timeout_s = timeout_s
        self._got = b""
        self._serial = serial.serial_for_url(port, timeout=0.05)
        self.enter()

    def __enter__(self) -> Repl:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the port to somebody else."""
        self._serial.close()

    def enter(self) -> None:
        """Ctrl-C twice, Ctrl-A. Again and again: a board that boots does not listen yet."""
        deadline_s = time.monotonic() + self._timeout_s
        self._got = b""
        while True:
            self._serial.write(b"\r\x03\x03\x01")
            try:
                self._until(b"raw REPL; CTRL-B to exit\r\n>", 0.5)
                break
            except TimeoutError:
                if time.monotonic() > deadline_s:
                    raise

    def run(self, code: str, timeout_s: float | None = None) -> str:
        """What `code` prints.

        Raises:
            DeviceError: it raised.
        """
        limit_s = timeout_s or self._timeout_s
        self.start(code)
        printed = self._until(b"\x04", limit_s)[:-1]
        raised = self._until(b"\x04", limit_s)[:-1]
        self._until(b">", limit_s)
        if raised:
            raise DeviceError((printed + raised).decode(errors="replace"))
        return printed.decode().replace("\r\n", "\n")

    def start(self, code: str) -> None:
        """Run `code` without waiting for its end."""
        data = code.encode() + b"\x04"
        for at in range(0, len(data), PIECE):
            self._serial.write(data[at : at + PIECE])
        self._until(b"OK", self._timeout_s)

    def send(self, data: bytes) -> None:
        """Bytes as they are, for a program that reads them."""
        self._serial.write(data)

    def receive(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        deadline_s = time.monotonic() + self._timeout_s
        while len(self._got) < count and time.monotonic() < deadline_s:
            self._got += self._serial.read(4096)
        got, self._got = self._got[:count], self._got[count:]
        return got

    def _until(self, end: bytes, timeout_s: float) -> bytes:
        deadline_s = time.monotonic() + timeout_s
        while end not in self._got:
            self._got += self._serial.read(4096)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"no {end!r} within {timeout_s} s; there is {self._got!r}")
        at = self._got.index(end) + len(end)
        got, self._got = self._got[:at], self._got[at:]
        return got
