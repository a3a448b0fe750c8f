# Runs on: MicroPython and CPython
# Self-test of a BME680. Source of steps and limits: Bosch's driver BME68x_SensorAPI, version 4.4.8,
# bme68x_low_gas_selftest_check().

_HOT_C, _WARM_C = 350, 150
_STEP_MS = 2000
_TEMPERATURE_C, _PRESSURE_HPA, _HUMIDITY_PCT = (0, 60), (900, 1100), (20, 80)
_LEAST_RATIO = 1.2  # the oxide's resistance, warm over hot


async def run(chip) -> dict:
    # While it does not measure. Takes 13 s.
    await chip.start(0)
    await chip.measure(_HOT_C, _STEP_MS // 2)
    steps = []  # MicroPython awaits nothing in a comprehension
    for step in range(6):
        steps.append(await chip.measure(_WARM_C if step % 2 else _HOT_C, _STEP_MS))
    air = steps[0]
    ohms = [step.get("gas_ohm", 0.0) for step in steps]
    ratio = (ohms[3] + ohms[5]) / (2 * ohms[4]) if ohms[4] else 0.0
    found = {
        "temperature_right": _within(air["air_temperature_c"], _TEMPERATURE_C),
        "pressure_right": _within(air["pressure_hpa"], _PRESSURE_HPA),
        "humidity_right": _within(air["humidity_pct"], _HUMIDITY_PCT),
        "heater_right": 0.0 not in ohms,
        "gas_right": ratio >= _LEAST_RATIO,
    }
    found["passed"] = False not in found.values()
    return found


def _within(value: float, limits: tuple) -> bool:
    return limits[0] <= value <= limits[1]
