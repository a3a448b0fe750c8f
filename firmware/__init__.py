# Runs on: MicroPython and CPython
# The node application. main.py is the only module that knows all the others.

VERSION = "0.1.0"
