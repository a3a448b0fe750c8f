# Runs on: MicroPython (the VIRTUAL board)
# How a board reaches the rig: the bus is file 3, and the process ends with an exit code.

import io
import sys

end = sys.exit


def open_bus() -> io.FileIO:
    return io.open(3, "r+b", 0)
