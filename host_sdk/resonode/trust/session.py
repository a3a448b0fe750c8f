"""The host's end of a session, without I/O: the handshake that opens it, then sealed messages.

    handshake = Handshake(XX, host_private, Expected(fingerprint))
    handshake.first()                 -> message 1, to the node
    handshake.second(message)         -> Proof; or NotTrusted, and message 3 never leaves
    handshake.third(credential)       -> message 3, to the node
    channel = handshake.channel()     -> SealedChannel, once the node has taken message 3

Primitives are those of `cryptography`, the handshake that of `noiseprotocol`. WIRE.md, section 4.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseInvalidMessage, NoiseValueError

from resonode.errors import NotTrusted
from resonode.trust.keys import fingerprint
from resonode_wire import security
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY
from resonode_wire.sealing import END_MESSAGES, RECORD_OVERHEAD, Window

_SECOND_PAYLOAD = security.KEY + security.CERTIFICATE
_BROKEN = (InvalidTag, NoiseInvalidMessage, NoiseValueError, ValueError)


class SealError(Exception):
    """What came cannot be opened: damaged, forged, seen before, or sealed under another key."""


@dataclass(frozen=True)
class Expected:
    """What is known of a node beforehand, from its label or from the site file."""

    fingerprint: bytes
    generation: int = 0
    """Of its static key, the newest seen."""


@dataclass(frozen=True)
class Proof:
    """Who a node has proved to be."""

    signing_key: bytes
    generation: int

    @property
    def fingerprint(self) -> bytes:
        """16 bytes of the SHA-256 of its signing key."""
        return fingerprint(self.signing_key)


def psk_of(node_id: str, code: str) -> bytes:
    """Return the pre-shared key that a label's code stands for; `code` as `read_code` gives it."""
    return hashlib.sha256(security.psk_input(node_id, code)).digest()


class Handshake:
    """Opens one session as its initiator. Steps out of turn are a programming error.

    Args:
        pattern: security.XX or security.XX_PSK3.
        host_private: this computer's X25519 key, 32 bytes.
        expected: whom message 3 may go to.
        psk: 32 bytes, for XX_PSK3.
    """

    def __init__(
        self, pattern: str, host_private: bytes, expected: Expected, psk: bytes | None = None
    ) -> None:
        self._expected = expected
        self._proof: Proof | None = None
        self._noise = NoiseConnection.from_name(f"Noise_{pattern}_25519_ChaChaPoly_SHA256".encode())
        self._noise.set_as_initiator()
        self._noise.set_prologue(security.prologue(pattern))
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, host_private)
        if psk is not None:
            self._noise.set_psks(psk)
        self._noise.start_handshake()

    def first(self) -> bytes:
        """Return message 1."""
        return bytes(self._noise.write_message())

    def second(self, message: bytes) -> Proof:
        """Read message 2 and check who sent it, against all that is known.

        Raises:
            NotTrusted: it is not the node expected; the handshake is over.
        """
        try:
            payload = bytes(self._noise.read_message(message))
        except _BROKEN as error:
            raise _stranger("its answer to the handshake is not authentic") from error
        remote_static = bytes(self._noise.noise_protocol.handshake_state.rs.public_bytes)
        self._proof = _proof(payload, remote_static, self._expected)
        return self._proof

    def third(self, payload: bytes = b"") -> bytes:
        """Return message 3: the only one that tells the node who we are."""
        if self._proof is None:
            raise RuntimeError("message 3 may leave only after message 2 was found good")
        return bytes(self._noise.write_message(payload))

    @property
    def hash(self) -> bytes:
        """What names this session, 32 bytes, the same on both sides."""
        return bytes(self._noise.get_handshake_hash())

    def channel(self) -> SealedChannel:
        """Return what seals and opens from now on."""
        protocol = self._noise.noise_protocol
        return SealedChannel(protocol.cipher_state_encrypt.k, protocol.cipher_state_decrypt.k)


def _proof(payload: bytes, remote_static: bytes, expected: Expected) -> Proof:
    if len(payload) != _SECOND_PAYLOAD:
        raise _stranger("its answer to the handshake has the wrong form")
    signing_key, certificate = payload[: security.KEY], payload[security.KEY :]
    generation, static_key, signature = security.split_certificate(certificate)
    found = fingerprint(signing_key)
    if found != expected.fingerprint:
        # First: only a key that was pinned is fit to check signatures with, since `cryptography`
        # takes keys of small order, with which anything is signed.
        raise _stranger(
            f"its fingerprint is {found.hex()}, and {expected.fingerprint.hex()} was expected"
        )
    try:
        statement = security.static_statement(generation, static_key)
        Ed25519PublicKey.from_public_bytes(signing_key).verify(signature, statement)
    except (InvalidSignature, ValueError) as error:
        raise _stranger("its static key is not certified by its signing key") from error
    if static_key != remote_static:
        raise _stranger("the static key it uses is not the one that is certified")
    if generation < expected.generation:
        raise _stranger(
            f"its static key is of generation {generation}, and generation "
            f"{expected.generation} has replaced that"
        )
    return Proof(signing_key, generation)


def _stranger(why: str) -> NotTrusted:
    return NotTrusted(
        "What answers is not the node expected",
        why=why,
        next="Nothing secret was sent. Check that the right node is on this port; if it is, "
        "somebody may be in between",
    )


class SealedChannel:
    """Seals and opens under the two keys of a session, 32 bytes each.

    Attributes:
        sealed: messages sealed so far, and the counter of the next.
    """

    def __init__(self, send_key: bytes, receive_key: bytes) -> None:
        self.sealed = 0
        self._send = ChaCha20Poly1305(send_key)
        self._receive = ChaCha20Poly1305(receive_key)
        # One each, since records are opened as they arrive and a reply a little later; and the
        # channel is proved with the counter, so neither passes for the other.
        self._windows = {channel: Window() for channel in (CHANNEL_SMP, CHANNEL_TELEMETRY)}

    @property
    def messages(self) -> int:
        """Counters used in the direction that has used more."""
        return max(self.sealed, *(one.newest + 1 for one in self._windows.values()))

    def seal(self, message: bytes, channel: int = CHANNEL_SMP) -> tuple[int, bytes]:
        """Return (counter, sealed text). Raises SealError once the counters are used up."""
        counter = self.sealed
        if counter >= END_MESSAGES:
            raise SealError("too many messages under one key")
        self.sealed += 1
        return counter, self._send.encrypt(_nonce(counter), message, bytes([channel]))

    def open(self, counter: int, text: bytes, channel: int = CHANNEL_SMP) -> bytes:
        """Return what was sealed. Raises SealError; then nothing has changed."""
        if not 0 <= counter < END_MESSAGES:
            raise SealError("the counter is out of range")
        window = self._windows[channel]
        if not window.fresh(counter):
            raise SealError("the counter was used before, or is too old")
        try:
            message = self._receive.decrypt(_nonce(counter), text, bytes([channel]))
        except InvalidTag as error:
            raise SealError("it is not authentic") from error
        window.mark(counter)
        return message

    def open_record(self, payload: bytes) -> bytes:
        """Return the record in a telemetry frame's payload. Raises SealError."""
        if len(payload) < RECORD_OVERHEAD:
            raise SealError("shorter than an empty frame")
        counter = int.from_bytes(payload[:4], "big")
        return self.open(counter, payload[4:], CHANNEL_TELEMETRY)


def _nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(8, "little")
