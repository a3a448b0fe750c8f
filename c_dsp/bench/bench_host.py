"""Time the core on this computer: python c_dsp/bench/bench_host.py

Writes build/bench/dsp_host.json, a list of {"n", "impl", "ns"} (ns per call, median of interleaved
rounds), and prints it as a table.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

from resonode import dsp

OUT = Path(__file__).resolve().parents[2] / "build" / "bench" / "dsp_host.json"
SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384)
ROUNDS = 15
ROUND_S = 0.004
SCALE = 0.488e-3 * 9.80665


def candidates(n: int) -> dict[str, Callable[[], Any]]:
    """What is timed at one size. "resonode" is the bare C function through cffi."""
    ffi, lib = dsp._ffi, dsp._lib
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n).astype(np.float32)
    lsb = np.round(300 * x + 2049).astype(np.int16)
    y = np.empty(n, np.float32)
    plan = dsp._plan(n)[0]
    x_c, y_c = ffi.from_buffer("float[]", x), ffi.from_buffer("float[]", y)
    lsb_c = ffi.from_buffer("int16_t[]", lsb)
    return {
        "resonode rfft": lambda: lib.dsp_rfft_f32(plan, x_c, y_c),
        "scipy rfft f32": lambda: scipy.fft.rfft(x),
        "numpy rfft": lambda: np.fft.rfft(x),
        "resonode spectrum i16": lambda: lib.dsp_spectrum(plan, lsb_c, SCALE, y_c, y_c),
        "resonode features i16": lambda: dsp.features(lsb, SCALE),
        "resonode envelope 2-4 kHz": lambda: dsp.envelope(lsb, SCALE, n * 2 // 27, n * 4 // 27),
    }


def time_ns(run: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(calls):
        run()
    return (time.perf_counter_ns() - start) / calls


def measure(n: int) -> list[dict[str, Any]]:
    """Median of rounds in which every candidate has its turn."""
    runs = candidates(n)
    calls = {impl: max(1, int(ROUND_S * 1e9 / time_ns(run, 3))) for impl, run in runs.items()}
    rounds: dict[str, list[float]] = {impl: [] for impl in runs}
    for _ in range(ROUNDS):
        for impl, run in runs.items():
            rounds[impl].append(time_ns(run, calls[impl]))
    return [
        {"n": n, "impl": impl, "ns": round(statistics.median(taken))}
        for impl, taken in rounds.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    impls = list(dict.fromkeys(row["impl"] for row in rows))
    ns = {(row["impl"], row["n"]): row["ns"] for row in rows}
    lines = [f"{'ns per call':<28}" + "".join(f"{n:>10}" for n in SIZES)]
    lines += [f"{impl:<28}" + "".join(f"{ns[impl, n]:>10,}" for n in SIZES) for impl in impls]
    return "\n".join(lines)


def main() -> None:
    rows = [row for n in SIZES for row in measure(n)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
