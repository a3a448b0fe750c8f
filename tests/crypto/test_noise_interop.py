"""The node's Noise in MicroPython shakes hands with `noiseprotocol`, in both roles."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseInvalidMessage

from tests.crypto.node import NodePeer, Refused

PROLOGUE = b"resonode 1"
PSK = bytes(range(32))
HOST_STATIC, NODE_STATIC = b"\x11" * 32, b"\x22" * 32
SMP, TELEMETRY = 1, 2

Damage = Callable[[int, bytes], bytes]
PATTERNS = pytest.mark.parametrize("psk", [None, PSK], ids=["XX", "XXpsk3"])
ROLES = pytest.mark.parametrize("host_begins", [True, False], ids=["host-begins", "node-begins"])


def public(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def host(begins: bool, psk: bytes | None, prologue: bytes = PROLOGUE) -> NoiseConnection:
    pattern = b"XX" if psk is None else b"XXpsk3"
    connection = NoiseConnection.from_name(b"Noise_%s_25519_ChaChaPoly_SHA256" % pattern)
    (connection.set_as_initiator if begins else connection.set_as_responder)()
    connection.set_prologue(prologue)
    connection.set_keypair_from_private_bytes(Keypair.STATIC, HOST_STATIC)
    if psk is not None:
        connection.set_psks(psk)
    connection.start_handshake()
    return connection


def unchanged(_step: int, message: bytes) -> bytes:
    return message


def shake_hands(
    node: NodePeer,
    psk: bytes | None,
    host_begins: bool,
    payloads: tuple[bytes, bytes, bytes] = (b"", b"", b""),
    damage: Damage = unchanged,
) -> NoiseConnection:
    """The host's side of a finished handshake; `damage` changes each message on its way."""
    ours = host(host_begins, psk)
    node("handshake", not host_begins, NODE_STATIC, PROLOGUE, psk)
    exchange(ours, node, host_begins, payloads, damage)
    return ours


def exchange(
    ours: NoiseConnection,
    node: NodePeer,
    host_begins: bool,
    payloads: tuple[bytes, bytes, bytes] = (b"", b"", b""),
    damage: Damage = unchanged,
) -> None:
    for step, payload in enumerate(payloads):
        if host_begins == (step % 2 == 0):
            assert node("read", damage(step, bytes(ours.write_message(payload)))) == payload
        else:
            assert ours.read_message(damage(step, node("write", payload))) == payload


def ciphers(ours: NoiseConnection) -> tuple[ChaCha20Poly1305, ChaCha20Poly1305]:
    """What the host seals with and opens with."""
    protocol = ours.noise_protocol
    keys = protocol.cipher_state_encrypt.k, protocol.cipher_state_decrypt.k
    return ChaCha20Poly1305(keys[0]), ChaCha20Poly1305(keys[1])


def nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(8, "little")


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"{request.node.name}: seed {seed}")
    return random.Random(seed)


@PATTERNS
@ROLES
def test_handshakes_with_random_payloads(
    node: NodePeer, psk: bytes | None, host_begins: bool, draw: random.Random
) -> None:
    for _ in range(10):
        sizes = [draw.choice([0, 1, 31, 200, 1500]) for _ in range(3)]
        first, second, third = (draw.randbytes(size) for size in sizes)
        ours = shake_hands(node, psk, host_begins, (first, second, third))
        assert node("finish") == [ours.get_handshake_hash(), public(HOST_STATIC)]


@PATTERNS
@ROLES
def test_sealed_messages_and_frames_both_ways(
    node: NodePeer, psk: bytes | None, host_begins: bool, draw: random.Random
) -> None:
    seal, open_ = ciphers(shake_hands(node, psk, host_begins))
    node("finish")
    for expected in range(0, 20, 2):
        text = draw.randbytes(draw.choice([0, 1, 100, 1000]))
        counter, sealed = node("seal", SMP, text)
        assert counter == expected
        assert open_.decrypt(nonce(counter), sealed, bytes([SMP])) == text
        frame = node("seal_frame", TELEMETRY, text)
        assert frame[:4] == (counter + 1).to_bytes(4, "big")
        assert open_.decrypt(nonce(counter + 1), frame[4:], bytes([TELEMETRY])) == text
        request = seal.encrypt(nonce(expected), text, bytes([SMP]))
        assert node("open", SMP, expected, request) == text


@pytest.fixture
def session(node: NodePeer) -> tuple[NodePeer, ChaCha20Poly1305]:
    seal, _ = ciphers(shake_hands(node, PSK, host_begins=True))
    node("finish")
    return node, seal


def test_every_bit_of_a_sealed_message_counts(session: tuple[NodePeer, ChaCha20Poly1305]) -> None:
    node, seal = session
    good = seal.encrypt(nonce(0), b"request", bytes([SMP]))
    for bit in range(8 * len(good)):
        forged = bytearray(good)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused, match="not authentic"):
            node("open", SMP, 0, bytes(forged))
    assert node("open", SMP, 0, good) == b"request"
    with pytest.raises(Refused, match="used before"):
        node("open", SMP, 0, good)


def test_a_frame_is_found_again_after_many_were_lost(
    session: tuple[NodePeer, ChaCha20Poly1305],
) -> None:
    node, seal = session
    for counter in (0, 5, 4, 70, 7, 100_000, 99_937, 2**21 - 1):
        sealed = seal.encrypt(nonce(counter), b"r", bytes([TELEMETRY]))
        assert node("open_frame", TELEMETRY, counter.to_bytes(4, "big") + sealed) == b"r"
    sealed = seal.encrypt(nonce(2**21), b"r", bytes([TELEMETRY]))
    with pytest.raises(Refused, match="out of range"):
        node("open_frame", TELEMETRY, (2**21).to_bytes(4, "big") + sealed)


@PATTERNS
@ROLES
def test_a_flip_in_any_byte_of_any_message_ends_the_handshake(
    node: NodePeer, psk: bytes | None, host_begins: bool
) -> None:
    sizes = [32 if psk is None else 48, 96, 64]
    tried = 0
    for at_step, size in enumerate(sizes):
        for at in range(size):

            def damage(step: int, message: bytes, at_step: int = at_step, at: int = at) -> bytes:
                assert len(message) == sizes[step]
                if step != at_step:
                    return message
                return message[:at] + bytes([message[at] ^ 1 << at % 8]) + message[at + 1 :]

            # Whoever notices: the node refuses, or the host does.
            with pytest.raises((Refused, InvalidTag, NoiseInvalidMessage)):
                shake_hands(node, psk, host_begins, damage=damage)
            node_sent_the_last = at_step == 2 and not host_begins
            if not node_sent_the_last:
                with pytest.raises(Refused):
                    node("finish")
            tried += 1
    assert tried == sum(sizes)


@ROLES
def test_wrong_psk_and_wrong_prologue_are_refused(node: NodePeer, host_begins: bool) -> None:
    for psk, prologue in ((bytes(32), PROLOGUE), (PSK, b"resonode 2")):
        ours = host(host_begins, PSK, prologue)
        node("handshake", not host_begins, NODE_STATIC, PROLOGUE, psk)
        with pytest.raises((Refused, InvalidTag, NoiseInvalidMessage)):
            exchange(ours, node, host_begins)


def test_a_refused_handshake_says_so_until_a_new_one_begins(node: NodePeer) -> None:
    node("handshake", False, NODE_STATIC, PROLOGUE, PSK)
    with pytest.raises(Refused, match="not authentic") as refused:
        node("read", bytes(48))
    assert refused.value.kind == "NoiseError"
    with pytest.raises(Refused, match="has failed"):
        node("read", bytes(48))
    shake_hands(node, PSK, host_begins=True)
