"""The bus channel of a virtual board: transfers and waits, as messages on a byte stream.

Runs on: MicroPython and CPython. The board asks, the rig answers, one at a time. Every message
is `length u16le | body`. Answers carry the board's time: sensor time is virtual.

    SPI         01 | cs u8 | n_read u16le | bytes to write   -> data: the n_read bytes after them
    WAIT        02 | irq mask u8 | until_us u64le            -> when (irq & mask) or then
    TIME        03                                           -> now
    I2C         04 | bus u8 | address u8 | n_read u16le | bytes to write   -> data, as with SPI
    UART_WRITE  05 | uart u8 | bytes to write
    UART_READ   06 | uart u8 | most u16le                    -> data: what has come, at most that
    PULSES      07 | input u8                      -> data: count u32le | time of the last u64le
    ANALOG      08 | input u8                      -> data: share of the full scale, u16le
    reply       status u8 (0 or errno) | irq levels u8 | t_us u64le | data

A request that comes during a WAIT ends that wait, and both are answered.
"""

import struct

from resonode_wire.errors import WireError

SPI, WAIT, TIME, I2C, UART_WRITE, UART_READ, PULSES, ANALOG = 1, 2, 3, 4, 5, 6, 7, 8
REPLY_HEADER = 10
MAX_TRANSFER = 8192


def pack_spi(cs: int, n_read: int, data: bytes) -> bytes:
    """Return a request: select `cs`, write `data`, read `n_read` bytes, deselect."""
    return struct.pack("<HBBH", 4 + len(data), SPI, cs, n_read) + data


def pack_wait(irq_mask: int, until_us: int) -> bytes:
    """Return a request that is answered on an interrupt line or at board time `until_us`."""
    return struct.pack("<HBBQ", 10, WAIT, irq_mask, until_us)


def pack_i2c(bus: int, address: int, n_read: int, data: bytes) -> bytes:
    """Return a request: start, write `data` if any, read `n_read` bytes if any, stop."""
    return struct.pack("<HBBBH", 5 + len(data), I2C, bus, address, n_read) + data


def pack_uart_write(uart: int, data: bytes) -> bytes:
    """Return a request to send `data`."""
    return struct.pack("<HBB", 2 + len(data), UART_WRITE, uart) + data


def pack_uart_read(uart: int, most: int) -> bytes:
    """Return a request for what has come, at most so many bytes."""
    return struct.pack("<HBBH", 4, UART_READ, uart, most)


def pack_pulses(number: int) -> bytes:
    """Return a request for how often an input has pulsed, and when last."""
    return struct.pack("<HBB", 2, PULSES, number)


def pack_analog(number: int) -> bytes:
    """Return a request for the voltage at an input."""
    return struct.pack("<HBB", 2, ANALOG, number)


def pack_time() -> bytes:
    """Return a request for the board's time."""
    return struct.pack("<HB", 1, TIME)


def unpack_request(body: bytes) -> tuple:
    """Return the op and its fields in the order of the table above. Raises WireError."""
    op = body[0] if body else 0
    if op == SPI and len(body) >= 4:
        cs, n_read = struct.unpack("<BH", body[1:4])
        return SPI, cs, n_read, body[4:]
    if op == WAIT and len(body) == 10:
        mask, until_us = struct.unpack("<BQ", body[1:10])
        return WAIT, mask, until_us
    if op == TIME and len(body) == 1:
        return (TIME,)
    if op == I2C and len(body) >= 5:
        number, address, n_read = struct.unpack("<BBH", body[1:5])
        return I2C, number, address, n_read, body[5:]
    if op == UART_WRITE and len(body) >= 2:
        return UART_WRITE, body[1], body[2:]
    if op in (PULSES, ANALOG) and len(body) == 2:
        return op, body[1]
    if op == UART_READ and len(body) == 4:
        return UART_READ, body[1], body[2] | body[3] << 8
    raise WireError(f"bus request {op} of {len(body)} bytes")


def pack_reply(status: int, irq: int, t_us: int, data: bytes = b"") -> bytes:
    """Return an answer."""
    return struct.pack("<HBBQ", REPLY_HEADER + len(data), status, irq, t_us) + data


def unpack_reply_header(header) -> tuple:
    """Return (status, irq, t_us) of the first REPLY_HEADER bytes of an answer's body."""
    return struct.unpack("<BBQ", header)
