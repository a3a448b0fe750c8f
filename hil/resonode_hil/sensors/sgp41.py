"""Sensirion SGP41, written from its datasheet (SGP41, version 1.0 of December 2021)."""

from __future__ import annotations

import math
from typing import Any

from resonode_hil.sensors.air_chip import Air, clipped
from resonode_hil.sensors.sensirion import CommandChip, Words

MEASURE_US = 50_000
SELF_TEST_US = 320_000
MOST_CONDITIONING_S = 10.0
CONDITION, MEASURE, SELF_TEST, HEATER_OFF, SERIAL = 0x2612, 0x2619, 0x280E, 0x3615, 0x3682

# Signals are logarithms of resistances. These put clean air where real ones are.
VOC_CLEAN, NOX_CLEAN = 31000.0, 16500.0
VOC_TICKS_PER_DECADE, NOX_TICKS_PER_DECADE = 4500.0, 1800.0
# What a percent of humidity does that the chip was not told of.
TICKS_PER_HUMIDITY_PCT = 25.0
NOISE = (15.0, 8.0)


class Sgp41(CommandChip):
    """VOC and NOx pixels.

    Args:
        broken: bits of its self-test: 1 VOC, 2 NOx.

    Attributes:
        longest_conditioning_s: unbroken; more than 10 s damages a real one.
    """

    def __init__(
        self,
        air: Air | None = None,
        *,
        serial: int = 0x0000_0155_1F2C,
        broken: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(air, **options)
        words = (serial >> 32, serial >> 16 & 0xFFFF, serial & 0xFFFF)
        self.longest_conditioning_s = 0.0
        self.commands = {
            CONDITION: (MEASURE_US, 2, self._condition),
            MEASURE: (MEASURE_US, 2, self._measure),
            SELF_TEST: (SELF_TEST_US, 0, lambda _: (0xD400 | broken,)),
            HEATER_OFF: (1000, 0, lambda _: self._stop_conditioning()),
            SERIAL: (1000, 0, lambda _: words),
        }

    def _power_up(self) -> None:
        super()._power_up()
        self._conditions_from_us: int | None = None

    def _run(self) -> None:
        if self._conditions_from_us is not None:
            so_far_s = (self.now_us - self._conditions_from_us) * 1e-6
            self.longest_conditioning_s = max(self.longest_conditioning_s, so_far_s)

    def _stop_conditioning(self) -> None:
        self._conditions_from_us = None

    def _condition(self, told: Words) -> Words:
        if self._conditions_from_us is None:
            self._conditions_from_us = self.now_us
        return self._signals(told)[:1]

    def _measure(self, told: Words) -> Words:
        self._stop_conditioning()
        return self._signals(told)

    def _signals(self, told: Words) -> Words:
        state = self.air_at(self.now_us)
        noise = self.scatter(*NOISE)
        untold = TICKS_PER_HUMIDITY_PCT * (state.humidity_pct - told[0] / 65535.0 * 100.0)
        voc = VOC_CLEAN - VOC_TICKS_PER_DECADE * math.log10(max(state.voc_ppb, 1.0) / 100.0)
        nox = NOX_CLEAN + NOX_TICKS_PER_DECADE * math.log10(max(state.nox_ppb, 0.1) / 10.0)
        words = (
            clipped(voc + noise[0] - untold, 0, 65535),
            clipped(nox + noise[1] + untold, 0, 65535),
        )
        if self.saturated:
            words = (0, 65535)
        self.note(self.now_us, *words)
        return words
