"""Resonode's test rig.

    with VirtualBoard("build/node", {0: Iis3dwb(default_machine())}) as board:
        print(board.port)  # a serial port with the real firmware behind it

A board has chips on its bus, a chip is bolted to a machine, and the board's time is paced by the
wall clock or moves in lockstep with what the firmware does.

Names are imported when they are first used: the command line looks in here for its commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resonode import lazy

if TYPE_CHECKING:
    from resonode_hil.board import VirtualBoard
    from resonode_hil.bus import BusServer, Chip
    from resonode_hil.errors import BoardError, RecordingError, RigError
    from resonode_hil.faults import BusFaults
    from resonode_hil.machine import (
        Damage,
        Machine,
        PhysicalMachine,
        Replay,
        ShaftSpeed,
        Still,
        default_machine,
    )
    from resonode_hil.sensors.iis3dwb import Iis3dwb
    from resonode_hil.timebase import Lockstep, Paced, TimeBase

_HOME = {
    "BoardError": "errors",
    "BusFaults": "faults",
    "BusServer": "bus",
    "Chip": "bus",
    "Damage": "machine",
    "Iis3dwb": "sensors.iis3dwb",
    "Lockstep": "timebase",
    "Machine": "machine",
    "Paced": "timebase",
    "PhysicalMachine": "machine",
    "RecordingError": "errors",
    "Replay": "machine",
    "RigError": "errors",
    "ShaftSpeed": "machine",
    "Still": "machine",
    "TimeBase": "timebase",
    "VirtualBoard": "board",
    "default_machine": "machine",
}

__all__ = [
    "BoardError",
    "BusFaults",
    "BusServer",
    "Chip",
    "Damage",
    "Iis3dwb",
    "Lockstep",
    "Machine",
    "Paced",
    "PhysicalMachine",
    "RecordingError",
    "Replay",
    "RigError",
    "ShaftSpeed",
    "Still",
    "TimeBase",
    "VirtualBoard",
    "default_machine",
]

__getattr__ = lazy.names(__name__, _HOME)
