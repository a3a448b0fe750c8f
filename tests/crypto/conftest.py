from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crypto.node import NodePeer


@pytest.fixture(scope="module")
def node() -> Iterator[NodePeer]:
    """The firmware's cryptography in a MicroPython process, with the native module."""
    with NodePeer() as peer:
        yield peer
