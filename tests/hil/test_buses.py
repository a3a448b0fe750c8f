"""I2C, UART and several tasks that wait, as `machine` has them on a virtual board."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from resonode_hil import Lockstep
from resonode_hil.board import VirtualBoard
from resonode_hil.bus import Nack
from resonode_hil.staging import stage


class Register:
    """An I2C chip: a read gives what was written last, again and again."""

    def __init__(self) -> None:
        self.written = b""

    def i2c(self, write: bytes, n_read: int) -> bytes:
        if write == b"\xff":
            raise Nack
        self.written = write or self.written
        return (self.written * n_read)[:n_read]

    def advance(self, t_us: int) -> None:
        pass


class Backwards:
    """A serial device that sends back what it got, last byte first."""

    def __init__(self) -> None:
        self._out = b""

    def receive(self, data: bytes) -> None:
        self._out += data[::-1]

    def transmit(self, most: int) -> bytes:
        out, self._out = self._out[:most], self._out[most:]
        return out

    def advance(self, t_us: int) -> None:
        pass


@pytest.fixture
def said(tmp_path: Path) -> list[str]:
    staged = tmp_path / "staged"
    stage(staged)
    shutil.copy(Path(__file__).parent / "probes" / "bus_probe.py", staged / "bus_probe.py")
    board = VirtualBoard(
        tmp_path / "board",
        timebase=Lockstep(),
        staged=staged,
        entry="bus_probe",
        i2c={0x62: Register()},
        uart={1: Backwards()},
    )
    board.start()
    patience_ends_s = time.monotonic() + 10
    while board.running and time.monotonic() < patience_ends_s:
        time.sleep(0.01)
    board.stop()
    return board.log_path.read_text().splitlines()


def test_i2c_finds_reads_and_writes_chips_and_tells_of_absent_ones(said: list[str]):
    assert "scan [98]" in said
    assert r"read b'\x10 \x10 '" in said
    assert "refused 19" in said


def test_uart_keeps_what_has_come_until_it_is_read(said: list[str]):
    assert "any 0 None" in said
    assert "uart 5 b'oll' b'eh' None" in said


def test_tasks_wait_at_the_same_time_and_transfers_go_between(said: list[str]):
    echoes = [line for line in said if line.startswith("echo")]
    assert echoes == [f"echo {bytes([at]) * 3!r}" for at in range(5)]
    woken = [line.rsplit(" ", 1) for line in said if line.startswith("woke")]
    assert [name for name, _t_us in woken] == ["woke early", "woke late", "woke late too"]
    due_us = (2500, 9000, 9000)
    for (_name, t_us), due in zip(woken, due_us, strict=True):
        assert due <= int(t_us) < due + 1000  # at most a transfer later
    assert said[-1] == "done"
