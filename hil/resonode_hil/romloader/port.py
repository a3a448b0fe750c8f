"""A chip that waits to be programmed, behind a pty, and a plug that can be pulled."""

from __future__ import annotations

import array
import fcntl
import os
import pty
import select
import termios
import threading
import tty
from types import TracebackType
from typing import Generic, TypeVar

from resonode_hil.romloader import slip
from resonode_hil.romloader.chip import EspChip
from resonode_hil.romloader.dfu import DfuChip

_POLL_S = 0.05

Chip = TypeVar("Chip", EspChip, DfuChip)


class RomLoader(Generic[Chip]):
    """`with RomLoader(chip) as loader:` a flashing tool opens `loader.port`.

    Args:
        chip: EspChip or DfuChip.
        unplug_at: the plug is pulled at the first command of this stage, before it is answered.

    `stages` are those seen, in order, each once.
    """

    def __init__(self, chip: Chip, unplug_at: str | None = None) -> None:
        self.chip: Chip = chip
        self.stages: list[str] = []
        self._unplug_at = unplug_at
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        # Held open to the end: else another pty would get this one's number while the tool under
        # test still tries to find its board again.
        self._slave = slave
        self._plugged = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> RomLoader[Chip]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._unplug()
        os.close(self._slave)

    def _serve(self) -> None:
        decoder = slip.Decoder()
        while not self._stop.is_set():
            if not select.select([self._master], [], [], _POLL_S)[0]:
                continue
            for packet in decoder.feed(os.read(self._master, 65536)):
                stage = self.chip.stage(packet)
                if stage and stage not in self.stages:
                    self.stages.append(stage)
                if stage and stage == self._unplug_at:
                    self._unplug()
                    return
                for reply in self.chip.answer(packet):
                    os.write(self._master, slip.encode(reply))
                if self.chip.gone:
                    self._drain()
                    self._unplug()
                    return

    def _drain(self) -> None:
        """Wait until the last answer was read: a pty that hangs up forgets what is left."""
        while not self._stop.wait(_POLL_S / 10):
            waiting = array.array("i", [0])
            fcntl.ioctl(self._slave, termios.FIONREAD, waiting)
            if not waiting[0]:
                return

    def _unplug(self) -> None:
        if self._plugged:
            os.close(self._master)
            self._plugged = False
