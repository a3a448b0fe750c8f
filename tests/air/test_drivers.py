"""What each driver does when nothing is wrong, in MicroPython against the model: who is there, how
it is set up, what it reads, what it can do beside.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from resonode_hil.room import AirState
from resonode_hil.sensors.air_chip import Constant
from resonode_hil.sensors.bme680 import CALIBRATION, Bme680
from resonode_hil.sensors.faulty import Faulty, flipped
from resonode_hil.sensors.pms5003 import Pms5003
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from resonode_hil.sensors.sht45 import Sht45
from resonode_hil.sensors.sps30 import FAN_FAILED, Sps30I2c, Sps30Uart
from tests.air.chips import BY_NAME, KINDS, ROOM_AIR, Kind, in_a_room
from tests.air.node_program import run

S = 1_000_000


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_readings_are_what_left_the_converter(kind: Kind, tmp_path):
    chip = in_a_room(kind)
    said = run(
        tmp_path,
        f"""
        chip = {kind.driver}
        await chip.identify()
        await chip.start(chip.interval_s)
        say(chip.name)
        for _ in range(30):
            values = await chip.read()
            if values is not None:
                say(values)
            await sleep_s(chip.interval_s)
        """,
        **kind.fitted(chip),
    )
    name, readings = said[0], said[1:]
    assert kind.name.startswith(name) or kind.name == "pmsa003i"
    assert len(readings) >= 28
    taps = list(chip.tap)
    for values in readings:
        # In order: each is one that was taken after the one before it.
        while taps and not kind.is_from(values, taps[:1]):
            taps.pop(0)
        assert taps, values


def test_the_room_is_read_as_it_is(tmp_path):
    """Not only what the converters give, but the air: every model against every driver."""
    program = "\n".join(
        f"""
chip = {kind.driver}
await chip.identify()
await chip.start(chip.interval_s)
await sleep_s(31)
say(await chip.read())"""
        for kind in KINDS
    )
    models = {kind.name: in_a_room(kind, noise=0.0) for kind in KINDS}
    fitted: dict[str, Any] = {}
    for kind in KINDS:
        fitted.setdefault(kind.bus, {})[kind.where] = models[kind.name]
    said = run(tmp_path, program, **fitted)
    truth = {
        "co2_ppm": (ROOM_AIR.co2_ppm, 0.5),
        "air_temperature_c": (ROOM_AIR.temperature_c, 0.02),
        "humidity_pct": (ROOM_AIR.humidity_pct, 0.03),
        "pressure_hpa": (ROOM_AIR.pressure_hpa, 0.2),
        "pm1_ug_m3": (ROOM_AIR.pm1_ug_m3, 0.5),
        "pm2_5_ug_m3": (ROOM_AIR.pm2_5_ug_m3, 0.5),
        "pm10_ug_m3": (ROOM_AIR.pm10_ug_m3, 0.5),
        "heater_c": (320.0, 0.0),
    }
    seen = set()
    for values in said:
        for name in values.keys() & truth.keys():
            wanted, within = truth[name]
            assert values[name] == pytest.approx(wanted, abs=within), (name, values)
            seen.add(name)
    assert seen == truth.keys()


@pytest.mark.parametrize("name", ["sht45", "scd41", "sgp41", "sps30-i2c"])
def test_no_answer_with_any_bit_flipped_passes_for_a_reading(name, tmp_path):
    kind = BY_NAME[name]
    # From here on every answer on the bus has its next bit flipped.
    chip = Faulty(in_a_room(kind), flipped(from_us=20 * S))
    said = run(
        tmp_path,
        f"""
        chip = {kind.driver}
        await chip.identify()
        await chip.start(chip.interval_s)
        say(await chip.read())
        await sleep_s(20)
        for _ in range(500):
            say(await trying(chip.read()))
            await sleep_s(chip.interval_s)
        """,
        **kind.fitted(chip),
    )
    assert isinstance(said[0], dict)
    assert len(said) == 501
    for what in said[1:]:
        assert what == f"error: {kind.name[:5]}: damaged answer" + what[28:]
        assert "CRC" in what


def test_captured_frames_of_a_pms5003_are_read(shared_data):
    from firmware.drivers import pms5003

    folder = shared_data / "pypms_frames"
    dump = (folder / "PMSx003.hexdump").read_text().splitlines()
    frames = [bytes.fromhex(line.split(": ")[1].split("  ")[0]) for line in dump]
    rows = [line.split(", ") for line in (folder / "PMSx003.csv").read_text().splitlines()]
    names = dict(zip(rows[0], range(20), strict=False))
    assert len(frames) == len(rows) - 1 == 10
    for frame, row in zip(frames, rows[1:], strict=True):
        values = pms5003.values_of(frame)
        for ours, theirs in (
            ("pm1_ug_m3", "pm01"),
            ("pm2_5_ug_m3", "pm25"),
            ("pm10_ug_m3", "pm10"),
            ("above_0_3_cm3", "n0_3"),
            ("above_0_5_cm3", "n0_5"),
            ("above_1_cm3", "n1_0"),
            ("above_2_5_cm3", "n2_5"),
            ("above_5_cm3", "n5_0"),
            ("above_10_cm3", "n10_0"),
        ):
            assert values[ours] == pytest.approx(float(row[names[theirs]]), abs=0.005), theirs


class Recording:
    """A line on which each request for a frame is answered with the next of some captured ones."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self._line = b""

    def advance(self, t_us: int) -> None:
        pass

    def receive(self, data: bytes) -> None:
        for _ in range(data.count(bytes.fromhex("424de200000171"))):
            self._line += self._frames.pop(0)

    def transmit(self, most: int) -> bytes:
        data, self._line = self._line[:most], self._line[most:]
        return data


def test_captured_frames_of_a_pms5003_are_read_in_micropython_too(shared_data, tmp_path):
    from firmware.drivers import pms5003

    dump = (shared_data / "pypms_frames" / "PMSx003.hexdump").read_text().splitlines()
    frames = [bytes.fromhex(line.split(": ")[1].split("  ")[0]) for line in dump]
    said = run(
        tmp_path,
        """
        chip = pms5003.over_uart(uart(2), clock)
        for _ in range(10):
            say(await chip.read())
        """,
        uart={2: Recording(list(frames))},
    )
    assert said == [pms5003.values_of(frame) for frame in frames]


def test_vectors_of_the_drivers_are_met(shared_data):
    import json

    from firmware.drivers import bme680, sensirion

    vectors = json.loads((shared_data / "vectors" / "drivers.json").read_text())
    for case in vectors["sensirion_crc8"]["cases"]:
        assert sensirion.crc8(bytes.fromhex(case["bytes"])) == int(case["crc"], 16)
    scd = vectors["scd4x_read_measurement"]
    co2, temperature, humidity = sensirion.words_of(bytes.fromhex(scd["frame"]), "scd41")
    assert co2 == scd["co2_ppm"]
    assert round(sensirion.temperature_c(temperature), 2) == scd["temperature_c"]
    assert round(100 * humidity / 65535, 1) == scd["humidity_pct"]
    bme = vectors["bme680"]
    c = {name.removeprefix("par_"): value for name, value in bme["calibration"].items()}
    adc, expect = bme["adc"], bme["expect"]
    t_fine = bme680.fine_temperature(c, adc["t"])
    assert t_fine == expect["t_fine"]
    assert ((t_fine * 5 + 128) >> 8) / 100 == expect["temperature_c"]
    assert bme680.pressure_pa(c, adc["p"], t_fine) == expect["pressure_pa_int"]
    assert bme680.humidity_milli_pct(c, adc["h"], t_fine) / 1000 == expect["humidity_pct_int"]
    assert round(bme680.gas_ohm_680(c, 0, 0)) == expect["gas_ohm_low_variant_adc0_range0"]
    assert bme680.gas_ohm_688(c, 0, 0) == expect["gas_ohm_high_variant_adc0_range0"]


# ---- what only some can do ----


def test_sht45_heats_rests_and_is_marked_until_it_has_cooled(tmp_path):
    chip = Sht45(Constant(AirState(temperature_c=20.0)), noise=0.0)
    said = run(
        tmp_path,
        """
        chip = sht45.over_i2c(i2c, 0x44, clock)
        await chip.identify()
        await chip.start(1)
        say(await chip.heat())
        say(await trying(chip.heat()))
        say((chip.ready_us - clock.now_us()) / 1e6)
        await sleep_s(60)
        say(await chip.read())
        say(await trying(chip.heat(20, 0)))
        say(await trying(chip.heat(500)))
        """,
        i2c={0x44: chip},
    )
    hot, rests, left_s, cool, again, never = said
    assert hot["air_temperature_c"] == pytest.approx(80, abs=0.1)
    assert "rests for another 9" in rests and left_s == pytest.approx(60, abs=0.1)
    assert cool["air_temperature_c"] == pytest.approx(20, abs=1)
    assert isinstance(again, dict) and "20, 110 or 200 mW" in never
    assert chip.heated_s == pytest.approx(1.21)


@pytest.mark.parametrize(
    ("interval_s", "first_s", "period_s"),
    [(5, 6.5, 5), (29, 6.5, 5), (30, 31.5, 30), (299, 31.5, 30)],
)
def test_scd41_measures_often_or_sparingly(tmp_path, interval_s, first_s, period_s):
    said = run(
        tmp_path,
        f"""
        chip = scd41.over_i2c(i2c, 0x62, clock)
        await chip.identify()
        await chip.start({interval_s})
        for _ in range(120):
            if await chip.read() is not None:
                say(clock.now_us() / 1e6)
            await sleep_s(1)
        """,
        i2c={0x62: Scd41(Constant(ROOM_AIR))},
    )
    assert said[0] == pytest.approx(first_s, abs=0.1)
    assert len(said) == pytest.approx(120 / period_s, abs=1)


def test_scd41_measures_single_shots_and_throws_the_first_away(tmp_path):
    chip = Scd41(Constant(ROOM_AIR))
    said = run(
        tmp_path,
        """
        chip = scd41.over_i2c(i2c, 0x62, clock)
        await chip.identify()
        await chip.start(300)
        for _ in range(3):
            say(await chip.read())
            await sleep_s(295)
        """,
        i2c={0x62: chip},
    )
    assert len(chip.tap) == 4
    for values, (_t_us, words) in zip(said, chip.tap[1:], strict=True):
        assert values["co2_ppm"] == words[0]


def test_scd41_tests_itself_and_takes_its_settings(tmp_path):
    said = run(
        tmp_path,
        """
        chip = scd41.over_i2c(i2c, 0x62, clock)
        await chip.identify()
        say(await chip.self_test())
        say(clock.now_us() / 1e6)
        say(await trying(chip.recalibrate(420)))
        await chip.start(5, co2_self_calibration=False)
        await sleep_s(180)
        await chip.stop()
        say(await chip.recalibrate(420))
        say(await trying(chip.recalibrate(100)))
        """,
        i2c={0x62: (chip := Scd41(Constant(ROOM_AIR), noise=0.0))},
    )
    assert said[0] == {"passed": True, "result": 0} and said[1] == pytest.approx(11.5, abs=0.1)
    assert "let it measure" in said[2] and said[3] == 420 - 800 and "400..2000" in said[4]
    assert not chip.calibrates_itself


def test_scd41_that_an_earlier_life_left_running_is_found(tmp_path):
    chip = Scd41(Constant(ROOM_AIR))
    chip.advance(0)
    chip.advance(40_000)
    chip.i2c(bytes.fromhex("21b1"), 0)
    said = run(
        tmp_path,
        """
        chip = scd41.over_i2c(i2c, 0x62, clock)
        await sleep_s(1)
        await chip.identify()
        say("found")
        """,
        i2c={0x62: chip},
    )
    assert said == ["found"]


@pytest.mark.parametrize(
    ("kind", "model", "failed"),
    [
        ("scd41", Scd41(broken=True), {"result": 1}),
        ("sgp41", Sgp41(broken=1), {"voc_passed": False, "nox_passed": True}),
        ("sgp41", Sgp41(broken=2), {"voc_passed": True, "nox_passed": False}),
        ("sps30-i2c", Sps30I2c(status=FAN_FAILED), {"fan_turns": False}),
        ("sps30-uart", Sps30Uart(status=FAN_FAILED), {"fan_turns": False}),
    ],
    ids=["scd41", "sgp41 VOC", "sgp41 NOx", "sps30 on I2C", "sps30 on UART"],
)
def test_a_self_test_tells_what_failed_and_a_good_chip_passes(tmp_path, kind, model, failed):
    for at, chip in enumerate((model, BY_NAME[kind].make())):
        said = run(
            tmp_path / str(at),
            f"""
            chip = {BY_NAME[kind].driver}
            await chip.identify()
            say(await chip.self_test())
            """,
            **BY_NAME[kind].fitted(chip),
        )
        assert said[0]["passed"] == bool(at)
        assert at or failed.items() <= said[0].items()


@pytest.mark.parametrize("kind", ["sps30-i2c", "sps30-uart"])
def test_sps30_cleans_its_fan_and_is_marked_meanwhile(tmp_path, kind):
    chip = in_a_room(BY_NAME[kind])
    said = run(
        tmp_path,
        f"""
        chip = {BY_NAME[kind].driver}
        await chip.identify()
        say(await trying(chip.clean()))
        await chip.start(1)
        await sleep_s(40)
        say(clock.now_us() > chip.ready_us)
        await chip.clean()
        say(clock.now_us() > chip.ready_us)
        await sleep_s(5)
        await chip.read()
        await sleep_s(3)
        say(await chip.read())
        await sleep_s(40)
        say(await chip.read() is not None and clock.now_us() > chip.ready_us)
        """,
        **BY_NAME[kind].fitted(chip),
    )
    assert said[0].startswith("error") and said[1:] == [True, False, None, True]
    assert chip.counter.cleanings == 1


def test_pms5003_passes_over_old_frames_and_wakes_up(tmp_path):
    chip = Pms5003(Constant(ROOM_AIR))
    said = run(
        tmp_path,
        """
        await sleep_s(10)  # frames that nobody asked for pile up
        chip = pms5003.over_uart(uart(2), clock)
        await chip.identify()
        await chip.start(1)
        asked_s = clock.now_us() / 1e6
        say(await chip.read())
        say(clock.now_us() / 1e6 - asked_s)
        await chip.stop()
        await sleep_s(10)
        await chip.identify()
        say(await chip.read())
        """,
        uart={2: chip},
    )
    kind = BY_NAME["pms5003"]
    # It reads the newest measurement, taken after it was asked for: 30 ms and 33 ms on the line.
    assert kind.is_from(said[0], chip.tap[-3:-2]) and said[1] == pytest.approx(0.07, abs=0.02)
    assert kind.is_from(said[2], chip.tap[-1:])
    assert chip.passive and not chip.asleep


def test_a_bme680_that_the_boards_data_name_is_found_on_spi_and_its_absence_told(tmp_path):
    said = run(
        tmp_path,
        """
        from firmware import board, detect
        board = board.Board(board.__file__.rsplit("/", 2)[0] + "/boards/VIRTUAL/board.json")
        board.data["sensors"] += [{"chip": "bme680", "spi": 0, "cs": cs} for cs in (2, 3, 4)]
        found = await detect.air_on_spi(board, ["spi0/cs4"], say)
        say([[place, chip.name] for place, chip in found])
        """,
        chips={2: Bme680(is_688=True), 4: Bme680()},
    )
    assert said == ["spi0/cs3: no bme680 answers", [["spi0/cs2", "bme688"]]]


@pytest.mark.parametrize("is_688", [False, True])
def test_bme680_goes_through_its_heater_profile(tmp_path, is_688):
    chip = Bme680(Constant(AirState(voc_ppb=100.0)), is_688=is_688)
    said = run(
        tmp_path,
        """
        from firmware.drivers.i2c_device import I2cDevice
        profile = ((200, 50), (320, 150), (400, 1000))
        chip = bme680.BME680(I2cDevice(i2c, 0x76, "bme680"), clock, profile)
        await chip.identify()
        await chip.start(3)
        say(chip.name)
        for _ in range(6):
            start_us = clock.now_us()
            values = await chip.read()
            say([values["heater_c"], values["gas_ohm"], (clock.now_us() - start_us) / 1e3])
        """,
        i2c={0x76: chip},
    )
    assert said[0] == ("bme688" if is_688 else "bme680")
    assert [one[0] for one in said[1:]] == [200, 320, 400] * 2
    for (celsius, ohm, took_ms), ms in zip(said[1:], [50, 150, 1000] * 2, strict=True):
        # The heater's register has steps of 3 C, or 1 % here.
        clean_ohm = 120_000 * math.exp((320 - celsius) / 300)
        assert ohm == pytest.approx(clean_ohm, rel=0.02), celsius
        assert took_ms == pytest.approx(ms + 43, abs=25)


def test_chips_that_are_others_are_named(tmp_path):
    class Other(Bme680):
        def _power_up(self) -> None:
            super()._power_up()
            self._registers[0xD0] = 0x60  # a BME280

    empty = Bme680(calibration=dict.fromkeys(CALIBRATION, 0))
    said = run(
        tmp_path,
        """
        chip = bme680.over_i2c(i2c, 0x76, clock)
        await sleep_s(1)
        say(await trying(chip.identify()))
        chip = bme680.over_i2c(i2c, 0x77, clock)
        await chip.identify()
        say(await trying(chip.start(3)))
        say(await trying(sps30.over_uart(uart(2), clock).identify()))
        say(await trying(pms5003.over_uart(uart(1), clock).identify()))
        """,
        i2c={0x76: Other(), 0x77: empty},
        uart={1: Sps30Uart(), 2: Pms5003()},
    )
    assert said[0] == "error: chip says 0x60 where a bme680 says 0x61"
    assert "damaged calibration" in said[1]
    assert "sps30" in said[2] and "pms5003" in said[3]
