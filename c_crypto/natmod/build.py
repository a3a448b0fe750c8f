"""Build the node's cryptography as a native module: python c_crypto/natmod/build.py x64

Writes build/natmod/<arch>/crypto.mpy and prints its path. Nothing is done when no source changed.

Nothing cryptographic is ours: Monocypher and libsodium's SHA-512 come out of two pinned PyPI source
distributions, unpacked under build/cache. Compilers, flags and MicroPython's linker are those of
c_dsp/natmod/build.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

REPO = Path(__file__).resolve().parents[2]
CRYPTO = REPO / "c_crypto"
GLUE = [CRYPTO / "natmod" / name for name in ("mod_crypto.c", "functions.h")]
DSP_NATMOD = REPO / "c_dsp" / "natmod"
DSP_BUILDER = DSP_NATMOD / "build.py"
SOURCES = [CRYPTO / "natmod" / "module.c", CRYPTO / "ed25519.c", DSP_NATMOD / "mem.c"]


def dsp_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dsp_natmod_build", DSP_BUILDER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


common = dsp_builder()


@dataclass(frozen=True)
class Library:
    """A source distribution, and what of it is used."""

    pin: str
    sha256: str
    wanted: tuple[str, ...]  # beginnings of paths below the distribution's folder
    sources: tuple[str, ...]
    includes: tuple[str, ...]


_SODIUM = "src/libsodium/src/libsodium"
LIBRARIES = [
    Library(
        "pymonocypher==4.0.3.4",
        "5e56e3d3eb770a53e0b9f6274146663c11a11f3d0de5cd48e3be0428d1b07a4a",
        ("monocypher.c", "monocypher.h", "LICENSE.txt"),
        ("monocypher.c",),
        (".",),
    ),
    # pymonocypher leaves out Monocypher's optional SHA-512, which Ed25519 needs.
    Library(
        "pynacl==1.6.2",
        "018494d6d696ae03c7e656e5e74cdfd8ea1326962cc401bcf018f1ed8436811c",
        (f"{_SODIUM}/crypto_hash/sha512", f"{_SODIUM}/include", "src/libsodium/LICENSE"),
        (f"{_SODIUM}/crypto_hash/sha512/cp/hash_sha512_cp.c",),
        (f"{_SODIUM}/include/sodium",),
    ),
]

DEFINES = ["-DCONFIGURED=1"]  # libsodium: we know that we build it our own way


def fingerprint(arch: str) -> str:
    digest = hashlib.sha256(arch.encode())
    for path in [*SOURCES, *GLUE, CRYPTO / "ed25519.h", Path(__file__).resolve(), DSP_BUILDER]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def download(library: Library, folder: Path) -> Path:
    """The pinned source distribution, by pip, which checks its hash."""
    pin = folder / "pin.txt"
    pin.write_text(f"{library.pin} --hash=sha256:{library.sha256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
    pip += ["--no-binary", ":all:", "--require-hashes", "-r", str(pin), "-d", str(folder)]
    common.run(pip, folder)
    return next(folder.glob("*.tar.gz"))


def source_of(library: Library) -> Path:
    """The folder with the files that are wanted, fetched once."""
    tree: Path = common.CACHE / f"{library.pin.partition('=')[0]}_{library.sha256[:12]}"
    if not tree.is_dir():
        common.CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=common.CACHE) as name:
            folder = Path(name)
            with tarfile.open(download(library, folder)) as archive:
                unpack(archive, library.wanted, folder / "tree")  # safe: pip checked its hash
            try:
                (folder / "tree").rename(tree)
            except OSError:
                if not tree.is_dir():  # else another build was faster
                    raise
    return tree


def unpack(archive: tarfile.TarFile, wanted: tuple[str, ...], folder: Path) -> None:
    """Write the wanted files without the folder that a source distribution puts around them."""
    for member in archive.getmembers():
        name = member.name.partition("/")[2]
        content = archive.extractfile(member) if name.startswith(wanted) else None
        if content:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with open(folder / name, "wb") as file:
                shutil.copyfileobj(content, file)


def libraries() -> tuple[list[Path], list[str]]:
    """The libraries' C files, and the options to compile them and what uses them."""
    sources, options = [], list(DEFINES)
    for library in LIBRARIES:
        tree = source_of(library)
        sources += [tree / source for source in library.sources]
        options += [f"-I{tree / include}" for include in library.includes]
    return sources, options


def compile_all(name: str, upstream: Path, folder: Path) -> list[str]:
    arch = common.ARCHES[name]
    sources, options = libraries()
    command = [common.compiler(name), *common.FLAGS, *arch.flags, *arch.headers, *options]
    command += [f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{arch.mp_float}"]
    command += ["-DMP_CONFIGFILE=<crypto.config.h>", f"-I{upstream}", f"-I{folder}"]
    objects = []
    for source in [*SOURCES, *sources]:
        objects.append(f"crypto.{source.stem}.o")
        common.run([*command, "-c", str(source), "-o", objects[-1]], folder)
    return objects


def link(name: str, objects: list[str], mpy_ld: list[str], folder: Path) -> None:
    """As for the DSP core: join, drop what is not used, then make the .mpy of one object."""
    arch = common.ARCHES[name]
    joined = [common.compiler(name), *arch.flags, *arch.joining, "-r", "-nostdlib"]
    joined += [
        "-Wl,--gc-sections",
        "-Wl,-u,mpy_init",
        "-Wl,-e,mpy_init",
        "-o",
        "crypto.all.o",
        *objects,
        "-lgcc",
    ]
    common.run(joined, folder)
    made = ["--qstrs", "crypto.config.h", "-o", "crypto.mpy", "crypto.all.o"]
    common.run([*mpy_ld, "--arch", name, *made], folder)


def build(name: str) -> Path:
    """Path of an up-to-date crypto.mpy.

    Raises:
        BuildError: an unknown architecture, a missing tool, or a compiler's complaint.
    """
    if name not in common.ARCHES:
        known = ", ".join(common.ARCHES)
        raise common.BuildError(f"unknown architecture {name!r}; known: {known}")
    folder = REPO / "build" / "natmod" / name
    target, stamp = folder / "crypto.mpy", folder / "crypto.stamp"
    wanted = fingerprint(name)
    if target.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    older = common.ARCHES[name].debian
    upstream: Path = common.debian_micropython() if older else common.micropython_source()
    mpy_ld = [sys.executable, str(upstream / "tools" / "mpy_ld.py")]
    qstrs = ["--preprocess", "-o", "crypto.config.h", *map(str, GLUE)]
    common.run([*mpy_ld, "--arch", name, *qstrs], folder)
    link(name, compile_all(name, upstream, folder), mpy_ld, folder)
    stamp.write_text(wanted)
    return target


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        usage = "build.py ARCH | --all | --libraries"
        print(f"usage: {usage}   ({', '.join(common.ARCHES)})", file=sys.stderr)
        return 2
    if arguments == ["--libraries"]:  # for micropython.mk and .cmake
        sources, options = libraries()
        print(*options, *sources)
        return 0
    failed = False
    for name in common.ARCHES if arguments == ["--all"] else arguments:
        try:
            target = build(name)
            print(f"{target.relative_to(REPO)}  {target.stat().st_size} bytes")
        except common.BuildError as error:
            print(f"native module: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
