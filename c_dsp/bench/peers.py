"""Peers of the DSP core, in source, and the tools that measure them: fetched once into build/cache.

CMSIS-DSP's C sources come with the PyPI source distribution `cmsisdsp`, pinned by hash; KISS FFT's
are Debian's source package `kissfft`, whose signature apt checks. Tools are Debian packages,
installed where this process may (root or sudo without password), else named in the error.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CACHE = REPO / "build" / "cache"

CMSIS = "cmsisdsp==1.10.3"
CMSIS_SHA256 = "307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519"

# What each Debian package is recognised by.
PACKAGES = {
    "gcc-arm-none-eabi": "/usr/bin/arm-none-eabi-gcc",
    "libnewlib-arm-none-eabi": "/usr/include/newlib/stdint.h",
    "qemu-system-arm": "/usr/bin/qemu-system-arm",
    "libfftw3-dev": "/usr/include/fftw3.h",
    "dpkg-dev": "/usr/bin/dpkg-source",
    "clang": "/usr/bin/clang",
    "libclang-rt-14-dev": "/usr/lib/llvm-14/lib/clang",
    "gcc-riscv64-unknown-elf": "/usr/bin/riscv64-unknown-elf-gcc",
    "picolibc-riscv64-unknown-elf": "/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs",
    "qemu-system-misc": "/usr/bin/qemu-system-riscv32",
    "qemu-user": "/usr/bin/qemu-xtensa",
}


class FetchError(Exception):
    """What could not be had, and what to do about it."""


def run(command: list[str], folder: Path | None = None) -> str:
    """Standard output; quiet unless it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} was not found") from error
    if done.returncode:
        raise FetchError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def need(*packages: str) -> None:
    """Installs the Debian packages that are missing.

    Raises:
        FetchError: they are missing and cannot be installed from here.
    """
    missing = [name for name in packages if not Path(PACKAGES[name]).exists()]
    if not missing:
        return
    advice = f"install them: apt-get install {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise FetchError(f"missing tools and no apt-get here; as Debian packages {advice}")
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print("installing", *missing, flush=True)
    try:
        run([*root, "apt-get", "update", "-q"])
        run([*root, "apt-get", "install", "-q", "-y", "--no-install-recommends", *missing])
    except FetchError as error:
        raise FetchError(f"missing tools; {advice}\n{error}") from error


def unpack(archive: Path, tree: Path) -> Path:
    """The one folder inside a tar file, unpacked under `tree` whole or not at all."""
    if not tree.is_dir():
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            with tarfile.open(archive) as tar:
                tar.extractall(folder + "/tree", filter="data")
            Path(folder, "tree").rename(tree)
    return next(path for path in tree.iterdir() if path.is_dir())


def cmsis() -> Path:
    """CMSIS-DSP: the folder with Include/, PrivateInclude/ and Source/."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"{CMSIS.replace('==', '-')}.tar.gz"
    if not archive.is_file():
        pin = CACHE / "cmsis.txt"
        pin.write_text(f"{CMSIS} --hash=sha256:{CMSIS_SHA256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # Without isolation: its metadata needs only setuptools and numpy, which are here.
        pip += ["--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
        run([*pip, "-r", str(pin), "-d", str(CACHE)])
    if hashlib.sha256(archive.read_bytes()).hexdigest() != CMSIS_SHA256:
        raise FetchError(f"{archive.name}: not the pinned file; remove it and try again")
    return unpack(archive, CACHE / f"cmsis_{CMSIS_SHA256[:12]}")


def source_lists() -> str:
    """This machine's own Debian package sources, asked for sources instead of binaries."""
    etc = Path("/etc/apt")
    lines = []
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        lines += ["deb-src " + line[4:] for line in text.splitlines() if line.startswith("deb ")]
    return "\n".join(lines) + "\n"


def deb822_sources() -> str:
    """The same for the newer .sources files: stanzas apart by empty lines."""
    stanzas = []
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            lines = [line for line in stanza.splitlines() if not line.startswith("#")]
            kinds = [line.startswith("Types:") for line in lines]
            if any(kinds):
                lines[kinds.index(True)] = "Types: deb-src"
                stanzas.append("\n".join(lines))
    return "\n\n".join(stanzas) + "\n"


@contextmanager
def apt(suite: str | None = None) -> Iterator[list[str]]:
    """How apt-get is called here, so that nothing of the machine changes.

    It works on lists, caches and a status of its own below build/cache, where nothing is installed.

    Args:
        suite: another release than the machine's, in the same archives; of it, binaries too.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        parts = Path(scratch, "parts")
        for name in ("parts", "lists/partial", "cache/archives/partial"):
            Path(scratch, name).mkdir(parents=True)
        Path(scratch, "status").touch()
        deb822 = deb822_sources()
        if suite:
            archive = deb822.split("\n\n")[0].splitlines()
            changes = {"Suites:": f"Suites: {suite}", "Types:": "Types: deb deb-src"}
            deb822 = "\n".join(changes.get(line.split(" ")[0], line) for line in archive)
        (parts / "bench.sources").write_text(deb822 + "\n", encoding="utf-8")
        (parts / "bench.list").write_text("" if suite else source_lists(), encoding="utf-8")
        options = [
            "Dir::Etc::sourcelist=-",
            f"Dir::Etc::sourceparts={parts}",
            f"Dir::State::lists={scratch}/lists",
            f"Dir::State::status={scratch}/status",
            f"Dir::Cache={scratch}/cache",
            "APT::Sandbox::User=",
        ]
        command = ["apt-get", "-q", "-y"]
        for option in options:
            command += ["-o", option]
        run([*command, "update"])
        yield command


def debian_source(package: str, suite: str | None = None) -> Path:
    """Folder with the files of a Debian source package, unchanged (.dsc, .orig.tar.*, ...).

    Args:
        suite: another release than the machine's.
    """
    need("dpkg-dev")
    folder = CACHE / f"deb_{package}"
    if list(folder.glob("*.dsc")):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with apt(suite) as command:
        run([*command, "source", "--download-only", package], folder)
    if not list(folder.glob("*.dsc")):
        raise FetchError(f"apt-get source {package} brought nothing")
    return folder


def kiss() -> Path:
    """KISS FFT's upstream sources, as Debian ships them."""
    archive = next(debian_source("kissfft").glob("kissfft_*.orig.tar.*"))
    return unpack(archive, CACHE / "kissfft")
