"""resonode info"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resonode.cli import output
from resonode.cli.common import Json, Port, Timeout, with_node

if TYPE_CHECKING:
    from resonode.node import Node


def info(port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """Show who a node is, what it holds and, asked for a moment later, what it has counted."""

    async def ask(node: Node) -> dict[str, Any]:
        return asdict(await node.info()) | {"statistics": await node.statistics()}

    facts = with_node(port, timeout, ask)
    if as_json:
        output.print_json(facts)
        return
    counters = facts.pop("statistics")
    facts["next_seq"], facts["first_seq"] = facts.pop("next"), facts.pop("first")
    facts["up_s"] = facts.pop("t_us") / 1e6
    output.table(("", ""), facts.items())
    rows = [(group, name, n) for group, all_of in counters.items() for name, n in all_of.items()]
    output.table(("group", "counter", "value"), rows)
