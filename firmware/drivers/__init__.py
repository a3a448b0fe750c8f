# Runs on: MicroPython and CPython
# One module per sensor chip. Buses, pins and the clock are passed in.


class SensorError(Exception):
    # A chip that is absent, unknown, or does not do what it was told.
    pass
