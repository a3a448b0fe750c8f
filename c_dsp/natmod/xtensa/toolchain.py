"""A GCC for ESP32 and ESP32-S3 (Xtensa with register windows and an FPU), of what Debian packages.

Debian's gcc-xtensa-lx106 is for the ESP8266. Since GCC 13 and binutils 2.40 the GNU tools take
another core's description from a shared object, so nothing of them is built here:

    build/cache/xtensa_debian   compiler, binutils and C headers of Debian's trixie, unpacked with
                                the C library they need: they run on older releases too
    build/cache/xtensa_<hash>   esp32.so from esp32.c and QEMU's table of instructions;
                                libgcc.a, float division and roots, assembled anew for this core
                                from GCC's source; bin/, which calls it all

A download of about 180 MB and half a minute, once. libgcc is under GCC's runtime library exception.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / "build" / "cache"
CORE = HERE / "esp32.c"

SUITE = "trixie"
PACKAGES = ("gcc-xtensa-lx106", "binutils-xtensa-lx106", "picolibc-xtensa-lx106-elf")
GCC_SOURCE = "gcc-13-source"
LIBGCC = "libgcc/config/xtensa/"
TABLE = (
    "include/hw/xtensa/xtensa-isa.h",
    "target/xtensa/xtensa-isa-internal.h",
    "target/xtensa/core-de233_fpu/xtensa-modules.c.inc",
)
TARGET = "xtensa-lx106-elf"
BINUTILS = ("as", "ld", "ar", "objdump")
COMPILER = ("cc1", "collect2", "lto1", "lto-wrapper")

# The tools run with the C library they were built for, and find each other here.
WRAPPER = """#!/bin/sh
here="${{0%/*}}"
root="$here/../../{root}"
export XTENSA_GNU_CONFIG="$here/../esp32.so"
set -- "$root/{program}" {options} "$@"
exec "$root/{loader}" --argv0 "$0" --library-path "$root/{libraries}" "$@"
"""


def _peers() -> ModuleType:
    """c_dsp/bench/peers.py, which fetches from Debian."""
    spec = importlib.util.spec_from_file_location("peers", HERE.parents[1] / "bench" / "peers.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peers = _peers()
ToolchainError = peers.FetchError


def tag() -> str:
    """Changes whenever what the compiler makes may change."""
    digest = hashlib.sha256()
    for path in (CORE, Path(__file__).resolve()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def folder() -> Path:
    """Where the toolchain is, or will be."""
    return CACHE / f"xtensa_{tag()}"


def compiler() -> Path:
    """GCC for the ESP32, made if it is not there.

    Raises:
        ToolchainError: no apt-get, no network, or packages that are not as expected.
    """
    made = folder()
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "xtensa.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once the second waits, and has it then
        if not made.is_dir():
            make(made)
    return made / "bin" / "gcc"


def make(made: Path) -> None:
    root = debian_root()
    # In the cache itself: the wrappers look for the packages beside their folder.
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        new = Path(scratch)
        compile_core(root, new)
        write_wrappers(root, new)
        assemble_libgcc(root, new)
        new.chmod(0o755)
        new.rename(made)


def debian_root() -> Path:
    """The packages with all that they depend on; in libgcc/ and qemu/, what is taken of sources."""
    root = CACHE / "xtensa_debian"
    if root.is_dir():
        return root
    peers.need("dpkg-dev")
    print("xtensa: fetching a compiler for the ESP32, once: 180 MB", file=sys.stderr, flush=True)
    with peers.apt(SUITE) as apt, tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        new, archives = Path(scratch, "root"), Path(scratch, "archives")
        (archives / "partial").mkdir(parents=True)
        install = [*apt, "-o", f"Dir::Cache::archives={archives}", "install", "--download-only"]
        peers.run([*install, "--no-install-recommends", *PACKAGES])
        for package in sorted(archives.glob("*.deb")):
            peers.run(["dpkg-deb", "-x", str(package), str(new)])
        peers.run([*apt, "download", GCC_SOURCE], archives)
        gcc = next(archives.glob(f"{GCC_SOURCE}_*.deb"))
        peers.run(["dpkg-deb", "-x", str(gcc), str(archives)])
        pick(next(archives.glob("usr/src/gcc-*/gcc-*.tar.xz")), (LIBGCC,), new / "libgcc")
        peers.run([*apt, "source", "--download-only", "qemu"], archives)
        pick(next(archives.glob("qemu_*.orig.tar.xz")), TABLE, new / "qemu")
        new.rename(root)
    return root


def pick(archive: Path, wanted: tuple[str, ...], target: Path) -> None:
    """Write the files of a tar archive that have a wanted part in their path into one folder."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            if not any(part in member.name for part in wanted):
                continue
            content = tar.extractfile(member)
            if content:
                with content, open(target / Path(member.name).name, "wb") as file:
                    shutil.copyfileobj(content, file)


def compile_core(root: Path, new: Path) -> None:
    """The shared object that makes the tools the ESP32's, by this computer's own compiler."""
    options = ["-shared", "-fPIC", "-O1", "-nostdlib", f"-I{root / 'qemu'}"]
    peers.run(["cc", *options, "-o", str(new / "esp32.so"), str(CORE)])


def write_wrappers(root: Path, new: Path) -> None:
    loader = next(root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"))
    programs = {name: root / "usr" / "bin" / f"{TARGET}-{name}" for name in BINUTILS}
    compiler_proper = next(root.glob(f"usr/lib/gcc/{TARGET}/*/cc1"))
    programs |= {name: compiler_proper.with_name(name) for name in COMPILER}
    programs["gcc"] = root / "usr" / "bin" / f"{TARGET}-gcc"
    own = compiler_proper.parent.relative_to(root)
    headers = f'-B"$here/" -B"$root/{own}/" -L"$here/.." -isystem "$root/usr/lib/{TARGET}/include"'
    (new / "bin").mkdir()
    for name, program in programs.items():
        wrapper = new / "bin" / name
        text = WRAPPER.format(
            root=root.name,
            loader=loader.relative_to(root),
            libraries=loader.parent.relative_to(root),
            program=program.relative_to(root),
            options=headers if name == "gcc" else "",
        )
        wrapper.write_text(text, encoding="utf-8")
        wrapper.chmod(0o755)


def assemble_libgcc(root: Path, new: Path) -> None:
    """libgcc.a of what is in assembly language: each routine is the same source with one macro."""
    rules = (root / "libgcc" / "t-xtensa").read_text(encoding="utf-8").replace("\\\n", "")
    names = next(line for line in rules.splitlines() if line.startswith("LIB1ASMFUNCS")).split()[2:]
    source = root / "libgcc" / "lib1funcs.S"
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        gcc = [str(new / "bin" / "gcc"), "-c"]
        for name in names:
            peers.run([*gcc, f"-DL{name}", str(source), "-o", f"{scratch}/{name}.o"])
        peers.run([*gcc, str(source.with_name("lib2funcs.S")), "-o", f"{scratch}/lib2funcs.o"])
        objects = sorted(map(str, Path(scratch).glob("*.o")))
        peers.run([str(new / "bin" / "ar"), "rcsD", str(new / "libgcc.a"), *objects])


def main() -> int:
    try:
        print(compiler())
    except ToolchainError as error:
        print(f"xtensa: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
