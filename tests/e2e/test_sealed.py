"""Sealed sessions while records stream: nothing lost, nothing twice, nothing forged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import resonode
from resonode.trust import credentials
from resonode.trust.access import Trust
from resonode.trust.owner import revoke, rotate
from resonode.trust.transport import SecureTransport
from resonode_hil.commissioning import own_trust
from resonode_hil.timebase import Lockstep, Paced
from resonode_wire import cbor, security, smp
from resonode_wire.frame import CHANNEL_TELEMETRY, encode_frame

from .conftest import RigFactory, Wire, run

RECORDS = 600
# Of a frame, sealed less plain.
OVERHEAD_LIMIT_BYTES = 25


async def take(node: resonode.Node, count: int) -> list[resonode.Record]:
    """The next records, acknowledged as they come."""
    found = []
    async for record in node.records():
        found.append(record)
        if len(found) % 20 == 0:
            await node.ack(record.seq)
        if len(found) == count:
            return found
    raise AssertionError("the stream ended")


def session_of(node: resonode.Node) -> SecureTransport:
    assert node.session is not None
    return node.session


def test_a_sealed_record_costs_at_most_25_bytes_on_the_wire(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            open_it = node.transport.open_record
            costs = []

            def measured(payload: bytes) -> bytes | None:
                record = open_it(payload)
                sealed = encode_frame(CHANNEL_TELEMETRY, payload)
                costs.append(len(sealed) - len(encode_frame(CHANNEL_TELEMETRY, record)))
                return record

            node.transport.open_record = measured
            await take(node, 300)
            # COBS adds a byte every 254, so what a frame costs differs by one or two.
            assert len(costs) >= 300 and max(costs) <= OVERHEAD_LIMIT_BYTES

    one = rig(timebase=Lockstep())
    run(scenario())


@pytest.mark.parametrize("by", ["messages", "time"])
def test_new_keys_again_and_again_cost_no_record(rig: RigFactory, by: str) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            session = session_of(node)
            if by == "messages":
                session.rekey_messages = 25
            else:
                session.rekey_s = 0.02
            records = await take(node, RECORDS)
            numbers = [record.seq for record in records]
            assert numbers == list(range(numbers[0], numbers[0] + RECORDS))
            assert session.handshakes >= 5
            assert node.transport.forged == 0
            stream = node.records(from_seq=numbers[-1] + 1)
            assert (await anext(stream)).seq == numbers[-1] + 1

    one = rig(timebase=Lockstep())
    run(scenario())


def test_requests_of_several_tasks_wait_for_new_keys_and_none_is_lost(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            session = session_of(node)
            session.rekey_messages = 3
            texts = [f"text {number}" for number in range(60)]
            assert await asyncio.gather(*(node.echo(text) for text in texts)) == texts
            assert session.handshakes >= 15

    one = rig(timebase=Paced())
    run(scenario())


def test_a_request_given_up_within_a_handshake_leaves_no_half_of_it(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            session = session_of(node)
            for delay_s in (0.0, 0.0005, 0.001, 0.002, 0.004):
                session.rekey_messages = 0
                asking = asyncio.create_task(node.echo("given up"))
                await asyncio.sleep(delay_s)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                session.rekey_messages = 1 << 20
                assert await node.echo("and on") == "and on"

    one = rig(timebase=Paced())
    run(scenario())


@pytest.mark.parametrize(("message", "lost"), [(1, "reply"), (3, "request"), (3, "reply")])
def test_a_handshake_goes_on_over_a_message_that_was_lost(
    rig: RigFactory, message: int, lost: str
) -> None:
    async def scenario() -> None:
        wire = Wire()
        await wire.connect(one.port, 5)
        spoiled = 0

        async def forward(data: bytes) -> bytes:
            nonlocal spoiled
            _op, _version, group, _seq, command, body = smp.unpack(data)
            is_handshake = (group, command) == (smp.GROUP_SECURITY, smp.SEC_HANDSHAKE)
            if is_handshake and not spoiled and ("p" in cbor.loads(body)) == (message == 1):
                spoiled += 1
                if lost == "reply":
                    await wire.node(data)
                await asyncio.Event().wait()  # nothing ever comes
            return await wire.node(data)

        wire.forward = forward
        session = SecureTransport(wire, Trust().door)
        try:
            await session.open_session()
            assert spoiled == 1 and session.handshakes == 1
            echo = smp.pack(smp.WRITE, smp.GROUP_OS, 1, smp.OS_ECHO, cbor.dumps({"d": "x"}))
            assert cbor.loads(smp.unpack(await session.send_and_receive(echo))[5]) == {"r": "x"}
        finally:
            await session.disconnect()

    one = rig(timebase=Paced())
    run(scenario())


def test_forged_and_plain_records_are_dropped_counted_and_asked_for_again(
    rig: RigFactory,
) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            open_it = node.transport.open_record
            count = 0
            kept: list[bytes] = []

            def spoiled(payload: bytes) -> bytes | None:
                nonlocal count
                count += 1
                if count % 50 == 0:  # changed on its way, though its CRC is right
                    return open_it(payload[:-1] + bytes([payload[-1] ^ 1]))
                record = open_it(payload)
                if count % 50 == 1 and record is not None:
                    kept.append(payload)
                    kept.append(record)  # plain, as an open node would send it
                return record

            node.transport.open_record = spoiled
            records = await take(node, 200)
            numbers = [record.seq for record in records]
            assert numbers == list(range(numbers[0], numbers[0] + 200))
            node.transport.open_record = open_it
            forged = node.transport.forged
            assert forged >= 4
            waiting = node.transport.telemetry_waiting
            for payload in kept:  # each again, and plain
                node.transport._take_record(payload)
            assert node.transport.forged == forged + len(kept)
            assert node.transport.telemetry_waiting == waiting

    one = rig(timebase=Lockstep())
    run(scenario())


def test_a_node_that_restarts_is_let_in_again_within_the_same_stream(
    rig: RigFactory,
) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            stream = node.records()
            epochs = set()
            async for record in stream:
                await node.ack(record.seq)
                if record.epoch == 1 and record.seq == 50:
                    one.board.kill()
                    one.board.start()
                epochs.add(record.epoch)
                if record.epoch == 2 and isinstance(record, resonode.Features):
                    break
            assert epochs == {1, 2}
            assert session_of(node).handshakes == 2
            assert node.transport.forged == 0

    one = rig(timebase=Paced(), may_crash=True)
    run(scenario())


def test_a_gateway_that_was_revoked_asks_no_more_even_if_told_to_wait(
    rig: RigFactory, tmp_path: Path
) -> None:
    async def scenario() -> None:
        ours, other = Trust(), own_trust(tmp_path / "gateway")
        (entry,) = ours.site.nodes()
        host_key, fingerprint = other.keys.host_public, bytes.fromhex(entry.fingerprint)
        terms = (ours.keys, host_key, security.ROLE_OPERATOR)
        packed = credentials.issue(*terms, epoch=1, node=fingerprint)
        given = credentials.read(credentials.show(packed, ours.keys.owner_public), "it")
        credentials.save(other.home, given, host_key)
        with resonode.Store(tmp_path / "store.db") as store:
            gateway = resonode.Gateway(store, [one.port], trust=other)
            running = asyncio.create_task(gateway.run())
            while store.count() < 50:
                await asyncio.sleep(0.02)
            gateway.stop()
            await running
            async with resonode.connect(one.port, trust=ours) as node:
                await revoke(node, ours, deny=(host_key,))
            gateway = resonode.Gateway(store, [one.port], trust=other, wait=True)
            with pytest.raises(resonode.NotTrusted, match="this host was revoked"):
                await gateway.run()
            assert gateway.nodes[0].attempts == 1

    one = rig(timebase=Paced())
    run(scenario())


def test_an_older_static_key_is_refused_after_a_rotation(rig: RigFactory) -> None:
    async def scenario() -> None:
        trust = Trust()
        async with resonode.connect(one.port) as node:
            assert (await rotate(node, trust)).generation == 2
        async with resonode.connect(one.port) as node:
            assert session_of(node).proof.generation == 2
        (entry,) = trust.site.nodes()
        # As if the node had a newer key by now: the one it shows is an old one.
        trust.site.put(replace(entry, generation=3))
        with pytest.raises(resonode.NotTrusted, match="generation 3 has replaced"):
            async with resonode.connect(one.port):
                pass
        # And what another computer has done is taken note of.
        trust.site.put(replace(entry, generation=1))
        async with resonode.connect(one.port):
            pass
        assert trust.site.nodes()[0].generation == 2

    one = rig(timebase=Paced())
    run(scenario())
