"""Runs on: MicroPython and CPython."""

import random

from firmware.cipher import Cipher
from firmware.sealed import SealedSession, SealError
from resonode_wire import cbor
from resonode_wire.sealing import (
    END_MESSAGES,
    END_S,
    REKEY_MESSAGES,
    REKEY_S,
    WINDOW,
    Window,
)

SMP, TELEMETRY = 1, 2
A, B = b"\x01" * 32, b"\x02" * 32


def sessions() -> tuple:
    return SealedSession(Cipher(A), Cipher(B), 0), SealedSession(Cipher(B), Cipher(A), 0)


def sealed(session: SealedSession, message: bytes) -> tuple:
    # (counter, sealed text)
    body = cbor.loads(session.seal_body(SMP, message))
    return body["n"], body["d"]


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except SealError as error:
        return str(error)
    raise AssertionError("accepted")


def flipped(data, at: int) -> bytearray:
    copy = bytearray(data)
    copy[at] ^= 1 << at % 8
    return copy


def test_messages_and_frames_arrive_and_share_one_counter():
    host, node = sessions()
    for count in range(0, 20, 2):
        counter, text = sealed(host, b"request")
        assert counter == count
        assert node.open(SMP, counter, text) == b"request"
        frame = host.seal_frame(TELEMETRY, b"record")
        assert frame[:4] == bytes((0, 0, 0, count + 1))
        assert node.open_frame(TELEMETRY, frame) == b"record"
        assert host.open_frame(TELEMETRY, node.seal_frame(TELEMETRY, b"")) == b""


def test_cost_is_21_bytes_a_frame_with_its_channel():
    host, _ = sessions()
    for size in (0, 1, 1000):
        assert 1 + len(host.seal_frame(TELEMETRY, bytes(size))) - size == 21


def test_every_flipped_byte_truncation_and_extension_is_refused_and_changes_nothing():
    host, node = sessions()
    counter, text = sealed(host, b"request")
    for at in range(len(text)):
        assert refused(node.open, SMP, counter, flipped(text, at)) == "not authentic"
    for size in range(len(text)):
        refused(node.open, SMP, counter, text[:size])
    refused(node.open, SMP, counter, text + b"\x00")
    frame = host.seal_frame(TELEMETRY, b"record")
    for at in range(len(frame)):
        refused(node.open_frame, TELEMETRY, flipped(frame, at))
    for size in range(len(frame)):
        refused(node.open_frame, TELEMETRY, frame[:size])
    assert node.open(SMP, counter, text) == b"request"
    assert node.open_frame(TELEMETRY, frame) == b"record"


def test_another_channel_counter_or_direction_is_refused():
    host, node = sessions()
    counter, text = sealed(host, b"request")
    assert refused(node.open, TELEMETRY, counter, text) == "not authentic"
    assert refused(node.open, SMP, counter + 1, text) == "not authentic"
    assert refused(host.open, SMP, counter, text) == "not authentic"  # reflected
    frame = host.seal_frame(TELEMETRY, b"record")
    assert refused(node.open_frame, SMP, frame) == "not authentic"
    assert refused(host.open_frame, TELEMETRY, frame) == "not authentic"


def test_counters_out_of_range_are_refused():
    _, node = sessions()
    for counter in (-1, END_MESSAGES, 1 << 64, None, "1"):
        assert refused(node.open, SMP, counter, bytes(16)) == "the counter is out of range"


def test_what_is_no_string_of_bytes_is_refused():
    _, node = sessions()
    for text in (None, 16, "sixteen letters.", [0] * 16, {}):
        assert "no string of bytes" in refused(node.open, SMP, 0, text)


def test_replays_are_refused():
    host, node = sessions()
    sent = [sealed(host, bytes((number,))) for number in range(100)]
    for counter, text in sent:
        node.open(SMP, counter, text)
    for counter, text in sent:
        assert "used before" in refused(node.open, SMP, counter, text)
    frame = host.seal_frame(TELEMETRY, b"record")
    node.open_frame(TELEMETRY, frame)
    assert "used before" in refused(node.open_frame, TELEMETRY, frame)


def test_edges_of_the_window():
    host, node = sessions()
    sent = [sealed(host, b"") for _ in range(WINDOW + 1)]
    node.open(SMP, *sent[WINDOW])
    assert "too old" in refused(node.open, SMP, *sent[0])  # WINDOW behind
    node.open(SMP, *sent[1])  # WINDOW - 1 behind
    assert "used before" in refused(node.open, SMP, *sent[1])
    for message in sent[2:WINDOW]:
        node.open(SMP, *message)
    for message in sent:
        refused(node.open, SMP, *message)


def test_a_forged_counter_does_not_move_the_window():
    host, node = sessions()
    first = sealed(host, b"x")
    refused(node.open, SMP, END_MESSAGES - 1, first[1])
    assert node.open(SMP, *first) == b"x"


def test_any_order_is_accepted_once_within_the_window():
    # Against a plain model: a set of what was seen.
    seed = random.getrandbits(30)
    print("seed", seed)
    random.seed(seed)
    window, seen, newest = Window(), set(), -1
    for _ in range(4000):
        step = random.getrandbits(7) - 80 if random.getrandbits(6) else random.getrandbits(20)
        counter = max(0, newest + step)
        model = counter > newest or (newest - counter < WINDOW and counter not in seen)
        assert window.fresh(counter) == model, (counter, newest)
        if model and random.getrandbits(2):
            window.mark(counter)
            seen.add(counter)
            newest = max(newest, counter)
    assert window.newest == newest


def test_a_session_ends_by_age_and_by_count_and_not_before():
    host, node = sessions()
    assert not host.over(END_S - 1) and host.over(END_S)
    assert END_S > REKEY_S and END_MESSAGES > REKEY_MESSAGES
    host._send.next = END_MESSAGES - 1
    assert not host.over(0) and not node.over(0)
    counter, text = sealed(host, b"x")
    assert host.over(0)
    assert node.open(SMP, counter, text) == b"x" and node.over(0)  # the receiver counts too


def test_no_message_is_sealed_or_opened_after_the_end():
    host, node = sessions()
    host._send.next = END_MESSAGES - 1
    counter, text = sealed(host, b"last")
    assert node.open(SMP, counter, text) == b"last"
    assert refused(host.seal_body, SMP, b"x") == "too many messages under one key"
    assert refused(host.seal_frame, TELEMETRY, b"x") == "too many messages under one key"
    assert host.seal_record(b"x") is None
    assert host.over(0) and node.over(0)


def test_a_wiped_session_does_nothing():
    host, node = sessions()
    counter, text = sealed(host, b"x")
    host.wipe()
    node.wipe()
    refused(host.seal_body, SMP, b"x")
    assert refused(node.open, SMP, counter, text) == "the key was wiped"
