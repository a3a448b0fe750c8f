"""How many particles there are of each size, given their mass: what optical sensors count.

Spheres of 1650 kg/m3 (the SPS30's calibration aerosol is of about that density), each size class
of AirState with one diameter.
"""

from __future__ import annotations

import math

from resonode_hil.room import AirState

DENSITY_KG_M3 = 1650.0
# Size class -> diameter of its particles, um.
DIAMETERS_UM = {"fine": 0.4, "medium": 1.5, "coarse": 4.5}


def per_cm3(state: AirState) -> dict[str, float]:
    """Return the number of particles of each class in a cubic centimetre."""
    numbers = {}
    for size, diameter_um in DIAMETERS_UM.items():
        # ug of one particle; 1e-18 m3/um3, 1e9 ug/kg.
        one_ug = DENSITY_KG_M3 * math.pi / 6.0 * diameter_um**3 * 1e-9
        numbers[size] = getattr(state, f"{size}_ug_m3") / one_ug * 1e-6
    return numbers


def below(state: AirState, limit_um: float) -> float:
    """Return the number of particles smaller than `limit_um` in a cubic centimetre."""
    numbers = per_cm3(state)
    return sum(numbers[size] for size, d_um in DIAMETERS_UM.items() if d_um < limit_um)


def typical_um(state: AirState) -> float:
    """Return the mean diameter by number, 0 where there are none."""
    numbers = per_cm3(state)
    total = sum(numbers.values())
    if not total:
        return 0.0
    return sum(numbers[size] * d_um for size, d_um in DIAMETERS_UM.items()) / total
