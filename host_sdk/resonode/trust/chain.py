"""The lines of the audit log, each with the SHA-256 of the one before it, and its head.

    {"n": 1, "time": ..., "who": ..., "act": "claim", "node": ..., "detail": {...},
     "result": "intent", "prev": ...}

Nothing here reads or writes a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from resonode.trust.keys import fingerprint

INTENT, OK, UNKNOWN = "intent", "ok", "unknown"
CLOCK = "clock"
"""The act of declaring this computer's clock right: see clock.py."""
RECOVERED = "recovered"
"""The act of this log itself: what was found, if it was not as the last writer left it."""
RENEWED = "renewed"
"""The first act of a log that took the place of one that was changed."""
TOLERANCE_S = 300
"""Clocks of two computers, and one before and after it was set, may differ by this much."""

NOTHING_BEFORE = "0" * 64
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


def judge(content: bytes | None, head: bytes | None, ours: str) -> Verdict:
    """Judge every line of a log.

    Args:
        content, head: of its two files, None for one that is not there.
        ours: fingerprint of this computer's owner, "" if it has none.
    """
    whole, torn = lines(content or b"")
    entries, problem = _follow(whole)
    problem = problem or _told(entries)
    if problem:
        verdict = Verdict(len(entries), problem)
    elif content is None and head is None:
        verdict = Verdict(0)
    else:
        verdict = judge_head(whole, head, ours)
    return replace(
        verdict,
        torn=torn,
        unfinished=_unfinished(entries),
        backwards=_backwards(entries),
        renewed=_renewed(entries),
    )


def judge_head(whole: list[bytes], text: bytes | None, ours: str) -> Verdict:
    """Judge whether whole lines are those that a head tells of."""
    n = len(whole)
    head = _parse_head(text)
    if head is None:
        return Verdict(n, "the head is missing or damaged: lines may be cut off the end")
    if head.n > n:
        return Verdict(n, f"{head.n - n} lines are cut off the end: the head tells of {head.n}")
    last = whole[head.n - 1] if head.n else b""
    if head.digest != (digest_of(last) if head.n else NOTHING_BEFORE):
        return Verdict(n, f"line {head.n} is not the one that the head tells of")
    if head.owner is None:
        if ours and (values_of(last) or {}).get("who") == ours:
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
            owner.verify(self.signature, head_statement(self.n, self.digest))
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


def entry(
    who: str, act: str, node: str, detail: dict[str, Any], result: str, of: int | None = None
) -> dict[str, Any]:
    """Return an entry of now, without its number and the hash before it."""
    values = {"time": _now(), "who": who, "act": act, "node": node}
    ended = {} if of is None else {"of": of}
    return values | {"detail": detail, "result": result} | ended


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pack(values: Mapping[str, Any]) -> bytes:
    """Return an entry or a head as a line, without its end."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(line: bytes) -> str:
    """Return the SHA-256 of a line, hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def head_statement(n: int, digest: str) -> bytes:
    """Return what the owner signs of a head."""
    return _HEAD + n.to_bytes(8, "big") + digest.encode()


def lines(content: bytes) -> tuple[list[bytes], bool]:
    """Return the whole lines, and whether half a line comes after them."""
    *lines, rest = content.split(b"\n")
    return lines, bool(rest)


def values_of(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line, None if it is damaged."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _follow(lines: list[bytes]) -> tuple[list[dict[str, Any]], str]:
    """Return the entries that follow from each other, and what is wrong with the next."""
    entries: list[dict[str, Any]] = []
    before = NOTHING_BEFORE
    for number, line in enumerate(lines, 1):
        values = values_of(line)
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
        before = digest_of(line)
    return entries, ""


def _told(entries: list[dict[str, Any]]) -> str:
    """Return what an earlier writer found wrong, "" if all was well."""
    for number, one in enumerate(entries, 1):
        detail = one.get("detail") if one.get("act") == RECOVERED else None
        problem = detail.get("problem") if isinstance(detail, dict) else ""
        if problem:
            return f"before line {number} was written, {problem}"
    return ""


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
