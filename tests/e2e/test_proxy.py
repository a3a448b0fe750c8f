"""SMP tools that know nothing of sessions: refused at a closed node, at home behind the proxy."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import smpclient
from smpclient.generics import success
from smpclient.requests.os_management import EchoWrite
from smpclient.transport.serial import SMPSerialTransport

import resonode
from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.proxy import Relay, udp_proxy
from resonode.trust.transport import SecureTransport
from resonode_hil.timebase import Paced
from resonode_wire import cbor, smp
from resonode_wire.sealing import MESSAGE_OVERHEAD

from .conftest import Rig, RigFactory, run
from .toolkit_user import LONGEST

BIN = Path(sys.executable).parent


@contextmanager
def proxy(rig: Rig, *options: str) -> Iterator[dict[str, Any]]:
    """`resonode proxy` in a process of its own; yields where it listens."""
    command = [str(BIN / "resonode"), "proxy", "--port", rig.port, "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, f"the proxy ended: {text}"
            text += line
        try:
            yield json.loads(text)
        finally:
            process.terminate()
            process.wait(10)


def smpmgr(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "smpmgr"), "--timeout", "5", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def toolkit(kind: str, where: str) -> dict[str, Any]:
    """What mcumgr-toolkit gets, by the name of the call: see toolkit_user.py."""
    command = [sys.executable, str(Path(__file__).with_name("toolkit_user.py")), kind, where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(done.stdout))


def test_before_authentication_smpmgr_gets_an_echo_and_nothing_else(rig: RigFactory) -> None:
    one = rig(timebase=Paced())
    assert "hello node" in smpmgr("--port", one.board.port, "os", "echo", "hello node").stdout
    for command in (("statistics", "get", "windows"), ("os", "reset")):
        done = smpmgr("--port", one.board.port, *command)
        assert "EACCESSDENIED" in done.stdout + done.stderr
    assert one.board.restarts == 0


def test_before_authentication_mcumgr_toolkit_gets_an_echo_and_nothing_else(
    rig: RigFactory,
) -> None:
    got = toolkit("serial", rig(timebase=Paced()).board.port)
    assert (got.pop("echo"), got.pop("long echo")) == ("hello", LONGEST)
    assert got.pop("parameters") == smp.MAX_MESSAGE + 4  # which says nothing about the node
    assert len(got) == 5
    for name, told in got.items():
        assert "EACCESSDENIED" in told, name


def test_smpmgr_works_through_the_proxy(rig: RigFactory) -> None:
    one = rig(timebase=Paced())
    # smpmgr has no option for another port than 1337.
    with proxy(one, "--udp", "1337"):
        assert "hello" in smpmgr("--ip", "127.0.0.1", "os", "echo", "hello").stdout
        assert "analysed" in smpmgr("--ip", "127.0.0.1", "statistics", "get", "windows").stdout
        done = smpmgr("--ip", "127.0.0.1", "os", "reset")
        assert done.returncode == 0, done.stdout + done.stderr
        while one.board.restarts == 0:
            time.sleep(0.02)
        # The proxy opens a new session with the node that has forgotten the old one.
        assert "again" in smpmgr("--ip", "127.0.0.1", "os", "echo", "again").stdout
        assert "analysed" in smpmgr("--ip", "127.0.0.1", "statistics", "get", "windows").stdout


def test_mcumgr_toolkit_works_through_the_proxy_by_udp_and_serial(rig: RigFactory) -> None:
    one = rig(timebase=Paced())
    with proxy(one, "--udp", "0", "--serial") as places:
        for kind, where in (
            ("udp", places["udp"].partition(":")[2]),
            ("serial", places["serial"]),
        ):
            got = toolkit(kind, where)
            assert (got["echo"], got["long echo"]) == ("hello", LONGEST)
            assert got["parameters"] == smp.MAX_MESSAGE + 4 - MESSAGE_OVERHEAD
            assert "closed profile" in got["info"]
            assert {"measure", "receive"} <= set(got["tasks"])
            assert {"windows", "records", "link"} <= set(got["groups"])
            assert got["windows"]["acquired"] >= 0
            assert got["date"] >= 2024  # the claim has set it


def test_what_a_proxy_gets_that_is_no_request_is_dropped_and_what_is_too_long_refused(
    rig: RigFactory,
) -> None:
    async def scenario() -> None:
        async with resonode.connect(one.port) as node:
            assert node.session is not None
            relay = Relay(node.session)
            for junk in (b"", b"x", bytes(7), bytes(300), b"\x0b" + bytes(7)):
                assert await relay.answer(junk) is None
            body = cbor.dumps({"d": "x" * 2000})
            long = smp.pack(smp.WRITE, smp.GROUP_OS, 9, smp.OS_ECHO, body)
            reply = await relay.answer(long)
            assert cbor.loads(smp.unpack(reply)[5]) == {"rc": smp.RC_TOO_LARGE}
            async with udp_proxy(relay, 0) as port:
                with pytest.raises(resonode.NodeError, match="cannot be used"):
                    async with udp_proxy(relay, port):
                        pass
            assert relay.error is None

    one = rig(timebase=Paced())
    run(scenario())


def test_an_unmodified_client_uses_any_transport_through_a_session(rig: RigFactory) -> None:
    async def scenario() -> None:
        for link in (SMPSerialTransport(), ResonodeTransport()):
            secure = SecureTransport(link, Trust().door)
            async with smpclient.SMPClient(secure, one.board.port, timeout_s=5) as client:
                # As long as fits: the reply is as long as the request.
                room = secure.max_unencoded_size - smp.HEADER_SIZE - len(cbor.dumps({"d": ""})) - 2
                for size in (0, 1, room - 1, room):
                    reply = await client.request(EchoWrite(d="x" * size))
                    assert success(reply) and reply.r == "x" * size
                await asyncio.sleep(0)

    one = rig(timebase=Paced())
    run(scenario())
