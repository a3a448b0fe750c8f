"""Stand-ins for chips that wait to be programmed: what flashing tools talk to, without hardware.

ESP32 family: the ROM loader on a pty (chip.py, port.py). nRF52840 with a UF2 bootloader: its drive
(uf2_drive.py) and its serial DFU (dfu.py). Written from the protocols' descriptions, never from the
tools that are tested.
"""

from resonode_hil.romloader.chip import CHIPS, EspChip
from resonode_hil.romloader.dfu import DfuChip
from resonode_hil.romloader.port import RomLoader
from resonode_hil.romloader.uf2_drive import Uf2Drive

__all__ = ["CHIPS", "DfuChip", "EspChip", "RomLoader", "Uf2Drive"]
