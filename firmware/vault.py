# Runs on: MicroPython and CPython
# The node's identity, made at first boot and kept in a file of its own, so that no change of the
# configuration touches it and a factory reset keeps it:
#   signing key   Ed25519; who the node is, for good. Its fingerprint is on the label.
#   static key    X25519, for handshakes, certified by the signing key; rotate() makes a new one
#   code          the commissioning code that the label carries, 80 random bits
# A power cut leaves the old identity or the new, never a part of either (flash.py).

from firmware import flash, primitives
from firmware.primitives import KeyPair, SigningKey
from resonode_wire.security import CODE_BYTES, FINGERPRINT, code_of, static_statement

_VERSION = 1


class VaultError(Exception):
    pass


class Vault:
    # Loads the identity, or makes it if there is none. Made only from a real source of random
    # numbers: see primitives.py for what that asks of a port before this is called.
    def __init__(self, path: str) -> None:
        self._path = path
        if not self._load():
            self._keep(SigningKey(), KeyPair(), 1, new_code())

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.signing.public)

    @property
    def certificate(self) -> bytes:
        # The static key as the signing key vouches for it: generation u32 | key | signature.
        return self.generation.to_bytes(4, "big") + self.static.public + self._signature

    def rotate(self) -> None:
        # A new static key; sessions that run keep theirs.
        self._keep(self.signing, KeyPair(), self.generation + 1, self.code)

    # -- making and keeping

    def _keep(self, signing: SigningKey, static: KeyPair, generation: int, code: str) -> None:
        # In flash first: if that fails, the node goes on with what it has.
        signature = signing.sign(static_statement(generation, static.public))
        kept = [_VERSION, bytes(signing.seed), bytes(static.secret), generation, signature, code]
        flash.save(self._path, kept)
        self.signing = signing
        self.static = static
        self.generation = generation
        self.code = code
        self._signature = signature

    def _load(self) -> bool:
        try:
            kept = flash.load(self._path)
            if kept is None:
                return False
            version, seed, secret, self.generation, self._signature, self.code = kept
            if version != _VERSION:
                raise ValueError(f"identity of version {version}, not {_VERSION}")
            self.signing = SigningKey(seed)
            self.static = KeyPair(secret)
        except (ValueError, TypeError) as error:
            # Never a new identity in place of a damaged one: the label would be of another node.
            raise VaultError(f"the identity cannot be read ({error}): service needed") from None
        statement = static_statement(self.generation, self.static.public)
        if not primitives.verify(self.signing.public, statement, self._signature):
            raise VaultError("the static key is not certified: service needed")
        return True


def fingerprint(public_key) -> bytes:
    # Of a signing key, the node's or an owner's.
    return primitives.sha256(public_key)[:FINGERPRINT]


def new_code() -> str:
    return code_of(bytes(primitives.random_bytes(CODE_BYTES)))
