# Runs on: MicroPython, started by test_node_memory.py. Prints what buffer_bytes says of a capture
# by default and what its windows and its analyser really take; then how many envelopes can be
# made of those that a configuration may ask for, at the rates that sensors have.
from gc import collect, mem_alloc  # type: ignore[attr-defined]

from firmware.analysis import Analyser, buffer_bytes
from firmware.config import changed, defaults
from firmware.envelope import Envelope
from firmware.sampler import Window


class Rate:
    rate_hz = 26667.0


class Sensor:
    # Of the Sampler, what an analyser asks; of the chip, what buffers are counted from.
    nominal_hz = rate_hz = 26667.0
    entry_bytes = 7

    def scale_m_s2(self, _full_scale_g, _axis):
        return 0.00478

    def offset_m_s2(self, _axis):
        return 0.0


def taken(make):
    collect()
    before = mem_alloc()
    kept = make()
    collect()
    return kept, mem_alloc() - before


def windows():
    return [Window(config["window"], config["watermark"]) for _ in range(2)]


def analyser():
    made = Analyser(config, Sensor(), None, None)
    made.begin(1, Rate)
    return made


config = defaults()
kept_windows, window_bytes = taken(windows)
kept_analyser, analyser_bytes = taken(analyser)
print(buffer_bytes(config, Sensor), window_bytes + analyser_bytes)

made = 0
for low_hz in (100, 1000, 5000, 12700):
    for width_hz in (100, 101, 150, 333, 1000, 2000, 5000, 9000, 12700):
        for max_hz in (50, 200, 777, 1000, 6000):
            band = [low_hz, min(low_hz + width_hz, 12800)]
            wanted = changed(config, {"envelope_bands": [band], "envelope_max_hz": max_hz})
            envelope = Envelope(wanted, band, None, None, 0.00478)
            for rate_hz in (25900.0, 26667.0, 27500.0):
                envelope.begin(rate_hz)
                made += 1
print(made)
