# Runs on: MicroPython and CPython
# A chip at an I2C address, and waiting. What the bus refuses is said in plain words.

from firmware.drivers import SensorError


async def pause(clock, us: int) -> None:
    # Lets the board's time go on by `us`.
    await clock.sleep_until(clock.now_us() + us)


class I2cDevice:
    def __init__(self, i2c, address: int, name: str) -> None:
        self._i2c = i2c
        self._address = address
        self._name = name

    def write(self, data) -> None:
        try:
            self._i2c.writeto(self._address, data)
        except OSError:
            raise self._silence() from None

    def read_into(self, buffer) -> None:
        try:
            self._i2c.readfrom_into(self._address, buffer)
        except OSError:
            raise self._silence() from None

    def read_registers(self, register: int, buffer) -> None:
        try:
            self._i2c.readfrom_mem_into(self._address, register, buffer)
        except OSError:
            raise self._silence() from None

    def write_register(self, register: int, value: int) -> None:
        self.write(bytes((register, value)))

    def _silence(self) -> SensorError:
        where = f"0x{self._address:02X}"
        return SensorError(f"{self._name} does not answer at {where}: check power and wiring")
