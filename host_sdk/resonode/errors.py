"""Everything the SDK raises on purpose.

NodeError                 1   the root: catch this to catch all of it
  TransportError          7   bytes do not get through
    NodeNotFound          3   there is no such port, or nothing listens there
    PortBusy              4   another program holds the port
    PortForbidden         5   the user may not open the port
    Timeout               6   the port is open, the node does not answer
    Disconnected          7   the link dropped while it was in use
  CommandError            8   the node understood and refused: .code, .reason
  ProtocolError           9   the node answered in a way this version cannot read
  StoreError             10   a file, folder or database cannot be read or written
    StoreFull            10   no room left on its disk
  Incomplete             11   part of the work was done
  RecordingError         12   a recording has the wrong form
  NotTrusted             13   a key is not the one expected, or no credential lets you in
  Claimed                14   the node has an owner already
  LockedOut              15   too many wrong attempts: the node waits
  ClockUntrusted         16   this computer's clock, or the node's, cannot be right
  VerifyFailed           17   something signed or chained was changed
  DoesNotFit             18   image, firmware or files are not for this board
  CheckFailed            19   a sensor or its mount is not as it should be
  MissingExtra            1   an optional package is not installed

The number is the exit code of the command line, `exit_code` here. Every error says what
happened, why, and what to do next.
"""

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
EXIT_TERMINATED = 143


class NodeError(Exception):
    """The root of the tree. `what` happened, `why` if known, and what to do `next`."""

    exit_code = EXIT_FAILURE

    def __init__(self, what: str, *, why: str = "", next: str = "") -> None:
        self.what = what
        self.why = why
        self.next = next
        super().__init__(what, why, next)

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}. {self.next}" if self.next else text


class TransportError(NodeError):
    """Bytes do not get through to the node."""

    exit_code = 7


class NodeNotFound(TransportError):
    """There is no such port, or nothing listens there."""

    exit_code = 3


class PortBusy(TransportError):
    """Another program holds the port."""

    exit_code = 4


class PortForbidden(TransportError):
    """The user may not open the port."""

    exit_code = 5


class Timeout(TransportError):
    """The link is open, but nothing came in time."""

    exit_code = 6


class Disconnected(TransportError):
    """The link dropped. Records not yet acknowledged stay on the node."""


class ProtocolError(NodeError):
    """The node answered in a way this version cannot read."""

    exit_code = 9


class CommandError(NodeError):
    """The node understood and refused. `code` is its SMP return code, `reason` its text."""

    exit_code = 8

    def __init__(self, what: str, *, code: int, reason: str = "", next: str = "") -> None:
        super().__init__(what, why=reason or f"code {code}", next=next)
        self.code = code
        self.reason = reason


class StoreError(NodeError):
    """A file, folder or database cannot be read or written, or is not there."""

    exit_code = 10


class StoreFull(StoreError):
    """No room is left on the disk. Everything committed earlier is intact."""


class Incomplete(NodeError):
    """Part of the work was done; the text says which."""

    exit_code = 11


class RecordingError(NodeError):
    """A recording has the wrong form."""

    exit_code = 12


class NotTrusted(NodeError):
    """A node's or a host's key is not the one expected, or no credential lets you in."""

    exit_code = 13


class Claimed(NodeError):
    """The node has an owner already; the text says which."""

    exit_code = 14


class LockedOut(NodeError):
    """Too many wrong attempts: the node takes none for a while; the text says how long."""

    exit_code = 15


class ClockUntrusted(NodeError):
    """A clock cannot be right, so nothing that depends on the date can be judged."""

    exit_code = 16


class VerifyFailed(NodeError):
    """Something signed or chained is not as it was written."""

    exit_code = 17


class CheckFailed(NodeError):
    """A sensor, or how it is mounted, is not as it should be."""

    exit_code = 19


class DoesNotFit(NodeError):
    """An image, firmware or files are not for this board: chip, version, ABI or size."""

    exit_code = 18


class MissingExtra(NodeError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}",
            why="it is not installed",
            next=f"Install it with: pip install 'resonode[{extra}]'",
        )
