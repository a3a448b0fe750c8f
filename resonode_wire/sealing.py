"""Counters of sealed messages: how many there are under one key, and each taken once.

Runs on: MicroPython and CPython. WIRE.md, section 4.
"""

from resonode_wire import cbor

TAG = 16  # bytes of proof behind every sealed text
RECORD_OVERHEAD = 4 + TAG  # of a sealed record: counter u32 and tag
# Of a sealed message at most: header 8, {"n": up to 9 bytes, "d": up to 3 before it}, tag.
MESSAGE_OVERHEAD = 48

REKEY_MESSAGES = 1 << 20  # in one direction: time for a new handshake
REKEY_S = 24 * 3600
# A host has as long again for the new handshake, and nothing is dropped meanwhile; then it ends.
# That is below 2^32, so a record's four bytes of counter are all of it.
END_MESSAGES = 2 * REKEY_MESSAGES
END_S = 2 * REKEY_S

WINDOW = 64  # how far behind the newest a message may come
_MASK = (1 << WINDOW) - 1


def sealed_body(counter: int, size: int) -> tuple:
    """Return (the body of a sealed message, index in it) with room for `size` bytes of sealed text.

    It is the CBOR of {"d": text, "n": counter}; the text is sealed where it lies, since memory
    for long messages is what costs a node most time.
    """
    before, after = bytearray(b"\xa2\x61d"), bytearray(b"\x61n")
    cbor.head(before, 2, size)
    cbor.head(after, 0, counter)
    at = len(before)
    body = bytearray(at + size + len(after))
    body[:at] = before
    body[at + size :] = after
    return body, at


class Window:
    """Which of the counters up to the newest have been seen."""

    def __init__(self) -> None:
        self.newest = -1
        self._seen = 0  # bit i: newest - i

    def fresh(self, counter: int) -> bool:
        """Tell whether `counter` was not seen and is not too old."""
        if counter > self.newest:
            return True
        behind = self.newest - counter
        return behind < WINDOW and not self._seen >> behind & 1

    def mark(self, counter: int) -> None:
        """Note that `counter` was seen; only of a message that proved authentic."""
        if counter > self.newest:
            ahead = min(counter - self.newest, WINDOW)  # a far jump leaves nothing of the old bits
            self._seen = (self._seen << ahead | 1) & _MASK
            self.newest = counter
        else:
            self._seen |= 1 << self.newest - counter
