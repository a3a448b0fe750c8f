"""Time the core on this computer: python c_dsp/bench/bench_host.py

Writes build/bench/dsp_functions_host.json, a list of {"n", "impl", "ns"} (ns per call, median of
interleaved rounds), and prints it as a table. The core is compiled for it here, with the flags of
the host binding, and called through cffi.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from cffi import FFI

CORE = Path(__file__).resolve().parents[1]
OUT = CORE.parent / "build" / "bench" / "dsp_functions_host.json"
SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384)
ROUNDS = 15
ROUND_S = 0.004
SCALE = 0.488e-3 * 9.80665


def compile_core() -> tuple[Any, Any]:
    """The core as a shared library: (ffi, lib)."""
    spec = importlib.util.spec_from_file_location("build_cffi", CORE / "build_cffi.py")
    assert spec and spec.loader
    binding = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(binding)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    library = OUT.with_name("dsp_host.so")
    sources = [str(CORE / name) for name in binding.SOURCES]
    command = ["cc", *binding.FLAGS, "-shared", "-fPIC", "-o", str(library), *sources]
    subprocess.run(command, check=True)
    ffi = FFI()
    ffi.cdef(binding.declarations((CORE / "dsp.h").read_text(encoding="utf-8")))
    return ffi, ffi.dlopen(str(library))


class Core:
    """The core's functions with everything they need for one size, ready to be called."""

    def __init__(self, ffi: Any, lib: Any, n: int) -> None:
        self.n, self.ffi, self.lib = n, ffi, lib
        rng = np.random.default_rng(n)
        self.x = rng.standard_normal(n).astype(np.float32)
        self.lsb = np.round(300 * self.x + 2049).astype(np.int16)
        self.x_c = ffi.from_buffer("float[]", self.x)
        self.lsb_c = ffi.from_buffer("int16_t[]", self.lsb)
        self.y_c = ffi.new("float[]", n)
        self.plan, self._memory = self.make_plan(n)
        self.k_lo, self.k_hi = n * 2 // 27, n * 4 // 27  # 2-4 kHz at 26.667 kHz
        self.m = 256
        while self.m < 2 * (self.k_hi - self.k_lo + 1):
            self.m *= 2
        self.plan_m, self._memory_m = self.make_plan(self.m)
        self.scratch_c = ffi.new("float[]", 2 * self.m)
        self.amp_c = ffi.new("float[]", n)
        self.set_c = ffi.new("dsp_feature_set *")

    def make_plan(self, n: int) -> tuple[Any, Any]:
        n_bytes = self.lib.dsp_plan_bytes(n)
        memory, plan = self.ffi.new("float[]", n_bytes // 4), self.ffi.new("dsp_plan const **")
        assert self.lib.dsp_plan_init(n, memory, n_bytes, plan) == 0
        return plan[0], memory

    def rfft(self) -> None:
        self.lib.dsp_rfft_f32(self.plan, self.x_c, self.y_c)

    def spectrum(self) -> None:
        self.lib.dsp_spectrum(self.plan, self.lsb_c, SCALE, self.y_c, self.y_c)

    def features(self) -> None:
        self.lib.dsp_features(self.lsb_c, self.n, SCALE, self.set_c)

    def envelope(self) -> None:
        self.lib.dsp_rfft_i16(self.plan, self.lsb_c, self.y_c)
        band = (self.n, self.k_lo, self.k_hi, SCALE, self.k_hi - self.k_lo + 1)
        self.lib.dsp_envelope(self.plan_m, self.y_c, *band, self.scratch_c, self.amp_c)


def candidates(ffi: Any, lib: Any, n: int) -> dict[str, Callable[[], Any]]:
    """What is timed at one size."""
    core = Core(ffi, lib, n)
    return {
        "resonode rfft": core.rfft,
        "scipy rfft f32": lambda: scipy.fft.rfft(core.x),
        "numpy rfft": lambda: np.fft.rfft(core.x),
        "resonode spectrum i16": core.spectrum,
        "resonode features i16": core.features,
        "resonode envelope 2-4 kHz": core.envelope,
    }


def time_ns(run: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(calls):
        run()
    return (time.perf_counter_ns() - start) / calls


def measure(ffi: Any, lib: Any, n: int) -> list[dict[str, Any]]:
    """Median of rounds in which every candidate has its turn."""
    runs = candidates(ffi, lib, n)
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
    ffi, lib = compile_core()
    rows = [row for n in SIZES for row in measure(ffi, lib, n)]
    OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
