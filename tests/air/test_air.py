"""The Air task in MicroPython: schedules, neighbours, what is declared, what is made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resonode import dsp
from resonode_hil.room import AirState, office_day
from resonode_hil.sensors.air_chip import Constant
from resonode_hil.sensors.bme680 import Bme680
from resonode_hil.sensors.faulty import Faulty, absent, nacking, stuck, unplugged
from resonode_hil.sensors.pms5003 import Pms5003, Pmsa003i
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from resonode_hil.sensors.sht45 import Sht45
from resonode_hil.sensors.sps30 import Sps30Uart
from resonode_hil.timebase import Lockstep
from tests.air.chips import ROOM_AIR
from tests.air.node_air import NODE
from tests.air.node_program import run

S = 1_000_000
SENSORS = {
    "sht45": '("i2c0/0x44", sht45.over_i2c(i2c, 0x44, clock))',
    "scd41": '("i2c0/0x62", scd41.over_i2c(i2c, 0x62, clock))',
    "sgp41": '("i2c0/0x59", sgp41.over_i2c(i2c, 0x59, clock))',
    "bme680": '("i2c0/0x76", bme680.over_i2c(i2c, 0x76, clock))',
    "sps30": '("uart1", sps30.over_uart(uart(1), clock))',
    "pms5003": '("uart2", pms5003.over_uart(uart(2), clock))',
    "pmsa003i": '("i2c0/0x12", pms5003.over_i2c(i2c, 0x12, clock))',
}


class Heard:
    """What a node told: records by sensor, losses, lines of its console, and how it ended."""

    def __init__(self, said: list[list[Any]]) -> None:
        self.air = [values for kind, *rest in said if kind == "air" for values in rest]
        self.losses = [values for kind, *rest in said if kind == "loss" for values in rest]
        self.console = [rest[1] for kind, *rest in said if kind == "log"]
        self.of = [values for kind, *rest in said if kind == "end" for values in rest]

    def records(self, sensor: str) -> list[dict[str, Any]]:
        return [one for one in self.air if one["sensor"] == sensor]


Live = Callable[..., Heard]


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Return a function that lets a node with some sensors live for a while."""

    def run_it(
        names: list[str], seconds: float, *, settings: str = "", look_s: float = 20.0, **fitted: Any
    ) -> Heard:
        body = NODE + textwrap.dedent(
            f"""
            node = Node({settings})
            sensors = [{", ".join(SENSORS[name] for name in names)}]
            gc.collect()
            await air(node, sensors, {seconds}, {look_s})
            say(["end", node.counters.groups()])
            """
        )
        return Heard(run(tmp_path, body, patience_s=120, **fitted))

    return run_it


def test_one_record_a_reading_on_the_sensors_own_grid(live):
    chip = Sht45(Constant(ROOM_AIR))
    heard = live(["sht45"], 100, settings="air_period_s=7", i2c={0x44: chip})
    records = heard.records("sht45")
    assert len(records) == 15
    for number, record in enumerate(records):
        assert record["t_us"] - records[0]["t_us"] == pytest.approx(number * 7 * S, abs=2000)
        assert record["interval_s"] == 7.0 and record["cause"] == 0
        assert (record["readings"], record["errors"]) == (number + 1, 0)
        assert "stale_s" not in record and "warming_up" not in record
    assert heard.of[0]["air"] == {"readings": 15, "errors": 0}


def test_readings_missed_while_the_node_could_not_are_counted_and_the_grid_stays(live):
    timebase = Lockstep()
    timebase.stall(30_500_000, 25 * S)
    heard = live(["sht45"], 120, i2c={0x44: Sht45(Constant(ROOM_AIR))}, timebase=timebase)
    times = [one["t_us"] for one in heard.records("sht45")]
    # Due at 0, 10 ... 130 s (the program's own pauses were late, too): that of 40 s was never
    # asked for, that of 50 s at 55.5 s.
    off_us = [(t_us - times[0] + 5 * S) % (10 * S) - 5 * S for t_us in times]
    assert sorted(map(abs, off_us))[-2] < 2000
    assert heard.of[0]["air"] == {"readings": 13, "errors": 1}
    assert heard.records("sht45")[-1]["errors"] == 1


def test_a_chip_slower_than_asked_for_is_read_at_its_own_pace(live):
    heard = live(["scd41"], 60, settings="air_period_s=1", i2c={0x62: Scd41(Constant(ROOM_AIR))})
    records = heard.records("scd41")
    assert {one["interval_s"] for one in records} == {5.0}
    assert len(records) == 11


def test_warm_up_is_marked_until_it_is_over(live):
    heard = live(["scd41"], 120, i2c={0x62: Scd41(Constant(ROOM_AIR))})
    warming = [one["t_us"] for one in heard.records("scd41") if one.get("warming_up")]
    ready = [one["t_us"] for one in heard.records("scd41") if not one.get("warming_up")]
    assert warming and ready and max(warming) < 61 * S < min(ready) + 5 * S


@pytest.mark.parametrize("gone_at_s", [35, 41])
def test_an_unplugged_sensor_is_declared_leaves_the_others_running_and_is_found_again(
    live, gone_at_s
):
    def fresh() -> Scd41:
        return Scd41(Constant(ROOM_AIR))

    when = {"from_us": gone_at_s * S, "until_us": 120 * S}
    chip = Faulty(fresh(), unplugged(4, **when), again=fresh)
    neighbours = {0x62: chip, 0x44: Sht45(Constant(ROOM_AIR)), 0x59: Sgp41(Constant(ROOM_AIR))}
    heard = live(["scd41", "sht45", "sgp41"], 200, i2c=neighbours)
    # The others never noticed.
    for name in ("sht45", "sgp41"):
        assert heard.records(name)[-1]["errors"] == 0
    assert len(heard.records("sht45")) == 20
    # Declared once, in plain words, on the console and as a record.
    assert len(heard.losses) == 1
    loss = heard.losses[0]
    assert (loss["sensor"], loss["place"], loss["reason"]) == ("scd41", "i2c0/0x62", 2)
    assert "does not answer" in loss["detail"]
    assert sum("air i2c0/0x62" in line and "answer" in line for line in heard.console) == 1
    # Nothing is told of it meanwhile but what was known, for three readings; then it is back.
    times = [one["t_us"] / S for one in heard.records("scd41")]
    assert not [t_s for t_s in times if gone_at_s + 10 <= t_s < 120]
    assert min(t_s for t_s in times if t_s > 120) < 140
    assert "air: scd41 at i2c0/0x62 is back" in heard.console
    # Every reading that was due is in one of the counts.
    last = heard.records("scd41")[-1]
    assert 5 <= last["errors"] <= 12 and last["readings"] >= 9


def test_a_sensor_that_is_not_there_at_boot_is_declared_and_found_when_it_is_plugged_in(live):
    chip = Faulty(Sht45(Constant(ROOM_AIR)), absent(until_us=50 * S))
    heard = live(["sht45"], 100, i2c={0x44: chip})
    assert [one["detail"] for one in heard.losses] == [
        "sht45 does not answer at 0x44: check power and wiring"
    ]
    records = heard.records("sht45")
    assert records[0]["t_us"] >= 50 * S and records[0]["errors"] == 5 and len(records) == 5


def test_lost_answers_are_counted_and_the_last_values_are_repeated_with_their_age(live):
    chip = Faulty(Sht45(Constant(ROOM_AIR)), nacking(1.0, from_us=45 * S, until_us=65 * S))
    heard = live(["sht45"], 100, i2c={0x44: chip})
    records = heard.records("sht45")
    stale = [one for one in records if "stale_s" in one]
    assert [round(one["stale_s"]) for one in stale] == [10, 20]
    good = [one for one in records if one["t_us"] < 45 * S and "stale_s" not in one][-1]
    for one in stale:
        assert one["t_us"] == good["t_us"]
        assert one["air_temperature_c"] == good["air_temperature_c"]
    assert not heard.losses
    assert heard.of[0]["air"] == {"readings": 8, "errors": 2}


def test_a_stuck_sensor_is_declared(live):
    chip = Faulty(Scd41(Constant(ROOM_AIR)), stuck(from_us=42 * S))
    heard = live(["scd41"], 120, i2c={0x62: chip})
    assert len(heard.losses) == 1
    detail = heard.losses[0]["detail"]
    assert "stuck" in detail or "does not answer" in detail


def test_values_that_never_change_are_counted(live):
    # Nothing but its bytes says that this one is stuck.
    chip = Faulty(Pmsa003i(Constant(ROOM_AIR)), stuck(from_us=30 * S))
    heard = live(["pmsa003i"], 120, i2c={0x12: chip})
    assert heard.records("pms5003")[-1]["unchanged"] >= 8
    assert not any("unchanged" in one for one in heard.records("pms5003")[:2])


def test_gas_indices_are_those_of_the_core_on_the_same_signals(live):
    chip = Sgp41(office_day())
    heard = live(["sgp41"], 600, i2c={0x59: chip})
    voc, nox = dsp.GasIndex("voc"), dsp.GasIndex("nox")
    wanted = []
    for _t_us, (voc_ticks, nox_ticks) in chip.tap:
        conditioning = len(wanted) < 10
        wanted.append((voc.process(int(voc_ticks)), conditioning or nox.process(int(nox_ticks))))
    records = heard.records("sgp41")
    assert len(records) == 60
    for record in records:
        index = record["readings"] - 1
        assert record["voc_index"] == wanted[index][0]
        assert record["voc_ticks"] == chip.tap[index][1][0]
        # The first ten seconds condition the NOx pixel, which measures nothing then.
        assert ("nox_index" in record) == (index >= 10)
        if index >= 10:
            assert record["nox_index"] == wanted[index][1]
    assert records[-1]["voc_index"] > 0
    assert 9.0 < chip.longest_conditioning_s <= 10.0


def test_the_gas_sensor_is_told_the_air_and_the_co2_sensor_its_pressure(live):
    mountain = Constant(AirState(humidity_pct=80.0, pressure_hpa=850.0, co2_ppm=600.0))
    gas = Sgp41(mountain, noise=0.0)
    co2 = Scd41(mountain, noise=0.0)
    fitted = {0x59: gas, 0x62: co2, 0x44: Sht45(mountain), 0x76: Bme680(mountain)}
    heard = live(["sgp41", "scd41", "sht45", "bme680"], 60, i2c=fitted)
    # Untold, the signals are off by 30 % of humidity, and CO2 by 16 %.
    assert abs(gas.tap[0][1][0] - gas.tap[-1][1][0]) > 25 * 25
    assert heard.records("scd41")[-1]["co2_ppm"] == pytest.approx(600, abs=1)
    assert co2.tap[0][1][0] == pytest.approx(600 * 850 / 1013.25, abs=1)


def test_particles_can_be_told_without_their_water(live):
    def last_record(settings: str) -> dict[str, Any]:
        humid = Constant(AirState(humidity_pct=80.0, fine_ug_m3=30.0))
        fitted = {"i2c": {0x44: Sht45(humid)}, "uart": {2: Pms5003(humid)}}
        heard = live(["sht45", "pms5003"], 60, settings=settings, **fitted)
        return heard.records("pms5003")[-1]

    last = last_record("pm_kappa=0.4")
    wet, humidity = last["pm2_5_ug_m3"], last["dry_humidity_pct"]
    assert humidity == pytest.approx(80.0, abs=1.0)
    # Crilley et al. (2018): C = 1 + (kappa / 1.65) / (-1 + 1 / aw).
    factor = 1 + 0.4 / 1.65 / (-1 + 100 / humidity)
    assert last["pm2_5_dry_ug_m3"] == pytest.approx(wet / factor, rel=1e-6)
    assert last["dry_kappa"] == pytest.approx(0.4, rel=1e-6)
    assert "pm2_5_dry_ug_m3" not in last_record("")


def test_a_changed_period_takes_effect_and_a_stopped_node_stops_its_sensors(tmp_path):
    fan = Sps30Uart(Constant(ROOM_AIR))
    body = NODE + textwrap.dedent(
        f"""
        node = Node(air_period_s=5)
        task = asyncio.create_task(Air(node, [{SENSORS["sps30"]}], clock).run())
        await sleep_s(60)
        node.config = dict(node.config, air_period_s=20)
        await sleep_s(120)
        node.measures = False
        await sleep_s(30)
        records(node)
        task.cancel()
        """
    )
    records = Heard(run(tmp_path, body, uart={1: fan})).records("sps30")
    early = [one["interval_s"] for one in records if one["t_us"] < 60 * S]
    late = [one["interval_s"] for one in records if one["t_us"] > 65 * S]
    assert set(early) == {5.0} and set(late) == {20.0} and len(late) == 5
    assert not fan.counter.measures


def test_a_change_that_does_not_concern_a_sensor_leaves_it_running(tmp_path):
    gas = Sgp41(Constant(ROOM_AIR))
    body = NODE + textwrap.dedent(
        f"""
        node = Node(air_period_s=5)
        task = asyncio.create_task(Air(node, [{SENSORS["sgp41"]}], clock).run())
        for window in (512, 1024, 2048):
            await sleep_s(30)
            node.config = dict(node.config, window=window)
        await sleep_s(30)
        records(node)
        task.cancel()
        """
    )
    records = Heard(run(tmp_path, body, i2c={0x59: gas})).records("sgp41")
    # Its pixel is conditioned once, at the start, and the index goes on.
    assert ["nox_index" in one for one in records].index(True) == 2
    assert all("nox_index" in one for one in records[2:])
    assert records[-1]["errors"] == 0 and records[-1]["readings"] > 115


@pytest.mark.parametrize("later", [False, True])
def test_self_calibration_of_the_co2_sensor_follows_the_configuration(tmp_path, later):
    chip = Scd41(Constant(ROOM_AIR))
    body = NODE + textwrap.dedent(
        f"""
        node = Node(air_period_s=5, co2_self_calibration=False)
        task = asyncio.create_task(Air(node, [{SENSORS["scd41"]}], clock).run())
        await sleep_s(20)
        node.config = dict(node.config, co2_self_calibration={later})
        await sleep_s(20)
        records(node)
        task.cancel()
        """
    )
    records = Heard(run(tmp_path, body, i2c={0x62: chip})).records("scd41")
    assert chip.calibrates_itself == later
    assert len(records) >= 5 and records[-1]["errors"] == 0


def test_a_particle_sensor_that_cleans_its_fan_is_not_taken_to_be_stuck(live):
    chip = Sps30Uart(Constant(ROOM_AIR))
    heard = live(["sps30"], 200, settings="air_period_s=1, fan_clean_s=60", uart={1: chip})
    assert chip.counter.cleanings == 3 and not heard.losses
    records = heard.records("sps30")
    # Readings that were due meanwhile are errors, and the last values are as old as they say.
    assert records[-1]["errors"] == pytest.approx(3 * 10, abs=3)
    assert max(one.get("stale_s", 0) for one in records) == pytest.approx(10, abs=1.5)


def test_a_day_of_three_sensors_keeps_its_schedule_its_counts_and_its_heap(tmp_path):
    """24 h of virtual time: a paced sensor every second, two others, each on its own oscillator."""
    room = office_day()
    co2 = Scd41(room, clock_error=+0.004)
    particles = Sps30Uart(room, clock_error=-0.003)
    gas = Sgp41(room)
    body = NODE + textwrap.dedent(
        f"""
        node = Node(air_period_s=60)
        sensors = [{SENSORS["scd41"]}, {SENSORS["sps30"]}, {SENSORS["sgp41"]}]
        told = {{}}  # sensor -> [records, first, last, latest off its grid, readings, errors]
        heaps = []

        def take():
            store = node.store
            for seq in range(store.first, store.next):
                name, values = message.decode(store.get(seq))
                assert name == "air", values
                mine = told.setdefault(values["sensor"], [0, values["t_us"], 0, 0, 0, 0])
                off = values["t_us"] - mine[1] - mine[0] * 60000000
                mine[0] += 1
                mine[2], mine[3] = values["t_us"], max(mine[3], abs(off))
                mine[4:6] = [values["readings"], values["errors"]]
            store.acknowledge(store.next - 1)

        task = asyncio.create_task(Air(node, sensors, clock).run())
        for hour in range(24):
            for _ in range(60):
                await sleep_s(60)
                take()
            gc.collect()
            heaps.append(gc.mem_alloc())
        say([told, heaps, node.counters.groups()])
        """
    )
    i2c = {0x62: co2, 0x59: gas}
    [[told, heaps, groups]] = run(tmp_path, body, patience_s=240, i2c=i2c, uart={1: particles})
    # On the grid to the end: after 24 h within one interval of the sensor's own, where one
    # an hour is allowed.
    for name, own_s in (("scd41", 5), ("sps30", 1), ("sgp41", 1)):
        records, _first, _last, off_us, readings, errors = told[name]
        assert records == pytest.approx(1440, abs=1)
        assert off_us <= own_s * S, name
        assert errors == 0
        assert readings == pytest.approx(86400 if name == "sgp41" else 1440, abs=60)
    # Everything that was due was read, and every record was made and taken.
    assert groups["air"]["readings"] == pytest.approx(86400 + 1440 + 1440, abs=2)
    assert groups["air"]["errors"] == 0
    assert groups["records"]["made"] == sum(one[0] for one in told.values())
    assert groups["records"]["dropped"] == 0 and groups["tasks"]["errors"] == 0
    # Flat: the first hour fills buffers; from then on nothing stays.
    assert max(heaps[1:]) - min(heaps[1:]) < 2048, heaps
