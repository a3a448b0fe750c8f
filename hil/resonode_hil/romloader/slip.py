"""SLIP (RFC 1055): packets between C0 bytes."""

from __future__ import annotations

from collections.abc import Iterator

_END, _ESC = b"\xc0", b"\xdb"


def encode(packet: bytes) -> bytes:
    """Return `packet` as it goes over the line."""
    return _END + packet.replace(_ESC, b"\xdb\xdd").replace(_END, b"\xdb\xdc") + _END


class Decoder:
    """Collects packets, however the bytes are split."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each packet that is complete now."""
        *complete, self._left = (self._left + data).split(_END)
        for piece in complete:
            if piece:
                yield piece.replace(b"\xdb\xdc", _END).replace(b"\xdb\xdd", _ESC)
