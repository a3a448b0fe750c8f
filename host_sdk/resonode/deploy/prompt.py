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
from collections.abc import Callable, Iterator
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
# What on_board/main.py waits for, for 0.5 s after a reset; MicroPython's prompt opens by it too.
_KNOCK = b"\r\x03\x03\x01"
_KNOCK_S = 0.04
_AT_ONCE_S = 0.25
_POLL_S = 0.01
_PIECE = 2160  # bytes sent at once: 2880 characters of base64, a few blocks of a board's heap
_RAW = b"raw REPL; CTRL-B to exit\r\n"


class Prompt:
    """`with Prompt(port) as prompt: facts = prompt.call("probe")`. The board is reset at the end.

    Args:
        timeout_s: how long the board is knocked at. Whoever presses its reset button meanwhile
            gets in, unless it has an owner or its label was taken.
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
        self._open = False

    def __enter__(self) -> Prompt:
        from mpremote.transport_serial import SerialTransport

        open_port(self._port).close()  # clearer errors than mpremote's
        with _told():
            self._transport = SerialTransport(address_of(self._port), timeout=_READ_S)
        try:
            self._enter()
            with _told():
                # Ctrl-D at the raw prompt: a new heap, and main.py does not run.
                self._transport.enter_raw_repl(soft_reset=True)
            self.run((ON_BOARD / "receiver.py").read_text(encoding="utf-8"))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A prompt that is left open is anybody's; firmware that has the port is left alone.
        if self._open:
            with contextlib.suppress(Exception):
                self.restart()
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(Exception):
            self._transport.close()

    def _enter(self) -> None:
        with _told():
            opened, heard = _knock(self._transport.serial, self._timeout_s, self._on_wait)
        if not opened:
            raise Timeout(
                "MicroPython's prompt did not come",
                why="the firmware has the port, or there is no MicroPython on the board"
                if heard
                else "nothing came at all",
                next="Press the board's reset button while this waits. A node with an owner or a "
                "printed label gives its prompt to its owner only: resonode node console, or hold "
                "its button for 5 s at a start; if it stays silent: resonode flash",
            )
        self._open = True

    def run(self, code: str) -> str:
        """Return what `code` prints."""
        with _told():
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
        with _told():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self._open = False

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


def is_open(port: str) -> bool:
    """Whether the board shows its prompt to whoever knocks now.

    Raises:
        NodeNotFound, PortBusy, PortForbidden: the port cannot be opened.
        Disconnected: the board went away.
    """
    with contextlib.closing(open_port(port)) as serial, _told():
        return _knock(serial, _AT_ONCE_S, lambda: None)[0]


def _knock(serial: Any, timeout_s: float, on_wait: Callable[[], None]) -> tuple[bool, bytes]:
    """Knock again and again, since a board that boots does not listen yet.

    Returns whether the prompt came, and the last of what came instead.
    """
    begun_s = time.monotonic()
    told, got = False, b""
    while time.monotonic() - begun_s <= timeout_s:
        serial.write(_KNOCK)
        until_s = time.monotonic() + _KNOCK_S
        while time.monotonic() < until_s:
            waiting = serial.in_waiting
            got = (got + (serial.read(waiting) if waiting else b""))[-4096:]
            if _RAW in got:
                return True, got
            time.sleep(0.005)
        if time.monotonic() - begun_s > _AT_ONCE_S and not told:
            told = True
            on_wait()
    return False, got


@contextlib.contextmanager
def _told() -> Iterator[None]:
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
