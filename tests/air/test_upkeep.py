"""What an air sensor can be asked to do, on a whole node: results, refusals, and what is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import resonode
from resonode import upkeep
from resonode.errors import CheckFailed, CommandError, NodeError
from resonode_hil.board import VirtualBoard
from resonode_hil.machine import Still
from resonode_hil.room import AirState
from resonode_hil.sensors.air_chip import Constant
from resonode_hil.sensors.bme680 import Bme680
from resonode_hil.sensors.faulty import Faulty, unplugged
from resonode_hil.sensors.lis2dw12 import Lis2dw12
from resonode_hil.sensors.pms5003 import Pmsa003i
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from resonode_hil.sensors.sht45 import Sht45
from resonode_hil.sensors.sps30 import FAN_FAILED, Sps30I2c, Sps30Uart
from resonode_hil.timebase import Paced
from resonode_wire.security import OPEN
from tests.air.chips import ROOM_AIR
from tests.e2e.conftest import run
from tests.sdk.conftest import Done, cli  # noqa: F401  # a fixture

S = 1_000_000
SPEED = 100
PERIOD_S = 5
QUIET: dict[str, Any] = {"outputs": [], "envelope_axes": "", "velocity_axes": ""}
QUIET |= {"schedule_period_s": 3600, "schedule_length_s": 1, "health_period_s": 3600}
Boards = Callable[..., VirtualBoard]


@pytest.fixture
def board(virtual_board: Any) -> Boards:
    """Return a function that starts a node that measures the air, and little else."""

    def start(**fitted: Any) -> VirtualBoard:
        board = virtual_board(
            {0: Lis2dw12(Still())}, timebase=Paced(speed=SPEED), profile=OPEN, **fitted
        )

        async def configure() -> None:
            async with resonode.connect(url_of(board)) as node:
                await node.configure(QUIET, air_period_s=PERIOD_S)

        run(configure())
        return board

    return start


def url_of(board: VirtualBoard) -> str:
    return f"serial:{board.port}"


async def until(node: resonode.Node, good: Callable[[Any], bool]) -> Any:
    """The first record that is `good`, of those still to come."""
    async for record in node.records(from_seq=(await node.info()).next, timeout_s=30):
        if good(record):
            return record
    raise AssertionError


def air_of(sensor: str, **values: Any) -> Callable[[Any], bool]:
    def good(record: Any) -> bool:
        return (
            isinstance(record, resonode.Air)
            and record.sensor == sensor
            and record.interval_s in (1, PERIOD_S)  # begun anew with these settings
            and all(getattr(record, name) == value for name, value in values.items())
        )

    return good


def test_a_recalibrated_co2_sensor_reads_what_is_there_and_the_records_say_what_was_done(
    board: Boards,
) -> None:
    chip = Scd41(Constant(ROOM_AIR), off_ppm=75.0, noise=0.0)
    one = board(i2c={0x62: chip})

    async def recalibrate() -> None:
        async with resonode.connect(url_of(one)) as node:
            before = await until(node, air_of("scd41"))
            assert before.co2_ppm == 875
            scd41 = await upkeep.find(node, "recalibrate")
            await until(node, lambda record: record.t_us > before.t_us + 185 * S)
            assert await upkeep.do(node, scd41, "recalibrate", 800) == {"corrected_ppm": -75}
            after = await first_after_service(node, "scd41")
            assert after.co2_ppm == 800 and after.warming_up and after.errors == 0
            found = [one async for one in stored(node) if isinstance(one, resonode.Event)]
            assert [(e.event_name, e.sensor, e.place, e.detail) for e in found] == [
                ("serviced", "scd41", "i2c0/0x62", "recalibrate 800: corrected_ppm -75")
            ]
            # It must not be asked for what it cannot do, or twice at once.
            with pytest.raises(CommandError, match="400..2000"):
                await upkeep.do(node, scd41, "recalibrate", 300)
            with pytest.raises(CommandError, match="no 'clean'"):
                await upkeep.do(node, scd41, "clean")
            with pytest.raises(CommandError, match="no air sensor at 'i2c7/0x01'"):
                await upkeep.do(node, upkeep.AirSensor("x", "i2c7/0x01", ()), "clean")

    run(recalibrate())


async def first_after_service(node: resonode.Node, sensor: str) -> Any:
    """The first reading after something was done to a sensor, however fast time is."""
    served = False
    async for record in node.records(timeout_s=30):
        served = served or isinstance(record, resonode.Event)
        if served and air_of(sensor)(record):
            return record
    raise AssertionError


async def stored(node: resonode.Node) -> Any:
    last = (await node.info()).next - 1
    async for record in node.records():
        yield record
        if record.seq >= last:
            return


@pytest.mark.parametrize(
    ("name", "good", "bad", "fails"),
    [
        ("scd41", Scd41, lambda: Scd41(broken=True), "result"),
        ("sgp41", Sgp41, lambda: Sgp41(broken=2), "nox_passed"),
        ("bme680", Bme680, lambda: Bme680(burnt=True), "gas_right"),
        ("bme680", Bme680, lambda: Bme680(Constant(AirState(humidity_pct=95))), "humidity_right"),
        ("sps30", Sps30I2c, lambda: Sps30I2c(status=FAN_FAILED), "fan_turns"),
    ],
    ids=["scd41", "sgp41", "bme680 oxide", "bme680 in wet air", "sps30"],
)
def test_each_self_test_passes_a_good_sensor_names_what_is_wrong_and_it_measures_on(
    board: Boards, name: str, good: Any, bad: Any, fails: str
) -> None:
    address = {"scd41": 0x62, "sgp41": 0x59, "bme680": 0x76, "sps30": 0x69}[name]

    async def tested(one: VirtualBoard) -> dict[str, Any]:
        async with resonode.connect(url_of(one)) as node:
            await until(node, air_of(name))
            found = await upkeep.do(node, await upkeep.find(node, "self_test", name), "self_test")
            after = await first_after_service(node, name)
            # It goes on, and the readings that were not due meanwhile are no errors.
            assert after.errors == 0 and (after.warming_up or name == "sps30")
        return found

    assert run(tested(board(i2c={address: good()})))["passed"]
    failed = run(tested(board(i2c={address: bad()})))
    assert not failed["passed"] and failed[fails] in (False, 1)


@pytest.mark.parametrize("bus", ["i2c", "uart"])
def test_a_fan_is_cleaned_while_it_measures_and_readings_are_marked(
    board: Boards, bus: str
) -> None:
    chip = Sps30I2c(Constant(ROOM_AIR)) if bus == "i2c" else Sps30Uart(Constant(ROOM_AIR))
    one = board(**{bus: {0x69 if bus == "i2c" else 1: chip}})

    async def clean() -> None:
        async with resonode.connect(url_of(one)) as node:
            await until(node, lambda r: air_of("sps30")(r) and not r.warming_up)
            sensor = await upkeep.find(node, "clean")
            await upkeep.do(node, sensor, "clean")
            assert (await first_after_service(node, "sps30")).warming_up
            await node.configure(run=False)
            with pytest.raises(CommandError, match="must measure"):
                await upkeep.do(node, sensor, "clean")
            losses = [one async for one in stored(node) if isinstance(one, resonode.Loss)]
            assert not [one for one in losses if one.sensor == "sps30"]

    run(clean())
    assert chip.counter.cleanings == 1


def test_an_act_that_fails_says_why_and_a_sensor_is_found_by_what_it_can_do(board: Boards) -> None:
    humid, broken = Sht45(Constant(ROOM_AIR)), Sht45()
    del broken.commands[0x39]  # does not acknowledge the heater
    one = board(i2c={0x62: Scd41(), 0x44: humid, 0x45: broken, 0x59: Sgp41()})

    async def heat() -> None:
        async with resonode.connect(url_of(one)) as node:
            await until(node, air_of("sht45", place="i2c0/0x45"))
            hot = await upkeep.do(node, await upkeep.find(node, "heat", "i2c0/0x44"), "heat")
            assert hot["air_temperature_c"] > ROOM_AIR.temperature_c + 30
            sht45 = await upkeep.find(node, "heat", "i2c0/0x45")
            with pytest.raises(CheckFailed, match="does not answer at 0x45"):
                await upkeep.do(node, sht45, "heat")
            events = [one async for one in stored(node) if isinstance(one, resonode.Event)]
            assert events[-1].detail.startswith("heat: failed: sht45 does not answer")
            with pytest.raises(NodeError, match="Several air sensors"):
                await upkeep.find(node, "heat")
            with pytest.raises(NodeError, match="No air sensor"):
                await upkeep.find(node, "clean")

    run(heat())
    assert humid.heated_s == pytest.approx(1.1)


def test_a_sensor_that_is_gone_is_asked_for_nothing(board: Boards) -> None:
    chip = Scd41()
    one = board(i2c={0x62: Faulty(chip, unplugged(4, from_us=20 * S, until_us=10**12))})

    async def gone() -> None:
        async with resonode.connect(url_of(one)) as node:
            await until(node, lambda r: isinstance(r, resonode.Loss) and r.sensor == "scd41")
            sensor = await upkeep.find(node, "self_test")
            with pytest.raises(CommandError, match="does not answer"):
                await upkeep.do(node, sensor, "self_test")

    run(gone())


def test_settings_reach_the_chips(board: Boards) -> None:
    co2, dust = Scd41(Constant(ROOM_AIR), noise=0.0), Sps30I2c()
    one = board(i2c={0x62: co2, 0x69: dust})

    async def told() -> float:
        async with resonode.connect(url_of(one)) as node:
            await until(node, air_of("sps30"))
            assert dust.counter.week_s == 604800
            await node.configure(altitude_m=1500, fan_clean_s=86400)
            await until(node, air_of("sps30"))
            while dust.counter.week_s != 86400:
                await until(node, air_of("sps30"))
            found = await until(node, lambda r: air_of("scd41")(r) and r.co2_ppm != 800)
            return float(found.co2_ppm)

    # The air is that of sea level, and the chip takes it for thinner: 845.6 hPa at 1500 m.
    assert run(told()) == pytest.approx(800 * 1013.25 / 845.6, rel=2e-3)


def test_the_command_line_does_it_all(cli: Callable[..., Done], board: Boards) -> None:  # noqa: F811
    one = board(i2c={0x62: Scd41(broken=True), 0x69: Sps30I2c(), 0x44: Sht45(), 0x12: Pmsa003i()})
    port = ("--port", url_of(one))

    async def ready() -> None:
        async with resonode.connect(url_of(one)) as node:
            await until(node, lambda r: air_of("sps30")(r) and not r.warming_up)

    run(ready())
    listed = json.loads(cli("node", "sensor", "list", *port, "--json").out)["sensors"]
    assert {one["sensor"]: one["acts"] for one in listed} == {
        "scd41": ["recalibrate", "self_test"],
        "sps30": ["clean", "self_test"],
        "sht45": ["heat"],
        "pms5003": [],
    }
    assert "i2c0/0x62" in cli("node", "sensor", "list", *port).out
    failed = cli("node", "sensor", "test", "--sensor", "scd41", *port)
    assert failed.code == 19 and "self-test of scd41 failed" in failed.err
    assert cli("node", "sensor", "test", "--sensor", "i2c0/0x69", *port).code == 0
    assert "cleaned itself" in cli("node", "sensor", "clean", *port).err
    assert "°C" in cli("node", "sensor", "heat", *port).err
    unsure = cli("node", "sensor", "recalibrate", "420", *port)
    assert unsure.code == 1 and "needs your word" in unsure.err
    assert cli("node", "config", "set", "run=false", *port).code == 0
    early = cli("node", "sensor", "recalibrate", "420", "--yes", *port)
    assert early.code == 8 and "must have measured" in early.err
    none = cli("node", "sensor", "test", "--sensor", "pms5003", *port)
    assert none.code == 1 and "No air sensor of this node can self-test under" in none.err
