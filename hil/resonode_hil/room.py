"""A room: what its air is like, from who is in it, what they do and how it is aired.

Everything is a well-mixed balance, dx/dt = source - loss (x - outside), solved exactly between
changes of activity; so the air at a time does not depend on when it was asked for before.

Sources: CO2 of people: Persily & de Jonge, Indoor Air 27 (2017) 868. Deposition of particles:
Long et al., Environ. Sci. Technol. 35 (2001) 2089. Vapour pressure: Sonntag, Z. Meteorol. 70
(1990) 340.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

# Of one adult at a desk (1.2 met).
CO2_L_PER_H = 18.7
HEAT_W = 75.0
WATER_G_PER_H = 60.0
VOC_PPB_M3_PER_H = 600.0

# Particles settle; coarse ones sooner. 1/h, by size class.
DEPOSITION_PER_H = {"fine": 0.2, "medium": 0.4, "coarse": 1.5}
# Of cooking (frying) and of people who stir up dust, mg/h.
COOKING_MG_PER_H = {"fine": 60.0, "medium": 25.0, "coarse": 5.0}
DUST_MG_PER_H = {"fine": 0.05, "medium": 0.3, "coarse": 3.0}
COOKING_VOC_PPB_M3_PER_H = 9000.0
COOKING_NOX_PPB_M3_PER_H = 2500.0

# What the walls and furniture of a cubic metre of room store, J/K.
HEAT_CAPACITY_J_PER_K_M3 = 15000.0
AIR_J_PER_K_M3 = 1200.0
WALL_LOSS_W_PER_K_M3 = 0.5


@dataclass(frozen=True)
class AirState:
    """Air at one moment. Particles by mass of their size class: up to 1, 1 to 2.5, 2.5 to 10 um."""

    co2_ppm: float = 420.0
    temperature_c: float = 21.0
    humidity_pct: float = 45.0
    pressure_hpa: float = 1013.25
    voc_ppb: float = 80.0
    nox_ppb: float = 10.0
    fine_ug_m3: float = 4.0
    medium_ug_m3: float = 2.0
    coarse_ug_m3: float = 3.0

    @property
    def pm1_ug_m3(self) -> float:
        return self.fine_ug_m3

    @property
    def pm2_5_ug_m3(self) -> float:
        return self.fine_ug_m3 + self.medium_ug_m3

    @property
    def pm10_ug_m3(self) -> float:
        return self.pm2_5_ug_m3 + self.coarse_ug_m3


@dataclass(frozen=True)
class Activity:
    """What goes on in the room from `from_s` (board time, s) on.

    Attributes:
        people: how many are in it.
        air_changes_per_h: its volume in outside air, each hour: 0.3 closed, 5 a window open.
        cooking: share of a stove in use.
        heating_w: of a radiator.
    """

    from_s: float = 0.0
    people: float = 0.0
    air_changes_per_h: float = 0.5
    cooking: float = 0.0
    heating_w: float = 0.0

    def __post_init__(self) -> None:
        if min(self.people, self.air_changes_per_h, self.cooking, self.heating_w) < 0.0:
            raise ValueError("people, air changes, cooking and heating must not be negative")


@dataclass(frozen=True)
class Room:
    """A room with a timetable.

    Attributes:
        activities: what goes on, with rising `from_s`; from 0 on if it does not say.
        volume_m3: of the room.
        outside: the air that comes in.
        start: the air at time 0, default that outside but for the temperature, 21 C.
    """

    activities: tuple[Activity, ...] = (Activity(),)
    volume_m3: float = 50.0
    outside: AirState = field(default_factory=lambda: AirState(temperature_c=10.0))
    start: AirState | None = None

    def __post_init__(self) -> None:
        times = [one.from_s for one in self.activities]
        if not times or times != sorted(set(times)) or times[0] < 0.0:
            raise ValueError("activities need rising times from 0 s on")
        if not self.volume_m3 > 0.0:
            raise ValueError("a room has a volume")

    def at(self, t_s: float) -> AirState:
        """Return the air at board time `t_s`."""
        state = _amounts(self.start or replace(self.outside, temperature_c=21.0))
        begin_s = 0.0
        timetable = self.activities
        if timetable[0].from_s > 0.0:
            timetable = (Activity(), *timetable)
        for at, activity in enumerate(timetable):
            later_s = timetable[at + 1].from_s if at + 1 < len(timetable) else math.inf
            end_s = min(later_s, t_s)
            state = self._after(state, activity, max(end_s - begin_s, 0.0) / 3600.0)
            begin_s = end_s
            if t_s <= later_s:
                break
        return _air(state, self.outside.pressure_hpa)

    def _after(self, state: dict[str, float], activity: Activity, hours: float) -> dict[str, float]:
        """Return the amounts `hours` later, if the activity stays."""
        outside = _amounts(self.outside)
        after = {}
        for kind, (source, loss) in self._balances(activity).items():
            if loss > 0.0:
                settled = _outside_share(kind, activity, loss) * outside[kind] + source / loss
                after[kind] = settled + (state[kind] - settled) * math.exp(-loss * hours)
            else:
                after[kind] = state[kind] + source * hours
        return after

    def _balances(self, activity: Activity) -> dict[str, tuple[float, float]]:
        """Return (source a hour, loss 1/h) of each kind.

        CO2 in ppm, heat in K, water in g/m3, VOC and NOx in ppb, particles in ug/m3.
        """
        people, cooking = activity.people, activity.cooking
        per_m3 = 1.0 / self.volume_m3
        change = activity.air_changes_per_h
        stored = HEAT_CAPACITY_J_PER_K_M3 + AIR_J_PER_K_M3
        heat_w = people * HEAT_W + activity.heating_w + 1500.0 * cooking
        loss_w_per_k = WALL_LOSS_W_PER_K_M3 + AIR_J_PER_K_M3 * change / 3600.0
        balances = {
            "co2": (1000.0 * people * CO2_L_PER_H * per_m3, change),
            "heat": (3600.0 * heat_w * per_m3 / stored, 3600.0 * loss_w_per_k / stored),
            "water": ((people * WATER_G_PER_H + 500.0 * cooking) * per_m3, change),
            "voc": (
                (people * VOC_PPB_M3_PER_H + cooking * COOKING_VOC_PPB_M3_PER_H) * per_m3,
                change,
            ),
            "nox": (cooking * COOKING_NOX_PPB_M3_PER_H * per_m3, change + 0.3),
        }
        for size, settling in DEPOSITION_PER_H.items():
            mg = people * DUST_MG_PER_H[size] + cooking * COOKING_MG_PER_H[size]
            balances[size] = (1000.0 * mg * per_m3, change + settling)
        return balances


def _outside_share(kind: str, activity: Activity, loss: float) -> float:
    """Return what share of the outside's level an empty room ends at."""
    # Heat is lost to the outside through walls and with the air; what deposits is lost for good.
    return 1.0 if kind == "heat" else activity.air_changes_per_h / loss


def vapour_g_m3(temperature_c: float, humidity_pct: float) -> float:
    """Return the water in air, g/m3 (Sonntag 1990; ideal gas)."""
    pressure_pa = 611.2 * math.exp(17.62 * temperature_c / (243.12 + temperature_c))
    return 2.1667 * humidity_pct / 100.0 * pressure_pa / (273.15 + temperature_c)


def _amounts(air: AirState) -> dict[str, float]:
    return {
        "co2": air.co2_ppm,
        "heat": air.temperature_c,
        "water": vapour_g_m3(air.temperature_c, air.humidity_pct),
        "voc": air.voc_ppb,
        "nox": air.nox_ppb,
        "fine": air.fine_ug_m3,
        "medium": air.medium_ug_m3,
        "coarse": air.coarse_ug_m3,
    }


def _air(amounts: dict[str, float], pressure_hpa: float) -> AirState:
    temperature_c = amounts["heat"]
    humidity_pct = 100.0 * amounts["water"] / vapour_g_m3(temperature_c, 100.0)
    return AirState(
        co2_ppm=amounts["co2"],
        temperature_c=temperature_c,
        humidity_pct=min(humidity_pct, 100.0),
        pressure_hpa=pressure_hpa,
        voc_ppb=amounts["voc"],
        nox_ppb=amounts["nox"],
        fine_ug_m3=amounts["fine"],
        medium_ug_m3=amounts["medium"],
        coarse_ug_m3=amounts["coarse"],
    )


def office_day() -> Room:
    """Return an office: two people from 8 to 17 h, lunch fried at noon, windows opened at 13 h."""
    hour = 3600.0
    return Room(
        (
            Activity(0.0, air_changes_per_h=0.3),
            Activity(8 * hour, people=2, air_changes_per_h=0.5, heating_w=500.0),
            Activity(12 * hour, people=2, air_changes_per_h=0.5, cooking=0.5),
            Activity(12.5 * hour, people=2, air_changes_per_h=0.5),
            Activity(13 * hour, people=2, air_changes_per_h=5.0),
            Activity(13.5 * hour, people=2, air_changes_per_h=0.5, heating_w=500.0),
            Activity(17 * hour, air_changes_per_h=0.3),
        )
    )
