"""Keys, credentials, site file and log: real files, several processes, power cuts, tampering."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any

import pytest

from resonode import files
from resonode.errors import ClockUntrusted, NodeError, NotTrusted, StoreError, VerifyFailed
from resonode.trust import credentials
from resonode.trust.acts import doing
from resonode.trust.audit import Audit
from resonode.trust.chain import CLOCK, INTENT, OK, TOLERANCE_S, UNKNOWN
from resonode.trust.clock import check_clock
from resonode.trust.keyrings import Keyring
from resonode.trust.keys import Keys
from resonode.trust.site import NodeEntry, Site
from resonode_wire import security
from tests.sdk.conftest import fill

PASSPHRASE = "correct horse battery"


def started(code, home, count):
    """Start processes that each run `code` with `home`, a folder, and `worker`, their number."""
    head = "import pathlib, sys; home, worker = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
    return [
        subprocess.Popen(
            [sys.executable, "-c", head + code, str(home), str(worker)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(count)
    ]


def results(workers):
    """Wait for processes, and return what each printed."""
    printed = [one.communicate(timeout=60)[0] for one in workers]
    assert [one.returncode for one in workers] == [0] * len(workers)
    return printed


class PowerCut(BaseException):
    """Nothing after it happens, as when the power fails."""


class Cutter:
    """Calls that change the disk: the nth from now on does not happen."""

    def __init__(self, monkeypatch):
        self._left = 0
        for name in ("open", "fsync", "replace"):
            monkeypatch.setattr(os, name, self._step(name, getattr(os, name)))

    def __call__(self, n):
        self._left = n

    def disarm(self):
        self._left = 0

    def _step(self, name, real):
        def call(*arguments, **named):
            self._left -= 1
            if self._left == 0:
                raise PowerCut(name)
            return real(*arguments, **named)

        return call


@pytest.fixture
def cut_at(monkeypatch):
    return Cutter(monkeypatch)


def every_cut(cut_at, work, judge):
    """Cut `work` at each of its operations in turn, and `judge` what is left. Returns how many."""
    for n in range(1, 100):
        cut_at(n)
        try:
            work()
        except PowerCut:
            cut_at.disarm()
            judge()
        else:
            cut_at.disarm()
            return n - 1
    raise AssertionError("it never ends")


# --- keys ----------------------------------------------------------------------------------------


FIRST_USE = """
from resonode.trust.keys import Keys
keys = Keys(home, None)
print(keys.host_public.hex(), keys.owner_public.hex())
"""


def test_processes_that_first_use_the_keys_at_once_end_with_the_same(tmp_path):
    keys = Keys(tmp_path, None)
    found = set(results(started(FIRST_USE, tmp_path, 4)))
    assert found == {f"{keys.host_public.hex()} {keys.owner_public.hex()}\n"}


def test_keys_are_for_their_user_only_and_refused_if_others_could_read_them(tmp_path):
    keys = Keys(tmp_path, None)
    assert not keys.has_owner
    keys.host_private_bytes()
    assert not keys.has_owner
    keys.sign(b"x")
    assert keys.has_owner
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("host.key", "owner.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        (folder / name).chmod(0o640)
    with pytest.raises(NotTrusted, match=r"640.*chmod 600"):
        Keys(tmp_path, None).host_public  # noqa: B018
    folder.chmod(0o755)
    with pytest.raises(NotTrusted, match=r"755.*chmod 700"):
        Keys(tmp_path, None).owner_public  # noqa: B018


def test_a_link_laid_where_a_label_goes_is_not_followed(tmp_path):
    # A label may go to any folder, a shared one too.
    precious = tmp_path / "precious"
    precious.write_text("mine")
    label = tmp_path / "label.json"
    label.with_name("label.json.new").symlink_to(precious)
    with pytest.raises(StoreError, match="cannot be written"):
        files.replace(label, b"the code", files.SECRET)
    assert precious.read_text() == "mine" and not label.exists()


def test_a_damaged_key_is_never_replaced(tmp_path):
    Keys(tmp_path, None).owner_public  # noqa: B018
    path = tmp_path / "keys" / "owner.key"
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="damaged"):
        Keys(tmp_path, None).owner_public  # noqa: B018
    assert path.read_bytes() == b""


def test_a_power_cut_while_a_key_is_made_leaves_none_or_a_whole_one(tmp_path, cut_at):
    count = 0

    def make():
        Keys(tmp_path / str(count), None).owner_public  # noqa: B018

    def judge():
        nonlocal count
        keys = Keys(tmp_path / str(count), None)
        assert len(keys.sign(b"x")) == 64
        count += 1

    assert every_cut(cut_at, make, judge) >= 4  # open, sync, replace, sync of the folder


class FakeBackend:
    """A keyring in memory; `locked` refuses."""

    name = "fake"

    def __init__(self):
        self.kept = {}
        self.locked = False

    def get_password(self, service, account):
        if self.locked:
            raise RuntimeError("it is locked")
        return self.kept.get((service, account))

    def set_password(self, service, account, secret):
        self.kept[service, account] = secret


def test_with_a_keyring_no_secret_is_in_a_file(tmp_path):
    backend: Any = FakeBackend()
    public = Keys(tmp_path, Keyring(backend)).owner_public
    assert (tmp_path / "keys" / "owner.key").read_bytes() == b"in the keyring\n"
    assert Keys(tmp_path, Keyring(backend)).owner_public == public
    with pytest.raises(StoreError, match="keyring"):
        Keys(tmp_path, None).owner_public  # noqa: B018
    backend.locked = True
    with pytest.raises(StoreError, match="it is locked"):
        Keys(tmp_path, Keyring(backend)).owner_public  # noqa: B018


def test_a_key_left_in_the_keyring_by_a_power_cut_is_taken(tmp_path):
    backend: Any = FakeBackend()
    public = Keys(tmp_path, Keyring(backend)).owner_public
    (tmp_path / "keys" / "owner.key").unlink()
    assert Keys(tmp_path, Keyring(backend)).owner_public == public


def test_a_backup_is_read_by_ssh_keygen_and_restores_the_owner(tmp_path):
    keys = Keys(tmp_path / "a", None)
    with pytest.raises(NodeError, match="no owner key"):
        keys.backup(PASSPHRASE)
    public = keys.owner_public
    with pytest.raises(NodeError, match="5 characters"):
        keys.backup("short")
    data = keys.backup(PASSPHRASE)
    path = tmp_path / "owner.key"
    path.write_bytes(data)
    path.chmod(0o600)
    told = subprocess.run(
        ["ssh-keygen", "-y", "-P", PASSPHRASE, "-f", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert base64.b64decode(told.stdout.split()[1]).endswith(public)
    other = Keys(tmp_path / "b", None)
    with pytest.raises(NodeError, match="passphrase is wrong"):
        other.restore(data, "wrong horse battery")
    assert not other.has_owner
    other.restore(data, PASSPHRASE)
    assert other.owner_public == public
    third = Keys(tmp_path / "c", None)
    third.owner_public  # noqa: B018
    with pytest.raises(NodeError, match="another owner key"):
        third.restore(data, PASSPHRASE)


# --- credentials and the clock -------------------------------------------------------------------


def given(keys, host, **values):
    values = {"role": security.ROLE_VIEWER, "epoch": 1} | values
    packed = credentials.issue(keys, host.host_public, values.pop("role"), **values)
    return credentials.read(credentials.show(packed, keys.owner_public), "file")


def test_the_best_credential_for_a_node_is_taken(tmp_path):
    owner, host = Keys(tmp_path / "owner", None), Keys(tmp_path / "host", None)
    node, other = b"n" * 16, b"o" * 16
    assert credentials.load_for(host.home, node, owner.owner_fingerprint) is None
    viewer = given(owner, host)
    operator = given(owner, host, role=security.ROLE_OPERATOR, node=node)
    for one in (viewer, operator):
        credentials.save(host.home, one, host.host_public)
    assert credentials.load_for(host.home, node, owner.owner_fingerprint) == operator.packed
    assert credentials.load_for(host.home, other, owner.owner_fingerprint) == viewer.packed
    assert credentials.load_for(host.home, node, b"x" * 16) is None


def test_an_expired_credential_is_told_and_not_used(tmp_path):
    owner, host = Keys(tmp_path / "owner", None), Keys(tmp_path / "host", None)
    expired = given(owner, host, expires_s=int(time.time()) - 1)
    credentials.save(host.home, expired, host.host_public)
    with pytest.raises(NotTrusted, match="expired"):
        credentials.load_for(host.home, b"n" * 16, owner.owner_fingerprint)


def test_a_credential_with_any_bit_changed_or_for_another_computer_is_refused(tmp_path):
    owner, host = Keys(tmp_path / "owner", None), Keys(tmp_path / "host", None)
    good = given(owner, host)
    for at in range(len(good.packed)):
        changed = bytearray(good.packed)
        changed[at] ^= 1 << at % 8
        with pytest.raises(NotTrusted):
            credentials.check(bytes(changed), owner.owner_public)
    with pytest.raises(NotTrusted, match="did not sign"):
        credentials.check(good.packed, host.owner_public)
    with pytest.raises(NotTrusted, match="another computer"):
        credentials.save(owner.home, good, owner.host_public)


def test_a_clock_before_what_has_happened_is_refused(tmp_path):
    keys = Keys(tmp_path, None)
    audit = Audit.open(keys=keys)
    check_clock(audit, now_s=0)  # nothing has happened
    audit.add("claim", "n1", {}, OK)
    check_clock(audit)
    check_clock(audit, now_s=time.time() - TOLERANCE_S / 2)
    with pytest.raises(ClockUntrusted, match="audit log"):
        check_clock(audit, now_s=time.time() - 2 * TOLERANCE_S)
    later = given(keys, keys, now_s=int(time.time()) + 2 * TOLERANCE_S)
    credentials.save(tmp_path, later, keys.host_public)
    with pytest.raises(ClockUntrusted, match="credential"):
        check_clock(audit)


# --- the site file -------------------------------------------------------------------------------

ENTRY = NodeEntry("n1", name="Pump", bearing={"n": 9, "d_mm": 7.9}, fingerprint="ab" * 16)


def test_a_users_own_keys_and_the_order_are_kept(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text('plant = "Ulm"\n[[node]]\nid = "z"\nshelf = 3\n[[node]]\nid = "a"\n')
    site = Site.open(path)
    site.put(dataclasses.replace(site.node("z"), location="Hall 1"), ENTRY)
    again = Site.open(path)
    assert [one.id for one in again.nodes()] == ["z", "a", "n1"]
    assert again.node("z").notes == {"shelf": 3} and again.node("z").location == "Hall 1"
    assert again.node("Pump") == ENTRY == again.by_fingerprint(b"\xab" * 16)
    assert 'plant = "Ulm"' in path.read_text()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[node]]\nid = 'a'\nepoch = \n", "line 3"),
        ("[[node]]\nid = 'a'\n[[node]]\nid = 'b'\nepoch = 'x'\n", r"epoch.*line 5"),
        ("[[node]]\nid = 'a'\n[[node]]\nname = 'b'\n", r"id.*line 3"),
        ("[[node]]\nid = 'a'\n[[node]]\nid = 'a'\n", r"twice.*line 4"),
        ("[[node]]\nid = 'a'\nfingerprint = 'AB'\n", r"32 hex.*line 3"),
        ("[[node]]\nid = 'a'\nstate = 'mine'\n", r"none of commissioned.*line 3"),
        ("node = 3\n", "array of tables"),
        ("version = 2\n", "version 2"),
    ],
)
def test_a_damaged_site_file_is_an_error_by_line_and_never_written_over(tmp_path, text, named):
    path = tmp_path / "site.toml"
    path.write_text("")
    site = Site.open(path)
    path.write_text(text)
    with pytest.raises(StoreError, match=named):
        site.put(ENTRY)
    assert path.read_text() == text


PUT_SOME = """
from resonode.trust.site import NodeEntry, Site
site = Site.open(home / "site.toml")
for n in range(10):
    site.put(NodeEntry(f"{worker}-{n}"))
"""


def test_processes_and_threads_that_put_at_once_lose_nothing(tmp_path):
    workers = started(PUT_SOME, tmp_path, 3)
    site = Site.open(tmp_path / "site.toml")
    threads = [threading.Thread(target=site.put, args=(NodeEntry(f"t-{n}"),)) for n in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    results(workers)
    wanted = {f"{worker}-{n}" for worker in (0, 1, 2, "t") for n in range(10)}
    assert {one.id for one in Site.open(site.path).nodes()} == wanted


def test_a_power_cut_leaves_the_old_site_file_or_the_new(tmp_path, cut_at):
    path = tmp_path / "site.toml"
    site = Site.open(path)
    site.put(ENTRY)
    new = NodeEntry("n2")

    def judge():
        found = [one.id for one in Site.open(path).nodes()]
        assert found in (["n1"], ["n1", "n2"])

    assert every_cut(cut_at, lambda: site.put(new), judge) >= 4
    assert [one.id for one in Site.open(path).nodes()] == ["n1", "n2"]


# --- the log -------------------------------------------------------------------------------------


@pytest.fixture
def audit(tmp_path):
    keys = Keys(tmp_path, None)
    keys.owner_public  # noqa: B018
    made = Audit.open(keys=keys)
    for n in range(6):
        made.add("claim", f"n{n}", {"n": n}, INTENT if n == 5 else OK)
    return made


def fresh(audit):
    """Return the log as another process sees it."""
    return Audit.open(keys=Keys(audit.path.parent, None))


def test_a_log_as_it_was_written_verifies(audit):
    verdict = fresh(audit).verify()
    assert verdict.ok and verdict.entries == 6 and not verdict.torn and not verdict.behind_head
    assert verdict.signed_by == Keys(audit.path.parent, None).owner_fingerprint.hex()
    assert verdict.unfinished == [(6, "claim", "n5")]


def changed(lines):
    return [*lines[:2], lines[2].replace(b'"n2"', b'"n9"'), *lines[3:]]


TAMPERING = {
    "changed": changed,
    "changed last": lambda lines: [*lines[:-1], lines[-1].replace(b"intent", b"ok")],
    "removed": lambda lines: lines[:2] + lines[3:],
    "removed first": lambda lines: lines[1:],
    "inserted": lambda lines: lines[:3] + lines[2:],
    "moved": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "cut off": lambda lines: lines[:-2],
    "emptied": lambda lines: [],
    "half a line within": lambda lines: [lines[0][:20] + b"\n", *lines[1:]],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_also_after_the_next_act(audit, how):
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(TAMPERING[how](lines)))
    assert fresh(audit).verify().problem
    fresh(audit).add("rotate", "n1", {}, OK)
    assert fresh(audit).verify().problem


@pytest.mark.parametrize(
    "head", [None, b"", b"[]", {"n": 4}, {"signature": "00" * 64}, {"hash": "00"}]
)
def test_a_head_that_was_changed_or_removed_is_found(audit, head):
    if head is None:
        audit.head_path.unlink()
    elif isinstance(head, bytes):
        audit.head_path.write_bytes(head)
    else:
        values = json.loads(audit.head_path.read_text()) | head
        audit.head_path.write_text(json.dumps(values))
    assert fresh(audit).verify().problem
    fresh(audit).add("rotate", "n1", {}, OK)
    assert fresh(audit).verify().problem


def test_a_signature_taken_off_the_head_is_found(audit):
    head = json.loads(audit.head_path.read_text())
    audit.head_path.write_text(json.dumps({"n": head["n"], "hash": head["hash"]}))
    assert "taken away" in fresh(audit).verify().problem


def test_half_a_last_line_is_told_apart_from_tampering(audit):
    with audit.path.open("ab") as file:
        file.write(b'{"n":7,"ti')
    verdict = fresh(audit).verify()
    assert verdict.ok and verdict.torn and verdict.entries == 6
    fresh(audit).add("rotate", "n1", {}, OK)
    verdict = fresh(audit).verify()
    assert verdict.ok and not verdict.torn and verdict.entries == 8
    assert fresh(audit).entries()[6]["detail"]["torn"] == '{"n":7,"ti'


def test_a_power_cut_at_any_operation_leaves_a_log_that_verifies(audit, cut_at):
    def judge():
        verdict = fresh(audit).verify()
        assert verdict.ok, verdict
        assert verdict.entries >= 6

    cuts = every_cut(cut_at, lambda: fresh(audit).add("rotate", "n1", {}, OK), judge)
    assert cuts >= 5  # the log's sync, and a whole replacement of the head
    assert fresh(audit).verify().ok


ADD_SOME = """
from resonode.trust.audit import Audit
from resonode.trust.chain import OK
from resonode.trust.keys import Keys
audit = Audit.open(keys=Keys(home, None))
for n in range(10):
    audit.add("claim", f"{worker}-{n}", {}, OK)
"""


def test_processes_and_threads_that_add_at_once_make_one_chain(tmp_path):
    keys = Keys(tmp_path, None)
    keys.owner_public  # noqa: B018
    workers = started(ADD_SOME, tmp_path, 3)
    audit = Audit.open(keys=keys)
    threads = [
        threading.Thread(target=audit.add, args=("claim", f"t-{n}", {}, OK)) for n in range(30)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    results(workers)
    verdict = audit.verify()
    assert verdict.ok and verdict.entries == 60 and not verdict.behind_head


def test_a_process_that_is_killed_leaves_its_intent_and_a_log_that_verifies(tmp_path):
    code = (
        "import os, pathlib, signal\n"
        "from resonode.trust.acts import doing\n"
        "from resonode.trust.audit import Audit\n"
        "from resonode.trust.keys import Keys\n"
        f"audit = Audit.open(keys=Keys(pathlib.Path({str(tmp_path)!r}), None))\n"
        "with doing(audit, 'claim', 'n1', {}):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    verdict = Audit.open(keys=Keys(tmp_path, None)).verify()
    assert verdict.ok and verdict.unfinished == [(1, "claim", "n1")]


def test_an_act_that_fails_is_logged_with_the_reason(audit):
    with pytest.raises(NodeError), doing(audit, "rotate", "n1", {}):
        raise NodeError("It broke", why="it fell", next="Mend it")
    assert audit.entries()[-1]["result"] == "It broke: it fell"


@pytest.mark.parametrize("how", TAMPERING)
def test_no_act_is_begun_over_a_log_that_was_changed(audit, how):
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(TAMPERING[how](lines)))
    before = audit.path.read_bytes()
    begun = []
    with pytest.raises(VerifyFailed, match="audit renew"), doing(fresh(audit), "rotate", "n1", {}):
        begun.append(how)
    assert not begun and audit.path.read_bytes() == before


def test_a_log_that_another_process_changes_stops_the_next_act_too(audit):
    with doing(audit, "rotate", "n1", {}):
        pass
    audit.path.write_bytes(audit.path.read_bytes().replace(b'"n2"', b'"nine"'))
    with pytest.raises(VerifyFailed), doing(audit, "rotate", "n1", {}):
        raise AssertionError("it was begun")


def test_a_log_is_judged_whole_once_by_a_process_that_alone_writes_it(audit, monkeypatch):
    one = fresh(audit)
    one.check()

    def again(_log):
        raise AssertionError("every line was read again")

    monkeypatch.setattr(Audit, "verify", again)
    for n in range(2):
        with doing(one, "rotate", f"n{n}", {}):
            pass


def test_no_act_is_begun_while_the_clock_is_behind_the_log(audit, at):
    with at("2099-01-01"):
        audit.add("claim", "n1", {}, OK)
    before = audit.path.read_bytes()
    with pytest.raises(ClockUntrusted, match="2099"), doing(audit, "rotate", "n1", {}):
        raise AssertionError("it was begun")
    assert audit.path.read_bytes() == before


@pytest.fixture
def at(monkeypatch):
    """Return a context in which this computer's clock, as the log reads it, is at a date."""

    @contextmanager
    def clock(date):
        with monkeypatch.context() as changed:
            changed.setattr("resonode.trust.chain._now", lambda: f"{date}T00:00:00.000Z")
            yield

    return clock


def test_times_that_run_backwards_are_told_and_a_declared_clock_is_none(audit, at):
    assert audit.verify().backwards == []
    with at("2099-01-01"):
        audit.add("claim", "n1", {}, OK)
    audit.add(CLOCK, "", {}, OK)
    assert audit.verify().backwards == []
    with at("2001-01-01"):
        audit.add("claim", "n2", {}, OK)
    verdict = audit.verify()
    assert verdict.ok and verdict.backwards == [9]


def test_each_result_ends_the_intent_it_names(audit):
    first = audit.add("rotate", "n1", {}, INTENT)
    second = audit.add("rotate", "n1", {}, INTENT)
    audit.add("rotate", "n1", {}, OK, of=first)
    assert audit.verify().unfinished == [(6, "claim", "n5"), (second, "rotate", "n1")]


def test_a_result_that_names_no_intent_as_in_older_logs_ends_the_latest_of_its_kind(audit):
    audit.add("rotate", "n1", {}, INTENT)
    audit.add("rotate", "n1", {}, OK)
    assert audit.verify().unfinished == [(6, "claim", "n5")]


def test_an_act_whose_end_is_not_known_is_closed_once(audit):
    audit.close(6, "the disk was full")
    verdict = fresh(audit).verify()
    assert verdict.ok and verdict.unfinished == []
    last = audit.entries()[-1]
    assert (last["of"], last["result"], last["detail"]["note"]) == (6, UNKNOWN, "the disk was full")
    with pytest.raises(NodeError, match="no act that was begun"):
        audit.close(6)


def test_a_renewed_log_goes_on_and_keeps_the_old_one(audit):
    with pytest.raises(NodeError, match="not changed"):
        audit.renew()
    audit.path.write_bytes(audit.path.read_bytes().replace(b'"n2"', b'"n9"'))
    old, old_head = audit.path.read_bytes(), audit.head_path.read_bytes()
    head, log = fresh(audit).renew()
    assert (log.read_bytes(), head.read_bytes()) == (old, old_head)
    verdict = fresh(audit).verify()
    assert verdict.ok and verdict.entries == 1 and "line 4" in verdict.renewed
    (entry,) = audit.entries()
    assert entry["detail"]["kept"][log.name] == hashlib.sha256(old).hexdigest()
    with doing(fresh(audit), "rotate", "n1", {}):
        pass
    assert fresh(audit).verify().ok
    audit.path.write_bytes(b"")
    assert fresh(audit).renew()[1].name == "audit.jsonl.2"


def test_a_power_cut_while_a_log_is_renewed_loses_nothing(audit, cut_at):
    audit.path.write_bytes(audit.path.read_bytes().replace(b'"n2"', b'"n9"'))
    old = audit.path.read_bytes()

    def judge():
        copies = audit.path.parent.glob("audit.jsonl*")
        assert old in [path.read_bytes() for path in copies]
        verdict = fresh(audit).verify()
        assert verdict.problem or verdict.renewed

    def work():
        with contextlib.suppress(NodeError):  # the cut was after the last step
            fresh(audit).renew()

    cuts = every_cut(cut_at, work, judge)
    assert cuts >= 8  # two copies, the new log, its head
    assert fresh(audit).verify().ok


def test_on_a_full_disk_nothing_is_begun_and_nothing_looks_begun(small_disk):
    audit = Audit.open(keys=Keys(small_disk, None))
    with doing(audit, "claim", "n1", {}):
        pass
    fill(small_disk)
    with pytest.raises(StoreError, match="disk is full"), doing(audit, "rotate", "n1", {}):
        raise AssertionError("it was begun")
    verdict = fresh(audit).verify()
    assert verdict.ok and verdict.entries == 2 and not verdict.unfinished


@pytest.mark.parametrize("step", range(1, 8))  # lock, log and its sync, head: open to folder's sync
def test_an_intent_that_cannot_be_written_leaves_no_trace_or_a_whole_one(audit, failing_at, step):
    one = fresh(audit)
    one.check()
    failing_at(step)
    with pytest.raises(StoreError, match="the disk fails"):
        one.add("rotate", "n1", {}, INTENT)
    verdict = fresh(audit).verify()
    assert verdict.ok and not verdict.torn and not verdict.behind_head
    assert verdict.entries in (6, 7)


@pytest.fixture
def failing_at(monkeypatch):
    """Return a function that lets the nth call from now on that changes the disk fail."""
    calls = []

    def arm(n):
        for name in ("open", "fsync", "replace"):
            monkeypatch.setattr(os, name, step(n, getattr(os, name)))

    def step(n, real):
        def call(*arguments, **named):
            calls.append(real)
            if len(calls) == n:
                raise OSError(5, "Input/output error")
            return real(*arguments, **named)

        return call

    return arm


def test_a_disk_that_fills_up_meanwhile_is_told_and_mended_afterwards(small_disk):
    audit = Audit.open(keys=Keys(small_disk, None))
    with (
        pytest.raises(StoreError, match=r"It was done \(rotate n1\).*audit close 1"),
        doing(audit, "rotate", "n1", {}),
    ):
        fill(small_disk)
    (small_disk / "filler").unlink()
    assert fresh(audit).verify().ok
    for n, _act, _node in fresh(audit).verify().unfinished:
        fresh(audit).close(n)
    with doing(fresh(audit), "rotate", "n1", {}):
        pass
    verdict = fresh(audit).verify()
    assert verdict.ok and not verdict.unfinished
