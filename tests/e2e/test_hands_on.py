"""What a person at the machine can do: press the button, look for the light, get the prompt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from resonode_hil.board import VirtualBoard
from resonode_wire import security, smp
from resonode_wire.security import ROLE_OWNER
from resonode_wire.smp import WRITE
from tests.crypto.peers import Host, Owner, Refused
from tests.e2e.serial_door import SerialDoor


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path, {}, profile=security.CLOSED) as started:
        yield started


def claim(board: VirtualBoard, owner: Owner) -> str:
    """Return the label's code."""
    with SerialDoor(board) as door:
        code = str(door.ask(smp.READ, smp.GROUP_SECURITY, smp.SEC_LABEL)["code"])
        host = Host(door)
        host.come_with_code(code)
        host.claim_for(owner)
    return code


def test_the_button_held_at_start_frees_the_node_and_keeps_its_identity(board: VirtualBoard):
    owner = Owner()
    code = claim(board, owner)
    with SerialDoor(board) as door:
        fingerprint = door.fingerprint
        host = Host(door)
        host.come_with(owner.credential(host, ROLE_OWNER))
        host.ask(WRITE, smp.GROUP_NODE, smp.NODE_CONFIG, {"config": {"axes": "z"}})
    board.kill()
    board.hold_button()
    board.start()
    with SerialDoor(board) as door:
        door.wait_for_line("the button was held")
        hello = door.hello()
        assert not hello["claimed"] and hello["fp"] == fingerprint and hello["epoch"] == 2
        host = Host(door)
        host.come_with_code(code)
        settings = host.ask(smp.READ, smp.GROUP_NODE, smp.NODE_CONFIG)["config"]
        assert settings["axes"] == "xyz"


def test_a_button_that_is_let_go_too_soon_does_nothing(board: VirtualBoard):
    claim(board, Owner())
    board.kill()
    board.hold_button()
    board.start()
    time.sleep(0.5)
    board.hold_button(False)
    with SerialDoor(board) as door:
        assert door.hello()["claimed"]


def test_identify_says_on_the_console_which_node_it_is(board: VirtualBoard):
    with SerialDoor(board) as door:
        door.ask(WRITE, smp.GROUP_SECURITY, smp.SEC_IDENTIFY, {"seconds": 3})
        assert board.node_id in door.wait_for_line("identify")


def test_the_port_has_no_prompt_before_or_after_the_claim(board: VirtualBoard):
    for _ in range(2):
        with serial.Serial(board.port, timeout=0.3) as port:
            port.write(b"\x03\x03\r\n\x01print(6*7)\x04\x02\r\nprint(6*7)\r\n")
            assert b"42" not in port.read(2000)
        claim_once(board)


def claim_once(board: VirtualBoard) -> None:
    with SerialDoor(board) as door:
        if door.hello()["claimed"]:
            return
    claim(board, Owner())


def test_the_owner_gets_the_prompt_once_and_nobody_else_does(board: VirtualBoard):
    owner = Owner()
    claim(board, owner)
    with SerialDoor(board) as door:
        with pytest.raises(Refused):
            door.ask(WRITE, smp.GROUP_SECURITY, smp.SEC_CONSOLE)
        host = Host(door)
        host.come_with(owner.credential(host, ROLE_OWNER))
        host.secure(WRITE, smp.SEC_CONSOLE)
    with serial.Serial(board.port, timeout=0.1) as port:
        assert b"42" in answer_to(port, b"print(6*7)\r\n", b"42")
        port.write(b"\x04")  # ends the prompt; the node comes back
        answer_to(port, b"", b"Resonode")
    with SerialDoor(board) as door:
        assert door.hello()["claimed"]


def answer_to(port: serial.Serial, line: bytes, expected: bytes) -> bytes:
    """Write `line` until `expected` comes."""
    seen = b""
    patience_ends_s = time.monotonic() + 10
    while expected not in seen and time.monotonic() < patience_ends_s:
        port.write(line)
        seen += port.read(4096)
    return seen
