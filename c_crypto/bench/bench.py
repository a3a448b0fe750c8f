"""What the node's cryptography costs: prints one line per operation, the best of several batches.

Runs on: MicroPython. On this machine, from the root of the checkout:

    MICROPYPATH=.:.frozen:build/natmod/x64 .venv/bin/micropython c_crypto/bench/bench.py
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False
import gc
import time

from firmware import primitives
from firmware.cipher import Cipher
from firmware.noise import Handshake
from firmware.primitives import KeyPair, SigningKey
from firmware.sealed import SealedSession

BATCHES = 15
KB = 1024


def best_us(action, count):
    best = 0
    for _ in range(BATCHES):
        gc.collect()
        before = time.time_ns()
        for _ in range(count):
            action()
        spent = time.time_ns() - before
        best = min(best or spent, spent)
    return best / count / 1000


def handshake(psk):
    host, node = Handshake(True, HOST, b"", psk), Handshake(False, NODE, b"", psk)
    node.read(host.write())
    host.read(node.write())
    node.read(host.write())
    host.split()
    node.split()


HOST, NODE = KeyPair(), KeyPair()
KEY = SigningKey()
MESSAGE = bytes(100)
SIGNATURE = KEY.sign(MESSAGE)
NONCE = bytes(12)
TEXT = bytearray(KB + 16)
SESSION = SealedSession(Cipher(bytes(32)), Cipher(bytes(32)), 0)

CASES = (
    ("X25519 shared secret", lambda: HOST.shared(NODE.public), 20),
    ("X25519 new key pair", KeyPair, 20),
    ("Ed25519 sign 100 B", lambda: KEY.sign(MESSAGE), 20),
    ("Ed25519 verify 100 B", lambda: primitives.verify(KEY.public, MESSAGE, SIGNATURE), 20),
    ("AEAD 1 KB", lambda: primitives.lock(MESSAGE[:32], NONCE, b"", TEXT), 200),
    ("HMAC-SHA-256 32 B", lambda: primitives.hmac_sha256(MESSAGE[:32], MESSAGE[:32]), 100),
    ("XX handshake, both sides", lambda: handshake(None), 4),
    ("XXpsk3 handshake, both sides", lambda: handshake(bytes(32)), 4),
    ("sealed frame 1 KB", lambda: SESSION.seal_frame(2, TEXT[:KB]), 50),
)

for name, action, count in CASES:
    print(f"{name:30} {best_us(action, count):9.1f} us")
