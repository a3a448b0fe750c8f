"""What the wire does to each byte, in MicroPython's viper code, 10 to 30 times as fast as bytecode.

Runs on: MicroPython.
"""

import micropython


@micropython.viper
def _crc16(data: ptr8, size: int, crc: int) -> int:  # noqa: F821
    at = 0
    while at < size:
        # One byte at a time without a table (the usual shift form of polynomial 0x1021).
        mix = ((crc >> 8) ^ data[at]) & 0xFF
        mix ^= mix >> 4
        crc = ((crc << 8) ^ (mix << 12) ^ (mix << 5) ^ mix) & 0xFFFF
        at += 1
    return crc


def crc16(data, crc: int = 0) -> int:
    """Return the CRC-16/XMODEM of `data`, continuing from `crc`."""
    return _crc16(data, len(data), crc)


@micropython.viper
def _put_cobs(out: ptr8, mark: int, data: ptr8, size: int) -> int:  # noqa: F821
    # `mark`: where the code of the block goes that is being written.
    at = mark + 1
    i = 0
    while i < size:
        byte = data[i]
        i += 1
        if byte:
            out[at] = byte
            at += 1
        # A block ends at a zero, and after 254 bytes if there are more.
        if byte == 0 or (at - mark == 255 and i < size):
            out[mark] = at - mark
            mark = at
            at += 1
    out[mark] = at - mark
    return at


def put_cobs(out, at: int, data) -> int:
    """As frame.put_cobs."""
    return int(_put_cobs(out, at, data, len(data)))


@micropython.viper
def put_small(out: ptr8, at: int, key: int, value: int) -> int:  # noqa: F821
    """As cbor.put_small."""
    number = key
    written = 0
    while written < 2:  # first the key, then the value
        if number < 24:
            out[at] = number
            at += 1
        elif number < 0x100:
            out[at] = 24
            out[at + 1] = number
            at += 2
        elif number < 0x10000:
            out[at] = 25
            out[at + 1] = number >> 8
            out[at + 2] = number
            at += 3
        else:
            out[at] = 26
            out[at + 1] = number >> 24
            out[at + 2] = number >> 16
            out[at + 3] = number >> 8
            out[at + 4] = number
            at += 5
        number = value
        written += 1
    return at


@micropython.viper
def _put_f32s(out: ptr8, at: int, values: ptr8, key_and_count: int) -> int:  # noqa: F821
    # The chip has the least byte first, the wire the greatest.
    key = key_and_count & 0xFF
    end = key + (key_and_count >> 8)
    while key < end:
        if key >= 24:
            out[at] = 24
            at += 1
        out[at] = key
        out[at + 1] = 0xFA
        out[at + 2] = values[3]
        out[at + 3] = values[2]
        out[at + 4] = values[1]
        out[at + 5] = values[0]
        values = ptr8(uint(values) + 4)  # noqa: F821
        at += 6
        key += 1
    return at


def put_f32s(out, at: int, key: int, values) -> int:
    """As cbor.put_f32s."""
    return int(_put_f32s(out, at, values, key | len(values) << 8))
