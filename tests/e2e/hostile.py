"""What somebody without a key may send to a node's port, at random but reproducibly."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import serial

import resonode
from resonode.trust.access import Trust
from resonode_wire import cbor, frame, security, smp

_GROUPS = (smp.GROUP_OS, 1, smp.GROUP_STAT, smp.GROUP_ENUM, smp.GROUP_NODE, smp.GROUP_SECURITY)
_SIZES = (0, 1, 8, 40, 200)
_PATTERNS = (security.XX, security.XX_PSK3, "NK", "")
# A node answers none of a stranger's requests with more than this.
_ANSWER_ROOM = 4096
_HEALTH_RECORDS = 3


def _random_request(draw: random.Random) -> bytes:
    body = draw.randbytes(draw.choice(_SIZES))
    head = smp.pack(
        draw.randrange(4), draw.choice(_GROUPS), draw.randrange(256), draw.randrange(12), body
    )
    message = draw.choice((head, body, head[: draw.randrange(9)]))
    return frame.encode_frame(draw.choice((1, 1, 1, 2, 3)), message)


def _security(draw: random.Random, command: int, body: bytes) -> bytes:
    return smp.pack(smp.WRITE, smp.GROUP_SECURITY, draw.randrange(256), command, body)


def _handshake(draw: random.Random) -> bytes:
    """A first message that is answered, or one that is not; or a last one, of no handshake."""
    body: dict[str, object] = {"m": draw.randbytes(draw.choice((0, 31, 32, 33, 96, 200, 1500)))}
    if draw.random() < 0.6:
        body["p"] = draw.choice(_PATTERNS)
    message = _security(draw, smp.SEC_HANDSHAKE, cbor.dumps(body))
    return frame.encode_frame(frame.CHANNEL_SMP, message)


def _sealed_garbage(draw: random.Random) -> bytes:
    if draw.random() < 0.3:
        return frame.encode_frame(frame.CHANNEL_TELEMETRY, draw.randbytes(draw.choice(_SIZES)))
    counter = draw.choice((0, 1, 1000, (1 << 32) - 1, 1 << 63))
    body = cbor.dumps({"n": counter, "d": draw.randbytes(draw.choice((0, 15, 16, 40, 1900)))})
    return frame.encode_frame(frame.CHANNEL_SMP, _security(draw, smp.SEC_SEALED, body))


def _unfinished(draw: random.Random) -> bytes:
    """The beginning of a frame; one that never ends; a damaged one."""
    whole = _random_request(draw) if draw.random() < 0.5 else _sealed_garbage(draw)
    if draw.random() < 0.1:
        return b"\0" + bytes(draw.choices(range(1, 256), k=3000))
    at = draw.randrange(1, len(whole))
    if draw.random() < 0.5:
        return whole[:at]
    return whole[:at] + draw.randbytes(1) + whole[at + 1 :]


def _console(draw: random.Random) -> bytes:
    """The framing of standard tools: whole, with lines lost, begun twice, of wrong lengths."""
    message = smp.pack(0, draw.choice(_GROUPS), 1, draw.randrange(12), draw.randbytes(200))
    lines = smp.console_lines(message).splitlines(keepends=True)
    kind = draw.randrange(4)
    if kind == 0:
        lines.pop(draw.randrange(len(lines)))
    elif kind == 1:
        lines[-1] = lines[-1][: draw.randrange(len(lines[-1]))]
    elif kind == 2:
        lines *= 2
    return b"".join(lines) if kind else b"\n".join(lines)


def _huge(draw: random.Random) -> bytes:
    """Lengths that promise more than there is, or than a chip has."""
    count = draw.choice((0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 62))
    major = draw.choice((2, 3, 4, 5)) << 5  # bytes, text, array, map
    head = (
        struct.pack(">BQ", major | 27, count)
        if count >> 32
        else struct.pack(">BI", major | 26, count)
    )
    body = draw.choice((b"", b"\xa1\x61m", b"\xa1\x61n")) + head + draw.randbytes(8)
    message = _security(draw, draw.choice((smp.SEC_HANDSHAKE, smp.SEC_SEALED, 0)), body)
    if draw.random() < 0.3:  # and the header's own length
        message = message[:2] + struct.pack(">H", draw.choice((0, 0xFFFF, 2049))) + message[4:]
    return frame.encode_frame(frame.CHANNEL_SMP, message)


def _nested(draw: random.Random) -> bytes:
    depth = draw.choice((2, 15, 16, 17, 200, 2000))
    opening = draw.choice((b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xc1"))
    body = (opening * depth)[:2000] + b"\x00"
    command = draw.choice((smp.SEC_HELLO, smp.SEC_HANDSHAKE, smp.SEC_SEALED))
    op = draw.choice((smp.READ, smp.WRITE))
    message = smp.pack(op, smp.GROUP_SECURITY, 1, command, body)
    return frame.encode_frame(frame.CHANNEL_SMP, message)


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    _random_request, _handshake, _sealed_garbage, _unfinished, _console, _huge, _nested,
)  # fmt: skip


def frames(seed: int, count: int) -> Iterator[bytes]:
    """`count` frames, half of them random requests and the rest of all kinds."""
    draw = random.Random(seed)
    for _ in range(count):
        kind = _random_request if draw.random() < 0.5 else draw.choice(KINDS)
        yield kind(draw)


def flood(port: str, seed: int, count: int) -> int:
    """Send `frames` to a node, take whatever it answers, and return how many bytes were sent."""
    sent = 0
    with serial.Serial(port, timeout=0, write_timeout=0) as link:
        for one in frames(seed, count):
            left = one
            while left:
                link.read(_ANSWER_ROOM)
                left = left[link.write(left) or 0 :]
            sent += len(one)
    return sent


async def heap_free(url: str, trust: Trust | None = None) -> int:
    """What a node that measures says of its memory, bytes; its `health_period_s` must be 1."""
    async with resonode.connect(url, trust=trust) as node:
        told: list[int] = []
        last = (await node.info()).next - 1
        await node.ack(last)  # what it measured meanwhile is not what we look for
        async for record in node.records(from_seq=last + 1):
            await node.ack(record.seq)  # a busy computer takes them late: they would be counted
            if isinstance(record, resonode.Health):
                told.append(record.heap_free)
                if len(told) == _HEALTH_RECORDS:  # some of them soon after a collection
                    return max(told)
    raise AssertionError("the stream ended")
