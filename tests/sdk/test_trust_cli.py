"""resonode site, audit, keys, credential and label: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

from resonode.trust.audit import Audit
from resonode.trust.chain import INTENT, OK
from resonode.trust.keys import Keys
from resonode.trust.label import Label, parse, read_file, write_csv
from resonode.trust.site import NodeEntry, Site
from resonode_wire import security
from tests.sdk.fake_node import FakeNode

ENTRY = NodeEntry("n1", name="Pump 3", fingerprint="ab" * 16, epoch=4)
LABEL = Label("n1", bytes(16), security.code_of(bytes(range(10))))


def test_site_is_listed_shown_and_exported(cli, tmp_path):
    Site.open().put(ENTRY)
    assert "Pump 3" in cli("site", "list").out
    assert json.loads(cli("site", "show", "Pump 3", "--json").out)["epoch"] == 4
    out = tmp_path / "site.csv"
    assert cli("site", "export", "--out", out).code == 0
    assert out.read_text().startswith("id,name,") and "Pump 3" in out.read_text()
    assert "no node nothing" in cli("site", "show", "nothing").err


def test_audit_verify_ends_with_0_and_after_tampering_with_17(cli):
    assert cli("audit", "verify").code == 0  # nothing was ever done
    audit = Audit.open()
    audit.add("claim", "n1", {}, OK)
    assert cli("audit", "clock", "--yes").code == 0
    assert [one["act"] for one in json.loads(cli("audit", "show", "--json").out)["entries"]] == [
        "claim",
        "clock",
    ]
    assert json.loads(cli("audit", "verify", "--json").out)["entries"] == 2
    audit.path.write_bytes(audit.path.read_bytes().replace(b"n1", b"n2"))
    done = cli("audit", "verify")
    assert done.code == 17 and "line 2 does not follow" in done.err
    assert "not checked" in done.out and "no owner key" not in done.out


def test_a_log_that_was_changed_stops_acts_until_it_is_renewed(cli, tmp_path):
    Keys.open().owner_public  # noqa: B018
    audit = Audit.open()
    audit.add("claim", "n1", {}, OK)
    audit.add("claim", "n2", {}, OK)
    audit.path.write_bytes(audit.path.read_bytes().replace(b"n1", b"n3"))
    words = tmp_path / "words"
    words.write_text("correct horse battery\n")
    backup = ("keys", "backup", tmp_path / "owner.key", "--passphrase-file", words)
    refused = cli(*backup)
    assert refused.code == 17 and "resonode audit renew" in refused.err
    assert not (tmp_path / "owner.key").exists()
    assert cli("audit", "clock", "--yes").code == 17
    unsure = cli("audit", "renew")
    assert unsure.code == 1 and "--yes" in unsure.err
    done = cli("audit", "renew", "--yes")
    assert done.code == 0 and "audit.jsonl.1" in done.err
    verified = cli("audit", "verify")
    assert verified.code == 0 and "line 2 does not follow" in verified.out
    (heading, row) = cli("audit", "show").out.splitlines()
    assert "renewed" in row and len(row.rstrip()) < 200  # a row is never wrapped in a pipe
    assert cli(*backup).code == 0


def test_audit_shows_details_and_closes_what_was_begun(cli):
    audit = Audit.open()
    audit.add("revoke", "n1", {"epoch": 4, "deny": ["ab", "cd"], "note": "\x1b[2J"}, INTENT)
    shown = cli("audit", "show").out
    assert "epoch 4" in shown and "deny ab, cd" in shown and "\x1b" not in shown
    verified = cli("audit", "verify")
    assert "1 revoke n1" in verified.out and "audit close" in verified.err
    assert cli("audit", "close", 2).code == 1
    done = cli("audit", "close", 1, "--note", "looked at the node: it was done")
    assert done.code == 0 and "line 1 is closed" in done.err
    assert "1: unknown" in cli("audit", "show").out
    assert json.loads(cli("audit", "verify", "--json").out)["unfinished"] == []


def test_audit_clock_says_what_was_declared(cli):
    Audit.open().add("claim", "n1", {}, OK)
    assert "is right" in cli("audit", "clock", "--yes").err


def test_an_owner_issues_a_credential_and_another_computer_adds_it(cli, tmp_path, monkeypatch):
    other = tmp_path / "other"
    monkeypatch.setenv("RESONODE_HOME", str(other))
    key = json.loads(cli("keys", "show", "--json").out)["host_key"]
    issue = ("credential", "issue", "--role", "viewer", "--days", "9", "--host-key", key)
    file = tmp_path / "v.json"
    assert "owns no node" in cli(*issue, file).err

    monkeypatch.setenv("RESONODE_HOME", str(tmp_path / "owner"))
    Keys.open().owner_public  # noqa: B018
    Site.open().put(ENTRY)
    assert cli(*issue, "--node", "Pump 3", file).code == 0
    assert cli("credential", "add", file).code == 13  # it is not for the owner's computer

    monkeypatch.setenv("RESONODE_HOME", str(other))
    assert cli("credential", "add", file).code == 0
    (row,) = json.loads(cli("credential", "list", "--json").out)["credentials"]
    assert (row["role"], row["node"], row["epoch"]) == ("viewer", "ab" * 16, 4)
    assert cli("credential", "issue", "--role", "king", *issue[4:], file).code == 2


def test_the_owner_key_moves_by_backup_and_restore(cli, tmp_path, monkeypatch):
    words, file = tmp_path / "words", tmp_path / "owner.key"
    words.write_text("correct horse battery\n")
    owner = Keys.open().owner_public
    assert cli("keys", "backup", file, "--passphrase-file", words).code == 0
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("RESONODE_HOME", str(tmp_path / "new"))
    assert cli("keys", "restore", file, "--passphrase-file", words).code == 0
    assert Keys.open().owner_public == owner
    assert cli("audit", "verify").code == 0


def test_labels_that_were_kept_are_printed_again(cli, tmp_path):
    kept, out, sheet = tmp_path / "labels.csv", tmp_path / "out", tmp_path / "sheet.pdf"
    kept.write_text(write_csv([LABEL]))
    done = cli("label", "--from", kept, "--out", out, "--sheet", sheet)
    assert done.code == 0 and LABEL.code not in done.out + done.err
    assert sheet.read_bytes().startswith(b"%PDF")
    assert {path.name for path in out.iterdir()} == {"n1.svg", "n1.png"}
    assert cli("label", "--from", kept, "--out", out, "--sheet", sheet).code == 1  # it is there


def test_the_label_of_a_new_node_is_kept_before_the_node_is_told_so(
    cli, tmp_path, virtual_board, monkeypatch
):
    from resonode import files

    board = virtual_board({}, directory=tmp_path / "node")
    take = ("label", "--port", f"serial:{board.port}", "--out", tmp_path / "labels")

    with monkeypatch.context() as failing:

        def full(*_arguments):
            raise OSError(28, "No space left on device")

        failing.setattr(files, "write_synced", full)
        assert cli(*take).code == 10
    done = cli(*take)  # so the node still tells it
    assert done.code == 0, done.err
    (label,) = read_file(tmp_path / "labels" / "labels.csv")
    alone = Path(tmp_path / "labels" / f"{label.node}.json")
    assert parse(alone.read_text()) == label
    assert alone.stat().st_mode & 0o077 == 0
    assert label.code not in done.out + done.err
    assert cli(*take).code == 13  # never again


def test_what_a_node_says_does_not_steer_the_terminal(cli):
    with FakeNode("n1\x1b[2J") as node:
        done = cli("info", "--port", node.url)
        assert "\\x1b[2J" in done.out
        refused = cli("node", "rotate", "--port", node.url)
    assert "\x1b" not in done.out + done.err + refused.out + refused.err
