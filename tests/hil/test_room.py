"""The room's balances against what they must be by hand."""

from __future__ import annotations

import math

import pytest

from resonode_hil.room import Activity, AirState, Room, office_day, vapour_g_m3

HOUR_S = 3600.0


def test_co2_of_people_settles_where_source_and_airing_balance():
    room = Room((Activity(people=2, air_changes_per_h=1.0),), volume_m3=50.0)
    # 2 x 18.7 l/h into 50 m3/h of air: 748 ppm above outside.
    assert room.at(1000 * HOUR_S).co2_ppm == pytest.approx(420 + 748, abs=0.1)
    assert room.at(1 * HOUR_S).co2_ppm == pytest.approx(420 + 748 * (1 - math.exp(-1)), abs=0.1)


def test_a_tight_room_gathers_co2_evenly():
    room = Room((Activity(people=1, air_changes_per_h=0.0),), volume_m3=18.7)
    assert room.at(2 * HOUR_S).co2_ppm == pytest.approx(420 + 2000)


def test_particles_of_a_meal_decay_by_airing_and_settling():
    room = Room(
        (Activity(cooking=1.0, air_changes_per_h=0.5), Activity(HOUR_S, air_changes_per_h=0.5))
    )
    peak, later = room.at(HOUR_S), room.at(2 * HOUR_S)
    floor = {"fine": 4.0 * 0.5 / 0.7, "coarse": 3.0 * 0.5 / 2.0}
    for size, rate in (("fine", 0.7), ("coarse", 2.0)):
        high, low = (getattr(one, f"{size}_ug_m3") - floor[size] for one in (peak, later))
        assert low == pytest.approx(high * math.exp(-rate), rel=1e-9)
    assert peak.pm10_ug_m3 > peak.pm2_5_ug_m3 > peak.pm1_ug_m3 > 500


def test_the_air_at_a_time_does_not_depend_on_what_was_asked_before():
    room = office_day()
    late = room.at(20 * HOUR_S)
    for t_s in range(0, 86400, 600):
        room.at(t_s)
    assert room.at(20 * HOUR_S) == late


def test_the_air_never_jumps():
    room = office_day()
    before = room.at(0.0)
    for t_s in range(10, 86400, 10):
        now = room.at(t_s)
        assert abs(now.co2_ppm - before.co2_ppm) < 20
        assert abs(now.temperature_c - before.temperature_c) < 0.1
        assert abs(now.humidity_pct - before.humidity_pct) < 3
        before = now


def test_an_office_day_is_one():
    room = office_day()
    night, busy = room.at(7 * HOUR_S), room.at(11.9 * HOUR_S)
    assert night.co2_ppm < 450 and 1000 < busy.co2_ppm < 2000
    assert room.at(12.5 * HOUR_S).pm2_5_ug_m3 > 10 * night.pm2_5_ug_m3
    assert room.at(13.5 * HOUR_S).co2_ppm < 0.6 * room.at(13 * HOUR_S).co2_ppm


def test_water_in_the_air_is_that_of_the_tables():
    # Saturated air: 17.3 g/m3 at 20 C, 4.85 at 0 C; an ideal gas is 0.4 % short of it.
    assert vapour_g_m3(20.0, 100.0) == pytest.approx(17.3, rel=0.005)
    assert vapour_g_m3(0.0, 100.0) == pytest.approx(4.85, rel=0.005)
    assert Room(start=AirState(humidity_pct=45.0)).at(0.0).humidity_pct == pytest.approx(45.0)


def test_impossible_rooms_are_refused():
    with pytest.raises(ValueError, match="negative"):
        Activity(people=-1)
    with pytest.raises(ValueError, match="rising"):
        Room((Activity(5.0), Activity(5.0)))
    with pytest.raises(ValueError, match="volume"):
        Room(volume_m3=0.0)
