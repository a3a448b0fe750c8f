"""Handshakes of two nodes with each other. Runs on: MicroPython and CPython.

Against another implementation: tests/crypto/test_noise_interop.py.
"""

import json
import random
from binascii import hexlify, unhexlify

from firmware import primitives
from firmware.cipher import MAX_COUNTER, Cipher, NoiseError
from firmware.noise import MAX_MESSAGE, Handshake
from firmware.primitives import TAG, KeyPair

PSK = bytes(range(32))


def pair(psk=None, host=None, node=None) -> tuple:
    return (
        Handshake(True, host or KeyPair(), b"prologue", psk),
        Handshake(False, node or KeyPair(), b"prologue", psk),
    )


def finish(initiator, responder) -> tuple:
    # The ciphers: initiator's (send, receive), responder's (send, receive).
    responder.read(initiator.write())
    initiator.read(responder.write())
    responder.read(initiator.write())
    return initiator.split() + responder.split()


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except NoiseError as error:
        return str(error)
    raise AssertionError("accepted")


def flipped(data, at: int, bit: int) -> bytearray:
    copy = bytearray(data)
    copy[at] ^= 1 << bit
    return copy


def published() -> list:
    with open("tests/crypto/vectors/noise.json") as file:
        return json.load(file)["vectors"]


def from_vector(vector, side: str) -> Handshake:
    psks = vector.get(side + "_psks")
    return Handshake(
        side == "init",
        KeyPair(unhexlify(vector[side + "_static"])),
        unhexlify(vector[side + "_prologue"]),
        unhexlify(psks[0]) if psks else None,
        KeyPair(unhexlify(vector[side + "_ephemeral"])),
    )


def check_transport(vector, ends, messages) -> None:
    # Directions alternate on from the handshake.
    for count, message in enumerate(messages):
        sender, receiver = ends[1 - count % 2], ends[count % 2]
        buffer = bytearray(unhexlify(message["payload"])) + bytearray(TAG)
        sender[0].seal_next(b"", buffer)
        assert hexlify(buffer).decode() == message["ciphertext"]
        receiver[1].open_next(b"", buffer)
        assert hexlify(buffer[:-TAG]).decode() == message["payload"]


def test_published_vectors():
    vectors = published()
    names = {vector["protocol_name"] for vector in vectors}
    assert names == {
        "Noise_XX_25519_ChaChaPoly_SHA256",
        "Noise_XXpsk3_25519_ChaChaPoly_SHA256",
    }
    for vector in vectors:
        sides = from_vector(vector, "init"), from_vector(vector, "resp")
        for count in range(3):
            message = vector["messages"][count]
            sent = sides[count % 2].write(unhexlify(message["payload"]))
            assert hexlify(sent).decode() == message["ciphertext"]
            assert hexlify(sides[1 - count % 2].read(sent)).decode() == message["payload"]
        wanted = vector.get("handshake_hash")
        for side in sides:
            assert wanted is None or hexlify(side.hash).decode() == wanted
        ends = [side.split() for side in sides]
        assert len(vector["messages"]) > 3
        check_transport(vector, ends, vector["messages"][3:])


def test_both_learn_each_other_and_can_talk():
    for psk in (None, PSK):
        host, node = KeyPair(), KeyPair()
        initiator, responder = pair(psk, host, node)
        host_send, host_receive, node_send, node_receive = finish(initiator, responder)
        assert initiator.remote_static == node.public
        assert responder.remote_static == host.public
        assert initiator.hash == responder.hash
        for sender, receiver in ((host_send, node_receive), (node_send, host_receive)):
            buffer = bytearray(b"hello" + bytes(TAG))
            sender.seal_next(b"ad", buffer)
            receiver.open_next(b"ad", buffer)
            assert buffer[:5] == b"hello"


def test_payloads_of_any_length_arrive():
    seed = random.getrandbits(30)
    print("seed", seed)
    random.seed(seed)
    for psk in (None, PSK):
        for _ in range(10):
            initiator, responder = pair(psk)
            sides = (initiator, responder)
            for count in range(3):
                payload = primitives.random_bytes(random.getrandbits(9))
                sent = sides[count % 2].write(payload)
                assert sides[1 - count % 2].read(sent) == payload
            assert initiator.done and responder.done


def test_a_key_is_known_only_after_the_message_that_proves_it():
    initiator, responder = pair()
    responder.read(initiator.write())
    assert initiator.remote_static is None and responder.remote_static is None
    reply = responder.write()
    assert initiator.remote_static is None
    initiator.read(reply)
    assert initiator.remote_static is not None and responder.remote_static is None
    last = initiator.write()
    assert responder.remote_static is None
    responder.read(last)
    assert responder.remote_static is not None


def test_turns_are_kept():
    initiator, responder = pair()
    wrong = "not what comes next in the handshake"
    assert initiator.my_turn and not responder.my_turn
    assert refused(initiator.read, bytes(32)) == wrong
    assert refused(responder.write) == wrong
    assert refused(initiator.split) == wrong
    first = initiator.write()
    assert refused(initiator.write) == wrong
    responder.read(first)
    assert refused(responder.read, first) == wrong
    initiator.read(responder.write())
    responder.read(initiator.write())
    assert initiator.done and responder.done
    for side in (initiator, responder):
        assert refused(side.write) == wrong
        assert refused(side.read, bytes(64)) == wrong
        side.split()
        assert refused(side.split) == wrong  # one key is never handed out twice


def test_the_hash_is_there_only_at_the_end():
    initiator, _ = pair()
    try:
        print(initiator.hash)
    except NoiseError:
        return
    raise AssertionError("a hash of half a handshake")


def run_with(psk, step: int, damage) -> None:
    # A handshake whose message `step` is damaged on the way.
    initiator, responder = pair(psk, HOST, NODE)
    sides = (initiator, responder)
    for count in range(3):
        sent = sides[count % 2].write(b"pl")
        sides[1 - count % 2].read(damage(sent) if count == step else sent)


HOST, NODE = KeyPair(), KeyPair()
SIZES = {None: (34, 98, 66), PSK: (50, 98, 66)}


def test_every_flipped_byte_of_every_message_is_refused():
    # A flip in the first message without psk shows in the second: the transcripts differ.
    for psk in (None, PSK):
        for step in range(3):
            size = SIZES[psk][step]
            for at in range(size):

                def damage(sent, at=at, size=size):
                    assert len(sent) == size
                    return flipped(sent, at, at % 8)

                refused(run_with, psk, step, damage)


def test_the_bit_that_x25519_ignores_is_not_ignored_by_the_handshake():
    for psk in (None, PSK):
        for step in (0, 1):
            refused(run_with, psk, step, lambda sent: flipped(sent, 31, 7))


def test_every_truncation_and_extension_is_refused():
    for psk in (None, PSK):
        for step in range(3):
            for size in range(0, SIZES[psk][step], 3):
                refused(run_with, psk, step, lambda sent, size=size: sent[:size])
            refused(run_with, psk, step, lambda sent: sent + b"\x00")
    assert refused(pair()[1].read, bytes(MAX_MESSAGE + 1)) == "a message of the wrong length"
    assert refused(pair()[0].write, bytes(MAX_MESSAGE)) == "the payload is too long"


def test_what_is_no_string_of_bytes_is_refused():
    for message in (None, 32, "x" * 32, [0] * 32, {}):
        assert "no string of bytes" in refused(pair()[1].read, message)


def test_wrong_psk_prologue_or_pattern_is_refused():
    key = KeyPair()
    for ours, theirs in (
        ((b"p", PSK), (b"p", bytes(32))),
        ((b"p", PSK), (b"q", PSK)),
        ((b"p", None), (b"q", None)),
        ((b"p", PSK), (b"p", None)),
        ((b"p", None), (b"p", PSK)),
    ):
        initiator = Handshake(True, key, *ours)
        responder = Handshake(False, key, *theirs)
        refused(finish, initiator, responder)


def test_with_a_wrong_psk_the_initiator_learns_nothing_and_the_node_refuses_the_last_message():
    initiator = Handshake(True, KeyPair(), b"", PSK)
    responder = Handshake(False, KeyPair(), b"", bytes(32))
    responder.read(initiator.write())
    initiator.read(responder.write())  # psk3: the psk comes in last, so nothing is to be guessed
    assert refused(responder.read, initiator.write()) == "not authentic"
    assert responder.remote_static is None


def test_points_of_low_order_are_refused():
    for point in (bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"):
        _, responder = pair()
        responder.read(point)
        assert refused(responder.write) == "not a usable public key"


def test_a_reflected_message_is_refused():
    initiator, responder = pair()
    first = initiator.write()
    responder.read(first)
    responder.write()
    refused(initiator.read, first + bytes(64))
    _, other = pair()
    other.read(first)
    refused(initiator.read, other.write())  # dead after the refusal, whatever comes


def test_a_failed_handshake_stays_failed_and_is_wiped():
    ephemeral = KeyPair()
    responder = Handshake(False, KeyPair(), b"", PSK, ephemeral)
    initiator = Handshake(True, KeyPair(), b"", PSK)
    responder.read(initiator.write())
    responder.write()
    assert ephemeral.secret != bytes(32)
    refused(responder.read, bytes(64))
    assert ephemeral.secret == bytes(32)
    assert responder._psk == bytes(32)
    assert responder._transcript._chain == bytes(32)
    assert refused(responder.read, bytes(64)) == "the handshake has failed"
    assert refused(responder.split) == "the handshake has failed"
    assert not responder.done and not responder.my_turn


def test_a_finished_handshake_is_wiped_and_the_static_key_is_not():
    ephemeral, static = KeyPair(), KeyPair()
    initiator = Handshake(True, static, b"", PSK, ephemeral)
    finish(initiator, Handshake(False, KeyPair(), b"", PSK))
    assert ephemeral.secret == initiator._psk == initiator._transcript._chain == bytes(32)
    assert static.secret != bytes(32)


def test_the_callers_message_and_psk_are_left_alone():
    psk = bytearray(PSK)
    initiator, responder = pair(psk)
    responder.read(initiator.write())
    reply = responder.write(b"x")
    before = bytes(reply)
    initiator.read(reply)
    assert reply == before
    responder.read(initiator.write())
    initiator.split()
    assert psk == PSK


def test_psk_of_the_wrong_length_is_refused():
    assert refused(Handshake, True, KeyPair(), b"", bytes(16)) == "psk is 16 bytes, not 32"


def test_counters_end_before_they_wrap():
    cipher = Cipher(bytes(32))
    cipher.next = MAX_COUNTER
    buffer = bytearray(TAG)
    assert cipher.seal_next(b"", buffer) == MAX_COUNTER
    assert refused(cipher.seal_next, b"", buffer) == "the counter is used up"
    assert refused(cipher.seal, MAX_COUNTER + 1, b"", buffer) == "the counter is used up"
    assert refused(cipher.open, -1, b"", buffer) == "the counter is used up"
    Cipher(bytes(32)).open(MAX_COUNTER, b"", buffer)


def test_a_refused_message_does_not_use_up_a_counter():
    sender, receiver = Cipher(bytes(32)), Cipher(bytes(32))
    buffer = bytearray(b"x" + bytes(TAG))
    sender.seal_next(b"", buffer)
    refused(receiver.open_next, b"", flipped(buffer, 0, 0))
    receiver.open_next(b"", buffer)
    assert receiver.next == 1


def test_every_counter_gives_other_bytes():
    cipher = Cipher(bytes(32))
    seen = set()
    for counter in (0, 1, 255, 256, 0xFFFFFFFF, 0x100000000, 1 << 56, MAX_COUNTER):
        buffer = bytearray(16 + TAG)
        cipher.seal(counter, b"", buffer)
        seen.add(bytes(buffer))
    assert len(seen) == 8


def test_a_wiped_cipher_does_nothing():
    cipher = Cipher(b"\x01" * 32)
    cipher.wipe()
    assert cipher._key == bytes(32)
    assert refused(cipher.seal_next, b"", bytearray(TAG)) == "the key was wiped"
    assert refused(cipher.open, 0, b"", bytearray(TAG)) == "the key was wiped"
