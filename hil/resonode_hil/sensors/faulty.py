"""Faults of one sensor: a wrapper around its model, whatever bus it is on.

    chip = Faulty(Scd41(room), nacking(0.1, from_us=5_000_000, until_us=9_000_000))
    chip = Faulty(Sht45(room), unplugged(4, until_us=60_000_000), again=lambda: Sht45(room))

Faults act from `from_us` until `until_us` (None: for ever); of those that act at the same time
the first counts. Random ones have a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from resonode_hil.bus import Nack
from resonode_hil.faults import BitFlipper

KINDS = ("absent", "stuck", "noisy", "slow", "nacking", "flipped", "saturated", "unplugged")


@dataclass(frozen=True)
class Fault:
    """One fault. What `amount` means depends on the kind: see the functions below."""

    kind: str
    amount: float = 0.0
    from_us: int = 0
    until_us: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not '{self.kind}'")

    def acts(self, t_us: int) -> bool:
        """Return whether it acts at board time `t_us`."""
        return t_us >= self.from_us and (self.until_us is None or t_us < self.until_us)


def absent(**when: Any) -> Fault:
    """Nothing is there: SPI reads ones, I2C does not acknowledge, a UART is silent."""
    return Fault("absent", **when)


def stuck(**when: Any) -> Fault:
    """The chip's own clock stands still: it answers, and nothing in it goes on."""
    return Fault("stuck", **when)


def noisy(rate: float, **when: Any) -> Fault:
    """Each byte read has one bit inverted with probability `rate`."""
    return Fault("noisy", rate, **when)


def slow(factor: float, **when: Any) -> Fault:
    """Everything takes the chip `factor` times as long."""
    if factor < 1.0:
        raise ValueError(f"a slow chip takes at least its time, not {factor} of it")
    return Fault("slow", factor, **when)


def nacking(share: float = 1.0, **when: Any) -> Fault:
    """It does not acknowledge that `share` of I2C transfers, and a UART loses its answers."""
    return Fault("nacking", share, **when)


def flipped(bit: int = -1, **when: Any) -> Fault:
    """Bit `bit` of every answer is inverted (modulo its length; bit 0: the first byte's lowest).

    -1: the next bit with every answer, so that all of them have their turn.
    """
    return Fault("flipped", bit, **when)


def saturated(**when: Any) -> Fault:
    """What it measures is beyond its range: the model's attribute `saturated` is set."""
    return Fault("saturated", **when)


def unplugged(byte: int = 0, **when: Any) -> Fault:
    """It goes after `byte` bytes of the next answer; when it is back, it has just got power."""
    return Fault("unplugged", byte, **when)


class Faulty:
    """A model with faults.

    Args:
        model: of a sensor on SPI, I2C or a UART.
        faults: what goes wrong, and when; also `put` later, while the board runs.
        again: makes the model anew when an unplugged or absent sensor is back; without it, it
            goes on as if it had kept its power.
    """

    def __init__(self, model: Any, *faults: Fault, again: Callable[[], Any] | None = None) -> None:
        self.model = model
        self._faults = list(faults)
        self._again = again
        self._now_us = 0
        self._model_us = 0  # the chip's own time, which a slow or stuck one is behind with
        self._gone = False  # without power since an answer was cut short
        self._turn = 0
        self._flippers: dict[Fault, BitFlipper] = {}
        self._draws: dict[Fault, random.Random] = {}

    def put(self, fault: Fault) -> None:
        """Add a fault."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Mend everything."""
        self._faults.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    # ---- time ----

    def advance(self, t_us: int) -> None:
        """Run until board time `t_us`."""
        passed_us, self._now_us = max(t_us - self._now_us, 0), max(t_us, self._now_us)
        fault = self._fault()
        kind = fault.kind if fault else ""
        if kind == "stuck":
            return
        self._model_us += int(passed_us / fault.amount) if fault and kind == "slow" else passed_us
        if self._gone and kind not in ("absent", "unplugged"):
            self._plug_in()
        self._gone = self._gone or kind == "absent"
        if self._gone:
            return
        if hasattr(self.model, "saturated"):
            self.model.saturated = kind == "saturated"
        self.model.advance(self._model_us)

    def _plug_in(self) -> None:
        self._gone = False
        if self._again is not None:
            self.model = self._again()
            self._model_us = self._now_us

    def _fault(self) -> Fault | None:
        return next((fault for fault in self._faults if fault.acts(self._now_us)), None)

    # ---- the three kinds of bus ----

    def spi(self, write: bytes, n_read: int) -> bytes:
        """Do one transfer."""
        if self._gone:
            return b"\xff" * n_read
        return self._damaged(self.model.spi(write, n_read), n_read)

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Take `write` and return `n_read` bytes. Raises Nack."""
        if self._gone or self._refuses():
            raise Nack
        return self._damaged(self.model.i2c(write, n_read), n_read)

    def receive(self, data: bytes) -> None:
        """Take what the board sent."""
        if not self._gone:
            self.model.receive(data)

    def transmit(self, most: int) -> bytes:
        """Return what has come for the board."""
        if self._gone:
            return b""
        data = bytes(self.model.transmit(most))
        return b"" if data and self._refuses() else self._damaged(data, None)

    def irq(self) -> bool:
        """Return the level of the interrupt line."""
        return not self._gone and bool(self.model.irq())

    def next_irq_us(self) -> int | None:
        """Return when the line rises if nothing else happens, None if never."""
        fault = self._fault()
        due_us = self.model.next_irq_us()
        if self._gone or due_us is None or (fault and fault.kind == "stuck"):
            return None
        factor = fault.amount if fault and fault.kind == "slow" else 1.0
        return self._now_us + int((due_us - self._model_us) * factor) + (factor > 1.0)

    # ---- what a fault does ----

    def _refuses(self) -> bool:
        fault = self._fault()
        if fault is None or fault.kind != "nacking":
            return False
        draws = self._draws.setdefault(fault, random.Random(fault.seed))
        return draws.random() < fault.amount

    def _damaged(self, data: bytes, n_read: int | None) -> bytes:
        """Return an answer as it arrives; `n_read`: what fills it up, None on a UART."""
        fault = self._fault()
        if fault is None or not data:
            return data
        if fault.kind == "noisy":
            flipper = self._flippers.setdefault(fault, BitFlipper(fault.amount, fault.seed))
            return flipper.pass_through(data)
        if fault.kind == "flipped":
            return self._with_bit_flipped(data, int(fault.amount))
        if fault.kind == "unplugged":
            self._gone = True
            kept = data[: int(fault.amount)]
            return kept if n_read is None else kept + b"\xff" * (n_read - len(kept))
        return data

    def _with_bit_flipped(self, data: bytes, bit: int) -> bytes:
        if bit < 0:
            bit = self._turn
            self._turn += 1
        bit %= 8 * len(data)
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        return bytes(damaged)
