"""The driver against a register file: what it writes, reads and refuses.

Runs on: MicroPython and CPython. The rig's model of the chip is the other judge (tests/e2e).
"""

import asyncio

from firmware.drivers import SensorError, iis3dwb


class Clock:
    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    async def sleep_until(self, t_us: int) -> None:
        self.us = max(self.us, t_us)


class Bus:
    """SPI and chip select over 128 registers; counts what happens outside a selection."""

    def __init__(self, who_am_i: int = 0x7B) -> None:
        self.registers = bytearray(128)
        self.registers[0x0F] = who_am_i
        self.writes = []
        self.selected = False
        self.address = -1
        self.stuck_in_reset = False

    def cs(self, level: int) -> None:
        self.selected = not level
        self.address = -1

    def write(self, data) -> None:
        assert self.selected
        if data[0] & 0x80:
            self.address = data[0] & 0x7F
            return
        register, value = data
        self.writes.append((register, value))
        if register == 0x12 and not self.stuck_in_reset:
            value &= 0xFE
        self.registers[register] = value

    def readinto(self, buffer) -> None:
        assert self.selected and self.address >= 0
        for at in range(len(buffer)):
            buffer[at] = self.registers[(self.address + at) % 128]


def chip(bus: Bus) -> iis3dwb.IIS3DWB:
    return iis3dwb.over_spi(bus, bus.cs, Clock())


def refusal(coroutine) -> str:
    try:
        asyncio.run(coroutine)
    except SensorError as error:
        return str(error)
    return ""


def test_configuration_is_written_as_the_datasheet_says():
    bus = Bus()
    sensor = chip(bus)
    asyncio.run(sensor.configure(16, 300))
    sensor.start()
    assert bus.writes[0] == (0x12, 0x01)  # software reset comes first
    assert bus.registers[0x12] == 0x44  # BDU, address increment
    assert bus.registers[0x10] == 0xA4  # enabled, +-16 g
    assert bus.registers[0x07] | bus.registers[0x08] << 8 == 300
    assert bus.registers[0x09] == 0x0A  # accelerometer batched at 26.667 kHz
    assert bus.registers[0x0A] == 0xF6  # continuous, time stamp every 32, temperature
    assert bus.registers[0x0D] == 0x08  # watermark on INT1
    assert bus.registers[0x19] == 0x20  # time stamp runs
    assert (0x0A, 0x00) in bus.writes and (0x42, 0xAA) in bus.writes


def test_scale_follows_the_full_scale():
    for full_scale_g, bits, micro_g in ((2, 0, 61), (4, 2, 122), (8, 3, 244), (16, 1, 488)):
        bus = Bus()
        sensor = chip(bus)
        asyncio.run(sensor.configure(full_scale_g, 128))
        assert bus.registers[0x10] >> 2 & 3 == bits
        assert abs(sensor.scale_m_s2(full_scale_g) - micro_g * 9.80665e-6) < 1e-9


def test_fifo_level_has_ten_bits_and_reports_both_kinds_of_overrun():
    bus = Bus()
    sensor = chip(bus)
    for low, high, level, overrun in (
        (0x34, 0x01, 0x134, False),
        (0x00, 0x82, 0x200, False),
        (0x10, 0x40, 0x10, True),
        (0x10, 0x08, 0x10, True),
    ):
        bus.registers[0x3A], bus.registers[0x3B] = low, high
        assert (sensor.level(), sensor.overrun) == (level, overrun)


def test_absent_unknown_and_hanging_chips_are_told_apart():
    assert "does not answer" in refusal(chip(Bus(0xFF)).configure(16, 128))
    assert "does not answer" in refusal(chip(Bus(0x00)).configure(16, 128))
    assert "0x6B" in refusal(chip(Bus(0x6B)).configure(16, 128))
    hanging = Bus()
    hanging.stuck_in_reset = True
    assert "reset" in refusal(chip(hanging).configure(16, 128))


def test_settings_the_chip_does_not_have_are_refused():
    assert "3 g" in refusal(chip(Bus()).configure(3, 128))
    # 39 words need not hold a time stamp.
    assert "watermark" in refusal(chip(Bus()).configure(16, 39))
    assert "watermark" in refusal(chip(Bus()).configure(16, 512))


def test_timestamp_and_frequency_are_decoded():
    bus = Bus()
    sensor = chip(bus)
    bus.registers[0x40:0x44] = bytes((0x78, 0x56, 0x34, 0x92))
    assert sensor.timestamp() == 0x92345678
    bus.registers[0x63] = 0xFE
    assert abs(sensor.frequency_error() + 0.003) < 1e-9
