# Runs on: MicroPython (the VIRTUAL board)
# The hardware of a virtual board: `machine` as drivers know it, over the bus channel, file 3.
# Pins 0..7 are the chip selects 0..7, pins 8..15 the interrupt lines 0..7.
# Importing `machine` from the file system before the built-in stub is MicroPython's own rule.

import asyncio
import io
import select
import struct
import sys
import time

from resonode_wire import bus

_FIRST_INTERRUPT_PIN = 8
_RESET_EXIT_CODE = 3
_CONSOLE_EXIT_CODE = 5  # MicroPython's prompt takes the node's place
_RIG_GONE_EXIT_CODE = 4  # and with the rig its boards: an orphan would run for ever


class _Bus:
    # One channel for all tasks. Transfers are answered at once; waits are gathered into one WAIT
    # that ends with the first of them, so any number of tasks may wait. Requests are answered in
    # their order: what is still owed to a WAIT comes before the answer to a transfer.
    def __init__(self) -> None:
        self._file = io.open(3, "r+b", 0)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self._header = bytearray(2 + bus.REPLY_HEADER)
        self._owed = 0  # answers to WAITs that have not come yet
        self._waits: list = []  # of (irq mask, until_us, event)
        self._changed = asyncio.Event()
        self._tasks: list = []
        self.now_us = 0
        self.irq = 0
        self.ask(bus.pack_time())

    def ask(self, message: bytes, into=None) -> int:
        # Returns how many bytes of data came.
        self._send(message)
        while self._owed:
            self._owed -= 1
            self._take()
        try:
            return self._take(into)
        finally:
            self._wake()  # a refused transfer has ended the WAIT, too

    async def wait(self, irq_mask: int, until_us: int) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._ask_to_wait())]
            self._tasks.append(asyncio.create_task(self._hear()))
        over = asyncio.Event()
        wait = (irq_mask, until_us, over)
        self._waits.append(wait)
        self._changed.set()
        try:
            await over.wait()
        finally:
            if wait in self._waits:
                self._waits.remove(wait)

    async def _ask_to_wait(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            # Tasks that are ready may want to wake up earlier, and a time that the rig only moves
            # while the board waits must not pass while it works. An interrupt line is always
            # watched at once.
            await asyncio.sleep(0)
            while not self._mask() and _others_are_ready():
                await asyncio.sleep(0)
            if self._waits:
                until_us = min([wait[1] for wait in self._waits])
                self._send(bus.pack_wait(self._mask(), until_us))
                self._owed += 1

    def _mask(self) -> int:
        mask = 0
        for wait in self._waits:
            mask |= wait[0]
        return mask

    async def _hear(self) -> None:
        reader = asyncio.StreamReader(self._file)
        nothing = bytearray()
        while True:
            await reader.readinto(nothing)  # until something has come
            # A transfer in between may have taken it.
            while self._owed and self._poll.poll(0):
                self._owed -= 1
                self._take()
                self._wake()

    def _wake(self) -> None:
        for wait in list(self._waits):
            if wait[0] & self.irq or wait[1] <= self.now_us:
                self._waits.remove(wait)
                wait[2].set()
        if self._waits and not self._owed:
            self._changed.set()

    def _send(self, message: bytes) -> None:
        try:
            self._file.write(message)
        except OSError:
            sys.exit(_RIG_GONE_EXIT_CODE)

    def _fill(self, view) -> None:
        at = 0
        while at < len(view):
            got = self._file.readinto(view[at:])
            if not got:
                sys.exit(_RIG_GONE_EXIT_CODE)
            at += got

    def _take(self, into=None) -> int:
        self._fill(memoryview(self._header))
        size = (self._header[0] | self._header[1] << 8) - bus.REPLY_HEADER
        status, self.irq, self.now_us = bus.unpack_reply_header(self._header[2:])
        if status:
            raise OSError(status)
        if size:
            self._fill(memoryview(into)[:size])
        return size


def _others_are_ready() -> bool:
    core = asyncio.core  # type: ignore[attr-defined]  # the stubs leave it out
    task = core._task_queue.peek()
    return task is not None and time.ticks_diff(task.ph_key, core.ticks()) <= 0


_bus = _Bus()


class Pin:
    IN, OUT = 0, 1
    IRQ_RISING = 1

    def __init__(self, number: int, mode: int = 0, pull=None, value: int = 0) -> None:
        self.number = number

    @property
    def mask(self) -> int:
        # Of an interrupt line.
        return 1 << (self.number - _FIRST_INTERRUPT_PIN)

    def __call__(self, value=None):
        return self.value(value)

    def value(self, value=None):
        if value is None:
            return _bus.irq >> (self.number - _FIRST_INTERRUPT_PIN) & 1
        if value:
            SPI.deselect(self.number)
        else:
            SPI.select(self.number)


class SPI:
    # Bytes written while a chip is selected go out with the next read, or at deselection: one
    # message on the channel for what is one transaction on the wire.
    _selected = -1
    _written = b""

    def __init__(self, number: int, baudrate: int = 1000000, **_options) -> None:
        pass

    @staticmethod
    def select(cs: int) -> None:
        SPI._selected = cs
        SPI._written = b""

    @staticmethod
    def deselect(cs: int) -> None:
        if SPI._selected == cs and SPI._written:
            _bus.ask(bus.pack_spi(cs, 0, SPI._written))
        SPI._selected = -1
        SPI._written = b""

    def write(self, data) -> None:
        SPI._written += bytes(data)

    def readinto(self, buffer) -> None:
        message = bus.pack_spi(SPI._selected, len(buffer), SPI._written)
        SPI._written = b""
        _bus.ask(message, buffer)


class I2C:
    def __init__(self, number: int, freq: int = 400000, **_options) -> None:
        self._number = number

    def _transfer(self, address: int, data, into=b"") -> None:
        _bus.ask(bus.pack_i2c(self._number, address, len(into), bytes(data)), into)

    def scan(self) -> list:
        found = []
        for address in range(0x08, 0x78):
            try:
                self._transfer(address, b"")
                found.append(address)
            except OSError:
                pass  # nobody there
        return found

    def writeto(self, address: int, data) -> int:
        self._transfer(address, data)
        return len(data)

    def readfrom_into(self, address: int, into) -> None:
        self._transfer(address, b"", into)

    def readfrom(self, address: int, count: int) -> bytes:
        data = bytearray(count)
        self._transfer(address, b"", data)
        return bytes(data)

    def writeto_mem(self, address: int, register: int, data) -> None:
        self._transfer(address, bytes((register,)) + bytes(data))

    def readfrom_mem_into(self, address: int, register: int, into) -> None:
        self._transfer(address, bytes((register,)), into)

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        data = bytearray(count)
        self._transfer(address, bytes((register,)), data)
        return bytes(data)


class UART:
    # What has come is fetched whenever somebody asks, and kept until it is read.
    _MOST = 512

    def __init__(self, number: int, baudrate: int = 115200, **_options) -> None:
        self._number = number
        self._come = b""
        self._buffer = bytearray(self._MOST)

    def write(self, data) -> int:
        _bus.ask(bus.pack_uart_write(self._number, bytes(data)))
        return len(data)

    def any(self) -> int:
        size = _bus.ask(bus.pack_uart_read(self._number, self._MOST), self._buffer)
        self._come += self._buffer[:size]
        return len(self._come)

    def read(self, count: int = -1):
        size = self.any() if count < 0 else min(count, self.any())
        data, self._come = self._come[:size], self._come[size:]
        return data or None

    def readinto(self, into):
        data = self.read(len(into))
        if not data:
            return None
        into[: len(data)] = data
        return len(data)


class PulseInput:
    def __init__(self, number: int) -> None:
        self._ask = bus.pack_pulses(number)
        self._answer = bytearray(12)

    def read(self) -> tuple:
        _bus.ask(self._ask, self._answer)
        return struct.unpack("<IQ", self._answer)


class ADC:
    def __init__(self, pin: Pin) -> None:
        self._ask = bus.pack_analog(pin.number)
        self._answer = bytearray(2)

    def read_u16(self) -> int:
        _bus.ask(self._ask, self._answer)
        return self._answer[0] | self._answer[1] << 8


class BoardClock:
    def now_us(self) -> int:
        return _bus.now_us

    async def sleep_until(self, t_us: int) -> None:
        while _bus.now_us < t_us:
            await _bus.wait(0, t_us)


class BoardInterrupt:
    def __init__(self, pin: int) -> None:
        self._mask = 1 << (pin - _FIRST_INTERRUPT_PIN)

    async def wait(self, until_us: int) -> bool:
        await _bus.wait(self._mask, until_us)
        return bool(_bus.irq & self._mask)


PIN_WAKE, TIMER_WAKE = 2, 4
wake_pin: Pin | None = None  # esp32.wake_on_ext0() sets it
_wake_reason = TIMER_WAKE


def wake_reason() -> int:
    return _wake_reason


def lightsleep(time_ms: int) -> None:
    # The chip stands still: no task runs, and what comes on its serial port is lost.
    global _wake_reason
    mask = wake_pin.mask if wake_pin else 0
    _bus.ask(bus.pack_wait(mask, _bus.now_us + 1000 * time_ms))
    _wake_reason = PIN_WAKE if _bus.irq & mask else TIMER_WAKE
    console = select.poll()
    console.register(sys.stdin, select.POLLIN)
    while console.poll(0):
        sys.stdin.buffer.read(1)


def reset() -> None:
    sys.exit(_RESET_EXIT_CODE)


def console() -> None:
    sys.exit(_CONSOLE_EXIT_CODE)
