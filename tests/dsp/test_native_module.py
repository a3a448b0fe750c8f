"""The native module in real MicroPython gives the host's results, bit for bit."""

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dsp import golden

REPO = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def module_folder() -> Path:
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the native module is built for x86-64 here")
    spec = importlib.util.spec_from_file_location("build", REPO / "c_dsp/natmod/build.py")
    assert spec and spec.loader
    build = importlib.util.module_from_spec(spec)
    sys.modules["build"] = build  # dataclasses look their module up
    spec.loader.exec_module(build)
    build.build("x64", node=True)
    return build.build("x64").parent


def test_the_page_shows_the_sizes_that_are_built(module_folder):
    page = (REPO / "c_dsp/README.md").read_text()
    head, _, whole, node = page[page.index("| `dsp.mpy`") :].splitlines()[:4]
    column = [cell.strip() for cell in head.split("|")].index("x64")
    for row, path in ((whole, "dsp.mpy"), (node, "node/dsp.mpy")):
        shown = int(row.split("|")[column].replace(",", ""))
        # Compilers differ a little; `make natmod-all` prints what to write there.
        assert (module_folder / path).stat().st_size == pytest.approx(shown, rel=0.03)


def micropython(script: str, *arguments: object) -> str:
    beside = Path(sys.executable).with_name("micropython")
    program = os.environ.get("MICROPYTHON") or str(beside)
    command = [program, "-X", "heapsize=4m", str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_function_gives_the_hosts_bits_at_every_size(module_folder, tmp_path):
    (tmp_path / "in").write_bytes(golden.inputs())
    micropython("native_vectors.py", module_folder, "dsp", tmp_path / "in", tmp_path / "out")
    golden.check((tmp_path / "out").read_bytes())


def test_bad_arguments_are_value_errors_that_name_the_argument(module_folder):
    lines = micropython("native_refusals.py", module_folder, "dsp").splitlines()
    assert lines[-1] == "done" and len(lines) > 50


def test_a_build_with_nothing_changed_touches_nothing(module_folder):
    module = module_folder / "dsp.mpy"
    before = module.stat().st_mtime_ns
    command = [sys.executable, str(REPO / "c_dsp/natmod/build.py"), "x64"]
    assert subprocess.run(command, capture_output=True, check=True).stdout
    assert module.stat().st_mtime_ns == before


def test_the_module_holds_no_path_of_this_machine(module_folder):
    assert str(REPO).encode() not in (module_folder / "dsp.mpy").read_bytes()


def test_an_unknown_architecture_is_refused_by_name():
    command = [sys.executable, str(REPO / "c_dsp/natmod/build.py"), "z80"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "unknown architecture 'z80'; known: x64" in done.stderr
