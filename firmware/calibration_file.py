# Runs on: MicroPython and CPython
# A calibration's record: checked, and kept in a file of its own, so that a change of configuration
# leaves it as it is. Loaded only while it is asked (passing.py).

from firmware import flash
from firmware.calibration import Calibration
from firmware.errors import CalibrationError

_FILE = "calibration.bin"
_AXES = 3
_SENSITIVITY = (0.5, 2.0)
_OFFSET_M_S2 = (-20.0, 20.0)
_MAX_TEXT = 64


def load(sensor: str, path: str = _FILE) -> Calibration:
    # The record of the chip of that name; one of another chip is not its. ValueError if the file
    # is damaged.
    stored = flash.load(path) or {}
    if stored.get("sensor") != sensor:
        return Calibration(sensor, {})
    return Calibration(sensor, checked(stored["record"]))


def save(sensor: str, record: dict, path: str = _FILE) -> Calibration:
    # Checks and keeps a record; {} forgets what there was.
    record = checked(record) if record else {}
    flash.save(path, {"sensor": sensor, "record": record} if record else {})
    return Calibration(sensor, record)


def checked(record: dict) -> dict:
    # A record with all its parts, or CalibrationError.
    unknown = [name for name in record if name not in _CHECKS]
    if unknown:
        raise CalibrationError(f"a calibration has no {unknown[0]!r}")
    missing = [name for name in _CHECKS if name not in record]
    if missing:
        raise CalibrationError(f"{missing[0]} is missing: a calibration has {', '.join(_CHECKS)}")
    return {name: _CHECKS[name](name, record[name]) for name in _CHECKS}


def _three(name: str, value, limits: tuple) -> list:
    good = isinstance(value, list) and len(value) == _AXES
    for one in value if good else ():
        number = isinstance(one, (int, float)) and not isinstance(one, bool)
        good = good and number and limits[0] <= one <= limits[1]
    if not good:
        allowed = f"three numbers, x, y and z, each {limits[0]}..{limits[1]}"
        raise CalibrationError(f"{name} must be {allowed}, not {value!r}")
    return [float(one) for one in value]


def _sensitivity(name: str, value) -> list:
    # True acceleration / what the datasheet's sensitivity makes of the output.
    return _three(name, value, _SENSITIVITY)


def _offset(name: str, value) -> list:
    # What the sensor says at no acceleration, in true m/s2.
    return _three(name, value, _OFFSET_M_S2)


def _date(name: str, value) -> str:
    parts = value.split("-") if isinstance(value, str) else []
    good = [len(part) for part in parts] == [4, 2, 2] and "".join(parts).isdigit()
    if not good or not (1 <= int(parts[1]) <= 12 and 1 <= int(parts[2]) <= 31):
        raise CalibrationError(f"{name} must be a day as 2026-11-22, not {value!r}")
    return value


def _text(name: str, value) -> str:
    if not isinstance(value, str) or len(value.encode()) > _MAX_TEXT:
        raise CalibrationError(f"{name} must be a text of {_MAX_TEXT} bytes at most")
    return value


_CHECKS = {
    "sensitivity": _sensitivity,
    "offset_m_s2": _offset,
    "date": _date,
    "certificate": _text,
}
