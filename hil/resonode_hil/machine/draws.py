"""Random numbers by index: the same value at the same index, in whatever order they are asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class NormalDraws:
    """Standard normal rows, addressed by row number.

    Args:
        seed: numbers that select the sequence.
        width: numbers per row.
        block: rows generated at once; part of what selects the sequence.
    """

    def __init__(self, seed: tuple[int, ...], width: int, block: int) -> None:
        self._seed = seed
        self._width = width
        self._block = block
        self._at = -1
        self._rows: npt.NDArray[np.float32] = np.zeros((0, width), dtype=np.float32)

    def rows(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """Return rows first .. first+count-1, shape (count, width). Negative rows are allowed."""
        last = first + count
        pieces = []
        while first < last:
            number, offset = divmod(first, self._block)
            piece = self._generated(number)[offset : offset + last - first]
            pieces.append(piece)
            first += len(piece)
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else self._rows[:0]

    def _generated(self, number: int) -> npt.NDArray[np.float32]:
        if number != self._at:
            entropy = [*self._seed, number % (1 << 64)]
            generator = np.random.Generator(np.random.SFC64(entropy))
            shape = (self._block, self._width)
            self._rows = generator.standard_normal(shape, dtype=np.float32)
            self._at = number
        return self._rows
