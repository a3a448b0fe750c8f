"""Makes a virtual board somebody's, the way a real one becomes it: label, code, claim."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import smpclient
from smpclient.generics import success

from resonode.transport import ResonodeTransport
from resonode.trust.access import Trust
from resonode.trust.commission import Commissioned, commission
from resonode.trust.keys import Keys
from resonode.trust.label import Label
from resonode.trust.requests import LabelRead
from resonode.trust.transport import ask_hello
from resonode_hil.board import VirtualBoard

_PATIENCE_S = 10.0


def url_of(board: VirtualBoard) -> str:
    """Return the URL of a board's serial port."""
    return f"serial:{board.port}"


async def read_label(board: VirtualBoard) -> Label | None:
    """Return the label of a new board; None once it was claimed, or its label taken."""
    link = ResonodeTransport()
    await link.connect(url_of(board), _PATIENCE_S)
    try:
        client = smpclient.SMPClient(link, url_of(board), _PATIENCE_S)
        await ask_hello(link, url_of(board), _PATIENCE_S)  # it has started
        told = await client.request(LabelRead())
    finally:
        await link.disconnect()
    return Label(told.node, told.fp, told.code, url=url_of(board)) if success(told) else None


async def own(
    board: VirtualBoard, trust: Trust | None = None, config: Mapping[str, Any] | None = None
) -> Commissioned | None:
    """Commission a new board; None if it was claimed before, or its label taken.

    Raises:
        NodeError: it cannot be commissioned.
    """
    label = await read_label(board)
    if label is None:
        return None
    return await commission(url_of(board), label, config=config, trust=trust)


def own_trust(home: Path) -> Trust:
    """Return keys and a site file of the rig's own, in files, never in the user's keyring."""
    return Trust(home, keys=Keys(home, None))
