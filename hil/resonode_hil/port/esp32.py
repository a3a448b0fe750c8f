# Runs on: MicroPython (the VIRTUAL board)
# What wakes a virtual board from light sleep, as on an ESP32.

import machine


def wake_on_ext0(pin, level: bool) -> None:
    # All lines of a virtual board are high when they are active.
    machine.wake_pin = pin  # type: ignore[attr-defined]  # the rig's own
