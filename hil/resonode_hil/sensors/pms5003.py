"""Plantower PMS5003 on UART and PMSA003I on I2C.

Written from the PMS5003 series data manual (version 2.3) and the PMSA003I's (version 2.6).
"""

from __future__ import annotations

import struct
from typing import Any

from resonode_hil.bus import Nack
from resonode_hil.sensors import particles
from resonode_hil.sensors.air_chip import Air, AirChip, clipped
from resonode_hil.sensors.uart_line import UartLine

ACTIVE_PERIOD_US = 1_000_000
STARTS_AFTER_US = 1_500_000
ANSWERS_AFTER_US = 30_000
MOST_UG_M3 = 1000
VERSION = 0x97


class _Pms(AirChip):
    def _frame(self, t_us: int) -> bytes:
        """Return the 32 bytes of a measurement taken now."""
        state = self.air_at(t_us)
        noise = 1.0 + self.scatter(0.03)[0]
        masses = [state.pm1_ug_m3, state.pm2_5_ug_m3, state.pm10_ug_m3]
        outdoors = [clipped(noise * one, 0, MOST_UG_M3) for one in masses]
        total = particles.below(state, 100.0)
        # In 0.1 l, larger than each of these.
        limits_um = (0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
        counts = [
            clipped(noise * 100.0 * (total - particles.below(state, limit_um)), 0, 65535)
            for limit_um in limits_um
        ]
        if self.saturated:
            outdoors, counts = [MOST_UG_M3] * 3, [65535] * 6
        # Factory dust reads higher in strong pollution; the same below 30 ug/m3.
        factory = [one if one < 30 else clipped(1.5 * one - 15, 0, 65535) for one in outdoors]
        numbers = [*factory, *outdoors, *counts]
        body = b"BM" + struct.pack(">14H", 28, *numbers, VERSION << 8)
        self.note(t_us, *numbers)
        return body + struct.pack(">H", sum(body))


class Pms5003(_Pms):
    """On UART, 9600 baud. After power-on it sends a frame a second by itself."""

    def __init__(self, air: Air | None = None, **options: Any) -> None:
        super().__init__(air, **options)
        self._line = UartLine(9600)
        self._come = bytearray()
        self.passive = False
        self.asleep = False
        self._awake_from_us = 0
        self._due_us = 0

    def _power_up(self) -> None:
        self._wake()

    def _wake(self) -> None:
        self.asleep = False
        self._awake_from_us = self.now_us + self.takes(STARTS_AFTER_US)
        self._due_us = self._awake_from_us

    def _run(self) -> None:
        period_us = self.takes(ACTIVE_PERIOD_US)
        while not self.passive and not self.asleep and self._due_us <= self.now_us:
            self._line.send(self._due_us, self._frame(self._due_us))
            self._due_us += period_us

    def transmit(self, most: int) -> bytes:
        """Return what has come for the board."""
        return self._line.arrived(self.now_us, most)

    def receive(self, data: bytes) -> None:
        """Take what the board sent: commands of seven bytes."""
        self._come += data
        while (at := self._come.find(b"BM")) >= 0 and len(self._come) >= at + 7:
            command = bytes(self._come[at : at + 7])
            del self._come[: at + 7]
            if sum(command[:5]) == command[5] << 8 | command[6]:
                self._do(command[2], command[4])

    def _do(self, command: int, data: int) -> None:
        if command == 0xE4:
            if data and self.asleep:
                self._wake()
            self.asleep = not data
            self._acknowledge(command, data)
        elif self.asleep:
            return
        elif command == 0xE1:
            self.passive = not data
            self._due_us = max(self.now_us, self._awake_from_us) + self.takes(ACTIVE_PERIOD_US)
            self._acknowledge(command, data)
        elif command == 0xE2 and self.passive:
            t_us = max(self.now_us + self.takes(ANSWERS_AFTER_US), self._awake_from_us)
            self._line.send(t_us, self._frame(t_us))

    def _acknowledge(self, command: int, data: int) -> None:
        body = b"BM" + bytes([0, 4, command, data])
        answer = body + struct.pack(">H", sum(body))
        self._line.send(self.now_us + self.takes(ANSWERS_AFTER_US), answer)


class Pmsa003i(_Pms):
    """On I2C, address 0x12: 32 bytes to be read, new ones every second."""

    def __init__(self, air: Air | None = None, **options: Any) -> None:
        super().__init__(air, **options)
        self._newest = b""
        self._due_us = 0

    def _power_up(self) -> None:
        self._due_us = self.now_us + self.takes(STARTS_AFTER_US)

    def _run(self) -> None:
        period_us = self.takes(ACTIVE_PERIOD_US)
        while self._due_us <= self.now_us:
            if self._due_us + period_us > self.now_us:
                self._newest = self._frame(self._due_us)
            self._due_us += period_us

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Give the newest frame. Raises Nack until there is one."""
        if n_read and not self._newest:
            raise Nack
        return (self._newest + b"\xff" * n_read)[:n_read]
