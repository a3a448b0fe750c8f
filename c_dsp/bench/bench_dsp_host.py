"""Time the real FFT on this computer against its peers: python -m c_dsp.bench.bench_dsp_host

Writes build/bench/dsp_host.json: {"rows": [...], "ratios": [...]}. Rows have n, impl, mode, ns: for
one transform, the median of rounds in which every candidate has its turn, in CPU time. Modes:
    single  one call from Python: ours through cffi, scipy.fft.rfft of float32, numpy.fft.rfft
    batch   256 records in one call
    loop    one after the other inside C: our core with its vectors of four, as the host binding has
            them, and without ("resonode scalar"); FFTW 3 (measured plans) with all the vectors this
            computer has, and without ("fftw scalar"); KISS FFT; CMSIS-DSP, with the copy of the
            input that it needs
All are compiled with the flags of the host binding; FFTW is Debian's. "ratios" holds, for each n,
    batch   ours / scipy
    single  ours through cffi / scipy
    vectors, scalar   ours / FFTW, like with like; scalar_vectors: our scalar C / FFTW with vectors
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from cffi import FFI

from c_dsp.bench import peers
from c_dsp.build_cffi import FLAGS
from resonode import dsp

HERE = Path(__file__).resolve().parent
CORE = HERE.parent
BUILD = peers.REPO / "build" / "bench" / "host"
OUT = BUILD.parent / "dsp_host.json"
SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384)
CMSIS_N_MAX = 4096
ROWS = 256
ROUNDS = 15
ROUND_S = 0.004

OURS = ("buffers.c", "fft.c", "fft_lanes.c", "plan.c", "math.c", "twiddles.c")
CMSIS = (
    *("TransformFunctions/arm_rfft_fast_f32.c", "TransformFunctions/arm_rfft_fast_init_f32.c"),
    *("TransformFunctions/arm_cfft_f32.c", "TransformFunctions/arm_cfft_init_f32.c"),
    *("TransformFunctions/arm_cfft_radix8_f32.c", "TransformFunctions/arm_bitreversal2.c"),
    *("CommonTables/arm_common_tables.c", "CommonTables/arm_const_structs.c"),
)
DECLARED = "typedef struct bench bench; bench *bench_new(int n);" + "".join(
    f"void run_{name}(bench *b, int times);"
    for name in ("resonode", "fftw", "fftw_scalar", "kiss", "cmsis")
)

Run = Callable[[int], Any]  # so many calls


def load(name: str, *options: str) -> Any:
    """All libraries and the loops around them, as one shared library."""
    BUILD.mkdir(parents=True, exist_ok=True)
    cmsis, kiss = peers.cmsis(), peers.kiss()
    sources = [HERE / "bench_peers_host.c", *(CORE / file for file in OURS)]
    sources += [kiss / "kiss_fft.c", kiss / "kiss_fftr.c"]
    sources += [cmsis / "Source" / file for file in CMSIS]
    include = [f"-I{kiss}", f"-I{cmsis}/Include", f"-I{cmsis}/PrivateInclude"]
    flags = [*FLAGS, "-std=gnu99", "-w", "-D__GNUC_PYTHON__", *options, *include]
    target = BUILD / f"{name}.so"
    peers.run(
        ["cc", *flags, "-shared", "-fPIC", "-o", str(target), *map(str, sources), "-lfftw3f", "-lm"]
    )
    ffi = FFI()
    ffi.cdef(DECLARED)
    return ffi.dlopen(str(target))


def repeated(call: Callable[[], Any]) -> Run:
    def run(times: int) -> None:
        for _ in range(times):
            call()

    return run


def loops(vectors: Any, scalar: Any, n: int) -> dict[tuple[str, str], Run]:
    """Inside C."""
    state, plain = vectors.bench_new(n), scalar.bench_new(n)
    found: dict[tuple[str, str], Run] = {
        ("resonode", "loop"): lambda times: vectors.run_resonode(state, times),
        ("resonode scalar", "loop"): lambda times: scalar.run_resonode(plain, times),
        ("fftw", "loop"): lambda times: vectors.run_fftw(state, times),
        ("fftw scalar", "loop"): lambda times: vectors.run_fftw_scalar(state, times),
        ("kiss", "loop"): lambda times: vectors.run_kiss(state, times),
    }
    if n <= CMSIS_N_MAX:
        found["cmsis", "loop"] = lambda times: vectors.run_cmsis(state, times)
    return found


def calls(n: int) -> dict[tuple[str, str], Run]:
    """From Python."""
    x = np.random.default_rng(n).standard_normal((ROWS, n)).astype(np.float32)
    one, y = x[0].copy(), np.empty(n, np.float32)
    plan, _ = dsp._plan(n)
    transform = dsp._lib.dsp_rfft_f32
    source, target = dsp._ffi.from_buffer("float[]", one), dsp._ffi.from_buffer("float[]", y)
    return {
        ("resonode", "single"): repeated(lambda: transform(plan, source, target)),
        ("resonode.dsp", "single"): repeated(lambda: dsp.rfft(one)),
        ("scipy", "single"): repeated(lambda: scipy.fft.rfft(one)),
        ("numpy", "single"): repeated(lambda: np.fft.rfft(one)),
        ("resonode", "batch"): repeated(lambda: dsp.rfft_rows(x)),
        ("scipy", "batch"): repeated(lambda: scipy.fft.rfft(x)),
        ("numpy", "batch"): repeated(lambda: np.fft.rfft(x)),
    }


def time_ns(run: Run, times: int) -> float:
    """Of this process alone: what else the machine does does not count."""
    start = time.process_time_ns()
    run(times)
    return (time.process_time_ns() - start) / times


def measure(runs: dict[tuple[str, str], Run], n: int) -> list[dict[str, Any]]:
    times = {key: max(1, int(ROUND_S * 1e9 / max(1, time_ns(run, 3)))) for key, run in runs.items()}
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    for _ in range(ROUNDS):
        for key, run in runs.items():
            records = ROWS if key[1] == "batch" else 1
            taken[key].append(time_ns(run, times[key]) / records)
    return [
        {"n": n, "impl": impl, "mode": mode, "ns": round(statistics.median(ns))}
        for (impl, mode), ns in taken.items()
    ]


RATIOS = {
    "single": (("resonode", "single"), ("scipy", "single")),
    "batch": (("resonode", "batch"), ("scipy", "batch")),
    "vectors": (("resonode", "loop"), ("fftw", "loop")),
    "scalar": (("resonode scalar", "loop"), ("fftw scalar", "loop")),
    "scalar_vectors": (("resonode scalar", "loop"), ("fftw", "loop")),
}


def ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ns = {(row["impl"], row["mode"], row["n"]): row["ns"] for row in rows}
    return [
        {"n": n, **{name: round(ns[*a, n] / ns[*b, n], 2) for name, (a, b) in RATIOS.items()}}
        for n in SIZES
    ]


def ratio_table(found: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{'ratio':<8}{name:<18}" + "".join(f"{row[name]:>10}" for row in found) for name in RATIOS
    )


def table(rows: list[dict[str, Any]]) -> str:
    ns = {(row["mode"], row["impl"], row["n"]): f"{row['ns']:,}" for row in rows}
    kinds = list(dict.fromkeys(key[:2] for key in ns))
    lines = [f"{'ns per transform':<26}" + "".join(f"{n:>10,}" for n in SIZES)]
    for mode, impl in sorted(kinds, key=lambda kind: kind[0]):
        cells = "".join(f"{ns.get((mode, impl, n), ''):>10}" for n in SIZES)
        lines.append(f"{mode:<8}{impl:<18}{cells}")
    return "\n".join(lines)


def main() -> int:
    try:
        peers.need("libfftw3-dev")
        vectors, scalar = load("vectors"), load("scalar", "-DDSP_PORTABLE")
    except peers.FetchError as problem:
        print(f"bench-dsp-host: {problem}", file=sys.stderr)
        return 1
    rows = [row for n in SIZES for row in measure({**calls(n), **loops(vectors, scalar, n)}, n)]
    found = ratios(rows)
    OUT.write_text(json.dumps({"rows": rows, "ratios": found}, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    print(ratio_table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
