# Runs on: MicroPython and CPython
# What the air is like just now, for sensors that must know it to measure something else.

# Who is believed first: the others are warmed by their own electronics.
_THERMOMETERS = ("sht45", "scd41", "bme688", "bme680")
_WANTED = ("air_temperature_c", "humidity_pct", "pressure_hpa")
_GOOD_FOR_US = 600000000


class Ambient:
    def __init__(self) -> None:
        self._known: dict = {}  # field -> (value, when, rank of its sensor)

    def tell(self, sensor: str, values: dict, t_us: int) -> None:
        # A sensor `sensor` measured `values`.
        if sensor not in _THERMOMETERS or "saturated" in values:
            return
        rank = _THERMOMETERS.index(sensor)
        for name in _WANTED:
            if name in values and self._yields(name, rank, t_us):
                self._known[name] = (values[name], t_us, rank)

    def _yields(self, name: str, rank: int, t_us: int) -> bool:
        known = self._known.get(name)
        return known is None or rank <= known[2] or t_us - known[1] > _GOOD_FOR_US

    def now(self, t_us: int) -> dict:
        # Field -> value of what was measured lately.
        return {
            name: known[0] for name, known in self._known.items() if t_us - known[1] <= _GOOD_FOR_US
        }
