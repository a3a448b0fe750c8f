"""The bus channel of a virtual board: SPI transfers and waits, as messages on a byte stream.

Runs on: MicroPython and CPython. The board asks, the rig answers, one at a time. Every message
is `length u16le | body`. Answers carry the board's time: sensor time is virtual.

    SPI   01 | cs u8 | n_read u16le | bytes to write    -> data = the n_read bytes read after them
    WAIT  02 | irq mask u8 | until_us u64le             -> when (irq & mask) or time >= until_us
    TIME  03                                            -> now
    reply    status u8 (0 or errno) | irq levels u8 | t_us u64le | data
"""

import struct

from resonode_wire.errors import WireError

SPI, WAIT, TIME = 1, 2, 3
REPLY_HEADER = 10
MAX_TRANSFER = 8192


def pack_spi(cs: int, n_read: int, data: bytes) -> bytes:
    """Return a request: select `cs`, write `data`, read `n_read` bytes, deselect."""
    return struct.pack("<HBBH", 4 + len(data), SPI, cs, n_read) + data


def pack_wait(irq_mask: int, until_us: int) -> bytes:
    """Return a request that is answered on an interrupt line or at board time `until_us`."""
    return struct.pack("<HBBQ", 10, WAIT, irq_mask, until_us)


def pack_time() -> bytes:
    """Return a request for the board's time."""
    return struct.pack("<HB", 1, TIME)


def unpack_request(body: bytes) -> tuple:
    """Return (SPI, cs, n_read, data), (WAIT, mask, until_us) or (TIME,). Raises WireError."""
    op = body[0] if body else 0
    if op == SPI and len(body) >= 4:
        cs, n_read = struct.unpack("<BH", body[1:4])
        return SPI, cs, n_read, body[4:]
    if op == WAIT and len(body) == 10:
        mask, until_us = struct.unpack("<BQ", body[1:10])
        return WAIT, mask, until_us
    if op == TIME and len(body) == 1:
        return (TIME,)
    raise WireError(f"bus request {op} of {len(body)} bytes")


def pack_reply(status: int, irq: int, t_us: int, data: bytes = b"") -> bytes:
    """Return an answer."""
    return struct.pack("<HBBQ", REPLY_HEADER + len(data), status, irq, t_us) + data


def unpack_reply_header(header) -> tuple:
    """Return (status, irq, t_us) of the first REPLY_HEADER bytes of an answer's body."""
    return struct.unpack("<BBQ", header)
