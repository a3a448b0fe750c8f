"""Standard SMP tools, unmodified, on a node that is measuring."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from smpclient import SMPClient
from smpclient.generics import success
from smpclient.requests.enumeration_management import ListSupportedGroups
from smpclient.requests.os_management import (
    DateTimeRead,
    DateTimeWrite,
    EchoWrite,
    MCUMgrParametersRead,
    OSApplicationInfoRead,
    TaskStatisticsRead,
)
from smpclient.requests.statistics_management import GroupData, ListOfGroups
from smpclient.transport.serial import SMPSerialTransport

import resonode
from resonode_hil.timebase import Paced
from resonode_wire.smp import GROUP_NODE

from .conftest import Rig, RigFactory, run

SMPMGR = Path(sys.executable).with_name("smpmgr")


def smpmgr(rig: Rig, *arguments: str) -> str:
    command = [str(SMPMGR), "--port", rig.board.port, "--timeout", "5", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_smpmgr_echoes_resets_and_reads_statistics_while_the_node_measures(
    rig: RigFactory,
) -> None:
    one = rig(timebase=Paced(), profile="open")
    assert "hello node" in smpmgr(one, "os", "echo", "hello node")
    assert "analysed" in smpmgr(one, "statistics", "get", "windows")
    assert "EBADSTATE" not in smpmgr(one, "os", "reset")
    deadline_s = time.monotonic() + 20
    while one.board.restarts == 0 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert one.board.restarts == 1
    assert "still here" in smpmgr(one, "os", "echo", "still here")
    info = run(_info(one))
    assert info.epoch == 2 and info.profile == "open"


async def _info(rig: Rig) -> resonode.NodeInfo:
    async with resonode.connect(rig.port) as node:
        return await node.info()


def test_standard_client_reads_everything_standard(rig: RigFactory) -> None:
    async def scenario() -> None:
        transport = SMPSerialTransport()
        async with SMPClient(transport, one.board.port, timeout_s=5) as client:

            async def ask(request: Any) -> Any:
                answer = await client.request(request)
                assert success(answer), answer
                return answer

            parameters = await ask(MCUMgrParametersRead())
            longest = "x" * (parameters.buf_size - 4 - 8 - 8)
            assert (await ask(EchoWrite(d=longest))).r == longest
            info = await ask(OSApplicationInfoRead(format="a"))
            assert "open profile" in info.output and "VIRTUAL" in info.output
            await ask(DateTimeWrite(datetime="2031-02-03T04:05:06"))
            assert (await ask(DateTimeRead())).datetime.startswith("2031-02-03T04:05:")
            tasks = (await ask(TaskStatisticsRead())).tasks
            assert set(tasks) == {
                *("air", "beacon", "look", "measure", "receive", "sleep", "time", "transmit")
            }
            assert all(task.state == 1 for task in tasks.values())
            groups = (await ask(ListOfGroups())).stat_list
            assert {"windows", "records", "link"} <= set(groups)
            assert (await ask(GroupData(name="windows"))).fields["acquired"] >= 0
            assert GROUP_NODE in (await ask(ListSupportedGroups())).groups

    one = rig(timebase=Paced(), profile="open")
    run(scenario())


def test_telemetry_stops_when_a_standard_tool_takes_over_the_port(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            stream = node.records()
            await anext(stream)
            # The host dies: the link closes without a word.
            await node.transport.disconnect()

    one = rig(timebase=Paced(), profile="open")
    run(scenario())
    for _ in range(3):
        assert "hello" in smpmgr(one, "os", "echo", "hello")


def test_a_restart_on_purpose_loses_no_record_of_a_host_that_is_there(
    rig: RigFactory, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with resonode.Store(tmp_path / "store.db") as store:
            gateway = resonode.Gateway(store, [one.port])
            running = asyncio.create_task(gateway.run())
            while store.count() < 200:
                await asyncio.sleep(0.02)
            assert gateway.nodes[0].connection is not None
            await gateway.nodes[0].connection.reset()
            while len({one.record.epoch for one in store.query("boot")}) < 2:
                await asyncio.sleep(0.05)
            gateway.stop()
            await running
            numbers = [one.record.seq for one in store.query()]
            assert numbers == list(range(len(numbers)))
            # A disk that is slow to commit may make the last acknowledgement late: then the
            # node declares records lost which are stored, and never the other way round.
            for one_loss in store.query("loss"):
                assert isinstance(one_loss.record, resonode.Loss)
                assert one_loss.record.first_seq in numbers

    one = rig(timebase=Paced())
    run(scenario())


def test_what_a_restart_on_purpose_costs_without_a_host_is_declared(rig: RigFactory) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            stream = node.records()
            boot = await anext(stream)
            loss = await anext(stream)
        assert isinstance(boot, resonode.Boot) and boot.epoch == 2
        assert isinstance(loss, resonode.Loss) and loss.reason_name == "restart"
        assert loss.first_seq == 0 and loss.lost_records == boot.seq

    one = rig(timebase=Paced(), profile="open")
    time.sleep(0.5)
    smpmgr(one, "os", "reset")
    while not one.board.restarts:
        time.sleep(0.02)
    run(scenario())


def test_records_go_on_after_a_reset_with_numbers_that_never_repeat(rig: RigFactory) -> None:
    async def some(count: int) -> list[tuple[int, int]]:
        seen = []
        async with resonode.connect(one.port) as node:
            async for record in node.records():
                seen.append((record.epoch, record.seq))
                await node.ack(record.seq)
                if len(seen) == count:
                    break
            await node.reset()
        return seen

    async def scenario() -> list[tuple[int, int]]:
        seen = []
        for life in range(3):
            while one.board.restarts < life:
                await asyncio.sleep(0.02)
            seen += await some(50)
        return seen

    one = rig(timebase=Paced())
    seen = run(scenario())
    numbers = [seq for _, seq in seen]
    assert len(set(numbers)) == len(numbers) and numbers == sorted(numbers)
    assert {epoch for epoch, _ in seen} == {1, 2, 3}
