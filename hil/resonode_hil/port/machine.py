# Runs on: MicroPython (the VIRTUAL and QEMU_M4F boards)
# The hardware of a virtual board: `machine` as drivers know it, over the bus channel.
# Pins 0..7 are the chip selects 0..7, pins 8..15 the interrupt lines 0..7.
# Importing `machine` from the file system before the built-in stub is MicroPython's own rule.

import asyncio

import channel

from resonode_wire import bus

_FIRST_INTERRUPT_PIN = 8
_RESET_EXIT_CODE = 3
_CONSOLE_EXIT_CODE = 5  # MicroPython's prompt takes the node's place
_RIG_GONE_EXIT_CODE = 4  # and with the rig its boards: an orphan would run for ever


class _Bus:
    # One request at a time, each answered; the answer brings the board's time.
    def __init__(self) -> None:
        self._file = channel.open_bus()
        self._reader = asyncio.StreamReader(self._file)
        self._header = bytearray(2 + bus.REPLY_HEADER)
        self.now_us = 0
        self.irq = 0
        self.ask(bus.pack_time())

    def send(self, message: bytes) -> None:
        try:
            self._file.write(message)
        except OSError:
            channel.end(_RIG_GONE_EXIT_CODE)

    def _fill(self, view) -> None:
        at = 0
        while at < len(view):
            got = self._file.readinto(view[at:])
            if not got:
                channel.end(_RIG_GONE_EXIT_CODE)
            at += got

    def take_header(self, got: int = 0) -> int:
        # Returns how many data bytes follow. `got` bytes of the header are there already.
        self._fill(memoryview(self._header)[got:])
        size = self._header[0] | self._header[1] << 8
        status, self.irq, self.now_us = bus.unpack_reply_header(self._header[2:])
        if status:
            raise OSError(status)
        return size - bus.REPLY_HEADER

    def ask(self, message: bytes, into=None) -> None:
        self.send(message)
        if self.take_header():
            self._fill(memoryview(into))

    async def wait(self, irq_mask: int, until_us: int) -> None:
        self.send(bus.pack_wait(irq_mask, until_us))
        self.take_header(await self._reader.readinto(self._header))


_bus = _Bus()


class Pin:
    IN, OUT = 0, 1
    IRQ_RISING = 1

    def __init__(self, number: int, mode: int = 0, value: int = 0) -> None:
        self.number = number

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


def reset() -> None:
    channel.end(_RESET_EXIT_CODE)


def console() -> None:
    channel.end(_CONSOLE_EXIT_CODE)
