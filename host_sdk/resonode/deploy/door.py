"""How to come to a board's prompt: by its owner's word if it has one, else by knocking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from resonode.deploy.prompt import Prompt, is_open
from resonode.errors import ProtocolError, Timeout
from resonode.node import connect
from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.owner import console
from resonode.trust.requests import HelloReply
from resonode.trust.transport import ask_hello

_HELLO_S = 1.0
_SESSION_S = 10.0  # a node may let somebody else's handshake end first


def open_prompt(port: str, trust: Trust, timeout_s: float, on_wait: Callable[[], None]) -> Prompt:
    """Return a board's prompt, to be entered by `with`.

    A node that has an owner is asked through a session; any other board is knocked at, and
    somebody may have to press its reset button: `on_wait` says when.

    Raises:
        NotTrusted: the node has an owner, and does not let us in.
        CommandError: it lets us in, but not as its owner.
        TransportError
    """
    if is_open(port):
        return Prompt(port, timeout_s)
    hello = asyncio.run(_hello(port))
    if hello is None or not hello.claimed:
        return Prompt(port, timeout_s, on_wait)
    asyncio.run(_ask_for_prompt(port, trust))
    return Prompt(port, timeout_s)


async def _hello(port: str) -> HelloReply | None:
    link = ResonodeTransport()
    try:
        await link.connect(port, _HELLO_S)
        return await ask_hello(link, port, _HELLO_S)
    except (Timeout, ProtocolError):
        return None
    finally:
        await link.disconnect()


async def _ask_for_prompt(port: str, trust: Trust) -> None:
    async with connect(port, timeout_s=_SESSION_S, trust=trust) as node:
        await console(node, trust)
