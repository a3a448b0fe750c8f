"""COBS frames, and the decoder that separates everything one serial port carries.

Runs on: MicroPython and CPython.

A frame is 00 | COBS(channel u8 | payload | crc u16be) | 00, the CRC being CRC-16/GENIBUS.
Between frames a port may carry newline-ended lines: SMP console framing, or log text. Frames
contain no 00 inside, lines contain none at all, so 00 is where a damaged stream finds its feet
again.
"""

import sys

from resonode_wire.crc import crc16
from resonode_wire.errors import WireError
from resonode_wire.smp import MAX_MESSAGE, ConsoleAssembler

# Channels of COBS frames.
CHANNEL_SMP = 1
CHANNEL_TELEMETRY = 2
# What StreamDecoder also yields.
CONSOLE_SMP = 0
TEXT = -1

# Largest payload of a frame; a record or an SMP message is never larger.
MAX_PAYLOAD = 4096
MAX_TEXT_LINE = 512
CRC = 2  # bytes of it


if sys.implementation.name == "micropython":
    from resonode_wire._viper import put_cobs
else:

    def put_cobs(out, at: int, data) -> int:
        """Write cobs_encode(data) into `out`, which has room. Returns the index after it."""
        start, size = 0, len(data)
        while True:
            zero = data.find(b"\0", start, start + 254)
            end = zero if zero >= 0 else min(start + 254, size)
            out[at] = end - start + 1
            out[at + 1 : at + 1 + end - start] = data[start:end]
            at += 1 + end - start
            if zero >= 0:
                start = zero + 1
            elif end == size:
                return at
            else:  # 254 bytes without a zero: the next block starts with no zero between
                start = end


def cobs_encode(data: bytes) -> bytes:
    """Return `data` with its zero bytes coded away (Cheshire & Baker 1999), no delimiter."""
    out = bytearray(_cobs_room(len(data)))
    return bytes(memoryview(out)[: put_cobs(out, 0, data)])


def _cobs_room(size: int) -> int:
    return size + size // 254 + 1


def cobs_decode(coded: bytes) -> bytes:
    """Return the data `coded` stands for. Raises WireError."""
    out = bytearray()
    at, size = 0, len(coded)
    while at < size:
        code = coded[at]
        end = at + code
        if code == 0 or end > size:
            raise WireError("COBS block is cut short")
        out.extend(coded[at + 1 : end])
        at = end
        if code < 255 and at < size:
            out.append(0)
    return bytes(out)


def frame_crc(body) -> int:
    """CRC-16/GENIBUS: XMODEM's polynomial, initial value and final XOR 0xFFFF.

    Without the XOR a zero byte behind a frame goes unnoticed, and that is just what a bit flip
    in the closing delimiter makes: 00 -> 01 is COBS for one more zero.
    """
    return crc16(body, 0xFFFF) ^ 0xFFFF


def encode_frame(channel: int, payload: bytes) -> bytes:
    """Return one complete frame. Raises WireError if `payload` exceeds MAX_PAYLOAD."""
    size = len(payload)
    if size > MAX_PAYLOAD:
        raise WireError(f"payload of {size} bytes exceeds {MAX_PAYLOAD}")
    body = bytearray(1 + size + CRC)
    body[0] = channel
    body[1 : 1 + size] = payload
    crc = frame_crc(memoryview(body)[: 1 + size])
    body[1 + size] = crc >> 8
    body[2 + size] = crc & 0xFF
    out = bytearray(1 + _cobs_room(len(body)) + 1)  # zeros, so the delimiters are there
    return bytes(memoryview(out)[: put_cobs(out, 1, body) + 1])


def decode_frame(coded: bytes) -> tuple:
    """Return (channel, payload) of the bytes between two delimiters. Raises WireError."""
    body = cobs_decode(coded)
    if len(body) < 3:
        raise WireError("frame is too short")
    if frame_crc(body[:-2]) != body[-2] << 8 | body[-1]:
        raise WireError("frame has a wrong CRC")
    return body[0], body[1:-2]


def _is_plain(line: bytes) -> bool:
    # Printable ASCII: a log line, and hardly ever a part of a damaged frame.
    line = line.rstrip(b"\r")
    return len(line) > 0 and min(line) >= 0x20 and max(line) < 0x7F


class StreamDecoder:
    """Turns a port's bytes, however they are cut, into frames, SMP messages and text lines.

    `damaged` counts pieces that were neither; every undamaged piece around them is delivered.
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD, max_message: int = MAX_MESSAGE) -> None:
        self._damaged = 0
        body = max_payload + 3
        self._max_segment = body + body // 254 + 1
        self._console = ConsoleAssembler(max_message)
        self._segment = b""
        self._in_frame = False

    @property
    def damaged(self) -> int:
        """Pieces so far that were no whole frame, message or line."""
        return self._damaged + self._console.abandoned

    @property
    def pending(self) -> bool:
        """Whether something has begun and not ended, so that silence means `idle`."""
        return self._in_frame or self._console.pending

    def feed(self, data: bytes) -> list:
        """Return the [(kind, payload)] that `data` completes.

        kind is a frame's channel, CONSOLE_SMP, or TEXT (payload: str).
        """
        found: list = []
        at, size = 0, len(data)
        while at < size:
            end = self._next_mark(data, at)
            if end < 0:
                self._grow(data[at:], found)
                break
            self._grow(data[at:end], found)
            if data[end] == 0:
                self._delimiter(found)
            else:
                line, self._segment = self._segment, b""
                self._line(line, found)
            at = end + 1
        return found

    def idle(self) -> list:
        """Call when the line has been silent: a frame is written in one go, so what is still
        open was cut short. Returns what could be saved of it, as `feed` does."""
        found: list = []
        if self._in_frame:
            self._salvage(found)
            self._in_frame = False
        self._console.abandon()
        return found

    def _next_mark(self, data: bytes, at: int) -> int:
        zero = data.find(b"\0", at)
        if self._in_frame:
            return zero
        newline = data.find(b"\n", at) if zero < 0 else data.find(b"\n", at, zero)
        return newline if newline >= 0 else zero

    def _grow(self, part: bytes, found: list) -> None:
        self._segment += part
        if len(self._segment) > self._max_segment:
            # Too long for anything that is ours. Lines inside it may still be whole.
            self._salvage(found)
            self._in_frame = False

    def _delimiter(self, found: list) -> None:
        segment, self._segment = self._segment, b""
        if not self._in_frame:
            if segment:
                self._line(segment, found)
            self._in_frame = True
        elif segment:
            try:
                found.append(decode_frame(segment))
                self._in_frame = False
            except WireError:
                # This delimiter may open the next frame, so stay inside one.
                self._segment = segment
                self._salvage(found)

    def _salvage(self, found: list) -> None:
        # The bytes are no frame: if a stray 00 came before console lines, those are whole.
        segment, self._segment = self._segment, b""
        if not segment:
            return
        self._damaged += 1
        lines = segment.split(b"\n")
        for line in lines[:-1]:
            if not self._console_line(line, found) and _is_plain(line):
                self._text(line, found)
        self._console_line(lines[-1], found)

    def _line(self, line: bytes, found: list) -> None:
        try:
            if self._console_line(line, found, True):
                return
        except WireError:
            self._damaged += 1
            return
        self._text(line, found)

    def _text(self, line: bytes, found: list) -> None:
        line = line.rstrip(b"\r")
        if not line:
            return
        if len(line) > MAX_TEXT_LINE or min(line) < 0x09:
            self._damaged += 1
            return
        try:
            found.append((TEXT, line.decode()))
        except UnicodeError:
            self._damaged += 1

    def _console_line(self, line: bytes, found: list, strict: bool = False) -> bool:
        try:
            message = self._console.line(line)
        except WireError:
            if strict:
                raise
            return False
        if message:
            found.append((CONSOLE_SMP, message))
        return message is not None
