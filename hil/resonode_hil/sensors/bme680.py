"""Bosch BME680 and BME688 as registers, in forced mode.

Written from the datasheets BST-BME680-DS001-01 and BST-BME688-DS000-03. What the converters give
is found by inverting the datasheets' floating-point compensation (the driver has the integer one).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

from resonode_hil.bus import Nack
from resonode_hil.sensors.air_chip import Air, AirChip, clipped

CHIP_ID, RESET, VARIANT_ID = 0xD0, 0xE0, 0xF0
CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, CONFIG = 0x70, 0x71, 0x72, 0x74, 0x75
STATUS, SPI_MEM_PAGE = 0x73, 0x10
IDAC_HEAT_0, RES_HEAT_0, GAS_WAIT_0 = 0x50, 0x5A, 0x64
FIELD_0 = 0x1D
RESET_WORD = 0xB6
START_UP_US = 2_000
# Conversions (typical) and switching.
CYCLE_US, SWITCH_US = 1963, 477
OVERSAMPLING = (0, 1, 2, 4, 8, 16, 16, 16)

# Calibration of a real chip.
CALIBRATION = {
    "t1": 26041, "t2": 26469, "t3": 3,
    "p1": 36673, "p2": -10515, "p3": 88, "p4": 7310, "p5": -129, "p6": 30, "p7": 46,
    "p8": -3177, "p9": -2379, "p10": 30,
    "h1": 676, "h2": 1029, "h3": 0, "h4": 45, "h5": 20, "h6": 120, "h7": -100,
    "gh1": -30, "gh2": -24754, "gh3": 18,
    "res_heat_val": 48, "res_heat_range": 1, "range_sw_err": 0,
}  # fmt: skip

# Where each coefficient lies: name -> (register, format); h1 and h2 share a register.
_PLACES = {
    "t1": (0xE9, "<H"), "t2": (0x8A, "<h"), "t3": (0x8C, "b"),
    "p1": (0x8E, "<H"), "p2": (0x90, "<h"), "p3": (0x92, "b"), "p4": (0x94, "<h"),
    "p5": (0x96, "<h"), "p6": (0x99, "b"), "p7": (0x98, "b"), "p8": (0x9C, "<h"),
    "p9": (0x9E, "<h"), "p10": (0xA0, "B"),
    "h3": (0xE4, "b"), "h4": (0xE5, "b"), "h5": (0xE6, "b"), "h6": (0xE7, "B"), "h7": (0xE8, "b"),
    "gh1": (0xED, "b"), "gh2": (0xEB, "<h"), "gh3": (0xEE, "b"),
    "res_heat_val": (0x00, "b"),
}  # fmt: skip

# Gas resistance of clean air at 320 C; it falls with VOC, and to a third in so many C.
CLEAN_OHM, CLEAN_AT_C, OHM_FALLS_IN_C = 120_000.0, 320.0, 300.0
NOISE = (0.005, 0.1, 0.05)  # C, Pa * 10, %


class Bme680(AirChip):
    """Temperature, pressure, humidity and gas resistance.

    Args:
        is_688: the successor, with its other gas converter.
        burnt: its oxide does not feel the heater any more.
    """

    def __init__(
        self,
        air: Air | None = None,
        *,
        is_688: bool = False,
        burnt: bool = False,
        calibration: Mapping[str, int] = CALIBRATION,
        **options: Any,
    ) -> None:
        super().__init__(air, **options)
        self._is_688 = is_688
        self._burnt = burnt
        self._c = dict(calibration)
        self._registers = bytearray(256)
        self._pointer = 0

    def _power_up(self) -> None:
        self._registers = bytearray(256)
        self._alive_us = self.now_us + START_UP_US
        self._done_us: int | None = None
        self._registers[CHIP_ID] = 0x61
        self._registers[VARIANT_ID] = int(self._is_688)
        for name, (register, form) in _PLACES.items():
            raw = struct.pack(form, self._c[name])
            self._registers[register : register + len(raw)] = raw
        h1, h2 = self._c["h1"], self._c["h2"]
        self._registers[0xE1:0xE4] = bytes([h2 >> 4, (h2 & 0x0F) << 4 | h1 & 0x0F, h1 >> 4])
        self._registers[0x02] = self._c["res_heat_range"] << 4
        self._registers[0x04] = (self._c["range_sw_err"] & 0x0F) << 4

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Write pairs of register and value, or read from a register on. Raises Nack."""
        if self.now_us < self._alive_us:
            raise Nack
        if write:
            self._pointer = write[0]
            pairs = bytes([*write])
            for at in range(0, len(pairs) - 1, 2):
                self._write(pairs[at], pairs[at + 1])
        return self._read(self._pointer, n_read)

    def spi(self, write: bytes, n_read: int) -> bytes:
        """The same with seven bits of address; `spi_mem_page` says which half is meant."""
        if self.now_us < self._alive_us or not write:
            return b"\xff" * n_read
        register = self._paged(write[0] & 0x7F)
        if write[0] & 0x80:
            return self._read(register, n_read)
        for at in range(0, len(write) - 1, 2):
            self._write(self._paged(write[at] & 0x7F), write[at + 1])
        return bytes(n_read)

    def irq(self) -> bool:
        """It has no interrupt line."""
        return False

    def next_irq_us(self) -> None:
        """Never."""

    def _paged(self, address: int) -> int:
        lower = self._registers[STATUS] & SPI_MEM_PAGE or address == STATUS
        return address if lower else address | 0x80

    def _read(self, register: int, count: int) -> bytes:
        data = bytes(self._registers[(register + at) & 0xFF] for at in range(count))
        if count and register == FIELD_0:
            self._registers[FIELD_0] &= 0x7F  # new data, once
        return data

    def _write(self, register: int, value: int) -> None:
        if register == RESET and value == RESET_WORD:
            self._power_up()
        elif register == CTRL_MEAS:
            self._registers[register] = value
            if value & 3 == 1:
                self._start()
        elif 0x50 <= register <= 0x75:
            self._registers[register] = value

    # ---- a measurement ----

    def _start(self) -> None:
        control = self._registers[CTRL_MEAS]
        humidity = self._registers[CTRL_HUM] & 7
        cycles = sum(OVERSAMPLING[code] for code in (control >> 5, control >> 2 & 7, humidity))
        self._step = self._registers[CTRL_GAS_1] & 0x0F
        self._gas = bool(self._registers[CTRL_GAS_1] & (0x20 if self._is_688 else 0x10))
        us = cycles * CYCLE_US + 9 * SWITCH_US
        if self._gas:
            wait = self._registers[GAS_WAIT_0 + self._step]
            us += 1000 * ((wait & 0x3F) << 2 * (wait >> 6))
        self._done_us = self.now_us + self.takes(us)
        self._registers[FIELD_0] = 0x60 | self._step  # busy

    def _run(self) -> None:
        if self._done_us is None or self._done_us > self.now_us:
            return
        t_us, self._done_us = self._done_us, None
        self._registers[CTRL_MEAS] &= 0xFC  # it sleeps again
        adc_t, adc_p, adc_h = self._converted(t_us)
        adc_gas, gas_range = self._gas_converted(t_us)
        valid = 0x30 if self._gas else 0
        field = bytearray(17)
        field[0] = 0x80 | self._step
        field[2:5] = (adc_p << 4).to_bytes(3, "big")
        field[5:8] = (adc_t << 4).to_bytes(3, "big")
        field[8:10] = adc_h.to_bytes(2, "big")
        at = 15 if self._is_688 else 13
        field[at : at + 2] = bytes([adc_gas >> 2, (adc_gas & 3) << 6 | valid | gas_range])
        self._registers[FIELD_0 : FIELD_0 + 17] = field
        self.note(t_us, adc_t, adc_p, adc_h, adc_gas, gas_range)

    def _converted(self, t_us: int) -> tuple[int, int, int]:
        if self.saturated:
            return 0xFFFFF, 0, 0xFFFF
        state = self.air_at(t_us)
        noise = self.scatter(*NOISE)
        celsius = state.temperature_c + noise[0]
        adc_t = _inverted(lambda adc: fine_temperature(self._c, adc) / 5120.0, celsius, 20)
        fine = fine_temperature(self._c, adc_t)
        pascal = 100.0 * state.pressure_hpa + noise[1]
        adc_p = _inverted(lambda adc: -pressure_pa(self._c, adc, fine), -pascal, 20)
        percent = state.humidity_pct + noise[2]
        adc_h = _inverted(lambda adc: humidity_pct(self._c, adc, fine / 5120.0), percent, 16)
        return adc_t, adc_p, adc_h

    def _gas_converted(self, t_us: int) -> tuple[int, int]:
        ohm = CLEAN_OHM * (100.0 / max(self.air_at(t_us).voc_ppb, 1.0)) ** 0.6
        if not self._burnt:
            heated_c = heater_c(self._c, self._registers[RES_HEAT_0 + self._step])
            ohm *= math.exp((CLEAN_AT_C - heated_c) / OHM_FALLS_IN_C)
        if self.saturated:
            return 0, 0
        # The range in which the converter is nearest to its middle.
        found = [(self._gas_adc(ohm, gas_range), gas_range) for gas_range in range(16)]
        return min(found, key=lambda one: abs(one[0] - 512))

    def _gas_adc(self, ohm: float, gas_range: int) -> int:
        if self._is_688:
            adc = (1e6 * (262144 >> gas_range) / ohm - 4096.0) / 3.0 + 512.0
        else:
            scale = (1340.0 + 5.0 * self._c["range_sw_err"]) * (1 + _LOOKUP_1[gas_range] / 100)
            slope = 1.25e-7 * 2.0**gas_range * (1 + _LOOKUP_2[gas_range] / 100)
            adc = (1.0 / (ohm * slope) - 1.0) * scale + 512.0
        return clipped(adc, 0, 1023)


_LOOKUP_1 = (0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0)
_LOOKUP_2 = (0, 0, 0, 0, 0.1, 0.7, 0, -0.8, -0.1, 0, 0, 0, 0, 0, 0, 0)


def _inverted(of_adc: Callable[[int], float], wanted: float, bits: int) -> int:
    """Return the converter's value whose compensated one, rising, is nearest to `wanted`."""
    low, high = 0, (1 << bits) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if of_adc(middle) <= wanted:
            low = middle
        else:
            high = middle
    return low if wanted - of_adc(low) <= of_adc(high) - wanted else high


def heater_c(c: Mapping[str, int], register: int) -> float:
    """Return what RES_HEAT_x heats to in air of 25 C: the datasheet's formula, solved for it."""
    ratio = 4.0 / (4.0 + c["res_heat_range"]) / (1.0 + c["res_heat_val"] * 0.002)
    resistance = (register / 3.4 + 25.0) / ratio - c["gh3"] / 1024.0 * 25.0
    slope = c["gh2"] / 32768.0 * 0.0005 + 0.00235
    return (resistance / (c["gh1"] / 16.0 + 49.0) - 1.0) / slope


def fine_temperature(c: Mapping[str, int], adc: int) -> float:
    """Return 5120 times the temperature in C."""
    linear = (adc / 16384.0 - c["t1"] / 1024.0) * c["t2"]
    square = (adc / 131072.0 - c["t1"] / 8192.0) ** 2 * c["t3"] * 16.0
    return linear + square


def pressure_pa(c: Mapping[str, int], adc: int, fine: float) -> float:
    """Return the pressure in Pa."""
    t = fine / 2.0 - 64000.0
    offset = t * t * (c["p6"] / 131072.0) + t * c["p5"] * 2.0
    offset = offset / 4.0 + c["p4"] * 65536.0
    scale = (c["p3"] * t * t / 16384.0 + c["p2"] * t) / 524288.0
    scale = (1.0 + scale / 32768.0) * c["p1"]
    p = (1048576.0 - adc - offset / 4096.0) * 6250.0 / scale
    square = c["p9"] * p * p / 2147483648.0
    linear = p * c["p8"] / 32768.0
    cube = (p / 256.0) ** 3 * c["p10"] / 131072.0
    return p + (square + linear + cube + c["p7"] * 128.0) / 16.0


def humidity_pct(c: Mapping[str, int], adc: int, celsius: float) -> float:
    """Return the relative humidity in %."""
    offset = adc - (c["h1"] * 16.0 + c["h3"] / 2.0 * celsius)
    scale = 1.0 + c["h4"] / 16384.0 * celsius + c["h5"] / 1048576.0 * celsius**2
    linear = offset * c["h2"] / 262144.0 * scale
    curve = c["h6"] / 16384.0 + c["h7"] / 2097152.0 * celsius
    return linear + curve * linear * linear
