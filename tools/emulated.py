#!/usr/bin/env python3
"""MicroPython for the emulated boards: `make emulated` builds QEMU_M4F and starts it.

    python -m tools.emulated [stock|frozen|profile|rv32]    build, and start (a prompt on a pty)
    python -m tools.emulated --build stock ...      only build

    stock   QEMU_M4F: MicroPython alone, as it comes for a chip; the firmware lies in its files
    frozen  QEMU_M4F with firmware and wire compiled in, and dsp and crypto as user C modules
    profile the same as frozen, and counts instructions by function (bench-m4f ARGS=--profile)
    rv32    upstream's own board VIRT_RV32, for native modules of rv32imc
    xtensa  a Linux program for qemu-xtensa, for native modules of xtensawin: no board, it is only
            built and runs one script

The source is Debian's package `micropython`, fetched once into build/cache; MICROPY_DIR= names a
tree of one's own. What was built stays in build/emulated until something it was made of changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from c_dsp.bench import peers
from c_dsp.natmod.xtensa import toolchain
from resonode.deploy.files import HOST_ONLY

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "emulated"
PORT = ROOT / "boards" / "QEMU_M4F" / "micropython"
BOARD_FILES = ROOT / "hil" / "resonode_hil" / "port" / "qemu"
XTENSA_PORT = ROOT / "tools" / "xtensa_micropython"
RELEASE = "1.25.0"
ARCH = {"stock": "armv7emsp", "frozen": "armv7emsp", "profile": "armv7emsp", "rv32": "rv32imc"}
ARCH["xtensa"] = "xtensawin"
FROZEN = ("frozen", "profile")

ARM_PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
RISCV_PACKAGES = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc")
PACKAGES = {"rv32": RISCV_PACKAGES, "xtensa": ("qemu-user",)}  # all others: ARM_PACKAGES

ASYNCIO = 'include("$(MPY_DIR)/extmod/asyncio")'
# What is compiled in, and is not asked for by name.
FROZEN_SOURCES: tuple[str, ...] = (
    "firmware/**/*.py",
    "resonode_wire/*.py",
    "c_dsp/*.[ch]",
    "c_dsp/natmod/*.[ch]",
)
FROZEN_SOURCES += ("boards/micropython.mk", "boards/tuned.*")
FROZEN_SOURCES += ("c_crypto/*.[ch]", "c_crypto/natmod/*", "c_*/usermod/*", "c_*/micropython.mk")
# n = 16384 needs more than a small chip has: the vectors run at every size on every target.
RV32_HEAP = 1536 * 1024
# Upstream says rv32imac_zicsr, which Debian's gcc 12 has no libraries for; by the older
# specification CSR instructions belong to every RISC-V.
RV32_ARCH = "rv32imac -misa-spec=2.2"

BuildError = peers.FetchError


def micropython_dir() -> Path:
    """MicroPython's tree: $MICROPY_DIR, else Debian's source package."""
    stated = os.environ.get("MICROPY_DIR")
    if stated:
        folder = Path(stated).resolve()
        if not (folder / "py" / "mkrules.mk").is_file():
            raise BuildError(f"MICROPY_DIR={stated} is no MicroPython tree")
        return folder
    source = peers.debian_source("micropython", "trixie")
    archive = next(source.glob(f"micropython_{RELEASE}*.orig.tar.*"), None)
    if archive is None:
        raise BuildError(f"Debian's trixie has no MicroPython {RELEASE}: name a tree, MICROPY_DIR=")
    return peers.unpack(archive, peers.CACHE / "micropython_debian")


def mpy_cross() -> Path:
    """MicroPython's cross compiler, of the same tree."""
    tree = micropython_dir()
    program = BUILD / "mpy-cross" / "mpy-cross"

    def make() -> None:
        _make(tree / "mpy-cross", BUILD=program.parent)

    _step("mpy-cross", str(tree), (), program, make)
    return program


def build(kind: str) -> Path:
    """Path of an up-to-date firmware.elf.

    Raises:
        BuildError: an unknown kind, a missing tool, or a compiler's complaint.
    """
    if kind not in ARCH:
        raise BuildError(f"unknown build {kind!r}; known: {', '.join(ARCH)}")
    peers.need(*PACKAGES.get(kind, ARM_PACKAGES))
    tree = micropython_dir()
    target = BUILD / kind / "firmware.elf"

    def make() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir(parents=True)
        if kind == "xtensa":
            _make(XTENSA_PORT, TOP=tree, BUILD=target.parent, CROSS_COMPILE=f"{_xtensa_tools()}/")
            return
        options: dict[str, object] = {"BUILD": target.parent, "MICROPY_MPYCROSS": mpy_cross()}
        if kind == "rv32":
            options |= {"BOARD": "VIRT_RV32", "RV32_ARCH": RV32_ARCH, "FROZEN_MANIFEST": ""}
            options |= {"MICROPY_HEAP_SIZE": RV32_HEAP, "MPY_LIB_DIR": tree}
            _make(tree / "ports" / "qemu", **options)
        else:
            options |= {"TOP": tree, "FROZEN_MANIFEST": _manifest(kind, target.parent)}
            if kind in FROZEN:
                options |= {"USER_C_MODULES": ROOT, "RESONODE_PYTHON": sys.executable}
                options["RESONODE_TUNED"] = 1
            options["PROFILE"] = int(kind == "profile")
            _make(PORT, **options)

    _step(kind, str(tree), _sources(kind), target, make)
    return target


def _xtensa_tools() -> Path:
    """Folder of the compiler for the ESP32's core."""
    try:
        return toolchain.compiler().parent
    except toolchain.ToolchainError as error:
        raise BuildError(str(error)) from error


def _sources(kind: str) -> Iterable[Path]:
    """What a build is made of, besides MicroPython."""
    yield Path(__file__)
    if kind == "xtensa":
        yield from [*XTENSA_PORT.iterdir(), toolchain.CORE, Path(toolchain.__file__)]
    elif kind != "rv32":
        yield from PORT.iterdir()
    if kind in FROZEN:
        for pattern in FROZEN_SOURCES:
            yield from ROOT.glob(pattern)
        yield from BOARD_FILES.glob("*.py")


def _manifest(kind: str, folder: Path) -> Path:
    """The file that says which Python is compiled in."""
    lines = [ASYNCIO]
    if kind in FROZEN:
        for package in ("firmware", "resonode_wire"):
            names = [str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")]
            names = sorted(name for name in names if name not in HOST_ONLY)
            lines.append(f"freeze({str(ROOT)!r}, {names!r}, opt=3)")
        names = sorted(path.name for path in BOARD_FILES.glob("*.py"))
        lines.append(f"freeze({str(BOARD_FILES)!r}, {names!r}, opt=3)")
    path = folder / "manifest.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _make(folder: Path, **options: object) -> None:
    # The tag, because the tree lies within a Git repository that is not its own.
    environment = {**os.environ, "MICROPY_GIT_TAG": f"v{RELEASE}", "MICROPY_GIT_HASH": "debian"}
    arguments = [f"{name}={value}" for name, value in options.items()]
    command = ["make", "-C", str(folder), f"-j{os.cpu_count()}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise BuildError(f"{' '.join(command)}\n{tail}")


def _step(name: str, place: str, sources: Iterable[Path], target: Path, action: object) -> None:
    """Do `action` unless its stamp says that it was done with these sources."""
    assert callable(action)
    BUILD.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(place.encode())
    for path in sorted(sources):
        key.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    stamp = BUILD / f"{name}.stamp"
    with open(BUILD / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once the second waits, and has it then
        if target.is_file() and stamp.is_file() and stamp.read_text() == key.hexdigest():
            return
        print(f"building {target.relative_to(ROOT)}", file=sys.stderr, flush=True)
        stamp.unlink(missing_ok=True)
        action()
        stamp.write_text(key.hexdigest(), encoding="utf-8")


def native_module(name: str, arch: str) -> Path:
    """An up-to-date native module, `dsp` or `crypto`."""
    builder = ROOT / f"c_{name}" / "natmod" / "build.py"
    peers.run([sys.executable, str(builder), arch], ROOT)
    return ROOT / "build" / "natmod" / arch / f"{name}.mpy"


def main(arguments: list[str]) -> int:
    only_build = "--build" in arguments
    kinds = [name for name in arguments if name != "--build"] or ["stock"]
    try:
        for kind in kinds:
            program = build(kind)
            print(program.relative_to(ROOT), program.stat().st_size, "bytes")
    except BuildError as error:
        print(f"emulated: {error}", file=sys.stderr)
        return 1
    if only_build:
        return 0
    os.execv(sys.executable, [sys.executable, "-m", "resonode_hil.emulated", kinds[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
