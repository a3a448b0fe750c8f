"""Sensirion SCD41, written from its datasheet (SCD4x, version 1.3 of September 2022)."""

from __future__ import annotations

from typing import Any

from resonode_hil.sensors.air_chip import Air, clipped
from resonode_hil.sensors.sensirion import CommandChip, Handler, Words, temperature_ticks

PERIOD_US = 5_000_000
LOW_POWER_PERIOD_US = 30_000_000
# Of later versions; this one has 1000 and 20 ms, and the driver waits for the longer of both.
POWER_UP_US = 30_000
WAKE_UP_US = 30_000
SINGLE_SHOT_US = 5_000_000
RHT_SHOT_US = 50_000
SELF_TEST_US = 10_000_000
STANDARD_HPA = 1013.25
MOST_PPM = 40_000

# Repeatability: 10 ppm, 0.1 C, 0.4 %.
NOISE = (10.0, 0.1, 0.4)

START, START_LOW_POWER, STOP = 0x21B1, 0x21AC, 0x3F86
READ, DATA_READY, SET_PRESSURE = 0xEC05, 0xE4B8, 0xE000
SELF_TEST, SINGLE_SHOT, RHT_SHOT = 0x3639, 0x219D, 0x2196
WAKE_UP, POWER_DOWN = 0x36F6, 0x36E0
# Of measuring, before a recalibration is any good.
SETTLE_US = 180_000_000
# What it takes while it measures periodically.
WHILE_MEASURING = (READ, DATA_READY, SET_PRESSURE, STOP)


class Scd41(CommandChip):
    """CO2, temperature, humidity.

    Args:
        broken: its self-test fails.
        off_ppm: by how much it tells too much, until it is recalibrated.
    """

    def __init__(
        self,
        air: Air | None = None,
        *,
        serial: int = 0x1234_5678_9ABC,
        broken: bool = False,
        off_ppm: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(air, **options)
        self._serial = (serial >> 32, serial >> 16 & 0xFFFF, serial & 0xFFFF)
        self._off_ppm = off_ppm  # kept without power, as its correction is
        self.commands = {
            START: (0, 0, lambda _: self._begin(PERIOD_US)),
            START_LOW_POWER: (0, 0, lambda _: self._begin(LOW_POWER_PERIOD_US)),
            STOP: (500_000, 0, lambda _: self._end()),
            READ: (1000, 0, lambda _: self._read()),
            DATA_READY: (1000, 0, lambda _: (0x8006 if self._buffer else 0x8000,)),
            0x241D: (1000, 1, self._set("offset")),
            0x2318: (1000, 0, lambda _: (self._settings["offset"],)),
            0x2427: (1000, 1, self._set("altitude")),
            0x2322: (1000, 0, lambda _: (self._settings["altitude"],)),
            SET_PRESSURE: (1000, 1, self._set("pressure")),
            0x362F: (400_000, 1, self._recalibrate),
            0x2416: (1000, 1, self._set("calibrates")),
            0x2313: (1000, 0, lambda _: (self._settings["calibrates"],)),
            0x3615: (800_000, 0, lambda _: None),
            0x3682: (1000, 0, lambda _: self._serial),
            SELF_TEST: (SELF_TEST_US, 0, lambda _: (int(broken),)),
            0x3632: (1_200_000, 0, lambda _: None),
            0x3646: (20_000, 0, lambda _: None),
            SINGLE_SHOT: (SINGLE_SHOT_US, 0, lambda _: self._shoot(SINGLE_SHOT_US)),
            RHT_SHOT: (RHT_SHOT_US, 0, lambda _: self._shoot(RHT_SHOT_US, co2=False)),
            POWER_DOWN: (1000, 0, lambda _: self._sleep()),
        }

    def _power_up(self) -> None:
        super()._power_up()
        self._busy_until_us = self.now_us + POWER_UP_US
        self._settings = {"offset": 1498, "altitude": 0, "pressure": 0, "calibrates": 1}
        self._period_us = 0
        self._due_us = 0
        self._buffer: Words | None = None
        self._asleep = False
        self._began_us = self._measured_us = 0

    @property
    def calibrates_itself(self) -> bool:
        """Whether it takes the lowest CO2 of a week for fresh air."""
        return bool(self._settings["calibrates"])

    def allows(self, code: int) -> bool:
        return not self._period_us or code in WHILE_MEASURING

    def i2c(self, write: bytes, n_read: int) -> bytes:
        if self._asleep:
            # Waking up is not acknowledged either.
            if write == WAKE_UP.to_bytes(2, "big"):
                self._asleep = False
                self._busy_until_us = self.now_us + WAKE_UP_US
            n_read = -1
        return super().i2c(write if n_read >= 0 else b"", n_read)

    def _set(self, name: str) -> Handler:
        def change(words: Words) -> None:
            self._settings[name] = words[0]

        return change

    def _begin(self, period_us: int) -> None:
        self._began_us = self.now_us
        self._period_us = period_us
        self._due_us = self.now_us + self.takes(period_us)
        self._buffer = None

    def _end(self) -> None:
        if self._period_us:
            self._measured_us = self.now_us - self._began_us
        self._period_us = 0
        self._buffer = None

    def _sleep(self) -> None:
        self._asleep = True

    def _shoot(self, after_us: int, co2: bool = True) -> None:
        self._buffer = self._measure(self.now_us + self.takes(after_us), co2)

    def _run(self) -> None:
        while self._period_us and self._due_us <= self.now_us:
            # Only the newest is kept, so older ones need not be worked out.
            if self._due_us + self.takes(self._period_us) > self.now_us:
                self._buffer = self._measure(self._due_us)
            self._due_us += self.takes(self._period_us)

    def _read(self) -> Words | None:
        words, self._buffer = self._buffer, None
        return words

    def _measure(self, t_us: int, co2: bool = True) -> Words:
        state = self.air_at(t_us)
        noise = self.scatter(*NOISE)
        # It counts molecules in its cell, and takes the pressure it was told for the real one.
        told_hpa = self._settings["pressure"] or _pressure_hpa(self._settings["altitude"])
        ppm = state.co2_ppm * state.pressure_hpa / told_hpa + noise[0] + self._off_ppm
        words = (
            clipped(ppm, 0, MOST_PPM) if co2 else 0,
            clipped(temperature_ticks(state.temperature_c + noise[1]), 0, 65535),
            clipped((state.humidity_pct + noise[2]) / 100.0 * 65535.0, 0, 65535),
        )
        if self.saturated:
            words = (MOST_PPM, words[1], words[2])
        self.note(t_us, *words)
        return words

    def _recalibrate(self, words: Words) -> Words:
        if self._measured_us < SETTLE_US:
            return (0xFFFF,)
        self._measured_us = 0
        correction = clipped(words[0] - self.tap[-1][1][0], -0x7FFF, 0x7FFF)
        self._off_ppm += correction
        return (0x8000 + correction,)


def _pressure_hpa(altitude_m: float) -> float:
    # Of the standard atmosphere (ISO 2533).
    return float(STANDARD_HPA * (1.0 - 2.25577e-5 * altitude_m) ** 5.25588)
