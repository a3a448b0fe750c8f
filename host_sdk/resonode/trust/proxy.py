"""Lets SMP tools that know nothing of sessions work through one: by UDP, or by a serial port.

Whoever can reach the proxy has this user's role on the node, so UDP is on loopback only, where
every user of this computer is; a serial port belongs to this user alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smpclient.transport import SMPTransport

from resonode import files
from resonode.errors import NodeError
from resonode_wire import cbor, smp
from resonode_wire.errors import WireError
from resonode_wire.frame import CONSOLE_SMP, StreamDecoder

logger = logging.getLogger(__name__)

SMP_PORT = 1337  # of SMP over UDP
LOOPBACK = "127.0.0.1"
_WAITING = 16  # requests; more are dropped, as UDP may


class Relay:
    """Passes requests through a transport, each for `timeout_s` at most."""

    def __init__(self, transport: SMPTransport, timeout_s: float = 5.0) -> None:
        self.passed = 0
        self.error: NodeError | None = None
        """Why the session ended."""
        self.ended = asyncio.Event()
        self._transport = transport
        self._timeout_s = timeout_s

    async def answer(self, request: bytes) -> bytes | None:
        """Return the node's reply; None to what is no request, or if it gives none."""
        try:
            op, version, group, sequence, command, _body = smp.unpack(request)
        except WireError as error:
            logger.warning("not an SMP message: %s", error)
            return None
        if op not in (smp.READ, smp.WRITE):
            return None
        if len(request) > self._transport.max_unencoded_size:
            # It would not fit into a sealed one.
            body = cbor.dumps({"rc": smp.RC_TOO_LARGE})
            return smp.pack(op + 1, group, sequence, command, body, version)
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._transport.send_and_receive(request)
        except TimeoutError:
            return None  # the tool asks again
        except NodeError as error:
            self.error = error
            self.ended.set()
            return None
        self.passed += 1
        return bytes(reply)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.arrived: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue(_WAITING)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            self.arrived.put_nowait((data, addr))
        except asyncio.QueueFull:
            logger.warning("a request was dropped: too many wait")


@asynccontextmanager
async def udp_proxy(relay: Relay, port: int = SMP_PORT) -> AsyncIterator[int]:
    """Serve `relay` on UDP, on loopback; yields the port (0 asks for any).

    Raises:
        NodeError: the port is in use.
    """
    loop = asyncio.get_running_loop()
    try:
        endpoint, protocol = await loop.create_datagram_endpoint(
            _Datagrams, local_addr=(LOOPBACK, port)
        )
    except OSError as error:
        raise NodeError(
            f"UDP port {port} cannot be used",
            why=files.plain(error),
            next="Choose another with --udp, or end the program that has it",
        ) from error

    async def serve() -> None:
        while True:
            request, whence = await protocol.arrived.get()
            reply = await relay.answer(request)
            if reply is not None:
                endpoint.sendto(reply, whence)

    serving = asyncio.create_task(serve(), name="udp proxy")
    try:
        yield int(endpoint.get_extra_info("sockname")[1])
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        endpoint.close()


@asynccontextmanager
async def serial_proxy(relay: Relay) -> AsyncIterator[str]:
    """Serve `relay` in SMP's console framing on a pseudo terminal; yields its path.

    Raises:
        NodeError: this system has none (Windows).
    """
    try:
        import pty
        import tty
    except ImportError as error:
        raise NodeError(
            "This system has no pseudo terminals",
            why=str(error),
            next="Use UDP: resonode proxy --udp 1337",
        ) from error
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
    decoder = StreamDecoder()

    def readable() -> None:
        for kind, payload in decoder.feed(os.read(ours, 65536)):
            if kind == CONSOLE_SMP and isinstance(payload, bytes) and not requests.full():
                requests.put_nowait(payload)

    async def serve() -> None:
        while True:
            reply = await relay.answer(await requests.get())
            if reply is not None:
                await _write_all(ours, smp.console_lines(reply))

    loop.add_reader(ours, readable)
    serving = asyncio.create_task(serve(), name="serial proxy")
    try:
        yield os.ttyname(theirs)
    finally:
        loop.remove_reader(ours)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        os.close(ours)
        os.close(theirs)


async def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            await asyncio.sleep(0.005)  # until the tool reads
