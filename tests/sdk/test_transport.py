"""The transport: one port's bytes, however cut, become replies and telemetry."""

from __future__ import annotations

import asyncio
import os
import pty
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resonode
from resonode.transport import ResonodeTransport
from resonode_wire import smp
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY, encode_frame
from tests.sdk import samples

RECORDS = samples.one_of_each()


def reply(seq, body=b"\xa0"):
    return smp.pack(smp.READ_RSP, smp.GROUP_NODE, seq, smp.NODE_INFO, body)


@given(st.lists(st.integers(0, 2500), max_size=12))
def test_replies_and_records_are_told_apart_however_the_bytes_are_cut(cuts):
    parts = [encode_frame(CHANNEL_TELEMETRY, raw) for raw in RECORDS]
    parts.insert(4, encode_frame(CHANNEL_SMP, reply(7)))
    parts.insert(2, b"a line of log\r\n")
    stream = b"".join(parts)

    async def main():
        transport = ResonodeTransport()
        future = asyncio.get_running_loop().create_future()
        transport._pending[(7, smp.GROUP_NODE, smp.NODE_INFO)] = future
        edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
        for start, end in zip(edges, edges[1:], strict=False):
            transport._received(stream[start:end])
        got = [await transport.telemetry() for _ in RECORDS]
        await transport.disconnect()
        return got, future.result(), transport.damaged

    got, answer, damaged = asyncio.run(main())
    assert got == RECORDS
    assert answer == reply(7)
    assert damaged == 0


def test_a_reply_nobody_waits_for_is_counted_and_dropped():
    async def main():
        transport = ResonodeTransport()
        transport._received(encode_frame(CHANNEL_SMP, reply(9)))
        await transport.disconnect()
        return transport.late_replies

    assert asyncio.run(main()) == 1


def test_a_frame_cut_short_is_given_up_after_a_silence():
    async def main():
        transport = ResonodeTransport()
        transport._received(encode_frame(CHANNEL_TELEMETRY, RECORDS[1])[:-5])
        # The timer of the silence, not the clock, is what is tested.
        while transport._idle_timer is not None:
            await asyncio.sleep(0.01)
        first = transport.damaged
        transport._received(encode_frame(CHANNEL_TELEMETRY, RECORDS[1]))
        got = await transport.telemetry()
        await transport.disconnect()
        return first, got

    damaged, got = asyncio.run(main())
    assert damaged == 1
    assert got == RECORDS[1]


def test_records_beyond_the_limit_are_dropped_and_counted():
    async def main():
        transport = ResonodeTransport(telemetry_limit=3)
        for raw in RECORDS:
            transport._received(encode_frame(CHANNEL_TELEMETRY, raw))
        got = [await transport.telemetry() for _ in range(transport.telemetry_waiting)]
        await transport.disconnect()
        return got, transport.overflowed

    got, overflowed = asyncio.run(main())
    assert got == RECORDS[:3]
    assert overflowed == len(RECORDS) - 3


def test_records_that_arrived_before_the_link_dropped_are_still_given_out():
    async def main():
        transport = ResonodeTransport()
        transport._received(encode_frame(CHANNEL_TELEMETRY, RECORDS[0]))
        transport._lost(resonode.Disconnected("gone"))
        first = await transport.telemetry()
        with pytest.raises(resonode.Disconnected):
            await transport.telemetry()
        await transport.disconnect()
        return first

    assert asyncio.run(main()) == RECORDS[0]


def test_a_request_under_way_fails_when_the_link_drops():
    async def main():
        master, slave = pty.openpty()
        tty.setraw(slave)
        transport = ResonodeTransport()
        await transport.connect(os.ttyname(slave), 1.0)
        os.close(slave)
        asking = asyncio.create_task(
            transport.send_and_receive(smp.pack(smp.READ, smp.GROUP_NODE, 1, smp.NODE_INFO, b""))
        )
        await asyncio.sleep(0.05)
        os.close(master)
        with pytest.raises(resonode.Disconnected):
            await asking
        await transport.disconnect()

    asyncio.run(main())


def test_no_thread_is_left_after_disconnecting():
    import threading

    async def main():
        master, slave = pty.openpty()
        transport = ResonodeTransport()
        await transport.connect(os.ttyname(slave), 1.0)
        names = {thread.name for thread in threading.enumerate()}
        await transport.disconnect()
        os.close(master)
        os.close(slave)
        return names

    during = asyncio.run(main())
    reading = {name for name in during if name.startswith("read ")}
    assert reading
    assert not reading & {thread.name for thread in threading.enumerate()}
