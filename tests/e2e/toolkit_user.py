"""Uses a node with mcumgr-toolkit: `python toolkit_user.py serial PATH` or `udp PORT`.

In a process of its own, since the toolkit keeps Python's lock while it waits, and the rig that
answers the node is Python too. Prints JSON: what each call returned, or the error's text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import mcumgr_toolkit

LONGEST = "x" * 1000


def calls(client: mcumgr_toolkit.MCUmgrClient) -> dict[str, Callable[[], Any]]:
    return {
        "echo": lambda: client.os_echo("hello"),
        "long echo": lambda: client.os_echo(LONGEST),
        "parameters": lambda: client.os_mcumgr_parameters().buf_size,
        "info": lambda: client.os_application_info("a"),
        "tasks": lambda: sorted(client.os_task_statistics()),
        "groups": client.stats_list_groups,
        "windows": lambda: client.stats_get_group_data("windows"),
        "date": lambda: client.os_get_datetime().year,
    }


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except RuntimeError as error:
        return f"error: {error}"


def main() -> None:
    kind, where = sys.argv[1:]
    if kind == "serial":
        client = mcumgr_toolkit.MCUmgrClient.serial(where, timeout_ms=5000)
    else:
        client = mcumgr_toolkit.MCUmgrClient.udp("127.0.0.1", int(where), timeout_ms=5000)
    print(json.dumps({name: outcome(call) for name, call in calls(client).items()}))


if __name__ == "__main__":
    main()
