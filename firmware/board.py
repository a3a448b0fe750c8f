# Runs on: MicroPython
# Turns a board's data (boards/<NAME>/board.json) into buses, pins and the clock. Nothing else
# reads a pin number, and apart from main and the links nothing else imports machine.

import asyncio
import json
import sys
import time

import machine
import micropython

from firmware.clock import Clock

_BUTTON_POLL_US = 50000
_VOLTAGE_READINGS = 8  # averaged: some converters have 8 bits


class PinInterrupt:
    # A sensor's interrupt line: level high means data waits. One task keeps the time of all waits,
    # where wait_for() would take two new ones for every burst; so none may be meant to end before
    # the one before it.
    def __init__(self, number: int, clock) -> None:
        self._pin = machine.Pin(number, machine.Pin.IN)
        self._flag = asyncio.ThreadSafeFlag()
        self._clock = clock
        self._until_us = 0
        self._timer: asyncio.Task | None = None
        self._pin.irq(lambda _pin: self._flag.set(), machine.Pin.IRQ_RISING)

    async def wait(self, until_us: int) -> bool:
        # True when the line is high, False when board time `until_us` came first.
        self._flag.clear()  # of an edge that nobody waited for
        if self._pin.value():
            await asyncio.sleep_ms(0)  # a node that is late still hears its host
            return True
        self._until_us = until_us
        if self._timer is None:
            self._timer = asyncio.create_task(self._time())
        await self._flag.wait()
        return bool(self._pin.value())

    async def _time(self) -> None:
        while self._clock.now_us() < self._until_us:
            await self._clock.sleep_until(self._until_us)
        self._timer = None
        self._flag.set()


class PinPulses:
    # Counts rising edges. The handler only counts and takes the time; nothing is allocated in it.
    def __init__(self, number: int, clock) -> None:
        self._count = 0
        self._ticks = time.ticks_us()
        self._clock = clock
        self._known = (0, 0)  # as read() gave it last: ticks tell no time that is long ago
        self._pin = machine.Pin(number, machine.Pin.IN)
        self._pin.irq(self._pulse, machine.Pin.IRQ_RISING)

    def _pulse(self, _pin) -> None:
        self._count += 1
        self._ticks = time.ticks_us()

    def read(self) -> tuple:
        count, ticks = self._count, self._ticks
        if count != self._count:  # a pulse came in between
            count, ticks = self._count, self._ticks
        if count != self._known[0]:
            ago_us = time.ticks_diff(time.ticks_us(), ticks)
            self._known = count, self._clock.now_us() - ago_us
        return self._known


class Board:
    def __init__(self, path: str) -> None:
        with open(path) as file:
            self.data = json.load(file)
        self.name = self.data["name"]
        self._battery: machine.ADC | None = None  # its converter, once asked
        # The VIRTUAL board's time is the rig's, not its process's: its port brings clock and waits.
        self._own_time = self.data["clock"] == "port"
        self.clock = machine.BoardClock() if self._own_time else Clock()  # type: ignore[attr-defined]
        # Time as those have it who talk to the node. Everywhere else it is the same clock.
        self.hosts_clock = Clock() if self._own_time else self.clock
        self._pulses: PinPulses | None = None

    def spi(self, number: int, mode: dict):
        # mode: what the chip asks for; a board's wiring may be slower than the chip.
        options = self._options("spi", number, ("sck", "mosi", "miso"))
        baudrate = min(options["baudrate"], mode["baudrate"])
        options.update(mode)
        options["baudrate"] = baudrate
        return machine.SPI(number, **options)

    def i2c(self, number: int):
        options = self._options("i2c", number, ("scl", "sda"))
        options["freq"] = options.pop("baudrate")
        return machine.I2C(number, **options)

    def uart(self, number: int, baudrate: int):
        options = self._options("uart", number, ("tx", "rx"))
        options["baudrate"] = baudrate
        return machine.UART(number, **options)

    def _options(self, kind: str, number: int, pins: tuple) -> dict:
        # What the port needs to know of a bus; names of pins become pins.
        bus = [bus for bus in self.data[kind] if bus["id"] == number][0]
        return {
            name: machine.Pin(bus[name]) if name in pins else bus[name]
            for name in bus
            if name != "id"
        }

    def output(self, number: int):
        return machine.Pin(number, machine.Pin.OUT, value=1)

    def interrupt(self, number: int):
        if self._own_time:
            return machine.BoardInterrupt(number)  # type: ignore[attr-defined]
        return PinInterrupt(number, self.clock)

    def pulses(self):
        # Of the tachometer: read() -> (pulses so far, time of the last, us; 0 before the first);
        # None without one.
        number = self.data.get("tachometer")
        if number is None:
            return None
        if self._own_time:
            return machine.PulseInput(number)  # type: ignore[attr-defined]
        self._pulses = PinPulses(number, self.clock)
        return self._pulses

    def keep_time(self) -> None:
        # Called every clock.LOOK_S, so that no ticks wrap unseen, of the clock or of a pulse.
        self.hosts_clock.now_us()
        if self._pulses:
            self._pulses.read()

    def led(self):
        # on(lit), or None where the board has no light.
        light = self.data.get("led")
        if light is None:
            return None
        pin = machine.Pin(light["pin"], machine.Pin.OUT, value=1 - light["lit"])
        return lambda on: pin.value(light["lit"] if on else 1 - light["lit"])

    def battery_v(self):
        # Voltage of the battery; None where it is not measured.
        battery = self.data.get("battery")
        if battery is None:
            return None
        if self._battery is None:
            self._battery = machine.ADC(machine.Pin(battery["adc"]))
            if "enable" in battery:
                # For good: a divider that is cut off puts the whole voltage on the converter.
                machine.Pin(battery["enable"], machine.Pin.OUT, value=battery["enabled"])
        total = sum([self._battery.read_u16() for _ in range(_VOLTAGE_READINGS)])
        share = total / _VOLTAGE_READINGS / 65535
        return share * battery["full_scale_v"] * battery["ratio"]

    @property
    def sleeps_lightly(self) -> bool:
        # Whether its MicroPython can send the chip to light sleep, and wakes up from it.
        sleep = self.data.get("sleep")
        return sleep is not None and sys.implementation.version < tuple(sleep.get("before", (9,)))

    def light_sleep(self, duration_us: int) -> bool:
        # For so long at most. True if the button ended it.
        wakes = self.data["sleep"].get("button", False)
        if wakes:
            import esp32  # only these ports have it

            esp32.wake_on_ext0(self._button(), bool(self.data["button"]["pressed"]))
        machine.lightsleep(duration_us // 1000)
        return wakes and machine.wake_reason() == machine.PIN_WAKE

    def _button(self):
        button = self.data["button"]
        pulls = [getattr(machine.Pin, "PULL_" + button["pull"].upper())] if "pull" in button else []
        return machine.Pin(button["pin"], machine.Pin.IN, *pulls)

    async def button_held(self, hold_s: int) -> bool:
        # Whether the button is pressed now, and stays so.
        button = self.data.get("button")
        if button is None:
            return False
        pin = self._button()
        until_us = self.clock.now_us() + hold_s * 1000000
        while pin.value() == button["pressed"]:
            if self.clock.now_us() >= until_us:
                return True
            await self.clock.sleep_until(self.clock.now_us() + _BUTTON_POLL_US)
        return False

    def reset(self) -> None:
        machine.reset()

    def console(self) -> None:
        # MicroPython's prompt, until the next reset.
        if self._own_time:
            machine.console()  # type: ignore[attr-defined]
        else:
            micropython.kbd_intr(3)
