"""Takes the records of several nodes and keeps them."""

from resonode.gateway.gateway import Gateway, NodeStatus
from resonode.gateway.store import Added, Store, StoredRecord

__all__ = ["Added", "Gateway", "NodeStatus", "Store", "StoredRecord"]
