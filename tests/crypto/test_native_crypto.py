"""The native module in real MicroPython, against `cryptography`; what it must refuse."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.crypto.node import NodePeer, Refused

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "c_crypto" / "natmod" / "build.py"
SIZES = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 111, 112, 113, 127, 128, 129, 255, 1000, 4096]


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"{request.node.name}: seed {seed}")
    return random.Random(seed)


def test_x25519_agrees_with_the_host(node: NodePeer, draw: random.Random) -> None:
    for _ in range(30):
        secret, other = draw.randbytes(32), draw.randbytes(32)
        host = X25519PrivateKey.from_private_bytes(secret)
        public = X25519PrivateKey.from_private_bytes(other).public_key()
        assert node.native("x25519_public", secret, bytes(32))[2] == (
            host.public_key().public_bytes_raw()
        )
        good, *_, shared = node.native("x25519", secret, public.public_bytes_raw(), bytes(32))
        assert good and shared == host.exchange(public)


def test_points_that_are_not_reduced_mean_the_same_as_reduced_ones(node: NodePeer) -> None:
    p = 2**255 - 19
    for value in range(2, 19):
        host = X25519PrivateKey.from_private_bytes(b"\x77" * 32)
        reduced = X25519PublicKey.from_public_bytes(value.to_bytes(32, "little"))
        point = (p + value).to_bytes(32, "little")
        assert node.native("x25519", b"\x77" * 32, point, bytes(32))[3] == host.exchange(reduced)


def test_ed25519_agrees_with_the_host_at_every_length(node: NodePeer, draw: random.Random) -> None:
    # The lengths around SHA-512's blocks of 128 and its padding of 112, with 32 and 64 before.
    for size in SIZES:
        seed, message = draw.randbytes(32), draw.randbytes(size)
        host = Ed25519PrivateKey.from_private_bytes(seed)
        public = host.public_key().public_bytes_raw()
        key = node.native("ed25519_key", seed, bytes(64))[2]
        assert key == seed + public
        signature = node.native("ed25519_sign", key, message, bytes(64))[3]
        assert signature == host.sign(message)
        assert node.native("ed25519_verify", public, message, signature)[0]
        assert not node.native("ed25519_verify", public, message + b"\0", signature)[0]


def test_aead_agrees_with_the_host_at_every_length(node: NodePeer, draw: random.Random) -> None:
    for size in SIZES:
        key, nonce, text = draw.randbytes(32), draw.randbytes(12), draw.randbytes(size)
        ad = draw.randbytes(draw.choice(SIZES[:12]))
        sealed = ChaCha20Poly1305(key).encrypt(nonce, text, ad)
        assert node.native("aead_lock", key, nonce, ad, text + bytes(16))[4] == sealed
        good, *_, opened = node.native("aead_unlock", key, nonce, ad, sealed)
        assert good and opened[:size] == text


# --- Ed25519: what a forger may try --------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
# y of the points of order 8, RFC 8032's curve; the others of small order have y = 0, 1, -1.
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
NEUTRAL = (1).to_bytes(32, "little")


def small_order_keys() -> list[bytes]:
    y8 = int.from_bytes(bytes.fromhex(ORDER_8), "little")
    return [
        (y | sign << 255).to_bytes(32, "little")
        for y in (0, 1, P - 1, y8, P - y8, P, P + 1)
        for sign in (0, 1)
    ]


def test_keys_of_small_order_sign_nothing(node: NodePeer) -> None:
    # With such a key R = neutral, S = 0 satisfies the equation for any message.
    for key in small_order_keys():
        for message in (b"", b"open the door", b"x" * 99):
            assert not node("verify", key, message, NEUTRAL + bytes(32)), key.hex()


def test_the_refusal_of_small_order_keys_is_needed() -> None:
    # The host's library takes one: the test above is not about something impossible.
    try:
        key = Ed25519PublicKey.from_public_bytes(NEUTRAL)
        key.verify(NEUTRAL + bytes(32), b"open the door")
    except InvalidSignature:
        pytest.fail("the host refuses them by now: say so in docs/security.md")


def test_encodings_that_are_not_reduced_or_not_on_the_curve_are_refused(node: NodePeer) -> None:
    host = Ed25519PrivateKey.generate()
    public, signature = host.public_key().public_bytes_raw(), host.sign(b"m")
    for y in range(P, P + 19):
        point = y.to_bytes(32, "little")
        assert not node("verify", point, b"m", signature)
        assert not node("verify", public, b"m", point + signature[32:])
    off_curve = (2).to_bytes(32, "little")  # y = 2 has no x
    assert not node("verify", off_curve, b"m", signature)
    assert not node("verify", public, b"m", off_curve + signature[32:])


def test_s_is_refused_from_l_on(node: NodePeer) -> None:
    host = Ed25519PrivateKey.generate()
    public, signature = host.public_key().public_bytes_raw(), host.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    assert node("verify", public, b"m", signature)
    for other in (s + L, L, L - 1, L + 1, 2**252 + 2**251, 2**255 - 1, 2**256 - 1):
        forged = signature[:32] + other.to_bytes(32, "little")
        assert not node("verify", public, b"m", forged)


# --- arguments -----------------------------------------------------------------------------------

K, N, T = bytes(32), bytes(12), bytes(16)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("x25519_public", (K[1:], K), "secret: not 32 bytes"),
        ("x25519_public", (K, K + b"x"), "out: not 32 bytes"),
        ("x25519", (b"", K, K), "secret: not 32 bytes"),
        ("x25519", (K, K + K, K), "public: not 32 bytes"),
        ("x25519", (K, K, K[1:]), "out: not 32 bytes"),
        ("ed25519_key", (K[1:], K + K), "seed: not 32 bytes"),
        ("ed25519_key", (K, K), "out: not 64 bytes"),
        ("ed25519_sign", (K, b"", K + K), "key: not 64 bytes"),
        ("ed25519_sign", (K + K, b"", K), "out: not 64 bytes"),
        ("ed25519_verify", (N, b"", K + K), "public: not 32 bytes"),
        ("ed25519_verify", (K, b"", K), "signature: not 64 bytes"),
        ("aead_lock", (N, N, b"", T), "key: not 32 bytes"),
        ("aead_lock", (K, N[4:], b"", T), "nonce: not 12 bytes"),
        ("aead_lock", (K, N, b"", T[1:]), "text: no room for the tag"),
        ("aead_unlock", (K, N + N, b"", T), "nonce: not 12 bytes"),
        ("aead_unlock", (K, N, b"", b""), "text: no room for the tag"),
    ],
)
def test_wrong_lengths_name_the_argument(
    node: NodePeer, name: str, arguments: tuple[bytes, ...], said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        node.native(name, *arguments)
    assert refused.value.kind == "ValueError"


def test_what_is_no_buffer_is_refused(node: NodePeer) -> None:
    for name, arguments in (("wipe", (7,)), ("equal", (K, None)), ("x25519_public", (1, K))):
        with pytest.raises(Refused) as refused:
            node.native(name, *arguments)
        assert refused.value.kind == "TypeError"


def test_a_point_of_low_order_leaves_zeros(node: NodePeer) -> None:
    assert node.native("x25519", b"\x05" * 32, K, b"\x01" * 32) == [False, b"\x05" * 32, K, K]


def test_wipe_and_comparison(node: NodePeer) -> None:
    assert node.native("wipe", b"secret")[1] == bytes(6)
    assert node.native("wipe", b"")[1] == b""
    for a, b, same in ((K, K, True), (b"", b"", True), (K, K[1:], False), (b"a", b"b", False)):
        assert node.native("equal", a, b)[0] is same


# --- the build -----------------------------------------------------------------------------------


def build(arch: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), arch]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_build_with_nothing_changed_touches_nothing() -> None:
    module = REPO / "build" / "natmod" / "x64" / "crypto.mpy"
    assert build("x64").returncode == 0
    before = module.stat().st_mtime_ns
    assert "crypto.mpy" in build("x64").stdout
    assert module.stat().st_mtime_ns == before


def test_the_module_holds_no_path_of_this_machine() -> None:
    module = REPO / "build" / "natmod" / "x64" / "crypto.mpy"
    assert str(REPO).encode() not in module.read_bytes()


def test_an_unknown_architecture_is_refused_by_name() -> None:
    done = build("z80")
    assert done.returncode == 1 and "unknown architecture 'z80'; known: x64" in done.stderr
