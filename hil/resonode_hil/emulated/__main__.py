"""Starts an emulated board until Ctrl-C: python -m resonode_hil.emulated [stock|frozen]

`stock` has an empty flash, so MicroPython's prompt is on the port; `frozen` runs the firmware, with
a sensor on the rig's default machine.
Its folder is build/emulated/node-<build>: what it keeps in flash is there the next time.
"""

from __future__ import annotations

import sys
import time

from resonode_hil.emulated.board import EmulatedBoard
from resonode_hil.errors import RigError
from resonode_hil.machine import default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.staging import source_root

_LOOK_S = 0.2


def main(build: str = "stock") -> int:
    directory = source_root() / "build" / "emulated" / f"node-{build}"
    nothing = directory / "nothing"
    nothing.mkdir(parents=True, exist_ok=True)
    files = nothing if build == "stock" else None
    try:
        chips = {0: Iis3dwb(default_machine())}
        board = EmulatedBoard(directory, chips, build=build, files=files)
        with board:
            print(f"QEMU_M4F ({build}) is on {board.port}; its files are in {board.image}")
            if build == "stock":
                print(f"try: mpremote connect {board.port} exec 'import os; print(os.uname())'")
            print("Ctrl-C ends it", flush=True)
            while board.running:
                time.sleep(_LOOK_S)
            board.check()
    except KeyboardInterrupt:
        return 0
    except RigError as error:
        print(f"emulated: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
