# Runs on: MicroPython and CPython
# Registers of a chip over SPI or I2C.

from firmware.drivers import SensorError


class SpiRegisters:
    # The command byte is the address, shifted, with `read` set for a read.
    def __init__(self, spi, cs, read: int = 0x80, shift: int = 0) -> None:
        self._spi = spi
        self._cs = cs
        self._read_bits = read
        self._shift = shift
        self._command = bytearray(2)
        self._read_command = memoryview(self._command)[:1]
        self._one = bytearray(1)
        cs(1)

    def write(self, register: int, value: int) -> None:
        self._command[0] = register << self._shift
        self._command[1] = value
        self._cs(0)
        try:
            self._spi.write(self._command)
        finally:
            self._cs(1)

    def read_into(self, register: int, buffer) -> None:
        self._command[0] = register << self._shift | self._read_bits
        self._cs(0)
        try:
            self._spi.write(self._read_command)
            self._spi.readinto(buffer)
        finally:
            self._cs(1)

    def read(self, register: int) -> int:
        self.read_into(register, self._one)
        return self._one[0]


class I2cRegisters:
    def __init__(self, i2c, address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)

    def write(self, register: int, value: int) -> None:
        self._one[0] = value
        self._transfer(self._i2c.writeto_mem, register, self._one)

    def read_into(self, register: int, buffer) -> None:
        self._transfer(self._i2c.readfrom_mem_into, register, buffer)

    def read(self, register: int) -> int:
        self.read_into(register, self._one)
        return self._one[0]

    def _transfer(self, how, register: int, buffer) -> None:
        try:
            how(self._address, register, buffer)
            return
        except OSError as error:
            why = str(error)
        where = f"0x{self._address:02X}"
        raise SensorError(f"no answer on I2C at {where} ({why}): check power and wiring")
