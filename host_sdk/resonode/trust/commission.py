"""Commissioning: a node that nobody owns becomes this user's, by the code on its label.

Each step may be the last one before a power cut, and doing it all again finishes what was begun:
the node stores whose it is whole or not at all, and the site file is written last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import smpclient

from resonode import settings
from resonode.errors import Claimed, CommandError, NodeError, NotTrusted, Timeout
from resonode.link import DEFAULT_BAUD
from resonode.node import Node
from resonode.records import Record
from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.acts import audited, check, failed
from resonode.trust.requests import AccessRead, ClaimWrite, HelloReply, IdentifyWrite
from resonode.trust.session import Expected, psk_of
from resonode.trust.site import RELEASED, NodeEntry
from resonode.trust.transport import Entry, NotLetIn, SecureTransport, ask, ask_hello
from resonode_wire import security

if TYPE_CHECKING:
    from resonode.trust.label import Label

_RECORD_S = 10.0
_NEW_RECORD_S = 5.0  # of a node that keeps none; windows take less, pauses may take more


# Acts of the audit log, beside `claim`: a code that the node refused, and what a later run finished
# or changed in the site file.
ATTEMPT, RECOMMISSION = "attempt", "recommission"


@dataclass(frozen=True)
class Commissioned:
    """A node that is this user's now."""

    entry: NodeEntry
    first: Record | None
    """The first record that came sealed; None if the node keeps none and makes none so soon."""
    claimed: bool
    """Whether it was claimed now; False if it was this user's already."""
    seconds: float


class LabelDoor:
    """Lets in by a label's code, and again by the owner's credential once the node is ours."""

    def __init__(self, trust: Trust, label: Label) -> None:
        self.hello: HelloReply | None = None
        self._trust = trust
        self._label = label

    def check_open(self, hello: HelloReply) -> None:
        """A node that asks for no key has no owner, ever."""
        raise NodeError(
            f"Node {hello.node} is of the open profile",
            why="it asks nobody for a key, so it has no owner",
            next="Start it as a closed one",
        )

    def door(self, hello: HelloReply) -> Entry:
        """Return how to open a session with the node of the label.

        Raises:
            NotTrusted: another node is there.
            Claimed: the node has another owner.
        """
        label, trust = self._label, self._trust
        self.hello = hello
        if hello.fp != label.fingerprint or hello.node != label.node:
            raise NotTrusted(
                f"The label is not this node's: it is of {label.node}",
                why=f"node {hello.node} is on this port, of fingerprint {hello.fp.hex()}, and the "
                f"label says {label.fingerprint.hex()}",
                next="Find the label that belongs to the node, or the port that belongs to the "
                "label: resonode node identify makes a node blink",
            )
        _check_site(trust, label)
        if not hello.claimed:
            psk = psk_of(label.node, label.code)
            host_private = trust.keys.host_private_bytes()
            return Entry(security.XX_PSK3, host_private, Expected(label.fingerprint), psk=psk)
        if not trust.owns(hello):
            raise Claimed(
                f"Node {hello.node} has an owner already",
                why=f"owner {(hello.owner or b'').hex()}, and you are {_our(trust)}",
                next="If that is you, restore that key: resonode keys restore. Else ask the owner "
                "to let go of it (resonode node transfer), or hold the node's button for 5 s "
                "while it starts: then its label is good again",
            )
        return trust.own_entry(hello)

    def settle(self, session: SecureTransport) -> None:
        """The site file is written at the end."""


async def commission(
    url: str,
    label: Label,
    *,
    config: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    timeout_s: float = 10.0,
    baud: int = DEFAULT_BAUD,
) -> Commissioned:
    """Make the node at `url` this user's. A second time it finishes what is not done yet.

    Args:
        label: the node's, with what the site file is to say of it.
        config: settings to begin with; the node takes all of them or none.

    Raises:
        NotTrusted: it is another node than the label's, or the code is wrong.
        Claimed: it has another owner.
        LockedOut: too many wrong codes were tried.
        ClockUntrusted: this computer's clock cannot be right.
        VerifyFailed: the audit log was changed.
        CommandError: it refuses the configuration; it is this user's by then, and in the site file.
        NodeError: it has no such setting; a node that was nobody's still is.
        TransportError, ProtocolError, StoreError
    """
    trust = trust or Trust()
    started_s = time.monotonic()
    await asyncio.to_thread(check, trust.audit)
    door = LabelDoor(trust, label)
    try:
        async with Node(url, timeout_s=timeout_s, baud=baud, trust=door) as node:
            assert node.session is not None and door.hello is not None
            ours_before = door.hello.claimed
            if config:
                settings.check(config, await node.config())
            if not ours_before:
                await _claim(node, trust, label)
            refused = await _configure(node, config) if config else None
            first = await _first_record(node)
            entry = await _entry(node, trust, label, ours_before)
    except NotLetIn as error:
        if door.hello is None or door.hello.claimed:
            raise
        wrong = _wrong_code(label, error)
        detail = _detail(label, url)
        await asyncio.to_thread(failed, trust.audit, ATTEMPT, label.node, detail, wrong)
        raise wrong from error
    # Last: a node that is in the file needs nothing more.
    if ours_before:
        async with audited(trust.audit, RECOMMISSION, label.node, _detail(label, url)):
            await asyncio.to_thread(trust.site.put, entry)
    else:
        await asyncio.to_thread(trust.site.put, entry)
    if refused is not None:
        raise refused
    return Commissioned(entry, first, not ours_before, time.monotonic() - started_s)


def _check_site(trust: Trust, label: Label) -> None:
    known = trust.site.find(label.node)
    if known is None or known.fingerprint in ("", label.fingerprint.hex()):
        return
    raise NotTrusted(
        f"The site file knows node {label.node} by another key",
        why=f"fingerprint {known.fingerprint}, and the label says {label.fingerprint.hex()}",
        next=f"If the node's board was replaced, take its entry out of {trust.site.path}",
    )


async def _claim(node: Node, trust: Trust, label: Label) -> None:
    assert node.session is not None
    keys = trust.keys
    statement = security.claim_statement(node.session.hash, label.fingerprint)
    request = ClaimWrite(owner=keys.owner_public, sig=keys.sign(statement), time_s=int(time.time()))
    async with audited(trust.audit, "claim", label.node, _detail(label, node.url)):
        try:
            await node.request(request)
        except (CommandError, Timeout):
            # Its answer may have been lost on the way, after it was done.
            access = await node.request(AccessRead())
            if access.owner != keys.owner_fingerprint:
                raise


def _detail(label: Label, url: str) -> dict[str, Any]:
    return {"fingerprint": label.fingerprint.hex(), "url": url}


async def _configure(node: Node, config: Mapping[str, Any]) -> CommandError | None:
    """Return why the node took no setting. It is ours all the same."""
    try:
        await node.configure(config)
    except CommandError as error:
        return CommandError(
            "The node is yours, but took none of the settings",
            code=error.code,
            reason=error.reason,
            next="Correct them, and give them to it: resonode node config apply FILE",
        )
    return None


async def _first_record(node: Node) -> Record | None:
    info = await node.info()
    keeps = info.first != info.next
    if not keeps and not (await node.config())["run"]:
        return None
    timeout_s = _RECORD_S if keeps else _NEW_RECORD_S
    stream = node.records(from_seq=info.first, timeout_s=timeout_s)
    try:
        return await anext(stream)
    except Timeout:
        if keeps:
            raise
        return None
    finally:
        await stream.aclose()


async def _entry(node: Node, trust: Trust, label: Label, ours_before: bool) -> NodeEntry:
    assert node.session is not None and node.session.proof is not None
    info = await node.info()
    access = await node.request(AccessRead())
    before = trust.site.find(info.node)
    proof = node.session.proof
    still = ours_before and before is not None and before.state != RELEASED
    since = before.commissioned_at if before is not None and still else ""
    return NodeEntry(
        id=info.node,
        name=label.name or (before.name if before else ""),
        location=label.location or (before.location if before else ""),
        machine=label.machine or (before.machine if before else ""),
        bearing=label.bearing or (before.bearing if before else ""),
        firmware=info.firmware,
        fingerprint=proof.fingerprint.hex(),
        signing_key=proof.signing_key.hex(),
        generation=access.generation,
        epoch=access.epoch,
        url=node.url,
        commissioned_by=access.owner.hex(),
        commissioned_at=since or _now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _wrong_code(label: Label, error: NotLetIn) -> NodeError:
    return NotTrusted(
        f"The code is not that of node {label.node}",
        why=error.reason.removesuffix(", wait 0 s"),
        next="Read the code on the label again, and wait if the node says so: when no try is left "
        "it takes no code from anybody for 1 s, after each further wrong one for twice as long, "
        "up to 64 s. A restart begins the wait again; the right code ends it",
    )


def _our(trust: Trust) -> str:
    return trust.keys.owner_fingerprint.hex() if trust.keys.has_owner else "no owner yet"


def is_done(trust: Trust, label: Label) -> bool:
    """Tell whether the site file has the node of a label already."""
    known = trust.site.by_fingerprint(label.fingerprint)
    return known is not None and known.id == label.node and known.state != RELEASED


async def identify(
    url: str, *, seconds: int, timeout_s: float = 5.0, trust: Trust | None = None
) -> str:
    """Let the node at `url` blink, and return its id. A new node does it for anybody.

    Raises:
        NotTrusted, TransportError, ProtocolError, CommandError
    """
    link = ResonodeTransport()
    await link.connect(url, timeout_s)
    try:
        hello = await ask_hello(link, url, timeout_s)
        if not hello.claimed:
            client = smpclient.SMPClient(link, url, timeout_s)
            await ask(client, IdentifyWrite(seconds=seconds), timeout_s)
            return hello.node
    except TimeoutError:
        raise Timeout(
            f"The node on {url} did not answer within {timeout_s:g} s",
            next="Try again, or reset it",
        ) from None
    finally:
        await link.disconnect()
    async with Node(url, timeout_s=timeout_s, trust=trust) as node:
        await node.request(IdentifyWrite(seconds=seconds))
    return hello.node
