"""The log of every privileged act: lines of JSON, each with the SHA-256 of the one before it.

    {"n": 1, "time": ..., "who": ..., "act": "claim", "node": ..., "detail": {...},
     "result": "intent", "prev": ...}

An act is written before it is done, with the result "intent", and after, with "ok" or the reason
it failed, and `of`, the number of its intent: so a crash between the two shows. acts.py does both,
and begins nothing over a log that was changed. `audit.head` tells how many lines there are and the
hash of the last, signed by the owner key if this computer has one: so a line cut off the end
shows, too. docs/security.md tells what this cannot show.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import NodeError, StoreError, VerifyFailed
from resonode.trust.keys import Keys, fingerprint

INTENT, OK, UNKNOWN = "intent", "ok", "unknown"
CLOCK = "clock"
"""The act of declaring this computer's clock right: see clock.py."""
RECOVERED = "recovered"
"""The act of this log itself: what was found, if it was not as the last writer left it."""
RENEWED = "renewed"
"""The first act of a log that took the place of one that was changed."""
TOLERANCE_S = 300
"""Clocks of two computers, and one before and after it was set, may differ by this much."""

_NOTHING_BEFORE = "0" * 64
_HEAD = b"resonode audit head 1\0"
_TAIL = 1 << 16  # bytes; a line has a few hundred


@dataclass(frozen=True)
class Verdict:
    """What `Audit.verify` found.

    Attributes:
        entries: lines that follow from each other.
        problem: what was changed, "" if nothing was.
        signed_by: fingerprint of the owner whose signature of the head is right, or "".
        behind_head: good lines that the head does not cover yet: the power was cut, or somebody
            else wrote them.
        torn: the last line is half: the power was cut. It is taken off at the next act.
        unfinished: acts begun and not ended, as (line, act, node).
        backwards: lines of an earlier time than the one before; `clock`, which says so, is none.
        renewed: what was wrong with the log before this one, and where that is; "" if none was.
    """

    entries: int
    problem: str = ""
    signed_by: str = ""
    behind_head: int = 0
    torn: bool = False
    unfinished: list[tuple[int, str, str]] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    renewed: str = ""

    @property
    def ok(self) -> bool:
        """Whether every line is as it was written."""
        return not self.problem


@dataclass
class _Waiting:
    """An entry that is not on the disk yet."""

    values: dict[str, Any]
    n: int = 0
    done: bool = False
    error: BaseException | None = None


@dataclass(frozen=True)
class _End:
    """The end of the log: number and hash of the last line, and the size of the file."""

    n: int = 0
    digest: str = _NOTHING_BEFORE
    size: int = 0


class Audit:
    """The log in `home`. Made by `Audit.open`. For threads, and for several processes at once.

    Every method raises StoreError if the log cannot be read or written.
    """

    def __init__(self, home: Path, keys: Keys) -> None:
        self.path = home / "audit.jsonl"
        self.head_path = home / "audit.head"
        self._keys = keys
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._end: _End | None = None
        self._sound = False  # every line up to _end was judged
        self._head_written = b""

    @classmethod
    def open(cls, home: Path | None = None, *, keys: Keys | None = None) -> Audit:
        """Return the log in `home`, $RESONODE_HOME or the user's data folder."""
        keys = keys or Keys.open(home)
        return cls(keys.home, keys)

    # -- writing

    def add(
        self, act: str, node: str, detail: Mapping[str, Any], result: str, *, of: int | None = None
    ) -> int:
        """Write that `act` on `node` is intended, or how it ended. On the disk when it returns.

        Threads that come while others write are written together: one wait for the disk.

        Args:
            of: the number of the intent that this ends.

        Returns:
            The number of the entry.
        """
        entry = _Waiting(_entry(self._who(), act, node, dict(detail), result, of))
        with self._mutex:
            self._waiting.append(entry)
        with self._writing:
            if not entry.done:
                with self._mutex:
                    batch, self._waiting = self._waiting, []
                self._commit(batch)
        if entry.error is not None:
            raise entry.error
        return entry.n

    def check(self) -> None:
        """Make sure that every line is as it was written, before another act.

        Raises:
            VerifyFailed: one is not; what to do about it is in the text.
        """
        with self._writing, files.locked(self.path):
            if self._sound and self._end is not None and self._as_we_left_it(self._end):
                return
            found = self.verify()
            if found.problem:
                raise VerifyFailed(
                    f"Nothing is done over an audit log that was changed: {self.path}",
                    why=found.problem,
                    next="Compare it with a backup. To go on: resonode audit renew, which keeps "
                    "it as it is beside a new one",
                )
            if not (found.torn or found.behind_head):  # else the next writer tells of that
                self._end, _nothing = self._look()
                self._head_written = files.read(self.head_path) or b""
                self._sound = True

    def close(self, n: int, note: str = "") -> None:
        """Write that nobody knows how the act of line `n`, begun and not ended, ended.

        Raises:
            NodeError: no such act is open.
        """
        open_ones = {number: (act, node) for number, act, node in self.verify().unfinished}
        if n not in open_ones:
            raise NodeError(
                f"Line {n} is no act that was begun and not ended",
                next="See which there are with: resonode audit verify",
            )
        act, node = open_ones[n]
        self.add(act, node, {"note": note} if note else {}, UNKNOWN, of=n)

    def renew(self) -> list[Path]:
        """Set a log that was changed aside, and begin a new one whose first entry tells of that.

        Returns:
            The files that keep the old one.

        Raises:
            NodeError: it was not changed.
        """
        with self._writing, files.locked(self.path):
            found = self.verify()
            if found.ok:
                raise NodeError(
                    "The audit log was not changed", next="There is nothing to renew; go on"
                )
            kept = self._set_aside()
            hashes = {path.name: _digest(path.read_bytes()) for path in kept}
            detail = {"problem": found.problem, "entries": found.entries, "kept": hashes}
            first = _entry(self._who(), RENEWED, "", detail, OK)
            line = _line({"n": 1, **first, "prev": _NOTHING_BEFORE})
            # A power cut here leaves a log that does not fit its head: renewed once more.
            files.replace(self.path, line + b"\n", files.SECRET)
            self._write_head(1, _digest(line))
            self._end = None
        return kept

    def _set_aside(self) -> list[Path]:
        """Copy log and head to names that are free, and return those."""
        number = 1
        while (self.path.with_name(f"{self.path.name}.{number}")).exists():
            number += 1
        kept = []
        for path in (self.head_path, self.path):
            content = files.read(path)
            if content is not None:
                copy = path.with_name(f"{path.name}.{number}")
                files.replace(copy, content, files.SECRET)
                kept.append(copy)
        return kept

    def _who(self) -> str:
        keys = self._keys
        return (keys.owner_fingerprint if keys.has_owner else fingerprint(keys.host_public)).hex()

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            with files.locked(self.path):
                self._append(batch)
        except Exception as error:
            self._end = None  # what is on the disk now is looked at again
            for one in batch:
                one.error = error
        for one in batch:
            one.done = True

    def _append(self, entries: list[_Waiting]) -> None:
        end = self._end
        if end is None or not self._as_we_left_it(end):
            end, found = self._look()
            entries = [_Waiting(values) for values in found] + entries
            self._sound = False
        n, digest = end.n, end.digest
        lines = []
        for one in entries:
            n += 1
            one.n = n
            line = _line({"n": n, **one.values, "prev": digest})
            digest = _digest(line)
            lines.append(line + b"\n")
        data = b"".join(lines)
        try:
            self._write(end.size, data)
            self._write_head(n, digest)
        except (OSError, StoreError) as error:
            # What was not begun must not look as if; how something ended is better kept.
            if any(one.values["result"] == INTENT for one in entries):
                with suppress(OSError):
                    os.truncate(self.path, end.size)
            if isinstance(error, OSError):
                raise files.unwritable(self.path, error) from error
            raise
        self._end = _End(n, digest, end.size + len(data))

    def _as_we_left_it(self, end: _End) -> bool:
        size = self.path.stat().st_size if self.path.exists() else 0
        return size == end.size and files.read(self.head_path) == self._head_written

    def _look(self) -> tuple[_End, list[dict[str, Any]]]:
        """Return where the log ends, and an entry that tells what is odd there, if anything is."""
        content = files.read(self.path)
        if content is None and not self.head_path.exists():
            # From now on a log without a head is one whose head was taken away.
            self._write_head(0, _NOTHING_BEFORE)
        lines, torn = _lines(content or b"")
        end = _last_of(lines, self.path)
        found = self._judge_head(lines, files.read(self.head_path))
        if not (found.problem or found.behind_head or torn):
            return end, []
        detail: dict[str, Any] = {"behind_head": found.behind_head, "problem": found.problem}
        if content and torn:
            detail["torn"] = content[end.size :].decode(errors="replace")
        return end, [_entry(self._who(), RECOVERED, "", detail, OK)]

    def _write(self, at: int, data: bytes) -> None:
        new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, files.SECRET)
        with os.fdopen(handle, "r+b") as file:
            file.truncate(at)  # a torn line, which the entry that comes tells of
            file.seek(at)
            file.write(data)
            file.flush()
            os.fsync(handle)
        if new:
            files.sync_folder(self.path.parent)

    # -- the head

    def _write_head(self, n: int, digest: str) -> None:
        head: dict[str, Any] = {"n": n, "hash": digest}
        if self._keys.has_owner:
            head["owner"] = self._keys.owner_public.hex()
            head["signature"] = self._keys.sign(_head_statement(n, digest)).hex()
        self._head_written = _line(head) + b"\n"
        files.replace(self.head_path, self._head_written, files.SECRET)

    # -- reading

    def entries(self) -> list[dict[str, Any]]:
        """Return all entries that can be read, the oldest first. See `verify`."""
        lines, _torn = _lines(files.read(self.path) or b"")
        found = [_values(line) for line in lines]
        return [one for one in found if one is not None]

    def newest_time(self) -> datetime | None:
        """Return when the last entry was written, None if there is none."""
        lines, _torn = _lines(_tail(self.path))
        try:
            return datetime.fromisoformat(json.loads(lines[-1])["time"]) if lines else None
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"The last line of {self.path} has no time",
                why=str(error),
                next="See what happened to it with: resonode audit verify",
            ) from error

    def verify(self) -> Verdict:
        """Read the log and judge every line of it."""
        head = files.read(self.head_path)  # first: the log may grow meanwhile, and is then ahead
        content = files.read(self.path)
        lines, torn = _lines(content or b"")
        entries, problem = _follow(lines)
        problem = problem or _told(entries)
        if problem:
            verdict = Verdict(len(entries), problem)
        elif content is None and head is None:
            verdict = Verdict(0)
        else:
            verdict = self._judge_head(lines, head)
        return replace(
            verdict,
            torn=torn,
            unfinished=_unfinished(entries),
            backwards=_backwards(entries),
            renewed=_renewed(entries),
        )

    def _judge_head(self, lines: list[bytes], text: bytes | None) -> Verdict:
        n = len(lines)
        head = _parse_head(text)
        if head is None:
            return Verdict(n, "the head is missing or damaged: lines may be cut off the end")
        if head.n > n:
            return Verdict(n, f"{head.n - n} lines are cut off the end: the head tells of {head.n}")
        last = lines[head.n - 1] if head.n else b""
        if head.digest != (_digest(last) if head.n else _NOTHING_BEFORE):
            return Verdict(n, f"line {head.n} is not the one that the head tells of")
        ours = self._keys.owner_fingerprint.hex() if self._keys.has_owner else ""
        if head.owner is None:
            if ours and (_values(last) or {}).get("who") == ours:
                return Verdict(n, "the signature of the head was taken away")
            return Verdict(n, behind_head=n - head.n)
        signed_by = fingerprint(head.owner).hex()
        if not head.signature_fits() or ours not in ("", signed_by):
            return Verdict(n, "the signature of the head is wrong, or another owner's")
        return Verdict(n, signed_by=signed_by, behind_head=n - head.n)


@dataclass(frozen=True)
class _Head:
    """What audit.head says. `owner` is None if it is not signed."""

    n: int
    digest: str
    owner: bytes | None
    signature: bytes

    def signature_fits(self) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            owner = Ed25519PublicKey.from_public_bytes(self.owner or b"")
            owner.verify(self.signature, _head_statement(self.n, self.digest))
        except (InvalidSignature, ValueError):
            return False
        return True


def _parse_head(text: bytes | None) -> _Head | None:
    """Return the head, None if there is none or it is damaged."""
    try:
        values = json.loads(text or b"")
        n, digest = values["n"], values["hash"]
        if type(n) is not int or not 0 <= n < 1 << 63 or not isinstance(digest, str):
            return None
        owner = bytes.fromhex(values["owner"]) if "owner" in values else None
        return _Head(n, digest, owner, bytes.fromhex(values.get("signature", "")))
    except (ValueError, TypeError, KeyError):
        return None


def _entry(
    who: str, act: str, node: str, detail: dict[str, Any], result: str, of: int | None = None
) -> dict[str, Any]:
    values = {"time": _now(), "who": who, "act": act, "node": node}
    ended = {} if of is None else {"of": of}
    return values | {"detail": detail, "result": result} | ended


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _head_statement(n: int, digest: str) -> bytes:
    return _HEAD + n.to_bytes(8, "big") + digest.encode()


def _lines(content: bytes) -> tuple[list[bytes], bool]:
    """Return the whole lines, and whether half a line comes after them."""
    *lines, rest = content.split(b"\n")
    return lines, bool(rest)


def _tail(path: Path) -> bytes:
    """Return the end of a file, with at least one whole line if there is any."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            data = file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise files.unreadable(path, error) from error
    return data if data.count(b"\n") > 1 else files.read(path) or b""


def _values(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _follow(lines: list[bytes]) -> tuple[list[dict[str, Any]], str]:
    """Return the entries that follow from each other, and what is wrong with the next."""
    entries: list[dict[str, Any]] = []
    before = _NOTHING_BEFORE
    for number, line in enumerate(lines, 1):
        values = _values(line)
        if values is None:
            return entries, f"line {number} is no JSON: it was changed"
        if values.get("prev") != before:
            return entries, (
                f"line {number} does not follow from the line before it: "
                "one of the two was changed, or lines were removed, inserted or moved"
            )
        if values.get("n") != number:
            return entries, f"line {number} says that it is number {values.get('n')}"
        entries.append(values)
        before = _digest(line)
    return entries, ""


def _told(entries: list[dict[str, Any]]) -> str:
    """Return what an earlier writer found wrong, "" if all was well."""
    for number, one in enumerate(entries, 1):
        detail = one.get("detail") if one.get("act") == RECOVERED else None
        problem = detail.get("problem") if isinstance(detail, dict) else ""
        if problem:
            return f"before line {number} was written, {problem}"
    return ""


def _last_of(lines: list[bytes], path: Path) -> _End:
    if not lines:
        return _End()
    n = (_values(lines[-1]) or {}).get("n")
    if type(n) is not int:
        raise StoreError(
            f"The last line of {path} is damaged",
            why="nothing can be written after it without hiding that",
            next="See what happened with: resonode audit verify; to go on: resonode audit renew",
        )
    return _End(n, _digest(lines[-1]), sum(len(line) + 1 for line in lines))


def _unfinished(entries: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    begun: dict[int, tuple[Any, Any]] = {}
    for number, one in enumerate(entries, 1):
        what = (one.get("act"), one.get("node"))
        if one.get("result") == INTENT:
            begun[number] = what
        elif "of" in one:
            begun.pop(one["of"], None)
        else:  # as logs of earlier releases have it: it ends the latest of its kind
            begun.pop(max((n for n, of in begun.items() if of == what), default=0), None)
    return [(n, str(act), str(node)) for n, (act, node) in begun.items()]


def _backwards(entries: list[dict[str, Any]]) -> list[int]:
    found = []
    before_s = 0.0
    for number, one in enumerate(entries, 1):
        try:
            time_s = datetime.fromisoformat(one["time"]).timestamp()
        except (KeyError, TypeError, ValueError):
            continue
        if time_s + TOLERANCE_S < before_s and one.get("act") != CLOCK:
            found.append(number)
        before_s = time_s
    return found


def _renewed(entries: list[dict[str, Any]]) -> str:
    first = entries[0] if entries else {}
    detail = first.get("detail")
    if first.get("act") != RENEWED or not isinstance(detail, dict):
        return ""
    kept = detail.get("kept")
    where = ", ".join(map(str, kept)) if isinstance(kept, dict) else ""
    return f"{detail.get('problem')} ({where})"
