"""The node finds what is fitted, and says in plain words what it does not know."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import resonode
from resonode.records import Air, Boot, Features
from resonode_hil.machine import default_machine
from resonode_hil.sensors.adxl345 import Adxl345
from resonode_hil.sensors.adxl355 import Adxl355
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.sensors.lis2dw12 import Lis2dw12
from resonode_hil.sensors.lsm6ds3trc import Lsm6ds3trc
from resonode_hil.sensors.pms5003 import Pms5003
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sht45 import Sht45
from resonode_wire.security import OPEN

from .conftest import run

ACCELEROMETERS = {
    "iis3dwb": Iis3dwb,
    "adxl345": Adxl345,
    "adxl355": Adxl355,
    "lis2dw12": Lis2dw12,
    "lsm6ds3": Lsm6ds3trc,
}


class Unknown:
    """Something at an I2C address that acknowledges, and says nothing we know."""

    def i2c(self, write: bytes, n_read: int) -> bytes:
        return bytes(n_read)

    def advance(self, t_us: int) -> None:
        pass


def records_of(board: Any, enough: Callable[[list], bool]) -> list[resonode.Record]:
    async def scenario() -> list[resonode.Record]:
        records: list[resonode.Record] = []
        async with resonode.connect(f"serial:{board.port}") as node:
            async for record in node.records():
                records.append(record)
                if enough(records):
                    return records
        raise AssertionError("the stream ended")

    return run(scenario())


def of(kind: type, records: list) -> list:
    return [record for record in records if isinstance(record, kind)]


@pytest.mark.parametrize("name", ACCELEROMETERS)
def test_each_accelerometer_is_found_by_what_it_says_it_is(name: str, virtual_board: Any):
    chip = ACCELEROMETERS[name](default_machine())
    board = virtual_board({0: chip}, profile=OPEN)
    records = records_of(board, lambda found: len(of(Features, found)) >= 3)
    (boot,) = of(Boot, records)
    assert boot.sensors == (name,)
    nominal_hz = {"iis3dwb": 26667, "adxl345": 3200, "adxl355": 4000, "lis2dw12": 1600}
    rate_hz = of(Features, records)[0].rate_hz
    assert abs(rate_hz / nominal_hz.get(name, 6660) - 1) < 0.1


def test_air_sensors_are_found_on_every_bus_and_the_late_one_is_told_too(virtual_board: Any):
    board = virtual_board(
        {0: Iis3dwb(default_machine())},
        i2c={0x62: Scd41(), 0x44: Sht45()},
        uart={2: Pms5003()},
        profile=OPEN,
    )

    async def sensors() -> tuple[str, ...]:
        async with resonode.connect(f"serial:{board.port}") as node:
            await node.configure(air_period_s=1, outputs=[])
            return (await node.info()).sensors

    run(sensors())
    places = {"i2c0/0x44", "i2c0/0x62", "uart2"}
    records = records_of(board, lambda found: {one.place for one in of(Air, found)} == places)
    # An SCD41 may take a second after power-on.
    assert {"iis3dwb", "sht45"} <= set(of(Boot, records)[0].sensors)
    assert set(run(sensors())) == {"iis3dwb", "scd41", "sht45", "pms5003"}


def test_what_is_unknown_or_silent_is_reported_in_plain_words(
    virtual_board: Any, caplog: pytest.LogCaptureFixture
):
    board = virtual_board({}, i2c={0x3C: Unknown()}, profile=OPEN)
    with caplog.at_level(logging.INFO, "resonode.node_log"):
        # A sensor that does not answer is declared once a second.
        records_of(board, lambda _found: "i2c0" in caplog.text)
    said = "\n".join(caplog.messages)
    assert "spi0/cs0: no accelerometer that we know answers" in said
    assert "i2c0/0x3C: something answers that we do not know" in said
