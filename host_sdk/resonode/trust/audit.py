"""The log of every privileged act, in `audit.jsonl`.

An act is written before it is done, with the result "intent", and after, with "ok" or the reason
it failed, and `of`, the number of its intent: so a crash between the two shows. acts.py does both,
and begins nothing over a log that was changed. `audit.head` tells how many lines there are and the
hash of the last, signed by the owner key if this computer has one: so a line cut off the end
shows, too. chain.py has the form of both; docs/security.md tells what this cannot show.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import NodeError, StoreError, VerifyFailed
from resonode.trust import chain
from resonode.trust.chain import INTENT, OK, RECOVERED, RENEWED, UNKNOWN, Verdict
from resonode.trust.keys import Keys, fingerprint

_TAIL = 1 << 16  # bytes; a line has a few hundred


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
    digest: str = chain.NOTHING_BEFORE
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
        entry = _Waiting(chain.entry(self._who(), act, node, dict(detail), result, of))
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
            hashes = {path.name: chain.digest_of(path.read_bytes()) for path in kept}
            detail = {"problem": found.problem, "entries": found.entries, "kept": hashes}
            first = chain.entry(self._who(), RENEWED, "", detail, OK)
            line = chain.pack({"n": 1, **first, "prev": chain.NOTHING_BEFORE})
            # A power cut here leaves a log that does not fit its head: renewed once more.
            files.replace(self.path, line + b"\n", files.SECRET)
            self._write_head(1, chain.digest_of(line))
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

    def _ours(self) -> str:
        return self._keys.owner_fingerprint.hex() if self._keys.has_owner else ""

    def _who(self) -> str:
        return self._ours() or fingerprint(self._keys.host_public).hex()

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
            line = chain.pack({"n": n, **one.values, "prev": digest})
            digest = chain.digest_of(line)
            lines.append(line + b"\n")
        data = b"".join(lines)
        try:
            self._write(end.size, data)
            self._write_head(n, digest)
        except (OSError, StoreError) as error:
            # What was not begun must not look as if; how something ended is better kept.
            if any(one.values["result"] == INTENT for one in entries):
                self._take_back(end, self._head(n, digest))
            if isinstance(error, OSError):
                raise files.unwritable(self.path, error) from error
            raise
        self._end = _End(n, digest, end.size + len(data))

    def _take_back(self, end: _End, head: bytes) -> None:
        """Let the log end where it did, unless `head`, the new one, is there already."""
        with suppress(OSError, StoreError):
            if files.read(self.head_path) != head:
                os.truncate(self.path, end.size)

    def _as_we_left_it(self, end: _End) -> bool:
        size = self.path.stat().st_size if self.path.exists() else 0
        return size == end.size and files.read(self.head_path) == self._head_written

    def _look(self) -> tuple[_End, list[dict[str, Any]]]:
        """Return where the log ends, and an entry that tells what is odd there, if anything is."""
        content = files.read(self.path)
        if content is None and not self.head_path.exists():
            # From now on a log without a head is one whose head was taken away.
            self._write_head(0, chain.NOTHING_BEFORE)
        lines, torn = chain.lines(content or b"")
        end = _last_of(lines, self.path)
        found = chain.judge_head(lines, files.read(self.head_path), self._ours())
        if not (found.problem or found.behind_head or torn):
            return end, []
        detail: dict[str, Any] = {"behind_head": found.behind_head, "problem": found.problem}
        if content and torn:
            detail["torn"] = content[end.size :].decode(errors="replace")
        return end, [chain.entry(self._who(), RECOVERED, "", detail, OK)]

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
        self._head_written = self._head(n, digest)
        files.replace(self.head_path, self._head_written, files.SECRET)

    def _head(self, n: int, digest: str) -> bytes:
        head: dict[str, Any] = {"n": n, "hash": digest}
        if self._keys.has_owner:
            head["owner"] = self._keys.owner_public.hex()
            head["signature"] = self._keys.sign(chain.head_statement(n, digest)).hex()
        return chain.pack(head) + b"\n"

    # -- reading

    def entries(self) -> list[dict[str, Any]]:
        """Return all entries that can be read, the oldest first. See `verify`."""
        lines, _torn = chain.lines(files.read(self.path) or b"")
        found = [chain.values_of(line) for line in lines]
        return [one for one in found if one is not None]

    def newest_time(self) -> datetime | None:
        """Return when the last entry was written, None if there is none."""
        lines, _torn = chain.lines(_tail(self.path))
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
        return chain.judge(content, head, self._ours())


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


def _last_of(lines: list[bytes], path: Path) -> _End:
    if not lines:
        return _End()
    n = (chain.values_of(lines[-1]) or {}).get("n")
    if type(n) is not int:
        raise StoreError(
            f"The last line of {path} is damaged",
            why="nothing can be written after it without hiding that",
            next="See what happened with: resonode audit verify; to go on: resonode audit renew",
        )
    return _End(n, chain.digest_of(lines[-1]), sum(len(line) + 1 for line in lines))
