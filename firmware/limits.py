# Runs on: MicroPython and CPython
# What the accelerometer that is fitted allows of a configuration, and what suits it.

from firmware import config, envelope
from firmware.errors import ConfigError

# Of the nominal rate: a band may end there, and has its filter at the slowest rate that is likely.
_USABLE = 0.45
_SLOWEST = 0.95


def defaults(sensor) -> dict:
    # The configuration of a node that was told nothing.
    return config.changed(config.defaults(), sensor.defaults)


def check(settings: dict, sensor) -> None:
    # ConfigError for what this chip cannot do.
    if settings["full_scale_g"] not in sensor.full_scales_g:
        allowed = ", ".join([str(one) for one in sensor.full_scales_g])
        _refuse(sensor, "full_scale_g", f"one of {allowed}", settings["full_scale_g"])
    least, most = sensor.watermarks
    if not least <= settings["watermark"] <= most:
        _refuse(sensor, "watermark", f"{least}..{most}", settings["watermark"])
    if "envelope" in settings["outputs"] and settings["envelope_axes"]:
        _check_bands(settings, sensor)
    velocity = "velocity" in settings["outputs"] and settings["velocity_axes"]
    if velocity and settings["velocity_hi_hz"] > sensor.max_hz:
        most = f"at most {sensor.max_hz:g} Hz"
        _refuse(sensor, "velocity_hi_hz", most, settings["velocity_hi_hz"])


def _check_bands(settings: dict, sensor) -> None:
    most_hz = int(_USABLE * sensor.rate_hz)
    for band in settings["envelope_bands"]:
        if band[1] > most_hz:
            _refuse(sensor, "envelope_bands", f"below {most_hz} Hz", band)
        try:
            envelope.state_bytes(settings, band, _SLOWEST * sensor.rate_hz)
        except ValueError as error:
            _refuse(sensor, "envelope_bands", f"possible ({error})", band)


def _refuse(sensor, name: str, allowed: str, value) -> None:
    fitted = f"with the {sensor.name} that is fitted ({sensor.rate_hz:.0f} Hz)"
    raise ConfigError(f"{name} must be {allowed} {fitted}, not {value}")
