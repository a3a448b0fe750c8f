# Runs on: MicroPython and CPython
# One serial port: takes requests in either framing, answers in the same, and sends records to a
# host that asked for them. Answers go before records; a record is never cut by an answer.

from asyncio import Event, TimeoutError, wait_for

from resonode_wire.frame import (
    CHANNEL_SMP,
    CHANNEL_TELEMETRY,
    CONSOLE_SMP,
    StreamDecoder,
    encode_frame,
)
from resonode_wire.smp import HEADER_SIZE, MAX_MESSAGE, console_lines

# A frame is written in one go: this much silence inside one means its rest was lost.
_SILENCE_S = 0.1
# Without any request for this long the host is taken to be gone, and the stream ends.
_LEASE_S = 10
# Frames gathered into one write, in bytes: the features of a window are one batch, and no batch is
# so long that the sensor of a slow chip would wait for it.
_BATCH = 512
# Answers and lines that wait for a host who does not read. Further requests are left in the port,
# further lines are dropped: a stranger who only asks must not fill the memory.
_MOST_WAITING = 32


def _no_answer(request: bytes):
    return None


def _plain(record: bytes):
    return record


def _seal_nothing():
    return _plain


def _nothing() -> None:
    pass


class SerialLink:
    def __init__(self, reader, writer, store, counters, seconds) -> None:
        # reader, writer: asyncio streams; seconds(): wall time of the link, for the lease.
        # Whoever wires the node sets `handle`: request -> response or None; `sealer`: gives what
        # makes of a record what may leave, or None when nobody may have any more; and
        # `on_stream_end`: called when nobody listens any more.
        self._reader = reader
        self._writer = writer
        self.handle = _no_answer
        self.sealer = _seal_nothing
        self.on_stream_end = _nothing
        self._store = store
        self._counters = counters
        self._seconds = seconds
        self._decoder = StreamDecoder(MAX_MESSAGE + HEADER_SIZE, MAX_MESSAGE)
        self._answers: list = []
        self._wake = Event()
        self._taken = Event()  # set when the answers were taken to be written
        self._cursor = -1  # next record to send, -1 when nobody listens
        self._sent = -1  # highest record sent so far
        self._heard_s = 0.0
        self.idle = Event()  # set when everything was written
        store.on_add = self._wake.set

    def stream(self, on: bool, start: int) -> dict:
        # Sends every record from `start` on, or stops.
        if on:
            self._store.declare_loss()
            self._cursor = max(start, self._store.first)
        else:
            self.end_stream()
        self._wake.set()
        return {"first": max(start, self._store.first), "next": self._store.next}

    def end_stream(self) -> None:
        if self._cursor >= 0:
            self._cursor = -1
            self.on_stream_end()

    @property
    def streaming(self) -> bool:
        # Whether a host takes records.
        self._end_of_lease()
        return self._cursor >= 0

    def _end_of_lease(self) -> None:
        if self._cursor >= 0 and self._seconds() - self._heard_s > _LEASE_S:
            self.end_stream()

    def log(self, text: str) -> None:
        # A line for people; tools pass over it.
        if len(self._answers) < _MOST_WAITING:
            self._answers.append(text.encode() + b"\n")
            self._wake.set()

    async def receive(self) -> None:
        while True:
            for kind, payload in await self._pieces():
                if kind in (CONSOLE_SMP, CHANNEL_SMP):
                    self._request(kind, payload)
            self._counters.damaged = self._decoder.damaged
            while len(self._answers) >= _MOST_WAITING:
                self._taken.clear()
                await self._taken.wait()

    async def _pieces(self) -> list:
        if not self._decoder.pending:
            return self._decoder.feed(await self._reader.read(512) or b"")
        try:
            return self._decoder.feed(await wait_for(self._reader.read(512), _SILENCE_S) or b"")
        except TimeoutError:
            return self._decoder.idle()

    def _request(self, kind: int, request: bytes) -> None:
        self._heard_s = self._seconds()
        self._counters.requests += 1
        if kind == CONSOLE_SMP:
            # A standard tool took over the port, and it cannot read telemetry.
            self.end_stream()
        answer = self.handle(request)
        if answer is None:
            return
        framed = console_lines(answer) if kind == CONSOLE_SMP else encode_frame(kind, answer)
        self._answers.append(framed)
        self._wake.set()

    async def transmit(self) -> None:
        while True:
            data = self._next_batch()
            if not data:
                self.idle.set()
                await self._wake.wait()
                self._wake.clear()
                continue
            self.idle.clear()
            self._writer.write(data)
            await self._writer.drain()

    def _next_batch(self) -> bytes:
        if self._answers:
            answers, self._answers = self._answers, []
            self._taken.set()
            return b"".join(answers)
        if not self.streaming:
            return b""
        if self._cursor < self._store.first:
            self._store.declare_loss()
            self._cursor = self._store.first
        if self._store.get(self._cursor) is None:
            return b""
        seal = self.sealer()
        if seal is None:
            self.end_stream()
            return b""
        return self._frames(seal)

    def _frames(self, seal) -> bytes:
        frames: list = []
        size = 0
        while size < _BATCH:
            record = self._store.get(self._cursor)
            if record is None:
                break
            sealed = seal(record)
            if sealed is None:
                break
            frame = encode_frame(CHANNEL_TELEMETRY, sealed)
            frames.append(frame)
            size += len(frame)
            if self._cursor > self._sent:
                self._sent = self._cursor
                self._counters.sent += 1
            self._cursor += 1
        return frames[0] if len(frames) == 1 else b"".join(frames)
