"""What register-level models of accelerometers share whose FIFO holds samples and nothing else.

Time: samples come on a grid of the chip's own oscillator, which starts when the converter does.
Sample k is the same value however time is advanced. Registers: a chip adds what its own do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from resonode_hil.machine.base import Machine
from resonode_hil.sensors.proof_mass import ProofMass
from resonode_hil.sensors.tap import Tap

_BLOCK = 256
_RING = 4096
_SETTLING_TIME_CONSTANTS = 10.0

Int32Array = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


class PlainAccelerometer:
    """One chip, on a chip select (`spi`) or at an I2C address (`i2c`).

    Args:
        machine: what it is bolted to.
        rate_error: true rate / nominal rate - 1.
        gravity_g, mount, seed: see ProofMass.
        temperature_c: of the die.
        noise_g_rthz: white noise density of every axis; default the datasheet's.
        push_g: what its self-test does, x, y, z; default what a healthy chip does.
        powered_at_us: board time of power-on; the chip answers BOOT_US later.
        tap: record every sample that enters the FIFO, as its registers show it.
    """

    # ---- facts of a chip ----
    BOOT_US: ClassVar[int] = 0
    DEPTH: ClassVar[int] = 32  # samples
    NOISE_G_RTHZ: ClassVar[FloatArray] = np.zeros(3)
    PUSH_G: ClassVar[FloatArray] = np.zeros(3)
    SETTLE_US: ClassVar[int] = 2_000  # from enabling until the output can be believed
    TAP_DTYPE: ClassVar[npt.DTypeLike] = np.int16
    REGISTERS: ClassVar[int] = 128

    def __init__(
        self,
        machine: Machine,
        *,
        rate_error: float = 0.013,
        gravity_g: Sequence[float] = (0.0, 0.0, 1.0),
        mount: Sequence[str] = ("+x", "+y", "+z"),
        temperature_c: float = 25.0,
        noise_g_rthz: float | None = None,
        push_g: Sequence[float] | None = None,
        seed: int = 1,
        powered_at_us: int = -1_000_000,
        tap: bool = False,
    ) -> None:
        self.temperature_c = temperature_c
        self.tap = Tap(self.TAP_DTYPE) if tap else None
        self.lost = 0
        self._mass = ProofMass(machine, gravity_g, mount, seed)
        self._rate_factor = 1.0 + rate_error
        self._density = self.NOISE_G_RTHZ if noise_g_rthz is None else np.full(3, noise_g_rthz)
        self._push = self.PUSH_G if push_g is None else np.asarray(push_g, dtype=np.float64)
        self._now_us = powered_at_us
        self._alive_at_us = powered_at_us + self.BOOT_US
        self._busy_until_us = self._alive_at_us
        self._regs = bytearray(self.REGISTERS)
        self._pointer = 0
        self._ring: Int32Array = np.zeros((_RING, 3), dtype=np.int32)
        # The grid: sample `_grid_index` comes one period after `_grid_us`.
        self._nominal_hz = 0.0
        self._grid_us = 0
        self._grid_index = 0
        self._end = 0  # samples that have happened
        self._made = 0  # samples that are in the ring
        self._batching = False
        self._oldest = 0  # first sample in the FIFO
        self.overrun = False
        self._power_up()

    # ---- what a chip adds ----

    def _power_up(self) -> None:
        """Set every register to its default, and apply them."""
        raise NotImplementedError

    def _lsb(self, accel_g: FloatArray) -> Int32Array:
        """Return what the converter makes of acceleration, as the registers show it."""
        raise NotImplementedError

    @property
    def _bandwidth_hz(self) -> float:
        """Noise bandwidth of the filters in force."""
        return self.rate_hz / 2.0

    @property
    def _pushed(self) -> float:
        """Self-test force in force: 1, -1 or 0."""
        return 0.0

    def _read_register(self, address: int) -> int:
        return self._regs[address]

    def _write_register(self, address: int, value: int) -> None:
        raise NotImplementedError

    def _next(self, address: int) -> int:
        return (address + 1) % self.REGISTERS

    def _read_ended(self) -> None:
        """Note that a transfer that read is over."""

    def irq(self) -> bool:
        """Return the level of the interrupt line."""
        raise NotImplementedError

    @property
    def _watermark(self) -> int:
        """Samples that raise the interrupt line, 0: none do."""
        raise NotImplementedError

    # ---- facts ----

    @property
    def machine(self) -> Machine:
        """What it is bolted to. Bolting it to another takes effect with the next sample."""
        return self._mass.machine

    @machine.setter
    def machine(self, machine: Machine) -> None:
        self._mass.machine = machine
        self._remake()

    @property
    def saturated(self) -> bool:
        """Whether it is shaken beyond its range, a fault."""
        return self._mass.saturated

    @saturated.setter
    def saturated(self, saturated: bool) -> None:
        if saturated != self._mass.saturated:
            self._mass.saturated = saturated
            self._remake()

    @property
    def rate_hz(self) -> float:
        """The true sample rate in force, in samples per second of board time; 0 in standby."""
        return self._nominal_hz * self._rate_factor

    @property
    def waiting(self) -> int:
        """Samples in the FIFO."""
        return self._end - self._oldest if self._batching else 0

    # ---- time ----

    def advance(self, t_us: int) -> None:
        """Let the chip run until board time `t_us`. Time never runs back."""
        if t_us <= self._now_us:
            return
        self._now_us = t_us
        if self._nominal_hz:
            self._take_samples(self._due(t_us))

    def next_irq_us(self) -> int | None:
        """Return when the line rises if nothing else happens, now if it is high, None if never."""
        if self.irq():
            return self._now_us
        if not (self._nominal_hz and self._batching and self._watermark):
            return None
        return self._time_of(self._oldest + self._watermark - 1)

    def _due(self, t_us: int) -> int:
        return self._grid_index + int((t_us - self._grid_us) * self.rate_hz * 1e-6)

    def _time_of(self, index: int) -> int:
        """Return the first whole microsecond at which sample `index` has happened."""
        t_us = self._grid_us + int((index + 1 - self._grid_index) * 1e6 / self.rate_hz)
        while self._due(t_us) <= index:
            t_us += 1
        return t_us

    def _convert_at(self, nominal_hz: float) -> None:
        """Start the converter, change its rate, or (0) stop it."""
        if nominal_hz == self._nominal_hz:
            return
        if nominal_hz and not self._nominal_hz:
            self._end += 1  # a sample that never was, so that what comes after a pause is a new run
            self._made = max(self._made, self._end)
        self._nominal_hz = nominal_hz
        self._grid_us, self._grid_index = self._now_us, self._end
        self._remake()

    # ---- samples ----

    def _take_samples(self, end: int) -> None:
        # In pieces that fit the ring, so that a long sleep loses nothing the tap should see.
        while self._end < end:
            start, self._end = self._end, min(end, self._end + _RING // 2)
            self._make(self._end)
            if self._batching:
                self._enter(start)

    def _enter(self, start: int) -> None:
        if self.tap is not None:
            self.tap.put(start, self._rows(start, self._end))
        beyond = self._end - self._oldest - self.DEPTH
        if beyond > 0:
            self._oldest += beyond
            self.lost += beyond
            self.overrun = True

    def _make(self, end: int) -> None:
        while self._made < end:
            count = _BLOCK - self._made % _BLOCK
            index = np.arange(self._made, self._made + count)
            self._ring[index % _RING] = self._converted(index)
            self._made += count

    def _converted(self, index: npt.NDArray[np.int64]) -> Int32Array:
        noise_g = self._density * float(np.sqrt(self._bandwidth_hz))
        push_g = self._pushed * self._push
        accel = self._mass.feel(int(index[0]), len(index), self.rate_hz, push_g, noise_g)
        on_us = (index + 1 - self._grid_index) * (1e6 / self.rate_hz)
        rising = -np.expm1(-_SETTLING_TIME_CONSTANTS * np.maximum(on_us, 0.0) / self.SETTLE_US)
        accel *= np.where(on_us < self.SETTLE_US, rising, 1.0)[:, None]
        return self._lsb(accel)

    def _rows(self, first: int, end: int) -> Int32Array:
        return self._ring[np.arange(first, end) % _RING]

    def _remake(self) -> None:
        """Forget samples made ahead: what they were made with has changed."""
        self._made = min(self._made, self._end)

    # ---- FIFO ----

    def _batch(self, on: bool) -> None:
        """Let samples into the FIFO, or (off) empty it."""
        if on != self._batching:
            self._batching = on
            self._oldest = self._end
            self.overrun = False

    def _front(self) -> Int32Array:
        """Return the oldest sample of the FIFO, the newest one when it is empty."""
        index = self._oldest if self.waiting else self._end - 1
        return self._ring[index % _RING] if index >= 0 else np.zeros(3, dtype=np.int32)

    def _pop(self) -> None:
        if self.waiting:
            self._oldest += 1
        self.overrun = False

    # ---- buses ----

    def _command(self, byte: int) -> tuple[int, bool, bool]:
        """Return (address, reads, goes on to the next address) of an SPI command byte."""
        return byte & 0x7F, bool(byte & 0x80), True

    def spi(self, write: bytes, n_read: int) -> bytes:
        """Transfer with the chip selected."""
        if not write:
            return b"\xff" * n_read
        address, reads, runs_on = self._command(write[0])
        if reads:
            skipped = len(write) - 1
            return self._read(address, skipped + n_read, runs_on)[skipped:]
        self._write(address, write[1:], runs_on)
        return b"\x00" * n_read

    def i2c(self, write: bytes, n_read: int) -> bytes:
        """Transfer at its address: a register to go to, and bytes for it; then read from there."""
        if write:
            self._pointer = write[0] % self.REGISTERS
            self._write(self._pointer, write[1:], True)
        return self._read(self._pointer, n_read, True) if n_read else b""

    def _read(self, address: int, count: int, runs_on: bool) -> bytes:
        if self._now_us < self._alive_at_us:
            return bytes(count)
        data = bytearray()
        for _ in range(count):
            data.append(self._read_register(address) & 0xFF)
            address = self._next(address) if runs_on else address
        if count:
            self._read_ended()
        return bytes(data)

    def _write(self, address: int, data: bytes, runs_on: bool) -> None:
        for value in data:
            if self._now_us >= self._busy_until_us:
                self._write_register(address, value)
            address = self._next(address) if runs_on else address


def left_justified(accel_g: FloatArray, g_per_lsb: float, bits: int) -> Int32Array:
    """Return accelerations as `bits` bits at the upper end of 16."""
    half = 1 << (bits - 1)
    return (np.clip(np.rint(accel_g / g_per_lsb), -half, half - 1) * (1 << (16 - bits))).astype(
        np.int32
    )
