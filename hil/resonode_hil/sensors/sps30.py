"""Sensirion SPS30 on I2C and on UART, written from its datasheet (version 1.0, March 2020)."""

from __future__ import annotations

import struct
from typing import Any

from resonode_hil.room import AirState
from resonode_hil.sensors import particles
from resonode_hil.sensors.air_chip import Air, AirChip
from resonode_hil.sensors.sensirion import CommandChip, Words
from resonode_hil.sensors.uart_line import UartLine

PERIOD_US = 1_000_000
CLEAN_US = 10_000_000
WEEK_S = 604_800
MOST_UG_M3 = 1000.0
PRODUCT_TYPE = b"00080000"
SERIAL = b"5EADBEEF12345678"
# Bits of the device status register.
FAN_FAILED, LASER_FAILED, SPEED_WRONG = 1 << 4, 1 << 5, 1 << 21


class ParticleCounter:
    """The measuring part: fan, laser, and a value a second.

    Args:
        chip: whose air, clock and noise it uses.
        status: device status register.
    """

    def __init__(self, chip: AirChip, status: int) -> None:
        self._chip = chip
        self.status = status
        self.cleanings = 0
        self.measures = False
        self.as_floats = True
        self._due_us = 0
        self._from_us = 0
        self._cleans_until_us = 0
        self.fresh: bytes | None = None
        self.week_s = WEEK_S
        self._cleaned_us: int | None = None  # or when its week began

    def start(self, now_us: int) -> None:
        self.measures = True
        self._from_us = now_us
        self._due_us = now_us + self._period_us
        self.fresh = None
        if self._cleaned_us is None:
            self._cleaned_us = now_us

    def stop(self) -> None:
        self.measures = False
        self.fresh = None

    def clean(self, now_us: int) -> None:
        self.cleanings += 1
        self._cleaned_us = now_us
        self._cleans_until_us = now_us + CLEAN_US

    @property
    def _period_us(self) -> int:
        return self._chip.takes(PERIOD_US)

    def run(self, now_us: int) -> None:
        """Do what is due up to `now_us`."""
        while self.measures and self._due_us <= now_us:
            if self.week_s and self._due_us - (self._cleaned_us or 0) >= self.week_s * 1_000_000:
                self.clean(self._due_us)
            if self._due_us + self._period_us > now_us and self._due_us >= self._cleans_until_us:
                self.fresh = self._measure(self._due_us)
            self._due_us += self._period_us

    def take(self) -> bytes | None:
        """Return the newest values, once."""
        fresh, self.fresh = self.fresh, None
        return fresh

    def _measure(self, t_us: int) -> bytes:
        chip = self._chip
        state = chip.air_at(t_us)
        noise = 1.0 + chip.scatter(0.02)[0]
        # The fan is still getting up to its speed.
        flow = min((t_us - self._from_us) * 1e-6 / 8.0, 1.0)
        values = [noise * flow * one for one in _values(state)]
        values.append(particles.typical_um(state))
        if chip.saturated:
            values = [MOST_UG_M3] * 4 + [3000.0] * 5 + values[9:]
        values[:4] = [min(one, MOST_UG_M3) for one in values[:4]]
        raw = struct.pack(">10f", *values)
        chip.note(t_us, *struct.unpack(">10f", raw))
        return raw


def _values(state: AirState) -> list[float]:
    # Nothing is known of 2.5 to 4 um by itself: half of the coarse mass.
    masses = [state.pm1_ug_m3, state.pm2_5_ug_m3]
    masses += [state.pm2_5_ug_m3 + 0.5 * state.coarse_ug_m3, state.pm10_ug_m3]
    return masses + [particles.below(state, limit_um) for limit_um in (0.5, 1.0, 2.5, 4.0, 10.0)]


class Sps30I2c(CommandChip):
    """On I2C, address 0x69."""

    def __init__(self, air: Air | None = None, *, status: int = 0, **options: Any) -> None:
        super().__init__(air, **options)
        self.counter = ParticleCounter(self, status)
        self._asleep = False
        self.commands = {
            0x0010: (20_000, 1, self._start),
            0x0104: (20_000, 0, lambda _: self.counter.stop()),
            0x0202: (0, 0, lambda _: (int(self.counter.fresh is not None),)),
            0x0300: (0, 0, lambda _: _words(self.counter.take() or bytes(40))),
            0x1001: (5_000, 0, self._sleep),
            0x1103: (5_000, 0, lambda _: None),
            0x5607: (20_000, 0, self._clean),
            0x8004: (20_000, (0, 2), self._clean_interval),
            0xD002: (0, 0, lambda _: _words(PRODUCT_TYPE)),
            0xD033: (0, 0, lambda _: _words(SERIAL.ljust(32, b"\0"))),
            0xD100: (0, 0, lambda _: (0x0202,)),
            0xD206: (0, 0, lambda _: (self.counter.status >> 16, self.counter.status & 0xFFFF)),
            0xD210: (5_000, 0, self._clear_status),
            0xD304: (100_000, 0, lambda _: self.counter.stop()),
        }

    def _power_up(self) -> None:
        super()._power_up()
        self._woken = False

    def _run(self) -> None:
        self.counter.run(self.now_us)

    def allows(self, code: int) -> bool:
        if self._asleep:
            # The first wake-up is for the interface, which does not acknowledge it.
            awake, self._woken = self._woken, code == 0x1103
            self._asleep = not (awake and code == 0x1103)
            return not self._asleep
        return code != 0x5607 or self.counter.measures

    def _start(self, words: Words) -> None:
        if words[0] == 0x0300 and not self.counter.measures:
            self.counter.start(self.now_us)

    def _sleep(self, _: Words) -> None:
        self._asleep = not self.counter.measures

    def _clean(self, _: Words) -> None:
        self.counter.clean(self.now_us)

    def _clean_interval(self, words: Words) -> Words | None:
        if words:
            self.counter.week_s = words[0] << 16 | words[1]
            return None
        return self.counter.week_s >> 16, self.counter.week_s & 0xFFFF

    def _clear_status(self, _: Words) -> None:
        self.counter.status = 0


def _words(data: bytes) -> Words:
    return struct.unpack(f">{len(data) // 2}H", data)


class Sps30Uart(AirChip):
    """On UART, 115200 baud, SHDLC frames."""

    ANSWERS_AFTER_US = 2_000

    def __init__(self, air: Air | None = None, *, status: int = 0, **options: Any) -> None:
        super().__init__(air, **options)
        self.counter = ParticleCounter(self, status)
        self._line = UartLine(115200)
        self._come = bytearray()
        self._asleep = False

    def _run(self) -> None:
        self.counter.run(self.now_us)

    def transmit(self, most: int) -> bytes:
        """Return what has come for the board."""
        return self._line.arrived(self.now_us, most)

    def receive(self, data: bytes) -> None:
        """Take what the board sent; whole frames are answered."""
        self._come += data
        while (start := self._come.find(0x7E)) >= 0:
            end = self._come.find(0x7E, start + 1)
            if end < 0:
                del self._come[:start]
                return
            frame = bytes(self._come[start + 1 : end])
            del self._come[: end + bool(frame)]
            if frame:
                self._answer_to(_plain(frame))

    def _answer_to(self, plain: bytes) -> None:
        if len(plain) < 4 or sum(plain) & 0xFF != 0xFF or plain[0] != 0:
            return  # a damaged frame is not answered
        command, data = plain[1], plain[3:-1]
        if len(data) != plain[2]:
            return
        if self._asleep and command != 0x11:
            return
        state, answer = self._do(command, data)
        state |= 0x80 if self.counter.status else 0
        body = bytes([0, command, state, len(answer)]) + answer
        body += bytes([0xFF - sum(body) & 0xFF])
        t_us = self.now_us + self.takes(self.ANSWERS_AFTER_US)
        self._line.send(t_us, b"\x7e" + _escaped(body) + b"\x7e")

    def _do(self, command: int, data: bytes) -> tuple[int, bytes]:
        counter = self.counter
        if command == 0x00:
            if counter.measures:
                return 0x43, b""
            if data != b"\x01\x03":
                return 0x04, b""
            counter.start(self.now_us)
        elif command == 0x01:
            if not counter.measures:
                return 0x43, b""
            counter.stop()
        elif command == 0x03:
            if not counter.measures:
                return 0x43, b""
            return 0, counter.take() or b""
        elif command == 0x10:
            self._asleep = not counter.measures
            return (0, b"") if self._asleep else (0x43, b"")
        elif command == 0x11:
            awake, self._asleep = not self._asleep, False
            return (0x43, b"") if awake else (0, b"")
        elif command == 0x56:
            if not counter.measures:
                return 0x43, b""
            counter.clean(self.now_us)
        elif command == 0x80:
            if len(data) == 5:
                counter.week_s = int.from_bytes(data[1:], "big")
                return 0, b""
            return 0, counter.week_s.to_bytes(4, "big")
        elif command == 0xD0:
            texts = {b"\x00": PRODUCT_TYPE, b"\x03": SERIAL}
            return (0, texts[data] + b"\0") if data in texts else (0x04, b"")
        elif command == 0xD1:
            return 0, bytes([2, 2, 0, 7, 0, 2, 0])
        elif command == 0xD2:
            status = counter.status
            if data == b"\x01":
                counter.status = 0
            return 0, status.to_bytes(4, "big") + b"\0"
        elif command == 0xD3:
            counter.stop()
        else:
            return 0x02, b""
        return 0, b""


def _plain(frame: bytes) -> bytes:
    # What is 7D in the plain bytes is 7D 5D here, so each 7D begins a pair.
    head, *parts = frame.split(b"\x7d")
    return head + b"".join(bytes([part[0] ^ 0x20]) + part[1:] for part in parts if part)


def _escaped(body: bytes) -> bytes:
    out = bytearray()
    for byte in body:
        out += bytes([0x7D, byte ^ 0x20]) if byte in (0x7E, 0x7D, 0x11, 0x13) else bytes([byte])
    return bytes(out)
