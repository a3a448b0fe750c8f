"""What a virtual node can have besides its accelerometer, by name: air sensors in a room.

VirtualBoard(..., **air_sensors(["scd41", "sps30"], room("occupied"), seed=1))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from resonode_hil.room import Activity, Room, office_day
from resonode_hil.sensors.bme680 import Bme680
from resonode_hil.sensors.pms5003 import Pms5003, Pmsa003i
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from resonode_hil.sensors.sht45 import Sht45
from resonode_hil.sensors.sps30 import Sps30I2c

# name -> (model, bus, its address or the number of its UART)
AIR_SENSORS: dict[str, tuple[Callable[..., Any], str, int]] = {
    "scd41": (Scd41, "i2c", 0x62),
    "sgp41": (Sgp41, "i2c", 0x59),
    "sht45": (Sht45, "i2c", 0x44),
    "bme680": (Bme680, "i2c", 0x76),
    "sps30": (Sps30I2c, "i2c", 0x69),
    "pms5003": (Pms5003, "uart", 2),
    "pmsa003i": (Pmsa003i, "i2c", 0x12),
}

ROOMS: dict[str, Callable[[], Room]] = {
    "empty": Room,
    "occupied": lambda: Room((Activity(people=2, air_changes_per_h=0.3),)),
    "office": office_day,
}


def room(name: str) -> Room:
    """Return a room of ROOMS, as it is when the node starts.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in ROOMS:
        raise ValueError(f"no room '{name}': one of {', '.join(ROOMS)}")
    return ROOMS[name]()


def air_sensors(names: Iterable[str], air: Room, seed: int) -> dict[str, dict[int, Any]]:
    """Return these sensors in that air: bus (`i2c`, `uart`) -> place on it -> model.

    Raises:
        ValueError: there is no sensor of such a name.
    """
    fitted: dict[str, dict[int, Any]] = {"i2c": {}, "uart": {}}
    for name in names:
        if name not in AIR_SENSORS:
            raise ValueError(f"no air sensor '{name}': one of {', '.join(AIR_SENSORS)}")
        model, bus, where = AIR_SENSORS[name]
        fitted[bus][where] = model(air, seed=seed)
    return fitted
