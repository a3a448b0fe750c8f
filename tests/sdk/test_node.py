"""The SDK against a node on a pty: requests, records without loss, clear errors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time

import numpy as np
import pytest

import resonode
from resonode.node import connect
from tests.sdk import samples
from tests.sdk.fake_node import FakeNode, is_telemetry


@pytest.fixture
def fake():
    with FakeNode() as node:
        yield node


def run(coroutine):
    """Run a test's coroutine; a hang becomes a failure."""
    return asyncio.run(asyncio.wait_for(coroutine, 30))


async def take(stream, count):
    """Return the next `count` records."""
    return [await anext(stream) for _ in range(count)]


def test_node_tells_who_it_is_and_unknown_keys_are_ignored(fake):
    async def main():
        async with connect(fake.url) as node:
            return await node.info()

    info = run(main())
    assert (info.node, info.board, info.wire, info.profile) == ("fake-1", "FAKE", 1, "open")
    assert info.sensors == ("iis3dwb",)


def test_standard_requests_are_answered(fake):
    async def main():
        async with connect(fake.port) as node:
            assert await node.echo("hello") == "hello"
            assert (await node.datetime()).isoformat() == "2026-01-02T03:04:05.000006+00:00"
            assert await node.application_info() == "Resonode fake"
            assert await node.tasks() == {"main": {"prio": 1, "tid": 1, "state": 2}}
            assert (await node.statistics())["windows"]["analysed"] == 9
            await node.reset()

    run(main())


def test_settings_are_changed_and_a_refusal_carries_the_nodes_reason(fake):
    async def main():
        async with connect(fake.url) as node:
            assert (await node.configure(window=8192))["window"] == 8192
            assert (await node.config())["window"] == 8192
            with pytest.raises(resonode.CommandError) as caught:
                await node.configure(windw=8192)
            assert caught.value.code == 3
            assert "no setting windw" in str(caught.value)

    run(main())


def test_records_come_in_order_from_the_oldest_kept_on_and_then_live(fake):
    fake.make(20)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            old = await take(stream, 20)
            fake.make(5)
            return old + await take(stream, 5)

    got = run(main())
    assert [one.seq for one in got] == list(range(25))
    assert [one.raw for one in got[:20]] == [fake.ring[seq] for seq in range(20)]


def test_records_start_where_asked(fake):
    fake.make(20)

    async def main():
        async with connect(fake.url) as node:
            return await take(node.records(from_seq=15), 5)

    assert [one.seq for one in run(main())] == [15, 16, 17, 18, 19]


@pytest.mark.parametrize("every", [2, 3, 7])
def test_damaged_records_are_asked_for_again(fake, every):
    count = {"frames": 0}

    def spoil(frame):
        # Every n-th frame loses a byte in its middle, replies to requests among them.
        count["frames"] += 1
        if count["frames"] % every or count["frames"] > 60:
            return frame
        middle = len(frame) // 2
        return frame[:middle] + frame[middle + 1 :]

    fake.make(40)

    async def main():
        async with connect(fake.url) as node:
            fake.spoil = spoil
            stream = node.records()
            return await take(stream, 40), stream.resends

    got, resends = run(main())
    assert [one.seq for one in got] == list(range(40))
    assert resends > 0


def test_a_record_the_node_made_wrong_does_not_stop_the_others(fake, caplog):
    fake.make(3)
    fake.append(b"\xa1\x00")  # whole on the wire, and no record
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            return await take(stream, 6), stream.missing

    got, missing = run(main())
    assert [one.seq for one in got] == [0, 1, 2, 4, 5, 6]
    assert missing == 1
    assert "a100" in caplog.text


def test_last_record_lost_without_one_after_it_is_noticed(fake):
    fake.make(3)
    lost = {2}

    def spoil(frame):
        if is_telemetry(frame) and 2 in lost and fake._cursor == 3:
            lost.clear()
            return b""
        return frame

    fake.spoil = spoil

    async def main():
        async with connect(fake.url) as node:
            return await take(node.records(), 3)

    assert [one.seq for one in run(main())] == [0, 1, 2]
    assert not lost


def test_records_the_node_no_longer_has_are_counted_and_the_rest_comes(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            before = await take(stream, 3)
            fake.spoil = lambda frame: b"" if is_telemetry(frame) else frame
            fake.make(20)
            await asyncio.sleep(0.1)  # all of them leave, none arrives
            fake.forget(20)
            fake.spoil = lambda frame: frame
            fake.make(2)
            return before + await take(stream, 5), stream.missing

    got, missing = run(main())
    assert [one.seq for one in got] == [0, 1, 2, 20, 21, 22, 23, 24]
    assert missing == 17


def test_numbers_passed_over_at_a_restart_do_not_stop_the_stream(fake):
    fake.make(3)
    fake.restart(4096)
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            return await take(stream, 6), stream.missing, stream.lost_or_unused

    got, missing, unexplained = run(main())
    assert [(one.epoch, one.seq) for one in got] == [
        (1, 0),
        (1, 1),
        (1, 2),
        (2, 4096),
        (2, 4097),
        (2, 4098),
    ]
    assert (missing, unexplained) == (0, 4093)


def test_an_abandoned_stream_gives_way_to_the_next_one(fake):
    fake.make(50)

    async def main():
        async with connect(fake.url) as node:
            async for record in node.records():
                if record.seq == 3:
                    break
            return await take(node.records(from_seq=10), 3)

    assert [one.seq for one in run(main())] == [10, 11, 12]


def test_acknowledged_records_leave_the_node(fake):
    fake.make(10)

    async def main():
        async with connect(fake.url) as node:
            assert await node.ack(4) == 5

    run(main())
    assert sorted(fake.ring) == [5, 6, 7, 8, 9]


def test_a_silent_stream_ends_in_timeout_while_the_node_still_answers(fake):
    async def main():
        async with connect(fake.url) as node:
            with pytest.raises(resonode.Timeout, match="No record came"):
                await anext(node.records(timeout_s=0.3))
            assert await node.echo("still here") == "still here"

    run(main())


def test_a_late_reply_does_not_desynchronise_the_client(fake):
    async def main():
        async with connect(fake.url, timeout_s=0.3) as node:
            fake.reply_delay_s = 0.6
            with pytest.raises(resonode.Timeout):
                await node.echo("late")
            fake.reply_delay_s = 0.0
            answers = []
            deadline_s = time.monotonic() + 10
            while node.transport.late_replies == 0 and time.monotonic() < deadline_s:
                answers.append(await node.echo(f"n{len(answers)}"))
            assert node.transport.late_replies == 1
            assert answers == [f"n{at}" for at in range(len(answers))]

    run(main())


def test_a_damaged_request_is_asked_again(fake):
    drop = {"left": 1}

    def spoil(frame):
        if drop["left"]:
            drop["left"] -= 1
            return b""
        return frame

    async def main():
        async with connect(fake.url) as node:
            fake.spoil = spoil
            assert await node.echo("again") == "again"

    run(main())
    assert drop["left"] == 0


def test_noise_and_log_lines_between_frames_do_no_harm(fake, caplog):
    fake.make(5)

    async def main():
        async with connect(fake.url) as node:
            fake.write(b"starting up\r\n\xff\xfe\x00\x01garbage\x00\x00")
            return await take(node.records(), 5)

    with caplog.at_level("INFO", logger="resonode.node_log"):
        assert [one.seq for one in run(main())] == [0, 1, 2, 3, 4]
    assert "starting up" in caplog.text


def test_a_silent_port_is_a_timeout_that_says_so(fake):
    fake.mute = True

    async def main():
        async with connect(fake.url, timeout_s=0.2):
            pass

    with pytest.raises(resonode.Timeout, match="Nothing answered on .* within 0.2 s"):
        run(main())


def test_unplugging_while_streaming_is_a_disconnection(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records(timeout_s=None)
            await take(stream, 3)
            asyncio.get_running_loop().call_later(0.05, fake.hang_up)
            with pytest.raises(resonode.Disconnected, match="stay on the node"):
                await anext(stream)

    run(main())


def test_another_wire_version_is_refused_with_both_numbers():
    async def main(url):
        async with connect(url):
            pass

    with FakeNode(wire=2) as fake, pytest.raises(resonode.ProtocolError, match="wire version 2"):
        run(main(fake.url))


def test_an_absent_port_is_not_found():
    async def main():
        async with connect("serial:/dev/no-such-port"):
            pass

    with pytest.raises(resonode.NodeNotFound, match="resonode ports"):
        run(main())


def test_a_file_is_no_serial_port(tmp_path):
    path = tmp_path / "file"
    path.write_text("no port")

    async def main():
        async with connect(str(path)):
            pass

    with pytest.raises(resonode.NodeNotFound, match="no serial port"):
        run(main())


def test_an_unknown_kind_of_url_is_not_found():
    async def main():
        async with connect("carrier-pigeon://roof"):
            pass

    with pytest.raises(resonode.NodeNotFound, match="is no port"):
        run(main())


def test_a_refused_socket_is_not_found():
    async def main():
        async with connect("socket://127.0.0.1:1"):
            pass

    with pytest.raises(resonode.NodeNotFound):
        run(main())


def test_a_port_in_use_is_busy(fake):
    async def main():
        async with connect(fake.url):
            with pytest.raises(resonode.PortBusy, match="another program"):
                async with connect(fake.url):
                    pass

    run(main())


def test_nodes_are_reached_through_a_socket(fake):
    """A bridge as ser2net is: bytes go both ways between a TCP port and the node's pty."""
    fake.make(30)

    async def pump(read, write):
        while data := await read():
            await write(data)

    async def main():
        loop = asyncio.get_running_loop()
        fd = os.open(fake.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

        async def bridge(reader, writer):
            inbox: asyncio.Queue[bytes] = asyncio.Queue()
            loop.add_reader(fd, lambda: inbox.put_nowait(os.read(fd, 4096)))

            async def to_socket(data):
                writer.write(data)
                await writer.drain()

            async def to_port(data):
                os.write(fd, data)

            out = asyncio.create_task(pump(inbox.get, to_socket))
            await pump(lambda: reader.read(4096), to_port)
            loop.remove_reader(fd)
            out.cancel()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(bridge, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, connect(f"socket://127.0.0.1:{port}") as node:
            got = await take(node.records(), 30)
        os.close(fd)
        return got

    assert [one.seq for one in run(main())] == list(range(30))


def test_a_capture_is_put_together_from_its_blocks(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            return await node.capture(1234, "xz")

    wave = run(main())
    assert wave.axes == ("x", "z") and wave.samples.shape == (1234, 2)
    assert np.array_equal(wave.samples[:, 0], np.arange(1234))
    assert np.array_equal(wave.samples[:, 1], np.arange(1234) + 2000)
    assert wave.rate_hz == samples.RATE_HZ
    assert wave.accel_m_s2[10, 0] == pytest.approx(10 * 0.00478728, rel=1e-6)  # f32 scale
    assert not wave.samples.flags.writeable


def test_a_capture_with_an_overrun_is_incomplete_not_silently_short(fake):
    fake.waveform_loss = True

    async def main():
        async with connect(fake.url) as node:
            await node.capture(1234, "z")

    with pytest.raises(resonode.Incomplete, match="500 of 1500 samples"):
        run(main())


def test_a_capture_too_large_is_refused_by_the_node(fake):
    async def main():
        async with connect(fake.url) as node:
            await node.capture(200000)

    with pytest.raises(resonode.CommandError, match="count exceeds 100000"):
        run(main())


def capture_while(fake, meanwhile, count=1000, **options):
    """Capture while the node sends one block only, then does `meanwhile()`."""
    fake.waveform_blocks = 1

    async def main():
        async with connect(fake.url) as node:
            taking = asyncio.create_task(node.capture(count, "z", **options))
            while fake.captures == 0:
                await asyncio.sleep(0.01)
            meanwhile()
            # Records go on for ever: only what they say can end it.
            while not taking.done():
                with fake._lock:
                    fake.append(samples.health(fake.next_seq, epoch=fake.epoch))
                await asyncio.sleep(0.05)
            return await taking

    return run(main())


def test_a_capture_ends_when_the_node_begins_another_measurement(fake):
    def reconfigured():
        with fake._lock:
            fake.append(samples.features(fake.next_seq, capture=8))

    with pytest.raises(resonode.Incomplete, match="began another"):
        capture_while(fake, reconfigured)


def test_a_capture_ends_when_the_node_restarts(fake):
    def restarted():
        with fake._lock:
            fake.restart(4096)
            fake.append(samples.boot(4096, epoch=fake.epoch))

    with pytest.raises(resonode.Incomplete, match="restarted"):
        capture_while(fake, restarted)


def test_a_capture_ends_when_the_node_measures_on_without_it(fake):
    def later():
        with fake._lock:
            fake.append(samples.features(fake.next_seq, capture=7, first_sample=2000))

    with pytest.raises(resonode.Incomplete, match="500 of 1000 samples"):
        capture_while(fake, later)


def test_records_of_earlier_runs_and_overlapping_spans_do_not_end_a_capture(fake):
    """They may be made between the question and its answer; velocity spans many windows."""

    def capture(values):
        with fake._lock:
            fake.append(samples.features(fake.next_seq, capture=6, first_sample=9999))
            fake.append(samples.features(fake.next_seq, capture=7, first_sample=1999))
        return original(values)

    original, fake._capture = fake._capture, capture

    async def main():
        async with connect(fake.url) as node:
            return await node.capture(1000, "z")

    assert len(run(main()).samples) == 1000


def test_a_capture_has_an_end_however_many_other_records_come(fake):
    with pytest.raises(resonode.Timeout, match="not whole"):
        capture_while(fake, lambda: None, count=500 + 1, timeout_s=0.5)


def stream_was_turned_off(fake):
    switches = [values["on"] for group, command, values in fake.requests if (group, command) == OFF]
    return switches[-1:] == [False]


OFF = (65, 2)


@pytest.mark.parametrize("when", ["while it is asked for", "while it comes"])
def test_an_interrupted_capture_turns_the_stream_off(fake, when):
    fake.waveform_blocks = 1
    fake.capture_reply_delay_s = 0.3 if when == "while it is asked for" else 0.0

    async def main():
        async with connect(fake.url) as node:
            taking = asyncio.create_task(node.capture(1000, "z"))
            while fake.captures == 0:
                await asyncio.sleep(0.01)
            if when == "while it comes":
                while not any((group, command) == OFF for group, command, _ in fake.requests):
                    await asyncio.sleep(0.01)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            return stream_was_turned_off(fake)

    assert run(main())


def test_records_replaced_by_others_say_so_instead_of_ending(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            first = node.records()
            await anext(first)
            second = node.records()
            with pytest.raises(resonode.NodeError, match="was ended.*one stream") as caught:
                await anext(first)
            assert caught.value.next
            return await take(second, 3)

    assert [one.seq for one in run(main())] == [0, 1, 2]


def test_of_two_captures_at_once_the_second_is_refused(fake):
    async def main():
        async with connect(fake.url) as node:
            return await asyncio.gather(
                node.capture(1000), node.capture(1000), return_exceptions=True
            )

    first, second = run(main())
    assert len(first.samples) == 1000
    assert isinstance(second, resonode.NodeError)
    assert "connection" not in str(second)  # a serial port has only one


def test_numbers_passed_over_at_a_restart_are_missing_only_if_declared(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            await take(stream, 3)
            with fake._lock:
                fake.restart(100)
                fake.append(samples.boot(100, epoch=fake.epoch))
                fake.append(samples.loss(101, epoch=fake.epoch, first_seq=3, lost_records=7))
            await take(stream, 1)
            assert (stream.lost_or_unused, stream.missing) == (97, 0)
            await take(stream, 1)  # what the node declares lost were records
            return stream.lost_or_unused, stream.missing

    assert run(main()) == (90, 7)


def test_a_loss_told_twice_is_counted_once(fake):
    fake.make(3)

    async def main():
        async with connect(fake.url) as node:
            stream = node.records()
            await take(stream, 3)
            with fake._lock:
                fake.restart(100)
                for first, count in ((10, 40), (3, 90)):
                    seq = fake.next_seq
                    loss = {"first_seq": first, "lost_records": count}
                    fake.append(samples.loss(seq, epoch=fake.epoch, **loss))
            await take(stream, 2)
            return stream.lost_or_unused, stream.missing

    assert run(main()) == (7, 90)


def test_records_in_use_keep_a_capture_away(fake):
    fake.make(1)

    async def main():
        async with connect(fake.url) as node:
            await anext(node.records())
            await node.capture(100)

    with pytest.raises(resonode.NodeError, match="stream for itself"):
        run(main())


def test_more_records_than_the_queue_holds_come_through(fake):
    """A reader slower than the node: the queue overflows, what it dropped is asked for again."""
    fake.make(300)

    async def main():
        async with connect(fake.url) as node:
            node.transport._limit = 50
            stream = node.records()
            first = await take(stream, 1)
            await asyncio.sleep(0.5)
            rest = await take(stream, 299)
            return first + rest, node.transport.overflowed

    got, overflowed = run(main())
    assert [one.seq for one in got] == list(range(300))
    assert overflowed > 0
