"""What node and host must agree on to trust each other: names, statements, codes. No cryptography.

Runs on: MicroPython and CPython. WIRE.md, section 4, tells how the parts are used.
"""

from resonode_wire import cbor
from resonode_wire.errors import WireError

# Who may do what. A role may do everything a lesser one may.
ROLE_ANYONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_OWNER = 0, 1, 2, 3
ROLES = ("anyone", "viewer", "operator", "owner")

OPEN, CLOSED = "open", "closed"  # profiles

# Bytes of a key, a signature and of what a fingerprint is cut to.
KEY = 32
SIGNATURE = 64
FINGERPRINT = 16

# -- handshakes

XX = "XX"
XX_PSK3 = "XXpsk3"

# The node's clock, as hello tells it: never set, kept from before the last start (so it may be
# slow, by the time the node was off), or set since.
CLOCK_UNSET, CLOCK_KEPT, CLOCK_SET = "unset", "kept", "set"


def prologue(pattern: str) -> bytes:
    """What both sides of a handshake must have meant the same by."""
    return b"resonode 1 " + pattern.encode()


# -- statements: what is signed begins with what it is, so that none passes for another

_STATIC = b"resonode static key 1\0"
_PSK = b"resonode commissioning 1\0"
_CREDENTIAL = b"resonode credential 1\0"
_CLAIM = b"resonode claim 1\0"
_RELEASE = b"resonode release 1\0"

CERTIFICATE = 4 + KEY + SIGNATURE


def static_statement(generation: int, static_key: bytes) -> bytes:
    """What a node signs about its static key; the certificate is generation | key | signature."""
    return _STATIC + generation.to_bytes(4, "big") + bytes(static_key)


def split_certificate(certificate: bytes) -> tuple:
    """Return (generation, static key, signature). Raises WireError."""
    if len(certificate) != CERTIFICATE:
        raise WireError(f"a certificate of {len(certificate)} bytes, not {CERTIFICATE}")
    key = bytes(certificate[4 : 4 + KEY])
    return int.from_bytes(certificate[:4], "big"), key, bytes(certificate[4 + KEY :])


def psk_input(node_id: str, code: str) -> bytes:
    """What a commissioning's pre-shared key is the SHA-256 of; `code` as `read_code` gives it."""
    return _PSK + node_id.encode() + code.encode()


def claim_statement(handshake_hash: bytes, fingerprint: bytes) -> bytes:
    """What a new owner signs: in this very session I take this very node."""
    return _CLAIM + bytes(handshake_hash) + bytes(fingerprint)


def release_statement(fingerprint: bytes, epoch: int, code: str) -> bytes:
    """What an owner signs to let go of a node. The epoch rises by it, so it works once."""
    return _RELEASE + bytes(fingerprint) + epoch.to_bytes(4, "big") + code.encode()


# -- credentials

# (name, kind): a credential's body is a CBOR array of these, in this order, after the version.
_CREDENTIAL_FIELDS = (
    ("host_key", bytes),  # X25519, whose holder may come in
    ("role", int),
    ("epoch", int),  # of the node or later: a node refuses less than its own
    ("issued_s", int),  # Unix time
    ("expires_s", int),  # 0: never
    ("node", bytes),  # fingerprint of the only node it is for, or empty: any of this owner's
)
_CREDENTIAL_VERSION = 1
_MAX_NUMBER = 1 << 53


def credential_body(credential: dict) -> bytes:
    """Return the bytes an owner signs `credential_statement` of. Raises WireError."""
    _check_credential(credential)
    values = [credential[name] for name, _kind in _CREDENTIAL_FIELDS]
    return cbor.dumps([_CREDENTIAL_VERSION] + values)


def credential_statement(body: bytes) -> bytes:
    """What an owner signs."""
    return _CREDENTIAL + bytes(body)


def pack_credential(body: bytes, signature: bytes) -> bytes:
    """Return the credential as message 3 of a handshake carries it."""
    return cbor.dumps([bytes(body), bytes(signature)])


def unpack_credential(data: bytes) -> tuple:
    """Return (credential, body, signature). Raises WireError; the signature is not checked."""
    pair = cbor.loads(data)
    if not isinstance(pair, list) or len(pair) != 2:
        raise WireError("a credential is body and signature")
    body, signature = pair
    if not isinstance(body, bytes) or not isinstance(signature, bytes):
        raise WireError("a credential is two byte strings")
    if len(signature) != SIGNATURE:
        raise WireError("a credential's signature has the wrong length")
    values = cbor.loads(body)
    if not isinstance(values, list) or len(values) != 1 + len(_CREDENTIAL_FIELDS):
        raise WireError("a credential's body has the wrong form")
    if values[0] != _CREDENTIAL_VERSION:
        raise WireError(f"a credential of version {values[0]}, not {_CREDENTIAL_VERSION}")
    names = [name for name, _kind in _CREDENTIAL_FIELDS]
    credential = dict(zip(names, values[1:]))
    _check_credential(credential)
    return credential, body, signature


def _check_credential(credential: dict) -> None:
    for name, kind in _CREDENTIAL_FIELDS:
        value = credential[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise WireError(f"a credential's {name} has the wrong type")
        if isinstance(value, int) and not 0 <= value < _MAX_NUMBER:
            raise WireError(f"a credential's {name} is out of range")
    if len(credential["host_key"]) != KEY or len(credential["node"]) not in (0, FINGERPRINT):
        raise WireError("a credential's key or node has the wrong length")
    if credential["role"] not in (ROLE_VIEWER, ROLE_OPERATOR, ROLE_OWNER):
        raise WireError(f"a credential for role {credential['role']}, not 1..3")


# -- commissioning codes: 80 random bits as 16 letters of Crockford's base32

CODE_LETTERS = 16
CODE_BYTES = CODE_LETTERS * 5 // 8
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def code_of(random: bytes) -> str:
    """Return the code of CODE_BYTES random bytes. Five bits a letter: all are equally likely."""
    if len(random) != CODE_BYTES:
        raise WireError(f"a code is made of {CODE_BYTES} bytes")
    number = int.from_bytes(random, "big")
    return "".join([_CROCKFORD[number >> 5 * at & 31] for at in range(CODE_LETTERS)])


def read_code(typed: str) -> str:
    """Return a code as people type it: any case, hyphens, spaces, O for 0, I and L for 1.

    Raises WireError.
    """
    plain = typed.upper().replace("-", "").replace(" ", "")
    plain = plain.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(plain) != CODE_LETTERS:
        raise WireError(f"a code has {CODE_LETTERS} letters and digits, not {len(plain)}")
    wrong = [letter for letter in plain if letter not in _CROCKFORD]
    if wrong:
        raise WireError(f"{wrong[0]!r} is in no code")
    return plain


def show_code(code: str) -> str:
    """Return a code as labels print it, in four groups of four."""
    return "-".join([code[at : at + 4] for at in range(0, CODE_LETTERS, 4)])
