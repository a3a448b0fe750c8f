"""Instructions a sample and memory of one axis's streaming analysis, on an emulated Cortex-M4F.

Counts are exact (bench_m4f.py proves the counter), over 48 windows of 1024 samples: two records of
the envelope. The features of many blocks must have the bits of the host's. `make bench-dsp` runs
this and writes build/bench/dsp_budget.json; python -m c_dsp.bench.budget --host counts with
valgrind on this computer instead (of its instruction set) and writes dsp_budget_host.json.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from c_dsp.bench import bench_m4f, peers
from resonode import dsp

CORE = bench_m4f.CORE
TRANSFORM = ("fft", "fft_lanes", "plan", "math", "exp2", "twiddles", "hann", "spectrum")
STREAMING = (
    "buffers",
    "features",
    "decimate",
    "halfband",
    "motion",
    "window",
    "band",
    "envelope_stream",
)
SOURCES = [CORE / f"{name}.c" for name in TRANSFORM + STREAMING]
BUILD = bench_m4f.BUILD.parent / "budget"
WINDOW, CHECKS = 1024, 64
FEW, MANY = 80, 240  # windows on the host: from the difference, so that starting costs nothing
TARGET_PER_SAMPLE, TARGET_BYTES = 200, 24 * 1024
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


def row(stages: str, per_sample: float, memory_bytes: int) -> dict[str, Any]:
    return {
        "stage": STAGES[stages],
        "per_sample": round(per_sample, 1),
        "memory_bytes": memory_bytes,
    }


# ---- emulated Cortex-M4F -------------------------------------------------------------------------


def build_m4f(contract: str) -> Path:
    folder = BUILD / contract
    folder.mkdir(parents=True, exist_ok=True)
    flags = (f"-ffp-contract={contract}",)
    objects = [
        bench_m4f.compile_c(path, folder / f"subject_{path.stem}.o", flags) for path in SOURCES
    ]
    for path in (CORE / "bench" / "budget.c", bench_m4f.HERE / "harness.c"):
        objects.append(bench_m4f.compile_c(path, folder / f"{path.stem}.o", flags))
    return bench_m4f.link(objects, folder / "budget.elf")


def features_of_host() -> bytes:
    """What check_features of budget.c computes."""
    seed, rows = 7, []
    for check in range(CHECKS):
        x = np.empty(WINDOW, np.int16)
        for i in range(WINDOW):
            seed = (seed * 1664525 + 1013904223) % 2**32
            sample = (seed - (2**32 if seed >> 31 else 0)) >> (16 + check % 16)
            x[i] = 32767 - (sample & 15) if check % 3 == 0 and i % 5 else sample
        got = dsp.features(x[: WINDOW - 13 * check], 0.01)
        names = ("mean", "rms", "peak", "crest", "kurtosis", "peak_to_peak", "skewness")
        rows.append([*(getattr(got, name) for name in names), float(got.saturated)])
    return np.array(rows, np.float32).tobytes()


def count_m4f(contract: str) -> list[dict[str, Any]]:
    """Rows of all stages.

    Raises:
        FetchError: the features are not the host's, bit for bit.
    """
    program = build_m4f(contract)
    text = bench_m4f.emulate(program, ["-icount", "shift=7"])
    samples = re.search(r"^samples (\d+)$", text, re.M)
    found = re.findall(r"^(\w+) (\d+)\nbytes (\d+)$", text, re.M)
    if not samples or [stages for stages, *_ in found] != list(STAGES):
        raise peers.FetchError(f"{program}: {text}")
    if contract == "off" and (program.parent / "features").read_bytes() != features_of_host():
        raise peers.FetchError(f"{program}: its features are not those of the host")
    return [row(stages, int(n) / int(samples[1]), int(size)) for stages, n, size in found]


def measure() -> dict[str, Any]:
    """Prints both tables and writes build/bench/dsp_budget.json."""
    result: dict[str, Any] = {"target": row("fsdve", TARGET_PER_SAMPLE, TARGET_BYTES)}
    for key, contract in (("rows", "fast"), ("rows_contract_off", "off")):
        result[key] = count_m4f(contract)
        print(f"\none axis, instructions a sample, -ffp-contract={contract}\n{table(result[key])}")
    target = bench_m4f.BUILD.parent / "dsp_budget.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


# ---- this computer -------------------------------------------------------------------------------


def build_host() -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c11", "-O2", "-fno-math-errno", "-ffp-contract=off", "-DDSP_PORTABLE"]
    sources = [str(path) for path in [CORE / "bench" / "budget.c", *SOURCES]]
    peers.run(["gcc", *flags, "-o", str(BUILD / "budget"), *sources])
    return BUILD / "budget"


def instructions(program: Path, stages: str, windows: int) -> tuple[int, int]:
    """Executed in all, and bytes of the caller's memory."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program)]
    done = subprocess.run(
        [*command, stages, str(windows)], capture_output=True, text=True, check=True
    )
    counted = re.search(r"Collected : (\d+)", done.stderr)
    assert counted, done.stderr
    return int(counted[1]), int(done.stdout)


def count_host() -> list[dict[str, Any]]:
    program, rows = build_host(), []
    for stages in STAGES:
        few, memory_bytes = instructions(program, stages, FEW)
        many, _ = instructions(program, stages, MANY)
        rows.append(row(stages, (many - few) / ((MANY - FEW) * WINDOW), memory_bytes))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{r['stage']:36} {r['per_sample']:7.1f} {r['memory_bytes']:7,} bytes" for r in rows
    )


def main() -> int:
    if sys.argv[1:] == ["--host"]:
        rows = count_host()
        print(table(rows))
        target = bench_m4f.BUILD.parent / "dsp_budget_host.json"
        target.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
        return 0
    try:
        peers.need("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
        bench_m4f.prove_counter()
        measure()
    except peers.FetchError as problem:
        print(f"budget: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
