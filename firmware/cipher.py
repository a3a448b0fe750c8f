# Runs on: MicroPython and CPython
# What a Noise handshake leaves to each direction of a session: a key, and a counter for each
# message. Section numbers are those of the Noise specification, revision 34.

from firmware import primitives
from firmware.primitives import NONCE, CryptoError

# The counter 2^64 - 1 is reserved (5.1).
MAX_COUNTER = (1 << 64) - 2


class NoiseError(Exception):
    pass


class Cipher:
    # CipherState (5.1): one key, each counter used once.
    def __init__(self, key) -> None:
        self._key = bytearray(key)
        self._nonce = bytearray(NONCE)
        self.next = 0  # the counter that seal_next uses; the receiver of others keeps its own

    def seal(self, counter: int, ad, text) -> None:
        # In place; the last TAG bytes of `text` are room for the tag.
        primitives.lock(self._key, self._nonce_of(counter), ad, text)

    def open(self, counter: int, ad, text) -> None:
        # In place; a forgery leaves `text` as it was.
        try:
            primitives.unlock(self._key, self._nonce_of(counter), ad, text)
        except CryptoError as error:
            raise NoiseError(str(error)) from None

    def seal_next(self, ad, text) -> int:
        counter = self.next
        self.seal(counter, ad, text)
        self.next = counter + 1
        return counter

    def open_next(self, ad, text) -> None:
        self.open(self.next, ad, text)
        self.next += 1

    def wipe(self) -> None:
        # Afterwards nothing can be sealed or opened: a key of zeros is a known key.
        primitives.wipe(self._key)
        self.next = MAX_COUNTER + 1
        self._nonce = bytearray()

    def _nonce_of(self, counter: int) -> bytearray:
        if not self._nonce:
            raise NoiseError("the key was wiped")
        if not 0 <= counter <= MAX_COUNTER:
            raise NoiseError("the counter is used up")
        # Four zeros, then 64 bits little-endian (12.3).
        self._nonce[4:] = counter.to_bytes(8, "little")
        return self._nonce
