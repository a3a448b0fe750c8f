"""A node's door in this process, the firmware's own code, with a clock that tests move."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from resonode_wire import security, smp
from tests.crypto import host_crypto
from tests.crypto.peers import Host, Owner, answer_of, request

sys.modules.setdefault("crypto", host_crypto)

from firmware import config  # noqa: E402  # after its native module
from firmware.access import Access, Trust  # noqa: E402
from firmware.counters import Counters  # noqa: E402
from firmware.session import Session  # noqa: E402


class Store:
    """The records of a node that makes none."""

    first = next = 0

    def acknowledge(self, seq: int) -> None:
        """Take it as it is."""


class DoorNode:
    """A node as its commands see it, and its one door: `handle`."""

    node_id = "91b7584a2265b1f5"

    def __init__(self, folder: Path, profile: str = security.CLOSED) -> None:
        self.folder = folder
        self.profile = profile
        self.time_s = 1000.0
        self.counters = Counters()
        self.store = Store()
        self.streams_ended = 0
        self.forgot = 0
        self.consoles = 0
        self.blinked = 0
        self.reported: list[Exception] = []
        self.start()

    def start(self) -> None:
        """Start, or start again: only what is in flash is left."""
        self.trust = Trust(
            self.node_id, "0.1.0", self.profile, lambda: self.time_s, f"{self.folder}/"
        )
        self.wall_clock = self.trust.wall_clock
        self.config = config.defaults()
        self.access = Access(self.trust)
        self.access.on_end = self._stream_ended
        self.session = Session(self, self, self.access)

    @property
    def fingerprint(self) -> bytes:
        return self.trust.vault.fingerprint

    def ask(self, op: int, group: int, command: int, body: dict[str, Any] | None = None) -> Any:
        """Ask without a session. Raises Refused."""
        return answer_of(self.session.handle(request(op, group, command, body)))

    def hello(self) -> dict[str, Any]:
        return self.ask(smp.READ, smp.GROUP_SECURITY, smp.SEC_HELLO)

    # what commands need of a node

    def info(self) -> dict[str, Any]:
        return {"node": self.node_id}

    def tasks(self) -> dict[str, int]:
        return {}

    def report(self, _task: str, error: Exception) -> None:
        self.reported.append(error)

    def request_reset(self) -> None:
        pass

    def request_console(self) -> None:
        self.consoles += 1

    def configure(self, changes: dict[str, Any]) -> None:
        self.config = config.changed(self.config, changes)

    def stream(self, on: bool, start: int) -> dict[str, int]:
        return {"first": start, "next": 0}

    def identify(self, seconds: int) -> None:
        self.blinked = seconds

    def forget_owner(self) -> None:
        self.forgot += 1

    calibration: ClassVar[dict[str, Any]] = {"calibrated": False}
    self_test: ClassVar[dict[str, Any]] = {"state": "none"}

    def request_waveform(self, count: int, axes: list[int]) -> dict[str, int]:
        return {"capture": 1, "start": 0, "total": count}

    def _stream_ended(self) -> None:
        self.streams_ended += 1


def claimed(folder: Path, owner: Owner) -> DoorNode:
    """Return a node that `owner` has claimed, started again since."""
    node = DoorNode(folder)
    host = Host(node)
    host.come_with_code(node.trust.code())
    host.claim_for(owner)
    node.start()
    return node
