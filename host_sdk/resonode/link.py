"""A serial port: opening it with clear errors, reading it in a thread, writing to it.

The only module that knows pyserial.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

import serial
from serial.tools import list_ports

from resonode.errors import (
    Disconnected,
    NodeNotFound,
    PortBusy,
    PortForbidden,
    Timeout,
    TransportError,
)

DEFAULT_BAUD = 115200  # USB-CDC and virtual ports ignore it
_READ_SIZE = 65536
# Pieces read ahead of the loop: a loop that is busy then leaves the rest to the port's own buffer.
_READ_AHEAD = 8
_POLL_S = 0.1  # where a port cannot be waited for together with the stop signal

_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ECONNREFUSED, errno.EHOSTUNREACH}
_BUSY = {errno.EBUSY, errno.EAGAIN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_NO_PORT = {errno.ENOTTY, errno.EISDIR, errno.EINVAL}


@dataclass(frozen=True)
class PortInfo:
    """A serial port of this computer that may have a node on it."""

    url: str
    description: str
    vendor: str
    serial_number: str


def list_serial_ports() -> list[PortInfo]:
    """Return the USB serial ports of this computer.

    Ports without a USB id (the 8250 ports of a PC) are left out: a node is never on them
    unless somebody says so with its path.
    """
    return [
        PortInfo(
            url=f"serial:{one.device}",
            description=one.description or "",
            vendor=one.manufacturer or "",
            serial_number=one.serial_number or "",
        )
        for one in sorted(list_ports.comports())
        if one.vid is not None
    ]


def address_of(url: str) -> str:
    """Return what pyserial calls the port of `url`."""
    return url.removeprefix("serial:")


def open_port(url: str, baud: int = DEFAULT_BAUD) -> serial.SerialBase:
    """Open `url` for this process alone.

    Takes serial:/dev/ttyACM0, serial:COM3, a bare path, socket://host:port and
    rfc2217://host:port.

    Raises:
        NodeNotFound, PortBusy, PortForbidden: with what to do about it.
        TransportError: any other reason.
    """
    try:
        return serial.serial_for_url(
            address_of(url), baudrate=baud, timeout=0, write_timeout=2.0, exclusive=True
        )
    except ValueError as error:
        raise NodeNotFound(
            f"{url} is no port",
            why=str(error),
            next="Name one like serial:/dev/ttyACM0, serial:COM3 or socket://host:port",
        ) from error
    except OSError as error:  # SerialException is one
        raise _explain(url, error) from error


def _explain(url: str, error: OSError) -> TransportError:
    number = _errno_of(error)
    why = os.strerror(number) if number else str(error)
    if number in _ABSENT:
        return NodeNotFound(
            f"There is no port {url}",
            why=why,
            next="Plug the node in, and list the ports with: resonode ports",
        )
    if number in _BUSY or (sys.platform == "win32" and number in _FORBIDDEN):
        return PortBusy(
            f"The port {url} is busy",
            why="another program holds it",
            next="Close the other program (a terminal, a gateway, an IDE) and try again",
        )
    if number in _FORBIDDEN:
        return PortForbidden(
            f"You may not open the port {url}",
            why=why,
            next="Join the port's group (Debian: sudo usermod -aG dialout $USER, then log in "
            'again) or install a udev rule with TAG+="uaccess"',
        )
    if number in _NO_PORT or "Could not configure port" in str(error):
        return NodeNotFound(
            f"{url} is no serial port",
            why=os.strerror(number) if number else "it takes no serial settings",
            next="List the ports with: resonode ports",
        )
    if url.startswith(("socket:", "rfc2217:")):
        return NodeNotFound(
            f"Nothing answers at {url}",
            why=str(error),
            next="Check the host, the port number, and that the far end is running",
        )
    return TransportError(
        f"The port {url} cannot be opened",
        why=why,
        next="Plug it in again, and list the ports with: resonode ports",
    )


def _errno_of(error: BaseException | None) -> int:
    # pyserial keeps the number for local ports, and only the original exception for the others.
    while error is not None:
        number = getattr(error, "errno", None)
        if isinstance(number, int):
            return number
        error = error.__cause__ or error.__context__
    return 0


class Link:
    """An open port whose bytes a thread hands to the event loop.

    `on_data(bytes)` and, once, `on_lost(error)` are called in the loop. What nobody takes in
    time stays in the port, so that the far end notices and waits: `pause` and `resume`.
    """

    def __init__(
        self,
        url: str,
        port: serial.SerialBase,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[Disconnected], None],
    ) -> None:
        self.url = url
        self._port = port
        self._on_data = on_data
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        self._stopping = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._ahead = threading.Semaphore(_READ_AHEAD)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._read, name=f"read {url}", daemon=True)
        self._thread.start()

    async def write(self, data: bytes) -> None:
        """Write all of `data`. Raises Disconnected, or Timeout if the far end takes nothing."""
        async with self._writing:
            try:
                # In a thread: a port nobody reads blocks, and must not stop the other nodes.
                await asyncio.to_thread(self._port.write, data)
            except serial.SerialTimeoutException as error:
                raise Timeout(
                    f"{self.url} takes no data",
                    why="the far end does not read",
                    next="Reset the node or plug it in again",
                ) from error
            except (OSError, TypeError) as error:  # TypeError: closed under pyserial's feet
                raise self._lost(error) from error

    @property
    def paused(self) -> bool:
        """Whether reading is suspended."""
        return not self._flowing.is_set()

    def pause(self) -> None:
        """Leave what arrives in the port."""
        self._flowing.clear()

    def resume(self) -> None:
        """Read again."""
        self._flowing.set()

    async def close(self) -> None:
        """Stop the thread and close the port."""
        if self._stopping:
            return
        self._stopping = True
        self._flowing.set()
        self._ahead.release()
        os.write(self._wake_write, b"x")
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._thread.join()
        with contextlib.suppress(OSError):  # an unplugged port cannot be closed in order
            self._port.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _lost(self, error: BaseException) -> Disconnected:
        number = _errno_of(error)
        return Disconnected(
            f"The link to {self.url} dropped",
            why=os.strerror(number) if number else str(error),
            next="Records not yet acknowledged stay on the node; connect again to get them",
        )

    def _read(self) -> None:
        wait = self._wait_and_read_fd if self._has_fd() else self._wait_and_read_poll
        while not self._stopping:
            try:
                data = wait()
            except (OSError, TypeError, ValueError) as error:
                if not self._stopping:
                    self._call(self._on_lost, self._lost(error))
                return
            if data:
                self._ahead.acquire()
                self._call(self._take, data)
            self._flowing.wait()

    def _take(self, data: bytes) -> None:
        self._ahead.release()
        self._on_data(data)

    def _has_fd(self) -> bool:
        try:
            return sys.platform != "win32" and int(self._port.fileno()) >= 0
        except (OSError, AttributeError):
            return False

    def _wait_and_read_fd(self) -> bytes:
        select.select([self._port.fileno(), self._wake_read], [], [])
        return b"" if self._stopping else bytes(self._port.read(_READ_SIZE))

    def _wait_and_read_poll(self) -> bytes:
        self._port.timeout = _POLL_S
        waiting: int = getattr(self._port, "in_waiting", 0)
        return bytes(self._port.read(max(1, waiting)))

    def _call(self, function: Callable[..., object], argument: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before its link
            self._loop.call_soon_threadsafe(function, argument)
