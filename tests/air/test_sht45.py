"""SHT45: the driver in MicroPython, through the bus channel, against the model."""

from __future__ import annotations

import pytest

from resonode_hil.room import AirState
from resonode_hil.sensors.air_chip import Constant
from resonode_hil.sensors.sht45 import Sht45
from tests.air.node_program import run


def test_readings_are_what_left_the_converter(tmp_path):
    chip = Sht45(Constant(AirState(temperature_c=23.5, humidity_pct=61.0)))
    said = run(
        tmp_path,
        """
        chip = sht45.over_i2c(i2c, 0x44, clock)
        await chip.identify()
        await chip.start(1)
        for _ in range(20):
            say(await chip.read())
        """,
        i2c={0x44: chip},
    )
    assert len(said) == len(chip.tap) == 20
    for values, (_t_us, (temperature, humidity)) in zip(said, chip.tap, strict=True):
        assert values["air_temperature_c"] == pytest.approx(-45 + 175 * temperature / 65535)
        assert values["humidity_pct"] == pytest.approx(-6 + 125 * humidity / 65535)
    # Within the datasheet's repeatability of the air it is in.
    assert said[0]["air_temperature_c"] == pytest.approx(23.5, abs=0.1)
    assert said[0]["humidity_pct"] == pytest.approx(61.0, abs=0.3)
