"""The process of a command: Ctrl-C and SIGTERM end it with one line and a code, whenever they come.

While our own modules are imported there is nothing to put in order, and a half-done import is no
place for an exception: it ends at once. Later a command cleans up behind itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from resonode.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

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
            print(_LINES[end.code], file=sys.stderr)
        raise


def _on_signals(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell starts what is not to hear
            signal.signal(number, handler)


def _end_at_once(number: int, _frame: Any) -> None:
    code = _CODES[signal.Signals(number)]
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
