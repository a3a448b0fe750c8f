"""Talks to node_peer.py, which runs the firmware's cryptography in MicroPython."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Refused(Exception):
    """The node's answer was an exception; `kind` is its class."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class NodePeer:
    def __enter__(self) -> NodePeer:
        program = os.environ.get("MICROPYTHON") or Path(sys.executable).with_name("micropython")
        search = f"{ROOT}:.frozen:{ROOT / 'build' / 'natmod' / 'x64'}"
        # By -c, so that the folder of the script is not searched for modules.
        self._process = subprocess.Popen(
            [program, "-X", "heapsize=2M", "-c", f"exec(open({str(SCRIPT)!r}).read())"],
            cwd=ROOT,
            env={**os.environ, "MICROPYPATH": search},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def __call__(self, what: str, *arguments: Any) -> Any:
        """The node's answer.

        Raises:
            Refused: it raised.
        """
        line = json.dumps([what, *map(plain, arguments)])
        self._process.stdin.write(line + "\n")
        answer = self._process.stdout.readline()
        assert answer, f"MicroPython ended at {line[:200]}"
        value = json.loads(answer)
        if isinstance(value, dict) and "error" in value:
            raise Refused(*value["error"])
        return full(value)

    def native(self, name: str, *arguments: Any) -> list[Any]:
        """What the native module's function returned, then its arguments as it left them."""
        result = self("native", name, *arguments)
        assert isinstance(result, list)
        return result


SCRIPT = Path(__file__).with_name("node_peer.py")


def plain(value: Any) -> Any:
    return {"x": bytes(value).hex()} if isinstance(value, bytes | bytearray) else value


def full(value: Any) -> Any:
    if isinstance(value, dict):
        return bytes.fromhex(value["x"])
    return [full(item) for item in value] if isinstance(value, list) else value
