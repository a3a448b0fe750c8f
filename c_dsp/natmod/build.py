"""Build the core as a MicroPython native module: python c_dsp/natmod/build.py x64

Writes, and prints the paths of, two modules of one name:

    build/natmod/<arch>/dsp.mpy        everything, for programs of one's own
    build/natmod/<arch>/node/dsp.mpy   what the firmware calls (node.txt): the one for boards

Nothing is done when no source has changed.

MicroPython's linker for native modules (mpy_ld.py) and the header they include (dynruntime.h) come
from a pinned PyPI source distribution, unpacked under build/cache. Needs the compiler of the
architecture, and pyelftools in this Python.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

REPO = Path(__file__).resolve().parents[2]
CORE = REPO / "c_dsp"
NATMOD = CORE / "natmod"
SOURCES = [NATMOD / "module.c", NATMOD / "mem.c"]
FUNCTIONS = NATMOD / "functions.h"
CACHE = REPO / "build" / "cache"

SDIST = "mpy-cross-v6-3==1.1.1"
SDIST_SHA256 = "55414c358f5844c784e76d3b253cbd7af5f243ddd4c0b47a26d3875d628df300"

FLAGS = [
    "-std=c99",
    "-O2",
    "-Wall",
    "-Werror",
    "-Wdouble-promotion",
    "-fno-math-errno",  # sqrtf is an instruction
    "-ffp-contract=off",  # the same answer on every target
    "-fpic",
    "-fno-common",
    "-fno-jump-tables",
    "-fno-tree-loop-distribute-patterns",  # no calls of memcpy and memset
    "-ffunction-sections",
    "-fdata-sections",
    "-Wno-unused-function",  # what the node leaves out
    "-Wno-unused-const-variable",
    "-U_FORTIFY_SOURCE",
    # A module's constants lie in RAM, like its code: twiddles only of the sizes in use.
    "-DDSP_TABLES_IN_CALLER_MEMORY=1",
    "-DDSP_PORTABLE",
    "-DNDEBUG",
    "-DNO_QSTR",
    "-DMICROPY_ENABLE_DYNRUNTIME",
]


# Code of its own for 1024 points where there is room, the least of it where there is not.
OPTIONS = {False: ["-DDSP_SPECIALISE=1024"], True: ["-Os", "-DDSP_SPECIALISE=0", "-DDSP_SMALL=1"]}


@dataclass(frozen=True)
class Arch:
    """A native-module ABI of MicroPython."""

    compiler: str  # a program on the PATH, or XTENSA
    flags: tuple[str, ...]
    mp_float: str  # NONE, FLOAT or DOUBLE: what a MicroPython float is there
    debian: bool = False  # needs the linker of MicroPython 1.25, from Debian's source package
    headers: tuple[str, ...] = ()  # what only compiling needs, not linking
    joining: tuple[str, ...] = ()  # what only linking needs


XTENSA = "made by xtensa/toolchain.py"

ARCHES = {
    "x64": Arch("gcc", ("-fno-stack-protector", "-fcf-protection=none"), "DOUBLE"),
    "armv7emsp": Arch(
        "arm-none-eabi-gcc",
        ("-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        "FLOAT",
    ),
    "armv7m": Arch("arm-none-eabi-gcc", ("-mthumb", "-mcpu=cortex-m3"), "FLOAT"),
    "rv32imc": Arch(
        "riscv64-unknown-elf-gcc",
        ("-march=rv32imc", "-mabi=ilp32", "-mno-relax"),
        "FLOAT",
        debian=True,
        headers=("-specs=picolibc.specs",),
    ),
    # mpy_ld takes one section of code and one of literals from each object here, so sections of
    # single functions are no way to leave out what nothing calls: the whole program is compiled at
    # once instead.
    "xtensawin": Arch(
        XTENSA,
        ("-flto", "-fno-function-sections", "-fno-data-sections"),
        "FLOAT",
        joining=(
            "-O2",
            "-fwhole-program",
            "-flto-partition=one",
            "-flinker-output=nolto-rel",
            "-Wl,--no-relax",
            f"-Wl,-T,{NATMOD / 'xtensa' / 'sections.ld'}",
        ),
    ),
}


class BuildError(Exception):
    """What failed, and what to do about it."""


def core_sources() -> list[Path]:
    return sorted(CORE.glob("*.c"))


def node_functions() -> set[str]:
    return set((NATMOD / "node.txt").read_text(encoding="utf-8").split())


def write_functions(wanted: set[str] | None, target: Path) -> None:
    """Write the list of what the module holds: all of functions.h, or the names that are wanted."""
    entry = re.compile(r"(?:FUNCTION|CONSTANT)\(MP_QSTR_(\w+),")
    held = [(line, entry.match(line)) for line in FUNCTIONS.read_text(encoding="utf-8").split("\n")]
    lines = {match[1]: line for line, match in held if match}
    if unknown := (wanted or set()) - set(lines):
        raise BuildError(f"node.txt: functions.h has no {', '.join(sorted(unknown))}")
    kept = [line for name, line in lines.items() if wanted is None or name in wanted]
    target.write_text("\n".join(kept) + "\n", encoding="utf-8")


def inputs() -> list[Path]:
    return [
        *core_sources(),
        *sorted(CORE.glob("*.h")),
        *sorted(path for path in NATMOD.iterdir() if path.is_file()),
    ]


def fingerprint(arch: str) -> str:
    digest = hashlib.sha256(arch.encode())
    if ARCHES[arch].compiler == XTENSA:
        digest.update(toolchain().tag().encode())
    for path in inputs():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run(command: list[str], folder: Path) -> None:
    """Quiet unless it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BuildError(
            f"{command[0]} was not found; install it (Debian: apt install {apt_name(command[0])})"
        ) from error
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def apt_name(program: str) -> str:
    return {
        "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    }.get(program, program)


def download() -> Path:
    """The pinned source distribution, by pip, which checks its hash."""
    pin = CACHE / "mpy_sdist.txt"
    pin.write_text(f"{SDIST} --hash=sha256:{SDIST_SHA256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    pip += ["--no-binary", ":all:", "--require-hashes", "-r", str(pin), "-d", str(CACHE)]
    run(pip, CACHE)
    return next(CACHE.glob("mpy_cross_v6_3-*.tar.gz"))


def micropython_source() -> Path:
    """The MicroPython tree inside the source distribution, fetched once."""
    tree = CACHE / f"mpy_sdist_{SDIST_SHA256[:12]}"
    if not tree.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            with tarfile.open(download()) as archive:
                archive.extractall(folder + "/tree")  # safe: pip checked its hash
            Path(folder, "tree").rename(tree)
    return next(tree.iterdir()) / "micropython"


def load(path: Path) -> ModuleType:
    """A module by its file: this runs without the checkout on sys.path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def toolchain() -> ModuleType:
    return load(NATMOD / "xtensa" / "toolchain.py")


def compiler(name: str) -> str:
    """The architecture's compiler; the ESP32's is made where it is missing."""
    program = ARCHES[name].compiler
    if program != XTENSA:
        return program
    xtensa = toolchain()
    try:
        return str(xtensa.compiler())
    except xtensa.ToolchainError as error:
        raise BuildError(
            f"no compiler for {name} could be made; it takes a Debian with its archive in reach: "
            f"{error}\nESP-IDF's compiler can compile the modules in instead: */micropython.cmake"
        ) from error


def debian_micropython() -> Path:
    """MicroPython 1.25 as Debian's suite trixie has it: its linker knows rv32imc."""
    peers = load(CORE / "bench" / "peers.py")
    try:
        archive = next(peers.debian_source("micropython", "trixie").glob("*.orig.tar.*"))
        return Path(peers.unpack(archive, CACHE / "micropython_debian"))
    except peers.FetchError as error:
        raise BuildError(f"no source package micropython of Debian's trixie: {error}") from error


def compile_all(name: str, node: bool, upstream: Path, folder: Path) -> list[str]:
    arch = ARCHES[name]
    objects = []
    for source in [*SOURCES, *core_sources()]:
        objects.append(f"{source.stem}.o")
        command = [
            compiler(name),
            *FLAGS,
            *OPTIONS[node],
            *arch.flags,
            *arch.headers,
            f"-I{upstream}",
            f"-I{folder}",
        ]
        command += [f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{arch.mp_float}"]
        command += ["-DMP_CONFIGFILE=<dsp.config.h>", '-DDSP_FUNCTIONS="functions.chosen.h"']
        run([*command, "-c", str(source), "-o", objects[-1]], folder)
    return objects


def link(name: str, objects: list[str], mpy_ld: list[str], folder: Path) -> None:
    """Join with what the compiler's own library provides, then make the .mpy of one object.

    mpy_ld embeds the output path as it is given, so it runs inside the folder.
    """
    arch = ARCHES[name]
    prelink = [compiler(name), *arch.flags, *arch.joining, "-r", "-nostdlib", "-Wl,--gc-sections"]
    prelink += ["-Wl,-u,mpy_init", "-Wl,-e,mpy_init", "-o", "all.o", *objects, "-lgcc"]
    run(prelink, folder)
    run([*mpy_ld, "--arch", name, "--qstrs", "dsp.config.h", "-o", "dsp.mpy", "all.o"], folder)


def build(name: str, node: bool = False) -> Path:
    """Path of an up-to-date dsp.mpy: the whole module, or the node's part of it.

    Raises:
        BuildError: an unknown architecture, a missing tool, or a compiler's complaint.
    """
    if name not in ARCHES:
        raise BuildError(f"unknown architecture {name!r}; known: {', '.join(ARCHES)}")
    folder = REPO / "build" / "natmod" / name / ("node" if node else "")
    target, stamp = folder / "dsp.mpy", folder / "dsp.stamp"
    wanted = fingerprint(name)
    if target.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return target
    upstream = debian_micropython() if ARCHES[name].debian else micropython_source()
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    chosen = folder / "functions.chosen.h"
    write_functions(node_functions() if node else None, chosen)
    mpy_ld = [sys.executable, str(upstream / "tools" / "mpy_ld.py")]
    run([*mpy_ld, "--arch", name, "--preprocess", "-o", "dsp.config.h", str(chosen)], folder)
    link(name, compile_all(name, node, upstream, folder), mpy_ld, folder)
    stamp.write_text(wanted)
    return target


def table(sizes: dict[str, tuple[int, int]]) -> str:
    """Markdown, as in README.md: bytes of the whole module and of the node's, by architecture."""
    whole, node = ([f"{pair[i]:,}" for pair in sizes.values()] for i in (0, 1))
    rows = [
        ["`dsp.mpy`, bytes", *sizes],
        ["---"] * (1 + len(sizes)),
        ["everything", *whole],
        ["`node/`: what the firmware calls", *node],
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(f"usage: build.py ARCH | --all   ({', '.join(ARCHES)})", file=sys.stderr)
        return 2
    failed = False
    sizes = {}
    for name in ARCHES if arguments == ["--all"] else arguments:
        try:
            targets = (build(name), build(name, node=True))
        except BuildError as error:
            print(f"native module: {error}", file=sys.stderr)
            failed = True
        else:
            print("\n".join(str(target.relative_to(REPO)) for target in targets))
            sizes[name] = (targets[0].stat().st_size, targets[1].stat().st_size)
    print(f"\n{table(sizes)}" if sizes else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
