"""The native module `crypto` for CPython: the same interface, by the `cryptography` package.

Not for a node. It lets the firmware's logic be tested in both interpreters, and is a second
opinion on every vector.
"""

import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_TAG = 16


def _sized(name, value, size):
    if len(value) != size:
        raise ValueError(f"{name}: not {size} bytes")
    return bytes(value)


def x25519_public(secret, out):
    key = X25519PrivateKey.from_private_bytes(_sized("secret", secret, 32))
    _sized("out", out, 32)
    out[:] = key.public_key().public_bytes_raw()


def x25519(secret, public, out):
    key = X25519PrivateKey.from_private_bytes(_sized("secret", secret, 32))
    theirs = X25519PublicKey.from_public_bytes(_sized("public", public, 32))
    _sized("out", out, 32)
    try:
        out[:] = key.exchange(theirs)
    except ValueError:  # a point of low order
        out[:] = bytes(32)
    return any(out)


def ed25519_key(seed, out):
    key = Ed25519PrivateKey.from_private_bytes(_sized("seed", seed, 32))
    _sized("out", out, 64)
    out[:] = bytes(seed) + key.public_key().public_bytes_raw()


def ed25519_sign(key, message, out):
    seed = _sized("key", key, 64)[:32]
    _sized("out", out, 64)
    out[:] = Ed25519PrivateKey.from_private_bytes(seed).sign(bytes(message))


def ed25519_verify(public, message, signature):
    try:
        key = Ed25519PublicKey.from_public_bytes(_sized("public", public, 32))
        key.verify(_sized("signature", signature, 64), bytes(message))
    except InvalidSignature:
        return False
    return True


def aead_lock(key, nonce, ad, text):
    text[:] = _aead(key, nonce, text).encrypt(bytes(nonce), bytes(text[:-_TAG]), bytes(ad))


def aead_unlock(key, nonce, ad, text):
    try:
        text[:-_TAG] = _aead(key, nonce, text).decrypt(bytes(nonce), bytes(text), bytes(ad))
    except InvalidTag:
        return False
    return True


def _aead(key, nonce, text):
    _sized("nonce", nonce, 12)
    if len(text) < _TAG:
        raise ValueError("text: no room for the tag")
    return ChaCha20Poly1305(_sized("key", key, 32))


def equal(a, b):
    return hmac.compare_digest(bytes(a), bytes(b))


def wipe(buffer):
    buffer[:] = bytes(len(buffer))
