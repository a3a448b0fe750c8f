"""Whose node it is, over restarts and power cuts. Runs on: MicroPython and CPython."""

from firmware import flash
from firmware.ownership import LONGEST_STEP, MAX_DENIED, Ownership, OwnershipError
from tests.both.power_cut import cut_at_each_operation, fresh_file

PATH = "build/test-owner.bin"
OWNER, HOST = bytes(range(32)), bytes(32)


def fresh() -> Ownership:
    fresh_file(PATH)
    return Ownership(PATH)


def state(ownership) -> tuple:
    kept = (ownership.owner, ownership.epoch, ownership.denied, ownership.code)
    return kept + (ownership.label_taken, ownership.claimed)


def test_a_new_node_is_nobodys():
    assert state(fresh()) == (None, 1, [], None, False, False)


def test_every_change_is_kept_over_a_restart():
    ownership = fresh()
    for change, arguments in (
        ("take_label", ()),
        ("claim", (OWNER,)),
        ("revoke", (1, [HOST])),
        ("revoke", (5, [])),
        ("release", ("0" * 16,)),
        ("claim", (OWNER,)),
        ("reset", ()),
    ):
        getattr(ownership, change)(*arguments)
        assert state(Ownership(PATH)) == state(ownership)
    assert state(ownership) == (None, 7, [], None, False, False)


def test_a_power_cut_leaves_the_old_state_or_the_new_and_the_running_node_has_the_same():
    for change, arguments in (
        ("take_label", ()),
        ("claim", (OWNER,)),
        ("revoke", (2, [HOST])),
        ("release", ("0" * 16,)),
        ("reset", ()),
    ):
        ownership = fresh()
        if change != "claim" and change != "take_label":
            ownership.claim(OWNER)
        old = state(ownership)

        def act(ownership=ownership, change=change, arguments=arguments):
            getattr(ownership, change)(*arguments)

        def check(completed, ownership=ownership, old=old):
            now = state(Ownership(PATH))
            assert (now == old) != completed
            assert now == state(ownership)

        assert cut_at_each_operation(act, check) >= 4


def test_denied_hosts_add_up_and_stay_denied_in_a_higher_epoch_until_the_owner_changes():
    ownership = fresh()
    ownership.claim(OWNER)
    ownership.revoke(1, [HOST])
    ownership.revoke(1, [OWNER, HOST])
    assert ownership.denied == [HOST, OWNER]
    ownership.revoke(2, [])
    assert ownership.denied == [HOST, OWNER]
    ownership.release("0" * 16)
    assert ownership.denied == []


def test_an_epoch_never_goes_back_or_far_and_denied_hosts_have_a_limit():
    ownership = fresh()
    ownership.revoke(3, [])
    too_many = [bytes([at]) * 32 for at in range(MAX_DENIED + 1)]
    for epoch, deny in ((2, []), (3, too_many), (3 + LONGEST_STEP + 1, [])):
        before = state(ownership)
        try:
            ownership.revoke(epoch, deny)
            raise AssertionError("accepted")
        except OwnershipError:
            assert state(ownership) == before


def test_what_cannot_be_read_is_somebody_elses():
    fresh().claim(OWNER)
    kept = flash.load(PATH)
    with open(PATH, "rb") as file:
        good = file.read()
    for at in range(len(good)):
        with open(PATH, "wb") as file:
            file.write(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])
        damaged = Ownership(PATH)
        assert damaged.claimed and damaged.owner == b""
    for value in ([2] + kept[1:], kept[:-1], {}, 7):
        flash.save(PATH, value)
        assert Ownership(PATH).owner == b""
