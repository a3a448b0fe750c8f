# Runs on: MicroPython and CPython
# All the cryptography a node uses, and the only file that touches the native module `crypto`
# (c_crypto). Lengths are checked; whatever is refused is a CryptoError, which is a ValueError.
#
# Where random numbers come from: os.urandom, which is
#   unix, VIRTUAL   the kernel's generator
#   esp32           the hardware generator, which is only truly random while Wi-Fi or Bluetooth is
#                   on (or right after the boot loader): start the radio before a key is made
#   nrf             the chip's noise source, which needs no radio
#   zephyr          whatever entropy driver the board has; a board without one must not be used
# The firmware cannot measure entropy; it only refuses a source that repeats itself.
#
# What can be wiped is wiped: keys and shared secrets are bytearrays. What hashlib and os.urandom
# return cannot be changed, and lies in the heap until something else is put there.

import hashlib
import os

import crypto

KEY = 32  # bytes of every key, secret and public, and of a shared secret
HASH = 32
SIGNATURE = 64
NONCE = 12
TAG = 16

_BLOCK = 64  # of SHA-256
_INNER = int.from_bytes(b"\x36" * _BLOCK, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK, "big")
_PROBE = 16

wipe = crypto.wipe
equal = crypto.equal


class CryptoError(ValueError):
    pass


def _key(name: str, value) -> bytearray:
    # Our own copy, so that wiping ours does not wipe the caller's.
    if len(value) != KEY:
        raise CryptoError(f"{name} is {len(value)} bytes, not {KEY}")
    return bytearray(value)


def random_bytes(size: int) -> bytearray:
    if os.urandom(_PROBE) == os.urandom(_PROBE):
        raise CryptoError("the source of random numbers is stuck")
    return bytearray(os.urandom(size))


# -- hashes


def sha256(*parts) -> bytes:
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.digest()


def hmac_sha256(key, *parts) -> bytes:
    # RFC 2104. As whole numbers: a loop over 128 bytes is slow in MicroPython.
    if len(key) > _BLOCK:
        key = sha256(key)
    padded = int.from_bytes(bytes(key) + bytes(_BLOCK - len(key)), "big")
    inner = sha256((padded ^ _INNER).to_bytes(_BLOCK, "big"), *parts)
    return sha256((padded ^ _OUTER).to_bytes(_BLOCK, "big"), inner)


def hkdf(salt, secret, count: int) -> list:
    # `count` keys as Noise defines it (4.3): RFC 5869 with an empty info.
    prk = hmac_sha256(salt, secret)
    keys = []
    last = b""
    for number in range(count):
        last = hmac_sha256(prk, last, bytes((number + 1,)))
        keys.append(last)
    return keys


# -- keys


class KeyPair:
    # X25519: a new one, or the one of a secret that was kept.
    def __init__(self, secret=None) -> None:
        self.secret = random_bytes(KEY) if secret is None else _key("secret", secret)
        public = bytearray(KEY)
        crypto.x25519_public(self.secret, public)
        self.public = bytes(public)

    def shared(self, public) -> bytearray:
        # To be wiped by the caller. A point of low order would make it known to everyone.
        secret = bytearray(KEY)
        if len(public) != KEY or not crypto.x25519(self.secret, public, secret):
            raise CryptoError("not a usable public key")
        return secret

    def wipe(self) -> None:
        wipe(self.secret)


class SigningKey:
    # Ed25519, RFC 8032.
    def __init__(self, seed=None) -> None:
        self.seed = random_bytes(KEY) if seed is None else _key("seed", seed)
        self._key = bytearray(2 * KEY)
        crypto.ed25519_key(self.seed, self._key)
        self.public = bytes(self._key[KEY:])

    def sign(self, message) -> bytes:
        signature = bytearray(SIGNATURE)
        crypto.ed25519_sign(self._key, message, signature)
        return bytes(signature)

    def wipe(self) -> None:
        wipe(self.seed)
        wipe(self._key)


def verify(public, message, signature) -> bool:
    # Keys and signatures come from strangers, so a wrong length is an answer and not an error.
    if len(public) != KEY or len(signature) != SIGNATURE:
        return False
    return crypto.ed25519_verify(public, message, signature)


# -- ChaCha20-Poly1305, RFC 8439


def lock(key, nonce, ad, text) -> None:
    # In place; the last TAG bytes of `text` are room for the tag.
    _check_aead(key, nonce, text)
    crypto.aead_lock(key, nonce, ad, text)


def unlock(key, nonce, ad, text) -> None:
    # In place; what is left of `text` before its last TAG bytes is the plain text. A forgery
    # leaves it as it was.
    _check_aead(key, nonce, text)
    if not crypto.aead_unlock(key, nonce, ad, text):
        raise CryptoError("not authentic")


def _check_aead(key, nonce, text) -> None:
    if len(key) != KEY or len(nonce) != NONCE:
        raise CryptoError(f"key and nonce must be {KEY} and {NONCE} bytes")
    if len(text) < TAG:
        raise CryptoError("shorter than a tag")
