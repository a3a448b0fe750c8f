"""A session recorded from a real node, damaged in every byte: what is not hit is delivered."""

from __future__ import annotations

import time

import serial

from resonode_wire import cbor, frame, smp
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY, TEXT, StreamDecoder

from .conftest import Rig, RigFactory

SESSION_BYTES = 30_000
RECORDS_AT_LEAST = 60


def recorded(rig: Rig) -> bytes:
    """What a node says from the moment its stream is turned on, an echo in both framings first."""
    echo = smp.pack(smp.WRITE, smp.GROUP_OS, 1, smp.OS_ECHO, cbor.dumps({"d": "hello"}))
    body = cbor.dumps({"on": True})
    stream = smp.pack(smp.WRITE, smp.GROUP_NODE, 2, smp.NODE_STREAM, body)
    data = b""
    deadline_s = time.monotonic() + 20
    with serial.Serial(rig.board.port, timeout=0.05) as port:
        port.write(smp.console_lines(echo) + frame.encode_frame(CHANNEL_SMP, echo))
        port.write(frame.encode_frame(CHANNEL_SMP, stream))
        while len(data) < SESSION_BYTES and time.monotonic() < deadline_s:
            data += port.read(4096)
    # Up to where one frame ends and the next begins.
    return data[: data.rindex(b"\0\0") + 1]


def pieces_of(data: bytes) -> list[tuple[bytes, tuple[int, object]]]:
    """Cut a healthy session into its pieces: the bytes of each and what they say."""
    pieces = []
    for kind, payload in StreamDecoder().feed(data):
        if kind == TEXT:
            raw = payload.encode() + b"\n"
        elif kind == frame.CONSOLE_SMP:
            raw = smp.console_lines(payload)
        else:
            raw = frame.encode_frame(kind, payload)
        pieces.append((raw, (kind, payload)))
    return pieces


def test_every_flipped_byte_of_a_recorded_session_costs_one_piece_at_most(
    rig: RigFactory,
) -> None:
    data = recorded(rig(profile="open"))
    pieces = pieces_of(data)
    assert b"".join(raw for raw, _ in pieces) == data
    assert sum(said[0] == CHANNEL_TELEMETRY for _, said in pieces) >= RECORDS_AT_LEAST
    assert {said[0] for _, said in pieces} >= {TEXT, frame.CONSOLE_SMP, CHANNEL_SMP}
    for at in range(1, len(pieces) - 2):
        before, hit, *after = pieces[at - 1 : at + 3]
        for offset in range(len(hit[0])):
            damaged = bytearray(hit[0])
            damaged[offset] ^= 1 << (at + offset) % 8
            decoder = StreamDecoder()
            found = decoder.feed(before[0] + bytes(damaged) + b"".join(raw for raw, _ in after))
            found += decoder.idle()
            for _, said in (before, *after):
                assert said in found, (at, offset)
            assert hit[1][0] == TEXT or hit[1] in found or decoder.damaged, (at, offset)
            # Nothing false is delivered where the damage was, but perhaps a line of text.
            true = (before[1], hit[1], *(said for _, said in after))
            assert all(kind == TEXT or (kind, what) in true for kind, what in found)
