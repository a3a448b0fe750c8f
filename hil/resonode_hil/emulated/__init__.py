"""QEMU_M4F: MicroPython on an emulated Cortex-M4F, as one more board of the rig."""

from resonode_hil.emulated.board import EmulatedBoard
from resonode_hil.emulated.files import compile_files, stock_files
from resonode_hil.emulated.flash import read_flash, write_flash

__all__ = ["EmulatedBoard", "compile_files", "read_flash", "stock_files", "write_flash"]
