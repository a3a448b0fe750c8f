# Runs on: MicroPython and CPython
# The handshakes Noise_XX_25519_ChaChaPoly_SHA256 and Noise_XXpsk3_..., revision 34, both roles,
# without I/O: messages in, messages out. Section numbers are those of the Noise specification.
#
#   ours = Handshake(initiator=False, static=key_pair, prologue=b"...", psk=None)
#   ours.read(message); reply = ours.write(payload); ours.read(last)
#   ours.remote_static       # known after the message that proves it
#   send, receive = ours.split()
#
# Any refusal is a NoiseError, ends the handshake for good and wipes its secrets. A session goes on
# with cipher.py: this file is loaded for a handshake only (access.py).

from firmware import primitives
from firmware.cipher import Cipher, NoiseError
from firmware.primitives import HASH, KEY, TAG, CryptoError, KeyPair

MAX_MESSAGE = 65535

_NAME = b"Noise_XX%s_25519_ChaChaPoly_SHA256"
_XX = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
_XX_PSK3 = (("e",), ("e", "ee", "s", "es"), ("s", "se", "psk"))


class _Transcript:
    # SymmetricState (5.2).
    def __init__(self, name: bytes, prologue) -> None:
        self.hash = primitives.sha256(name) if len(name) > HASH else name + bytes(HASH - len(name))
        self._chain = bytearray(self.hash)
        self.cipher: Cipher | None = None
        self.mix_hash(prologue)

    def mix_hash(self, data) -> None:
        self.hash = primitives.sha256(self.hash, data)

    def mix_key(self, secret) -> None:
        self._chain[:], key = primitives.hkdf(self._chain, secret, 2)
        self._use(key)

    def mix_key_and_hash(self, secret) -> None:
        self._chain[:], mixed, key = primitives.hkdf(self._chain, secret, 3)
        self.mix_hash(mixed)
        self._use(key)

    def tag_size(self) -> int:
        return TAG if self.cipher else 0

    def seal(self, text) -> None:
        # EncryptAndHash. Before there is a key the text stays plain.
        if self.cipher:
            self.cipher.seal_next(self.hash, text)
        self.mix_hash(text)

    def open(self, text) -> None:
        # DecryptAndHash; the hash is of what came, so it is taken before `text` is opened.
        after = primitives.sha256(self.hash, text)
        if self.cipher:
            self.cipher.open_next(self.hash, text)
        self.hash = after

    def split(self) -> tuple:
        first, second = primitives.hkdf(self._chain, b"", 2)
        return Cipher(first), Cipher(second)

    def wipe(self) -> None:
        primitives.wipe(self._chain)
        if self.cipher:
            self.cipher.wipe()

    def _use(self, key) -> None:
        if self.cipher:
            self.cipher.wipe()
        self.cipher = Cipher(key)


class Handshake:
    # HandshakeState (5.3). `static` stays the caller's; `ephemeral` is for test vectors only.
    def __init__(
        self, initiator: bool, static: KeyPair, prologue=b"", psk=None, ephemeral=None
    ) -> None:
        if psk is not None and len(psk) != KEY:
            raise NoiseError(f"psk is {len(psk)} bytes, not {KEY}")
        self.initiator = initiator
        self.remote_static: bytes | None = None  # set once its message has proved it
        self._static = static
        self._psk = None if psk is None else bytearray(psk)
        self._ephemeral = ephemeral
        self._remote_ephemeral = b""
        self._claimed_static = b""
        self._messages = _XX if psk is None else _XX_PSK3
        self._step = 0
        self._failed = False
        self._wiped = False
        name = _NAME % (b"" if psk is None else b"psk3")
        self._transcript = _Transcript(name, prologue)

    @property
    def done(self) -> bool:
        return self._step == len(self._messages) and not self._failed

    @property
    def my_turn(self) -> bool:
        # Whether the next thing to do is write().
        return not self._failed and not self.done and self.initiator == (self._step % 2 == 0)

    @property
    def hash(self) -> bytes:
        # Names this handshake, the same on both sides (11.2): what a signature may bind to.
        if not self.done:
            raise NoiseError("the handshake is not done")
        return self._transcript.hash

    def write(self, payload=b"") -> bytearray:
        self._expect(self.my_turn)
        try:
            return self._write(payload)
        except (CryptoError, NoiseError) as error:
            raise self._fail(error) from None

    def read(self, message) -> bytearray:
        # Returns the payload.
        self._expect(not self.done and not self.my_turn)
        try:
            return self._read(message)
        except (CryptoError, NoiseError) as error:
            raise self._fail(error) from None

    def split(self) -> tuple:
        # (cipher to send with, cipher to receive with), once.
        self._expect(self.done and not self._wiped)
        first, second = self._transcript.split()
        self.wipe()
        return (first, second) if self.initiator else (second, first)

    def wipe(self) -> None:
        self._transcript.wipe()
        if self._psk is not None:
            primitives.wipe(self._psk)
        if self._ephemeral is not None:
            self._ephemeral.wipe()
        self._wiped = True

    # -- messages

    def _write(self, payload) -> bytearray:
        size = self._overhead() + len(payload)
        if size > MAX_MESSAGE:
            raise NoiseError("the payload is too long")
        message = bytearray(size)
        view = memoryview(message)
        at = 0
        for token in self._messages[self._step]:
            if token == "e":
                at += self._write_ephemeral(view[at:])
            elif token == "s":
                at += self._write_static(view[at:])
            else:
                self._mix(token)
        view[at : at + len(payload)] = payload
        self._transcript.seal(view[at:])
        self._step += 1
        return message

    def _read(self, message) -> bytearray:
        if not isinstance(message, (bytes, bytearray, memoryview)):
            raise NoiseError("a message that is no string of bytes")
        if not self._overhead() <= len(message) <= MAX_MESSAGE:
            raise NoiseError("a message of the wrong length")
        copy = bytearray(message)
        view = memoryview(copy)
        at = 0
        for token in self._messages[self._step]:
            if token == "e":
                at += self._read_ephemeral(view[at:])
            elif token == "s":
                at += self._read_static(view[at:])
            else:
                self._mix(token)
        self._transcript.open(view[at:])
        self._step += 1
        if self._claimed_static:
            self.remote_static = self._claimed_static
        return copy[at : len(copy) - self._transcript.tag_size()]

    def _overhead(self) -> int:
        # What the next message has beside its payload. Only the first payload without psk is
        # plain; `s` is always sealed in these patterns.
        tokens = self._messages[self._step]
        tag = TAG if self._step or self._psk is not None else 0
        return KEY * ("e" in tokens) + (KEY + TAG) * ("s" in tokens) + tag

    # -- tokens

    def _write_ephemeral(self, view) -> int:
        if self._ephemeral is None:
            self._ephemeral = KeyPair()
        view[:KEY] = self._ephemeral.public
        self._mix_ephemeral(self._ephemeral.public)
        return KEY

    def _read_ephemeral(self, view) -> int:
        self._remote_ephemeral = bytes(view[:KEY])
        self._mix_ephemeral(self._remote_ephemeral)
        return KEY

    def _mix_ephemeral(self, public) -> None:
        self._transcript.mix_hash(public)
        if self._psk is not None:
            self._transcript.mix_key(public)  # 9.2

    def _write_static(self, view) -> int:
        view[:KEY] = self._static.public
        self._transcript.seal(view[: KEY + TAG])
        return KEY + TAG

    def _read_static(self, view) -> int:
        self._transcript.open(view[: KEY + TAG])
        self._claimed_static = bytes(view[:KEY])
        return KEY + TAG

    def _mix(self, token: str) -> None:
        if token == "psk":
            self._transcript.mix_key_and_hash(self._psk)
            return
        secret = self._shared(token)
        self._transcript.mix_key(secret)
        primitives.wipe(secret)

    def _shared(self, token: str) -> bytearray:
        # The first letter is the initiator's key, the second the responder's.
        ours, theirs = token[0], token[1]
        if not self.initiator:
            ours, theirs = theirs, ours
        pair = self._static if ours == "s" else self._ephemeral
        return pair.shared(self._claimed_static if theirs == "s" else self._remote_ephemeral)

    # -- the end

    def _expect(self, fine: bool) -> None:
        if self._failed:
            raise NoiseError("the handshake has failed")
        if not fine:
            raise NoiseError("not what comes next in the handshake")

    def _fail(self, error) -> NoiseError:
        self._failed = True
        self.wipe()
        return NoiseError(str(error))
