"""What can be wrong on a board's bus. Every fault is a parameter; random ones have a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BusFaults:
    """Faults of the bus of one board.

    Attributes:
        absent: chip selects with nothing on them: reads give 0xFF.
        refused: errno answered instead of a transfer, by chip select (a bus that cannot be driven).
        flip_rate: probability that a byte read has one bit inverted.
        seed: of the flips.
    """

    absent: frozenset[int] = frozenset()
    refused: Mapping[int, int] = field(default_factory=dict)
    flip_rate: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0.0 <= self.flip_rate <= 1.0:
            raise ValueError(f"flip_rate is a probability, not {self.flip_rate}")


class BitFlipper:
    """Inverts bits of a byte stream at a given rate per byte."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate = rate
        self._random = random.Random(seed)
        self.flipped = 0
        self._clean = self._gap()

    def _gap(self) -> int:
        """Return how many bytes pass unharmed (geometric)."""
        if self._rate <= 0.0:
            return 1 << 62
        if self._rate >= 1.0:
            return 0
        gap = 0
        while self._random.random() >= self._rate:
            gap += 1
        return gap

    def pass_through(self, data: bytes) -> bytes:
        """Return `data` with this stretch's errors in it."""
        if self._clean >= len(data):
            self._clean -= len(data)
            return data
        damaged = bytearray(data)
        at = self._clean
        while at < len(damaged):
            damaged[at] ^= 1 << self._random.randrange(8)
            self.flipped += 1
            at += 1 + self._gap()
        self._clean = at - len(damaged)
        return bytes(damaged)
