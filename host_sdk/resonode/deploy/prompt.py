"""MicroPython's raw prompt on a port, by mpremote's transport.

The only module that knows mpremote.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from resonode.errors import (
    CommandError,
    Disconnected,
    MissingExtra,
    NodeError,
    Timeout,
    TransportError,
)
from resonode.link import address_of, open_port

ON_BOARD = Path(__file__).parent / "on_board"

_READ_S = 2.0  # one read of the port; a board that thinks longer is read again
_ANSWER_S = 30.0
# A board listens from its reset until the firmware takes the port, which may be 0.2 s only.
_KNOCK_S = 0.04
_AT_ONCE_S = 0.25
_POLL_S = 0.01
_PIECE = 2160  # bytes sent at once: 2880 characters of base64, a few blocks of a board's heap
_RAW = b"raw REPL; CTRL-B to exit\r\n"


class Prompt:
    """`with Prompt(port) as prompt: facts = prompt.call("probe")`.

    Args:
        timeout_s: how long the board is knocked at. Whoever presses its reset button meanwhile
            gets in, even if the firmware has the port.
        on_wait: called once, when it does not open at once.

    Raises:
        Timeout: no prompt came.
        Disconnected: the board went away.
        CommandError: what ran on the board raised; the text is its own.
    """

    def __init__(
        self, port: str, timeout_s: float = 30.0, on_wait: Callable[[], None] = lambda: None
    ) -> None:
        if importlib.util.find_spec("mpremote") is None:
            raise MissingExtra("mpremote", "deploy", "Talking to MicroPython's prompt")
        self._port = port
        self._timeout_s = timeout_s
        self._on_wait = on_wait

    def __enter__(self) -> Prompt:
        from mpremote.transport_serial import SerialTransport

        open_port(self._port).close()  # clearer errors than mpremote's
        with self._told():
            self._transport = SerialTransport(address_of(self._port), timeout=_READ_S)
        try:
            self._knock()
            with self._told():
                # Ctrl-D at the raw prompt: a new heap, and main.py does not run.
                self._transport.enter_raw_repl(soft_reset=True)
            self.run((ON_BOARD / "receiver.py").read_text(encoding="utf-8"))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(Exception):
            self._transport.close()

    def _knock(self) -> None:
        """Ctrl-C, Ctrl-A, again and again: a board that boots does not listen yet."""
        serial = self._transport.serial
        begun_s = time.monotonic()
        told, got = False, b""
        with self._told():
            while True:
                serial.write(b"\r\x03\x03\x01")
                until_s = time.monotonic() + _KNOCK_S
                while time.monotonic() < until_s:
                    waiting = serial.in_waiting
                    got = (got + (serial.read(waiting) if waiting else b""))[-4096:]
                    if _RAW in got:
                        return
                    time.sleep(0.005)
                waited_s = time.monotonic() - begun_s
                if waited_s > self._timeout_s:
                    break
                if waited_s > _AT_ONCE_S and not told:
                    told = True
                    self._on_wait()
        raise Timeout(
            "MicroPython's prompt did not come",
            why="the firmware has the port, or there is no MicroPython on the board"
            if got
            else "nothing came at all",
            next="Press the board's reset button while this waits, or ask the node for its prompt: "
            "resonode node console; if it stays silent: resonode flash",
        )

    def run(self, code: str) -> str:
        """Return what `code` prints."""
        with self._told():
            printed, raised = self._transport.exec_raw(code, timeout=_ANSWER_S)
        if raised:
            last = raised.decode(errors="replace").strip().splitlines()[-1]
            raise CommandError("The board refused", code=1, reason=last, next=_mend(last))
        return str(printed.decode(errors="replace"))

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function of receiver.py, and return what it says."""
        listed = ", ".join(repr(one) for one in arguments)
        printed = self.run(f"{function}({listed})").strip()
        return json.loads(printed) if printed else None

    def send(self, path: str, data: bytes) -> None:
        """Write a file."""
        for at in range(0, max(1, len(data)), _PIECE):
            piece = base64.b64encode(data[at : at + _PIECE]).decode()
            self.call("put", path, "ab" if at else "wb", piece)

    def replace(self, path: str, data: bytes) -> None:
        """Write a small file as a whole, or not at all."""
        self.call("replace", path, base64.b64encode(data).decode())

    def restart(self) -> None:
        """Reset the board, as its button would."""
        with self._told():
            self._transport.exec_raw_no_follow("restart()")

    def listen(self, timeout_s: float, until: Callable[[str], bool]) -> str:
        """Return what the board says, until `until(all of it)` or the time is over."""
        deadline_s = time.monotonic() + timeout_s
        said = b""
        port = self._transport.serial
        while time.monotonic() < deadline_s and not until(said.decode(errors="replace")):
            try:
                said += port.read(port.in_waiting)
            except OSError:
                # The chip's own USB goes away at a reset, and comes back.
                port.close()
                with contextlib.suppress(TransportError):
                    port = self._transport.serial = open_port(self._port)
            time.sleep(_POLL_S)
        return said.decode(errors="replace")

    @contextlib.contextmanager
    def _told(self) -> Any:
        """Turn what mpremote and pyserial raise into our errors; keep mpremote's prints off."""
        from mpremote.transport import TransportError as NoAnswer

        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except OSError as error:
            raise Disconnected(
                "The board went away",
                why=str(error),
                next="Plug it in again; it starts what it had before",
            ) from error
        except (NoAnswer, NodeError) as error:
            if isinstance(error, NodeError):
                raise
            raise Timeout(
                "The prompt does not answer",
                why=str(error),
                next="Press the board's reset button, and do it again",
            ) from error


def _mend(raised: str) -> str:
    if "MemoryError" in raised:
        return "Reset the board, and do it again"
    if "28" in raised:  # ENOSPC
        return "Remove files of your own from the board: mpremote fs ls, mpremote fs rm"
    return "See what resonode doctor says"
