# Runs on: MicroPython and CPython
# Record numbers that never repeat in the life of a node. Numbers are reserved in blocks before
# they are used, so flash is written once in BLOCK records, and a power cut skips some numbers
# but never gives one out twice.

import os

from firmware import flash

BLOCK = 4096
_DAMAGED_BASE_BITS = 40


class Sequence:
    def __init__(self, path: str) -> None:
        self._path = path
        try:
            epoch, reserved = flash.load(path) or (0, 0)
        except ValueError:
            # What was given out is unknown: a random start far above, so that a repetition is
            # as good as impossible, is better than a node that does not measure.
            base = int.from_bytes(os.urandom(_DAMAGED_BASE_BITS // 8), "big")
            epoch, reserved = 0, (1 << _DAMAGED_BASE_BITS) + base
        self.epoch = epoch + 1
        self.next = reserved
        self._reserved = reserved
        self._reserve()

    def take(self) -> int:
        if self.next >= self._reserved:
            self._reserve()
        number = self.next
        self.next += 1
        return number

    def _reserve(self) -> None:
        self._reserved += BLOCK
        flash.save(self._path, [self.epoch, self._reserved])
