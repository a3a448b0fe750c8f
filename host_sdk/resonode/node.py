"""A node: ask it, configure it, and take its records without loss."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import smpclient
from smp import error as smperror
from smp import message as smpmessage
from smpclient.exceptions import SMPClientException
from smpclient.generics import SMPRequest, error_v1, error_v2
from smpclient.requests.os_management import (
    DateTimeRead,
    DateTimeWrite,
    EchoWrite,
    MCUMgrParametersRead,
    OSApplicationInfoRead,
    ResetWrite,
    TaskStatisticsRead,
)
from smpclient.requests.statistics_management import GroupData, ListOfGroups

from resonode.capture import Capture, Collector
from resonode.errors import CommandError, NodeError, NotTrusted, ProtocolError, Timeout
from resonode.link import DEFAULT_BAUD, PortInfo, list_serial_ports
from resonode.records import Loss, Record, decode
from resonode.requests import (
    AckWrite,
    CalibrationWrite,
    CaptureReply,
    CaptureWrite,
    ConfigRead,
    ConfigWrite,
    InfoRead,
    InfoReply,
    StreamReply,
    StreamWrite,
    spoken,
)
from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.requests import HelloReply
from resonode.trust.transport import Entry, SecureTransport, ask_hello, silent
from resonode_wire import security, smp

logger = logging.getLogger(__name__)

TReply = TypeVar("TReply", bound=smpmessage.ReadResponse | smpmessage.WriteResponse)
TError1 = TypeVar("TError1", bound=smperror.ErrorV1)
TError2 = TypeVar("TError2", bound=smperror.ErrorV2[Any])

# A request or its reply may be damaged on the way: asked again after this time.
_RESEND_S = 1.0
# The node ends a stream after 10 s without a request.
_RENEW_S = 3.0
# What to do where a node refuses, beside trying it again.
_ADVICE: dict[type, str] = {
    ConfigWrite: "Change what the reason names; its settings: resonode node config get",
    CalibrationWrite: "Correct that; what it uses now: resonode node sensor calibration",
}
# A stream that is silent this long may have lost its last records, or its lease.
_SILENCE_S = 1.0
# Records on their way when a resend is asked for arrive within this time.
_SETTLE_S = 0.25
_MAX_RESENDS = 8
_REPEATS_OF_A_DEFECT = 3
_STOP_S = 1.0
_BEGINS_S = 2.0  # from its settings to the first sample
_ASK_AGAIN_S = 0.1
_SLOWEST_HZ = 1000.0  # no sensor of ours is slower


@dataclass(frozen=True)
class NodeInfo:
    """Who a node is, and what it holds."""

    node: str
    board: str
    firmware: str
    runtime: str
    wire: int
    profile: str
    """closed, or open: it asks nobody who he is."""
    sensors: tuple[str, ...]
    epoch: int
    """Boots so far."""
    first: int
    """`seq` of the oldest record it keeps."""
    next: int
    """`seq` of the next record it will make."""
    t_us: int
    """Its clock now, µs since boot."""


class Doorkeeper(Protocol):
    """Says whom to trust. `resonode.trust.access.Trust` is the usual one."""

    def check_open(self, hello: HelloReply) -> None:
        """Raise NotTrusted if a node that asks for no key should have asked for one."""

    def door(self, hello: HelloReply) -> Entry:
        """Return how to open a session with a closed node. Raises NotTrusted."""

    def settle(self, session: SecureTransport) -> None:
        """Take note of a session that is open."""


def connect(
    url: str,
    *,
    timeout_s: float = 5.0,
    baud: int = DEFAULT_BAUD,
    trust: Doorkeeper | None = None,
) -> Node:
    """Return the node at `url`, to be opened by `async with`.

    Args:
        url: serial:/dev/ttyACM0, serial:COM3, socket://host:port, rfc2217://host:port or a path.
        timeout_s: how long a request may take, its repetitions included.
        trust: keys, site and credentials; default those in $RESONODE_HOME or the user's folder.
    """
    return Node(url, timeout_s=timeout_s, baud=baud, trust=trust)


async def discover() -> list[PortInfo]:
    """Return the ports of this computer that may have a node on them."""
    return await asyncio.to_thread(list_serial_ports)


class Node:
    """A node on an open link. Made by `connect`.

    Every request raises Timeout if no answer comes within `timeout_s`, Disconnected if the link
    drops, CommandError if the node refuses, ProtocolError if its answer cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        baud: int = DEFAULT_BAUD,
        trust: Doorkeeper | None = None,
    ) -> None:
        self.url = url
        self.timeout_s = timeout_s
        self.transport = ResonodeTransport(baud=baud)
        self.session: SecureTransport | None = None
        """What seals its messages; None on a node of the open profile."""
        self.undecodable = 0
        self._trust: Doorkeeper = trust or Trust()
        self._client = smpclient.SMPClient(self.transport, url, timeout_s)
        self._asking = asyncio.Lock()
        self._last_request_s = 0.0
        self._stream: RecordStream | None = None

    @property
    def role(self) -> int:
        """What the node lets this computer do, security.ROLE_...; an open node lets all do all."""
        return security.ROLE_OWNER if self.session is None else self.session.role

    async def open(self) -> Self:
        """Open the link, and a session with the node unless it is of the open profile.

        Raises:
            NotTrusted: the node is not known here, is not who it says, or does not let us in.
            LockedOut: it lets nobody try for longer than `timeout_s`.
            TransportError, ProtocolError
        """
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.transport.connect(self.url, self.timeout_s)
        except TimeoutError:
            raise Timeout(
                f"{self.url} did not open within {self.timeout_s:g} s",
                next="Check the port or the host, or allow more time with --timeout",
            ) from None
        try:
            await self._enter()
        except BaseException:
            await self._close_link()
            raise
        return self

    async def _enter(self) -> None:
        hello = await ask_hello(self.transport, self.url, self.timeout_s)
        if hello.profile == security.OPEN:
            self._trust.check_open(hello)
        else:
            self.session = SecureTransport(
                self.transport, self._trust.door, timeout_s=self.timeout_s
            )
            self._client = smpclient.SMPClient(self.session, self.url, self.timeout_s)
            await self.session.open_session()
            self._trust.settle(self.session)
        await self._greet(hello.node)

    async def _greet(self, name: str) -> None:
        info = await self.info()
        if info.node != name:
            raise NotTrusted(
                f"What said to be node {name} is node {info.node}",
                next="Somebody may be tampering with the link: look at it",
            )
        parameters = await self._request(MCUMgrParametersRead())
        (self.session or self.transport).initialize(parameters.buf_size)

    async def _close_link(self) -> None:
        await (self.session or self.transport).disconnect()

    async def close(self) -> None:
        """End the stream and close the link."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()
        await self._close_link()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # --- requests ----------------------------------------------------------------------------

    async def info(self) -> NodeInfo:
        """Ask who the node is and what it holds."""
        return _info(await self._request(InfoRead()))

    async def config(self) -> dict[str, Any]:
        """Return the whole configuration, name -> value."""
        return _settings((await self._request(ConfigRead())).config)

    async def configure(
        self, changes: Mapping[str, Any] | None = None, **named: Any
    ) -> dict[str, Any]:
        """Change settings and return the whole configuration.

        The node takes all changes or none.

        Raises:
            CommandError: a name or a value is refused; `.reason` says which and why.
        """
        request = ConfigWrite(config={**(changes or {}), **named})
        return _settings((await self._request(request)).config)

    async def echo(self, text: str) -> str:
        """Return `text` as the node returned it."""
        return (await self._request(EchoWrite(d=text))).r

    async def datetime(self) -> dt.datetime:
        """Return the node's idea of the date and time, UTC."""
        text = (await self._request(DateTimeRead())).datetime
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError as error:
            raise ProtocolError(
                "The node's date cannot be read",
                why=str(error),
                next="Set it with set_datetime(), or bring node and host to the same release",
            ) from error
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)

    async def set_datetime(self, value: dt.datetime) -> None:
        """Set the node's date and time. Records keep the node's own clock."""
        text = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        await self._request(DateTimeWrite(datetime=text))

    async def application_info(self, form: str = "a") -> str:
        """Return SMP's application info text, `form` as in `uname`."""
        return (await self._request(OSApplicationInfoRead(format=form))).output

    async def tasks(self) -> dict[str, dict[str, int]]:
        """Return SMP's task statistics, task -> value name -> value."""
        tasks = (await self._request(TaskStatisticsRead())).tasks
        return {name: one.model_dump(exclude_none=True) for name, one in tasks.items()}

    async def statistics(self) -> dict[str, dict[str, int]]:
        """Return all counters, group -> name -> value."""
        names = (await self._request(ListOfGroups())).stat_list
        return {name: (await self._request(GroupData(name=name))).fields for name in names}

    async def reset(self) -> None:
        """Restart the node. It waits some seconds for a host that streams to acknowledge its
        records; those that nobody has acknowledged are lost.
        """
        await self._request(ResetWrite(), resend=False)

    async def ack(self, seq: int) -> int:
        """Tell the node that every record up to `seq` is stored.

        Returns the `seq` of the oldest record it still keeps.
        """
        return (await self._request(AckWrite(seq=seq))).first

    def records(
        self, *, from_seq: int | None = None, timeout_s: float | None = 5.0
    ) -> RecordStream:
        """Yield records in `seq` order, from `from_seq` or the oldest the node keeps.

        A record damaged on the way is asked for again. A node has one stream: after
        another was asked for, this one raises NodeError.

        Raises:
            Timeout: nothing arrived for `timeout_s` seconds (None: wait for ever).
            Disconnected: the link dropped; records not yet acknowledged stay on the node.
        """
        if self._stream is not None and self._stream.open:
            self._stream.open = False
            self._stream.replaced = True
        self._stream = RecordStream(self, from_seq, timeout_s)
        return self._stream

    async def capture(
        self, count: int, axes: str = "z", *, timeout_s: float | None = None
    ) -> Capture:
        """Take `count` raw samples per axis, all axes at the same instants.

        A node sends whole windows; what is beyond `count` is cut off here.

        Args:
            axes: any of x, y, z, e.g. "xyz".
            timeout_s: longest silence of the node; default the time the samples take and 5 s.
                The whole may take the time of the samples longer.

        Raises:
            CommandError: the node cannot (too many samples, wrong axes).
            Incomplete: the node lost samples on the way, restarted, or was given other settings.
            NodeError: the records are being streamed; there the waveform comes as records.
        """
        if self._stream is not None and self._stream.open:
            raise NodeError(
                "A capture needs the stream for itself",
                why="records() or another capture() of this node is in use",
                next="End that first, records() with aclose(): a node has one stream",
            )
        samples_s = count / _SLOWEST_HZ
        silence_s = 5.0 + samples_s if timeout_s is None else timeout_s
        stream = self.records(timeout_s=silence_s)  # claimed before anything is waited for
        try:
            return await self._capture(stream, count, axes, samples_s + silence_s)
        finally:
            # Always, so that the node drops what it has not sent yet.
            await stream.aclose(always=True)

    async def _capture(
        self, stream: RecordStream, count: int, axes: str, longest_s: float
    ) -> Capture:
        info = await self.info()
        reply = await self._begin_capture(CaptureWrite(count=count, axes=axes))
        collector = Collector(info.node, info.epoch, reply.capture, reply.start, reply.total, axes)
        stream.start_at(info.next, info.epoch)
        try:
            async with asyncio.timeout(longest_s):
                async for record in stream:
                    if collector.add(record):
                        break
        except TimeoutError:
            raise Timeout(
                f"The waveform from {self.url} is not whole after {longest_s:g} s",
                why=collector.progress,
                next="Try again with fewer samples, or see the schedule: resonode node config get",
            ) from None
        return collector.result(count)

    async def _begin_capture(self, request: CaptureWrite) -> CaptureReply:
        """A node that has just started, or was just given settings, measures in a moment."""
        patience_ends_s = time.monotonic() + _BEGINS_S
        while True:
            try:
                return await self._request(request, resend=False)
            except CommandError as error:
                if error.code != smp.RC_BAD_STATE or time.monotonic() > patience_ends_s:
                    raise
            await asyncio.sleep(_ASK_AGAIN_S)

    async def request(
        self, request: SMPRequest[TReply, TError1, TError2], *, once: bool = False
    ) -> TReply:
        """Make any request of smpclient's form, repeated if no answer comes unless `once`."""
        return await self._request(request, resend=not once)

    # --- inside ------------------------------------------------------------------------------

    async def _request(
        self,
        request: SMPRequest[TReply, TError1, TError2],
        *,
        resend: bool = True,
        timeout_s: float | None = None,
    ) -> TReply:
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(timeout_s), self._asking:
                reply = await self._attempt(request, resend, timeout_s)
        except TimeoutError:
            raise silent(self.url, timeout_s) from None
        except SMPClientException as error:
            raise ProtocolError(
                f"The answer of {self.url} cannot be read",
                why=str(error).strip().replace("\n", " "),
                next="Check that it is a Resonode node of this release",
            ) from error
        self._last_request_s = time.monotonic()
        if error_v1(reply):
            raise self._refusal(request, int(reply.rc), reply.rsn, reply.rc.name)
        if error_v2(reply):
            raise self._refusal(request, int(reply.err.rc))
        return reply

    async def _attempt(
        self, request: SMPRequest[TReply, TError1, TError2], resend: bool, timeout_s: float
    ) -> TReply | TError1 | TError2:
        # The same bytes again: whichever reply comes first is the answer, the other is dropped.
        one_s = _RESEND_S if resend else timeout_s
        while True:
            try:
                return await self._client.request(request, timeout_s=one_s)
            except TimeoutError:
                if not resend:
                    raise
                logger.debug("%s: no answer, asking again", self.url)

    def _refusal(
        self, request: object, code: int, told: str | None = None, name: str = ""
    ) -> CommandError:
        advice = _ADVICE.get(type(request), "Mend what the reason names, and try again")
        if code == smp.RC_ACCESS_DENIED and not told:
            told = f"this computer is only its {security.ROLES[self.role]}"
            advice = "Ask its owner for a credential of a higher role: resonode credential issue"
        what = f"The node refused {spoken(type(request))}"
        return CommandError(what, code=code, reason=told or name, next=advice)

    async def _start_stream(self, from_seq: int) -> StreamReply:
        # What arrived before comes again; what is still on its way is told apart by its seq.
        self.transport.forget_telemetry()
        return await self._request(StreamWrite(on=True, from_seq=from_seq))

    def _renewal_due(self) -> bool:
        return time.monotonic() - self._last_request_s > _RENEW_S


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they were written: 29.95, not the 32-bit float 29.950000762939453."""
    return {name: _shortest(value) for name, value in config.items()}


def _shortest(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortest(one) for one in value]
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _info(reply: InfoReply) -> NodeInfo:
    return NodeInfo(**{name: getattr(reply, name) for name in NodeInfo.__dataclass_fields__})


def _without(ranges: list[range], first: int, end: int) -> list[range]:
    """Return what is left of `ranges` without the numbers `first` to before `end`."""
    parts = [
        part
        for one in ranges
        for part in (range(one.start, min(one.stop, first)), range(max(one.start, end), one.stop))
    ]
    return [part for part in parts if part]


class RecordStream(AsyncIterator[Record]):
    """The records of a node in `seq` order. Made by `Node.records`.

    Attributes:
        expected: `seq` of the next record to come.
        duplicates: records that came again and were dropped.
        resends: times the node was asked to send again.
        missing: records the node no longer had when they were asked for (it declares them in loss
            records). What it had lost before the oldest one it keeps was never asked for.
        lost_or_unused: numbers passed over where its `epoch` rose, and that it declared nothing
            about: nobody knows which of them were records.
        epoch: of the last record, -1 if not known.
        replaced: the node was asked for another stream.
    """

    def __init__(self, node: Node, from_seq: int | None, timeout_s: float | None) -> None:
        self.open = True
        self.expected = -1
        self.duplicates = 0
        self.resends = 0
        self.missing = 0
        self.lost_or_unused = 0
        self.epoch = -1
        self.replaced = False
        self._gap = (0, 0)  # numbers that did not come, until the record after them tells why
        self._unexplained: list[range] = []  # those before the last restart that nothing told of
        self._node = node
        self._from_seq = from_seq
        self._timeout_s = timeout_s
        self._fruitless = 0
        self._undecodable = b""
        self._repeats = 0
        self._settled_s = 0.0

    def start_at(self, seq: int, epoch: int) -> None:
        """Begin with `seq`; `epoch`: of the record before it. Before the first record only."""
        self._from_seq, self.epoch = seq, epoch

    async def aclose(self, *, always: bool = False) -> None:
        """End the stream on the node, `always` or if it was begun. Never raises for a link that
        is gone. A stream that was replaced is not ended: it is another's."""
        if self.open and (always or self.expected >= 0):
            self.open = False
            try:
                await self._node._request(StreamWrite(on=False), timeout_s=_STOP_S)
            except NodeError as error:
                # The node ends the stream by itself; the link may be what we are closing for.
                logger.debug("stream of %s not ended: %s", self._node.url, error)
        self.open = False

    async def __anext__(self) -> Record:
        if self.open and self.expected < 0:
            await self._start()
        due_s = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while self.open:
            if self._node._renewal_due():
                await self._node.info()
            record = await self._next_piece(due_s)
            if record is None or not self.open:
                continue
            if record.seq == self.expected:
                self.expected += 1
                self._fruitless = 0
                self._settled_s = 0.0
                self._account(record)
                return record
            if record.seq < self.expected:
                self.duplicates += 1
            elif time.monotonic() > self._settled_s:
                await self._resend()
        if self.replaced:
            raise NodeError(
                f"The stream of records of {self._node.url} was ended",
                why="records() of the same node was called again, and a node has one stream",
                next="Call records() once for each node, and share what it yields",
            )
        raise StopAsyncIteration

    def _account(self, record: Record) -> None:
        """Tell records that are really missing from numbers that may never have been used."""
        first, end = self._gap
        self._gap = (0, 0)
        if first < end:
            if 0 <= self.epoch < record.epoch:
                self.lost_or_unused += end - first
                self._unexplained = [range(first, end)]
            else:
                self.missing += end - first
        self.epoch = record.epoch
        if isinstance(record, Loss) and record.first_seq is not None:
            # Numbers the node says it lost were records.
            before = sum(map(len, self._unexplained))
            end = record.first_seq + (record.lost_records or 0)
            self._unexplained = _without(self._unexplained, record.first_seq, end)
            lost = before - sum(map(len, self._unexplained))
            self.lost_or_unused -= lost
            self.missing += lost

    def _pass_over(self, first: int) -> None:
        """The node has nothing from `expected` to before `first`."""
        if first > self.expected:
            begin, end = self._gap
            self._gap = (begin if begin < end else self.expected, first)
            self.expected = first
            self._fruitless = 0

    async def _start(self) -> None:
        oldest = self._from_seq is None
        wanted = (await self._node.info()).first if self._from_seq is None else self._from_seq
        reply = await self._node._start_stream(wanted)
        self.expected = max(wanted, reply.first) if oldest else wanted
        self._pass_over(reply.first)

    async def _next_piece(self, due_s: float | None) -> Record | None:
        """Return the next record in whatever order, None if it was damaged or none came."""
        wait_s = _SILENCE_S
        if due_s is not None:
            wait_s = min(wait_s, due_s - time.monotonic())
            if wait_s <= 0:
                raise Timeout(
                    f"No record came from {self._node.url} for {self._timeout_s:g} s",
                    next="Check the node's schedule with: resonode node config get",
                )
        try:
            async with asyncio.timeout(wait_s):
                raw = await self._node.transport.telemetry()
        except TimeoutError:
            await self._look_for_lost_tail()
            return None
        try:
            return decode(raw)
        except ProtocolError as error:
            self._node.undecodable += 1
            logger.warning("%s: %s", self._node.url, error)
            self._note_undecodable(raw)
            return None

    def _note_undecodable(self, raw: bytes) -> None:
        """Damage that passed the CRC, one in 65536, is missed as a gap and comes right the next
        time. The same bytes again and again are what the node made: they must not stop the rest.
        """
        self._repeats = self._repeats + 1 if raw == self._undecodable else 1
        self._undecodable = raw
        if self._repeats == _REPEATS_OF_A_DEFECT:
            logger.error(
                "%s: record %d cannot be decoded and is left out; report it to us: %s",
                *(self._node.url, self.expected, raw.hex()),
            )
            self.missing += 1
            self.expected += 1
            self._fruitless = 0

    async def _look_for_lost_tail(self) -> None:
        """After a silence: records may be lost without one after them to show it."""
        info = await self._node.info() if self.open else None
        if info is None or not self.open:
            return  # replaced: the node's stream is another's
        if info.next > self.expected and not self._node.transport.telemetry_waiting:
            await self._resend()

    async def _resend(self) -> None:
        """Ask for everything from the first record that is missing."""
        self._fruitless += 1
        if self._fruitless > _MAX_RESENDS:
            raise ProtocolError(
                f"Record {self.expected} of {self._node.url} does not get through",
                why=f"it was asked for {_MAX_RESENDS} times",
                next="Check the cable; if it stays so, report the node's log",
            )
        self.resends += 1
        reply = await self._node._start_stream(self.expected)
        self._settled_s = time.monotonic() + _SETTLE_S
        self._pass_over(reply.first)
