"""Every test in tests/both again, in real MicroPython (pytest runs the same files in CPython)."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "tests" / "micropython_runner.py"
FILES = sorted((ROOT / "tests" / "both").glob("test_*.py"))
LIMIT_S = 120


def micropython() -> str:
    """The interpreter named by $MICROPYTHON, else the one installed beside this Python."""
    return os.environ.get("MICROPYTHON") or str(Path(sys.executable).with_name("micropython"))


def test_functions(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


test_functions.__test__ = False  # type: ignore[attr-defined]


@functools.cache
def run_in_micropython(path: Path) -> tuple[dict[str, str], str]:
    """{function: "PASS" or "FAIL"} and all that was printed, from one MicroPython process."""
    # .frozen holds asyncio; the native module `dsp` is there as it is on a node.
    search = f"{ROOT}:.frozen:{ROOT / 'build' / 'natmod' / 'x64'}"
    done = subprocess.run(
        [micropython(), "-X", "heapsize=16M", str(RUNNER), str(path)],
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": search},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_S,
        text=True,
        errors="replace",
    )
    words = [line.split() for line in done.stdout.splitlines() if line.startswith("@@ ")]
    verdicts = {line[2]: line[1] for line in words if len(line) == 3}
    if words[-1:] != [["@@", "END"]] or done.returncode != 0:
        return verdicts, f"{done.stdout}\nMicroPython ended early, exit code {done.returncode}"
    return verdicts, done.stdout


def check(path: Path, function: str) -> None:
    verdicts, printed = run_in_micropython(path)
    assert verdicts.get(function) == "PASS", f"{path.name}::{function} in MicroPython:\n{printed}"


@pytest.mark.parametrize(
    ("path", "function"),
    [
        pytest.param(path, function, id=f"{path.name}::{function}")
        for path in FILES
        for function in test_functions(path)
    ],
)
def test_passes_in_micropython_too(path: Path, function: str) -> None:
    check(path, function)


def test_files_in_both_hold_only_plain_functions_so_that_none_is_missed() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                is_test = node.name.lower().startswith("test")
                plain = isinstance(node, ast.FunctionDef) and not node.args.args
                assert plain or not is_test, f"{path.name}:{node.lineno} {node.name}"


SAMPLE = """
def test_good():
    assert 1 + 1 == 2

def test_wrong():
    assert 1 + 1 == 3, "sums"

def test_after_a_failure():
    print("@@ PASS nothing of the kind")
"""


def test_runner_reports_each_function_by_name(tmp_path: Path) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(SAMPLE)
    check(path, "test_good")
    check(path, "test_after_a_failure")
    with pytest.raises(AssertionError, match="AssertionError: sums"):
        check(path, "test_wrong")


@pytest.mark.parametrize("line", ["import no_such_module", "raise SystemExit(0)", "def broken(:"])
def test_runner_counts_a_file_that_cannot_be_imported_as_failed(tmp_path: Path, line: str) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text("def test_never_reached():\n    pass\n\n" + line + "\n")
    with pytest.raises(AssertionError, match="MicroPython"):
        check(path, "test_never_reached")


def test_runner_is_really_micropython(tmp_path: Path) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(
        "import sys\n\ndef test_name():\n    assert sys.implementation.name == 'micropython'\n"
    )
    check(path, "test_name")
