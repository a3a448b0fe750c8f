"""Code that is forgotten after use. Runs on: MicroPython and CPython."""

import sys

import firmware
from firmware.drivers import iis3dwb
from firmware.errors import ConfigError
from firmware.passing import forget
from firmware.settings import Settings


class Board:
    data: dict = {"buffer_bytes": 65536, "config": {}}
    sleeps_lightly = False


# What no node takes, what the chip has not, and what the board has no memory, sleep and input for.
WRONG = {
    "window": 500,
    "full_scale_g": 5,
    "velocity_window": 8192,
    "sleep": "light",
    "shaft_source": "tachometer",
}


def test_what_was_forgotten_takes_no_place_and_is_loaded_anew():
    from firmware import lockout

    forget("firmware.lockout")
    assert "firmware.lockout" not in sys.modules
    assert not hasattr(firmware, "lockout")
    from firmware import lockout as again

    assert again is not lockout
    forget("firmware.no_such_module")


def test_settings_are_checked_by_code_that_does_not_stay():
    settings = Settings(iis3dwb.IIS3DWB(None, None), Board())
    usual = settings.usual()
    assert settings.changed(usual, {"window": 512})["window"] == 512
    for name, value in WRONG.items():
        try:
            settings.changed(usual, {name: value})
            raise AssertionError(name)
        except ConfigError:
            pass
    assert "firmware.config" not in sys.modules
    assert "firmware.limits" not in sys.modules
