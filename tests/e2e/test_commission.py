"""From the box to the first sealed record, alone and in a batch, through every interruption."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import resonode
import resonode.node
from resonode.errors import EXIT_OK
from resonode.trust.access import Trust
from resonode.trust.batch import BEFORE, DONE, FAILED, commission_batch
from resonode.trust.chain import INTENT, OK
from resonode.trust.commission import ATTEMPT, RECOMMISSION, commission, identify
from resonode.trust.label import Label, parse, write_csv
from resonode.trust.requests import AccessRead
from resonode_hil.commissioning import own_trust
from resonode_wire import security, smp

from .conftest import NewNode, NewNodes, Wire, run

RESONODE = Path(sys.executable).with_name("resonode")


def claims(trust: Trust) -> Counter[str]:
    """How often each node was claimed, as the audit log has it."""
    return Counter(
        one["node"]
        for one in trust.audit.entries()
        if one["act"] == "claim" and one["result"] == OK
    )


async def owner_of(url: str) -> bytes:
    async with resonode.connect(url) as node:
        return (await node.request(AccessRead())).owner


# --- one node ------------------------------------------------------------------------------------


def test_a_new_node_is_mine_and_its_first_record_came_sealed(new_node: NewNodes) -> None:
    node = new_node()
    with pytest.raises(resonode.NotTrusted, match="has no owner yet"):
        run(owner_of(node.url))
    done = run(commission(node.url, node.label, config={"window": 2048, "run": False}))
    assert done.claimed and isinstance(done.first, resonode.Boot)
    assert done.first.profile == security.CLOSED
    trust = Trust()
    (entry,) = trust.site.nodes()
    assert entry == done.entry
    assert entry.fingerprint == node.label.fingerprint.hex()
    assert entry.commissioned_by == trust.keys.owner_fingerprint.hex()
    assert trust.audit.verify().ok and claims(trust) == {node.label.node: 1}

    async def look() -> tuple[dict[str, Any], int]:
        async with resonode.connect(node.url) as connected:
            return await connected.config(), (await connected.datetime()).year

    config, year = run(look())
    assert config["window"] == 2048
    assert year == time.gmtime().tm_year  # the claim has set its clock


def test_wrong_codes_are_told_with_what_is_left_and_then_how_long_to_wait(
    new_node: NewNodes,
) -> None:
    node = new_node()
    wrong = Label(node.label.node, node.label.fingerprint, "0" * security.CODE_LETTERS)
    for told in ("2 tries left", "1 try left", "0 tries left, wait 1 s"):
        with pytest.raises(resonode.NotTrusted, match=f"The code is not that of.*{told}"):
            run(commission(node.url, wrong))
    with pytest.raises(resonode.LockedOut, match="takes no attempt for another 1 s"):
        run(commission(node.url, node.label, timeout_s=0.5))
    # Who waits, here within the time limit, gets in; and the count begins anew.
    assert run(commission(node.url, node.label, timeout_s=10)).claimed
    tries = [one["result"] for one in Trust().audit.entries() if one["act"] == ATTEMPT]
    assert [re.findall(r"(. )(?:try|tries) left", text)[0] for text in tries] == ["2 ", "1 ", "0 "]
    assert not any(wrong.code in text for text in tries)
    assert not Trust().audit.verify().unfinished


def test_a_later_commissioning_is_in_the_log_and_keeps_the_date_of_the_first(
    new_node: NewNodes,
) -> None:
    node = new_node()
    first = run(commission(node.url, node.label)).entry
    site = Trust().site
    site.put(replace(first, commissioned_at="2020-01-01T00:00:00Z"))
    named = replace(node.label, name="pump 3")
    again = run(commission(node.url, named))
    assert not again.claimed
    assert (again.entry.name, again.entry.commissioned_at) == ("pump 3", "2020-01-01T00:00:00Z")
    results = [one["result"] for one in Trust().audit.entries() if one["act"] == RECOMMISSION]
    assert results == [INTENT, OK]


def test_a_node_of_another_owner_is_told_by_the_owners_fingerprint(
    new_node: NewNodes, tmp_path: Path
) -> None:
    node = new_node()
    other = own_trust(tmp_path / "other")
    run(commission(node.url, node.label, trust=other))
    with pytest.raises(resonode.Claimed) as refused:
        run(commission(node.url, node.label))
    text = str(refused.value)
    assert f"owner {other.keys.owner_fingerprint.hex()}" in text
    assert "resonode keys restore" in text and "resonode node transfer" in text
    assert refused.value.exit_code == 14
    assert not Trust().site.nodes() and not Trust().audit.entries()


def test_a_refused_configuration_leaves_the_node_mine_and_in_the_site_file(
    new_node: NewNodes,
) -> None:
    node = new_node()
    with pytest.raises(resonode.CommandError, match="is yours, but took none.*full_scale_g") as why:
        run(commission(node.url, node.label, config={"window": 2048, "full_scale_g": 3}))
    assert "resonode node config apply" in str(why.value)
    assert [one.id for one in Trust().site.nodes()] == [node.label.node]
    done = run(commission(node.url, node.label, config={"window": 2048}))
    assert not done.claimed and done.entry.epoch == 1
    assert claims(Trust()) == {node.label.node: 1}


def test_settings_that_no_node_has_are_refused_before_it_is_claimed(new_node: NewNodes) -> None:
    node = new_node()
    for config, why in (({"bogus": 1}, "no setting bogus"), ({"window": "x"}, "wrong kind")):
        with pytest.raises(resonode.NodeError, match=why):
            run(commission(node.url, node.label, config=config))
    assert not Trust().site.nodes() and not Trust().audit.entries()
    assert run(commission(node.url, node.label)).claimed


@pytest.mark.parametrize("answered", [False, True])
def test_a_link_that_dies_around_the_claim_is_mended_by_the_next_run(
    new_node: NewNodes, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    """The node stores the claim; then its answer is lost, or the link with all that follows."""

    class Dying(Wire):
        sealed = 0

        async def send_and_receive(self, data: bytes) -> bytes:
            is_sealed = smp.unpack(data)[2::2] == (smp.GROUP_SECURITY, smp.SEC_SEALED)
            Dying.sealed += is_sealed
            if Dying.sealed > 3 + answered:  # info, parameters, claim: see Node._greet
                raise resonode.Disconnected("unplugged")
            reply = await super().send_and_receive(data)
            if Dying.sealed == 3 and not answered:
                raise resonode.Disconnected("unplugged")
            return reply

    node = new_node()
    with monkeypatch.context() as patch:
        patch.setattr(resonode.node, "ResonodeTransport", Dying)
        with pytest.raises(resonode.Disconnected):
            run(commission(node.url, node.label))
    trust = Trust()
    assert not trust.site.nodes()
    done = run(commission(node.url, node.label))
    assert not done.claimed  # it was ours: none is commissioned twice
    assert [entry.id for entry in trust.site.nodes()] == [node.label.node]
    verdict = trust.audit.verify()
    assert verdict.ok and not verdict.unfinished


def test_a_site_file_that_knows_the_node_by_another_key_stops_it(new_node: NewNodes) -> None:
    node, imitation = new_node(), new_node()
    run(commission(node.url, node.label))
    trust = Trust()
    with pytest.raises(resonode.NotTrusted, match="label is not this node's"):
        run(commission(imitation.url, node.label))
    (entry,) = trust.site.nodes()
    trust.site.put(replace(entry, id=imitation.label.node))
    with pytest.raises(resonode.NotTrusted, match="knows node .* by another key"):
        run(commission(imitation.url, imitation.label))


def test_a_new_node_blinks_for_anybody_and_a_claimed_one_for_its_own(
    new_node: NewNodes, tmp_path: Path
) -> None:
    node = new_node()
    stranger = own_trust(tmp_path / "stranger")
    assert run(identify(node.url, seconds=1, trust=stranger)) == node.label.node
    run(commission(node.url, node.label))
    assert run(identify(node.url, seconds=1)) == node.label.node
    with pytest.raises(resonode.NotTrusted, match="No credential"):
        run(identify(node.url, seconds=1, trust=stranger))


# --- the command ---------------------------------------------------------------------------------


def test_the_command_commissions_by_a_label_file_and_configures_by_files(
    new_node: NewNodes, tmp_path: Path, cli: Any
) -> None:
    node = new_node()
    label, settings = tmp_path / "label.json", tmp_path / "c.toml"
    label.write_text(node.label.payload)
    done = cli(
        *("node", "commission", "--port", node.url, "--label", label, "--yes"),
        *("--name", "pump 3", "--location", "hall 2", "--json"),
    )
    assert done.code == EXIT_OK, done.err
    told = json.loads(done.out)
    assert told["node"]["name"] == "pump 3" and told["first_record"] == "boot"

    settings.write_text("run = false\nwindow = 2048\n")
    diff = cli("node", "config", "diff", settings, "-p", node.url, "--json")
    assert json.loads(diff.out)["changes"]["window"] == {"node": 1024, "file": 2048}
    applied = cli("node", "config", "apply", settings, "-p", node.url)
    assert applied.code == EXIT_OK
    same = cli("node", "config", "diff", settings, "-p", node.url, "--json")
    assert json.loads(same.out)["changes"] == {}
    for text, why in (
        ("windw = 1", "no setting windw"),
        ("window = 'x'", "of the wrong kind"),
        ("window = ", "is no TOML"),
        ("window = 512\nfull_scale_g = 3", "full_scale_g"),  # the node itself refuses it whole
    ):
        settings.write_text(text)
        bad = cli("node", "config", "apply", settings, "-p", node.url)
        assert bad.code in (1, 8) and why in bad.err
    got = cli("node", "config", "get", "--toml", "-p", node.url)
    assert tomllib.loads(got.out)["window"] == 2048


def test_rotation_revocation_and_transfer_by_command(
    new_node: NewNodes, tmp_path: Path, cli: Any
) -> None:
    node = new_node()
    run(commission(node.url, node.label))
    port = ("-p", node.url)

    def access() -> dict[str, Any]:
        return dict(json.loads(cli("node", "access", *port, "--json").out))

    before = access()
    assert (before["role"], before["generation"], before["epoch"]) == ("owner", 1, 1)
    assert cli("node", "rotate", *port).code == EXIT_OK
    assert cli("node", "revoke", "--all", "--yes", *port).code == EXIT_OK
    assert cli("node", "revoke", "--host-key", "ab" * 32, *port).code == 0
    after = access()
    assert (after["generation"], after["epoch"], after["denied"]) == (2, 2, 1)
    own = Trust().keys.host_public.hex()
    mine = cli("node", "revoke", "--host-key", own, *port)
    assert mine.code == 1 and "own host key" in mine.err
    unsure = cli("node", "transfer", tmp_path / "next.json", *port)
    assert unsure.code == 1 and "--yes" in unsure.err
    done = cli("node", "transfer", tmp_path / "next.json", "--yes", *port)
    assert done.code == EXIT_OK, done.err
    code = parse((tmp_path / "next.json").read_text()).code
    assert code not in (done.out + done.err).replace("-", "")
    assert (tmp_path / "next.json").stat().st_mode & 0o777 == 0o600
    (entry,) = Trust().site.nodes()
    assert entry.state == "released" and entry.epoch == 3
    again = cli("node", "commission", "--label", tmp_path / "next.json", "--yes", *port)
    assert again.code == EXIT_OK, again.err
    assert "First sealed record: " in again.err  # it has forgotten those it had, and makes others
    acts = [one["act"] for one in Trust().audit.entries() if one["result"] == OK]
    assert acts == ["claim", "rotate", "revoke", "revoke", "release", "claim"]
    assert Trust().audit.verify().ok
    shown = cli("node", "transfer", tmp_path / "again.json", "--yes", "--show-code", *port)
    assert security.show_code(parse((tmp_path / "again.json").read_text()).code) in shown.out


CTRL_C = "\x03"


def dialogue(command: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command at a terminal: wait for each question, type its answer (CTRL_C is a signal).

    Returns its exit code, and all that was on the screen.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen, at = "", 0
        for question, text in answers:
            while (found := seen.find(question, at)) < 0:
                seen += os.read(ours, 4096).decode()
            at = found + len(question)
            if text == CTRL_C:
                process.send_signal(signal.SIGINT)  # the terminal is not the command's own
            else:
                os.write(ours, text.encode())
        try:
            while True:
                seen += os.read(ours, 4096).decode()
        except OSError:
            pass  # the command has ended
        code = process.wait(20)
    os.close(ours)
    return code, seen


def test_it_asks_a_technician_step_by_step_and_again_what_cannot_be_right(
    new_node: NewNodes,
) -> None:
    node = new_node()
    code, seen = dialogue(
        [str(RESONODE), "node", "commission", "--port", node.url],
        [
            ("Scan the label", "a node?\n"),
            ("The node id cannot be read", ""),
            ("Scan the label", f"{node.label.node}\n"),
            ("Fingerprint", "12 34\n"),
            ("4 digits", ""),
            ("Fingerprint", f"{node.label.fingerprint.hex()}\n"),
            ("Code", "2U\n"),
            ("not 2", ""),
            ("Code", f"{security.show_code(node.label.code).lower()}\n"),
            ("Is that the node", "y\n"),
        ],
    )
    assert code == EXIT_OK, seen
    assert "blinks for 10 s" in seen and "is yours" in seen
    assert [entry.id for entry in Trust().site.nodes()] == [node.label.node]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [("n\n", 1, "Nothing was done"), ("\x04", 1, "No answer came"), (CTRL_C, 130, "")],
    ids=["no", "end of input", "Ctrl-C"],
)
def test_a_technician_who_does_not_agree_is_told_what_that_means(
    new_node: NewNodes, tmp_path: Path, answer: str, code: int, says: str
) -> None:
    node = new_node()
    label = tmp_path / "label.json"
    label.write_text(node.label.payload)
    command = [str(RESONODE), "node", "commission", "--port", node.url, "--label", str(label)]
    ended, seen = dialogue(command, [("Is that the node", answer)])
    assert ended == code, seen
    assert says in seen and "Aborted" not in seen
    assert not Trust().site.nodes() and not Trust().audit.entries()


# --- a batch -------------------------------------------------------------------------------------


def test_a_batch_lists_what_failed_and_finds_ports_by_itself(new_node: NewNodes) -> None:
    nodes = [new_node() for _ in range(3)]
    labels = [replace(node.label, url="") for node in nodes]
    labels[1] = replace(labels[1], code="0" * security.CODE_LETTERS)
    absent = Label("elsewhere", bytes(16), "1" * security.CODE_LETTERS)
    seen = []
    report = run(
        commission_batch([*labels, absent], ports=[node.url for node in nodes], on_row=seen.append)
    )
    assert [row.state for row in report.rows] == [DONE, FAILED, DONE, FAILED]
    assert len(seen) == 4
    assert isinstance(report.rows[1].error, resonode.NotTrusted)
    assert isinstance(report.rows[3].error, resonode.NodeNotFound)
    assert 0 < report.percentile_s(50) <= report.percentile_s(95) <= report.seconds


def test_a_batch_killed_halfway_goes_on_and_commissions_none_twice(
    new_node: NewNodes, tmp_path: Path, cli: Any
) -> None:
    nodes: list[NewNode] = [new_node() for _ in range(6)]
    file = tmp_path / "labels.csv"
    file.write_text(write_csv([node.label for node in nodes]))
    command = [str(RESONODE), "commission", "--batch", str(file), "--at-once", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for _ in range(2):
            process.stderr.readline()
        process.kill()
    done = cli(*command[1:], "--json")
    assert done.code == EXIT_OK, done.err
    report = json.loads(done.out)
    assert report[BEFORE] >= 2 and report[DONE] + report[BEFORE] == 6
    trust = Trust()
    assert sorted(one.id for one in trust.site.nodes()) == sorted(n.label.node for n in nodes)
    assert set(claims(trust).values()) <= {1}
    assert trust.audit.verify().ok

    async def look() -> None:
        for node in nodes:
            assert await owner_of(node.url) == trust.keys.owner_fingerprint

    run(look())
    third = cli(*command[1:], "--json")
    assert json.loads(third.out)[BEFORE] == 6


def test_a_batch_with_failures_ends_with_11(new_node: NewNodes, tmp_path: Path, cli: Any) -> None:
    node = new_node()
    file = tmp_path / "labels.csv"
    absent = Label("elsewhere", bytes(16), "1" * security.CODE_LETTERS, url="/dev/absent")
    file.write_text(write_csv([node.label, absent]))
    done = cli("commission", "--batch", file)
    assert done.code == 11
    assert "1 of 2 nodes are not commissioned" in done.err
    assert "elsewhere" in done.out


def test_two_commissionings_of_one_node_at_once_end_with_one_owner(
    new_node: NewNodes, tmp_path: Path
) -> None:
    async def both() -> list[Any]:
        outcomes = await asyncio.gather(
            commission(node.url, node.label, trust=first),
            commission(node.url, node.label, trust=second),
            return_exceptions=True,
        )
        return list(outcomes)

    node = new_node()
    first, second = own_trust(tmp_path / "a"), own_trust(tmp_path / "b")
    outcomes = run(both())
    assert sum(isinstance(one, resonode.NodeError) for one in outcomes) == 1
    assert len(first.site.nodes()) + len(second.site.nodes()) == 1


# --- what stops every act -------------------------------------------------------------------------


def test_every_owners_act_is_refused_over_a_changed_log_and_behind_the_clock(
    new_node: NewNodes, tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, other = new_node(), new_node()
    run(commission(node.url, node.label))
    label = tmp_path / "other.json"
    label.write_text(other.label.payload)
    port = ("-p", node.url)
    acts = [
        ("node", "rotate", *port),
        ("node", "revoke", "--all", "--yes", *port),
        ("node", "transfer", tmp_path / "next.json", "--yes", *port),
        ("node", "console", "--yes", *port),
        ("node", "commission", "--label", label, "--yes", "-p", other.url),
        ("commission", "--batch", label, "-p", other.url),
        ("label", "-p", other.url, "--out", tmp_path / "labels"),
        ("credential", "issue", tmp_path / "viewer.json", "--role", "viewer", "--days", "1")
        + ("--host-key", "ab" * 32),
    ]
    audit = Trust().audit
    good = audit.path.read_bytes(), audit.head_path.read_bytes()

    def refused(code: int) -> None:
        before = audit.path.read_bytes()
        for act in acts:
            done = cli(*act)
            if act[0] == "commission":  # the batch tells it for each of its nodes
                assert done.code == 11 and "audit" in done.err
            else:
                assert (done.code, "audit" in done.err) == (code, True), (act, done.err)
        assert audit.path.read_bytes() == before
        assert not list(tmp_path.glob("next.json")) and not list(tmp_path.glob("labels/*.json"))

    with monkeypatch.context() as clock:
        clock.setattr("resonode.trust.chain._now", lambda: "2099-01-01T00:00:00.000Z")
        audit.add("claim", "n1", {}, OK)
    refused(16)
    audit.path.write_bytes(good[0].replace(b'"claim"', b'"clean"'))
    audit.head_path.write_bytes(good[1])
    refused(17)
    audit.path.write_bytes(good[0])
    access = json.loads(cli("node", "access", *port, "--json").out)
    assert (access["epoch"], access["generation"]) == (1, 1)
    assert cli(*acts[0]).code == EXIT_OK
