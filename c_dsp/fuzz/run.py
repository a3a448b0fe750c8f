"""Fuzzes every public function of the core: `make fuzz`, or make fuzz ARGS=600 for ten minutes.

With clang's libFuzzer, address and undefined-behaviour sanitizers (Debian packages clang and
libclang-rt-14-dev, installed where this process may). Inputs that were worth keeping stay in
build/fuzz/corpus; one that fails is written beside it. gcc_program builds the same functions with
gcc's sanitizers and a generator of inputs, for the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from c_dsp.bench import peers

CORE = Path(__file__).resolve().parents[1]
BUILD = peers.REPO / "build" / "fuzz"
SANITIZERS = "address,undefined,float-cast-overflow"
FLAGS = ["-std=c99", "-g", "-O1", "-fno-math-errno", "-ffp-contract=off"]
SECONDS = "120"


def build(compiler: str, program: Path, *flags: str) -> Path:
    program.parent.mkdir(parents=True, exist_ok=True)
    sources = [str(path) for path in [CORE / "fuzz" / "fuzz.c", *sorted(CORE.glob("*.c"))]]
    stop = "-fno-sanitize-recover=all"
    peers.run([compiler, *FLAGS, stop, *flags, "-o", str(program), *sources])
    return program


def gcc_program(folder: Path) -> Path:
    """Takes a number of inputs, and that of the first; leaves with an error at the first fault."""
    return build("gcc", folder / "fuzz", f"-fsanitize={SANITIZERS}")


def main() -> int:
    seconds = sys.argv[1] if len(sys.argv) > 1 else SECONDS
    try:
        peers.need("clang", "libclang-rt-14-dev")
        library = (f"-fsanitize=fuzzer,{SANITIZERS}", "-DFUZZ_LIBRARY")
        program = build("clang", BUILD / "fuzz", *library)
    except peers.FetchError as problem:
        print(f"fuzz: {problem}", file=sys.stderr)
        return 1
    (BUILD / "corpus").mkdir(exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-max_len=2048", "-len_control=0", "-timeout=20"]
    workers = f"-fork={os.cpu_count() or 1}"
    command = [str(program), workers, *limits, str(BUILD / "corpus")]
    return subprocess.run(command, cwd=BUILD, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
