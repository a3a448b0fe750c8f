"""The gateway: every record of every node stored once, then acknowledged, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

import resonode
from resonode.gateway import Gateway, Store
from resonode.records import decode
from tests.sdk import samples
from tests.sdk.fake_node import FakeNode, is_telemetry

pytestmark = pytest.mark.filterwarnings("error")


async def until(condition: Callable[[], bool], timeout_s: float = 20.0):
    """Wait until `condition` holds; a failure names it."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition never came true"
        await asyncio.sleep(0.01)


def drive(store, urls, script, **options):
    """Run a gateway while `script(gateway)` runs; stop it afterwards. Returns the gateway."""

    async def main():
        gateway = Gateway(store, urls, **options)
        running = asyncio.create_task(gateway.run())
        work = asyncio.create_task(script(gateway))
        await asyncio.wait({running, work}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        else:
            work.result()
        gateway.stop()
        await running
        return gateway

    return asyncio.run(asyncio.wait_for(main(), 60))


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "r.db") as one:
        yield one


def seqs(store, node="fake-1"):
    return [one.record.seq for one in store.query(node=node)]


def test_records_are_stored_then_acknowledged(store):
    with FakeNode() as fake:
        fake.make(100)

        async def script(gateway):
            await until(lambda: fake.acked == 99)

        gateway = drive(store, [fake.url], script)
        assert seqs(store) == list(range(100))
        status = gateway.nodes[0]
        assert (status.node, status.received, status.stored) == ("fake-1", 100, 100)
        assert fake.ring == {}


def test_nothing_is_acknowledged_before_it_is_committed(store):
    """The store's own answer, at every acknowledgement, is the judge."""
    with FakeNode() as fake:
        early = []
        original = fake._ack

        def ack(seq):
            last = store.last_seq("fake-1")
            if last is None or last < seq:
                early.append(seq)
            return original(seq)

        fake._ack = ack
        fake.make(500)

        async def script(gateway):
            await until(lambda: fake.acked == 499)

        drive(store, [fake.url], script)
        assert early == []


def test_several_nodes_share_one_store(store):
    fakes = [FakeNode(f"fake-{at}") for at in range(3)]
    try:
        for fake in fakes:
            fake.make(50)

        async def script(gateway):
            await until(lambda: all(fake.acked == 49 for fake in fakes))

        drive(store, [fake.url for fake in fakes], script)
    finally:
        for fake in fakes:
            fake.close()
    assert [store.count(fake.node) for fake in fakes] == [50, 50, 50]


def test_a_second_run_resumes_after_the_last_stored_record(store):
    with FakeNode() as fake:
        fake.make(10)

        async def script(gateway):
            await until(lambda: fake.acked == fake.next_seq - 1)

        drive(store, [fake.url], script)
        fake.make(10)
        gateway = drive(store, [fake.url], script)
        assert gateway.nodes[0].received == 10
        assert seqs(store) == list(range(20))


def test_records_stored_but_not_acknowledged_are_not_stored_twice(store):
    """The power went between commit and acknowledgement: the node still has them."""
    with FakeNode() as fake:
        fake.make(10)
        kept = dict(fake.ring)

        async def script(gateway):
            await until(lambda: fake.acked == fake.next_seq - 1)

        drive(store, [fake.url], script)
        fake.ring = kept
        fake.make(1)
        drive(store, [fake.url], script)
        assert seqs(store) == list(range(11))


def test_a_restarted_node_is_streamed_on(store):
    with FakeNode() as fake:
        fake.make(10)

        async def script(gateway):
            await until(lambda: fake.acked == 9)
            fake.restart(4096)
            fake.make(5)
            await until(lambda: fake.acked == 4100)

        drive(store, [fake.url], script)
        assert seqs(store) == [*range(10), *range(4096, 4101)]


def test_a_damaged_link_costs_resends_not_records(store):
    with FakeNode() as fake:
        count = {"frames": 0}

        def spoil(frame):
            count["frames"] += 1
            if is_telemetry(frame) and count["frames"] % 9 == 0:
                return frame[:5] + bytes((frame[5] ^ 0x10 or 1,)) + frame[6:]
            return frame

        fake.spoil = spoil
        fake.make(120)

        async def script(gateway):
            await until(lambda: fake.acked == 119)

        gateway = drive(store, [fake.url], script)
        assert seqs(store) == list(range(120))
        assert gateway.nodes[0].damaged > 0
        assert gateway.nodes[0].resends > 0


def test_a_node_that_vanishes_does_not_hold_up_the_others(store):
    with FakeNode("stays") as stays:
        leaves = FakeNode("leaves")
        leaves.make(5)
        stays.make(5)

        async def script(gateway):
            await until(lambda: leaves.acked == 4 and stays.acked == 4)
            leaves.hang_up()
            await until(lambda: gateway.nodes[1].error is not None)
            stays.make(5)
            await until(lambda: stays.acked == 9)

        try:
            gateway = drive(store, [stays.url, leaves.url], script)
        finally:
            leaves.close()
        assert isinstance(gateway.nodes[1].error, resonode.TransportError)
        assert store.count("stays") == 10 and store.count("leaves") == 5


def test_a_port_that_answers_again_is_taken_up_again(store):
    with FakeNode() as fake:
        fake.make(5)

        async def script(gateway):
            await until(lambda: fake.acked == 4)
            fake.mute = True
            await until(lambda: gateway.nodes[0].state == "waiting")
            fake.mute = False
            fake.make(5)
            await until(lambda: fake.acked == 9)

        gateway = drive(store, [fake.url], script, timeout_s=0.3)
        assert gateway.nodes[0].connects >= 2
        assert seqs(store) == list(range(10))


def test_when_no_node_can_be_reached_the_reason_is_raised(store):
    async def script(gateway):
        await asyncio.sleep(30)

    with pytest.raises(resonode.NodeNotFound):
        drive(store, ["serial:/dev/no-such-port"], script)


def test_waiting_for_a_port_can_be_asked_for(store, tmp_path):
    link = tmp_path / "port"
    with FakeNode() as fake:
        fake.make(3)

        async def script(gateway):
            await until(lambda: gateway.nodes[0].state == "waiting")
            link.symlink_to(fake.port)
            await until(lambda: fake.acked == 2)

        drive(store, [str(link)], script, wait=True)
    assert seqs(store) == [0, 1, 2]


def test_an_erased_node_is_reported_instead_of_losing_its_records(store):
    with FakeNode(first_seq=100) as fake:
        fake.make(5)

        async def script(gateway):
            await until(lambda: fake.acked == 104)

        drive(store, [fake.url], script)
    with FakeNode(first_seq=0) as fake:
        fake.make(5)
        with pytest.raises(resonode.ProtocolError, match="memory was erased"):
            drive(store, [fake.url], script)
        assert sorted(fake.ring) == [0, 1, 2, 3, 4]


def stored_life(store):
    """Store records 100 to 104 of the first start of fake-1."""
    store.add([("fake-1", decode(samples.features(seq))) for seq in range(100, 105)])


def refused(store, fake, match):
    """Assert that nothing of `fake` is stored or acknowledged."""
    before = [one.record.raw for one in store.query()]

    async def script(gateway):
        await until(lambda: fake.acked > 0)

    with pytest.raises(resonode.ProtocolError, match=match):
        drive(store, [fake.url], script)
    assert [one.record.raw for one in store.query()] == before
    assert fake.acked == -1


def test_another_node_of_the_same_id_is_told_by_the_record_both_have(store):
    stored_life(store)
    with FakeNode(first_seq=100) as fake:
        fake.make(10, lambda seq, epoch: samples.features(seq, rms=7.0))
        refused(store, fake, "record 104 is another")


def test_a_node_with_fewer_starts_than_stored_is_refused(store):
    store.add([("fake-1", decode(samples.features(100, epoch=5)))])
    with FakeNode(first_seq=200) as fake:
        fake.make(3)
        refused(store, fake, "start 5")


def test_a_node_whose_clock_went_back_within_a_start_is_refused(store):
    stored_life(store)
    store.add([("fake-1", decode(samples.features(105, t_us=9000000)))])
    with FakeNode(first_seq=200) as fake:
        fake.t_us = 5000000
        fake.make(3)
        refused(store, fake, "its clock is at 5000000")


def test_the_record_both_have_is_not_counted_twice(store):
    stored_life(store)
    with FakeNode(first_seq=100) as fake:
        fake.make(10)

        async def script(gateway):
            await until(lambda: fake.acked == 109)

        gateway = drive(store, [fake.url], script)
    assert (gateway.nodes[0].received, gateway.nodes[0].conflicts) == (5, 0)
    assert seqs(store) == list(range(100, 110))


def test_numbers_passed_over_at_a_restart_and_missing_records_are_counted_apart(store):
    stored_life(store)
    with FakeNode(first_seq=200) as fake:
        fake.epoch = 2
        fake.make(3)
        fake.next_seq = 210
        fake.make(3)

        async def script(gateway):
            await until(lambda: fake.acked == 212)

        gateway = drive(store, [fake.url], script)
    assert (gateway.nodes[0].lost_or_unused, gateway.nodes[0].missing) == (95, 7)


def test_what_a_node_lost_before_the_first_contact_is_not_missing(store):
    """It goes on overwriting while the gateway connects: that was never this store's."""
    with FakeNode() as fake:
        fake.make(20)
        start = fake._start

        def overwritten_meanwhile(values):
            fake.forget(8)
            return start(values)

        fake._start = overwritten_meanwhile

        async def script(gateway):
            await until(lambda: fake.acked == 19)

        gateway = drive(store, [fake.url], script)
    assert seqs(store) == list(range(8, 20))
    assert (gateway.nodes[0].missing, gateway.nodes[0].lost_or_unused) == (0, 0)


def test_a_reason_that_stays_the_same_is_told_once(store, caplog):
    async def script(gateway):
        await until(lambda: gateway.nodes[0].attempts >= 3)

    with caplog.at_level("WARNING"):
        drive(store, ["serial:/dev/no-such-port"], script, wait=True)
    assert len([one for one in caplog.records if "trying again" in one.message]) == 1


def test_a_conflict_is_counted_for_its_node(store):
    with FakeNode() as fake:
        fake.make(3)

        async def script(gateway):
            await until(lambda: gateway.nodes[0].state == "streaming")
            store.add([("fake-1", decode(samples.features(3, rms=9.0)))])
            fake.make(1)
            await until(lambda: fake.acked == 3)

        gateway = drive(store, [fake.url], script)
        assert gateway.nodes[0].conflicts == 1


def test_a_failing_store_ends_the_gateway_with_its_error_and_acknowledges_nothing(store):
    with FakeNode() as fake:
        fake.make(5)

        def add(batch):
            raise resonode.StoreFull("The disk is full")

        store.add = add

        async def script(gateway):
            await asyncio.sleep(30)

        with pytest.raises(resonode.StoreFull):
            drive(store, [fake.url], script)
        assert fake.acked == -1
        assert len(fake.ring) == 5
