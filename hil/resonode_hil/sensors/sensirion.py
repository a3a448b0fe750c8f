"""Sensirion's I2C protocol, the chip's side: 16-bit commands, words with a CRC, busy times.

Source: SCD4x datasheet version 1.3, section 3 (the other sensors' datasheets say the same).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resonode_hil.bus import Nack
from resonode_hil.sensors.air_chip import AirChip

Words = Sequence[int]
# What a command does, given its argument words; returns the words to be read, if any.
Handler = Callable[[Words], Words | None]


def checksum(pair: bytes) -> int:
    """Return CRC-8 with polynomial x^8 + x^5 + x^4 + 1, initial value FF."""
    remainder = 0xFF
    for bit in range(8 * len(pair)):
        if bit % 8 == 0:
            remainder ^= pair[bit // 8]
        remainder = (remainder << 1) ^ (0x131 if remainder & 0x80 else 0)
    return remainder


def packed(words: Words) -> bytes:
    """Return words as they are read: each with its checksum."""
    pairs = (word.to_bytes(2, "big") for word in words)
    return b"".join(pair + bytes([checksum(pair)]) for pair in pairs)


class CommandChip(AirChip):
    """A chip that takes commands.

    A subclass fills `commands`: code -> (execution time in us, argument words, handler). Where a
    command reads without words and writes with some, the words are a tuple of both. While a
    command runs, the chip acknowledges nothing.
    """

    commands: dict[int, tuple[int, int | tuple[int, ...], Handler]]
    code_bytes = 2

    def _power_up(self) -> None:
        self._busy_until_us = self.now_us
        self._answer: bytes | None = None

    def allows(self, code: int) -> bool:
        """Return whether it takes this command in its present state."""
        return True

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Take a command, or give the answer to the last one. Raises Nack."""
        if self.now_us < self._busy_until_us:
            raise Nack
        if write:
            self._take(write)
        if not n_read:
            return b""
        if write and self.now_us < self._busy_until_us:
            raise Nack  # a repeated start comes too soon
        if self._answer is None:
            raise Nack
        answer, self._answer = self._answer, None
        return answer[:n_read] + b"\xff" * (n_read - len(answer))

    def _take(self, write: bytes) -> None:
        code = int.from_bytes(write[: self.code_bytes], "big")
        rest = write[self.code_bytes :]
        if len(write) < self.code_bytes or code not in self.commands or not self.allows(code):
            raise Nack
        duration_us, count, handler = self.commands[code]
        words = [int.from_bytes(rest[at : at + 2], "big") for at in range(0, len(rest), 3)]
        counts = (count,) if isinstance(count, int) else count
        if len(rest) not in [3 * one for one in counts] or packed(words) != rest:
            raise Nack
        self._answer = None
        words_to_read = handler(words)
        self._answer = None if words_to_read is None else packed(words_to_read)
        self._busy_until_us = self.now_us + self.takes(duration_us)


def temperature_ticks(celsius: float) -> float:
    """Return the 16-bit signal of a temperature."""
    return (celsius + 45.0) / 175.0 * 65535.0
