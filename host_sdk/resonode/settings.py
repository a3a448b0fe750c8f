"""What can be said of wanted settings before a node is asked to take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from resonode.errors import NodeError


def check(wanted: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse what a node whose settings are `settings` cannot take. Ranges it judges itself.

    Raises:
        NodeError: a setting the node does not have, or a value of another kind.
    """
    check_names(wanted, settings)
    for name, value in wanted.items():
        if _kind(value) != _kind(settings[name]):
            raise NodeError(
                f"{name} = {json.dumps(value, default=str)} is of the wrong kind",
                why=f"the node has {json.dumps(settings[name])}",
                next="Correct it; nothing was changed",
            )


def check_names(names: Iterable[str], settings: Mapping[str, Any]) -> None:
    """Refuse names that a node whose settings are `settings` does not have. Raises NodeError."""
    unknown = set(names) - set(settings)
    if unknown:
        raise NodeError(
            f"The node has no setting {', '.join(sorted(unknown))}",
            next=f"It has: {', '.join(sorted(settings))}",
        )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "yes or no"
    return "number" if isinstance(value, int | float) else type(value).__name__
