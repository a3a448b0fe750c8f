# Runs on: MicroPython and CPython
# Bosch BME680 and BME688: temperature, humidity, pressure, and the resistance of a heated metal
# oxide that gases change.
# Source: datasheets BST-BME680-DS001-01 (revision 1.1, April 2019) and BST-BME688-DS000-03
# (revision 1.3, February 2024).
#
# All compensation but that of the gas resistance is in integers, as the datasheets have it: the
# same value on every board, whatever its floats.

from firmware.drivers import SensorError
from firmware.drivers.i2c_device import I2cDevice, pause
from firmware.drivers.registers import SpiRegisters

NAME = "bme680"
I2C_ADDRESSES = (0x76, 0x77)
SPI_OPTIONS = {"baudrate": 10000000, "polarity": 0, "phase": 0}
UART_BAUDRATE = 0

_CHIP_ID, _ID = 0xD0, 0x61
_VARIANT_ID, _BME688 = 0xF0, 0x01
_RESET, _RESET_WORD = 0xE0, 0xB6
_COEFFICIENTS = ((0x8A, 23), (0xE1, 14), (0x00, 5))
_CTRL_HUM, _CTRL_MEAS, _CTRL_GAS_1 = 0x72, 0x74, 0x71
_RES_HEAT_0, _GAS_WAIT_0 = 0x5A, 0x64
_FIELD_0, _FIELD_BYTES = 0x1D, 17
# On SPI an address has seven bits, and spi_mem_page in this register, which is on both pages, says
# which half is meant.
_PAGE, _LOWER, _UPPER = 0x73, 0x10, 0x00

_FORCED = 0x01
_OVERSAMPLING = {"humidity": 1, "temperature": 2, "pressure": 5}  # 1x, 2x, 16x
_CYCLES = 1 + 2 + 16
_RUN_GAS_680, _RUN_GAS_688 = 0x10, 0x20
_NEW_DATA = 0x80
_GAS_VALID, _HEATER_STABLE = 0x20, 0x10

_START_UP_US = 2000
_RESET_US = 10000
# Time of a measurement without the heater: conversions, switching between them, waking up.
_CYCLE_US, _SWITCH_US, _WAKE_US = 1963, 477, 1000
_LOOKS = 5  # beyond that time, before it is taken to be stuck
_LOOK_US = 10000
_WARM_UP_US = 300000000  # of a heater that was cold

# Of the gas resistance of a BME680, by range: corrections in percent.
_RANGE_1 = (0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0)
_RANGE_2 = (0, 0, 0, 0, 0.1, 0.7, 0, -0.8, -0.1, 0, 0, 0, 0, 0, 0, 0)


def over_i2c(i2c, address: int, clock):
    return BME680(I2cDevice(i2c, address, NAME), clock)


def over_spi(spi, cs, clock):
    return BME680(_SpiDevice(spi, cs), clock)


class _SpiDevice:
    # The page is set before each access: a chip that lost its power meanwhile has forgotten it.
    def __init__(self, spi, cs) -> None:
        self._registers = SpiRegisters(spi, cs)

    def read_registers(self, register: int, buffer) -> None:
        self._turn_to(register)
        self._registers.read_into(register & 0x7F, buffer)
        if min(buffer) == 0xFF:  # what a line that nobody drives reads; no register's values do
            raise SensorError(f"{NAME} does not answer on SPI: check power and wiring")

    def write_register(self, register: int, value: int) -> None:
        self._turn_to(register)
        self._registers.write(register & 0x7F, value)

    def _turn_to(self, register: int) -> None:
        self._registers.write(_PAGE, _UPPER if register & 0x80 else _LOWER)


class BME680:
    interval_s = 3
    paced = False

    def __init__(self, device, clock, profile: tuple = ((320, 150),)) -> None:
        # device: its registers, on either bus.
        # profile: the heater's steps, (degrees C, ms) each, one to ten; one step a reading.
        if not 1 <= len(profile) <= 10:
            raise SensorError("bme680: a heater profile has 1 to 10 steps")
        for celsius, ms in profile:
            if not (200 <= celsius <= 400 and 1 <= ms <= 4032):
                raise SensorError("bme680: a heater step is 200..400 C for 1..4032 ms")
        self.name = NAME
        self._device = device
        self._clock = clock
        self._profile = profile
        self._step = 0
        self._field = bytearray(_FIELD_BYTES)
        self._high = False
        self._calibration: dict = {}
        self._celsius = 25.0  # of the air, for the heater
        self.ready_us = 0

    async def identify(self) -> None:
        await pause(self._clock, _START_UP_US)
        found = bytearray(1)
        self._device.read_registers(_CHIP_ID, found)
        if found[0] != _ID:
            raise SensorError(f"chip says 0x{found[0]:02X} where a bme680 says 0x{_ID:02X}")
        self._device.read_registers(_VARIANT_ID, found)
        self._high = found[0] == _BME688
        self.name = "bme688" if self._high else NAME

    async def start(self, interval_s: float) -> None:
        self._device.write_register(_RESET, _RESET_WORD)
        await pause(self._clock, _RESET_US)
        parts = self._coefficients()
        # No checksum guards them, and one wrong bit would spoil every value from now on.
        if parts != self._coefficients() or sum(parts[0]) in (0, 255 * len(parts[0])):
            raise SensorError("bme680: damaged calibration: check power and wiring")
        self._calibration = calibration_of(*parts)
        self._step = 0
        self.ready_us = self._clock.now_us() + _WARM_UP_US

    async def read(self) -> dict:
        values = await self.measure(*self._profile[self._step])
        self._step = (self._step + 1) % len(self._profile)
        return values

    async def measure(self, target_c: int, ms: int) -> dict:
        # With the heater at `target_c` for so long.
        self._device.write_register(_GAS_WAIT_0 + self._step, gas_wait(ms))
        register = _RES_HEAT_0 + self._step
        heat = heater_resistance(self._calibration, target_c, self._celsius)
        self._device.write_register(register, heat)
        run = _RUN_GAS_688 if self._high else _RUN_GAS_680
        self._device.write_register(_CTRL_GAS_1, run | self._step)
        self._device.write_register(_CTRL_HUM, _OVERSAMPLING["humidity"])
        bits = _OVERSAMPLING["temperature"] << 5 | _OVERSAMPLING["pressure"] << 2
        self._device.write_register(_CTRL_MEAS, bits | _FORCED)
        await pause(self._clock, _CYCLES * _CYCLE_US + 9 * _SWITCH_US + _WAKE_US + 1000 * ms)
        await self._wait_for_data()
        values = self._values()
        values["heater_c"] = float(target_c)
        return values

    async def stop(self) -> None:
        self._device.write_register(_CTRL_MEAS, 0)

    def _coefficients(self) -> list:
        parts = []
        for register, count in _COEFFICIENTS:
            part = bytearray(count)
            self._device.read_registers(register, part)
            parts.append(part)
        return parts

    async def _wait_for_data(self) -> None:
        for _ in range(_LOOKS):
            self._device.read_registers(_FIELD_0, self._field)
            if self._field[0] & _NEW_DATA:
                return
            await pause(self._clock, _LOOK_US)
        raise SensorError("bme680: a measurement does not end: switch its power off and on")

    def _values(self) -> dict:
        field, calibration = self._field, self._calibration
        adc_p = field[2] << 12 | field[3] << 4 | field[4] >> 4
        adc_t = field[5] << 12 | field[6] << 4 | field[7] >> 4
        adc_h = field[8] << 8 | field[9]
        t_fine = fine_temperature(calibration, adc_t)
        self._celsius = ((t_fine * 5 + 128) >> 8) / 100
        values = {
            "air_temperature_c": self._celsius,
            "pressure_hpa": pressure_pa(calibration, adc_p, t_fine) / 100,
            "humidity_pct": humidity_milli_pct(calibration, adc_h, t_fine) / 1000,
        }
        at = 15 if self._high else 13
        adc_gas, status = field[at] << 2 | field[at + 1] >> 6, field[at + 1]
        # Without both marks the resistance is not one at the temperature asked for.
        if status & _GAS_VALID and status & _HEATER_STABLE:
            resistance = gas_ohm_688 if self._high else gas_ohm_680
            values["gas_ohm"] = resistance(calibration, adc_gas, status & 0x0F)
        if adc_t in (0, 0xFFFFF) or adc_p in (0, 0xFFFFF) or adc_h in (0, 0xFFFF):
            values["saturated"] = 1
        return values


def calibration_of(first, second, third) -> dict:
    # From registers 8A..A0, E1..EE and 00..04.
    def signed(value: int, bits: int) -> int:
        return value - (1 << bits) if value >> (bits - 1) else value

    def word(data, at: int) -> int:
        return data[at] | data[at + 1] << 8

    return {
        "t1": word(second, 8),
        "t2": signed(word(first, 0), 16),
        "t3": signed(first[2], 8),
        "p1": word(first, 4),
        "p2": signed(word(first, 6), 16),
        "p3": signed(first[8], 8),
        "p4": signed(word(first, 10), 16),
        "p5": signed(word(first, 12), 16),
        "p6": signed(first[15], 8),
        "p7": signed(first[14], 8),
        "p8": signed(word(first, 18), 16),
        "p9": signed(word(first, 20), 16),
        "p10": first[22],
        "h1": second[1] & 0x0F | second[2] << 4,
        "h2": second[1] >> 4 | second[0] << 4,
        "h3": signed(second[3], 8),
        "h4": signed(second[4], 8),
        "h5": signed(second[5], 8),
        "h6": second[6],
        "h7": signed(second[7], 8),
        "gh1": signed(second[12], 8),
        "gh2": signed(word(second, 10), 16),
        "gh3": signed(second[13], 8),
        "res_heat_val": signed(third[0], 8),
        "res_heat_range": third[2] >> 4 & 0x03,
        "range_sw_err": signed(third[4] >> 4, 4),
    }


def fine_temperature(c: dict, adc: int) -> int:
    # (5 times it + 128) / 256 is the temperature in 0.01 C.
    offset = (adc >> 3) - (c["t1"] << 1)
    linear = offset * c["t2"] >> 11
    half = offset >> 1
    return linear + ((half * half >> 12) * (c["t3"] << 4) >> 14)


def pressure_pa(c: dict, adc: int, t_fine: int) -> int:
    t = (t_fine >> 1) - 64000
    quarter = t >> 2
    offset = ((quarter * quarter >> 11) * c["p6"] >> 2) + (t * c["p5"] << 1)
    offset = (offset >> 2) + (c["p4"] << 16)
    scale = ((quarter * quarter >> 13) * (c["p3"] << 5) >> 3) + (c["p2"] * t >> 1)
    scale = (32768 + (scale >> 18)) * c["p1"] >> 15
    p = (1048576 - adc - (offset >> 12)) * 3125
    if scale == 0:
        return 0  # no calibration
    # The datasheet gives up the last bit of large values to stay within 32; there is no need here.
    p = (p << 1) // scale
    eighth = p >> 3
    square = c["p9"] * (eighth * eighth >> 13) >> 12
    linear = (p >> 2) * c["p8"] >> 13
    part = p >> 8
    cube = part * part * part * c["p10"] >> 17
    return p + (square + linear + cube + (c["p7"] << 7) >> 4)


def humidity_milli_pct(c: dict, adc: int, t_fine: int) -> int:
    t = (t_fine * 5 + 128) >> 8
    offset = adc - (c["h1"] << 4) - (_toward_zero(t * c["h3"], 100) >> 1)
    square = _toward_zero((t * _toward_zero(t * c["h5"], 100)) >> 6, 100)
    scale = c["h2"] * (_toward_zero(t * c["h4"], 100) + square + 16384) >> 10
    linear = offset * scale
    bend = (c["h6"] << 7) + _toward_zero(t * c["h7"], 100) >> 4
    curve = (linear >> 14) * (linear >> 14) >> 10
    humidity = (linear + (bend * curve >> 1) >> 10) * 1000 >> 12
    return min(max(humidity, 0), 100000)


def _toward_zero(a: int, b: int) -> int:
    # Division as in C; b > 0.
    return a // b if a >= 0 else -(-a // b)


def gas_ohm_680(c: dict, adc: int, gas_range: int) -> float:
    scale = (1340.0 + 5.0 * c["range_sw_err"]) * (1 + _RANGE_1[gas_range] / 100)
    slope = 0.000000125 * (1 << gas_range) * (1 + _RANGE_2[gas_range] / 100)
    return 1 / (slope * ((adc - 512.0) / scale + 1))


def gas_ohm_688(_calibration: dict, adc: int, gas_range: int) -> float:
    return 1000000.0 * (262144 >> gas_range) / (4096 + 3 * (adc - 512))


def heater_resistance(c: dict, target_c: float, air_c: float) -> int:
    # Register value that heats to `target_c` in air of `air_c`.
    gain = c["gh1"] / 16 + 49
    slope = c["gh2"] / 32768 * 0.0005 + 0.00235
    target = gain * (1 + slope * target_c) + c["gh3"] / 1024 * air_c
    ratio = 4 / (4 + c["res_heat_range"]) / (1 + c["res_heat_val"] * 0.002)
    return min(max(int(3.4 * (target * ratio - 25)), 0), 255)


def gas_wait(ms: int) -> int:
    # Register value: six bits times 1, 4, 16 or 64 ms.
    factor = 0
    while ms > 63:
        ms //= 4
        factor += 1
    return factor << 6 | ms
