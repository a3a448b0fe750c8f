"""Instructions a sample and memory of one axis's streaming analysis: python c_dsp/bench/budget.py

Counts on this machine with valgrind's callgrind (exact and repeatable, but of its instruction set),
from the difference between 80 and 240 windows of 1024 samples, so that starting costs nothing.
Prints a table and writes build/bench/dsp_budget_host.json.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CORE = REPO / "c_dsp"
FLAGS = ["-std=c11", "-O2", "-fno-math-errno", "-ffp-contract=off", "-DDSP_PORTABLE"]
WINDOW, FEW, MANY = 1024, 80, 240  # the envelope's record fills every 24 windows
STAGES = {
    "f": "features",
    "s": "averaged spectrum, 1024",
    "d": "decimation by 8, one FIR",
    "c": "decimation by 8, half-band chain",
    "v": "velocity and displacement",
    "e": "envelope, 2-4 kHz",
    "fsdve": "all, one FIR",
    "fscve": "all, half-band chain",
}


def build(folder: Path) -> Path:
    program = folder / "budget"
    sources = [str(path) for path in sorted(CORE.glob("*.c"))]
    command = ["gcc", *FLAGS, "-o", str(program), str(CORE / "bench" / "budget.c"), *sources]
    subprocess.run(command, check=True)
    return program


def instructions(program: Path, stages: str, windows: int) -> tuple[int, int]:
    """Executed in all, and bytes of the caller's memory."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program)]
    done = subprocess.run(
        [*command, stages, str(windows)], capture_output=True, text=True, check=True
    )
    counted = re.search(r"Collected : (\d+)", done.stderr)
    assert counted, done.stderr
    return int(counted[1]), int(done.stdout)


def main() -> int:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        for stages, name in STAGES.items():
            few, memory_bytes = instructions(program, stages, FEW)
            many, _ = instructions(program, stages, MANY)
            per_sample = (many - few) / ((MANY - FEW) * WINDOW)
            rows.append({"stage": name, "per_sample": per_sample, "memory_bytes": memory_bytes})
            print(f"{name:36} {per_sample:7.1f} instructions a sample {memory_bytes:7} bytes")
    target = REPO / "build" / "bench" / "dsp_budget_host.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
