"""What sealing costs on the link of a virtual node: `make bench-sealed`.

Two nodes, one open and one closed, are asked in turn through the same SDK. Writes
build/bench/sealed.json:

    plain_bytes_per_s sealed_bytes_per_s   payload, both ways, of echoes as long as a message may be
    sealed_share                           the one over the other
    plain_echo_s sealed_echo_s             one short echo
    record_overhead_bytes                  of a frame of telemetry, sealed less plain, mean

Echoes stand for uploads, which a node does not take yet; they are sealed both ways, an upload one.
The link is a pty, so processors decide. Of the rounds the best counts: what else runs on the
machine only makes them slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from resonode.node import Node, connect
from resonode_hil.board import VirtualBoard
from resonode_hil.commissioning import own, own_trust, url_of
from resonode_hil.machine import default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_wire.frame import CHANNEL_TELEMETRY, encode_frame
from resonode_wire.smp import HEADER_SIZE

ROUNDS = 60
ECHOES = 20
_BODY = 8  # {"d": text of more than 255 bytes}, and a little room
_RECORDS = 200


async def _echoes(node: Node, text: str) -> float:
    """Return how long ECHOES echoes take, s."""
    started_s = time.monotonic()
    for _ in range(ECHOES):
        await node.echo(text)
    return time.monotonic() - started_s


async def _overhead(node: Node) -> float:
    """Return what sealing adds to a record's frame, bytes, mean."""
    open_it = node.transport.open_record
    assert open_it is not None
    costs: list[int] = []

    def measured(payload: bytes) -> bytes | None:
        record = open_it(payload)
        assert record is not None
        plain = len(encode_frame(CHANNEL_TELEMETRY, record))
        costs.append(len(encode_frame(CHANNEL_TELEMETRY, payload)) - plain)
        return record

    node.transport.open_record = measured
    stream = node.records()
    while len(costs) < _RECORDS:
        await anext(stream)
    await stream.aclose()
    return statistics.mean(costs)


async def measure(plain: VirtualBoard, closed: VirtualBoard, home: Path) -> dict[str, Any]:
    """Return the figures."""
    trust = own_trust(home)
    await own(closed, trust)
    async with (
        connect(url_of(plain), trust=trust) as one,
        connect(url_of(closed), trust=trust) as two,
    ):
        overhead = await _overhead(two)
        for node in (one, two):
            await node.configure(run=False)
        assert two.session is not None
        text = "x" * (two.session.max_unencoded_size - HEADER_SIZE - _BODY)
        rounds = [(await _echoes(one, text), await _echoes(two, text)) for _ in range(ROUNDS)]
        short = [(await _echoes(one, "x"), await _echoes(two, "x")) for _ in range(ROUNDS)]
    moved = 2 * ECHOES * len(text)
    plain_s, sealed_s = (min(times) for times in zip(*rounds, strict=True))
    return {
        "plain_bytes_per_s": moved / plain_s,
        "sealed_bytes_per_s": moved / sealed_s,
        "sealed_share": plain_s / sealed_s,
        "plain_echo_s": min(one_s for one_s, _ in short) / ECHOES,
        "sealed_echo_s": min(two_s for _, two_s in short) / ECHOES,
        "record_overhead_bytes": overhead,
    }


def main() -> None:
    """Run the benchmark and write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("build/bench/sealed.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sealed-") as name:
        folder = Path(name)
        chips = [{0: Iis3dwb(default_machine())} for _ in range(2)]
        with (
            VirtualBoard(folder / "plain", chips[0], profile="open", seed=1) as plain,
            VirtualBoard(folder / "closed", chips[1], seed=2) as closed,
        ):
            figures = asyncio.run(measure(plain, closed, folder / "home"))
    for key, value in figures.items():
        print(f"{key:22} {value:.6g}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"wrote {options.json}")


if __name__ == "__main__":
    main()
