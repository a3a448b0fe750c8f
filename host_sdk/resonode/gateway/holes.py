"""What is not in a store, and why: each number once, whoever tells of it.

A gap in the numbers and the loss record that declares them are one hole. Computes only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resonode.records import Loss

MISSING, LOST_OR_UNUSED, BEFORE = "missing", "lost_or_unused", "before_contact"


@dataclass(frozen=True)
class Hole:
    """Something that is not in the store.

    Attributes:
        first_seq: the first number that is absent; of lost windows and samples, the number of the
            record that declares them.
        kind: the reason the node declared (`store_full`, `restart`, `overrun`, ...); or else
            `lost_or_unused` (the node restarted there unasked, by a power cut for one: which of
            these numbers were used is not known), `missing` (no record came, none explains it),
            `before_contact` (declared lost, and older than anything stored of this node: nobody
            had asked for them yet).
        numbers: how many numbers are absent; None for windows and samples.
    """

    node: str
    first_seq: int
    kind: str
    numbers: int | None = None
    windows: int | None = None
    samples: int | None = None
    first_sample: int | None = None
    capture: int | None = None


@dataclass(frozen=True)
class Gap:
    """Numbers `first` to before `end` that are not stored. `arrival` orders what showed them."""

    node: str
    arrival: int
    first: int
    end: int
    kind: str
    """What they are where no loss record explains them; "" if they are then no hole."""


@dataclass(frozen=True)
class DeclaredLoss:
    """A stored loss record."""

    node: str
    arrival: int
    record: Loss


def holes(gaps: Iterable[Gap], losses: Iterable[DeclaredLoss]) -> list[Hole]:
    """Return the holes in the order in which they showed.

    Args:
        gaps: those of a node by rising number; the first, of kind "", ends at its first record.
    """
    found: list[tuple[int, Hole]] = []
    declared: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for loss in losses:
        record = loss.record
        if record.first_seq is not None and record.lost_records:
            end = record.first_seq + record.lost_records
            declared[loss.node].append((record.first_seq, end, record.reason_name))
        else:
            found.append((loss.arrival, _of_samples(loss)))
    for ranges in declared.values():
        ranges.sort(reverse=True)  # the next one is the last
    for gap in gaps:
        found += ((gap.arrival, one) for one in _of_numbers(gap, declared[gap.node]))
    return [one for _arrival, one in sorted(found, key=lambda item: (item[0], item[1].first_seq))]


def _of_samples(loss: DeclaredLoss) -> Hole:
    record = loss.record
    return Hole(
        *(loss.node, record.seq, record.reason_name),
        windows=record.lost_windows,
        samples=record.lost_samples,
        first_sample=record.first_sample,
        capture=record.capture,
    )


def _of_numbers(gap: Gap, ranges: list[tuple[int, int, str]]) -> Iterator[Hole]:
    """Yield the parts of a gap. Takes off `ranges`, highest first, what lies before its end."""
    at = gap.first
    while ranges and ranges[-1][0] < gap.end:
        first, end, reason = ranges[-1]
        first = max(first, at)
        if first < min(end, gap.end):
            if at < first and gap.kind:
                yield Hole(gap.node, at, gap.kind, first - at)
            at = min(end, gap.end)
            yield Hole(gap.node, first, reason if gap.kind else BEFORE, at - first)
        if end > gap.end:
            return  # the rest of it may lie in the next gap
        ranges.pop()
    if at < gap.end and gap.kind:
        yield Hole(gap.node, at, gap.kind, gap.end - at)
