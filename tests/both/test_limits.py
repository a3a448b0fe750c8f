"""Configurations that the chip fitted cannot have. Runs on: MicroPython and CPython."""

from firmware import config, limits, velocity
from firmware.analysis import buffer_bytes
from firmware.drivers import adxl345, adxl355, iis3dwb, lis2dw12, lsm6ds3
from firmware.errors import ConfigError


def nothing(_level: int) -> None:
    pass


def chips() -> list:
    made = [chip.over_spi(None, nothing, None) for chip in (iis3dwb, lis2dw12, lsm6ds3)]
    for chip in (adxl345, adxl355):
        made.append(chip.over_spi(None, nothing, None))
        made.append(chip.over_i2c(None, chip.I2C_ADDRESSES[0], None))
    return made


def refusal(sensor, changes: dict) -> str:
    try:
        limits.check(config.changed(limits.defaults(sensor), changes), sensor)
    except ConfigError as error:
        return str(error)
    return ""


def test_every_chip_can_have_its_defaults_and_they_reach_into_its_band():
    for sensor in chips():
        settings = limits.defaults(sensor)
        limits.check(settings, sensor)
        assert settings["envelope_bands"][0][1] <= sensor.max_hz
        assert settings["velocity_hi_hz"] <= sensor.max_hz


def test_defaults_fit_a_small_node_and_resolve_the_lower_end_of_severity():
    # The least that a board gives. A tone at f reads 50 (width of a bin / f)^2 % high.
    for sensor in chips():
        settings = limits.defaults(sensor)
        assert buffer_bytes(settings, sensor) <= 53248, sensor.name
        rate_hz = sensor.rate_hz / velocity.factor(sensor.rate_hz)
        width_hz = rate_hz / settings["velocity_window"]
        assert 50 * (width_hz / settings["velocity_lo_hz"]) ** 2 < 2, sensor.name


def test_settings_beyond_the_chip_are_refused_with_its_name_and_what_is_allowed():
    slow = lis2dw12.over_spi(None, nothing, None)
    quiet = adxl355.over_spi(None, nothing, None)
    for sensor, changes, words in (
        (slow, {"envelope_bands": [[2000, 4000]]}, ("envelope_bands", "720 Hz", "lis2dw12")),
        (slow, {"envelope_bands": [[100, 760]]}, ("envelope_bands", "720")),
        (slow, {"velocity_hi_hz": 1000}, ("velocity_hi_hz", "400 Hz", "lis2dw12")),
        (slow, {"watermark": 128}, ("watermark", "4..24")),
        (quiet, {"full_scale_g": 16}, ("full_scale_g", "2, 4, 8", "adxl355")),
    ):
        text = refusal(sensor, changes)
        for word in words:
            assert word in text, (changes, text)


def test_what_is_not_made_is_not_judged():
    slow = lis2dw12.over_spi(None, nothing, None)
    wide = {"envelope_bands": [[2000, 4000]], "velocity_hi_hz": 1000}
    assert refusal(slow, wide)
    assert not refusal(slow, dict(wide, outputs=["features", "spectrum"]))
    assert not refusal(slow, dict(wide, envelope_axes="", velocity_axes=""))
