"""Resonode: condition monitoring with open sensor nodes.

    async with resonode.connect("serial:/dev/ttyACM0") as node:
        async for record in node.records():
            print(record)

Names are imported when they are first used, so that `import resonode` costs nothing.
"""

from __future__ import annotations

from resonode import lazy

TYPE_CHECKING = False  # typing's own, without its import: a command is to hear Ctrl-C at once
if TYPE_CHECKING:
    from typing import Any

    from resonode.bearing import Bearing
    from resonode.capture import Capture
    from resonode.errors import (
        CheckFailed,
        Claimed,
        ClockUntrusted,
        CommandError,
        Disconnected,
        DoesNotFit,
        Incomplete,
        LockedOut,
        MissingExtra,
        NodeError,
        NodeNotFound,
        NotTrusted,
        PortBusy,
        PortForbidden,
        ProtocolError,
        RecordingError,
        StoreError,
        StoreFull,
        Timeout,
        TransportError,
        VerifyFailed,
    )
    from resonode.gateway import Gateway, Store
    from resonode.link import PortInfo
    from resonode.node import Node, NodeInfo, RecordStream, connect, discover
    from resonode.records import (
        Air,
        Boot,
        EnvelopeSpectrum,
        Event,
        Features,
        Health,
        Loss,
        Record,
        Spectrum,
        UnknownRecord,
        Velocity,
        Waveform,
        decode,
    )

_HOME = {
    "Air": "records",
    "Bearing": "bearing",
    "Boot": "records",
    "Capture": "capture",
    "Claimed": "errors",
    "ClockUntrusted": "errors",
    "CheckFailed": "errors",
    "CommandError": "errors",
    "Disconnected": "errors",
    "DoesNotFit": "errors",
    "EnvelopeSpectrum": "records",
    "Event": "records",
    "Features": "records",
    "Gateway": "gateway",
    "Health": "records",
    "Incomplete": "errors",
    "LockedOut": "errors",
    "Loss": "records",
    "MissingExtra": "errors",
    "Node": "node",
    "NodeError": "errors",
    "NodeInfo": "node",
    "NodeNotFound": "errors",
    "NotTrusted": "errors",
    "PortBusy": "errors",
    "PortForbidden": "errors",
    "PortInfo": "link",
    "ProtocolError": "errors",
    "Record": "records",
    "RecordStream": "node",
    "RecordingError": "errors",
    "Spectrum": "records",
    "Store": "gateway",
    "StoreError": "errors",
    "StoreFull": "errors",
    "Timeout": "errors",
    "TransportError": "errors",
    "UnknownRecord": "records",
    "Velocity": "records",
    "VerifyFailed": "errors",
    "Waveform": "records",
    "connect": "node",
    "decode": "records",
    "discover": "node",
}

__all__ = [
    "Air",
    "Bearing",
    "Boot",
    "Capture",
    "Claimed",
    "ClockUntrusted",
    "CheckFailed",
    "CommandError",
    "Disconnected",
    "DoesNotFit",
    "EnvelopeSpectrum",
    "Event",
    "Features",
    "Gateway",
    "Health",
    "Incomplete",
    "LockedOut",
    "Loss",
    "MissingExtra",
    "Node",
    "NodeError",
    "NodeInfo",
    "NodeNotFound",
    "NotTrusted",
    "PortBusy",
    "PortForbidden",
    "PortInfo",
    "ProtocolError",
    "Record",
    "RecordStream",
    "RecordingError",
    "Spectrum",
    "Store",
    "StoreError",
    "StoreFull",
    "Timeout",
    "TransportError",
    "UnknownRecord",
    "Velocity",
    "VerifyFailed",
    "Waveform",
    "__version__",
    "connect",
    "decode",
    "discover",
]


_import = lazy.names(__name__, _HOME)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("resonode")
    return _import(name)


def __dir__() -> list[str]:
    return sorted(__all__)
