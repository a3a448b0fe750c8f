"""One serial port, two streams: SMP for smpclient, telemetry for the node's records.

Replies are matched to requests by SMP sequence, group and command, so that a late reply is
dropped instead of desynchronising the client for good.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from serial import SerialBase
from smpclient.transport import SMPTransport

from resonode.errors import Disconnected, NodeError
from resonode.link import DEFAULT_BAUD, Link, open_port
from resonode_wire import smp
from resonode_wire.errors import WireError
from resonode_wire.frame import (
    CHANNEL_SMP,
    CHANNEL_TELEMETRY,
    CONSOLE_SMP,
    TEXT,
    StreamDecoder,
    encode_frame,
)

logger = logging.getLogger(__name__)
node_log = logging.getLogger("resonode.node_log")

# A frame is written in one go: after this silence an unfinished one is a damaged one.
_IDLE_S = 0.1
# Records waiting above which the port is not read for more of them, and below which it is again.
# While a request waits for its reply it is always read: the reply may stand behind records.
_PAUSE_AT, _RESUME_AT = 512, 128
# A buf_size counts the frame's length and CRC too.
_CONSOLE_OVERHEAD = 4
_OPEN_IT = "Open it with: async with resonode.connect(url)"

_Key = tuple[int, int, int]


def _key(message: bytes) -> _Key:
    """Return (sequence, group, command) of an SMP message. Raises WireError."""
    _op, _version, group, sequence, command, _body = smp.unpack(message)
    return sequence, group, command


def _close_unwanted(opening: asyncio.Future[SerialBase]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class ResonodeTransport(SMPTransport):
    """smpclient's transport over COBS frames, with the telemetry of the same port beside it.

    Args:
        telemetry_limit: records kept while nobody takes them and requests go on; what comes on
            top is dropped, counted in `overflowed`, and missed as a gap in `seq`.

    Attributes:
        open_record: what makes a record of a telemetry frame's payload, None if it is none; set
            by the session whose records come sealed.
        forged: payloads it could make no record of.
    """

    def __init__(self, *, baud: int = DEFAULT_BAUD, telemetry_limit: int = 4096) -> None:
        self.bytes_received = 0
        self.overflowed = 0
        self.late_replies = 0
        self.open_record: Callable[[bytes], bytes | None] | None = None
        self.forged = 0
        self._baud = baud
        self._limit = telemetry_limit
        self._link: Link | None = None
        self._decoder = StreamDecoder()
        self._pending: dict[_Key, asyncio.Future[bytes]] = {}
        self._telemetry: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._error: NodeError | None = None
        self._last_data_s = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    # --- smpclient's protocol ----------------------------------------------------------------

    async def connect(self, address: str, timeout_s: float) -> None:
        """Open the port `address`. Raises a TransportError."""
        opening = asyncio.ensure_future(asyncio.to_thread(open_port, address, self._baud))
        try:
            port = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread cannot be stopped; what it opens must not stay open.
            opening.add_done_callback(_close_unwanted)
            raise
        self._link = Link(address, port, self._received, self._lost)

    async def disconnect(self) -> None:
        """Close the port."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        link, self._link = self._link, None
        if link is not None:
            await link.close()
            self._lost(Disconnected(f"The link to {link.url} is closed", next=_OPEN_IT))

    async def send(self, data: bytes) -> None:
        """Send one SMP message."""
        if self._link is None or self._error is not None:
            raise self._error or Disconnected("The link is not open", next=_OPEN_IT)
        await self._link.write(encode_frame(CHANNEL_SMP, data))

    async def receive(self) -> bytes:
        """Not used: a reply without its request cannot be matched."""
        raise NotImplementedError("use send_and_receive")

    async def send_and_receive(self, data: bytes) -> bytes:
        """Send one SMP message and return the reply to it."""
        key = _key(data)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[key] = future
        self._flow()
        try:
            await self.send(data)
            return await future
        finally:
            if self._pending.get(key) is future:
                del self._pending[key]
            if future.done() and not future.cancelled():
                future.exception()  # seen, even if sending raised first
            self._flow()

    @property
    def mtu(self) -> int:
        """Largest SMP message, bytes."""
        return smp.MAX_MESSAGE

    @property
    def max_unencoded_size(self) -> int:
        """Largest SMP message the node takes, bytes."""
        size = self._smp_server_transport_buffer_size
        return min(size - _CONSOLE_OVERHEAD, self.mtu) if size else self.mtu

    # --- telemetry ---------------------------------------------------------------------------

    @property
    def damaged(self) -> int:
        """Damaged pieces received so far."""
        return self._decoder.damaged

    @property
    def telemetry_waiting(self) -> int:
        """Records that have arrived and nobody has taken."""
        return len(self._telemetry)

    def forget_telemetry(self) -> None:
        """Drop the records that have arrived and nobody has taken."""
        self._telemetry.clear()
        self._flow()

    async def telemetry(self) -> bytes:
        """Return the next record's bytes. Raises Disconnected after the last one."""
        while not self._telemetry:
            if self._error is not None:
                raise self._error
            self._wake.clear()
            await self._wake.wait()
        record = self._telemetry.popleft()
        self._flow()
        return record

    def _flow(self) -> None:
        """Read the port, or leave records in it until those that wait are taken."""
        if self._link is None:
            return
        waiting = len(self._telemetry)
        if self._pending or waiting < _RESUME_AT:
            self._link.resume()
        elif waiting > _PAUSE_AT:
            self._link.pause()

    # --- the port's side, called in the loop -------------------------------------------------

    def _received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._last_data_s = loop.time()
        self.bytes_received += len(data)
        if self._idle_timer is None:
            self._idle_timer = loop.call_later(_IDLE_S, self._idle)
        self._dispatch(self._decoder.feed(data))

    def _idle(self) -> None:
        loop = asyncio.get_running_loop()
        silence_s = loop.time() - self._last_data_s
        if silence_s < _IDLE_S:
            self._idle_timer = loop.call_later(_IDLE_S - silence_s, self._idle)
            return
        self._idle_timer = None
        self._dispatch(self._decoder.idle())

    def _dispatch(self, pieces: list[tuple[int, bytes | str]]) -> None:
        for kind, payload in pieces:
            if kind == CHANNEL_TELEMETRY and isinstance(payload, bytes):
                self._take_record(payload)
            elif kind in (CHANNEL_SMP, CONSOLE_SMP) and isinstance(payload, bytes):
                self._reply(payload)
            elif kind == TEXT:
                node_log.info("%s: %s", self._link.url if self._link else "", payload)
            else:
                logger.debug("frame on unknown channel %s dropped", kind)

    def _take_record(self, payload: bytes) -> None:
        # Opened as it arrives: then the order of replies and records tells which keys are in use.
        record = payload if self.open_record is None else self.open_record(payload)
        if record is None:
            self.forged += 1
            logger.debug("a record that is not authentic was dropped")
        else:
            self._queue(record)

    def _queue(self, record: bytes) -> None:
        if len(self._telemetry) >= self._limit:
            self.overflowed += 1
            return
        self._telemetry.append(record)
        self._wake.set()
        self._flow()

    def _reply(self, message: bytes) -> None:
        try:
            key = _key(message)
        except WireError as error:
            logger.warning("SMP message dropped: %s", error)
            return
        future = self._pending.get(key)
        if future is None or future.done():
            self.late_replies += 1
            logger.debug("late SMP reply %s dropped", key)
            return
        future.set_result(message)

    def _lost(self, error: NodeError) -> None:
        if self._error is None:
            self._error = error
        for future in self._pending.values():
            if not future.done():
                future.set_exception(self._error)
        self._wake.set()
