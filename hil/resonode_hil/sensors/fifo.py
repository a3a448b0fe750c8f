"""The tagged FIFO of ST's 7-byte-word sensors (LSM6DSO family, IIS3DWB).

The FIFO is kept as arithmetic rather than as a buffer: which words a time slot writes follows from
its number, so the words that are still in it are a range, and only what is read is ever built.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

DEPTH = 512  # words
WORD_BYTES = 7

TAG_ACCEL = 0x02
TAG_TEMPERATURE = 0x03
TAG_TIMESTAMP = 0x04

MODE_BYPASS = 0
MODE_FIFO = 1
# Modes that wait for a trigger rest in the mode they start in: 3 runs, 4 and 7 are bypassed.
_RUNNING_MODES = (1, 3, 6)

# Temperature is batched at 104 Hz: one slot in 256.
TEMPERATURE_EVERY = 256

Int16Array = npt.NDArray[np.int16]
Int64Array = npt.NDArray[np.int64]
_Number = TypeVar("_Number", int, Int64Array)


def tag(sensor: int, slot: int) -> int:
    """Return the tag byte: sensor in bits 7..3, slot modulo 4 in 2..1, even parity in 0."""
    value = sensor << 3 | (slot & 3) << 1
    return value | value.bit_count() & 1


def _tags(sensor: int) -> npt.NDArray[np.uint8]:
    return np.array([tag(sensor, slot) for slot in range(4)], dtype=np.uint8)


_ACCEL_TAGS = _tags(TAG_ACCEL)
_TEMPERATURE_TAGS = _tags(TAG_TEMPERATURE)
_TIMESTAMP_TAGS = _tags(TAG_TIMESTAMP)


@dataclass(frozen=True)
class SlotPattern:
    """Which words each time slot writes, in this order: time stamp, temperature, acceleration."""

    accel: bool = False
    timestamp_every: int = 0
    temperature: bool = False

    def words(self, slots: _Number) -> _Number:
        """Return how many words slots 0 .. slots-1 write (also for an array of counts)."""
        total = slots
        if self.timestamp_every:
            total = total + (slots + self.timestamp_every - 1) // self.timestamp_every
        if self.temperature:
            total = total + (slots + TEMPERATURE_EVERY - 1) // TEMPERATURE_EVERY
        return total


@dataclass(frozen=True)
class FifoStatus:
    """The flags of FIFO_STATUS2."""

    watermark: bool
    full: bool
    overrun: bool
    latched: bool


class SampleRing:
    """The last `size` samples by index, three axes each."""

    def __init__(self, size: int) -> None:
        self._rows: Int16Array = np.zeros((size, 3), dtype="<i2")

    def write(self, first: int, rows: Int16Array) -> None:
        """Put samples first, first+1 ..."""
        size = len(self._rows)
        at = first % size
        head = rows[: size - at]
        self._rows[at : at + len(head)] = head
        if len(head) < len(rows):
            self._rows[: len(rows) - len(head)] = rows[len(head) :]

    def read(self, first: int, end: int) -> Int16Array:
        """Return samples first .. end-1, shape (end - first, 3)."""
        size = len(self._rows)
        at = first % size
        if at + end - first <= size:
            return self._rows[at : at + end - first]
        return np.concatenate([self._rows[at:], self._rows[: at + end - first - size]])


class WordFifo:
    """512 words of tag and six bytes.

    Args:
        ring: where samples are found by index.
        timestamps: gives the time stamps of samples by index.
        temperature: gives the raw temperature.
    """

    def __init__(
        self,
        ring: SampleRing,
        timestamps: Callable[[Int64Array], npt.NDArray[np.uint32]],
        temperature: Callable[[], int],
    ) -> None:
        self._ring = ring
        self._timestamps = timestamps
        self._temperature = temperature
        self._mode = MODE_BYPASS
        self._pattern = SlotPattern()
        self._watermark = 0
        self._depth = DEPTH
        self.lost = 0
        self._empty()

    def _empty(self) -> None:
        self._carry = b""  # words of earlier segments, built
        # The segment: an unbroken run of slots with one pattern. Slot numbers run on from one
        # segment to the next, because the tag counter does.
        self._first_slot = 0
        self._first_sample = 0
        self._slots = 0
        self._taken = 0  # words of the segment read or overwritten
        self._stopped = False  # FIFO mode: full once is full until bypassed
        self._overrun = False
        self._latched = False

    # ---- configuration ----

    def configure(
        self, mode: int, pattern: SlotPattern, watermark: int, stop_on_watermark: bool
    ) -> None:
        """Apply the control registers. A change of mode empties the FIFO."""
        if mode != self._mode:
            self._empty()
        elif pattern != self._pattern:
            self.close_segment()
        self._mode = mode
        self._pattern = pattern
        self._watermark = watermark
        self._depth = watermark if stop_on_watermark and watermark else DEPTH

    def close_segment(self) -> None:
        """Build the words that are in the FIFO now: what follows will be built otherwise."""
        written = self._written
        if written > self._taken:
            self._carry += self._build(self._taken, written)
        self._first_slot += self._slots
        self._slots = 0
        self._taken = 0

    @property
    def running(self) -> bool:
        """Whether samples are being batched."""
        return self._mode in _RUNNING_MODES and self._pattern.accel and not self._stopped

    # ---- level and flags ----

    @property
    def count(self) -> int:
        """Number of words waiting."""
        return len(self._carry) // WORD_BYTES + self._written - self._taken

    @property
    def _written(self) -> int:
        return self._words_to(self._first_slot + self._slots)

    def _words_to(self, slot: int) -> int:
        """Return how many words of the segment are written before `slot`."""
        return self._pattern.words(slot) - self._pattern.words(self._first_slot)

    @property
    def status(self) -> FifoStatus:
        count = self.count
        full = self.running and self._level_after(1) >= self._depth or count >= self._depth
        reached = 0 < self._watermark <= count
        return FifoStatus(reached, full, self._overrun, self._latched)

    def clear_latch(self) -> None:
        """Forget the latched overrun: FIFO_STATUS2 was read."""
        self._latched = False

    def _level_after(self, slots: int) -> int:
        return self.count + self._words_to(self._first_slot + self._slots + slots) - self._written

    def slots_until(self, watermark: bool, overrun: bool, full: bool) -> int | None:
        """Return after how many more slots (>= 1) one of the wanted flags rises, or None."""
        targets = []
        if watermark and self._watermark:
            targets.append(self._watermark)
        if overrun:
            targets.append(self._depth + (self._mode != MODE_FIFO))
        if full:
            # "Full at the next slot": one slot earlier than it is full.
            targets.append(self._depth - self._level_after(1) + self.count)
        if not self.running or not targets:
            return None
        return bisect_left(range(1, DEPTH + 2), min(targets), key=self._level_after) + 1

    # ---- writing ----

    def take(self, first: int, end: int) -> int:
        """Batch samples first .. end-1, one slot each. Returns how many went in."""
        if not self.running:
            return 0
        if self._slots and first != self._first_sample + self._slots:
            self.close_segment()
        if not self._slots:
            self._first_sample = first
        count = end - first
        if self._mode == MODE_FIFO:
            count = self._room(count)
        self._slots += count
        self._drop(self.count - self._depth)
        return count

    def _room(self, wanted: int) -> int:
        """FIFO mode: whole slots that still fit. The first that does not stops the FIFO."""
        fitting = bisect_right(range(1, wanted + 1), self._depth, key=self._level_after)
        if fitting < wanted or self._level_after(fitting) >= self._depth:
            self._stopped = True
            self._overrun = True
        return fitting

    def _drop(self, words: int) -> None:
        """Continuous mode: the oldest words make room."""
        if words <= 0:
            return
        self._overrun = self._latched = True
        self.lost += words
        self._advance(words)

    def _advance(self, words: int) -> None:
        carried = min(words, len(self._carry) // WORD_BYTES)
        if carried:
            self._carry = self._carry[carried * WORD_BYTES :]
        self._taken += words - carried

    # ---- reading ----

    def read(self, words: int) -> bytes:
        """Take out `words` words, oldest first. An empty FIFO gives zeros, which are no tag."""
        available = min(words, self.count)
        data = self._peek(available)
        if available:
            self._advance(available)
            self._overrun = self._stopped
        return data + bytes((words - available) * WORD_BYTES)

    def read_byte(self, position: int) -> int:
        """Return one byte of the oldest word; its last byte takes the word out."""
        if not self.count:
            return 0
        value = self._peek(1)[position]
        if position == WORD_BYTES - 1:
            self.read(1)
        return value

    def _peek(self, words: int) -> bytes:
        if not words:
            return b""
        carried = self._carry[: words * WORD_BYTES]
        rest = words - len(carried) // WORD_BYTES
        return carried + self._build(self._taken, self._taken + rest) if rest else carried

    def _build(self, begin: int, end: int) -> bytes:
        """Return words begin .. end-1 of the segment."""
        first = self._first_slot
        slots = range(first, first + self._slots + 1)
        low = first + bisect_right(slots, begin, key=self._words_to) - 1
        high = first + bisect_left(slots, end, key=self._words_to)
        skipped = begin - self._words_to(low)
        image = self._slot_words(low, high)[skipped : skipped + end - begin]
        return image.tobytes()

    def _slot_words(self, low: int, high: int) -> npt.NDArray[np.uint8]:
        """Return all words of slots low .. high-1, shape (words, 7)."""
        slot = np.arange(low, high)
        sample = slot + (self._first_sample - self._first_slot)
        ends = self._pattern.words(slot + 1) - self._pattern.words(low)
        words = np.zeros((int(ends[-1]), WORD_BYTES), dtype=np.uint8)
        rows = ends - 1
        words[rows, 0] = _ACCEL_TAGS[slot & 3]
        samples = np.ascontiguousarray(self._ring.read(int(sample[0]), int(sample[-1]) + 1))
        words[rows, 1:7] = samples.view(np.uint8)
        if self._pattern.temperature:
            marked = slot % TEMPERATURE_EVERY == 0
            self._put_temperature(words, rows[marked] - 1, slot[marked])
        if self._pattern.timestamp_every:
            marked = slot % self._pattern.timestamp_every == 0
            self._put_timestamps(words, rows[marked], slot[marked], sample[marked])
        return words

    def _put_temperature(
        self, words: npt.NDArray[np.uint8], rows: Int64Array, slot: Int64Array
    ) -> None:
        raw = self._temperature()
        words[rows, 0] = _TEMPERATURE_TAGS[slot & 3]
        words[rows, 1] = raw & 0xFF
        words[rows, 2] = raw >> 8

    def _put_timestamps(
        self,
        words: npt.NDArray[np.uint8],
        accel_rows: Int64Array,
        slot: Int64Array,
        sample: Int64Array,
    ) -> None:
        """A slot's time stamp comes before all its other words."""
        rows = accel_rows - 1
        if self._pattern.temperature:
            rows = rows - (slot % TEMPERATURE_EVERY == 0)
        ticks = self._timestamps(sample).astype("<u4")
        words[rows, 0] = _TIMESTAMP_TAGS[slot & 3]
        words[rows, 1:5] = ticks.view(np.uint8).reshape(-1, 4)
