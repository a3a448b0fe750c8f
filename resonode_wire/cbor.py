"""CBOR (RFC 8949), the subset Resonode speaks.

Runs on: MicroPython and CPython.

Encoding is deterministic: shortest integer heads, definite lengths, map keys in the bytewise
order of their encodings, every float as 32-bit (boards with single-precision Python floats and
hosts with doubles then write the same bytes). Decoding takes any definite or indefinite item a
standard SMP client may send, to a depth of MAX_DEPTH.
"""

import struct
import sys

from resonode_wire.errors import WireError

MAX_DEPTH = 8
_F32_MAX = 3.4028234663852886e38
_INFINITY = float("inf")
_pack_into = struct.pack_into
HEAD = 9  # bytes of the longest head
F32 = 5  # and of a float
SMALL = 0x3FFFFFFF  # what put_small takes at most: a chip's own integers

# RFC 8746 typed arrays, little-endian.
TAG_U8 = 64
TAG_I16 = 77
TAG_F16 = 84
TAG_F32 = 85


class Tagged:
    """A CBOR tag with its content, e.g. Tagged(TAG_F32, b"...")."""

    def __init__(self, tag: int, value) -> None:
        self.tag = tag
        self.value = value

    def __eq__(self, other) -> bool:
        return isinstance(other, Tagged) and (self.tag, self.value) == (other.tag, other.value)

    def __hash__(self) -> int:
        return hash((self.tag, self.value))

    def __repr__(self) -> str:
        return f"Tagged({self.tag}, {self.value!r})"


def put_head(out, at: int, major: int, value: int) -> int:
    """Write the head of an item into `out` at `at`: its major type, and its value or length.

    Takes at most HEAD bytes. Returns the index after it. Raises WireError.
    """
    major <<= 5
    if value < 24:
        out[at] = major | value
        return at + 1
    if value < 0x100:
        out[at] = major | 24
        out[at + 1] = value
        return at + 2
    if value < 0x10000:
        _pack_into(">BH", out, at, major | 25, value)
        return at + 3
    if value < 0x100000000:
        _pack_into(">BI", out, at, major | 26, value)
        return at + 5
    if value < 0x10000000000000000:
        # Two words: some MicroPython builds pack no 64-bit integer.
        _pack_into(">BII", out, at, major | 27, value >> 32, value & 0xFFFFFFFF)
        return at + 9
    raise WireError("integer needs more than 64 bits")


if sys.implementation.name == "micropython":
    from resonode_wire._viper import put_f32s as put_f32s
    from resonode_wire._viper import put_small as put_small
else:

    def put_small(out, at: int, key: int, value: int) -> int:
        """Write a pair of a map, both of them integers in 0..SMALL. Returns the index after it."""
        return put_head(out, put_head(out, at, 0, key), 0, value)

    def put_f32s(out, at: int, key: int, values) -> int:
        """Write pairs of a map: `values`, an array of 32-bit floats, under the keys from `key` on.

        Keys are below 256. Returns the index after them.
        """
        for value in values:
            at = put_head(out, at, 0, key)
            _pack_into(">Bf", out, at, 0xFA, value)
            at += F32
            key += 1
        return at


def head(out: bytearray, major: int, value: int) -> None:
    """Append the head of an item. Raises WireError."""
    room = bytearray(HEAD)
    out.extend(room[: put_head(room, 0, major, value)])


def put_f32(out, at: int, value: float) -> int:
    """Write `value` as a 32-bit float, in F32 bytes. Returns the index after it.

    Raises WireError if it does not fit one.
    """
    # Asked in this order because a chip's answer is nearly always the first one.
    if not -_F32_MAX <= value <= _F32_MAX and value == value and abs(value) != _INFINITY:
        raise WireError(f"{value} does not fit a 32-bit float")
    _pack_into(">Bf", out, at, 0xFA, value)
    return at + F32


def _float(out: bytearray, value: float) -> None:
    room = bytearray(F32)
    put_f32(room, 0, value)
    out.extend(room)


def _order(key) -> bytes:
    # The encoding of a map's key, most of which are short texts.
    if isinstance(key, str):
        text = key.encode()
        if len(text) < 24:
            return bytes((0x60 | len(text),)) + text
    return dumps(key)


def _map(out: bytearray, value: dict, depth: int) -> None:
    head(out, 5, len(value))
    # In the bytewise order of the encoded keys; for unsigned integers it is theirs.
    for key in value:
        if not isinstance(key, int) or key < 0:
            keys = sorted(value, key=_order)
            break
    else:
        keys = sorted(value)
    for key in keys:
        _encode(out, key, depth)
        _encode(out, value[key], depth)


def _encode(out: bytearray, value, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, float):  # what records are made of comes first
        _float(out, value)
    elif value is True:
        out.append(0xF5)
    elif value is False:
        out.append(0xF4)
    elif isinstance(value, int):
        if 0 <= value < 24:
            out.append(value)
        elif value >= 0:
            head(out, 0, value)
        else:
            head(out, 1, -1 - value)
    elif value is None:
        out.append(0xF6)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        head(out, 2, len(value))
        out.extend(value)
    elif isinstance(value, str):
        text = value.encode()
        head(out, 3, len(text))
        out.extend(text)
    elif isinstance(value, (list, tuple)):
        head(out, 4, len(value))
        for item in value:
            _encode(out, item, depth + 1)
    elif isinstance(value, dict):
        _map(out, value, depth + 1)
    elif isinstance(value, Tagged):
        head(out, 6, value.tag)
        _encode(out, value.value, depth + 1)
    else:
        raise WireError(f"no CBOR form for {type(value)}")


def dumps(value) -> bytes:
    """Return the deterministic encoding of `value`. Raises WireError."""
    out = bytearray()
    _encode(out, value, 0)
    return bytes(out)


_BREAK = object()
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


class _Reader:
    def __init__(self, data, at: int) -> None:
        # A part of it is then of the type that values are, without another copy.
        self.data = data if isinstance(data, bytes) else bytes(data)
        self.at = at

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise WireError("CBOR item is cut short")
        part = self.data[self.at : end]
        self.at = end
        return part

    def item(self, depth: int):
        if depth > MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH}")
        if self.at >= len(self.data):
            raise WireError("CBOR item is cut short")
        initial = self.data[self.at]
        self.at += 1
        major, info = initial >> 5, initial & 31
        if major == 7:
            return self._simple(info)
        if info == 31:
            return self._indefinite(major, depth)
        value = info if info < 24 else self._argument(info)
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return self.take(value)
        if major == 3:
            return self._text(value)
        if major == 6:
            return Tagged(value, self._value(depth + 1))
        # A container holds at least one byte an item: a larger count is a lie, refused early.
        if value > len(self.data) - self.at:
            raise WireError("CBOR container is cut short")
        if major == 4:
            return [self._value(depth + 1) for _ in range(value)]
        result: dict = {}
        for _ in range(value):
            self._pair(result, depth)
        return result

    def _value(self, depth: int):
        value = self.item(depth)
        if value is _BREAK:
            raise WireError("CBOR break outside an indefinite item")
        return value

    def _pair(self, result: dict, depth: int) -> None:
        self._put(result, self._value(depth + 1), depth)

    def _put(self, result: dict, key, depth: int) -> None:
        if not isinstance(key, (int, str, bytes)):
            raise WireError("CBOR map key is neither integer nor string")
        if key in result:
            raise WireError(f"CBOR map key {key!r} appears twice")
        result[key] = self._value(depth + 1)

    def _argument(self, info: int) -> int:
        if info > 27:
            raise WireError("reserved CBOR length")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def _text(self, size: int) -> str:
        raw = self.take(size)
        try:
            return raw.decode()
        except UnicodeError:
            raise WireError("CBOR text is not UTF-8") from None

    def _simple(self, info: int):
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info in _FLOATS:
            form, size = _FLOATS[info]
            return struct.unpack(form, self.take(size))[0]
        if info == 31:
            return _BREAK
        raise WireError("unknown CBOR simple value")

    def _indefinite(self, major: int, depth: int):
        if major == 4:
            items: list = []
            while True:
                value = self.item(depth + 1)
                if value is _BREAK:
                    return items
                items.append(value)
        if major == 5:
            result: dict = {}
            while True:
                key = self.item(depth + 1)
                if key is _BREAK:
                    return result
                self._put(result, key, depth)
        raise WireError("indefinite strings are not accepted")


def loads(data, at: int = 0):
    """Return the value of the one CBOR item that fills `data` from `at`. Raises WireError."""
    value, end = loads_prefix(data, at)
    if end != len(data):
        raise WireError("bytes follow the CBOR item")
    return value


def loads_prefix(data, at: int = 0):
    """Return (value, index after it) of the CBOR item at `at`. Raises WireError."""
    reader = _Reader(data, at)
    try:
        value = reader.item(0)
    except RuntimeError:
        # A chip's stack ends before MAX_DEPTH when it is deep in its work already.
        raise WireError("nested deeper than this board's stack") from None
    if value is _BREAK:
        raise WireError("CBOR break outside an indefinite item")
    return value, reader.at
