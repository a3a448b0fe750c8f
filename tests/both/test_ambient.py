"""What sensors are told of each other's air, and particles without their water.

Runs on: MicroPython and CPython.
"""

from firmware.ambient import Ambient
from firmware.drying import dry_mass

MINUTE_US = 60000000


def air(celsius: float, percent: float) -> dict:
    return {"air_temperature_c": celsius, "humidity_pct": percent, "co2_ppm": 500.0}


def test_the_coolest_thermometer_is_believed_while_it_is_there():
    ambient = Ambient()
    ambient.tell("bme680", {"air_temperature_c": 26.0, "pressure_hpa": 990.0}, 0)
    assert ambient.now(0) == {"air_temperature_c": 26.0, "pressure_hpa": 990.0}
    ambient.tell("sht45", air(22.0, 50.0), MINUTE_US)
    ambient.tell("scd41", air(24.0, 45.0), 2 * MINUTE_US)
    known = ambient.now(3 * MINUTE_US)
    assert known == {"air_temperature_c": 22.0, "humidity_pct": 50.0, "pressure_hpa": 990.0}
    # Ten minutes without news of it: the next best one is asked.
    ambient.tell("scd41", air(24.0, 45.0), 12 * MINUTE_US)
    assert ambient.now(12 * MINUTE_US)["air_temperature_c"] == 24.0
    # And it is believed again as soon as it is back.
    ambient.tell("sht45", air(21.0, 52.0), 13 * MINUTE_US)
    assert ambient.now(13 * MINUTE_US)["humidity_pct"] == 52.0


def test_what_is_old_is_not_told():
    ambient = Ambient()
    ambient.tell("sht45", air(22.0, 50.0), 0)
    assert ambient.now(10 * MINUTE_US) and not ambient.now(10 * MINUTE_US + 1)


def test_a_converter_at_its_end_and_other_sensors_are_not_believed():
    ambient = Ambient()
    ambient.tell("sht45", {"air_temperature_c": 130.0, "humidity_pct": 119.0, "saturated": 1}, 0)
    ambient.tell("pms5003", air(50.0, 5.0), 0)
    assert ambient.now(0) == {}


def test_dry_particles_are_those_of_the_paper():
    # Crilley et al. (2018), C = 1 + (kappa / 1.65) / (-1 + 1 / aw): at 80 % and 0.4, 1.9697.
    assert abs(30 / dry_mass(30.0, 80.0, 0.4) - 1.969697) < 1e-6
    assert dry_mass(30.0, 80.0, 0.0) == 30.0 and dry_mass(30.0, 0.0, 0.4) == 30.0
    # Towards 100 % the theory has no bounds; the correction stays that of 95 %.
    assert dry_mass(30.0, 100.0, 0.4) == dry_mass(30.0, 95.0, 0.4) > 5.0
