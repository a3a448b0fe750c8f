"""Identity and lockout, over restarts and power cuts. Runs on: MicroPython and CPython."""

from firmware import flash, primitives, vault
from firmware.lockout import FREE, LONGEST_S, Lockout
from firmware.vault import Vault, VaultError
from resonode_wire import security
from tests.both.power_cut import cut_at_each_operation, fresh_file

PATH = "build/test-vault.bin"


def fresh() -> None:
    fresh_file(PATH)


def refused(kind, call, *arguments) -> str:
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("accepted")


def state(node) -> tuple:
    public = (node.signing.public, node.static.public, node.generation, node.code)
    return public + (node.certificate, bytes(node.static.secret), node.signing.sign(b"x"))


# -- identity


def test_identity_is_made_once_and_kept():
    fresh()
    first = Vault(PATH)
    again = Vault(PATH)
    assert state(again) == state(first)
    assert first.generation == 1
    fresh()
    assert Vault(PATH).signing.public != first.signing.public


def test_fingerprint_is_the_beginning_of_the_hash_of_the_signing_key():
    fresh()
    node = Vault(PATH)
    assert node.fingerprint == primitives.sha256(node.signing.public)[:16]


def test_static_key_is_certified_by_the_signing_key():
    fresh()
    node = Vault(PATH)
    public = node.signing.public
    good = node.certificate
    generation, key, signature = security.split_certificate(good)
    assert (generation, key) == (1, node.static.public)
    assert primitives.verify(public, security.static_statement(generation, key), signature)


def test_a_certificate_is_no_signature_of_anything_else():
    fresh()
    node = Vault(PATH)
    body, signature = node.certificate[:-64], node.certificate[-64:]
    assert not primitives.verify(node.signing.public, body, signature)


def test_rotation_makes_a_new_static_key_and_keeps_who_the_node_is():
    fresh()
    node = Vault(PATH)
    before = state(node)
    node.rotate()
    assert node.generation == 2
    assert node.signing.public == before[0] and node.code == before[3]
    assert node.static.public != before[1]
    assert security.split_certificate(node.certificate)[:2] == (2, node.static.public)
    assert state(Vault(PATH)) == state(node)


def test_first_boot_survives_a_power_cut_at_every_operation():
    fresh()
    made = []

    def check(completed):
        made.append(Vault(PATH))  # the next boot: makes an identity, or has it
        if not completed:
            fresh()

    assert cut_at_each_operation(lambda: made.append(Vault(PATH)), check) >= 4
    assert state(made[-1]) == state(made[-2])


def check_cuts_in(name: str) -> None:
    fresh()
    node = Vault(PATH)
    old = state(node)

    def check(completed):
        now = state(Vault(PATH))
        assert (now == old) != completed
        # A node that goes on after a failed write has what flash has.
        assert now == state(node)

    assert cut_at_each_operation(getattr(node, name), check) >= 4


def test_rotation_leaves_the_old_or_the_new_after_a_power_cut():
    check_cuts_in("rotate")


def test_damaged_identity_is_told_and_never_replaced():
    fresh()
    Vault(PATH)
    with open(PATH, "rb") as file:
        good = file.read()
    for at in range(0, len(good), 7):
        with open(PATH, "wb") as file:
            file.write(good[:at] + bytes((good[at] ^ 4,)) + good[at + 1 :])
        assert "service needed" in refused(VaultError, Vault, PATH)
    with open(PATH, "wb") as file:
        file.write(good)
    Vault(PATH)


def test_an_identity_with_another_static_key_version_or_shape_is_refused():
    fresh()
    Vault(PATH)
    kept = flash.load(PATH)
    wrong = [
        [2] + kept[1:],
        kept[:2] + [bytes(primitives.random_bytes(32))] + kept[3:],
        kept[:3] + [kept[3] + 1] + kept[4:],
        kept[:1] + [b"short"] + kept[2:],
        kept[:1] + [None] + kept[2:],
        kept[:2] + [None] + kept[3:],
        kept[:-1],
        {"a": 1},
        7,
    ]
    for value in wrong:
        flash.save(PATH, value)
        assert "service needed" in refused(VaultError, Vault, PATH)


# -- commissioning code


def test_codes_have_80_bits_in_letters_that_cannot_be_confused():
    codes = [vault.new_code() for _ in range(200)]
    assert len(set(codes)) == 200
    for code in codes:
        assert len(code) == 16
        assert not [letter for letter in code if letter in "ILOU" or letter != letter.upper()]
    assert {letter for code in codes for letter in code} == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


# -- lockout


def fail(lockout, now_s: float) -> None:
    assert lockout.attempt(now_s)


def test_a_few_failures_are_free_and_then_the_wait_doubles():
    fresh()
    lockout, now = Lockout(PATH, 0), 0
    waits = []
    for _ in range(14):
        waits.append(lockout.wait_s(now))
        now += lockout.wait_s(now)
        fail(lockout, now)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64]
    assert lockout.tries_left() == 0


def test_an_early_attempt_is_refused_and_does_not_lengthen_the_wait():
    fresh()
    lockout = Lockout(PATH, 0)
    for count in range(FREE + 2):
        fail(lockout, count * 100)
    lockout = Lockout(PATH, 0)
    wait = lockout.wait_s(0)
    assert wait == 4
    for _ in range(50):
        assert not lockout.attempt(1)
    assert lockout.wait_s(0) == wait
    assert not lockout.attempt(3.9) and lockout.attempt(4)


def test_success_clears_it():
    fresh()
    lockout = Lockout(PATH, 0)
    for count in range(FREE + 3):
        fail(lockout, count * 100)
    lockout.succeeded()
    assert lockout.tries_left() == FREE and lockout.wait_s(0) == 0
    assert Lockout(PATH, 0).wait_s(0) == 0


def test_restarting_does_not_shorten_the_wait():
    fresh()
    lockout = Lockout(PATH, 0)
    for count in range(FREE + 4):
        fail(lockout, count * 100)
    for _ in range(3):
        lockout = Lockout(PATH, 5)  # time begins anew at every boot
        assert lockout.wait_s(5) == 16 and not lockout.attempt(20.9)


def test_an_attempt_is_counted_before_its_proof_is_looked_at():
    fresh()
    lockout = Lockout(PATH, 0)
    fail(lockout, 0)
    assert Lockout(PATH, 0).failures == 1  # the power was cut before succeeded()


def test_power_cut_while_counting_loses_at_most_the_attempt_that_never_began():
    fresh()
    for count in range(FREE):
        fail(Lockout(PATH, 0), count)
    lockout = Lockout(PATH, 0)

    def check(completed):
        assert Lockout(PATH, 0).failures == FREE + completed

    def attempt():
        Lockout(PATH, -LONGEST_S).attempt(0)

    assert lockout.failures == FREE
    assert cut_at_each_operation(attempt, check) >= 4


def test_damaging_the_count_gives_no_more_guesses():
    fresh()
    for content in (b"", b"rubbish", b"\x00\x00\x00\x00\x00"):
        with open(PATH, "wb") as file:
            file.write(content)
        lockout = Lockout(PATH, 0)
        assert lockout.wait_s(0) == LONGEST_S and lockout.tries_left() == 0
        lockout.succeeded()
        assert Lockout(PATH, 0).wait_s(0) == 0
    for value in (-1, "1", None, [1]):
        flash.save(PATH, value)
        assert Lockout(PATH, 0).failures == (0 if value is None else 255)
