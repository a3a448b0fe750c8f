"""The rig's end of a board's bus channel: transfers, waits and time for the chips of a board.

The messages are in resonode_wire.bus. The board asks, one request at a time; a request that
arrives during a WAIT ends that wait at once, so a board that changed its mind cannot hang.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from resonode_hil.faults import BitFlipper, BusFaults
from resonode_hil.timebase import TimeBase
from resonode_wire import bus as wire
from resonode_wire.errors import WireError

EINVAL = 22
ENXIO = 6
ENODEV = 19

# An I2C bus at 400 kHz against the SPI bus that the time base charges for.
_I2C_SLOWNESS = 25

# A host that reads nothing for this long is not reading.
_HOST_PATIENCE_S = 0.5
_HOST_POLL_S = 0.0002
# So that a stall that was just injected is noticed.
_NAP_S = 0.5
# Threads of one process take turns, by default of 5 ms: as long as the FIFO lasts at 4x speed.
_TURN_S = 0.0005


class Chip(Protocol):
    """A sensor on a chip select."""

    def spi(self, write: bytes, n_read: int) -> bytes:
        """Do one transfer."""

    def advance(self, t_us: int) -> None:
        """Run until board time `t_us`."""

    def irq(self) -> bool:
        """Return the level of the interrupt line."""

    def next_irq_us(self) -> int | None:
        """Return when the line rises if nothing else happens, None if never."""


class Nack(Exception):
    """An I2C chip does not acknowledge."""


class I2cChip(Protocol):
    """A sensor at an I2C address."""

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Take `write`, if any, and return `n_read` bytes. Raises Nack."""

    def advance(self, t_us: int) -> None:
        """Run until board time `t_us`."""


class UartDevice(Protocol):
    """A sensor on a serial line."""

    def receive(self, data: bytes) -> None:
        """Take what the board sent."""

    def transmit(self, most: int) -> bytes:
        """Return what has come for the board by now, at most so many bytes, once."""

    def advance(self, t_us: int) -> None:
        """Run until board time `t_us`."""


class PulseSource(Protocol):
    """What pulses on an input: a tachometer."""

    def pulses(self, t_us: int) -> tuple[int, int]:
        """Return how many pulses there were up to `t_us`, and when the last one was, µs."""


class BusServer:
    """Answers one board's bus channel in a thread of its own.

    Args:
        chips: by chip select; the interrupt line of each has the same number.
        i2c: by address, on the board's first I2C bus.
        uart: by number of the board's UART.
        pulses: by number of the board's pulse input.
        timebase: the board's time.
        faults: what is wrong on this bus.
        unread: how many bytes of the board's serial port the host has not read yet. A time that
            the wall clock does not move waits for the host, too: else minutes of records would
            overrun a host that reads at its own pace.
    """

    def __init__(
        self,
        chips: Mapping[int, Chip],
        timebase: TimeBase,
        faults: BusFaults | None = None,
        unread: Callable[[], int] = lambda: 0,
        i2c: Mapping[int, I2cChip] | None = None,
        uart: Mapping[int, UartDevice] | None = None,
        pulses: Mapping[int, PulseSource] | None = None,
    ) -> None:
        self.chips = dict(chips)
        self.i2c = dict(i2c or {})
        self.uart = dict(uart or {})
        self.pulses = dict(pulses or {})
        self.timebase = timebase
        self.faults = faults or BusFaults()
        self.transfers = 0
        self.bytes_read = 0
        self.error: BaseException | None = None
        self.held_lines = 0
        """Lines held high by the rig, as a bit mask: buttons."""
        self.analog: dict[int, int] = {}
        """Voltages at inputs, 0..65535 of the full scale."""
        self._unread = unread
        self._transfers: dict[int, Callable[..., bytes]] = {
            wire.SPI: self._spi,
            wire.I2C: self._i2c,
            wire.UART_WRITE: self._uart_write,
            wire.UART_READ: self._uart_read,
            wire.PULSES: self._count_pulses,
            wire.ANALOG: self._measure_voltage,
        }
        self._given_up = 0
        self._flipper = BitFlipper(self.faults.flip_rate, self.faults.seed)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def flipped_bits(self) -> int:
        """How many bits the fault injection has inverted."""
        return self._flipper.flipped

    def start(self, channel: socket.socket) -> None:
        """Serve `channel`, which the server owns from now on, until its other end closes.

        Shortens the interpreter's switch interval, so that the board is answered in time.
        """
        self.stop()
        sys.setswitchinterval(min(sys.getswitchinterval(), _TURN_S))
        self._socket = channel
        self._thread = threading.Thread(target=self._serve, args=(channel,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the channel and wait for the thread to end."""
        if self._socket is not None:
            with suppress(OSError):  # the board may have closed its end already
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._thread = None

    def _serve(self, channel: socket.socket) -> None:
        try:
            while (body := _receive(channel)) is not None:
                channel.sendall(self.answer(body, channel))
        except OSError:
            pass  # the board is gone in the middle of a message
        except Exception as error:  # a defect of a model: keep it for the owner, free the board
            self.error = error
            channel.close()

    def answer(self, body: bytes, channel: socket.socket | None = None) -> bytes:
        """Return the reply to one request. A WAIT watches `channel` for the next request."""
        self.timebase.hold()
        try:
            return self._answer(body, channel)
        finally:
            self.timebase.release()

    def _answer(self, body: bytes, channel: socket.socket | None) -> bytes:
        try:
            request = wire.unpack_request(body)
        except WireError:
            return self._reply(EINVAL)
        if request[0] in self._transfers:
            return self._transfers[request[0]](*request[1:])
        if request[0] == wire.WAIT:
            if not self.timebase.follows_wall:
                self._let_host_read()
            self._wait(request[1], request[2], channel)
        return self._reply(0)

    def _reply(self, status: int, data: bytes = b"") -> bytes:
        t_us = self._advance()
        return bytes(wire.pack_reply(status, self._levels(), t_us, data))

    def _advance(self) -> int:
        t_us = self.timebase.now_us()
        for fitted in (self.chips, self.i2c, self.uart):
            for model in fitted.values():
                model.advance(t_us)
        return t_us

    def _levels(self) -> int:
        return self.held_lines | sum(chip.irq() << cs for cs, chip in self._present())

    def _present(self) -> list[tuple[int, Chip]]:
        return [(cs, chip) for cs, chip in self.chips.items() if cs not in self.faults.absent]

    def _spi(self, cs: int, n_read: int, data: bytes) -> bytes:
        if n_read > wire.MAX_TRANSFER or len(data) > wire.MAX_TRANSFER:
            return self._reply(EINVAL)
        self._advance()
        if cs in self.faults.refused:
            return self._reply(self.faults.refused[cs])
        self.timebase.transfer(len(data) + n_read)
        self.transfers += 1
        self.bytes_read += n_read
        if cs in self.faults.absent or cs not in self.chips:
            # Nobody drives the line: the pull-up is read.
            return self._reply(0, b"\xff" * n_read)
        answer = self.chips[cs].spi(data, n_read)
        return self._reply(0, self._flipper.pass_through(answer))

    def _i2c(self, number: int, address: int, n_read: int, data: bytes) -> bytes:
        if n_read > wire.MAX_TRANSFER or len(data) > wire.MAX_TRANSFER:
            return self._reply(EINVAL)
        self._advance()
        self.timebase.transfer(_I2C_SLOWNESS * (1 + len(data) + n_read))
        self.transfers += 1
        chip = self.i2c.get(address) if number == 0 else None
        if chip is None:
            return self._reply(ENODEV)
        try:
            answer = chip.i2c(data, n_read)
        except Nack:
            return self._reply(ENODEV)
        self.bytes_read += n_read
        return self._reply(0, self._flipper.pass_through(answer))

    def _uart_write(self, number: int, data: bytes) -> bytes:
        self._advance()
        if number in self.uart:
            self.uart[number].receive(data)
        return self._reply(0)

    def _uart_read(self, number: int, most: int) -> bytes:
        self._advance()
        data = self.uart[number].transmit(most) if number in self.uart else b""
        self.bytes_read += len(data)
        return self._reply(0, self._flipper.pass_through(data))

    def _count_pulses(self, number: int) -> bytes:
        t_us = self._advance()
        count, last_us = self.pulses[number].pulses(t_us) if number in self.pulses else (0, 0)
        return self._reply(0, struct.pack("<IQ", count, last_us))

    def _measure_voltage(self, number: int) -> bytes:
        return self._reply(0, struct.pack("<H", self.analog.get(number, 0)))

    def _wait(self, mask: int, until_us: int, channel: socket.socket | None) -> None:
        while True:
            now_us = self._advance()
            if self._levels() & mask or now_us >= until_us:
                return
            wake_us = min([until_us, *self._rising(mask)])
            sleep_s = min(self.timebase.pass_until(wake_us), _NAP_S)
            if sleep_s > 0.0 and _readable(channel, sleep_s):
                self.timebase.pass_until(wake_us)
                return

    def _let_host_read(self) -> None:
        left = self._unread()
        if left == self._given_up:
            return
        patience_ends_s = time.monotonic() + _HOST_PATIENCE_S
        while left:
            time.sleep(_HOST_POLL_S)
            before, left = left, self._unread()
            if left != before:
                patience_ends_s = time.monotonic() + _HOST_PATIENCE_S
            elif time.monotonic() > patience_ends_s:
                break
        self._given_up = left

    def _rising(self, mask: int) -> list[int]:
        times = [chip.next_irq_us() for cs, chip in self._present() if mask >> cs & 1]
        return [t_us for t_us in times if t_us is not None]


def _readable(channel: socket.socket | None, timeout_s: float) -> bool:
    # select, because poll and epoll only know milliseconds.
    return channel is not None and bool(select.select([channel], [], [], timeout_s)[0])


def _receive(channel: socket.socket) -> bytes | None:
    """Return the next message's body, None when the board has closed the channel."""
    head = _receive_exactly(channel, 2)
    if head is None:
        return None
    (length,) = struct.unpack("<H", head)
    return _receive_exactly(channel, length)


def _receive_exactly(channel: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        piece = channel.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data
