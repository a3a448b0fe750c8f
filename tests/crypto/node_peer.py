"""A node's cryptography at the other end of a pipe. Runs on: MicroPython.

One JSON list a line: [what, argument, ...]; bytes as hex in {"x": ...}. One line back: a JSON
value, or {"error": [kind, text]}.
"""

import json
import sys
from binascii import hexlify, unhexlify

from firmware import primitives
from firmware.cipher import NoiseError
from firmware.noise import Handshake
from firmware.primitives import KeyPair
from firmware.sealed import SealedSession, SealError
from resonode_wire import cbor


class Peer:
    def __init__(self) -> None:
        self._now = {}  # the handshake and the session of the moment

    def native(self, name, *arguments):
        # The answer, then every argument as it is afterwards.
        buffers = [bytearray(item) if isinstance(item, bytes) else item for item in arguments]
        return [getattr(sys.modules["crypto"], name)(*buffers)] + buffers

    def verify(self, public, message, signature):
        return primitives.verify(public, message, signature)

    def handshake(self, initiator, secret, prologue, psk):
        self._now["handshake"] = Handshake(initiator, KeyPair(secret), prologue, psk)

    def write(self, payload):
        return self._now["handshake"].write(payload)

    def read(self, message):
        return self._now["handshake"].read(message)

    def finish(self):
        # [hash, the other's static key]
        facts = [self._now["handshake"].hash, self._now["handshake"].remote_static]
        send, receive = self._now["handshake"].split()
        self._now["session"] = SealedSession(send, receive, 0)
        return facts

    def seal(self, channel, message):
        body = cbor.loads(self._now["session"].seal_body(channel, message))
        return [body["n"], body["d"]]

    def open(self, channel, counter, text):
        return bytes(self._now["session"].open(channel, counter, text))

    def seal_frame(self, channel, payload):
        return self._now["session"].seal_frame(channel, payload)

    def open_frame(self, channel, frame):
        return bytes(self._now["session"].open_frame(channel, frame))


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return {"x": hexlify(value).decode()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def full(value):
    return unhexlify(value["x"]) if isinstance(value, dict) else value


def main() -> None:
    peer = Peer()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        what, *arguments = json.loads(line)
        try:
            answer = plain(getattr(peer, what)(*[full(item) for item in arguments]))
        except (NoiseError, SealError, ValueError, TypeError) as error:
            answer = {"error": [type(error).__name__, str(error)]}
        print(json.dumps(answer))


main()
