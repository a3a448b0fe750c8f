"""Sensirion SHT45, written from its datasheet (SHT4x, version 6 of February 2023)."""

from __future__ import annotations

from typing import Any

from resonode_hil.sensors.air_chip import Air, clipped
from resonode_hil.sensors.sensirion import CommandChip, Handler, Words, temperature_ticks

# Largest measurement durations, us: high, medium, low repeatability.
DURATIONS = {0xFD: 8300, 0xF6: 4500, 0xE0: 1600}
# Standard deviation of one reading, C and % (repeatability).
REPEATABILITY = {0xFD: (0.013, 0.027), 0xF6: (0.023, 0.05), 0xE0: (0.033, 0.08)}
HEATERS = {  # code -> (mW, us)
    0x39: (200, 1_100_000),
    0x32: (200, 110_000),
    0x2F: (110, 1_100_000),
    0x24: (110, 110_000),
    0x1E: (20, 1_100_000),
    0x15: (20, 110_000),
}
HEATS_K_PER_W = 300.0  # what 200 mW do to it: about 60 K
COOLS_S = 8.0


class Sht45(CommandChip):
    """Temperature and humidity."""

    code_bytes = 1

    def __init__(self, air: Air | None = None, *, serial: int = 0x0ABCDE42, **options: Any) -> None:
        super().__init__(air, **options)
        self._serial = serial
        self._heated_k = 0.0
        self._heated_us = 0
        self.heated_s = 0.0
        """How long the heater was on, in total."""
        self.commands = {
            0x89: (100, 0, lambda _: (serial >> 16, serial & 0xFFFF)),
            0x94: (1000, 0, lambda _: None),
        }
        for code, duration_us in DURATIONS.items():
            self.commands[code] = (duration_us, 0, self._measuring(code))
        for code, (milliwatts, on_us) in HEATERS.items():
            self.commands[code] = (on_us, 0, self._heating(milliwatts, on_us))

    def _measuring(self, code: int) -> Handler:
        return lambda _: self._measure(code, self._warmer_k())

    def _heating(self, milliwatts: int, on_us: int) -> Handler:
        def heat(_: Words) -> Words:
            self._heated_k = HEATS_K_PER_W * milliwatts * 1e-3
            self._heated_us = self.now_us + on_us
            self.heated_s += on_us * 1e-6
            return self._measure(0xFD, self._heated_k)

        return heat

    def _warmer_k(self) -> float:
        """Return by how much the heater's warmth still shows."""
        ago_s = (self.now_us - self._heated_us) * 1e-6
        return self._heated_k * float(0.5 ** (max(ago_s, 0.0) / COOLS_S))

    def _measure(self, code: int, warmer_k: float) -> Words:
        state = self.air_at(self.now_us)
        noise = self.scatter(*REPEATABILITY[code])
        # The same water in warmer air: relative humidity halves about every 11 K.
        humidity = state.humidity_pct * 0.5 ** (warmer_k / 11.0)
        words = (
            clipped(temperature_ticks(state.temperature_c + warmer_k + noise[0]), 0, 65535),
            clipped((humidity + noise[1] + 6.0) / 125.0 * 65535.0, 0, 65535),
        )
        if self.saturated:
            words = (65535, 65535)
        self.note(self.now_us, *words)
        return words
