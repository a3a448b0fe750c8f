# Runs on: MicroPython and CPython
# The node's identity, made at first boot and kept in a file of its own, so that no change of the
# configuration touches it and a factory reset keeps it:
#   signing key   Ed25519; who the node is, for good. Its fingerprint is on the label.
#   static key    X25519, for handshakes, certified by the signing key; rotate() makes a new one
#   code          the commissioning code that the label carries, 80 random bits
# A power cut leaves the old identity or the new, never a part of either (flash.py).

from firmware import flash, primitives
from firmware.primitives import KEY, SIGNATURE, CryptoError, KeyPair, SigningKey

FINGERPRINT = 16
CODE_LETTERS = 16
_CODE_BYTES = CODE_LETTERS * 5 // 8
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_VERSION = 1
_STATIC_CONTEXT = b"resonode static key 1\x00"
_PSK_CONTEXT = b"resonode commissioning 1\x00"


class VaultError(Exception):
    pass


class Vault:
    # Loads the identity, or makes it if there is none. Made only from a real source of random
    # numbers: see primitives.py for what that asks of a port before this is called.
    def __init__(self, path: str) -> None:
        self._path = path
        if not self._load():
            self._make()

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.signing.public)

    @property
    def certificate(self) -> bytes:
        # The static key as the signing key vouches for it: generation u32 | key | signature.
        return self._statement()[len(_STATIC_CONTEXT) :] + self._signature

    def psk(self, label: bytes) -> bytearray:
        # What the host computes from the label it was shown: `label` is its text before the code.
        return psk(label, self.code)

    def rotate(self) -> None:
        # A new static key; sessions that run keep theirs.
        self._keep(self.signing, KeyPair(), self.generation + 1, self.code)

    def renew_code(self) -> None:
        # For a node that changes hands: its old label may have been photographed.
        self._keep(self.signing, self.static, self.generation, new_code())

    # -- making and keeping

    def _make(self) -> None:
        self._keep(SigningKey(), KeyPair(), 1, new_code())

    def _keep(self, signing: SigningKey, static: KeyPair, generation: int, code: str) -> None:
        # In flash first: if that fails, the node goes on with what it has.
        signature = signing.sign(_statement(generation, static.public))
        kept = [_VERSION, bytes(signing.seed), bytes(static.secret), generation, signature, code]
        flash.save(self._path, kept)
        self.signing = signing
        self.static = static
        self.generation = generation
        self.code = code
        self._signature = signature

    def _statement(self) -> bytes:
        return _statement(self.generation, self.static.public)

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
        if not primitives.verify(self.signing.public, self._statement(), self._signature):
            raise VaultError("the static key is not certified: service needed")
        return True


def _statement(generation: int, public) -> bytes:
    return _STATIC_CONTEXT + generation.to_bytes(4, "big") + bytes(public)


def fingerprint(signing_public) -> bytes:
    return primitives.sha256(signing_public)[:FINGERPRINT]


def check_certificate(signing_public, certificate) -> tuple:
    # (generation, static public key), or CryptoError. What a host does, too.
    if len(certificate) != 4 + KEY + SIGNATURE:
        raise CryptoError("a certificate of the wrong length")
    body, signature = certificate[: 4 + KEY], certificate[4 + KEY :]
    if not primitives.verify(signing_public, _STATIC_CONTEXT + bytes(body), signature):
        raise CryptoError("the static key is not certified by this identity")
    return int.from_bytes(body[:4], "big"), bytes(body[4:])


def psk(label: bytes, code: str) -> bytearray:
    return bytearray(primitives.sha256(_PSK_CONTEXT, label, code.encode()))


def new_code() -> str:
    # Five bits a letter; a power of two, so every letter is as likely as another.
    number = int.from_bytes(primitives.random_bytes(_CODE_BYTES), "big")
    return "".join([_CROCKFORD[number >> 5 * at & 31] for at in range(CODE_LETTERS)])


def read_code(typed: str) -> str:
    # As people type it: any case, with hyphens or spaces, O for 0, I and L for 1.
    plain = typed.upper().replace("-", "").replace(" ", "")
    plain = plain.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(plain) != CODE_LETTERS or [letter for letter in plain if letter not in _CROCKFORD]:
        raise ValueError(f"a code is {CODE_LETTERS} letters and digits")
    return plain
