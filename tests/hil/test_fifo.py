"""The FIFO kept as arithmetic, against one kept as a list."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from resonode_hil.sensors.fifo import SampleRing, SlotPattern, WordFifo, tag

PATTERNS = [
    SlotPattern(accel=True, timestamp_every=every, temperature=temperature)
    for every in (0, 1, 8, 32)
    for temperature in (False, True)
]


class ListFifo:
    """What the datasheet describes, word by word."""

    def __init__(self, depth: int = 512) -> None:
        self.words: list[bytes] = []
        self.slot = 0
        self.lost = 0
        self.depth = depth

    def put(self, sensor: int, data: bytes) -> None:
        self.words.append(bytes([tag(sensor, self.slot)]) + data.ljust(6, b"\x00"))
        if len(self.words) > self.depth:
            self.words.pop(0)
            self.lost += 1

    def take(self, pattern: SlotPattern, index: int) -> None:
        if pattern.timestamp_every and self.slot % pattern.timestamp_every == 0:
            self.put(4, (3 * index).to_bytes(4, "little"))
        if pattern.temperature and self.slot % 256 == 0:
            self.put(3, (77).to_bytes(2, "little"))
        self.put(2, sample_bytes(index))
        self.slot += 1

    def read(self, count: int) -> bytes:
        taken, self.words = self.words[:count], self.words[count:]
        return b"".join(taken).ljust(7 * count, b"\x00")


def sample(index: int) -> list[int]:
    return [index % 32768, -(index % 32768), index % 7]


def sample_bytes(index: int) -> bytes:
    return np.array(sample(index), dtype="<i2").tobytes()


steps = st.one_of(
    st.tuples(st.just("take"), st.integers(1, 700)),
    st.tuples(st.just("read"), st.integers(1, 600)),
    st.tuples(st.just("pattern"), st.integers(0, len(PATTERNS) - 1)),
    st.tuples(st.just("gap"), st.integers(1, 1000)),
)


@given(st.integers(0, len(PATTERNS) - 1), st.lists(steps, max_size=15))
def test_fifo_equals_a_list_of_words(pattern, program):
    ring = SampleRing(8192)
    fifo = WordFifo(ring, lambda index: (3 * index).astype(np.uint32), lambda: 77)
    simple = ListFifo()
    current = PATTERNS[pattern]
    fifo.configure(6, current, 0, False)
    index = 0
    for step, amount in program:
        if step == "take":
            ring.write(index, np.array([sample(k) for k in range(index, index + amount)], "<i2"))
            assert fifo.take(index, index + amount) == amount
            for k in range(index, index + amount):
                simple.take(current, k)
            index += amount
        elif step == "read":
            assert fifo.read(amount) == simple.read(amount)
        elif step == "pattern":
            current = PATTERNS[amount]
            fifo.configure(6, current, 0, False)
        else:
            index += amount
        assert fifo.count == len(simple.words)
        assert fifo.lost == simple.lost
    assert fifo.read(513) == simple.read(513)


@given(
    st.integers(0, len(PATTERNS) - 1), st.integers(0, 600), st.integers(0, 500), st.integers(1, 511)
)
def test_announced_slot_is_the_one_that_reaches_the_watermark(pattern, taken, read, watermark):
    ring = SampleRing(8192)
    fifo = WordFifo(ring, lambda index: index.astype(np.uint32), lambda: 0)
    fifo.configure(6, PATTERNS[pattern], watermark, False)
    fifo.take(0, taken)
    fifo.read(read)
    if fifo.status.watermark:
        return
    slots = fifo.slots_until(watermark=True, overrun=False, full=False)
    fifo.take(taken, taken + slots - 1)
    assert not fifo.status.watermark
    fifo.take(taken + slots - 1, taken + slots)
    assert fifo.status.watermark
