"""smpclient's transport through a session: hello, handshake, then every message sealed.

    link = ResonodeTransport()            # or any other of smpclient's transports
    secure = SecureTransport(link, door)  # `door` says whom to trust, and what to show
    async with SMPClient(secure, "/dev/ttyACM0") as client: ...

What is on the wire stands in WIRE.md, section 4.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import smpclient
from smp import error as smperror
from smp import message as smpmessage
from smpclient.exceptions import SMPClientException
from smpclient.generics import SMPRequest, error_v1, error_v2
from smpclient.requests.os_management import MCUMgrParametersRead
from smpclient.transport import SMPTransport

from resonode.errors import (
    CommandError,
    Disconnected,
    LockedOut,
    NodeError,
    NotTrusted,
    ProtocolError,
    Timeout,
)
from resonode.requests import spoken
from resonode.transport import ResonodeTransport
from resonode.trust.requests import HandshakeWrite, HelloRead, HelloReply
from resonode.trust.session import (
    Expected,
    Handshake,
    Proof,
    SealedChannel,
    SealError,
    psk_of,
)
from resonode_wire import WIRE_VERSION, cbor, security, smp
from resonode_wire.errors import WireError
from resonode_wire.sealing import MESSAGE_OVERHEAD, REKEY_MESSAGES, REKEY_S, sealed_body

logger = logging.getLogger(__name__)

TReply = TypeVar("TReply", bound=smpmessage.ReadResponse | smpmessage.WriteResponse)
TError1 = TypeVar("TError1", bound=smperror.ErrorV1)
TError2 = TypeVar("TError2", bound=smperror.ErrorV2[Any])

_CONSOLE_OVERHEAD = 4  # of a buf_size
# A message of the handshake that was lost is noticed after this time.
_MESSAGE_S = 1.0
# A node lets one handshake rest so long before it begins another.
_BUSY_S = 0.5
# Another handshake is not done, or the node has changed state or restarted meanwhile.
_AGAIN = (smp.RC_BUSY, smp.RC_BAD_STATE)
_NEVER_S = 1e6  # whoever asks has a time limit of his own


class NotLetIn(NotTrusted):
    """The node has proved who it is and refuses what it was shown. `reason`: its own words."""

    def __init__(self, what: str, *, reason: str = "", next: str = "") -> None:
        super().__init__(what, why=reason, next=next)
        self.reason = reason


@dataclass(frozen=True)
class Entry:
    """What a handshake with a node needs."""

    pattern: str
    host_private: bytes
    expected: Expected
    payload: bytes = b""
    """Of message 3: the credential."""
    psk: bytes | None = None


Door = Callable[[HelloReply], Entry]
"""Says from a node's hello, which proves nothing yet, how to open a session with it.

May raise a NodeError: then nothing is sent.
"""


async def ask_hello(link: SMPTransport, url: str, timeout_s: float) -> HelloReply:
    """Ask the node on an open link who it says it is.

    Raises:
        Timeout, Disconnected, ProtocolError
    """
    client = smpclient.SMPClient(link, url, _NEVER_S)
    try:
        async with asyncio.timeout(timeout_s):
            hello = await _hello(client)
    except TimeoutError:
        raise silent(url, timeout_s) from None
    if hello.wire != WIRE_VERSION:
        raise ProtocolError(
            f"Node {hello.node} speaks wire version {hello.wire} (firmware {hello.firmware})",
            why=f"this version of resonode speaks {WIRE_VERSION}",
            next="Its firmware is too old: update it"
            if hello.wire < WIRE_VERSION
            else "This computer's resonode is too old: update it",
        )
    return hello


async def _hello(client: smpclient.SMPClient) -> HelloReply:
    while True:
        try:
            return await ask(client, HelloRead(), _MESSAGE_S)
        except TimeoutError:
            continue  # damaged on the way: asked again, as long as the caller waits
        except CommandError as error:
            raise ProtocolError(
                "The node does not know hello",
                why=f"its firmware is too old ({error.why})",
                next="Update its firmware to the release of this program",
            ) from error


async def is_unclaimed(
    link: SMPTransport, node_id: str, fingerprint: bytes, timeout_s: float
) -> bool:
    """Tell whether a node has no owner; whoever sits on the link cannot make it True.

    hello could say so in anyone's name. A node answers the first message of a commissioning only
    while it has no owner, and its answer proves who it is; the code enters after that.

    Raises:
        NotTrusted: something else answers in its place.
        TransportError, ProtocolError
    """
    client = smpclient.SMPClient(link, "", _NEVER_S)
    secret = secrets.token_bytes(security.KEY)
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        psk = psk_of(node_id, "")
        handshake = Handshake(security.XX_PSK3, secret, Expected(fingerprint), psk)
        try:
            first = HandshakeWrite(p=security.XX_PSK3, m=handshake.first())
            second = (await ask(client, first, _MESSAGE_S)).m
        except TimeoutError:
            continue
        except CommandError as error:
            if error.code != smp.RC_BUSY:
                return False
            await asyncio.sleep(_BUSY_S)
            continue
        handshake.second(second or b"")
        return True
    return False


def silent(url: str, timeout_s: float) -> Timeout:
    """Return what to tell the user of a port on which nothing answers."""
    return Timeout(
        f"Nothing answered on {url} within {timeout_s:g} s",
        why="the port is open, but the node is silent",
        next="A node in light sleep hears nothing until its next capture: let --timeout be longer "
        "than its schedule_period_s. Else check that a node with Resonode firmware is on this "
        "port; a reset costs the records that nobody has taken",
    )


async def ask(
    client: smpclient.SMPClient, request: SMPRequest[TReply, TError1, TError2], timeout_s: float
) -> TReply:
    """Send a request of group 66 and return the answer.

    Raises:
        TimeoutError, CommandError, ProtocolError, TransportError
    """
    name = spoken(type(request))
    try:
        reply = await client.request(request, timeout_s=timeout_s)
    except SMPClientException as error:
        raise ProtocolError(
            f"The answer to {name} cannot be read",
            why=str(error).strip().replace("\n", " "),
            next="Check that it is a Resonode node of this release",
        ) from error
    if error_v1(reply):
        raise _refusal(name, int(reply.rc), reply.rsn or reply.rc.name)
    if error_v2(reply):
        raise _refusal(name, int(reply.err.rc), "")
    return reply


def _refusal(name: str, code: int, reason: str) -> CommandError:
    return CommandError(
        f"The node refused {name}",
        code=code,
        reason=reason,
        next="Try again; if it stays so, reset the node",
    )


class SecureTransport(SMPTransport):
    """A transport whose every message is sealed, over `link`.

    Telemetry of a ResonodeTransport is opened on its way in; what does not open is dropped and
    counted in its `forged`. A new handshake is made before the keys are old, with no request in
    flight and records going on, and once if the node has restarted and knows the session no more.

    Args:
        timeout_s: how long a handshake may take, waiting and repetitions included.
        rekey_messages, rekey_s: age at which new keys are agreed.
        clock: seconds, never going back.

    Attributes:
        hello: the node's, at the last handshake.
        proof: who the node has proved to be.
        role: what the node lets us do, security.ROLE_...
        hash: what names the session, 32 bytes.
        handshakes: how many were made.
    """

    def __init__(
        self,
        link: SMPTransport,
        door: Door,
        *,
        timeout_s: float = 5.0,
        rekey_messages: int = REKEY_MESSAGES,
        rekey_s: float = REKEY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.link = link
        self.hello: HelloReply | None = None
        self.proof: Proof | None = None
        self.role = security.ROLE_ANYONE
        self.hash = b""
        self.handshakes = 0
        self._door = door
        self._timeout_s = timeout_s
        self.rekey_messages = rekey_messages
        self.rekey_s = rekey_s
        self._clock = clock
        self._client = smpclient.SMPClient(link, "", _NEVER_S)
        self._sequence = 0
        self._fingerprint = b""
        self._channel: SealedChannel | None = None
        # Records may come under the new keys before we know that the node took them, and under
        # the old ones after.
        self._coming: SealedChannel | None = None
        self._former: SealedChannel | None = None
        self._began_s = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._opening: asyncio.Task[None] | None = None
        self._over: NodeError | None = None
        if isinstance(link, ResonodeTransport):
            link.open_record = self._open_record

    # --- smpclient's protocol ----------------------------------------------------------------

    async def connect(self, address: str, timeout_s: float) -> None:
        """Open the link and a session on it."""
        await self.link.connect(address, timeout_s)
        # Message 3 is longer than what a link takes that has not been told the node's buffer.
        async with asyncio.timeout(timeout_s):
            parameters = await ask(self._client, MCUMgrParametersRead(), timeout_s)
        self.link.initialize(parameters.buf_size)
        await self.open_session()

    async def disconnect(self) -> None:
        """End the session on this side, and close the link."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        self._channel = self._coming = self._former = None
        await self.link.disconnect()

    async def send(self, data: bytes) -> None:
        """Not used: a sealed message and its reply belong together."""
        raise NotImplementedError("use send_and_receive")

    async def receive(self) -> bytes:
        """Not used: a sealed message and its reply belong together."""
        raise NotImplementedError("use send_and_receive")

    async def send_and_receive(self, data: bytes) -> bytes:
        """Send one SMP message sealed, and return the reply to it.

        Raises:
            Disconnected: the session is over, since a reply was not authentic.
            NotTrusted: the node does not let us in any more.
        """
        async with self._one_at_a_time:
            await self._be_open()
            try:
                return await self._exchange(data)
            except CommandError as error:
                if error.code != smp.RC_ACCESS_DENIED:
                    raise
                logger.info("the node knows our session no more: a new handshake")
            await self._renew()
            return await self._exchange(data)

    def initialize(self, smp_server_transport_buffer_size: int) -> None:
        """Take the node's buffer size as it is inside a session."""
        super().initialize(smp_server_transport_buffer_size)
        self.link.initialize(smp_server_transport_buffer_size + MESSAGE_OVERHEAD)

    @property
    def mtu(self) -> int:
        """Largest SMP message, bytes."""
        return self.link.mtu - MESSAGE_OVERHEAD

    @property
    def max_unencoded_size(self) -> int:
        """Largest SMP message that fits into a sealed one, bytes."""
        size = self._smp_server_transport_buffer_size
        fits = self.link.max_unencoded_size - MESSAGE_OVERHEAD
        return min(size - _CONSOLE_OVERHEAD, fits) if size else fits

    # --- the session -------------------------------------------------------------------------

    async def open_session(self) -> None:
        """Open a session over the link, which is open.

        Raises:
            NotTrusted: the node is not the one expected, or does not let us in (NotLetIn).
            LockedOut: it takes no handshake for longer than `timeout_s`.
            Timeout, Disconnected, ProtocolError
        """
        async with self._one_at_a_time:
            await self._renew()

    async def _be_open(self) -> None:
        if self._over is not None:
            raise self._over
        if self._opening is not None:
            await self._renew()
        elif self._channel is None:
            raise Disconnected("There is no session", next="Open it with open_session()")
        elif self._due():
            await self._renew()

    def _due(self) -> bool:
        assert self._channel is not None
        old = self._clock() - self._began_s >= self.rekey_s
        return old or self._channel.messages >= self.rekey_messages

    async def _renew(self) -> None:
        # In a task of its own: a request that is given up must not leave half a handshake.
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_session(), name="handshake")
        opening = self._opening
        try:
            await asyncio.shield(opening)
        finally:
            if opening.done():
                self._opening = None

    async def _open_session(self) -> None:
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            try:
                async with asyncio.timeout_at(_loop_time(deadline_s)):
                    pause_s = await self._try_handshake(deadline_s)
            except TimeoutError:
                raise Timeout(
                    f"No session could be opened within {self._timeout_s:g} s",
                    why="the node does not finish the handshake",
                    next="Try again; if it stays so, reset the node",
                ) from None
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def _try_handshake(self, deadline_s: float) -> float | None:
        """Return None if a session is open, else how long to wait before the next attempt, s."""
        hello = self.hello = await _hello(self._client)
        entry = self._door(hello)
        self._refuse_another(hello, entry)
        if hello.wait_s > 0:
            _check_wait(hello, deadline_s - time.monotonic())
            logger.warning(
                "node %s takes no attempt for another %d s: waiting",
                hello.node,
                math.ceil(hello.wait_s),
            )
            return float(hello.wait_s)
        handshake = Handshake(entry.pattern, entry.host_private, entry.expected, entry.psk)
        try:
            first = HandshakeWrite(p=entry.pattern, m=handshake.first())
            second = (await ask(self._client, first, _MESSAGE_S)).m
        except TimeoutError:
            return 0.0
        except CommandError as error:
            if error.code in _AGAIN:
                return _BUSY_S
            raise
        if second is None:
            raise ProtocolError(
                "The node's answer to message 1 has no message 2",
                next="Bring node and host to the same release",
            )
        self.proof = handshake.second(second)
        return await self._finish(handshake, entry)

    def _refuse_another(self, hello: HelloReply, entry: Entry) -> None:
        # Also if it is trusted: whoever asks takes what comes for the first node's.
        if self.handshakes and entry.expected.fingerprint != self._fingerprint:
            self._over = NotTrusted(
                f"Node {hello.node} has taken the place of the node this session was opened with",
                why=f"its fingerprint is {entry.expected.fingerprint.hex()}",
                next="Connect again if you have swapped them",
            )
            raise self._over

    async def _finish(self, handshake: Handshake, entry: Entry) -> float | None:
        third = HandshakeWrite(m=handshake.third(entry.payload))
        self._coming = handshake.channel()
        try:
            reply = await ask(self._client, third, _MESSAGE_S)
        except TimeoutError:
            return 0.0  # whether it came through or not: from the beginning
        except CommandError as error:
            if error.code in _AGAIN:
                return _BUSY_S
            raise NotLetIn(
                "The node does not let you in",
                reason=error.reason or f"code {error.code}",
                next="Ask its owner for a credential: resonode credential issue",
            ) from error
        self._former, self._channel, self._coming = self._channel, self._coming, None
        self.role = reply.role if reply.role is not None else security.ROLE_ANYONE
        self.hash = handshake.hash
        self._fingerprint = entry.expected.fingerprint
        self.handshakes += 1
        self._began_s = self._clock()
        return None

    async def _exchange(self, data: bytes) -> bytes:
        # Without smpclient's models: this is on the way of every message.
        assert self._channel is not None
        self._sequence = (self._sequence + 1) & 0xFF
        try:
            counter, text = self._channel.seal(data)
            head = (smp.WRITE, smp.GROUP_SECURITY, self._sequence, smp.SEC_SEALED)
            body, at = sealed_body(counter, len(text))
            body[at : at + len(text)] = text
            request = smp.pack(*head, body)
            reply = await self.link.send_and_receive(request)
            message = self._channel.open(*_sealed_in(reply, request))
            if _names(message) != _names(data):
                raise SealError("it is the answer to something else")
        except (SealError, WireError) as error:
            self._over = Disconnected(
                "The session is over",
                why=f"the node's reply cannot be trusted: {error}",
                next="Connect again. If it happens again, somebody may be tampering with the link",
            )
            raise self._over from error
        return message

    def _open_record(self, payload: bytes) -> bytes | None:
        for channel in (self._channel, self._coming, self._former):
            if channel is not None:
                with contextlib.suppress(SealError):
                    return channel.open_record(payload)
        return None


def _loop_time(deadline_s: float) -> float:
    return asyncio.get_running_loop().time() + deadline_s - time.monotonic()


def _check_wait(hello: HelloReply, left_s: float) -> None:
    if hello.wait_s > left_s:
        raise LockedOut(
            f"Node {hello.node} takes no attempt for another {math.ceil(hello.wait_s)} s",
            why="it has refused several in a row, and waits twice as long after each",
            next="Leave it on its power for so long, since a restart begins the wait again; then "
            "try again, with the code read anew if it was a code. --timeout "
            f"{math.ceil(hello.wait_s) + 5} waits by itself",
        )


def _sealed_in(reply: bytes, request: bytes) -> tuple[int, bytes]:
    """Return counter and sealed text of a reply.

    Raises:
        SealError: it has none.
        CommandError: the node refused.
    """
    if _names(reply) != _names(request):
        raise SealError("it is of another number")
    body = cbor.loads(smp.unpack(reply)[5])
    values = body if isinstance(body, dict) else {}
    if "n" not in values and isinstance(values.get("rc"), int):
        raise _refusal("a sealed message", values["rc"], str(values.get("rsn", "")))
    counter, text = values.get("n"), values.get("d")
    if not isinstance(counter, int) or not isinstance(text, bytes):
        raise SealError("it is no sealed message")
    return counter, text


def _names(message: bytes) -> tuple[int, int, int]:
    """Return what request and reply have in common: group, sequence, command."""
    _op, _version, group, sequence, command, _body = smp.unpack(message)
    return group, sequence, command
