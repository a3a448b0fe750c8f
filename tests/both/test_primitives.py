"""Published vectors, in MicroPython through the native module. Runs on: MicroPython and CPython."""

from binascii import hexlify, unhexlify

from firmware import primitives
from firmware.primitives import CryptoError, KeyPair, SigningKey

X25519 = (  # RFC 7748, 5.2: scalar, u, result
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
)
ITERATED = {  # RFC 7748, 5.2
    1: "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    1000: "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
}
ALICE = (  # RFC 7748, 6.1
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
)
BOB = (
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
)
SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

# The points of order 1, 2, 4, 8 on the curve and its twist, and p, p + 1 which stand for 0 and 1.
LOW_ORDER = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)

ED25519 = (  # RFC 8032, 7.1: seed, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
        "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
        "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
        "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a21"
        "92992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909"
        "351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
)
L = (1 << 252) + 27742317777372353535851937790883648493  # order of the group

AEAD = (  # RFC 8439, 2.8.2 and A.5: key, nonce, ad, plain text, cipher text and tag
    (
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "070000004041424344454647",
        "50515253c0c1c2c3c4c5c6c7",
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it.",
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
        "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
        "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
    ),
    (
        "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
        "000000000102030405060708",
        "f33388860000000000004e91",
        b"Internet-Drafts are draft documents valid for a maximum of six months and may be "
        b"updated, replaced, or obsoleted by other documents at any time. It is inappropriate to "
        b"use Internet-Drafts as reference material or to cite them other than as /\xe2\x80\x9c"
        b"work in progress./\xe2\x80\x9d",
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e"
        "382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd"
        "60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c76"
        "7b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a"
        "0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276"
        "27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b0270"
        "9beead9d67890cbb22392336fea1851f38",
    ),
)

HMAC = (  # RFC 4231, cases 1, 2, 6: key, message, tag
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)


def text(value) -> str:
    return hexlify(value).decode()


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except CryptoError as error:
        return str(error)
    raise AssertionError("accepted")


def flipped(data, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1 << at % 8,)) + data[at + 1 :]


def test_x25519_vectors():
    for scalar, point, wanted in X25519:
        assert text(KeyPair(unhexlify(scalar)).shared(unhexlify(point))) == wanted


def test_x25519_a_thousand_times():
    scalar = point = unhexlify("09" + "00" * 31)
    for count in range(1, 1001):
        scalar, point = bytes(KeyPair(scalar).shared(point)), scalar
        assert text(scalar) == ITERATED.get(count, text(scalar)), count


def test_x25519_both_sides_agree():
    alice, bob = KeyPair(unhexlify(ALICE[0])), KeyPair(unhexlify(BOB[0]))
    assert (text(alice.public), text(bob.public)) == (ALICE[1], BOB[1])
    assert text(alice.shared(bob.public)) == text(bob.shared(alice.public)) == SHARED


def test_x25519_ignores_the_highest_bit_of_a_point():
    ours = KeyPair(unhexlify(ALICE[0]))
    point = unhexlify(BOB[1])
    assert text(ours.shared(point[:31] + bytes((point[31] | 0x80,)))) == SHARED


def test_points_of_low_order_are_refused():
    ours = KeyPair()
    for point in LOW_ORDER:
        low = unhexlify(point)
        for high_bit in (0, 0x80):
            other = low[:31] + bytes((low[31] | high_bit,))
            assert refused(ours.shared, other) == "not a usable public key", point


def test_ed25519_vectors():
    for seed, public, message, signature in ED25519:
        key = SigningKey(unhexlify(seed))
        assert text(key.public) == public
        assert text(key.sign(unhexlify(message))) == signature
        assert primitives.verify(unhexlify(public), unhexlify(message), unhexlify(signature))


def test_every_flipped_byte_of_a_signature_key_or_message_is_refused():
    message = b"a statement"
    key = SigningKey()
    good = key.sign(message)
    assert primitives.verify(key.public, message, good)
    for at in range(len(good)):
        assert not primitives.verify(key.public, message, flipped(good, at)), at
    for at in range(len(key.public)):
        assert not primitives.verify(flipped(key.public, at), message, good), at
    for at in range(len(message)):
        assert not primitives.verify(key.public, flipped(message, at), good), at


def test_signature_whose_s_is_not_reduced_is_refused():
    # S + L satisfies the equation: accepting it would make signatures malleable.
    key = SigningKey()
    good = key.sign(b"once")
    s = int.from_bytes(good[32:], "little")
    for multiple in range(1, 16):
        larger = s + multiple * L
        if larger < 1 << 256:
            other = good[:32] + larger.to_bytes(32, "little")
            assert not primitives.verify(key.public, b"once", other), multiple


def test_signatures_and_keys_of_the_wrong_length_are_refused():
    key = SigningKey()
    good = key.sign(b"x")
    for other in (b"", good[:-1], good + b"\x00"):
        assert not primitives.verify(key.public, b"x", other)
    for public in (b"", key.public[:-1], key.public + b"\x00"):
        assert not primitives.verify(public, b"x", good)


def test_aead_vectors():
    for key, nonce, ad, plain, sealed in AEAD:
        key, nonce, ad = unhexlify(key), unhexlify(nonce), unhexlify(ad)
        buffer = bytearray(plain) + bytearray(16)
        primitives.lock(key, nonce, ad, buffer)
        assert text(buffer) == sealed
        primitives.unlock(key, nonce, ad, buffer)
        assert buffer[:-16] == plain


def test_aead_with_empty_text_and_empty_ad():
    key, nonce = primitives.random_bytes(32), bytes(12)
    buffer = bytearray(16)
    primitives.lock(key, nonce, b"", buffer)
    assert buffer != bytes(16)
    primitives.unlock(key, nonce, b"", buffer)
    assert refused(primitives.unlock, key, nonce, b"\x00", buffer) == "not authentic"


def test_aead_refuses_every_flip_and_truncation_and_leaves_the_text_alone():
    key, nonce, ad = bytes(range(32)), bytes(range(12)), b"head"
    sealed = bytearray(b"the text" + bytes(16))
    primitives.lock(key, nonce, ad, sealed)
    sealed = bytes(sealed)
    for at in range(len(sealed)):
        forged = bytearray(flipped(sealed, at))
        before = bytes(forged)
        assert refused(primitives.unlock, key, nonce, ad, forged) == "not authentic"
        assert forged == before
    for size in range(len(sealed)):
        reason = refused(primitives.unlock, key, nonce, ad, bytearray(sealed[:size]))
        assert reason == ("shorter than a tag" if size < 16 else "not authentic")
    for at in range(len(nonce)):
        refused(primitives.unlock, key, flipped(nonce, at), ad, bytearray(sealed))
    for at in range(len(ad)):
        refused(primitives.unlock, key, nonce, flipped(ad, at), bytearray(sealed))
    for at in range(len(key)):
        refused(primitives.unlock, flipped(key, at), nonce, ad, bytearray(sealed))
    primitives.unlock(key, nonce, ad, bytearray(sealed))


def test_a_view_into_a_larger_buffer_is_sealed_in_place():
    frame = bytearray(b"head" + b"payload" + bytes(16) + b"tail")
    text_and_tag = memoryview(frame)[4:-4]
    primitives.lock(bytes(32), bytes(12), b"", text_and_tag)
    assert frame[:4] == b"head" and frame[-4:] == b"tail" and b"payload" not in frame
    primitives.unlock(bytes(32), bytes(12), b"", text_and_tag)
    assert frame[4:11] == b"payload"


def test_hmac_vectors():
    for key, message, tag in HMAC:
        assert text(primitives.hmac_sha256(key, message)) == tag
        assert text(primitives.hmac_sha256(bytearray(key), message[:3], message[3:])) == tag


def test_hkdf_vector():
    # RFC 5869, A.3: no salt, no info.
    keys = primitives.hkdf(b"", b"\x0b" * 22, 2)
    wanted = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert text(keys[0] + keys[1])[: len(wanted)] == wanted


def test_wrong_lengths_are_named():
    assert refused(KeyPair, bytes(31)) == "secret is 31 bytes, not 32"
    assert refused(SigningKey, bytes(33)) == "seed is 33 bytes, not 32"
    assert refused(KeyPair().shared, bytes(31)) == "not a usable public key"
    assert "32 and 12" in refused(primitives.lock, bytes(32), bytes(8), b"", bytearray(16))
    assert "32 and 12" in refused(primitives.unlock, bytes(16), bytes(12), b"", bytearray(16))
    assert refused(primitives.lock, bytes(32), bytes(12), b"", bytearray(15)) == (
        "shorter than a tag"
    )


def test_wiping_a_key_clears_it_and_not_the_callers_copy():
    given = bytearray(b"\x07" * 32)
    pair, signing = KeyPair(given), SigningKey(given)
    pair.wipe()
    signing.wipe()
    assert pair.secret == signing.seed == bytes(32)
    assert given == b"\x07" * 32


def test_comparison():
    assert primitives.equal(b"same", bytearray(b"same"))
    assert not primitives.equal(b"same", b"sama")
    assert not primitives.equal(b"same", b"sam")
    assert primitives.equal(b"", b"")


def test_new_keys_differ():
    seen = {KeyPair().public for _ in range(8)} | {SigningKey().public for _ in range(8)}
    assert len(seen) == 16


def test_a_stuck_source_of_random_numbers_is_refused():
    class Stuck:
        def urandom(self, size: int) -> bytes:
            return b"\x55" * size

    real = primitives.os
    primitives.os = Stuck()
    try:
        assert "stuck" in refused(KeyPair)
        assert "stuck" in refused(SigningKey)
    finally:
        primitives.os = real
