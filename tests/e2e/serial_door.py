"""A virtual board's door over its serial port, for tests.crypto.peers."""

from __future__ import annotations

import time
from typing import Any

import serial

from resonode_hil.board import VirtualBoard
from resonode_wire.frame import CHANNEL_SMP, TEXT, StreamDecoder, encode_frame
from resonode_wire.smp import GROUP_SECURITY, READ, SEC_HELLO
from tests.crypto.peers import answer_of, request

PATIENCE_S = 10.0


class NoAnswer(Exception):
    """The node did not answer."""


class SerialDoor:
    """Asks the node on the port of `board`, which must be on."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.log: list[str] = []
        self._port = serial.Serial(board.port, timeout=0.02, exclusive=True)
        self._decoder = StreamDecoder()

    def __enter__(self) -> SerialDoor:
        return self

    def __exit__(self, *error: object) -> None:
        self._port.close()

    @property
    def node_id(self) -> str:
        return self.board.node_id

    @property
    def fingerprint(self) -> bytes:
        return bytes(self.hello()["fp"])

    def hello(self) -> dict[str, Any]:
        return dict(self.ask(READ, GROUP_SECURITY, SEC_HELLO))

    def ask(self, op: int, group: int, command: int, body: dict[str, Any] | None = None) -> Any:
        """Raises Refused, or NoAnswer if the node dies or is silent."""
        self._port.write(encode_frame(CHANNEL_SMP, request(op, group, command, body)))
        patience_ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < patience_ends_s:
            for kind, payload in self.read():
                if kind == CHANNEL_SMP:
                    return answer_of(payload)
            if not self.board.running:
                break
        raise NoAnswer(self.board.crashed or "silence")

    def read(self) -> list[tuple[int, Any]]:
        """Return what has come, log lines (also kept) among it."""
        pieces = self._decoder.feed(self._port.read(4096))
        self.log += [payload for kind, payload in pieces if kind == TEXT]
        return pieces

    def wait_for_line(self, part: str) -> str:
        """Return the first log line with `part` in it."""
        patience_ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < patience_ends_s:
            for line in self.log:
                if part in line:
                    return line
            self.read()
        raise NoAnswer(f"no line with {part!r} among {self.log}")
