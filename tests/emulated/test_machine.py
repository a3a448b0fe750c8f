"""`machine` and time on QEMU_M4F: the rig's pins, buses and clock, as the firmware finds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from resonode_hil import BusFaults, Lockstep, Still
from resonode_hil.bus import Nack
from resonode_hil.emulated import EmulatedBoard, compile_files
from resonode_hil.sensors.iis3dwb import Iis3dwb
from tests.emulated.conftest import BareFactory
from tests.emulated.repl import DeviceError, Repl

ROOT = Path(__file__).resolve().parents[2]
RISES_US = 5_000

IMPORTS = """
import asyncio, machine, time
from machine import I2C, Pin, SPI
from time import ticks_diff, ticks_us
"""


class Line:
    """A chip whose line rises at a time, and falls when it is read. Its registers are all 0x5A."""

    def __init__(self, rises_us: int = RISES_US) -> None:
        self._rises_us: int | None = rises_us
        self._high = False
        self.heard: list[bytes] = []

    def spi(self, write: bytes, n_read: int) -> bytes:
        self.heard.append(write)
        if n_read:
            self._high, self._rises_us = False, None
        return b"\x5a" * n_read

    def advance(self, t_us: int) -> None:
        self._high = self._rises_us is not None and t_us >= self._rises_us

    def irq(self) -> bool:
        return self._high

    def next_irq_us(self) -> int | None:
        return None if self._high else self._rises_us


class Memory:
    """An I2C chip with registers that hold their own addresses until they are written."""

    def __init__(self) -> None:
        self._bytes = bytearray(range(256))

    def i2c(self, write: bytes, n_read: int) -> bytes:
        at = write[0] if write else 0
        if at == 0xFF:
            raise Nack
        for offset, byte in enumerate(write[1:]):
            self._bytes[at + offset] = byte
        return bytes(self._bytes[at : at + n_read])

    def advance(self, t_us: int) -> None:
        pass


# ---- time ----


def test_time_is_the_rigs_and_stands_still_while_the_board_works(bare: BareFactory) -> None:
    board, repl = bare(timebase=Lockstep())
    code = """
start = ticks_us()
for _ in range(100000): pass
print(ticks_diff(ticks_us(), start))
time.sleep_us(123)
print(ticks_diff(ticks_us(), start))
async def nap():
    await asyncio.sleep_ms(250)
asyncio.run(nap())
print(ticks_diff(ticks_us(), start) // 1000, ticks_us())
"""
    worked, slept, napped, now_us = map(int, repl.run(IMPORTS + code).split())
    assert (worked, slept, napped) == (0, 123, 250)
    assert board.timebase.now_us() == now_us


def test_time_goes_on_while_the_board_works_where_the_rigs_does(bare: BareFactory) -> None:
    _, repl = bare()
    code = """
start = ticks_us()
while ticks_diff(ticks_us(), start) < 20000: pass
print('over')
"""
    assert repl.run(IMPORTS + code) == "over\n"


def test_a_byte_on_the_console_ends_the_longest_wait(bare: BareFactory) -> None:
    _, repl = bare(timebase=Lockstep())
    repl.start("import micropython, sys\nmicropython.kbd_intr(-1)\nprint(sys.stdin.buffer.read(1))")
    repl.send(b"\x03")
    assert repl.receive(7) == b"b'\\x03'"


def test_a_date_goes_on_with_the_rigs_time(bare: BareFactory) -> None:
    _, repl = bare(timebase=Lockstep())
    code = "import time\nbefore = time.time()\ntime.sleep(3600)\nprint(time.time() - before)"
    assert repl.run(code).strip() == "3600"


# ---- pins and SPI ----


def test_a_rising_line_calls_its_handler_at_that_time_and_once(bare: BareFactory) -> None:
    _, repl = bare(chips={0: Line(), 3: Line(2 * RISES_US)}, timebase=Lockstep())
    code = """
seen = []
for n in (8, 11):
    Pin(n, Pin.IN).irq(lambda pin: seen.append((str(pin), pin.value(), ticks_us())), Pin.IRQ_RISING)
time.sleep_ms(20)
print(seen)
"""
    wanted = [("Pin(8)", 1, RISES_US), ("Pin(11)", 1, 2 * RISES_US)]
    assert repl.run(IMPORTS + code).strip() == str(wanted)


def test_a_read_lets_the_line_fall_which_calls_whom_it_concerns(bare: BareFactory) -> None:
    chip = Line()
    _, repl = bare(chips={0: chip}, timebase=Lockstep())
    code = """
seen = []
line, cs, spi, data = Pin(8, Pin.IN), Pin(0, Pin.OUT, value=1), SPI(0, baudrate=1), bytearray(4)
line.irq(seen.append, Pin.IRQ_FALLING)
time.sleep_ms(6)
print(line.value(), seen)
cs(0); spi.write(b'\\x0f'); spi.readinto(data); cs(1)
time.sleep_ms(1)  # handlers run between two bytecodes
print(data, line(), seen)
line.irq(None)
cs(0); spi.write(b'one'); spi.write(b'two'); cs(1)
"""
    high, low = repl.run(IMPORTS + code).splitlines()
    assert high == "1 []"
    assert low == "bytearray(b'ZZZZ') 0 [Pin(8)]"
    # What is written until the read, or the end, is one transaction.
    assert chip.heard == [b"\x0f", b"onetwo"]


def test_the_button_is_a_line(bare: BareFactory) -> None:
    board, repl = bare()
    value = "import machine\nprint(machine.Pin(15, machine.Pin.IN).value())"
    assert repl.run(value) == "0\n"
    board.hold_button()
    assert repl.run("import time\ntime.sleep_ms(5)\n" + value) == "1\n"


def test_a_refused_transfer_is_an_oserror_and_the_next_one_works(bare: BareFactory) -> None:
    _, repl = bare(chips={0: Line(), 1: Line()}, faults=BusFaults(refused={0: 5}))
    use = "cs(0); spi.write(b'x'); spi.readinto(data); cs(1)\nprint(data)"
    setup = IMPORTS + "spi, data = SPI(0), bytearray(2)\ncs = Pin({}, Pin.OUT, value=1)\n"
    with pytest.raises(DeviceError, match=r"OSError: \[Errno 5\] EIO"):
        repl.run(setup.format(0) + use)
    assert repl.run(setup.format(1) + use).strip() == "bytearray(b'ZZ')"


@pytest.fixture(scope="module")
def prompt(stock_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repl]:
    """Of one board for those who leave it as it is."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "nothing").mkdir()
    with EmulatedBoard(folder, files=folder / "nothing") as board, Repl(board.port) as repl:
        yield repl


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("Pin(16)", "pins are 0 to 15"),
        ("Pin(8).value(1)", "an interrupt line is an input"),
        ("Pin(0).irq(print)", "a chip select is an output"),
        ("SPI(1)", "there is SPI 0 alone"),
        ("SPI(0).write(bytes(65))", "more than 64 bytes"),
        ("SPI(0).write_readinto(bytes(2), bytearray(2))", "writing and reading at once"),
        ("I2C(1)", "there is I2C 0 alone"),
        ("machine.UART(0)", "UART 1 is a sensor's, UART 2 the radio"),
    ],
)
def test_what_the_board_has_not_is_refused_in_words(prompt: Repl, code: str, why: str) -> None:
    with pytest.raises(DeviceError, match=why):
        prompt.run(IMPORTS + code)


# ---- I2C ----


def test_i2c_finds_reads_and_writes_chips_and_tells_of_absent_ones(bare: BareFactory) -> None:
    _, repl = bare(i2c={0x10: Memory(), 0x62: Memory()})
    code = """
i2c = I2C(0, freq=100000)
print(i2c.scan())
i2c.writeto_mem(0x62, 3, b'ab')
print(i2c.readfrom_mem(0x62, 2, 4), i2c.readfrom(0x62, 2), i2c.writeto(0x10, b'xyz'))
into = bytearray(2)
i2c.readfrom_mem_into(0x10, 0x78, into)
print(into)
for address, data in ((0x11, b'x'), (0x62, b'\\xff')):
    try:
        i2c.writeto(address, data)
    except OSError as error:
        print(error)
"""
    assert repl.run(IMPORTS + code).splitlines() == [
        "[16, 98]",
        r"b'\x02ab\x05' b'\x00\x01' 3",
        "bytearray(b'yz')",
        "[Errno 19] ENODEV",
        "[Errno 19] ENODEV",
    ]


# ---- a sensor's serial line ----


class Echo:
    """A serial device that sends back what it got, 20 ms later."""

    def __init__(self) -> None:
        self._heard = b""
        self._t_us = self._ready_us = 0

    def receive(self, data: bytes) -> None:
        self._heard += data
        self._ready_us = self._t_us + 20_000

    def transmit(self, most: int) -> bytes:
        if self._t_us < self._ready_us:
            return b""
        answer, self._heard = self._heard[:most], self._heard[most:]
        return answer

    def advance(self, t_us: int) -> None:
        self._t_us = t_us


def test_a_sensors_uart_keeps_what_has_come_until_it_is_read(bare: BareFactory) -> None:
    _, repl = bare(uart={1: Echo()}, timebase=Lockstep())
    code = """
SENT = bytes(range(200)) * 2
uart = machine.UART(1, baudrate=9600)
print(uart.any(), uart.read(), uart.write(SENT))
time.sleep_ms(20)
print(uart.any() > 0, uart.read(3), uart.read(150) + uart.read() == SENT[3:])
patient = machine.UART(1, timeout=100)
patient.write(b'hello')
print(patient.read(5), ticks_us() // 1000)
"""
    nothing, something, waited = repl.run(IMPORTS + code).splitlines()
    assert nothing == "0 None 400"
    assert something == r"True b'\x00\x01\x02' True"
    assert waited == "b'hello' 40"


# ---- the firmware's own wait ----

WAIT = """
import asyncio, time
from firmware.board import PinInterrupt
from firmware.clock import Clock
clock = Clock()
turns = 0
async def count():
    global turns
    while True:
        turns += 1
        await asyncio.sleep_ms(0)
async def main():
    line = PinInterrupt(8, clock)
    for wait_us in WAITS:
        found = await line.wait(clock.now_us() + wait_us)
        print(found, time.ticks_us())
    late = asyncio.create_task(count())
    for _ in range(3):
        found = await line.wait(clock.now_us() + 1000)
    print(found, turns)
asyncio.run(main())
"""


def run_wait(bare: BareFactory, tmp_path: Path, *waits_us: int) -> list[str]:
    files = tmp_path / "files"
    names = [f"firmware/{name}.py" for name in ("__init__", "board", "clock")]
    compile_files({name: ROOT / name for name in names}, files)
    _, repl = bare(files, chips={0: Line()}, timebase=Lockstep())
    return repl.run(WAIT.replace("WAITS", str(waits_us))).splitlines()


def test_a_wait_for_a_line_ends_when_it_rises_or_its_time_is_over(
    bare: BareFactory, tmp_path: Path
) -> None:
    first, second, third, late = run_wait(bare, tmp_path, 2_000, 2_000, 50_000)
    assert (first, second, third) == ("False 2000", "False 4000", f"True {RISES_US}")
    # Whose line is high already lets the others have their turns all the same.
    found, turns = late.split()
    assert found == "True" and int(turns) >= 2


PULSES = """
import time
from firmware import board
from firmware.clock import Clock
class Later:
    # The port's own time, some minutes later.
    ahead_us = 0
    def ticks_us(self):
        return (time.ticks_us() + self.ahead_us) & 0x3fffffff
    def ticks_diff(self, end, start):
        return time.ticks_diff(end, start)
board.time = later = Later()
clock = Clock(later)
pulses = board.PinPulses(8, clock)
print(pulses.read())
time.sleep_ms(100)
seen = pulses.read()
print(seen)
for _ in range(20):
    later.ahead_us += 60000000
    assert pulses.read() == seen, pulses.read()
    clock.now_us()
print(clock.now_us() // 60000000)
"""


def test_a_pulse_keeps_its_time_while_none_comes_for_longer_than_ticks_tell(
    bare: BareFactory, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    names = [f"firmware/{name}.py" for name in ("__init__", "board", "clock")]
    compile_files({name: ROOT / name for name in names}, files)
    _, repl = bare(files, chips={0: Line()}, timebase=Lockstep())
    none, one, minutes = repl.run(PULSES).splitlines()
    assert (none, minutes) == ("(0, 0)", "20")
    # Its clock began when it was made, a little after the line's.
    count, t_us = one.strip("()").split(", ")
    assert count == "1" and RISES_US - 1000 <= int(t_us) <= RISES_US


# ---- the whole: a sensor's bursts ----


def test_two_runs_see_exactly_the_same_sensor(bare: BareFactory, tmp_path: Path) -> None:
    code = """
spi, cs, flag = SPI(0, baudrate=10000000), Pin(0, Pin.OUT, value=1), asyncio.ThreadSafeFlag()
Pin(8, Pin.IN).irq(lambda _: flag.set(), Pin.IRQ_RISING)
image = bytearray(7 * 100)
def write(register, value):
    cs(0); spi.write(bytes((register, value))); cs(1)
async def naps():
    while True:
        await asyncio.sleep_ms(3)
async def main():
    asyncio.create_task(naps())
    # FIFO of 100 words at 26.7 kHz, its threshold on INT1, the sensor on.
    for register, value in ((7, 100), (9, 0x0A), (0x0D, 0x08), (0x10, 0xA0), (0x0A, 0x06)):
        write(register, value)
    for _ in range(20):
        await flag.wait()
        cs(0); spi.write(b'\\xf8'); spi.readinto(image); cs(1)
        print(ticks_us(), sum(image))
asyncio.run(main())
"""
    told = []
    for name in ("one", "two"):
        directory = tmp_path / name
        _, repl = bare(chips={0: Iis3dwb(Still())}, timebase=Lockstep(), directory=directory)
        told.append(repl.run(IMPORTS + code))
    assert told[0] == told[1]
    times_us = [int(line.split()[0]) for line in told[0].splitlines()]
    steps_us = [after - before for before, after in zip(times_us, times_us[1:], strict=False)]
    # 100 samples, to the microsecond in which the line is seen, and to the chip's own rate.
    assert all(abs(step_us - 100 * 37.5) <= 0.1 * 3750 for step_us in steps_us)
    assert len(set(steps_us)) <= 2
