"""Runs on: MicroPython and CPython."""

import asyncio

from firmware.counters import Counters
from firmware.link_serial import SerialLink
from firmware.store import RecordStore
from resonode_wire import cbor, frame, smp
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY, CONSOLE_SMP, TEXT

ECHO = smp.pack(smp.WRITE, 0, 9, 0, cbor.dumps({"d": "hello"}))
STREAM_ON = smp.pack(smp.WRITE, 65, 1, 2, b"")


class Clock:
    def now_us(self) -> int:
        return 0


class Numbers:
    next = 0
    epoch = 1
    first_lost = -1

    def take(self) -> int:
        self.next += 1
        return self.next - 1


class Port:
    """The far end of the port: what is put in is read by the link, what it writes is decoded."""

    def __init__(self) -> None:
        self._chunks = []
        self._arrived = asyncio.Event()
        self._decoder = frame.StreamDecoder()
        self.pieces = []
        self.open = True

    def put(self, data: bytes) -> None:
        self._chunks.append(data)
        self._arrived.set()

    async def read(self, _count: int) -> bytes:
        while not self._chunks:
            self._arrived.clear()
            await self._arrived.wait()
        return self._chunks.pop(0)

    def write(self, data: bytes) -> None:
        self.pieces += self._decoder.feed(bytes(data))

    async def drain(self) -> None:
        while not self.open:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)

    def of(self, kind: int) -> list:
        return [payload for found, payload in self.pieces if found == kind]


class Bench:
    def __init__(self, max_bytes: int = 100000) -> None:
        self.now_s = 0.0
        self.counters = Counters()
        self.store = RecordStore(Numbers(), Clock(), self.counters, max_bytes)
        self.port = Port()
        self.link = SerialLink(self.port, self.port, self.store, self.counters, lambda: self.now_s)
        self.link.handle = self.handle

    def handle(self, request: bytes):
        # Stands where the session does: echoes, and turns the stream on.
        if request == STREAM_ON:
            return cbor.dumps(self.link.stream(True, self.store.first))
        return None if request == b"silent-request" else b"answer to " + request

    def records(self, count: int) -> None:
        for _ in range(count):
            self.store.add("loss", {"reason": 0})

    def run(self, scenario) -> None:
        async def both() -> None:
            tasks = [
                asyncio.create_task(self.link.receive()),
                asyncio.create_task(self.link.transmit()),
            ]
            await scenario(self)
            for task in tasks:
                task.cancel()

        asyncio.run(both())


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def test_each_request_is_answered_in_its_own_framing():
    async def scenario(bench: Bench) -> None:
        bench.port.put(smp.console_lines(ECHO))
        await settle()
        assert bench.port.pieces == [(CONSOLE_SMP, b"answer to " + ECHO)]
        bench.port.put(frame.encode_frame(CHANNEL_SMP, ECHO))
        await settle()
        assert bench.port.pieces[1:] == [(CHANNEL_SMP, b"answer to " + ECHO)]

    Bench().run(scenario)


def test_no_answer_goes_out_where_the_session_gives_none():
    async def scenario(bench: Bench) -> None:
        bench.port.put(frame.encode_frame(CHANNEL_SMP, b"silent-request"))
        await settle()
        assert bench.port.pieces == []

    Bench().run(scenario)


def test_records_flow_only_to_who_asked_and_in_order():
    async def scenario(bench: Bench) -> None:
        bench.records(3)
        await settle()
        assert bench.port.pieces == []
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.records(200)
        await settle()
        sent = bench.port.of(CHANNEL_TELEMETRY)
        assert [cbor.loads(record)[1] for record in sent] == list(range(203))
        assert bench.counters.sent == 203

    Bench().run(scenario)


def test_a_standard_tool_on_the_port_never_sees_telemetry():
    async def scenario(bench: Bench) -> None:
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.port.put(smp.console_lines(ECHO))
        await settle()
        bench.records(5)
        await settle()
        assert bench.port.of(CHANNEL_TELEMETRY) == []

    Bench().run(scenario)


def test_stream_ends_when_the_host_is_silent_for_the_lease():
    async def scenario(bench: Bench) -> None:
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.now_s = 9.0
        bench.records(1)
        await settle()
        bench.now_s = 11.0
        bench.records(1)
        await settle()
        assert len(bench.port.of(CHANNEL_TELEMETRY)) == 1

    Bench().run(scenario)


def test_resent_records_are_counted_once_as_sent():
    async def scenario(bench: Bench) -> None:
        bench.records(4)
        for _ in range(2):
            bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
            await settle()
        assert len(bench.port.of(CHANNEL_TELEMETRY)) == 8
        assert bench.counters.sent == 4

    Bench().run(scenario)


def test_a_host_that_stops_reading_costs_the_oldest_records_and_is_told():
    async def scenario(bench: Bench) -> None:
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.port.open = False
        bench.records(500)
        await settle()
        bench.port.open = True
        await asyncio.sleep(0.01)
        await settle()
        records = [cbor.loads(record) for record in bench.port.of(CHANNEL_TELEMETRY)]
        lost = [record for record in records if record.get(41) == 1]
        assert lost and bench.counters.dropped > 0
        got = {record[1] for record in records}
        told = set()
        for record in lost:
            told |= set(range(record[44], record[44] + record[45]))
        assert got | told == set(range(bench.store.next))

    Bench(max_bytes=1000).run(scenario)


def test_a_host_that_comes_late_is_told_of_what_was_overwritten_before():
    async def scenario(bench: Bench) -> None:
        bench.records(500)
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        records = [cbor.loads(record) for record in bench.port.of(CHANNEL_TELEMETRY)]
        lost = [record for record in records if record.get(41) == 1]
        assert len(lost) == 1 and lost[0][44] == 0
        assert lost[0][45] == records[0][1] == bench.counters.dropped

    Bench(max_bytes=1000).run(scenario)


def test_whoever_waits_for_the_end_of_the_stream_is_told_however_it_ends():
    async def scenario(bench: Bench) -> None:
        ended = []
        bench.link.on_stream_end = lambda: ended.append(1)
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.link.stream(False, 0)
        assert len(ended) == 1
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.port.put(smp.console_lines(ECHO))
        await settle()
        assert len(ended) == 2
        bench.port.put(frame.encode_frame(CHANNEL_SMP, STREAM_ON))
        await settle()
        bench.now_s += 11
        bench.records(1)
        await settle()
        assert len(ended) == 3

    Bench().run(scenario)


def test_cut_request_does_not_swallow_the_next_one():
    async def scenario(bench: Bench) -> None:
        whole = frame.encode_frame(CHANNEL_SMP, ECHO)
        bench.port.put(whole[:-4])
        await asyncio.sleep(0.15)  # longer than any silence inside a frame
        bench.port.put(smp.console_lines(ECHO))
        await settle()
        assert bench.port.of(CONSOLE_SMP) == [b"answer to " + ECHO]
        assert bench.counters.damaged == 1

    Bench().run(scenario)


def test_answers_that_nobody_reads_fill_no_memory_and_requests_go_on_when_they_are_read():
    async def scenario(bench: Bench) -> None:
        bench.port.open = False
        asked = 0
        for _ in range(500):
            bench.port.put(3 * frame.encode_frame(CHANNEL_SMP, ECHO))
            asked += 3
            bench.link.log("somebody asks")
            await settle()
        # Of the piece that was read last all is answered.
        assert len(bench.link._answers) <= 32 + 3
        bench.port.open = True
        while len(bench.port.of(CHANNEL_SMP)) < asked:
            await asyncio.sleep(0.001)
        assert bench.counters.requests == asked

    Bench().run(scenario)


def test_log_lines_are_text_between_frames():
    async def scenario(bench: Bench) -> None:
        bench.link.log("sensor: gone")
        await settle()
        assert bench.port.pieces == [(TEXT, "sensor: gone")]

    Bench().run(scenario)
