# Runs on: MicroPython and CPython
# What accelerometers with a FIFO share. The interface is at the head of drivers/__init__.py.

from array import array

from firmware.drivers import SensorError

G_M_S2 = 9.80665
_RESET_POLL_US = 100
_SELF_TEST_TIMES = 4  # bursts averaged with the test force off, and on


class Accelerometer:
    # Facts of a chip. `watermarks`: fewest and most entries of one burst.
    name = ""
    rate_hz = 0.0
    rate_error = 0.1
    full_scales_g: tuple = (2, 4, 8, 16)
    max_hz = 0.0
    fifo_entries = 0
    watermarks = (1, 1)
    entry_bytes = 6
    defaults: dict = {}
    # Self-test: at which range, with how many entries a burst, how long the force needs to act,
    # and the change it must make on x, y and z, in g.
    test_full_scale_g = 4
    test_watermark = 16
    test_settle_us = 100000
    test_least_g: tuple = (0.0, 0.0, 0.0)
    test_most_g: tuple = (0.0, 0.0, 0.0)

    def __init__(self, bus, clock) -> None:
        # bus: SpiRegisters or I2cRegisters.
        self._bus = bus
        self._clock = clock
        self._watermark = 0
        self._image = bytearray(0)
        self.overrun = False
        self.first: int | None = None
        self.waiting = 0
        self.looked_us = 0

    def scale_m_s2(self, full_scale_g: int) -> float:
        # One LSB, for chips whose range fills 16 bits.
        return full_scale_g * G_M_S2 / 32768

    # -- what a chip adds

    def identify(self) -> None:
        raise NotImplementedError

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        # Reset, registers, and the time until its samples can be believed.
        raise NotImplementedError

    def _push(self, on: bool) -> None:
        # Self-test force on or off.
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def level(self) -> int:
        raise NotImplementedError

    def burst(self, x, y, z, at: int) -> int:
        raise NotImplementedError

    def known_rate(self) -> tuple:
        return self.rate_hz, self.rate_error

    def temperature_c(self):
        return None

    # -- what all do the same way

    async def configure(self, full_scale_g: int, watermark: int) -> None:
        if full_scale_g not in self.full_scales_g:
            raise SensorError(f"{self.name} has no full scale of {full_scale_g} g")
        least, most = self.watermarks
        if not least <= watermark <= most:
            raise SensorError(f"{self.name} watermark must be {least}..{most}, not {watermark}")
        if len(self._image) != watermark * self.entry_bytes:
            self._image = bytearray(watermark * self.entry_bytes)
        self._watermark = watermark
        self.identify()
        await self._setup(full_scale_g, watermark)

    def _check_identity(self, register: int, expected: int) -> None:
        found = self._bus.read(register)
        if found == expected:
            return
        if found in (0x00, 0xFF):
            raise SensorError(f"{self.name} does not answer: check power and wiring")
        raise SensorError(f"chip says 0x{found:02X} where an {self.name} says 0x{expected:02X}")

    async def _wait_until_clear(self, register: int, bit: int, timeout_us: int) -> None:
        # A bit that the chip itself clears when its reset is over.
        deadline_us = self._clock.now_us() + timeout_us
        while self._bus.read(register) & bit:
            if self._clock.now_us() > deadline_us:
                raise SensorError(f"{self.name} does not come out of reset")
            await self._pause(_RESET_POLL_US)

    async def _pause(self, us: int) -> None:
        await self._clock.sleep_until(self._clock.now_us() + us)

    async def self_test(self) -> dict:
        # The chip pushes its own proof mass; the machine should stand still meanwhile. The chip
        # has to be configured anew afterwards.
        await self.configure(self.test_full_scale_g, self.test_watermark)
        without = await self._mean_g()
        self._push(True)
        await self._pause(self.test_settle_us)
        pushed = await self._mean_g()
        self._push(False)
        self.stop()
        change = [after - before for after, before in zip(pushed, without)]
        limits = zip(change, self.test_least_g, self.test_most_g)
        return {
            "passed": not [one for one, least, most in limits if not least <= one <= most],
            "change_g": change,
            "least_g": list(self.test_least_g),
            "most_g": list(self.test_most_g),
        }

    async def _mean_g(self) -> list:
        # Of some bursts, each of a FIFO that was empty.
        room = self.test_watermark
        axes = [array("h", bytes(2 * room)) for _ in range(3)]
        fill_us = int((self.test_watermark + 2) * 1e6 / self.rate_hz / (1 - self.rate_error))
        sums, total = [0, 0, 0], 0
        for _ in range(_SELF_TEST_TIMES):
            self.start()
            await self._pause(fill_us)
            count = self.burst(axes[0], axes[1], axes[2], 0)
            total += count
            for axis in range(3):
                sums[axis] += sum(axes[axis][:count])
        if not total:
            raise SensorError(f"{self.name} gives no samples")
        lsb_g = self.scale_m_s2(self.test_full_scale_g) / G_M_S2
        return [one * lsb_g / total for one in sums]


class PlainFifo(Accelerometer):
    # Chips whose FIFO holds samples and nothing else. A burst looks at the level first; the flag
    # of an overrun may vanish with the first entry read, so one that might have come in between is
    # taken for one. After an overrun the FIFO is started anew, to know where it begins.

    def _fetch(self, image) -> None:
        # Oldest entries of the FIFO.
        raise NotImplementedError

    def _split(self, image, count: int, x, y, z, at: int) -> int:
        raise NotImplementedError

    def burst(self, x, y, z, at: int) -> int:
        held = self.level()
        count = min(held, self._watermark)
        if held > self.fifo_entries:
            # No such level: damaged on the bus, or nobody there.
            self.overrun = False
            return 0
        if count and not self.overrun:
            self._fetch(memoryview(self._image)[: count * self.entry_bytes])
            passed_us = self._clock.now_us() - self.looked_us
            came = int(passed_us * self.rate_hz * (1 + self.rate_error) / 1e6) + 1
            self.overrun = held + came > self.fifo_entries
        if self.overrun:
            self.start()
            return 0
        if count and self._split(self._image, count, x, y, z, at) < count:
            # Not entries as the chip makes them: damaged on the bus. Where the next one begins is
            # not known.
            self.overrun = True
            self.start()
            return 0
        self.waiting = held - count
        return count
