"""A rig that ends, in whatever way, takes its nodes with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RESONODE = Path(sys.executable).with_name("resonode")


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def announced(twin: subprocess.Popen[str]) -> list[int]:
    """The process ids of the nodes, from the JSON object that `twin` prints first."""
    assert twin.stdout is not None
    text = ""
    for line in twin.stdout:
        text += line
        if line == "}\n":
            return [node["pid"] for node in json.loads(text)["nodes"]]
    raise AssertionError(f"twin ended early: {text}")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_node_outlives_its_rig(how: signal.Signals) -> None:
    command = [str(RESONODE), "twin", "--count", "2", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as twin:
        pids = announced(twin)
        assert all(alive(pid) for pid in pids)
        os.kill(twin.pid, how)
        twin.wait(10)
    deadline_s = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
