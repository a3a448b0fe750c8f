"""Runs on: MicroPython and CPython."""

from firmware import config
from firmware.errors import ConfigError


def refusal(changes: dict) -> str:
    try:
        config.changed(config.defaults(), changes)
    except ConfigError as error:
        return str(error)
    return ""


def test_defaults_are_valid():
    assert config.changed(config.defaults(), config.defaults()) == config.defaults()


def test_good_changes_are_taken_and_the_rest_stays():
    changed = config.changed(config.defaults(), {"window": 2048, "shaft_hz": 29})
    assert changed["window"] == 2048
    assert changed["shaft_hz"] == 29.0 and isinstance(changed["shaft_hz"], float)
    assert changed["axes"] == "xyz"


def test_one_bad_value_refuses_the_whole_change():
    current = config.defaults()
    try:
        config.changed(current, {"window": 2048, "full_scale_g": 3})
    except ConfigError:
        assert current == config.defaults()
        return
    raise AssertionError("not refused")


def test_each_refusal_names_the_setting_and_what_is_allowed():
    for changes, words in (
        ({"full_scale_g": 3}, ("full_scale_g", "2, 4, 8, 16", "3")),
        ({"full_scale_g": True}, ("full_scale_g",)),
        ({"full_scale_g": 16.0}, ("full_scale_g", "2, 4, 8, 16", "16.0")),
        ({"window": 1024.0}, ("window", "1024.0")),
        ({"spectrum_encoding": 16}, ("spectrum_encoding", "f16")),
        ({"watermark": 9999}, ("watermark", "4..256", "9999")),
        ({"watermark": "many"}, ("watermark", "number")),
        ({"watermark": 100.5}, ("watermark", "number")),
        ({"run": 1}, ("run", "true or false")),
        ({"axes": "yx"}, ("axes", "order")),
        ({"axes": ""}, ("axes",)),
        ({"axes": 7}, ("axes",)),
        ({"outputs": ["poetry"]}, ("outputs", "features")),
        ({"outputs": "features"}, ("outputs",)),
        ({"envelope_bands": [[4000, 2000]]}, ("envelope_bands",)),
        ({"envelope_bands": []}, ("envelope_bands",)),
        ({"envelope_bands": [[2000, "x"]]}, ("envelope_bands",)),
        ({"envelope_bands": [[2000, 2099]]}, ("envelope_bands", "100 Hz wide")),
        ({"axes": "x"}, ("envelope_axes", "leaves out")),
        ({"envelope_points": 16384}, ("envelope_points", "4096")),
        ({"velocity_lo_hz": 400, "velocity_hi_hz": 100}, ("velocity_lo_hz",)),
        ({"schedule_period_s": 5, "schedule_length_s": 10}, ("schedule_length_s",)),
        ({"colour": "red"}, ("colour",)),
        ({"schedule_period_s": 1e9}, ("schedule_period_s", "a whole number in 0..")),
        ({"schedule_period_s": "x"}, ("schedule_period_s", "a whole number in 0..")),
        ({"shaft_hz": float("inf")}, ("shaft_hz",)),
        ({"shaft_hz": float("nan")}, ("shaft_hz",)),
    ):
        text = refusal(changes)
        for word in words:
            assert word in text, (changes, text)
