"""How much energy a schedule takes, and how long a battery lasts: estimated from what is published.

    for one in estimate(boards.load("ESP32_C3"), config): print(one.pause, one.average_ma)

While it captures, chip and accelerometer draw what their makers publish for full work; in the
pause, what they publish for the kind of pause. Air sensors work on a period of their own, and wake
a chip that sleeps. Radio, regulators, lights and USB bridges of a development board come on top:
where nobody publishes them, they are left out.
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
    """What a sensor draws: `on_ma` while it works, `off_ma` while it rests.

    An accelerometer works during captures. An air sensor (`air`) works on its own period, whatever
    is captured: all the time, or `reading_s` for each reading where it rests in between, and the
    chip is awake for it `awake_s` of each. `slower` has (period from which on, on_ma, reading_s)
    where it works otherwise when asked seldom.
    """

    on_ma: float
    off_ma: float
    source: str
    air: bool = False
    reading_s: float = 0.0
    awake_s: float = 0.0
    slower: tuple[tuple[float, float, float], ...] = ()

    def air_ma(self, period_s: float) -> float:
        """Return the mean of an air sensor that is read every `period_s`."""
        on_ma, reading_s = self.on_ma, self.reading_s
        for from_s, *other in self.slower:
            if period_s >= from_s:
                on_ma, reading_s = other
        share = min(reading_s / period_s, 1.0) if reading_s else 1.0
        return self.off_ma + share * (on_ma - self.off_ma)

    def awake(self, period_s: float) -> float:
        """Return the part of the time that the chip is awake for its readings."""
        waits_s = [reading_s for from_s, _, reading_s in self.slower if period_s >= from_s]
        return min(max([self.awake_s, *waits_s]) / period_s, 1.0)


# Taken to be on a board whose data leave it to the node to look.
USUAL = "iis3dwb"

# Typical values, from the makers' data sheets.
SENSORS = {
    "iis3dwb": Draw(1.1, 0.005, "IIS3DWB data sheet, 3 axes; power-down"),
    "adxl355": Draw(0.2, 0.021, "ADXL355 data sheet, measurement; standby"),
    "adxl345": Draw(0.14, 0.0001, "ADXL345 data sheet, 100 Hz and more; standby"),
    "lis2dw12": Draw(0.09, 0.00005, "LIS2DW12 data sheet, high performance; power-down"),
    "lsm6ds3": Draw(0.16, 0.003, "LSM6DS3TR-C data sheet, accelerometer at 1.6 kHz; power-down"),
    "scd41": Draw(
        15.0,
        0.15,
        "SCD4x data sheet, periodic, low power and single shot at 3.3 V; idle",
        air=True,
        awake_s=0.01,
        slower=((30, 3.2, 0.0), (300, 15.0, 5.0)),
    ),
    "sgp41": Draw(
        3.0, 0.034, "SGP41 data sheet, measurement at 3.3 V; idle", air=True, awake_s=0.06
    ),
    "bme680": Draw(
        12.0, 0.00015, "BME680 data sheet, heater on; sleep", air=True, reading_s=0.19, awake_s=0.2
    ),
    "bme688": Draw(
        12.0, 0.00015, "BME688 data sheet, heater on; sleep", air=True, reading_s=0.19, awake_s=0.2
    ),
    "sps30": Draw(55.0, 0.33, "SPS30 data sheet, measurement at 5 V; idle", air=True, awake_s=0.02),
    "pms5003": Draw(100.0, 0.2, "PMS5003 data manual, active; standby", air=True, awake_s=1.0),
    "pmsa003i": Draw(100.0, 0.2, "PMSA003I data manual, active; standby", air=True, awake_s=0.01),
    "sht45": Draw(
        0.32,
        0.00008,
        "SHT4x data sheet, measurement; idle",
        air=True,
        reading_s=0.0083,
        awake_s=0.01,
    ),
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
        config: of the node; `run`, `schedule_period_s`, `schedule_length_s`, `sleep` and
            `air_period_s` count.
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
    draws = [_draw(board, chip) for chip in sensors or fitted(board)]
    current = board.hardware["current_ma"]
    used = "light_sleep" if sleeps(board, config) else "idle"
    found = []
    for pause in ("idle", "light_sleep", "deep_sleep"):
        if current[pause] is None:
            continue
        average_ma = _average_ma(current, pause, draws, period_s, length_s, _air_period_s(config))
        found.append(
            Estimate(
                pause=pause,
                used=pause == used,
                duty=length_s / period_s,
                average_ma=average_ma,
                energy_mwh_per_day=average_ma * board.hardware["supply_v"] * _DAY_H,
                battery_days=battery_mah and USABLE * battery_mah / average_ma / _DAY_H,
            )
        )
    return found


def sleeps(board: Board, config: Mapping[str, Any]) -> bool:
    """Return whether a node of this configuration sleeps in its pauses."""
    return config.get("sleep") == "light" and "sleep" in board.node


def remarks(board: Board, config: Mapping[str, Any]) -> list[str]:
    """Return why a node on this board may not pause as the settings say, each a sentence."""
    if config.get("sleep") != "light":
        return []
    sleep = board.node.get("sleep")
    if sleep is None:
        return [f"{board.name} refuses sleep=light: its MicroPython has none; counted as idle"]
    if "before" in sleep:
        before = ".".join(str(part) for part in sleep["before"])
        return [f"{board.name} takes sleep=light with MicroPython before {before} only"]
    return []


@dataclass(frozen=True)
class Current:
    """A current that an estimate is made of, mA, and who says so."""

    part: str
    state: str
    ma: float
    source: str


def currents(board: Board, sensors: Sequence[str] = ()) -> list[Current]:
    """Return every current that `estimate()` takes for a board with these sensors.

    Raises:
        NodeError: as `estimate()`.
    """
    told = board.hardware["current_ma"]
    states = [name for name, ma in told.items() if name != "source" and ma is not None]
    found = [Current(board.name, name, told[name], told["source"]) for name in states]
    for chip in sensors or fitted(board):
        draw = _draw(board, chip)
        found.append(Current(chip, "on", draw.on_ma, draw.source))
        found += [
            Current(chip, f"from {from_s:g} s on", ma, draw.source)
            for from_s, ma, _ in draw.slower
            if ma != draw.on_ma
        ]
        found.append(Current(chip, "off", draw.off_ma, draw.source))
    return found


def _average_ma(
    current: Mapping[str, float],
    pause: str,
    draws: Sequence[Draw],
    period_s: float,
    length_s: float,
    air_period_s: float,
) -> float:
    duty = length_s / period_s
    air = [one for one in draws if one.air] if air_period_s else []
    awake = duty
    work_ma = duty * current["run"]
    if pause != "idle":
        # It comes back for each reading, and waits idle until that is done.
        reading = (1 - duty) * min(sum(one.awake(air_period_s) for one in air), 1.0)
        work_ma += reading * current["idle"]
        awake += reading
    if pause == "deep_sleep":
        restart = min(RESTART_S / period_s, 1 - awake)
        work_ma += restart * current["run"]
        awake += restart
    return (
        work_ma
        + (1 - awake) * current[pause]
        + sum(one.air_ma(air_period_s) if one in air else one.off_ma for one in draws)
        + sum(duty * (one.on_ma - one.off_ma) for one in draws if not one.air)
    )


def _air_period_s(config: Mapping[str, Any]) -> float:
    """Return how often air sensors are read, s; 0: never."""
    return (
        _seconds("air_period_s", config.get("air_period_s", 10)) if config.get("run", True) else 0
    )


def _schedule(board: Board, config: Mapping[str, Any]) -> tuple[float, float]:
    """Return (period, length measured), s; without pause both are the same."""
    if not config.get("run", True):
        return 1.0, 0.0
    period_s = _seconds("schedule_period_s", config.get("schedule_period_s", 0))
    length_s = _seconds("schedule_length_s", config.get("schedule_length_s", 10))
    if not period_s:
        return 1.0, 1.0
    if length_s > period_s:
        raise NodeError(
            f"It cannot measure {length_s} s of every {period_s} s",
            next="Make schedule_period_s longer, or schedule_length_s shorter",
        )
    return period_s, length_s


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise NodeError(f"{name} is {value!r}", next="Give it in seconds, 0 or more")
    return value


def _draw(board: Board, chip: str) -> Draw:
    if chip not in SENSORS:
        raise NodeError(
            f"What a {chip} draws is not known here",
            why=f"it is on the {board.name}",
            next="Add it to SENSORS in resonode/energy.py, with its source",
        )
    return SENSORS[chip]
