"""The label of a new node, read over its port. A node tells it until it hears that it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import smpclient
from smpclient.generics import SMPRequest
from smpclient.transport import SMPTransport

from resonode.errors import CommandError, NotTrusted, Timeout
from resonode.trust.label import Label, typed
from resonode.trust.requests import LabelRead, LabelWrite, SecurityErrorV1, SecurityErrorV2
from resonode.trust.transport import TReply, ask
from resonode_wire import smp

_RESEND_S = 1.0


async def take_label(
    link: SMPTransport, keep: Callable[[Label], None], *, timeout_s: float = 5.0
) -> Label:
    """Read a node's label over an open link, `keep` it, and tell the node that it is kept.

    Args:
        keep: returns when the label is on the disk. If it raises, the node will tell it again.
        timeout_s: of each of the two requests.

    Raises:
        NotTrusted: the node has told its label already, and tells it no more.
        Timeout, ProtocolError, CommandError: after `keep`, too; do it again then.
    """
    client = smpclient.SMPClient(link, "", timeout_s)
    reply = await _ask(client, LabelRead(), timeout_s)
    label = typed(reply.node, reply.fp.hex(), reply.code)
    await asyncio.to_thread(keep, label)
    await _ask(client, LabelWrite(taken=True), timeout_s)
    return label


async def _ask(
    client: smpclient.SMPClient,
    request: SMPRequest[TReply, SecurityErrorV1, SecurityErrorV2],
    timeout_s: float,
) -> TReply:
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    return await ask(client, request, _RESEND_S)
                except TimeoutError:
                    continue  # damaged on the way
    except TimeoutError:
        raise Timeout(
            f"The node did not answer within {timeout_s:g} s",
            next="Check that a node with Resonode firmware is on this port, and do it again",
        ) from None
    except CommandError as error:
        if error.code != smp.RC_ACCESS_DENIED:
            raise
        raise NotTrusted(
            "The node does not tell its label",
            why=error.reason or "it was printed already",
            next="Print it again from the file that was kept: resonode label --from FILE",
        ) from error
