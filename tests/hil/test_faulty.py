"""Each fault does what it says, on each kind of bus, while it acts and no longer."""

from __future__ import annotations

import pytest

from resonode_hil.bus import Nack
from resonode_hil.sensors.faulty import (
    Fault,
    Faulty,
    absent,
    flipped,
    nacking,
    noisy,
    saturated,
    slow,
    stuck,
    unplugged,
)


class Counter:
    """A chip whose every answer counts up from its own time in milliseconds."""

    def __init__(self) -> None:
        self.us = 0
        self.saturated = False
        self.got = b""

    def advance(self, t_us: int) -> None:
        self.us = t_us

    def _answer(self, count: int) -> bytes:
        return bytes((self.us // 1000 + at) & 0xFF for at in range(count))

    def spi(self, write: bytes, n_read: int) -> bytes:
        return self._answer(n_read)

    def i2c(self, write: bytes, n_read: int) -> bytes:
        self.got += write
        return self._answer(n_read)

    def receive(self, data: bytes) -> None:
        self.got += data

    def transmit(self, most: int) -> bytes:
        return self._answer(min(most, 4))

    def irq(self) -> bool:
        return self.us >= 50_000

    def next_irq_us(self) -> int | None:
        return max(self.us, 50_000)


def at(ms: int, *faults: Fault, **options) -> Faulty:
    chip = Faulty(Counter(), *faults, **options)
    chip.advance(0)
    chip.advance(ms * 1000)
    return chip


def test_a_chip_without_faults_is_the_chip():
    chip = at(7)
    assert chip.spi(b"\x80", 3) == chip.i2c(b"x", 3) == bytes((7, 8, 9))
    assert chip.transmit(9) == bytes((7, 8, 9, 10))
    assert not chip.irq() and chip.next_irq_us() == 50_000
    assert chip.got == b"x"  # attributes are the model's


def test_an_absent_chip_is_silent_on_every_bus_and_there_again_at_its_time():
    chip = at(7, absent(until_us=20_000))
    assert chip.spi(b"\x80", 2) == b"\xff\xff"
    with pytest.raises(Nack):
        chip.i2c(b"x", 0)
    chip.receive(b"y")
    assert chip.transmit(9) == b"" and chip.got == b""
    assert chip.next_irq_us() is None
    chip.advance(20_000)
    assert chip.i2c(b"z", 1) == bytes((20,)) and chip.got == b"z"


def test_a_stuck_chips_clock_stands_still_and_goes_on_from_there():
    chip = at(7, stuck(from_us=7000, until_us=9000))
    chip.advance(8000)
    assert chip.i2c(b"", 1) == b"\x00"  # it was stuck before it ever ran
    chip.advance(10_000)
    assert chip.i2c(b"", 1) == b"\x02"
    assert at(60, stuck(from_us=55_000)).next_irq_us() is None


def test_a_slow_chips_time_runs_slower():
    chip = at(40, slow(4.0))
    assert chip.i2c(b"", 1) == bytes((10,))
    # 40 ms of its own are left until its line rises.
    assert chip.next_irq_us() == pytest.approx(40_000 + 160_000, abs=4)
    with pytest.raises(ValueError, match="at least"):
        slow(0.5)


def test_noise_comes_at_its_rate_and_the_seed_repeats_it():
    def damaged(seed: int) -> bytes:
        return at(0, noisy(0.1, seed=seed)).spi(b"\x80", 4000)

    assert damaged(1) == damaged(1) != damaged(2)
    clean = at(0).spi(b"\x80", 4000)
    bits = sum((a ^ b).bit_count() for a, b in zip(damaged(1), clean, strict=True))
    assert bits == pytest.approx(400, abs=5 * 19)  # binomial, deviation 19


def test_a_share_of_transfers_is_not_acknowledged():
    chip = at(0, nacking(0.25))
    refused = 0
    for _ in range(1000):
        try:
            chip.i2c(b"", 1)
        except Nack:
            refused += 1
    assert refused == pytest.approx(250, abs=5 * 14)
    assert at(0, nacking()).transmit(4) == b""


def test_one_bit_of_every_answer_is_flipped_the_next_one_if_none_is_named():
    chip = at(0, flipped(9))
    assert chip.i2c(b"", 2) == bytes((0, 1 ^ 2))
    chip = at(0, flipped())
    assert [chip.transmit(1)[0] for _ in range(9)] == [1, 2, 4, 8, 16, 32, 64, 128, 1]


def test_saturation_is_the_models_to_show():
    chip = at(5, saturated(until_us=9000))
    assert chip.model.saturated
    chip.advance(9000)
    assert not chip.model.saturated


def test_an_unplugged_chip_goes_inside_an_answer_and_comes_back_freshly_powered():
    made = []

    def again() -> Counter:
        made.append(Counter())
        return made[-1]

    chip = at(7, unplugged(2, from_us=7000, until_us=30_000), again=again)
    assert chip.i2c(b"x", 4) == bytes((7, 8, 255, 255))
    with pytest.raises(Nack):
        chip.i2c(b"", 1)
    chip.advance(30_000)
    assert chip.model is made[0] and chip.i2c(b"", 1) == bytes((30,))
    uart = at(7, unplugged(1))
    assert uart.transmit(4) == bytes((7,)) and uart.transmit(4) == b""


def test_faults_put_and_mended_while_running():
    chip = at(7)
    chip.put(nacking())
    with pytest.raises(Nack):
        chip.i2c(b"", 1)
    chip.clear()
    assert chip.i2c(b"", 1) == b"\x07"
    with pytest.raises(ValueError, match="one of absent"):
        Fault("haunted")
