"""ST IIS3DWB at register level: three axes at 26.7 kHz, a 512-word tagged FIFO, one SPI.

Written from the datasheet (DS12569 Rev 8), application note AN5444 Rev 1 and the register names of
ST's driver. What a driver can see is modelled: identity, reset and boot times, full scale, the
chip's own oscillator, time stamps, the FIFO with watermark, overrun and its latch, INT1,
temperature, self-test, turn-on. Not modelled: the digital filters (the response is flat), wake-up
and activity detection, user offsets, the single-axis mode, INT2, FIFO modes that need a trigger
(they rest in the mode they start in).

Everything happens on the chip's oscillator. Its ticks (12.5 us nominal) number the samples, three
ticks each: sample k is the same instant and the same value however time is advanced.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from resonode_hil.machine.base import Machine
from resonode_hil.sensors.fifo import WORD_BYTES, SampleRing, SlotPattern, WordFifo
from resonode_hil.sensors.proof_mass import BLOCK, ProofMass
from resonode_hil.sensors.tap import Tap

# ---- registers (names as in ST's iis3dwb_reg.h) ----

FIFO_CTRL1 = 0x07
FIFO_CTRL2 = 0x08
FIFO_CTRL3 = 0x09
FIFO_CTRL4 = 0x0A
INT1_CTRL = 0x0D
WHO_AM_I = 0x0F
CTRL1_XL = 0x10
CTRL3_C = 0x12
CTRL4_C = 0x13
CTRL5_C = 0x14
CTRL10_C = 0x19
STATUS_REG = 0x1E
OUT_TEMP_L = 0x20
OUTX_L_A = 0x28
OUTZ_H_A = 0x2D
FIFO_STATUS1 = 0x3A
FIFO_STATUS2 = 0x3B
TIMESTAMP0 = 0x40
TIMESTAMP2 = 0x42
INTERNAL_FREQ_FINE = 0x63
FIFO_DATA_OUT_TAG = 0x78
FIFO_DATA_OUT_Z_H = 0x7E

ID = 0x7B

# What a driver may write. Addresses that are neither here nor answered below read as 0.
WRITABLE = frozenset(
    [0x01, 0x02, *range(0x07, 0x0F), *range(0x10, 0x1A), 0x56, *range(0x5B, 0x60), 0x73, 0x74, 0x75]
)
DEFAULTS = {0x01: 0x00, 0x02: 0x3F, CTRL3_C: 0x04, 0x18: 0xE0}

CTRL3_SW_RESET = 0x01
CTRL3_IF_INC = 0x04
CTRL3_H_LACTIVE = 0x20
CTRL3_BOOT = 0x80
CTRL4_DRDY_MASK = 0x08
CTRL10_TIMESTAMP_EN = 0x20
INT1_DRDY_XL = 0x01
INT1_FIFO_TH = 0x08
INT1_FIFO_OVR = 0x10
INT1_FIFO_FULL = 0x20

# ---- facts of the chip ----

TICK_HZ = 80_000.0  # time stamp, 12.5 us
TICKS_PER_SAMPLE = 3  # the datasheet's 26667 Hz is this 80 kHz / 3
FINE_STEP = 0.0015  # of the rate, per LSB of INTERNAL_FREQ_FINE
FULL_SCALES_G = (2, 16, 4, 8)  # by FS code
G_PER_LSB = (0.061e-3, 0.488e-3, 0.122e-3, 0.244e-3)
XL_ENABLED = 0b101
BDR_26K7 = 0b1010
LSB_PER_DEGREE = 256.0
TEMPERATURE_ZERO_C = 25.0
BOOT_US = 10_000
SW_RESET_US = 50
# Until this long after enabling the output settles; after it, it is exact.
TURN_ON_US = 10_000
_SETTLING_TIME_CONSTANT_US = 1_000.0
# Self-test moves the output by 0.8 to 3.2 g (datasheet, table 3).
SELF_TEST_G = (1.6, 1.4, 1.8)
# 75 ug/sqrt(Hz) (datasheet, three-axis mode), white to half the sample rate.
NOISE_G_RTHZ = 75e-6

_RING = 8192


class Iis3dwb:
    """One chip on one chip select.

    Args:
        machine: what it is bolted to.
        fine: INTERNAL_FREQ_FINE, signed, 0.15 % of the rate per LSB; the chip knows it.
        residual_ppm: what the chip does not know of its own rate.
        gravity_g: in the machine's frame, x, y, z.
        mount: which machine axis each chip axis looks along, as in ("+y", "-x", "+z").
        temperature_c: of the die.
        noise_g_rthz: white noise density per axis.
        push_g: what its self-test does, x, y, z.
        seed: of the noise.
        powered_at_us: board time of power-on; the chip answers 10 ms later.
        tap: record every sample that enters the FIFO, see `Iis3dwb.tap`.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        fine: int = 6,
        residual_ppm: float = 790.0,
        gravity_g: Sequence[float] = (0.0, 0.0, 1.0),
        mount: Sequence[str] = ("+x", "+y", "+z"),
        temperature_c: float = 25.0,
        noise_g_rthz: float = NOISE_G_RTHZ,
        push_g: Sequence[float] = SELF_TEST_G,
        seed: int = 1,
        powered_at_us: int = -2 * BOOT_US,
        tap: bool = False,
    ) -> None:
        if not -128 <= fine <= 127:
            raise ValueError(f"INTERNAL_FREQ_FINE is a signed byte, not {fine}")
        self._mass = ProofMass(machine, gravity_g, mount, seed)
        self.temperature_c = temperature_c
        self.tap = Tap() if tap else None
        self._fine = fine
        self._push_g = np.asarray(push_g, dtype=np.float64)
        self._tick_hz = TICK_HZ * (1.0 + FINE_STEP * fine) * (1.0 + residual_ppm * 1e-6)
        self._noise_g = noise_g_rthz * float(np.sqrt(self.rate_hz / 2.0))
        self._now_us = powered_at_us
        self._alive_at_us = powered_at_us + BOOT_US
        self._busy_until_us = self._alive_at_us
        self._busy_bit = CTRL3_BOOT
        self._regs = bytearray(128)
        self._timestamp_start = 0
        self._origin: int | None = None  # tick of sample 0; set when first enabled
        self._end = 0  # samples that have happened
        self._made = 0  # samples that are in the ring
        self._settling_from = 0
        self._settled_at = 0
        self._read_end = 0  # newest sample that was read from the output registers
        self._temperature_read_us = self._now_us
        self._ring = SampleRing(_RING)
        self._fifo = WordFifo(self._ring, self._timestamps, self._temperature_raw)
        self._power_up_registers()
        # A machine may have much to compute once (a replay is resampled): before time starts.
        machine.block(0, 1, self.rate_hz)

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
        """The true sample rate, in samples per second of board time."""
        return self._tick_hz / TICKS_PER_SAMPLE

    @property
    def g_per_lsb(self) -> float:
        """Scale of the full scale in force."""
        return G_PER_LSB[self._regs[CTRL1_XL] >> 2 & 3]

    @property
    def samples(self) -> int:
        """Number of sample instants since the chip was first enabled."""
        return self._end

    @property
    def lost_words(self) -> int:
        """FIFO words overwritten before they were read, since power-on."""
        return self._fifo.lost

    def index_of_timestamp(self, ticks: int) -> int:
        """Return the index of the sample taken at a FIFO time stamp (before the counter wraps)."""
        return (ticks + self._timestamp_start - (self._origin or 0)) // TICKS_PER_SAMPLE

    def overdriven(self, count: int, full_scale_g: int) -> tuple[int, float]:
        """Look at what the machine does in its first `count` samples, before noise.

        Returns how many of them some axis cannot show at `full_scale_g`, gravity included, and
        the machine's highest acceleration in g.
        """
        machine_g = self._mass.machine.block(0, count, self.rate_hz)
        accel = self._mass.along_axes(machine_g)
        lsb = np.rint(accel / G_PER_LSB[FULL_SCALES_G.index(full_scale_g)])
        beyond = np.any((lsb < -32768) | (lsb > 32767), axis=1)
        return int(beyond.sum()), float(np.abs(machine_g).max())

    # ---- time ----

    def advance(self, t_us: int) -> None:
        """Let the chip run until board time `t_us`. Time never runs back."""
        if t_us <= self._now_us:
            return
        self._now_us = t_us
        if self._enabled:
            self._take_samples(self._due(t_us))

    def irq(self) -> bool:
        """Return the level of INT1."""
        wanted = self._regs[INT1_CTRL]
        status = self._fifo.status
        level = (
            (wanted & INT1_FIFO_TH and status.watermark)
            or (wanted & INT1_FIFO_OVR and status.overrun)
            or (wanted & INT1_FIFO_FULL and status.full)
            or (wanted & INT1_DRDY_XL and self._fresh)
        )
        return bool(level) != bool(self._regs[CTRL3_C] & CTRL3_H_LACTIVE)

    def next_irq_us(self) -> int | None:
        """Return when INT1 will rise if nothing else happens, now if it is high, None if never."""
        if self.irq():
            return self._now_us
        if not self._enabled or self._regs[CTRL3_C] & CTRL3_H_LACTIVE:
            return None
        wanted = self._regs[INT1_CTRL]
        slots = self._fifo.slots_until(
            bool(wanted & INT1_FIFO_TH), bool(wanted & INT1_FIFO_OVR), bool(wanted & INT1_FIFO_FULL)
        )
        if wanted & INT1_DRDY_XL:
            slots = 1
        if slots is None:
            return None
        first = max(self._end, self._fifo_from)
        return self._time_of(first + slots - 1)

    def _ticks(self, t_us: int) -> int:
        return int(t_us * self._tick_hz * 1e-6 // 1)

    def _due(self, t_us: int) -> int:
        """Return how many samples have happened at board time `t_us`."""
        assert self._origin is not None
        return max((self._ticks(t_us) - self._origin) // TICKS_PER_SAMPLE + 1, 0)

    def _time_of(self, index: int) -> int:
        """Return the first whole microsecond at which sample `index` has happened."""
        assert self._origin is not None
        tick = self._origin + TICKS_PER_SAMPLE * index
        t_us = int(tick * 1e6 / self._tick_hz)
        while self._ticks(t_us) < tick:
            t_us += 1
        return t_us

    # ---- samples ----

    @property
    def _enabled(self) -> bool:
        return self._regs[CTRL1_XL] >> 5 == XL_ENABLED

    @property
    def _masked(self) -> bool:
        """DRDY_MASK keeps samples back until the output has settled."""
        return bool(self._regs[CTRL4_C] & CTRL4_DRDY_MASK)

    @property
    def _fifo_from(self) -> int:
        return self._settled_at if self._masked else 0

    @property
    def _fresh(self) -> bool:
        return self._end > max(self._read_end, self._fifo_from)

    def _take_samples(self, end: int) -> None:
        # In pieces that fit the ring, so that a long sleep loses nothing the tap should see.
        while self._end < end:
            start, self._end = self._end, min(end, self._end + _RING // 2)
            self._make(self._end)
            first = max(start, self._fifo_from)
            entered = self._fifo.take(first, self._end) if first < self._end else 0
            if entered and self.tap is not None:
                self.tap.put(first, self._ring.read(first, first + entered))

    def _make(self, end: int) -> None:
        """Fill the ring up to sample `end` or a little beyond."""
        while self._made < end:
            count = BLOCK - self._made % BLOCK
            self._ring.write(self._made, self._quantised(self._made, count))
            self._made += count

    def _quantised(self, first: int, count: int) -> npt.NDArray[np.int16]:
        """Return what the converter gives for samples first .. first+count-1, shape (count, 3)."""
        push_g = {1: 1.0, 2: -1.0}.get(self._regs[CTRL5_C] & 3, 0.0) * self._push_g
        accel = self._mass.feel(first, count, self.rate_hz, push_g, self._noise_g)
        if first < self._settled_at:
            accel *= self._settling(first, count)[:, None]
        accel /= self.g_per_lsb
        np.rint(accel, out=accel)
        return np.clip(accel, -32768, 32767, out=accel).astype(np.int16)

    def _settling(self, first: int, count: int) -> npt.NDArray[np.float64]:
        index = np.arange(first, first + count)
        on_us = (index - self._settling_from) * (1e6 / self.rate_hz)
        rising = -np.expm1(-np.maximum(on_us, 0.0) / _SETTLING_TIME_CONSTANT_US)
        return np.where(index < self._settled_at, rising, 1.0)

    def _remake(self) -> None:
        """Forget samples made ahead: the configuration they were made with has changed."""
        self._made = min(self._made, self._end)

    # ---- SPI ----

    def spi(self, write: bytes, n_read: int) -> bytes:
        """Transfer with the chip selected: bit 7 of the first byte reads, the rest is an address.

        Returns `n_read` bytes.
        """
        if not write:
            return b"\xff" * n_read
        address, reading = write[0] & 0x7F, bool(write[0] & 0x80)
        if reading:
            skipped = len(write) - 1
            return self._read(address, skipped + n_read)[skipped:]
        for value in write[1:]:
            self._write_register(address, value)
            address = self._next(address)
        return b"\x00" * n_read

    def _next(self, address: int) -> int:
        if not self._regs[CTRL3_C] & CTRL3_IF_INC:
            return address
        # The FIFO's output rounds, so that one burst reads any number of words.
        return FIFO_DATA_OUT_TAG if address == FIFO_DATA_OUT_Z_H else (address + 1) & 0x7F

    def _read(self, address: int, count: int) -> bytes:
        if self._now_us < self._alive_at_us:
            return bytes(count)
        if address == FIFO_DATA_OUT_TAG and self._regs[CTRL3_C] & CTRL3_IF_INC:
            words, rest = divmod(count, WORD_BYTES)
            data = self._fifo.read(words)
            return data + self._read_each(address, rest) if rest else data
        return self._read_each(address, count)

    def _read_each(self, address: int, count: int) -> bytes:
        data = bytearray()
        for _ in range(count):
            data.append(self._read_register(address))
            address = self._next(address)
        return bytes(data)

    def _read_register(self, address: int) -> int:
        if address >= FIFO_DATA_OUT_TAG and address <= FIFO_DATA_OUT_Z_H:
            return self._fifo.read_byte(address - FIFO_DATA_OUT_TAG)
        if OUTX_L_A <= address <= OUTZ_H_A:
            return self._output(address - OUTX_L_A)
        if TIMESTAMP0 <= address < TIMESTAMP0 + 4:
            return self._timestamp_now() >> 8 * (address - TIMESTAMP0) & 0xFF
        if address in (OUT_TEMP_L, OUT_TEMP_L + 1):
            self._temperature_read_us = self._now_us
            return self._temperature_raw() >> 8 * (address - OUT_TEMP_L) & 0xFF
        if address == FIFO_STATUS1:
            return self._fifo.count & 0xFF
        if address == FIFO_STATUS2:
            return self._fifo_status2()
        if address == STATUS_REG:
            return self._status()
        if address == CTRL3_C:
            return self._regs[CTRL3_C] | self._busy()
        fixed = {WHO_AM_I: ID, INTERNAL_FREQ_FINE: self._fine & 0xFF}
        return fixed.get(address, self._regs[address])

    def _busy(self) -> int:
        return self._busy_bit if self._now_us < self._busy_until_us else 0

    def _output(self, offset: int) -> int:
        if offset % 2:
            self._read_end = self._end
        if not self._end:
            return 0
        newest = self._ring.read(self._end - 1, self._end)
        return newest.tobytes()[offset]

    def _status(self) -> int:
        since_us = self._now_us - self._temperature_read_us
        temperature_ready = self._enabled and since_us > 1e6 / 104.0
        return int(self._fresh) | int(temperature_ready) << 2

    def _fifo_status2(self) -> int:
        status = self._fifo.status
        value = (
            self._fifo.count >> 8
            | status.latched << 3
            | status.full << 5
            | status.overrun << 6
            | status.watermark << 7
        )
        self._fifo.clear_latch()
        return value

    def _timestamp_now(self) -> int:
        if not self._regs[CTRL10_C] & CTRL10_TIMESTAMP_EN:
            return 0
        return (self._ticks(self._now_us) - self._timestamp_start) & 0xFFFFFFFF

    def _timestamps(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Return the time stamps of samples."""
        ticks = (self._origin or 0) - self._timestamp_start + TICKS_PER_SAMPLE * index
        return (ticks & 0xFFFFFFFF).astype(np.uint32)

    def _temperature_raw(self) -> int:
        raw = round((self.temperature_c - TEMPERATURE_ZERO_C) * LSB_PER_DEGREE)
        return min(max(raw, -32768), 32767) & 0xFFFF

    # ---- writing ----

    def _write_register(self, address: int, value: int) -> None:
        if self._now_us < self._busy_until_us:
            return
        if address == TIMESTAMP2 and value == 0xAA:
            self._restart_timestamp()
            return
        if address not in WRITABLE:
            return
        before, self._regs[address] = self._regs[address], value
        if address == CTRL3_C:
            self._control3(value)
        elif address == CTRL1_XL:
            self._control1(before, value)
        elif address == CTRL10_C:
            if value & ~before & CTRL10_TIMESTAMP_EN:
                self._restart_timestamp()
            self._configure_fifo()
        elif address == CTRL5_C:
            self._remake()
        elif FIFO_CTRL1 <= address <= FIFO_CTRL4:
            self._configure_fifo()

    def _power_up_registers(self) -> None:
        for address in WRITABLE:
            self._regs[address] = DEFAULTS.get(address, 0)
        self._remake()
        self._configure_fifo()

    def _control3(self, value: int) -> None:
        self._regs[CTRL3_C] = value & ~(CTRL3_SW_RESET | CTRL3_BOOT)
        if value & CTRL3_BOOT:
            self._busy_bit, self._busy_until_us = CTRL3_BOOT, self._now_us + BOOT_US
        elif value & CTRL3_SW_RESET:
            self._power_up_registers()
            self._busy_bit, self._busy_until_us = CTRL3_SW_RESET, self._now_us + SW_RESET_US

    def _control1(self, before: int, value: int) -> None:
        self._remake()
        if value >> 5 == XL_ENABLED != before >> 5:
            self._start()

    def _start(self) -> None:
        """Enable the converter: the first sample comes one period later, on the old grid."""
        now = self._ticks(self._now_us)
        if self._origin is None:
            self._origin = now + TICKS_PER_SAMPLE
        # What would have been sampled while it was off never was.
        self._end = max(self._end, self._due(self._now_us))
        self._remake()
        self._made = max(self._made, self._end)
        self._settling_from = self._end - 1
        self._settled_at = self._end + int(TURN_ON_US * self.rate_hz * 1e-6) + 1
        self._fifo.close_segment()

    def _restart_timestamp(self) -> None:
        self._fifo.close_segment()
        self._timestamp_start = self._ticks(self._now_us)

    def _configure_fifo(self) -> None:
        ctrl4 = self._regs[FIFO_CTRL4]
        stamped = bool(self._regs[CTRL10_C] & CTRL10_TIMESTAMP_EN)
        self._fifo.configure(
            mode=ctrl4 & 7,
            pattern=SlotPattern(
                accel=self._regs[FIFO_CTRL3] & 0x0F == BDR_26K7,
                timestamp_every=(0, 1, 8, 32)[ctrl4 >> 6] if stamped else 0,
                temperature=ctrl4 >> 4 & 3 == 3,
            ),
            watermark=self._regs[FIFO_CTRL1] | (self._regs[FIFO_CTRL2] & 1) << 8,
            stop_on_watermark=bool(self._regs[FIFO_CTRL2] & 0x80),
        )
