"""The log of every privileged act: lines of JSON, each with the SHA-256 of the one before it.

    {"n": 1, "time": ..., "who": ..., "act": "claim", "node": ..., "detail": {...},
     "result": "intent", "prev": ...}

An act is written before it is done, with the result "intent", and after, with "ok" or the reason
it failed: so a crash between the two shows. `audit.head` tells how many lines there are and the
hash of the last, signed by the owner key if this computer has one: so a line cut off the end
shows, too. docs/security.md tells what this cannot show.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import StoreError
from resonode.trust.keys import Keys, fingerprint

INTENT, OK = "intent", "ok"
CLOCK = "clock"
"""The act of declaring this computer's clock right: see clock.py."""
RECOVERED = "recovered"
"""The act of this log itself: what was found, if it was not as the last writer left it."""

_NOTHING_BEFORE = "0" * 64
_HEAD = b"resonode audit head 1\0"


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
    """

    entries: int
    problem: str = ""
    signed_by: str = ""
    behind_head: int = 0
    torn: bool = False
    unfinished: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every line is as it was written."""
        return not self.problem


@dataclass
class _Waiting:
    """An entry that is not on the disk yet."""

    values: dict[str, Any]
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
        self._head_written = b""

    @classmethod
    def open(cls, home: Path | None = None, *, keys: Keys | None = None) -> Audit:
        """Return the log in `home`, $RESONODE_HOME or the user's data folder."""
        keys = keys or Keys.open(home)
        return cls(keys.home, keys)

    # -- writing

    def add(self, act: str, node: str, detail: Mapping[str, Any], result: str) -> None:
        """Write that `act` on `node` is intended, or how it ended. On the disk when it returns.

        Threads that come while others write are written together: one wait for the disk.
        """
        entry = _Waiting(_entry(self._who(), act, node, dict(detail), result))
        with self._mutex:
            self._waiting.append(entry)
        with self._writing:
            if not entry.done:
                with self._mutex:
                    batch, self._waiting = self._waiting, []
                self._commit(batch)
        if entry.error is not None:
            raise entry.error

    @contextmanager
    def doing(self, act: str, node: str, detail: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Write the intent, run the body, write the result. The body may add to the detail."""
        self.add(act, node, detail, INTENT)
        more = dict(detail)
        try:
            yield more
        except BaseException as error:
            self.add(act, node, more, str(error) or type(error).__name__)
            raise
        self.add(act, node, more, OK)

    def _who(self) -> str:
        keys = self._keys
        return (keys.owner_fingerprint if keys.has_owner else fingerprint(keys.host_public)).hex()

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            with files.locked(self.path):
                self._append([one.values for one in batch])
        except Exception as error:
            self._end = None  # what is on the disk now is looked at again
            for one in batch:
                one.error = error
        for one in batch:
            one.done = True

    def _append(self, entries: list[dict[str, Any]]) -> None:
        end = self._end
        if end is None or not self._as_we_left_it(end):
            end, found = self._look()
            entries = found + entries
        n, digest = end.n, end.digest
        lines = []
        for values in entries:
            n += 1
            line = _line({"n": n, **values, "prev": digest})
            digest = _digest(line)
            lines.append(line + b"\n")
        data = b"".join(lines)
        try:
            self._write(end.size, data)
        except OSError as error:
            raise files.unwritable(self.path, error) from error
        self._write_head(n, digest)
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
        lines, _torn = _lines(files.read(self.path) or b"")
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
        good, problem = _follow(lines)
        entries = [_values(line) or {} for line in lines[:good]]
        unfinished = _unfinished(entries)
        problem = problem or _told(entries)
        if problem:
            return Verdict(good, problem, torn=torn, unfinished=unfinished)
        if content is None and head is None:
            return Verdict(0)
        return replace(self._judge_head(lines, head), torn=torn, unfinished=unfinished)

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


def _entry(who: str, act: str, node: str, detail: dict[str, Any], result: str) -> dict[str, Any]:
    values = {"time": _now(), "who": who, "act": act, "node": node}
    return values | {"detail": detail, "result": result}


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


def _values(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _follow(lines: list[bytes]) -> tuple[int, str]:
    """Return how many lines follow from each other, and what is wrong with the next."""
    before = _NOTHING_BEFORE
    for number, line in enumerate(lines, 1):
        values = _values(line)
        if values is None:
            return number - 1, f"line {number} is no JSON: it was changed"
        if values.get("prev") != before:
            return number - 1, (
                f"line {number} does not follow from the line before it: "
                "one of the two was changed, or lines were removed, inserted or moved"
            )
        if values.get("n") != number:
            return number - 1, f"line {number} says that it is number {values.get('n')}"
        before = _digest(line)
    return len(lines), ""


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
            next="See what happened with: resonode audit verify; then move the file and "
            "audit.head to a safe place, and a new log begins",
        )
    return _End(n, _digest(lines[-1]), sum(len(line) + 1 for line in lines))


def _unfinished(entries: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    begun: dict[tuple[Any, Any], list[int]] = {}
    for number, one in enumerate(entries, 1):
        key = (one.get("act"), one.get("node"))
        if one.get("result") == INTENT:
            begun.setdefault(key, []).append(number)
        elif begun.get(key):
            begun[key].pop()
    return sorted((n, str(act), str(node)) for (act, node), all_of in begun.items() for n in all_of)
