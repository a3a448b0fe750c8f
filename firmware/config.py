# Runs on: MicroPython and CPython
# What a node can be told: every tunable with its range, its unit and its default.

from firmware.errors import ConfigError

_ENCODINGS = ("f32", "f16", "u8")
_SHAFT_SOURCES = ("configured", "tachometer", "estimated")
_OUTPUTS = ("features", "spectrum", "envelope", "velocity")

# (name, default, kind, limits, unit, meaning)
# kinds: flag; int and float with (least, most); choice with the choices; axes (letters of xyz);
# outputs (names of _OUTPUTS); bands (pairs of Hz, each lower < upper).
FIELDS: tuple = (
    ("run", True, "flag", None, "", "measure at all"),
    ("full_scale_g", 16, "choice", (2, 4, 8, 16), "g", "range of the accelerometer"),
    ("watermark", 128, "int", (4, 256), "", "FIFO entries read at once"),
    ("axes", "xyz", "axes", 1, "", "axes analysed"),
    ("window", 1024, "choice", (256, 512, 1024, 2048, 4096), "samples", "features and spectrum"),
    ("outputs", list(_OUTPUTS), "outputs", None, "", "records made"),
    ("schedule_period_s", 0, "int", (0, 86400), "s", "start to start; 0 measures without pause"),
    ("schedule_length_s", 10, "int", (1, 86400), "s", "how long each time; ignored without pause"),
    (
        "sleep",
        "idle",
        "choice",
        ("idle", "light"),
        "",
        "in the pauses; light: nobody is heard then",
    ),
    ("spectrum_period_s", 1.0, "float", (0.01, 3600), "s", "spectra are averaged this long"),
    ("spectrum_encoding", "f16", "choice", _ENCODINGS, "", "how amplitudes are sent"),
    ("envelope_axes", "z", "axes", 0, "", "axes whose envelope is analysed"),
    ("envelope_bands", [[2000, 4000]], "bands", (100, 12800), "Hz", "demodulated bands"),
    (
        "envelope_points",
        1024,
        "choice",
        (256, 512, 1024, 2048, 4096),
        "",
        "of an envelope spectrum; its bins are 2.5 to 5 envelope_max_hz / envelope_points",
    ),
    ("envelope_max_hz", 500, "int", (50, 6000), "Hz", "upper end of the envelope spectrum sent"),
    ("envelope_encoding", "f16", "choice", _ENCODINGS, "", "how amplitudes are sent"),
    ("velocity_axes", "z", "axes", 0, "", "axes whose RMS velocity is measured"),
    ("velocity_window", 2048, "choice", (2048, 4096, 8192), "", "samples after decimation by 8"),
    ("velocity_lo_hz", 10.0, "float", (2, 500), "Hz", "lower edge of the velocity band"),
    ("velocity_hi_hz", 1000.0, "float", (20, 1000), "Hz", "upper edge of the velocity band"),
    ("shaft_source", "configured", "choice", _SHAFT_SOURCES, "", "how the shaft speed is known"),
    ("shaft_hz", 0.0, "float", (0, 2000), "Hz", "configured shaft speed; 0 is unknown"),
    ("shaft_lo_hz", 5.0, "float", (1, 500), "Hz", "slowest speed that is estimated"),
    ("shaft_hi_hz", 100.0, "float", (5, 1000), "Hz", "fastest speed that is estimated"),
    ("tacho_pulses", 1, "int", (1, 1000), "", "pulses of the tachometer a turn"),
    ("running_m_s2", 0.0, "float", (0, 1000), "m/s2", "RMS from which the machine runs; 0 always"),
    ("health_period_s", 10, "int", (1, 3600), "s", "health records"),
    ("air_period_s", 10, "int", (1, 86400), "s", "records of each air sensor"),
    (
        "co2_self_calibration",
        True,
        "flag",
        None,
        "",
        "the lowest CO2 of a week is fresh air; false for rooms that are never aired",
    ),
    ("altitude_m", 0, "int", (0, 3000), "m", "of the CO2 sensor, where nothing measures pressure"),
    ("fan_clean_s", 604800, "int", (0, 2592000), "s", "SPS30 cleans its fan that often; 0 never"),
    (
        "pm_kappa",
        0.0,
        "float",
        (0, 1.5),
        "",
        "hygroscopicity of particles, about 0.4, to take off their water; 0 leaves it",
    ),
)

_SPEC: dict = {field[0]: field for field in FIELDS}
# A narrower band needs a filter that the core does not make.
_LEAST_BAND_HZ = 100


def defaults() -> dict:
    return {field[0]: field[1] for field in FIELDS}


def changed(current: dict, changes: dict) -> dict:
    # A new configuration with `changes`, all of them or (ConfigError) none.
    result = dict(current)
    for name in changes:
        if name not in _SPEC:
            raise ConfigError(f"no setting {name!r}")
        _name, _default, kind, limits, unit, _meaning = _SPEC[name]
        result[name] = _CHECKS[kind](name, changes[name], limits, unit)
    _check_together(result)
    return result


def _flag(name: str, value, _limits, _unit: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be true or false")
    return value


def _number(name: str, value, limits, unit: str, kinds) -> float:
    if isinstance(value, bool) or not isinstance(value, kinds):
        kind = "a whole number" if kinds is int else "a number"
        raise ConfigError(f"{name} must be {kind} in {limits[0]}..{limits[1]}, not {value!r}")
    if not limits[0] <= value <= limits[1]:
        raise ConfigError(f"{name} must be {limits[0]}..{limits[1]} {unit}, not {value}".strip())
    return value


def _int(name: str, value, limits, unit: str) -> int:
    return int(_number(name, value, limits, unit, int))


def _float(name: str, value, limits, unit: str) -> float:
    return float(_number(name, value, limits, unit, (int, float)))


def _choice(name: str, value, limits, unit: str):
    # 1024.0 equals 1024, but is no count.
    if isinstance(value, bool) or type(value) is not type(limits[0]) or value not in limits:
        allowed = ", ".join([str(one) for one in limits])
        raise ConfigError(f"{name} must be one of {allowed}, not {value!r}")
    return value


def _axes(name: str, value, least: int, _unit: str) -> str:
    # Letters once each, in the order x, y, z; `least` says how many there must be.
    good = isinstance(value, str) and value == "".join([c for c in "xyz" if c in value])
    if not good or len(value) < least:
        raise ConfigError(f"{name} must be letters of xyz in that order, not {value!r}")
    return value


def _outputs(name: str, value, _limits, _unit: str) -> list:
    if not isinstance(value, list) or [one for one in value if one not in _OUTPUTS]:
        raise ConfigError(f"{name} must be a list of {', '.join(_OUTPUTS)}")
    return value


def _bands(name: str, value, limits, unit: str) -> list:
    good = isinstance(value, list) and 1 <= len(value) <= 4
    for band in value if good else ():
        good = good and isinstance(band, list) and len(band) == 2
        good = good and not [edge for edge in band if not isinstance(edge, (int, float))]
        good = good and limits[0] <= band[0] <= band[1] - _LEAST_BAND_HZ
        good = good and band[1] <= limits[1]
    if not good:
        raise ConfigError(
            f"{name} must be 1..4 [lower, upper] in {limits[0]}..{limits[1]} {unit}, "
            f"{_LEAST_BAND_HZ} {unit} wide or wider"
        )
    return value


_CHECKS = {
    "flag": _flag,
    "int": _int,
    "float": _float,
    "choice": _choice,
    "axes": _axes,
    "outputs": _outputs,
    "bands": _bands,
}


def _check_together(config: dict) -> None:
    for name in ("envelope_axes", "velocity_axes"):
        if [axis for axis in config[name] if axis not in config["axes"]]:
            raise ConfigError(f"{name} names an axis that axes={config['axes']!r} leaves out")
    if config["velocity_lo_hz"] >= config["velocity_hi_hz"]:
        raise ConfigError("velocity_lo_hz must be below velocity_hi_hz")
    if config["shaft_lo_hz"] >= config["shaft_hi_hz"]:
        raise ConfigError("shaft_lo_hz must be below shaft_hi_hz")
    velocity = "velocity" in config["outputs"] and config["velocity_axes"]
    if config["shaft_source"] == "estimated" and not velocity:
        raise ConfigError("an estimated shaft_source needs the velocity output and its axes")
    if config["schedule_period_s"] and config["schedule_length_s"] > config["schedule_period_s"]:
        raise ConfigError("schedule_length_s must not exceed schedule_period_s")
