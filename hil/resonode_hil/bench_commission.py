"""Measure commissioning on virtual nodes: `make bench-commission`.

Writes build/bench/commission.json:

    single_s     one node: a whole `resonode node commission --label FILE --yes`, from the start of
                 the process to its end, the first sealed record taken; median of several
    batch_nodes  how many nodes the batch had
    batch_s      a whole `resonode commission --batch FILE`, likewise
    p50_s p95_s  each node of the batch, from opening its port to its entry in the site file
    audit_lines  of the log, which is verified

The nodes are on already, as they are on a technician's bench; what they cost this computer while
they wait is part of the figures. They begin with a schedule that pauses, so that a hundred nodes
that measure do not share two cores with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from resonode.trust.audit import Audit
from resonode.trust.label import Label, write_csv
from resonode_hil.board import VirtualBoard, fresh_seed
from resonode_hil.commissioning import read_label
from resonode_hil.machine import Still
from resonode_hil.sensors.iis3dwb import Iis3dwb

SINGLES = 5
CONFIG = "run = false\nschedule_period_s = 600\nschedule_length_s = 1\n"
_RESONODE = "from resonode.cli import main; main()"


class Bench:
    """Nodes, their labels, and a technician whose keys and site are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._env = os.environ | {"RESONODE_HOME": str(self.home), "RESONODE_KEYRING": "off"}

    def resonode(self, *arguments: str) -> tuple[float, dict[str, Any]]:
        """Run a command; return how long the process took, s, and the JSON it printed.

        Raises:
            subprocess.CalledProcessError
        """
        command = [sys.executable, "-c", _RESONODE, *arguments, "--json", "--quiet"]
        started_s = time.monotonic()
        done = subprocess.run(command, env=self._env, stdout=subprocess.PIPE, check=True)
        return time.monotonic() - started_s, json.loads(done.stdout)

    def single(self, label: Label) -> float:
        """Commission one node; return how long it took, s."""
        file = self.folder / "label.csv"
        file.write_text(write_csv([label]))
        wall_s, report = self.resonode("node", "commission", "--label", str(file), "--yes")
        assert report["claimed"] and report["first_record"] is not None
        return wall_s

    def batch(self, labels: list[Label]) -> dict[str, Any]:
        """Commission many nodes; return what `commission.json` says of them."""
        file, config = self.folder / "labels.csv", self.folder / "config.toml"
        file.write_text(write_csv(labels))
        config.write_text(CONFIG)
        wall_s, report = self.resonode("commission", "--batch", str(file), "--config", str(config))
        assert report["done"] == len(labels)
        figures = {"batch_nodes": len(labels), "batch_s": wall_s}
        return figures | {name: report[name] for name in ("p50_s", "p95_s")}


async def _labels(boards: list[VirtualBoard]) -> list[Label]:
    labels = [await read_label(board) for board in boards]
    return [label for label in labels if label is not None]


def _board(folder: Path) -> VirtualBoard:
    return VirtualBoard(folder, {0: Iis3dwb(Still())}, seed=fresh_seed())


def measure(nodes: int, singles: int = SINGLES) -> dict[str, Any]:
    """Commission `singles` nodes one by one, then `nodes` together; return the figures."""
    with tempfile.TemporaryDirectory(prefix="commission-") as name, ExitStack() as stack:
        folder = Path(name)
        bench = Bench(folder)
        one_by_one = []
        for number in range(singles):
            with _board(folder / f"single{number}") as board:
                one_by_one.append(bench.single(asyncio.run(_labels([board]))[0]))
        boards = [stack.enter_context(_board(folder / f"node{n}")) for n in range(nodes)]
        figures = {"single_s": statistics.median(one_by_one)}
        figures |= bench.batch(asyncio.run(_labels(boards)))
        verdict = Audit.open(bench.home).verify()
        assert verdict.ok and not verdict.unfinished, verdict
        return figures | {"audit_lines": verdict.entries}


def main() -> None:
    """Run the benchmark and write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--json", type=Path, default=Path("build/bench/commission.json"))
    options = parser.parse_args()
    figures = measure(options.nodes)
    for name, value in figures.items():
        print(f"{name:12} {value:.3f}" if isinstance(value, float) else f"{name:12} {value}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"wrote {options.json}")


if __name__ == "__main__":
    main()
