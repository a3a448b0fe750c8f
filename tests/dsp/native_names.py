# Runs on: MicroPython, started by test_native_spectra.py. Prints what the module holds.
import sys

sys.path.insert(0, sys.argv[1])

dsp = __import__(sys.argv[2])  # by name: tools for CPython must not look for it
print(" ".join([name for name in dir(dsp) if not name.startswith("__")]))
