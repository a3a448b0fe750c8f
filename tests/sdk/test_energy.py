"""The estimate of energy, against what can be said without a computer."""

from __future__ import annotations

import json

import pytest

from firmware.detect import ACCELEROMETERS, AIR_ON_I2C, AIR_ON_UART
from resonode import boards
from resonode.energy import SENSORS, USABLE, estimate
from resonode.errors import NodeError

C3 = boards.load("ESP32_C3")
RUN = C3.hardware["current_ma"]["run"]
ON, OFF = SENSORS["iis3dwb"].on_ma, SENSORS["iis3dwb"].off_ma


def by_pause(config, battery_mah=None, board=C3):
    return {one.pause: one for one in estimate(board, config, battery_mah)}


def test_without_pause_all_ways_draw_the_same():
    found = by_pause({})
    assert [one.average_ma for one in found.values()] == pytest.approx([RUN + ON] * 3)
    assert found["idle"].duty == 1
    assert found["idle"].energy_mwh_per_day == pytest.approx((RUN + ON) * 3.3 * 24)
    assert found["idle"].battery_days is None


def test_a_schedule_is_the_mean_of_work_and_pause_weighted_by_time():
    found = by_pause({"schedule_period_s": 600, "schedule_length_s": 10})
    current = C3.hardware["current_ma"]
    for pause in ("idle", "light_sleep"):
        expected = (10 * (RUN + ON) + 590 * (current[pause] + OFF)) / 600
        assert found[pause].average_ma == pytest.approx(expected)
    # Deep sleep pays for a restart each time.
    expected = (10 * (RUN + ON) + 2 * (RUN + OFF) + 588 * (current["deep_sleep"] + OFF)) / 600
    assert found["deep_sleep"].average_ma == pytest.approx(expected)
    assert [one.used for one in found.values()] == [True, False, False]


def test_the_pause_that_is_used_is_the_one_the_configuration_chooses_where_the_board_can():
    schedule = {"schedule_period_s": 600, "schedule_length_s": 10, "sleep": "light"}
    assert [one.pause for one in estimate(C3, schedule) if one.used] == ["light_sleep"]
    nrf = boards.load("NRF52840_DK")
    assert [one.pause for one in estimate(nrf, schedule) if one.used] == ["idle"]


def test_air_sensors_work_on_their_own_period_and_wake_a_chip_that_sleeps():
    schedule = {"schedule_period_s": 600, "schedule_length_s": 10, "air_period_s": 300}
    found = {one.pause: one for one in estimate(C3, schedule, sensors=["iis3dwb", "scd41"])}
    current = C3.hardware["current_ma"]
    # A shot of 5 s every 300 s: 243 mJ at 3.3 V by its data sheet, and 0.15 mA in between.
    shots_ma = 0.15 + (243 / 3.3 - 5 * 0.15) / 300
    capture_ma = (10 * (RUN + ON) + 590 * OFF) / 600
    idle_ma = 590 / 600 * current["idle"]
    assert found["idle"].average_ma == pytest.approx(capture_ma + idle_ma + shots_ma, abs=0.01)
    light_ma = 590 / 600 * (5 / 300 * current["idle"] + 295 / 300 * current["light_sleep"])
    assert found["light_sleep"].average_ma == pytest.approx(
        capture_ma + light_ma + shots_ma, abs=0.01
    )
    # Asked more often it measures all the time, in low power from 30 s on.
    for period_s, scd_ma in ((5, 15.0), (60, 3.2)):
        config = {"run": True, "air_period_s": period_s}
        (idle, *_) = estimate(C3, config, sensors=["iis3dwb", "scd41"])
        assert idle.average_ma == pytest.approx(RUN + ON + scd_ma)
    (off, *_) = estimate(C3, {"run": False}, sensors=["sps30"])
    assert off.average_ma == pytest.approx(current["idle"] + SENSORS["sps30"].off_ma)


def test_a_battery_lasts_as_its_usable_charge_allows():
    one = by_pause({}, battery_mah=1000)["idle"]
    assert one.battery_days == pytest.approx(USABLE * 1000 / (RUN + ON) / 24)


def test_a_node_that_does_not_run_only_pauses():
    found = by_pause({"run": False})
    assert found["idle"].average_ma == pytest.approx(C3.hardware["current_ma"]["idle"] + OFF)
    assert found["idle"].duty == 0


def test_boards_without_a_kind_of_sleep_have_no_estimate_for_it():
    assert list(by_pause({}, board=boards.load("XIAO_NRF52840_SENSE"))) == ["idle"]


@pytest.mark.parametrize("name", [n for n in boards.names() if boards.load(n).real])
def test_every_real_board_can_be_estimated(name):
    config = {"schedule_period_s": 3600, "schedule_length_s": 10}
    rows = estimate(boards.load(name), config, 2000)
    assert all(0 < one.average_ma < 100 and one.battery_days > 0 for one in rows)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"schedule_period_s": 5, "schedule_length_s": 10}, "10 s of every 5 s"),
        ({"schedule_period_s": "often"}, "schedule_period_s is 'often'"),
        ({"schedule_period_s": 60, "schedule_length_s": -1}, "schedule_length_s is -1"),
    ],
)
def test_a_schedule_that_is_none_is_refused(config, why):
    with pytest.raises(NodeError, match=why):
        estimate(C3, config)


def test_what_draws_an_unknown_current_is_refused():
    with pytest.raises(NodeError, match="board of the rig"):
        estimate(boards.load("VIRTUAL"), {})
    with pytest.raises(NodeError, match="tea42"):
        estimate(C3, {}, sensors=["tea42"])


def test_sensors_that_are_named_add_up():
    (one, *_) = estimate(C3, {}, sensors=["iis3dwb", "scd41"])
    assert one.average_ma == pytest.approx(RUN + ON + SENSORS["scd41"].on_ma)
    # Whatever has a driver can be asked for.
    assert {*ACCELEROMETERS, *AIR_ON_I2C, *AIR_ON_UART} <= set(SENSORS)


def test_light_sleep_that_the_board_would_refuse_is_told(cli, tmp_path):
    path = tmp_path / "node.toml"
    path.write_text('schedule_period_s = 600\nsleep = "light"\n')

    def told(board):
        asked = cli("node", "energy", "--board", board, "--config", str(path))
        assert asked.code == 0
        return " ".join(asked.err.split())

    assert "Warning: NRF52840_DK refuses sleep=light" in told("NRF52840_DK")
    assert "before 1.27 only" in told("ESP32_C6")
    assert "Warning" not in told("ESP32_C3")
    asked = cli("node", "energy", "--board", "NRF52840_DK", "--config", str(path), "--json")
    (remark,) = json.loads(asked.out)["remarks"]
    assert "counted as idle" in remark
    path.write_text('schedule_period_s = 600\nsleep = "idle"\n')
    assert "Warning" not in told("NRF52840_DK")


def test_command_line(cli, tmp_path):
    path = tmp_path / "node.toml"
    path.write_text("schedule_period_s = 3600\nschedule_length_s = 10\n")
    arguments = ("node", "energy", "--board", "xiao_nrf52840_sense", "--config", str(path))
    done = cli(*arguments, "--battery-mah", "500")
    assert done.code == 0 and "idle" in done.out and "0.28%" in done.out
    told = json.loads(cli(*arguments, "--json").out)
    # Each figure is there, and whose it is.
    assert [(one["part"], one["state"]) for one in told["currents"]] == [
        ("XIAO_NRF52840_SENSE", "run"),
        ("XIAO_NRF52840_SENSE", "idle"),
        ("lsm6ds3", "on"),
        ("lsm6ds3", "off"),
    ]
    assert all(one["source"] in done.out.replace("\n", " ") for one in told["currents"][2:])
    assert all(one["ma"] >= 0 and one["source"] for one in told["currents"])
    (one,) = told["estimates"]
    assert one["average_ma"] == pytest.approx(
        estimate(boards.load("XIAO_NRF52840_SENSE"), {"schedule_period_s": 3600})[0].average_ma
    )
    path.write_text("nonsense")
    assert cli(*arguments).code == 1
