"""The process of a command: Ctrl-C and SIGTERM end it with one line and a code, whenever they come.

While our own modules are imported there is nothing to put in order, and a half-done import is no
place for an exception: it ends at once. Later a command cleans up behind itself.
"""

from __future__ import annotations

import os
import signal
import sys

from resonode.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

_LINES = {EXIT_INTERRUPTED: "Interrupted.", EXIT_TERMINATED: "Ended by SIGTERM."}
_CODES = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}


def main() -> NoReturn:
    """Run the command line and exit."""
    _on_signals(dict.fromkeys(_CODES, _end_at_once))
    from resonode.cli import app

    sys.unraisablehook = _unraisable
    try:
        # Python's own for Ctrl-C: asyncio.run and click know it.
        _on_signals({signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _end_in_order})
        app.main()
    except SystemExit as end:
        _on_signals(dict.fromkeys(_CODES, _end_at_once))  # Python may take a moment to end
        if isinstance(end.code, int) and end.code in _LINES:
            # All is in order. What Python would still say is of what it had only half made.
            _end(end.code)
        raise


def _on_signals(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell starts what is not to hear
            signal.signal(number, handler)


def _end_at_once(number: int, _frame: Any) -> None:
    _end(_CODES[signal.Signals(number)])


def _end(code: int) -> NoReturn:
    os.write(2, f"{_LINES[code]}\n".encode())
    os._exit(code)


def _end_in_order(number: int, _frame: Any) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not disturb the end
    raise SystemExit(EXIT_TERMINATED)


def _unraisable(what: Any) -> None:
    """A signal may strike where Python drops exceptions, such as in a destructor."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        _end_at_once(signal.SIGINT, None)
    if isinstance(what.exc_value, SystemExit):
        _end_at_once(signal.SIGTERM, None)
    sys.__unraisablehook__(what)


def signal_behind(error: BaseException) -> int | None:
    """Return the exit code of the signal that an error comes from, if it comes from one.

    What is imported when it is needed may be struck too, and some of it raises errors of its own
    for whatever fails: Python 3.11 does so while it makes a class.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return EXIT_INTERRUPTED
        if isinstance(cause, SystemExit) and cause.code == EXIT_TERMINATED:
            return EXIT_TERMINATED
        cause = cause.__cause__ or cause.__context__
    return None
