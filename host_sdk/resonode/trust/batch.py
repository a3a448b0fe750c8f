"""Commissioning of many nodes, several at a time. Run again, it goes on where it was ended."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from resonode.errors import NodeError, NodeNotFound
from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.commission import commission, is_done
from resonode.trust.label import Label
from resonode.trust.transport import ask_hello

AT_ONCE = 8
DONE, BEFORE, FAILED = "done", "before", "failed"
_LOOK_S = 3.0


@dataclass(frozen=True)
class Row:
    """What became of one label. `state`: done, before (in an earlier run), or failed."""

    label: Label
    state: str
    seconds: float = 0.0
    error: NodeError | None = None


@dataclass(frozen=True)
class BatchReport:
    """What became of all, in the order of the labels."""

    rows: list[Row]
    seconds: float

    def count(self, state: str) -> int:
        """Return how many rows are in `state`."""
        return sum(row.state == state for row in self.rows)

    def percentile_s(self, percent: float) -> float | None:
        """Return the time that so many of the nodes needed at most; None if none was done."""
        times = sorted(row.seconds for row in self.rows if row.state == DONE)
        return times[math.ceil(percent / 100 * len(times)) - 1] if times else None


async def commission_batch(
    labels: list[Label],
    *,
    ports: Iterable[str] = (),
    config: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    at_once: int = AT_ONCE,
    on_row: Callable[[Row], None] = lambda _row: None,
) -> BatchReport:
    """Commission every node of `labels` that the site file has not yet.

    Args:
        ports: where to look for the nodes whose label has no URL.
        config: settings that all begin with.
        at_once: so many at a time.
        on_row: called as each row ends.
    """
    trust = trust or Trust()
    started_s = time.monotonic()
    found = await _find(labels, ports)
    room = asyncio.Semaphore(at_once)

    async def one(label: Label) -> Row:
        async with room:
            row = await _one(label, found, config, trust)
        on_row(row)
        return row

    rows = await asyncio.gather(*(one(label) for label in labels))
    return BatchReport(list(rows), time.monotonic() - started_s)


async def _one(
    label: Label, found: Mapping[bytes, str], config: Mapping[str, Any] | None, trust: Trust
) -> Row:
    if is_done(trust, label):
        return Row(label, BEFORE)
    label = replace(label, url=label.url or found.get(label.fingerprint, ""))
    started_s = time.monotonic()
    try:
        if not label.url:
            raise NodeNotFound(
                f"Node {label.node} was not found",
                why="its label has no url, and no port that was looked at has it",
                next="Plug it in, or fill in the column url",
            )
        await commission(label.url, label, config=config, trust=trust)
    except NodeError as error:
        return Row(label, FAILED, time.monotonic() - started_s, error)
    return Row(label, DONE, time.monotonic() - started_s)


async def _find(labels: list[Label], ports: Iterable[str]) -> dict[bytes, str]:
    """Return fingerprint -> URL of the nodes at `ports`, if any label needs that."""
    if all(label.url for label in labels):
        return {}
    urls = list(ports)
    return dict(zip(await asyncio.gather(*map(_who, urls)), urls, strict=True))


async def _who(url: str) -> bytes:
    """Return the fingerprint that a node at `url` says it has, b"" if none answers."""
    link = ResonodeTransport()
    try:
        async with asyncio.timeout(_LOOK_S):
            await link.connect(url, _LOOK_S)
            return (await ask_hello(link, url, _LOOK_S)).fp
    except (NodeError, TimeoutError):
        return b""
    finally:
        await link.disconnect()
