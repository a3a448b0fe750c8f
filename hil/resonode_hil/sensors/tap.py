"""What a sensor really delivered, kept for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]


class Tap:
    """The LSB triples a sensor put into its FIFO, those overwritten included, by sample index.

    Args:
        dtype: of an LSB.
    """

    def __init__(self, dtype: npt.DTypeLike = np.int16) -> None:
        self._rows: IntArray = np.zeros((1 << 16, 3), dtype=dtype)
        self._used = 0
        # (index of the first sample, row it is in) of each unbroken run.
        self._runs: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self._used

    def put(self, first: int, rows: IntArray) -> None:
        """Append samples first, first+1 ... (n, 3). Indices only rise."""
        if not self._runs or first != self._end():
            self._runs.append((first, self._used))
        needed = self._used + len(rows)
        if needed > len(self._rows):
            grown = np.zeros((max(2 * len(self._rows), needed), 3), dtype=self._rows.dtype)
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        self._rows[self._used : needed] = rows
        self._used = needed

    def _end(self) -> int:
        first, row = self._runs[-1]
        return first + self._used - row

    def runs(self) -> list[tuple[int, int]]:
        """Return (first index, count) of each unbroken run of samples."""
        ends = [row for _, row in self._runs[1:]] + [self._used]
        return [(first, end - row) for (first, row), end in zip(self._runs, ends, strict=True)]

    def read(self, first: int, count: int) -> IntArray:
        """Return samples first .. first+count-1, shape (count, 3).

        Raises:
            KeyError: not all of them were put into the FIFO.
        """
        for (start, row), (_, length) in zip(self._runs, self.runs(), strict=True):
            if start <= first and first + count <= start + length:
                at = row + first - start
                return self._rows[at : at + count].copy()
        raise KeyError(f"samples {first} to {first + count - 1} are not in {self.runs()}")

    def all(self) -> IntArray:
        """Return every recorded sample in order, shape (len(self), 3)."""
        return self._rows[: self._used].copy()
