"""The host's half of handshake and sealing, against the node's own code in MicroPython."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resonode.errors import NotTrusted
from resonode.trust.keys import fingerprint
from resonode.trust.session import (
    Expected,
    Handshake,
    SealedChannel,
    SealError,
    psk_of,
)
from resonode_wire import security
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY
from resonode_wire.sealing import END_MESSAGES, WINDOW
from tests.crypto.node import NodePeer, Refused

CODE = security.read_code("7k3m-9p2q-xw5t-abcd")
PSK = psk_of("node-1", CODE)
ANY = "not the node expected"
PATTERNS = pytest.mark.parametrize("pattern", [security.XX, security.XX_PSK3])


@pytest.fixture(scope="module")
def peer() -> Iterator[NodePeer]:
    with NodePeer() as node:
        yield node


@dataclass
class Identity:
    """What a node would have in its vault."""

    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    static: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    generation: int = 1

    @property
    def signing_public(self) -> bytes:
        return self.signing.public_key().public_bytes_raw()

    @property
    def static_public(self) -> bytes:
        return self.static.public_key().public_bytes_raw()

    @property
    def expected(self) -> Expected:
        return Expected(fingerprint(self.signing_public), self.generation)

    def certificate(self) -> bytes:
        statement = security.static_statement(self.generation, self.static_public)
        head = self.generation.to_bytes(4, "big") + self.static_public
        return head + self.signing.sign(statement)

    def payload(self) -> bytes:
        return self.signing_public + self.certificate()


HOST = X25519PrivateKey.generate()


def begin(
    peer: NodePeer,
    node: Identity,
    pattern: str,
    payload: bytes | None = None,
    code: str = CODE,
) -> tuple[Handshake, bytes]:
    """A handshake up to message 2, with a node whose code is CODE."""
    with_code = pattern == security.XX_PSK3
    psk = psk_of("node-1", security.read_code(code)) if with_code else None
    ours = Handshake(pattern, HOST.private_bytes_raw(), node.expected, psk)
    secret, prologue = node.static.private_bytes_raw(), security.prologue(pattern)
    peer("handshake", False, secret, prologue, PSK if with_code else None)
    assert peer("read", ours.first()) == b""
    return ours, peer("write", node.payload() if payload is None else payload)


def opened(peer: NodePeer, pattern: str = security.XX) -> SealedChannel:
    node = Identity()
    ours, second = begin(peer, node, pattern)
    ours.second(second)
    peer("read", ours.third())
    peer("finish")
    return ours.channel()


@PATTERNS
def test_a_handshake_proves_both_and_names_the_session(peer: NodePeer, pattern: str) -> None:
    node = Identity(generation=7)
    ours, second = begin(peer, node, pattern)
    proof = ours.second(second)
    assert (proof.signing_key, proof.generation) == (node.signing_public, 7)
    assert proof.fingerprint == node.expected.fingerprint
    assert peer("read", ours.third(b"credential")) == b"credential"
    assert peer("finish") == [ours.hash, HOST.public_key().public_bytes_raw()]


@PATTERNS
def test_messages_and_records_go_both_ways(peer: NodePeer, pattern: str) -> None:
    channel = opened(peer, pattern)
    for number in range(10):
        text = bytes([number]) * (number * 37)
        assert peer("open", CHANNEL_SMP, *channel.seal(text)) == text
        assert channel.open(*peer("seal", CHANNEL_SMP, text)) == text
        assert channel.open_record(peer("seal_frame", CHANNEL_TELEMETRY, text)) == text
    assert channel.messages == 20


def test_another_code_is_refused_by_the_node(peer: NodePeer) -> None:
    node = Identity()
    ours, second = begin(peer, node, security.XX_PSK3, code="7k3m-9p2q-xw5t-abce")
    ours.second(second)
    with pytest.raises(Refused, match="not authentic"):
        peer("read", ours.third())


def refused(ours: Handshake, second: bytes, why: str) -> None:
    with pytest.raises(NotTrusted, match=why):
        ours.second(second)
    with pytest.raises(RuntimeError, match="only after message 2 was found good"):
        ours.third(b"secret")


@PATTERNS
def test_what_is_not_the_node_expected_gets_no_message_3(peer: NodePeer, pattern: str) -> None:
    node, other = Identity(generation=3), Identity(generation=3)
    older = Identity(node.signing, node.static, generation=2)
    forged = node.certificate()[:-1] + bytes([node.certificate()[-1] ^ 1])
    moved = Identity(node.signing, other.static, generation=3)
    for payload, why in (
        (other.payload(), "fingerprint is .* was expected"),
        (node.signing_public + other.certificate(), "not certified"),
        (node.signing_public + forged, "not certified"),
        (moved.payload(), "is not the one that is certified"),
        (older.payload(), "generation 2, and generation 3 has replaced"),
        (b"", "wrong form"),
        (node.payload() + b"\0", "wrong form"),
    ):
        ours, second = begin(peer, node, pattern, payload)
        refused(ours, second, why)


@PATTERNS
def test_a_flip_in_any_byte_of_message_2_ends_it(peer: NodePeer, pattern: str) -> None:
    node = Identity()
    _, good = begin(peer, node, pattern)
    for at in range(len(good)):
        ours, second = begin(peer, node, pattern)
        refused(ours, second[:at] + bytes([second[at] ^ 1 << at % 8]) + second[at + 1 :], ANY)


@PATTERNS
def test_a_message_2_of_any_other_length_ends_it(peer: NodePeer, pattern: str) -> None:
    node = Identity()
    _, good = begin(peer, node, pattern)
    for length in (*range(len(good)), len(good) + 1, 70000):
        ours, second = begin(peer, node, pattern)
        refused(ours, (second + bytes(70000))[:length], ANY)


def test_an_ephemeral_key_of_small_order_ends_it(peer: NodePeer) -> None:
    node = Identity()
    for point in (bytes(32), (1).to_bytes(32, "little")):
        ours, second = begin(peer, node, security.XX)
        refused(ours, point + second[32:], "not authentic")


# --- sealed messages -----------------------------------------------------------------------------


@pytest.fixture
def pair() -> tuple[SealedChannel, SealedChannel]:
    """Two ends of one session."""
    return SealedChannel(b"a" * 32, b"b" * 32), SealedChannel(b"b" * 32, b"a" * 32)


def test_every_bit_of_a_sealed_message_counts(pair: tuple[SealedChannel, SealedChannel]) -> None:
    ours, theirs = pair
    counter, text = theirs.seal(b"reply")
    for bit in range(8 * len(text)):
        forged = bytearray(text)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError, match="not authentic"):
            ours.open(counter, bytes(forged))
    for length in range(len(text)):
        with pytest.raises(SealError, match="not authentic"):
            ours.open(counter, text[:length])
    for wrong in (counter + 1, counter + 70):
        with pytest.raises(SealError, match="not authentic"):
            ours.open(wrong, text)
    assert ours.open(counter, text) == b"reply"
    with pytest.raises(SealError, match="used before"):
        ours.open(counter, text)


def test_nothing_passes_for_what_it_is_not(pair: tuple[SealedChannel, SealedChannel]) -> None:
    ours, theirs = pair
    counter, text = theirs.seal(b"x", CHANNEL_TELEMETRY)
    with pytest.raises(SealError, match="not authentic"):
        ours.open(counter, text)  # a record as a reply
    counter, text = ours.seal(b"x")
    with pytest.raises(SealError, match="not authentic"):
        ours.open(counter, text)  # our own, reflected
    for short in (b"", bytes(19)):
        with pytest.raises(SealError, match="shorter"):
            ours.open_record(short)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 200), max_size=300))
def test_each_counter_is_taken_once_and_up_to_64_behind(arrivals: list[int]) -> None:
    ours, theirs = SealedChannel(b"a" * 32, b"b" * 32), SealedChannel(b"b" * 32, b"a" * 32)
    sealed = [theirs.seal(bytes([number])) for number in range(201)]
    taken: set[int] = set()
    for number in arrivals:
        fresh = number not in taken and number > max(taken, default=-1) - WINDOW
        if fresh:
            assert ours.open(*sealed[number]) == bytes([number])
            taken.add(number)
        else:
            with pytest.raises(SealError, match="used before, or is too old"):
                ours.open(*sealed[number])


def test_a_reply_is_opened_however_many_records_have_come_after_it(
    pair: tuple[SealedChannel, SealedChannel],
) -> None:
    ours, theirs = pair
    early = theirs.seal(b"record", CHANNEL_TELEMETRY)
    reply = theirs.seal(b"reply")
    for _ in range(2 * WINDOW):
        ours.open(*theirs.seal(b"record", CHANNEL_TELEMETRY), CHANNEL_TELEMETRY)
    assert ours.open(*reply) == b"reply"
    for again, channel in ((reply, CHANNEL_SMP), (early, CHANNEL_TELEMETRY)):
        with pytest.raises(SealError, match="used before, or is too old"):
            ours.open(*again, channel)
    assert ours.messages == 2 * WINDOW + 2


def test_counters_end_before_they_could_repeat(pair: tuple[SealedChannel, SealedChannel]) -> None:
    ours, theirs = pair
    ours.sealed = END_MESSAGES - 1
    last = ours.seal(b"last")
    with pytest.raises(SealError, match="too many messages"):
        ours.seal(b"one more")
    assert theirs.open(*last) == b"last"
    assert theirs.messages == END_MESSAGES
    for counter in (END_MESSAGES, -1, 1 << 64):
        with pytest.raises(SealError, match="out of range"):
            theirs.open(counter, last[1])


def test_the_node_and_we_agree_on_when_keys_are_used_up(peer: NodePeer) -> None:
    channel = opened(peer)
    channel.sealed = END_MESSAGES - 1
    last = channel.seal(b"last")
    assert peer("open", CHANNEL_SMP, *last) == b"last"
    with pytest.raises(Refused, match="out of range"):
        peer("open", CHANNEL_SMP, END_MESSAGES, last[1])
