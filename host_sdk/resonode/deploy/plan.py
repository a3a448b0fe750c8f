"""What has to be done so that a board holds the wanted files. Computes only."""

from __future__ import annotations

from dataclasses import dataclass

from resonode.deploy import files
from resonode.deploy.check import OnBoard

SLOTS = ("app_a", "app_b")

# Files below a slot: name -> (size, SHA-256 in hexadecimal).
Tree = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Plan:
    """Fill slot `target`; `safe` is the slot to fall back on, if there is one.

    `keep` are files already in place, `copy` those to be copied on the board (name -> path), `send`
    those to be sent; `hashes` is how the slot looks in the end.
    """

    target: str
    safe: str | None
    unchanged: bool
    keep: list[str]
    copy: dict[str, str]
    send: dict[str, bytes]
    sizes: dict[str, int]
    removed: list[int]
    hashes: dict[str, str]

    def freed(self, block: int) -> int:
        """Return the bytes that removing frees, in whole blocks."""
        return sum(-(-size // block) * block for size in self.removed)


def make_plan(there: OnBoard, slots: dict[str, Tree], wanted: dict[str, bytes]) -> Plan:
    """Compare what is on the board with what is wanted there."""
    hashes = {name: files.sha256(data) for name, data in wanted.items()}
    slot, state, old = there.slot if len(there.slot) == 3 else ("", "good", "-")
    digests = {one: {name: digest for name, (_, digest) in slots[one].items()} for one in SLOTS}
    if slot in SLOTS and digests[slot] == hashes and state != "trying":
        return Plan(slot, None, True, sorted(wanted), {}, {}, {}, [], hashes)
    # A slot that never ran to the end is no version to fall back on.
    named = slot if state == "good" else old
    safe = named if named in SLOTS and slots[named] else None
    target = SLOTS[1] if safe == SLOTS[0] else SLOTS[0]
    keep = [name for name in wanted if digests[target].get(name) == hashes[name]]
    at_hand = {digest: f"{safe}/{name}" for name, digest in digests[safe].items()} if safe else {}
    rest = [name for name in wanted if name not in keep]
    copy = {name: at_hand[hashes[name]] for name in rest if hashes[name] in at_hand}
    removed = [size for name, (size, _) in slots[target].items() if name not in keep]
    return Plan(
        target=target,
        safe=safe,
        unchanged=False,
        keep=keep,
        copy=copy,
        send={name: wanted[name] for name in rest if name not in copy},
        sizes={name: len(wanted[name]) for name in rest},
        removed=removed,
        hashes=hashes,
    )
