"""How much energy a schedule takes, and how long a battery lasts: estimated from what is published.

    for one in estimate(boards.load("ESP32_C3"), config): print(one.pause, one.average_ma)

While it measures, chip and sensors draw what their makers publish for full work; in the pause, what
they publish for the kind of pause. Radio, regulators, lights and USB bridges of a development board
come on top: where nobody publishes them, they are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resonode.boards import Board
from resonode.errors import NodeError

# Of a battery's printed capacity, what is to be had before its voltage is too low, after ageing.
USABLE = 0.8
# A chip that slept deeply begins anew: time until it measures, at full current.
RESTART_S = 2.0

_DAY_H = 24.0


@dataclass(frozen=True)
class Draw:
    """What a sensor draws, mA: while it measures, and when it is told to stop."""

    on_ma: float
    off_ma: float
    source: str


# Taken to be on a board whose data leave it to the node to look.
USUAL = "iis3dwb"

# Typical values, from the makers' data sheets.
SENSORS = {
    "iis3dwb": Draw(1.1, 0.005, "IIS3DWB data sheet, 3 axes; power-down"),
    "adxl355": Draw(0.2, 0.021, "ADXL355 data sheet, measurement; standby"),
    "adxl345": Draw(0.14, 0.0001, "ADXL345 data sheet, 100 Hz and more; standby"),
    "lis2dw12": Draw(0.09, 0.00005, "LIS2DW12 data sheet, high performance; power-down"),
    "lsm6ds3": Draw(0.16, 0.003, "LSM6DS3TR-C data sheet, accelerometer at 1.6 kHz; power-down"),
    "scd41": Draw(15.0, 0.2, "SCD41 data sheet, periodic at 3.3 V; idle"),
    "sgp41": Draw(3.0, 0.034, "SGP41 data sheet, measurement at 3.3 V; idle"),
    "bme680": Draw(12.0, 0.00015, "BME680 data sheet, heater on; sleep"),
    "bme688": Draw(12.0, 0.00015, "BME688 data sheet, heater on; sleep"),
    "sps30": Draw(55.0, 0.33, "SPS30 data sheet, measurement at 5 V; idle"),
    "pms5003": Draw(100.0, 0.2, "PMS5003 data manual, active; standby"),
    "pmsa003i": Draw(100.0, 0.2, "PMSA003I data manual, active; standby"),
    "sht45": Draw(0.32, 0.00008, "SHT4x data sheet, measurement; idle"),
}


@dataclass(frozen=True)
class Estimate:
    """One way to spend the pauses.

    `duty` is the part of the time that is measured. `used` says whether the firmware pauses this
    way. `battery_days` is None without a battery.
    """

    pause: str
    used: bool
    duty: float
    average_ma: float
    energy_mwh_per_day: float
    battery_days: float | None


def fitted(board: Board) -> list[str]:
    """Return the sensors of a board as its data name them, and USUAL where they do not."""
    return [place.get("chip", USUAL) for place in board.node["sensors"]]


def estimate(
    board: Board,
    config: Mapping[str, Any],
    battery_mah: float | None = None,
    sensors: Sequence[str] = (),
) -> list[Estimate]:
    """Return an estimate for each kind of pause that the board's MicroPython has.

    Args:
        config: of the node; `run`, `schedule_period_s` and `schedule_length_s` count.
        battery_mah: printed capacity of the battery.
        sensors: what is on the board; else as `fitted()` has it.

    Raises:
        NodeError: nobody publishes currents of this board or of a sensor on it, or the schedule
            is none.
    """
    if not board.real:
        raise NodeError(
            f"{board.name} draws no current", why="it is a board of the rig", next="Name a real one"
        )
    period_s, length_s = _schedule(board, config)
    duty = length_s / period_s
    draws = [_draw(board, chip) for chip in sensors or fitted(board)]
    current = board.hardware["current_ma"]
    on_ma = current["run"] + sum(one.on_ma for one in draws)
    found = []
    for pause in ("idle", "light_sleep", "deep_sleep"):
        if current[pause] is None:
            continue
        off_ma = current[pause] + sum(one.off_ma for one in draws)
        restart_s = min(RESTART_S, period_s - length_s) if pause == "deep_sleep" else 0.0
        restart_ma = current["run"] + sum(one.off_ma for one in draws)
        average_ma = (
            length_s * on_ma + restart_s * restart_ma + (period_s - length_s - restart_s) * off_ma
        ) / period_s
        found.append(
            Estimate(
                pause=pause,
                used=pause == "idle",
                duty=duty,
                average_ma=average_ma,
                energy_mwh_per_day=average_ma * board.hardware["supply_v"] * _DAY_H,
                battery_days=battery_mah and USABLE * battery_mah / average_ma / _DAY_H,
            )
        )
    return found


def _schedule(board: Board, config: Mapping[str, Any]) -> tuple[float, float]:
    """Return (period, length measured), s; without pause both are the same."""
    if not config.get("run", True):
        return 1.0, 0.0
    period_s = config.get("schedule_period_s", 0)
    length_s = config.get("schedule_length_s", 10)
    for name, value in (("schedule_period_s", period_s), ("schedule_length_s", length_s)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise NodeError(f"{name} is {value!r}", next="Give it in seconds, 0 or more")
    if not period_s:
        return 1.0, 1.0
    if length_s > period_s:
        raise NodeError(
            f"It cannot measure {length_s} s of every {period_s} s",
            next="Make schedule_period_s longer, or schedule_length_s shorter",
        )
    return period_s, length_s


def _draw(board: Board, chip: str) -> Draw:
    if chip not in SENSORS:
        raise NodeError(
            f"What a {chip} draws is not known here",
            why=f"it is on the {board.name}",
            next="Add it to SENSORS in resonode/energy.py, with its source",
        )
    return SENSORS[chip]
