"""Imports point one way: hil -> host_sdk -> resonode_wire <- firmware -> native modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Top-level names that are ours, as an import statement spells them.
OURS = {
    "resonode", "resonode_wire", "resonode_hil", "firmware", "boards",
    "c_dsp", "c_crypto", "tests", "tools", "dsp", "crypto", "machine", "esp32",
}  # fmt: skip
# `machine` and `esp32` are MicroPython's, but who may touch the hardware is one of our rules.

# Folder -> which of OURS its files may import. The longest matching folder counts.
MAY_IMPORT = {
    "resonode_wire": {"resonode_wire"},
    "c_dsp": set(),
    "c_crypto": set(),
    "c_dsp/bench": {"c_dsp", "resonode"},  # times the core as its users call it
    "c_dsp/fuzz": {"c_dsp"},
    "c_crypto/bench": {"firmware"},  # runs in MicroPython
    "firmware": {"firmware", "resonode_wire", "dsp", "crypto"},
    "boards": set(),
    "host_sdk/resonode": {"resonode", "resonode_wire"},
    # Sent to boards, never imported here.
    "host_sdk/resonode/deploy/on_board": {"firmware", "machine"},
    "hil/resonode_hil": {"resonode_hil", "resonode", "resonode_wire"},
    # Runs in the node's interpreter, under the firmware.
    "hil/resonode_hil/port": {"firmware", "resonode_wire", "dsp", "machine"},
    # What fetches sources; the boards' data; the table of settings.
    "tools": {"tools", "c_dsp", "resonode", "firmware"},
    "examples": {"resonode", "resonode_wire", "resonode_hil"},
    "docs": set(),
    "tests": OURS - {"machine", "esp32", "dsp", "crypto"},
    "tests/hil/probes": {"firmware", "resonode_wire", "machine"},  # run on virtual boards
    "tests/both": {"resonode_wire", "firmware", "tests"},
}
MAY_TOUCH_HARDWARE = {"main.py", "clock.py", "board.py", "boards.py", "board_loader.py"}
LINKS = "link"  # firmware/link_*.py and firmware/links/

# What MicroPython has of the modules we use. It lacks typing, dataclasses, enum, abc, contextlib.
MICROPYTHON_HAS = {
    "array", "asyncio", "binascii", "bluetooth", "collections", "deflate", "errno", "gc", "hashlib",
    "io", "json", "math", "micropython", "os", "random", "select", "socket", "struct", "sys",
    "time", "uctypes", "umachine", "vfs",
}  # fmt: skip
SHARED_WITH_MICROPYTHON = (
    "resonode_wire/", "firmware/", "hil/resonode_hil/port/", "host_sdk/resonode/deploy/on_board/",
)  # fmt: skip


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, top-level name) of every absolute import, also by __import__ or import_module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[0]
            if function in ("__import__", "import_module") and isinstance(name, ast.Constant):
                yield node.lineno, str(name.value).partition(".")[0]


def allowed(path: PurePosixPath) -> set[str]:
    """Which of OURS the file may import."""
    for folder in (str(parent) for parent in path.parents):
        if folder in MAY_IMPORT:
            names = set(MAY_IMPORT[folder])
            if folder == "firmware" or folder.startswith("firmware/"):
                within = path.relative_to("firmware").parts
                if within[0] in MAY_TOUCH_HARDWARE or within[0].startswith(LINKS):
                    names |= {"machine", "esp32"}
            return names
    return set() if path.name == "setup.py" else OURS


def wrong_arrows(path: str, source: str) -> list[str]:
    """One message per import in `source` (the file at `path`) that points the wrong way."""
    may = allowed(PurePosixPath(path))
    return [
        f"{path}:{line} imports {name}"
        for line, name in imported(ast.parse(source))
        if name in OURS and name not in may
    ]


def not_in_micropython(path: str, source: str) -> list[str]:
    tree = ast.parse(source)
    if not path.startswith(SHARED_WITH_MICROPYTHON) or runs_on(source) == "CPython":
        return []
    guarded = {
        inner.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }
    siblings = {other.stem for other in (ROOT / path).parent.glob("*.py")}
    return [
        f"{path}:{line} imports {name}, which MicroPython lacks"
        for line, name in imported(tree)
        if name not in MICROPYTHON_HAS | OURS | siblings and line not in guarded
    ]


def runs_on(source: str) -> str:
    """What a module says in its docstring or first comments: `Runs on: ...`."""
    head = "\n".join(source.splitlines()[:12])
    found = re.search(r"Runs on: ([\w ]+\w)", head)
    return found[1] if found else ""


def our_files() -> list[str]:
    skipped = {"build", "dist", ".venv"}
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if not any(
            part in skipped or part.startswith(".") for part in path.relative_to(ROOT).parts[:-1]
        )
    )


def test_every_import_points_the_right_way() -> None:
    files = our_files()
    assert {"resonode_wire/fields.py", "setup.py", "tests/conftest.py"} <= set(files)
    assert [
        message for path in files for message in wrong_arrows(path, (ROOT / path).read_text())
    ] == []


def test_code_for_nodes_imports_only_what_micropython_has() -> None:
    assert [
        message
        for path in our_files()
        for message in not_in_micropython(path, (ROOT / path).read_text())
    ] == []


def test_code_for_nodes_says_where_it_runs() -> None:
    known = {"device", "MicroPython", "CPython", "MicroPython and CPython"}
    for path in our_files():
        if path.startswith(SHARED_WITH_MICROPYTHON):
            assert runs_on((ROOT / path).read_text()) in known, path


def test_boards_hold_data_only() -> None:
    # Manifests say what MicroPython's build freezes: lists, in Python's spelling.
    code = [path for path in our_files() if path.startswith("boards/")]
    assert [path for path in code if not path.endswith("/micropython/manifest.py")] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("resonode_wire/frame.py", "from firmware import config"),
        ("resonode_wire/frame.py", "import resonode.errors"),
        ("firmware/sampler.py", "import resonode"),
        ("firmware/sampler.py", "import machine"),
        ("firmware/drivers/iis3dwb.py", "def f():\n    from machine import SPI"),
        ("firmware/drivers/main.py", "import machine"),
        ("host_sdk/resonode/node.py", "from firmware.config import WINDOW"),
        ("host_sdk/resonode/cli.py", "from importlib import *\nimport_module('resonode_hil.cli')"),
        ("host_sdk/resonode/cli.py", "__import__('resonode_hil')"),
        ("hil/resonode_hil/board.py", "import os, firmware.main"),
        ("c_dsp/build_cffi.py", "import resonode_wire"),
        ("setup.py", "import resonode"),
        ("tests/both/test_x.py", "import resonode"),
    ],
)
def test_a_wrong_arrow_is_caught(path: str, source: str) -> None:
    assert len(wrong_arrows(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("firmware/main.py", "import machine, dsp\nfrom firmware import sampler"),
        ("firmware/link_serial.py", "import machine"),
        ("firmware/sampler.py", "import dsp\nfrom resonode_wire import message"),
        ("host_sdk/resonode/node.py", "from resonode_wire import fields\nfrom . import errors"),
        ("hil/resonode_hil/board.py", "import resonode, resonode_wire.bus"),
    ],
)
def test_a_right_arrow_is_allowed(path: str, source: str) -> None:
    assert wrong_arrows(path, source) == []


def test_a_module_that_micropython_lacks_is_caught() -> None:
    source = '"""x\n\nRuns on: MicroPython and CPython.\n"""\nimport typing\nimport struct\n'
    assert not_in_micropython("firmware/sampler.py", source) == [
        "firmware/sampler.py:5 imports typing, which MicroPython lacks"
    ]
    assert not_in_micropython("firmware/tool.py", source.replace("MicroPython and ", "")) == []
    assert not_in_micropython("host_sdk/resonode/node.py", source) == []
