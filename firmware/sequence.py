# Runs on: MicroPython and CPython
# Record numbers that never repeat in the life of a node. Numbers are reserved in blocks before
# they are used, so flash is written once in BLOCK records, and a power cut skips some numbers
# but never gives one out twice. A restart that was asked for skips none, and remembers from
# which record on nobody had acknowledged them.

import os

from firmware import flash

# A page erase stops some chips for 85 ms, which costs a window of samples: at 80 records a second
# once in 14 minutes.
BLOCK = 65536
_DAMAGED_BASE_BITS = 40


class Sequence:
    def __init__(self, path: str) -> None:
        self._path = path
        first_lost = -1
        try:
            epoch, reserved, first_lost = flash.load(path) or (0, 0, -1)
        except ValueError:
            # What was given out is unknown: a random start far above, so that a repetition is
            # as good as impossible, is better than a node that does not measure.
            base = int.from_bytes(os.urandom(_DAMAGED_BASE_BITS // 8), "big")
            epoch, reserved = 0, (1 << _DAMAGED_BASE_BITS) + base
        self.epoch = epoch + 1
        self.next = reserved
        # The last life's records that nobody acknowledged: from here up to `next`; -1 unknown.
        self.first_lost = first_lost
        self._reserved = reserved
        self._reserve()

    def take(self) -> int:
        if self.next >= self._reserved:
            self._reserve()
        number = self.next
        self.next += 1
        return number

    def close(self, unacknowledged: int) -> None:
        # The node restarts on purpose; nobody acknowledged its records from `unacknowledged` on.
        flash.save(self._path, [self.epoch, self.next, unacknowledged])

    def _reserve(self) -> None:
        self._reserved += BLOCK
        flash.save(self._path, [self.epoch, self._reserved, -1])
