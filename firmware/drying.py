# Runs on: MicroPython and CPython
# Particles take up water from humid air, and an optical sensor weighs it as dust.
# Source: Crilley et al., Atmos. Meas. Tech. 11 (2018) 709, equation 5 (kappa-Koehler theory of
# Petters & Kreidenweis, Atmos. Chem. Phys. 7 (2007) 1961), for particles of 1.65 g/cm3.

_DENSITY = 1.65
# Where the theory ends: the growth has no bounds towards 100 %.
_MOST_HUMIDITY_PCT = 95.0


def dry_mass(wet_ug_m3: float, humidity_pct: float, kappa: float) -> float:
    # Mass without its water. kappa: hygroscopicity, 0.3..0.4 of usual outdoor air.
    activity = min(humidity_pct, _MOST_HUMIDITY_PCT) / 100
    if activity <= 0:
        return wet_ug_m3
    return wet_ug_m3 / (1 + kappa / _DENSITY * activity / (1 - activity))
