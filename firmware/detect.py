# Runs on: MicroPython and CPython
# Which of the chips we know are fitted, and in plain words what else answers or does not. A board's
# data name places; where they name the chip too, nothing else is looked for there. Of the drivers
# that were loaded to look, only those stay whose chips are there.

import sys

from firmware.drivers import SensorError
from firmware.passing import forget

ACCELEROMETERS = ("iis3dwb", "adxl355", "lis2dw12", "adxl345", "lsm6ds3")
AIR_ON_UART = ("sps30", "pms5003")
AIR_ON_SPI = ("bme680",)
# The drivers know their addresses too, but loading one takes memory.
AIR_ON_I2C = {
    "scd41": (0x62,),
    "sgp41": (0x59,),
    "bme680": (0x76, 0x77),
    "sht45": (0x44, 0x45, 0x46),
    "sps30": (0x69,),
    "pms5003": (0x12,),
}


class Accelerometer:
    # chip: as drivers/__init__.py says; int1: pin of its interrupt line.
    def __init__(self, chip, place: str, int1: int) -> None:
        self.chip = chip
        self.place = place
        self.int1 = int1


def driver(name: str):
    __import__(_module(name))
    return sys.modules[_module(name)]


def _module(name: str) -> str:
    return "firmware.drivers." + name


def accelerometer(board, say) -> Accelerometer:
    # The first that answers. If none does, the first place is taken to have the chip it should
    # have, or the first we know: it is asked again whenever the node wants to measure.
    first = None
    for place in board.data["sensors"]:
        named = place.get("chip")
        if named in AIR_ON_I2C:
            continue
        for name in (named,) if named else ACCELEROMETERS:
            found = _build(board, driver(name), place)
            if found is not None:
                first = first or found
                try:
                    found.chip.identify()
                    return found
                except (SensorError, OSError) as error:
                    if named:
                        say(f"{found.place}: {error}")
            forget(_module(name))
        if not named:
            say(f"{_place(place)}: no accelerometer that we know answers")
    if first is None:
        raise SensorError("the board's data name no place of an accelerometer")
    return first


def _build(board, module, place: dict):
    # None where the chip cannot be at such a place.
    clock, int1 = board.clock, place.get("int1", -1)
    if "spi" in place:
        if not module.SPI_OPTIONS:
            return None
        spi = board.spi(place["spi"], module.SPI_OPTIONS)
        chip = module.over_spi(spi, board.output(place["cs"]), clock)
    else:
        address = place["address"]
        if address not in module.I2C_ADDRESSES:
            return None
        chip = module.over_i2c(board.i2c(place["i2c"]), address, clock)
    return Accelerometer(chip, _place(place), int1)


def _place(place: dict) -> str:
    if "spi" in place:
        return f"spi{place['spi']}/cs{place['cs']}"
    return f"i2c{place['i2c']}/0x{place['address']:02X}"


async def air_on_i2c(board, taken: list, say) -> list:
    # (place, chip) of every air sensor on the board's I2C buses. `taken`: places of chips that are
    # known already.
    found = []
    for bus in board.data.get("i2c", ()):
        number = bus["id"]
        i2c = board.i2c(number)
        for address in _scan(i2c, number, say):
            place = f"i2c{number}/0x{address:02X}"
            if place in taken:
                continue
            chip = await _air_at(i2c, address, board.clock)
            if chip is None:
                say(f"{place}: something answers that we do not know")
            else:
                found.append((place, chip))
    return found


async def air_on_spi(board, taken: list, say) -> list:
    # (place, chip) of the air sensors that the board's data name there: a chip select does not say
    # what hangs on it.
    found = []
    for place in board.data["sensors"]:
        name, where = place.get("chip"), _place(place)
        if name not in AIR_ON_SPI or "spi" not in place or where in taken:
            continue
        module = driver(name)
        spi = board.spi(place["spi"], module.SPI_OPTIONS)
        chip = module.over_spi(spi, board.output(place["cs"]), board.clock)
        if await _is_there(chip):
            found.append((where, chip))
        else:
            say(f"{where}: no {name} answers")
            forget(_module(name))
    return found


def _scan(i2c, number: int, say) -> list:
    try:
        return i2c.scan()
    except OSError as error:
        say(f"i2c{number}: the bus does not work ({error}): check SDA, SCL and their pull-ups")
        return []


async def _air_at(i2c, address: int, clock):
    for name in AIR_ON_I2C:
        if address in AIR_ON_I2C[name]:
            chip = driver(name).over_i2c(i2c, address, clock)
            if await _is_there(chip):
                return chip
            forget(_module(name))
    return None


async def air_on_uart(board, taken: list) -> list:
    # (place, chip) on the board's serial lines. A sensor that only talks must be waited for, so
    # this takes seconds.
    found = []
    for bus in board.data.get("uart", ()):
        number = bus["id"]
        place = f"uart{number}"
        if place in taken:
            continue
        for name in AIR_ON_UART:
            module = driver(name)
            chip = module.over_uart(board.uart(number, module.UART_BAUDRATE), board.clock)
            if await _is_there(chip):
                found.append((place, chip))
                break
            forget(_module(name))
    return found


async def _is_there(chip) -> bool:
    try:
        await chip.identify()
        return True
    except (SensorError, OSError):
        return False
