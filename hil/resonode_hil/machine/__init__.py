"""What the sensor is bolted to.

    Replay           a recording, at its own speed, looped or once
    PhysicalMachine  shaft, bearing and structure, computed

A machine is asked for samples by index at the sensor's own rate. The answer depends on nothing
but the machine's parameters and that index: not on how the samples are cut into blocks.
"""

from resonode_hil.machine.base import FloatArray, Machine, Still
from resonode_hil.machine.physical import Damage, PhysicalMachine, default_machine
from resonode_hil.machine.recording import Recording, load_recording
from resonode_hil.machine.replay import Replay
from resonode_hil.machine.shaft import ShaftSpeed

__all__ = [
    "Damage",
    "FloatArray",
    "Machine",
    "PhysicalMachine",
    "Recording",
    "Replay",
    "ShaftSpeed",
    "Still",
    "default_machine",
    "load_recording",
]
