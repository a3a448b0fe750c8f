"""Where chips are looked for. Runs on: MicroPython and CPython."""

import os

from firmware import detect


def drivers() -> set:
    names = os.listdir("firmware/drivers")
    shared = ("accelerometer", "i2c_device", "registers", "sensirion", "shdlc", "__init__")
    found = {name.split(".")[0] for name in names if name.endswith((".py", ".mpy"))}
    return found - set(shared)


def test_every_driver_is_looked_for():
    assert set(detect.ACCELEROMETERS) | set(detect.AIR_ON_I2C) == drivers()


def test_air_sensors_are_looked_for_where_their_drivers_say():
    for name in detect.AIR_ON_I2C:
        module = detect.driver(name)
        assert detect.AIR_ON_I2C[name] == module.I2C_ADDRESSES, name
        assert (module.UART_BAUDRATE > 0) == (name in detect.AIR_ON_UART), name


def test_accelerometers_can_be_somewhere():
    for name in detect.ACCELEROMETERS:
        module = detect.driver(name)
        assert module.SPI_OPTIONS or module.I2C_ADDRESSES


class _NoBoard:
    # Nothing on it can be asked.
    data = {"i2c": (), "uart": ({"id": 1},), "sensors": ()}


def test_a_serial_line_whose_sensor_is_known_is_not_asked_again():
    looking = detect.air_on_uart(_NoBoard(), ["uart1"])
    try:
        looking.send(None)
    except StopIteration as end:
        assert end.value == []
    else:
        raise AssertionError("it waits for something")
