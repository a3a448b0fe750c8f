"""Who gets in, as whom, and who does not: the node's door against the SDK's handshakes."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from firmware.lockout import FREE, LONGEST_S
from resonode.trust.session import Expected, SealError
from resonode_wire import cbor, security, smp
from resonode_wire.security import ROLE_OPERATOR, ROLE_OWNER, ROLE_VIEWER, XX, XX_PSK3
from tests.crypto.door import DoorNode, claimed
from tests.crypto.peers import NOW_S, Host, Owner, Refused, request

READ, WRITE = smp.READ, smp.WRITE
WRONG_CODE = "0" * 16
NEXT_CODE = "K7QM2XWD9FTRHN4C"
DENIED, BUSY, BAD_STATE = smp.RC_ACCESS_DENIED, smp.RC_BUSY, smp.RC_BAD_STATE


@pytest.fixture
def node(tmp_path: Path) -> DoorNode:
    return DoorNode(tmp_path)


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def owned(tmp_path: Path, owner: Owner) -> DoorNode:
    return claimed(tmp_path, owner)


def refusal(call, *arguments, **options) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value


def echo(host: Host, text: str = "x") -> str:
    return host.ask(WRITE, smp.GROUP_OS, smp.OS_ECHO, {"d": text})["r"]


def release_of(node: DoorNode, owner: Owner) -> dict[str, object]:
    statement = security.release_statement(node.fingerprint, 1, NEXT_CODE)
    return {"code": NEXT_CODE, "sig": owner.sign(statement)}


def owner_session(node: DoorNode, owner: Owner, **credential) -> Host:
    host = Host(node)
    assert host.come_with(owner.credential(host, ROLE_OWNER, **credential)) == ROLE_OWNER
    return host


# -- commissioning


def test_who_knows_the_code_may_claim_and_is_the_owner_from_then_on(node: DoorNode, owner: Owner):
    assert node.hello()["pattern"] == XX_PSK3 and not node.hello()["claimed"]
    host = Host(node)
    assert host.come_with_code(node.trust.code()) == ROLE_VIEWER
    assert refusal(host.ask, WRITE, 65, smp.NODE_CONFIG, {"config": {"axes": "z"}}).rc == DENIED
    assert host.claim_for(owner) == {"epoch": 1}
    host.ask(WRITE, 65, smp.NODE_CONFIG, {"config": {"axes": "z", "run": False}})
    assert host.secure(READ, smp.SEC_ACCESS)["role"] == ROLE_OWNER
    hello = node.hello()
    assert hello["claimed"] and hello["pattern"] == XX
    assert hello["owner"] == host.secure(READ, smp.SEC_ACCESS)["owner"]
    assert abs(node.wall_clock.now_s() - NOW_S) <= 1


def test_a_wrong_code_is_told_with_the_tries_that_are_left_and_then_the_wait(node: DoorNode):
    for left in range(FREE - 1, -1, -1):
        host = Host(node)
        answer = refusal(host.come_with_code, WRONG_CODE)
        assert (
            answer.rc == DENIED
            and f"{left} {'try' if left == 1 else 'tries'} left" in answer.reason
        )
        assert node.hello()["tries"] == left
    assert "wait 1 s" in answer.reason and node.hello()["wait_s"] == 1
    assert refusal(Host(node).come_with_code, node.trust.code()).rc == BUSY
    node.time_s += 1
    Host(node).come_with_code(node.trust.code())
    assert node.hello()["tries"] == FREE


def test_back_off_doubles_up_to_its_longest_and_survives_a_reset(node: DoorNode):
    waits = []
    for _ in range(12):
        node.time_s += node.hello()["wait_s"]
        refusal(Host(node).come_with_code, WRONG_CODE)
        waits.append(node.hello()["wait_s"])
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64]
    node.time_s += 50
    node.start()  # which begins the wait again
    assert node.hello()["wait_s"] == LONGEST_S
    assert refusal(Host(node).come_with_code, node.trust.code()).rc == BUSY
    node.time_s += LONGEST_S  # and the right code is let in, at the latest now
    Host(node).come_with_code(node.trust.code())


def test_cutting_the_power_before_the_proof_is_looked_at_saves_no_guess(node: DoorNode):
    for _ in range(FREE + 1):
        node.time_s += node.hello()["wait_s"]
        refusal(Host(node).come_with_code, WRONG_CODE)
        node.start()
    assert node.hello()["wait_s"] == 2


def test_a_claim_needs_the_code_and_the_owners_signature_over_this_session(
    node: DoorNode, owner: Owner
):
    host = Host(node)
    host.come_with_code(node.trust.code())
    other = Host(node)
    node.time_s += 3
    other.come_with_code(node.trust.code())  # takes the place of the first
    assert refusal(host.claim_for, owner).rc == DENIED
    other.hash = host.hash
    answer = refusal(other.claim_for, owner)
    assert answer.rc == DENIED and "not signed" in answer.reason
    assert refusal(other.claim_for, owner, sig=bytes(64)).rc == DENIED
    assert refusal(other.claim_for, owner, owner=bytes(31)).rc == smp.RC_INVALID
    assert not node.trust.ownership.claimed


def test_without_a_session_there_is_nothing_to_claim_with(node: DoorNode):
    body = {"owner": bytes(32), "sig": bytes(64), "time_s": NOW_S}
    assert refusal(node.ask, WRITE, 66, smp.SEC_CLAIM, body).rc == DENIED


def test_a_label_seen_after_the_claim_opens_nothing(owned: DoorNode):
    answer = refusal(Host(owned).come_with_code, owned.trust.vault.code)
    assert answer.rc == BAD_STATE and "claimed already" in answer.reason


def test_downgrade_to_the_code_after_a_claim_is_refused_and_counts_no_guess(owned: DoorNode):
    for _ in range(10):
        assert refusal(Host(owned).begin, XX_PSK3, WRONG_CODE).rc == BAD_STATE
    assert owned.hello()["wait_s"] == 0


def test_an_unclaimed_node_takes_no_credential(node: DoorNode, owner: Owner):
    host = Host(node)
    assert refusal(host.come_with, owner.credential(host, ROLE_OWNER)).rc == BAD_STATE


def test_a_handshake_begun_before_the_node_was_claimed_ends_with_it(node: DoorNode, owner: Owner):
    late = Host(node)
    handshake = late.begin(XX_PSK3, node.trust.code())
    node.trust.ownership.claim(owner.public)
    answer = refusal(late.finish, handshake)
    assert answer.rc == BAD_STATE and "changed hands" in answer.reason


def test_the_label_is_told_until_it_was_taken_and_never_again(node: DoorNode):
    label = node.ask(READ, 66, smp.SEC_LABEL)
    assert label == node.ask(READ, 66, smp.SEC_LABEL)  # the reply may have been lost
    assert label["code"] == node.trust.code() and label["fp"] == node.fingerprint
    node.ask(WRITE, 66, smp.SEC_LABEL, {"taken": True})
    for _ in range(2):
        assert refusal(node.ask, READ, 66, smp.SEC_LABEL).rc == DENIED
        node.start()


def test_a_claimed_node_tells_its_label_to_nobody(owned: DoorNode, owner: Owner):
    assert refusal(owned.ask, READ, 66, smp.SEC_LABEL).rc == DENIED
    host = owner_session(owned, owner)
    assert refusal(host.secure, READ, smp.SEC_LABEL).rc == DENIED


def test_identify_is_for_anyone_before_the_claim_and_for_viewers_after(
    node: DoorNode, owner: Owner
):
    node.ask(WRITE, 66, smp.SEC_IDENTIFY, {"seconds": 5})
    assert node.blinked == 5
    for seconds in (0, 61, "5", True):
        body = {"seconds": seconds}
        assert refusal(node.ask, WRITE, 66, smp.SEC_IDENTIFY, body).rc == smp.RC_INVALID
    node.trust.ownership.claim(owner.public)
    assert refusal(node.ask, WRITE, 66, smp.SEC_IDENTIFY, {"seconds": 7}).rc == DENIED
    host = Host(node)
    host.come_with(owner.credential(host, ROLE_VIEWER))
    host.secure(WRITE, smp.SEC_IDENTIFY, {"seconds": 7})
    assert node.blinked == 7


# -- who is let in


def test_a_viewer_reads_and_may_not_do_what_an_operator_may(owned: DoorNode, owner: Owner):
    host = Host(owned)
    assert host.come_with(owner.credential(host, ROLE_VIEWER)) == ROLE_VIEWER
    assert host.ask(READ, 65, smp.NODE_INFO) == owned.info()
    assert refusal(host.ask, WRITE, 65, smp.NODE_ACK, {"seq": 1}).rc == DENIED
    assert refusal(host.secure, WRITE, smp.SEC_ROTATE).rc == DENIED


def test_an_operator_configures_and_may_not_change_who_may(owned: DoorNode, owner: Owner):
    host = Host(owned)
    host.come_with(owner.credential(host, ROLE_OPERATOR))
    host.ask(WRITE, 65, smp.NODE_CONFIG, {"config": {"run": False}})
    for command in (smp.SEC_ROTATE, smp.SEC_REVOKE, smp.SEC_RELEASE, smp.SEC_CONSOLE):
        assert refusal(host.secure, WRITE, command).rc == DENIED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"epoch": 0}, "revoked"),
        ({"expires_s": NOW_S - 1}, "expired"),
        ({"host_key": bytes(32)}, "another host's"),
        ({"node": bytes(16)}, "another node"),
    ],
)
def test_a_credential_that_is_not_good_here_is_refused_with_the_reason(
    owned: DoorNode, owner: Owner, change: dict[str, object], why: str
):
    host = Host(owned)
    answer = refusal(host.come_with, owner.credential(host, ROLE_OWNER, **change))
    assert answer.rc == DENIED and why in answer.reason
    assert host.channel is None and not owned.access.sealed


def test_an_unknown_host_and_another_owners_credential_are_refused(owned: DoorNode):
    host = Host(owned)
    assert refusal(host.come_with, b"").rc == DENIED
    answer = refusal(host.come_with, Owner().credential(host, ROLE_OWNER))
    assert answer.rc == DENIED and "not of this node's owner" in answer.reason


def test_every_changed_byte_of_a_credential_is_refused(owned: DoorNode, owner: Owner):
    host = Host(owned)
    good = owner.credential(host, ROLE_VIEWER)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        owned.time_s += 5
        assert refusal(host.come_with, bytes(bad)).rc == DENIED
    owned.time_s += 5
    assert host.come_with(good) == ROLE_VIEWER


def test_a_credential_expires_within_a_session(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner, expires_s=NOW_S + 60)
    echo(host)
    owned.time_s += 62
    assert refusal(echo, host).rc == DENIED
    assert owned.streams_ended == 1
    assert owned.access.sealer() is None


def test_the_nodes_clock_never_goes_back_over_a_restart(owned: DoorNode, owner: Owner):
    owner_session(owned, owner, issued_s=NOW_S + 1000)
    owned.time_s = 0  # another boot, and nobody has set the clock
    owned.start()
    assert owned.hello()["clock"] == security.CLOCK_KEPT
    host = Host(owned)
    late = owner.credential(host, ROLE_VIEWER, expires_s=NOW_S + 999)
    assert "expired" in refusal(host.come_with, late).reason


def test_an_operator_may_not_set_the_clock_back_and_an_owner_may(owned: DoorNode, owner: Owner):
    host = Host(owned)
    host.come_with(owner.credential(host, ROLE_OPERATOR))
    earlier = {"datetime": "2026-11-20T00:00:00"}
    answer = refusal(host.ask, WRITE, 0, smp.OS_DATETIME, earlier)
    assert "clock untrusted" in answer.reason
    owner_session(owned, owner).ask(WRITE, 0, smp.OS_DATETIME, earlier)
    assert owned.hello()["clock"] == security.CLOCK_SET


# -- revocation, rotation, transfer


def test_raising_the_epoch_ends_every_session_of_older_credentials(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    answer = host.secure(WRITE, smp.SEC_REVOKE, {"epoch": 2})
    assert answer == {"epoch": 2, "denied": 0}
    assert refusal(echo, host).rc == DENIED
    assert "revoked" in refusal(host.come_with, owner.credential(host, ROLE_OWNER)).reason
    assert host.come_with(owner.credential(host, ROLE_OWNER, epoch=2)) == ROLE_OWNER
    owned.start()
    assert owned.hello()["epoch"] == 2
    again = Host(owned)
    again.come_with(owner.credential(again, ROLE_OWNER, epoch=2))
    refused = refusal(again.secure, WRITE, smp.SEC_REVOKE, {"epoch": 1})
    assert "never goes back" in refused.reason


def test_a_denied_host_is_out_whatever_it_shows(owned: DoorNode, owner: Owner):
    lost = Host(owned)
    credential = owner.credential(lost, ROLE_OPERATOR)
    lost.come_with(credential)
    host = owner_session(owned, owner)
    host.secure(WRITE, smp.SEC_REVOKE, {"deny": [lost.public]})
    echo(host)
    owned.start()
    assert "this host was revoked" in refusal(lost.come_with, credential).reason


def test_a_denied_host_stays_out_when_the_epoch_is_raised(owned: DoorNode, owner: Owner):
    # A credential for all of an owner's nodes has the epoch of the one that is furthest.
    lost = Host(owned)
    credential = owner.credential(lost, ROLE_OPERATOR, epoch=5)
    host = owner_session(owned, owner)
    host.secure(WRITE, smp.SEC_REVOKE, {"deny": [lost.public]})
    host.secure(WRITE, smp.SEC_REVOKE, {"epoch": 2})
    assert "this host was revoked" in refusal(lost.come_with, credential).reason


@pytest.mark.parametrize("how", ["epoch", "deny"])
def test_the_session_that_claimed_is_revoked_like_any_other(node: DoorNode, owner: Owner, how: str):
    # It was opened by no credential; another link of the same node tells it apart from its owner.
    host = Host(node)
    host.come_with_code(node.trust.code())
    host.claim_for(owner)
    assert echo(host) == "x"
    node.trust.ownership.revoke(*((2, []) if how == "epoch" else (1, [host.public])))
    assert refusal(echo, host).rc == DENIED


def test_an_owner_cannot_use_up_the_epochs_of_the_next(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    refused = refusal(host.secure, WRITE, smp.SEC_REVOKE, {"epoch": (1 << 32) - 1})
    assert refused.rc == smp.RC_INVALID and "step" in refused.reason
    assert owned.trust.ownership.epoch == 1


def test_a_claim_of_no_date_is_refused_and_the_node_is_still_nobodys(node: DoorNode, owner: Owner):
    host = Host(node)
    host.come_with_code(node.trust.code())
    for time_s in (-1, 1 << 40, (1 << 64) - 1):
        assert refusal(host.claim_for, owner, time_s=time_s).rc == smp.RC_INVALID
    assert not node.trust.ownership.claimed


def test_more_denied_hosts_than_there_is_room_for_are_refused(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    keys = [os.urandom(32) for _ in range(32)]
    assert host.secure(WRITE, smp.SEC_REVOKE, {"deny": keys})["denied"] == 32
    answer = refusal(host.secure, WRITE, smp.SEC_REVOKE, {"deny": [os.urandom(32)]})
    assert "raise the epoch" in answer.reason


def test_rotation_keeps_the_session_and_the_host_sees_the_new_generation(
    owned: DoorNode, owner: Owner
):
    host = owner_session(owned, owner)
    certificate = host.secure(WRITE, smp.SEC_ROTATE)["certificate"]
    generation, key, _signature = security.split_certificate(certificate)
    assert generation == 2 and key == owned.trust.vault.static.public
    assert echo(host) == "x"
    known = Expected(owned.fingerprint, generation=2)
    host.finish(host.begin(XX, expected=known), owner.credential(host, ROLE_OWNER))


def test_a_release_opens_the_node_to_the_next_owner_and_to_nobody_else(
    owned: DoorNode, owner: Owner
):
    host = owner_session(owned, owner)
    answer = host.secure(WRITE, smp.SEC_RELEASE, release_of(owned, owner))
    assert answer == {"epoch": 2} and owned.forgot == 1
    assert refusal(echo, host).rc == DENIED  # the session ended with the answer
    owned.start()
    old_label = owned.trust.vault.code
    assert "code is wrong" in refusal(Host(owned).come_with_code, old_label).reason
    assert refusal(host.come_with, owner.credential(host, ROLE_OWNER)).rc == BAD_STATE
    heir, heirs_host = Owner(), Host(owned)
    heirs_host.come_with_code(NEXT_CODE)
    heirs_host.claim_for(heir)
    old = owner.credential(host, ROLE_OWNER, epoch=2)
    assert "not of this node's owner" in refusal(host.come_with, old).reason


def test_a_release_works_once(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    release = release_of(owned, owner)
    host.secure(WRITE, smp.SEC_RELEASE, release)
    again = Host(owned)
    again.come_with_code(NEXT_CODE)
    again.claim_for(owner)  # the same owner takes it back
    answer = refusal(again.secure, WRITE, smp.SEC_RELEASE, release)
    assert answer.rc == DENIED and "not signed" in answer.reason


def test_a_release_signed_by_anyone_else_is_refused(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    good = release_of(owned, owner)
    for release in (
        release_of(owned, Owner()),
        good | {"sig": bytes(64)},
        good | {"code": WRONG_CODE},
    ):
        assert refusal(host.secure, WRITE, smp.SEC_RELEASE, release).rc == DENIED
    assert refusal(host.secure, WRITE, smp.SEC_RELEASE, good | {"code": "U"}).rc == smp.RC_INVALID
    assert owned.trust.ownership.claimed


def test_the_button_brings_the_label_back_and_keeps_who_the_node_is(owned: DoorNode, owner: Owner):
    fingerprint = owned.fingerprint
    owned.trust.ownership.reset()
    owned.start()
    assert owned.fingerprint == fingerprint
    assert owned.hello()["epoch"] == 2 and not owned.hello()["claimed"]
    Host(owned).come_with_code(owned.trust.vault.code)


def test_the_console_is_the_owners(owned: DoorNode, owner: Owner):
    owner_session(owned, owner).secure(WRITE, smp.SEC_CONSOLE)
    assert owned.consoles == 1


def test_a_damaged_owners_file_lets_nobody_in(owned: DoorNode, owner: Owner):
    path = owned.folder / "owner.bin"
    data = bytearray(path.read_bytes())
    data[4] ^= 1
    path.write_bytes(data)
    owned.start()
    host = Host(owned)
    assert owned.hello()["claimed"]
    assert refusal(host.come_with, owner.credential(host, ROLE_OWNER)).rc == DENIED
    assert refusal(host.come_with_code, owned.trust.vault.code).rc == BAD_STATE


# -- sealed messages


def sealed_echo(host: Host) -> tuple[int, bytes]:
    assert host.channel is not None
    return host.channel.seal(request(WRITE, 0, smp.OS_ECHO, {"d": "hello"}))


def test_a_sealed_message_is_taken_once(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    counter, text = sealed_echo(host)
    assert host.unsealed(host.send(counter, text)) == {"r": "hello"}
    for _ in range(3):
        assert "used before" in refusal(host.send, counter, text).reason
    assert echo(host) == "x"


def test_messages_out_of_order_are_taken_within_the_window(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    messages = [sealed_echo(host) for _ in range(66)]
    host.send(*messages[65])
    for at in (64, 2, 30):
        host.send(*messages[at])
    for at in (0, 1, 2, 65):
        assert refusal(host.send, *messages[at]).rc == DENIED


def test_every_changed_or_missing_byte_is_refused_and_changes_nothing(
    owned: DoorNode, owner: Owner
):
    host = owner_session(owned, owner)
    counter, text = sealed_echo(host)
    for at in range(len(text)):
        bad = bytearray(text)
        bad[at] ^= 1 << at % 8
        assert refusal(host.send, counter, bytes(bad)).rc == DENIED
        assert refusal(host.send, counter, text[:at]).rc == DENIED
    assert refusal(host.send, counter + 1, text).rc == DENIED
    assert host.unsealed(host.send(counter, text)) == {"r": "hello"}


def sealed_record(node: DoorNode, record: bytes) -> bytearray:
    seal = node.access.sealer()
    assert seal is not None
    return seal(record)


def test_what_the_node_sealed_does_not_come_back_as_a_request(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    reply = host.send(*sealed_echo(host))
    assert refusal(host.send, reply["n"] + 1, reply["d"]).rc == DENIED
    assert refusal(host.send, reply["n"], reply["d"]).rc == DENIED


def test_a_sealed_record_is_no_command_and_no_answer(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    record = sealed_record(owned, request(WRITE, 0, smp.OS_RESET))
    assert host.channel is not None
    counter = int.from_bytes(record[:4], "big")
    with pytest.raises(SealError):
        host.channel.open(counter, bytes(record[4:]))
    assert host.channel.open_record(bytes(record)) == request(WRITE, 0, smp.OS_RESET)


def test_counters_end_and_with_them_the_session(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    assert host.channel is not None
    host.channel.sealed = (1 << 21) - 1
    assert echo(host) == "x"  # the last one there is
    assert refusal(host.send, 1 << 21, b"x" * 40).rc == DENIED
    assert not owned.access.sealed
    for wrong in (-1, 1 << 64):
        with pytest.raises((Refused, ValueError)):
            host.send(wrong, b"x" * 40)


def test_a_session_of_two_days_is_over(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    owned.time_s += 24 * 3600 + 1
    assert echo(host) == "x"  # a new handshake is due, and nothing is dropped meanwhile
    owned.time_s += 24 * 3600
    assert refusal(echo, host).rc == DENIED


def test_a_message_sealed_twice_is_refused(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    counter, text = sealed_echo(host)
    inner = {"n": counter, "d": text}
    assert refusal(host.secure, WRITE, smp.SEC_SEALED, inner).rc == BAD_STATE


def test_a_new_handshake_of_the_same_host_lets_its_stream_go_on(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    host.come_with(owner.credential(host, ROLE_OWNER))
    assert owned.streams_ended == 0
    owner_session(owned, owner)
    assert owned.streams_ended == 1


def test_a_handshake_that_fails_leaves_the_session_that_is(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    refusal(Host(owned).come_with, b"rubbish")
    assert echo(host) == "x"


def test_a_handshake_inside_a_session_is_refused(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    answer = refusal(host.secure, WRITE, smp.SEC_HANDSHAKE, {"p": XX, "m": bytes(32)})
    assert answer.rc == BAD_STATE


def test_answers_and_buffer_of_a_session_fit_into_sealed_messages(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    room = host.ask(READ, 0, smp.OS_PARAMETERS)["buf_size"] - 4
    plain = owned.ask(READ, 0, smp.OS_PARAMETERS)["buf_size"] - 4
    assert plain == smp.MAX_MESSAGE
    text = "x" * (room - smp.HEADER_SIZE - len(cbor.dumps({"d": "x" * 256})) + 256)
    assert host.channel is not None
    message = request(WRITE, 0, smp.OS_ECHO, {"d": text})
    assert len(message) == room
    counter, sealed = host.channel.seal(message)
    outer = request(WRITE, 66, smp.SEC_SEALED, {"n": (1 << 21) - 1, "d": sealed})
    assert len(outer) <= plain
    assert host.unsealed(host.send(counter, sealed)) == {"r": text}


def test_sealing_costs_at_most_48_bytes_a_message_and_20_a_record(owned: DoorNode, owner: Owner):
    host = owner_session(owned, owner)
    assert host.channel is not None
    message = bytes(1000)
    counter, text = host.channel.seal(message)
    outer = request(WRITE, 66, smp.SEC_SEALED, {"n": counter, "d": text})
    assert len(outer) - len(message) <= 39
    record = sealed_record(owned, message)
    assert len(record) - len(message) == 20


# -- floods


def test_a_flood_of_handshakes_is_slowed_down_and_the_owner_still_gets_in(
    owned: DoorNode, owner: Owner
):
    let_in = 0
    begun_s = owned.time_s
    while owned.time_s < begun_s + 60:
        try:
            Host(owned).come_with(b"rubbish")
        except Refused as refused:
            let_in += refused.rc == DENIED
        owned.time_s += 0.1
    assert let_in <= 20  # 3 for nothing, then after 1, 2, 4, 4 ... s
    host = Host(owned)
    while owned.hello()["wait_s"]:
        owned.time_s += 0.5
    assert owned.time_s - begun_s < 65
    host.come_with(owner.credential(host, ROLE_OWNER))
    assert not owned.reported


def test_handshakes_that_are_begun_and_left_hold_the_door_for_two_seconds(
    owned: DoorNode, owner: Owner
):
    Host(owned).begin(XX)
    answer = refusal(Host(owned).begin, XX)
    assert answer.rc == BUSY and "wait 2 s" in answer.reason
    owned.time_s += 2
    owner_session(owned, owner)


def test_a_first_message_that_is_no_good_holds_the_door_too(owned: DoorNode, owner: Owner):
    # Else each would cost the node two products of its curve, as often as the link can carry it.
    of_low_order = {"p": XX, "m": bytes(32)}
    assert refusal(Host(owned).handshake, of_low_order).rc == smp.RC_INVALID
    assert refusal(Host(owned).handshake, of_low_order).rc == BUSY
    owned.time_s += 2
    owner_session(owned, owner)


def test_no_handshake_leaves_its_code_in_memory_however_it_ends(owned: DoorNode, owner: Owner):
    refusal(Host(owned).handshake, {"p": XX, "m": bytes(32)})
    assert "firmware.noise" not in sys.modules
    owned.time_s += 2
    owner_session(owned, owner)
    assert "firmware.noise" not in sys.modules


def test_random_requests_before_authentication_change_nothing(owned: DoorNode, owner: Owner):
    draw = random.Random(66)
    before = {path: path.read_bytes() for path in owned.folder.iterdir()}
    for _ in range(3000):
        kind = draw.randrange(3)
        body = draw.randbytes(draw.randrange(80))
        if kind == 0:
            message = body
        else:
            pattern = draw.choice([XX, XX_PSK3, "", 7])
            values = {"p": pattern, "m": body, "n": draw.getrandbits(64), "d": body}
            del values[draw.choice(list(values))]
            payload = cbor.dumps(values) if kind == 1 else body
            where = draw.choice([0, 1, 2, 8, 10, 65, 66]), draw.randrange(12)
            message = smp.pack(draw.randrange(4), where[0], 1, where[1], payload)
        owned.session.handle(message)
    assert not owned.reported
    assert {path: path.read_bytes() for path in owned.folder.iterdir()} == before
    owned.time_s += 10
    owner_session(owned, owner)


# -- the open profile


def test_an_open_node_serves_everyone_as_its_owner_and_says_so(tmp_path: Path):
    node = DoorNode(tmp_path, profile=security.OPEN)
    assert node.hello()["profile"] == security.OPEN
    assert node.ask(READ, 65, smp.NODE_INFO) == node.info()
    assert refusal(Host(node).come_with_code, node.trust.code()).rc == BAD_STATE
