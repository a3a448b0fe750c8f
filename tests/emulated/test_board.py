"""The board QEMU_M4F itself: what a chip has, and that it behaves like one."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resonode_hil.emulated import EmulatedBoard, read_flash
from resonode_hil.errors import BoardError
from resonode_wire import bus
from tests.emulated.conftest import BareFactory
from tests.emulated.repl import DeviceError, Repl

ROOT = Path(__file__).resolve().parents[2]
HEAP = 184 * 1024


def test_it_has_the_memory_of_an_nrf52840_and_loads_its_native_code(bare: BareFactory) -> None:
    _, repl = bare()
    total = int(repl.run("import gc\nprint(gc.mem_free() + gc.mem_alloc())"))
    # The collector's own tables are taken off: 3 bits for each block of 16 bytes.
    assert HEAP * (1 - 3 / 128) - 1024 < total < HEAP
    # 7: armv7emsp, in the table of py/persistentcode.h; 6 and 3: the version.
    assert repl.run("import sys\nprint(hex(sys.implementation._mpy))").strip() == "0x1f06"


def test_clock_sleep_select_and_asyncio(bare: BareFactory) -> None:
    _, repl = bare()
    code = """
import asyncio, select, sys, time
start = time.ticks_us()
async def naps():
    await asyncio.sleep_ms(40)
asyncio.run(naps())
time.sleep_ms(20)
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
print(poll.poll(10), time.ticks_diff(time.ticks_us(), start) >= 60000, time.time())
"""
    before_s = int(time.time())
    nothing, slept, epoch_s = repl.run(code).split()
    assert (nothing, slept) == ("[]", "True")
    assert before_s - 1 <= int(epoch_s) <= time.time() + 1


def test_random_numbers_come_from_outside_and_never_repeat(
    bare: BareFactory, tmp_path: Path
) -> None:
    seen = set()
    for name in ("one", "two"):
        _, repl = bare(directory=tmp_path / name)
        seen |= set(
            repl.run("import os\nprint(os.urandom(16).hex(), os.urandom(16).hex())").split()
        )
    assert len(seen) == 4


def test_files_survive_a_power_cut_and_a_restart(bare: BareFactory, tmp_path: Path) -> None:
    board, repl = bare()
    repl.run("with open('kept', 'w') as f: f.write('still here')")
    board.kill()
    board.start()
    with Repl(board.port) as again:
        assert again.run("print(open('kept').read())") == "still here\n"
    board.kill()
    read_flash(board.image, tmp_path / "out")
    assert (tmp_path / "out" / "kept").read_text() == "still here"


def test_power_cut_while_writing_leaves_the_old_or_the_new(
    bare: BareFactory, tmp_path: Path
) -> None:
    """As firmware/flash.py writes: beside the old file, then renamed over it."""
    board, repl = bare()
    write = """
import os
n = LAST
while True:
    n += 1
    with open('new', 'w') as f: f.write(str(n) * 999)
    os.rename('new', 'n')
"""
    last = 0
    for _ in range(5):
        repl.start(write.replace("LAST", str(last)))
        time.sleep(0.15)
        board.kill()
        read_flash(board.image, tmp_path / "out")
        text = (tmp_path / "out" / "n").read_text()
        number = text[: len(text) // 999]
        assert text == number * 999 and int(number) > last
        last = int(number)
        board.start()
        repl.enter()


def test_console_loses_no_byte(bare: BareFactory) -> None:
    _, repl = bare()
    echo = """
import micropython, sys
micropython.kbd_intr(-1)
for _ in range(64): sys.stdout.buffer.write(sys.stdin.buffer.read(1024))
micropython.kbd_intr(3)
"""
    data = os.urandom(65536)
    repl.start(echo)
    received = b""
    for at in range(0, len(data), 1024):
        repl.send(data[at : at + 1024])
        received += repl.receive(1024)
    assert received == data


def test_a_bus_transfer_larger_than_the_receiver_loses_no_byte(bare: BareFactory) -> None:
    _, repl = bare()
    count = bus.MAX_TRANSFER
    code = f"""
import machine
spi, cs, data = machine.SPI(0), machine.Pin(0, machine.Pin.OUT, value=1), bytearray({count})
cs(0); spi.readinto(data); cs(1)
print(data == b'\\xff' * {count})
"""
    # Nobody drives the line: all ones.
    assert repl.run(code).strip() == "True"


def test_radio_is_a_channel_of_its_own(bare: BareFactory) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        _, repl = bare(radio=theirs)
        ours.settimeout(10)
        ours.sendall(bytes(range(256)))
        code = "import machine\nradio = machine.UART(2, timeout=5000)\nradio.write(radio.read(256))"
        repl.run(code)
        echo = b""
        while len(echo) < 256:
            echo += ours.recv(256)
    assert echo == bytes(range(256))


def test_mpremote_works_on_it(bare: BareFactory, tmp_path: Path) -> None:
    board, repl = bare()
    repl.close()
    mpremote = [str(Path(sys.executable).with_name("mpremote")), "connect", board.port]
    (tmp_path / "sent").write_bytes(bytes(range(256)) * 20)
    copy = ["fs", "cp", str(tmp_path / "sent"), ":kept"]
    steps = [
        *copy,
        "+",
        "fs",
        "sha256sum",
        ":kept",
        "+",
        "exec",
        "import os; print(os.uname().machine)",
    ]
    done = subprocess.run([*mpremote, *steps], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(bytes(range(256)) * 20).hexdigest().encode() in done.stdout
    assert b"QEMU_M4F with Cortex-M4F" in done.stdout


def test_reset_begins_anew_and_keeps_the_port(bare: BareFactory) -> None:
    board, repl = bare()
    repl.run("forgotten = 1")
    repl.start("import machine\nmachine.reset()")
    repl.enter()
    with pytest.raises(DeviceError, match="NameError"):
        repl.run("print(forgotten)")
    assert board.restarts == 1


def test_endless_recursion_is_an_exception_and_not_a_fault(bare: BareFactory) -> None:
    board, repl = bare()
    with pytest.raises(DeviceError, match="RuntimeError: maximum recursion depth exceeded"):
        repl.run("def f(): f()\nf()")
    assert board.crashed is None and repl.run("print(1)") == "1\n"


def test_a_fault_ends_the_board_and_is_told(bare: BareFactory) -> None:
    board, repl = bare()
    repl.start("import machine\nmachine.mem32[0x60000000]")
    deadline_s = time.monotonic() + 10
    while board.running and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert board.crashed is not None and "exit code 6" in board.crashed
    assert "fault at 000" in board.crashed and "bfar 60000000" in board.crashed


def test_a_native_module_for_another_chip_is_refused(bare: BareFactory, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "dsp.mpy").write_bytes((ROOT / "build/natmod/x64/dsp.mpy").read_bytes())
    _, repl = bare(files)
    with pytest.raises(DeviceError, match=r"incompatible \.mpy"):
        repl.run("import dsp")


def test_an_image_without_filesystem_is_not_formatted(bare: BareFactory, tmp_path: Path) -> None:
    damaged = bytes(512 * 1024)
    image = tmp_path / "board" / "flash" / "flash.img"
    image.parent.mkdir(parents=True)
    image.write_bytes(damaged)
    with pytest.raises(BoardError, match="cannot write"):
        bare()
    assert image.read_bytes() == damaged


RIG = """
import sys, time
from pathlib import Path
from resonode_hil.emulated import EmulatedBoard
board = EmulatedBoard(sys.argv[1], files=Path(sys.argv[2]))
board.start()
print(board.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_emulator_outlives_its_rig(
    stock_build: Path, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "files").mkdir()
    command = [sys.executable, "-c", RIG, str(tmp_path / "board"), str(tmp_path / "files")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rig:
        assert rig.stdout is not None
        pid = int(rig.stdout.readline())
        assert alive(pid)
        os.kill(rig.pid, how)
        rig.wait(10)
    deadline_s = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_board_may_be_started_stopped_and_started_again(bare: BareFactory) -> None:
    board, _ = bare()
    board.stop()
    assert not board.running and isinstance(board, EmulatedBoard)
    board.start()
    with Repl(board.port) as repl:
        assert repl.run("print(2 + 2)") == "4\n"
