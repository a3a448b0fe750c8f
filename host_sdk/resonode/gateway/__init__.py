"""Takes the records of several nodes and keeps them.

Names are imported when they are first used: who only reads a store needs no link to a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resonode import lazy

if TYPE_CHECKING:
    from resonode.gateway.gateway import Gateway, NodeStatus
    from resonode.gateway.store import Added, Store, StoredRecord

_HOME = {
    "Added": "store",
    "Gateway": "gateway",
    "NodeStatus": "gateway",
    "Store": "store",
    "StoredRecord": "store",
}

__all__ = ["Added", "Gateway", "NodeStatus", "Store", "StoredRecord"]

__getattr__ = lazy.names(__name__, _HOME)
