# Runs on: MicroPython
# Where a node starts. Memory for captures is taken before all else, and the code then loaded with
# its rubbish cleared away at every step: else no room in one piece would be left between them.

import gc
import json

import micropython

_STEP_BYTES = 8192


def run(path: str) -> None:
    # Runs until a reset is asked for. `path`: the folder of this board's board.json.
    micropython.kbd_intr(-1)  # 03 is a byte like any other on this port
    room = _room(path + "/board.json")
    gc.threshold(_STEP_BYTES)
    from firmware import wiring

    gc.threshold(-1)
    wiring.run(path, room)


def _room(path: str) -> list:
    # Held until captures take their memory (Measurement): who empties the list gives it back.
    with open(path) as file:
        most_bytes = json.load(file)["buffer_bytes"]
    try:
        return [bytearray(most_bytes)]
    except MemoryError:
        return []
