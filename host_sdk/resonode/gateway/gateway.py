"""One task per node, one writer for all: every record is stored once, then acknowledged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from resonode.errors import NodeError, ProtocolError, StoreError
from resonode.gateway.store import Store
from resonode.node import Doorkeeper, Node, NodeInfo, RecordStream, connect
from resonode.records import Record
from resonode.trust.transport import NotLetIn
from resonode_wire import security

logger = logging.getLogger(__name__)

_BATCH_S = 0.25
_BATCH_RECORDS = 200
_QUEUE_RECORDS = 2000  # beyond this the nodes wait for the disk
_BACKOFF_S = (0.2, 5.0)
_SETTLE_S = 5.0
_CLOCK_SLACK_US = 1000000  # times of samples are computed from a measured rate
_SAY_AGAIN_S = 60.0  # a reason that stays the same is told again after this time


@dataclass
class NodeStatus:
    """What happened with one node so far. `state`: connecting, streaming, waiting, stopped."""

    url: str
    state: str = "connecting"
    info: NodeInfo | None = None
    received: int = 0
    waiting: int = 0
    """Received, not stored yet."""
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    """Records that came again with other bytes; the first were kept."""
    resends: int = 0
    missing: int = 0
    """Records made since the first one stored here that the node no longer had when asked."""
    lost_or_unused: int = 0
    """Numbers passed over at a restart of the node that nothing explains: it was not asked to
    restart, and which of them were records is not known."""
    damaged: int = 0
    """Pieces of what came that were damaged or forged."""
    attempts: int = 0
    """Times it was connected to, or tried to be."""
    connects: int = 0
    last_seq: int = -1
    """Highest `seq` stored."""
    error: NodeError | None = None
    """Why it is not streaming."""
    acknowledges: bool = True
    """Whether it may tell the node what is stored. A viewer may not: the node keeps its records."""
    connection: Node | None = None
    """The node while it is connected: commands may be sent beside its stream."""

    @property
    def node(self) -> str:
        """The node's id, or its URL while that is not known."""
        return self.info.node if self.info else self.url


class _Writer:
    """Collects the records of all nodes and commits them together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._items: list[tuple[NodeStatus, Record]] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._failed = False
        self._committed = asyncio.Condition()

    async def put(self, status: NodeStatus, record: Record) -> None:
        """Take a record; waits while the disk is behind."""
        await self._room.wait()
        status.waiting += 1
        self._items.append((status, record))
        self._some.set()
        if len(self._items) >= _BATCH_RECORDS:
            self._enough.set()
        if len(self._items) >= _QUEUE_RECORDS:
            self._room.clear()

    async def run(self) -> None:
        """Commit batches until cancelled. Raises StoreError."""
        try:
            while True:
                await self._some.wait()
                await self._fill()
                await self._commit()
        finally:
            self._failed = True
            await self._tell()

    async def until_stored(self, status: NodeStatus, seq: int) -> None:
        """Wait until record `seq` is committed, or nothing will be committed any more."""
        async with self._committed:
            await self._committed.wait_for(lambda: self._failed or status.last_seq >= seq)

    async def until_settled(self, status: NodeStatus) -> None:
        """Wait until nothing of a node waits to be committed, or nothing will be any more."""
        async with self._committed:
            await self._committed.wait_for(lambda: self._failed or status.waiting == 0)

    async def _fill(self) -> None:
        try:
            async with asyncio.timeout(_BATCH_S):
                await self._enough.wait()
        except TimeoutError:
            pass  # a small batch, then

    async def _commit(self) -> None:
        items, self._items = self._items, []
        self._some.clear()
        self._enough.clear()
        self._room.set()
        batch = [(status.node, record) for status, record in items]
        added = await asyncio.to_thread(self._store.add, batch)
        conflicts = set(added.conflicts)
        for status, record in items:
            status.waiting -= 1
            if (status.node, record.seq) in conflicts:
                status.conflicts += 1
            else:
                status.stored += 1
            status.last_seq = max(status.last_seq, record.seq)
        await self._tell()

    async def _tell(self) -> None:
        async with self._committed:
            self._committed.notify_all()


class Gateway:
    """Streams every record of several nodes into a store.

    Args:
        store: where records go.
        urls: one per node, as `resonode.connect` takes them.
        wait: keep trying a port that cannot be opened at the start; otherwise it is given up
            when its first attempt fails, and the others go on.
        on_record: called for each record as it arrives, before it is stored.
        trust: whom to trust, as `resonode.connect` takes it.
    """

    def __init__(
        self,
        store: Store,
        urls: list[str],
        *,
        wait: bool = False,
        timeout_s: float = 5.0,
        on_record: Callable[[str, Record], None] | None = None,
        trust: Doorkeeper | None = None,
    ) -> None:
        self.nodes = [NodeStatus(url) for url in urls]
        self._store = store
        self._wait = wait
        self._timeout_s = timeout_s
        self._on_record = on_record
        self._trust = trust
        self._writer: _Writer | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `run` after what has arrived is stored and acknowledged."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`, until the store fails, or until no node is left.

        Raises:
            StoreError: nothing more can be stored; what was, is intact.
            NodeError: no node could be reached at all; the first one's reason.
        """
        self._writer = _Writer(self._store)
        writing = asyncio.create_task(self._writer.run(), name="writer")
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        serving = {asyncio.create_task(self._serve(one), name=one.url) for one in self.nodes}
        try:
            await _first_failure_or_end(writing, stopping, serving)
        finally:
            await _cancel(*serving, stopping)
            await _cancel(writing)
            for one in self.nodes:
                one.state = "stopped"
        if not any(one.connects for one in self.nodes) and not self._stopping.is_set():
            raise next(one.error for one in self.nodes if one.error)

    # --- one node ----------------------------------------------------------------------------

    async def _serve(self, status: NodeStatus) -> None:
        delay_s = _BACKOFF_S[0]
        told, told_s = "", 0.0
        while True:
            received = status.received
            try:
                await self._session(status)
            except StoreError:
                raise
            except NodeError as error:
                status.error = error
            # Asking again who does not let us in would only keep others waiting.
            refused = isinstance(status.error, NotLetIn)
            if refused or not status.connects and not self._wait:
                if len(self.nodes) > 1:  # else `run` raises it, or the report tells it
                    logger.error("%s", status.error)
                status.state = "stopped"
                return
            if status.received > received:
                delay_s = _BACKOFF_S[0]
                told = ""
            status.state = "waiting"
            if str(status.error) != told or time.monotonic() - told_s >= _SAY_AGAIN_S:
                told, told_s = str(status.error), time.monotonic()
                logger.warning("%s; trying again until it is back", status.error)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _BACKOFF_S[1])

    async def _session(self, status: NodeStatus) -> None:
        """Connect and stream until the link fails (raises NodeError) or the task is cancelled."""
        status.state = "connecting"
        status.attempts += 1
        async with connect(status.url, timeout_s=self._timeout_s, trust=self._trust) as node:
            status.info = await node.info()
            last = await asyncio.to_thread(self._store.last, status.info.node)
            if last is not None:
                await _check_same_life(node, status.info, last, self._timeout_s)
            status.connects += 1
            status.connection = node
            self._see_role(node, status)
            if last is None:
                stream = node.records(timeout_s=None)
            else:
                status.last_seq = last.seq
                stream = node.records(from_seq=last.seq + 1, timeout_s=None)
                stream.epoch = last.epoch
            receiving = asyncio.create_task(self._receive(node, stream, status), name="receive")
            tasks = [receiving]
            if status.acknowledges:
                acking = self._acknowledge(node, status)
                tasks.append(asyncio.create_task(acking, name="acknowledge"))
            alive = True
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
            except NodeError:
                alive = False
                raise
            finally:
                status.connection = None
                await _cancel(receiving)
                await self._settle(status)
                await _cancel(*tasks)
                if alive and status.acknowledges:
                    await self._acknowledge_last(node, status)

    def _see_role(self, node: Node, status: NodeStatus) -> None:
        may = node.role >= security.ROLE_OPERATOR
        if status.acknowledges and not may:
            logger.warning(
                "%s: this computer is only its viewer: what is stored here is not acknowledged, "
                "and the node keeps it until an operator's gateway has it too",
                status.node,
            )
        status.acknowledges = may

    async def _receive(self, node: Node, stream: RecordStream, status: NodeStatus) -> None:
        assert self._writer is not None
        status.state = "streaming"
        status.error = None
        before = replace(status)
        try:
            async for record in stream:
                status.received += 1
                if self._on_record is not None:
                    self._on_record(status.node, record)
                await self._writer.put(status, record)
                _count(status, before, node, stream)
        finally:
            _count(status, before, node, stream)

    async def _acknowledge(self, node: Node, status: NodeStatus) -> None:
        assert self._writer is not None
        told = -1
        while True:
            if status.last_seq > told:
                told = status.last_seq
                await node.ack(told)
            await self._writer.until_stored(status, told + 1)
            if status.last_seq <= told:
                return  # the store has failed

    async def _settle(self, status: NodeStatus) -> None:
        """Wait until what has arrived is stored."""
        assert self._writer is not None
        try:
            async with asyncio.timeout(_SETTLE_S):
                await self._writer.until_settled(status)
        except TimeoutError:
            logger.warning("%s: %d records are not stored yet", status.node, status.waiting)

    async def _acknowledge_last(self, node: Node, status: NodeStatus) -> None:
        try:
            if status.last_seq >= 0:
                await node.ack(status.last_seq)
        except NodeError as error:  # it will be told at the next connection
            logger.debug("%s: last acknowledgement: %s", status.node, error)


async def _first_failure_or_end(
    writing: asyncio.Task[None], stopping: asyncio.Task[bool], serving: set[asyncio.Task[None]]
) -> None:
    """Return when asked to stop or when no node is left; raise what ends the gateway."""
    while serving and not stopping.done():
        done, _ = await asyncio.wait(
            {writing, stopping, *serving}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done - {stopping}:
            task.result()
        serving = serving - done


async def _check_same_life(node: Node, info: NodeInfo, last: Record, timeout_s: float) -> None:
    """Make sure that what the node sends goes on from `last`, the newest record stored of it.

    Raises:
        ProtocolError: its numbers or its clock lie before `last`, or it has another record of
            that number.
    """
    why = ""
    if last.seq >= info.next:
        why = f"it will make record {info.next} next, and record {last.seq} is stored already"
    elif info.epoch < last.epoch:
        why = f"it has started {info.epoch} times, and a record of start {last.epoch} is stored"
    elif info.epoch == last.epoch and info.t_us + _CLOCK_SLACK_US < last.t_us:
        why = f"its clock is at {info.t_us} µs, and a record of {last.t_us} µs is stored"
    elif info.first <= last.seq:
        # It still keeps that record: the bytes tell.
        again = await anext(node.records(from_seq=last.seq, timeout_s=timeout_s))
        if again.seq == last.seq and again.raw != last.raw:
            why = f"its record {last.seq} is another than the one stored"
    if why:
        raise ProtocolError(
            f"Node {info.node} is not the one whose records are stored",
            why=f"{why}: its memory was erased, or two nodes have the same id",
            next="Use another database for it",
        )


def _count(status: NodeStatus, before: NodeStatus, node: Node, stream: RecordStream) -> None:
    status.resends = before.resends + stream.resends
    status.missing = before.missing + stream.missing
    status.lost_or_unused = before.lost_or_unused + stream.lost_or_unused
    status.duplicates = before.duplicates + stream.duplicates
    status.damaged = before.damaged + node.transport.damaged + node.undecodable
    status.damaged += node.transport.forged


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel `tasks` and wait for them. Their errors have been seen, or come too late."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
