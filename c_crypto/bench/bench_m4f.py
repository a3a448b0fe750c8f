"""Instructions and stack of the node's cryptography on a Cortex-M4F, emulated.

    python c_crypto/bench/bench_m4f.py

Compiles Monocypher, SHA-512 and ed25519.c as the native module for armv7emsp does, checks the
answers against RFC 7748, 8032 and 8439, and prints exact counts of instructions (not cycles: no
waits for flash, one for each). Needs arm-none-eabi-gcc and qemu-system-arm.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

REPO = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HARNESS = REPO / "c_dsp" / "bench" / "m4f"
OUT = REPO / "build" / "bench" / "crypto_m4f.elf"
QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-semihosting", "-icount", "shift=7"]
QEMU += ["-monitor", "none", "-serial", "none"]


def builder() -> ModuleType:
    path = REPO / "c_crypto" / "natmod" / "build.py"
    spec = importlib.util.spec_from_file_location("crypto_natmod_build", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    natmod = builder()
    arch = natmod.common.ARCHES["armv7emsp"]
    sources = [HERE / "m4f_main.c", HARNESS / "harness.c", REPO / "c_crypto" / "ed25519.c"]
    includes: list[Path] = []
    for library in natmod.LIBRARIES:
        tree = natmod.source_of(library)
        sources += [tree / source for source in library.sources]
        includes += [tree / include for include in library.includes]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    command = [arch.compiler, *natmod.common.FLAGS, *arch.flags, *natmod.DEFINES]
    command += ["-fno-pic", "-nostartfiles", "-T", str(HARNESS / "link.ld"), "-Wl,--gc-sections"]
    command += [*(f"-I{path}" for path in includes), *map(str, sources), "-o", str(OUT)]
    natmod.common.run(command, OUT.parent)
    return subprocess.run([*QEMU, "-kernel", str(OUT)], check=False, timeout=120).returncode


if __name__ == "__main__":
    sys.exit(main())
