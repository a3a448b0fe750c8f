"""Owners and hosts, on the SDK's handshakes, for whatever a node's door is.

A door has `ask(op, group, command, body)`, `node_id` and `fingerprint`.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from resonode.trust.session import Expected, Handshake, SealedChannel, psk_of
from resonode_wire import cbor, security, smp
from resonode_wire.security import XX, XX_PSK3

NOW_S = 1796000000


class Refused(Exception):
    """The node answered with a return code."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer.get("rsn", ""))
        self.rc: int = answer["rc"]
        self.reason: str = answer.get("rsn", "")


def request(op: int, group: int, command: int, body: dict[str, Any] | None = None) -> bytes:
    return smp.pack(op, group, 1, command, cbor.dumps(body or {}))


def answer_of(message: bytes) -> Any:
    """Return the body of a reply. Raises Refused."""
    body = cbor.loads(smp.unpack(message)[5])
    if "rc" in body:
        raise Refused(body)
    return body


class Owner:
    """Somebody who owns nodes."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        return self._key.sign(statement)

    def credential(self, host: Host, role: int, **changes: Any) -> bytes:
        values = {
            "host_key": host.public,
            "role": role,
            "epoch": 1,
            "issued_s": NOW_S,
            "expires_s": 0,
            "node": b"",
        }
        body = security.credential_body(values | changes)
        return security.pack_credential(body, self.sign(security.credential_statement(body)))


class Host:
    """A computer at the door."""

    def __init__(self, node: Any) -> None:
        key = X25519PrivateKey.generate()
        self.private = key.private_bytes_raw()
        self.public = key.public_key().public_bytes_raw()
        self.node = node
        self.channel: SealedChannel | None = None
        self.hash = b""

    def begin(self, pattern: str, code: str = "", expected: Expected | None = None) -> Handshake:
        """Messages 1 and 2."""
        psk = psk_of(self.node.node_id, code) if pattern == XX_PSK3 else None
        known = expected or Expected(self.node.fingerprint)
        handshake = Handshake(pattern, self.private, known, psk)
        first = {"p": pattern, "m": handshake.first()}
        handshake.second(self.handshake(first)["m"])
        return handshake

    def finish(self, handshake: Handshake, payload: bytes = b"") -> int:
        """Message 3; returns the role."""
        role = self.handshake({"m": handshake.third(payload)})["role"]
        self.channel = handshake.channel()
        self.hash = handshake.hash
        return int(role)

    def handshake(self, body: dict[str, Any]) -> Any:
        return self.node.ask(smp.WRITE, smp.GROUP_SECURITY, smp.SEC_HANDSHAKE, body)

    def come_with_code(self, code: str) -> int:
        return self.finish(self.begin(XX_PSK3, code))

    def come_with(self, credential: bytes) -> int:
        return self.finish(self.begin(XX), credential)

    def ask(self, op: int, group: int, command: int, body: dict[str, Any] | None = None) -> Any:
        """Ask in the session. Raises Refused."""
        assert self.channel is not None
        counter, text = self.channel.seal(request(op, group, command, body))
        return self.unsealed(self.send(counter, text))

    def send(self, counter: int, text: bytes) -> dict[str, Any]:
        """Send what is sealed already; returns the sealed reply. Raises Refused."""
        sealed = {"n": counter, "d": text}
        return self.node.ask(smp.WRITE, smp.GROUP_SECURITY, smp.SEC_SEALED, sealed)

    def unsealed(self, reply: dict[str, Any]) -> Any:
        assert self.channel is not None
        return answer_of(self.channel.open(reply["n"], reply["d"]))

    def secure(self, op: int, command: int, body: dict[str, Any] | None = None) -> Any:
        """A command of group 66, in the session."""
        return self.ask(op, smp.GROUP_SECURITY, command, body)

    def claim_for(self, new: Owner, **changes: Any) -> Any:
        """Claim the node in a session that its code opened."""
        statement = security.claim_statement(self.hash, self.node.fingerprint)
        body = {"owner": new.public, "sig": new.sign(statement), "time_s": NOW_S}
        return self.secure(smp.WRITE, smp.SEC_CLAIM, body | changes)
