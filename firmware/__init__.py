# Runs on: MicroPython and CPython
# The node application. wiring.py is the only module that knows all the others.

VERSION = "0.1.0"
