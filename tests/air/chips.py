"""Every air sensor the firmware has a driver for: how it is made, and what its tap must become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from resonode_hil.room import AirState
from resonode_hil.sensors import bme680 as bosch
from resonode_hil.sensors.air_chip import AirChip, Constant
from resonode_hil.sensors.bme680 import Bme680
from resonode_hil.sensors.pms5003 import Pms5003, Pmsa003i
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from resonode_hil.sensors.sht45 import Sht45
from resonode_hil.sensors.sps30 import Sps30I2c, Sps30Uart

Words = tuple[float, ...]
ROOM_AIR = AirState(
    co2_ppm=800.0,
    temperature_c=24.0,
    humidity_pct=55.0,
    fine_ug_m3=9.0,
    medium_ug_m3=4.0,
    coarse_ug_m3=6.0,
)

PARTICLES_30 = (
    *("pm1_ug_m3", "pm2_5_ug_m3", "pm4_ug_m3", "pm10_ug_m3"),
    *("below_0_5_cm3", "below_1_cm3", "below_2_5_cm3", "below_4_cm3", "below_10_cm3"),
    "typical_um",
)
MASSES_PMS = ("pm1_ug_m3", "pm2_5_ug_m3", "pm10_ug_m3")
COUNTS_PMS = (
    *("above_0_3_cm3", "above_0_5_cm3", "above_1_cm3", "above_2_5_cm3"),
    *("above_5_cm3", "above_10_cm3"),
)


def _sht45(words: Words) -> dict[str, float]:
    humidity = min(max(125 * words[1] / 65535 - 6, 0), 100)
    return {"air_temperature_c": 175 * words[0] / 65535 - 45, "humidity_pct": humidity}


def _scd41(words: Words) -> dict[str, float]:
    co2, temperature, humidity = words
    return {
        "co2_ppm": co2,
        "air_temperature_c": 175 * temperature / 65535 - 45,
        "humidity_pct": 100 * humidity / 65535,
    }


def _sgp41(words: Words) -> dict[str, float]:
    return {"voc_ticks": words[0], "nox_ticks": words[1]}


def _sps30(words: Words) -> dict[str, float]:
    return dict(zip(PARTICLES_30, words, strict=True))


def _pms(words: Words) -> dict[str, float]:
    values = dict(zip(MASSES_PMS, words[3:6], strict=True))
    return values | dict(zip(COUNTS_PMS, (one / 100 for one in words[6:]), strict=True))


def _bme680(words: Words) -> dict[str, float]:
    # By the datasheet's floating-point formulas; the driver has those in integers.
    fine = bosch.fine_temperature(bosch.CALIBRATION, int(words[0]))
    return {
        "air_temperature_c": fine / 5120,
        "pressure_hpa": bosch.pressure_pa(bosch.CALIBRATION, int(words[1]), fine) / 100,
        "humidity_pct": bosch.humidity_pct(bosch.CALIBRATION, int(words[2]), fine / 5120),
    }


@dataclass(frozen=True)
class Kind:
    """One chip on one bus.

    Attributes:
        make: the model.
        driver: expression that makes the driver, in a node's program.
        bus, where: of the board.
        expected: what readings are due for a tap's words.
        within: by field, how far a reading may be off.
        checked: whether each answer has a checksum.
    """

    name: str
    make: Callable[..., AirChip]
    driver: str
    bus: str
    where: int
    expected: Callable[[Words], dict[str, float]]
    within: dict[str, float] = field(default_factory=dict)
    checked: bool = True

    def fitted(self, model: Any) -> dict[str, Any]:
        """Return the options of a board with `model` where this chip belongs."""
        return {self.bus: {self.where: model}}

    def is_from(self, values: dict[str, float], taps: list[tuple[int, Words]]) -> bool:
        """Return whether a reading is one of those that left the converter."""
        return any(self._same(values, self.expected(words)) for _t_us, words in taps)

    def _same(self, values: dict[str, float], wanted: dict[str, float]) -> bool:
        shared = wanted.keys() & values.keys()
        # Single floats on the wire of the chip, doubles here.
        return bool(shared) and all(
            values[name] == pytest.approx(wanted[name], rel=1e-6, abs=self.within.get(name, 1e-6))
            for name in shared
        )


def _i2c(name: str) -> str:
    return f"{name}.over_i2c(i2c, {{}}, clock)"


# The integers of the BME680's datasheet against its floating-point formulas: 0.01 C and 5 Pa steps.
_BME_WITHIN = {"air_temperature_c": 0.011, "pressure_hpa": 0.12, "humidity_pct": 0.02}

KINDS = [
    Kind("sht45", Sht45, _i2c("sht45").format(0x44), "i2c", 0x44, _sht45),
    Kind("scd41", Scd41, _i2c("scd41").format(0x62), "i2c", 0x62, _scd41),
    Kind("sgp41", Sgp41, _i2c("sgp41").format(0x59), "i2c", 0x59, _sgp41),
    Kind("sps30-i2c", Sps30I2c, _i2c("sps30").format(0x69), "i2c", 0x69, _sps30),
    Kind("sps30-uart", Sps30Uart, "sps30.over_uart(uart(1), clock)", "uart", 1, _sps30),
    Kind("pms5003", Pms5003, "pms5003.over_uart(uart(2), clock)", "uart", 2, _pms),
    Kind("pmsa003i", Pmsa003i, _i2c("pms5003").format(0x12), "i2c", 0x12, _pms),
    Kind(
        "bme680",
        Bme680,
        _i2c("bme680").format(0x76),
        "i2c",
        0x76,
        _bme680,
        within=_BME_WITHIN,
        checked=False,
    ),
    Kind(
        "bme688",
        lambda *air, **options: Bme680(*air, is_688=True, **options),
        _i2c("bme680").format(0x77),
        "i2c",
        0x77,
        _bme680,
        within=_BME_WITHIN,
        checked=False,
    ),
    Kind(
        "bme680-spi",
        Bme680,
        "bme680.over_spi(machine.SPI(0), machine.Pin(2, machine.Pin.OUT, value=1), clock)",
        "chips",
        2,
        _bme680,
        within=_BME_WITHIN,
        checked=False,
    ),
]
BY_NAME = {kind.name: kind for kind in KINDS}


def in_a_room(kind: Kind, **options: Any) -> Any:
    """Return the model in air that stays as it is."""
    return kind.make(Constant(ROOM_AIR), **options)
