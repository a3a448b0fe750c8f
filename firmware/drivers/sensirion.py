# Runs on: MicroPython and CPython
# How Sensirion's sensors talk on I2C: 16-bit commands, 16-bit words, a CRC after each word.
# Source: SCD4x datasheet, version 1.3 of September 2022, section 3 (sequences and CRC).

from firmware.drivers import SensorError
from firmware.drivers.i2c_device import I2cDevice, pause


def crc8(data) -> int:
    # Polynomial 0x31, initial value 0xFF, no final XOR; of BE EF: 0x92.
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x31 if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc


def words_of(data, name: str) -> list:
    # The words of an answer (three bytes each), every CRC checked.
    words = []
    for at in range(0, len(data), 3):
        if crc8(data[at : at + 2]) != data[at + 2]:
            raise SensorError(f"{name}: damaged answer (CRC of word {at // 3 + 1}): check wiring")
        words.append(data[at] << 8 | data[at + 1])
    return words


class Commands:
    def __init__(self, i2c, address: int, clock, name: str) -> None:
        self._device = I2cDevice(i2c, address, name)
        self._clock = clock
        self._name = name

    async def send(self, command: bytes, wait_us: int, words: tuple = ()) -> None:
        # Sends a command with its argument words, and gives the chip its time.
        message = bytearray(command)
        for word in words:
            pair = bytes((word >> 8, word & 0xFF))
            message.extend(pair)
            message.append(crc8(pair))
        self._device.write(message)
        await pause(self._clock, wait_us)

    async def ask(self, command: bytes, count: int, wait_us: int, words: tuple = ()) -> list:
        # Returns the `count` words of the answer.
        await self.send(command, wait_us, words)
        answer = bytearray(3 * count)
        self._device.read_into(answer)
        return words_of(answer, self._name)

    async def wake(self, command: bytes, wait_us: int) -> None:
        # A chip that sleeps does not acknowledge what wakes it up.
        try:
            await self.send(command, wait_us)
        except SensorError:
            await pause(self._clock, wait_us)


def temperature_c(word: int) -> float:
    return 175 * word / 65535 - 45


def temperature_word(celsius: float) -> int:
    return min(max(int((celsius + 45) * 65535 / 175 + 0.5), 0), 65535)


def humidity_word(percent: float) -> int:
    return min(max(int(percent * 65535 / 100 + 0.5), 0), 65535)


def at_an_end(*words) -> bool:
    # Whether a converter is where its range ends.
    return 0 in words or 0xFFFF in words
