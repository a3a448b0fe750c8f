# Runs on: MicroPython and CPython
# Code that is needed now and then: it is imported where it is needed and forgotten afterwards, so
# that it takes no RAM meanwhile. Classes that outlive it (exceptions) are defined elsewhere.

import sys


def forget(*names: str) -> None:
    # Modules by their full names. What still holds a part of one keeps that in memory.
    for name in names:
        if name in sys.modules:
            del sys.modules[name]
            package, _dot, own = name.rpartition(".")
            delattr(sys.modules[package], own)
