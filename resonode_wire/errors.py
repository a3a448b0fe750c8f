"""The one exception every decoder and encoder of the wire raises.

Runs on: MicroPython and CPython.
"""


class WireError(ValueError):
    """Bytes that break the format, or a value the format cannot carry."""
