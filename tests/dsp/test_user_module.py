"""The user C modules, compiled into MicroPython for unix, give the host's bits and RFC vectors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dsp import golden, test_native_condition, test_native_spectra
from tests.dsp.reference import noise
from tests.dsp.test_native_module import HERE, REPO, module_folder  # noqa: F401

# What the unix port needs libraries for that are not in MicroPython's source package.
WITHOUT = ("SSL", "FFI", "BTREE", "BLUETOOTH")
RELEASE = {"MICROPY_GIT_TAG": "v1.25.0", "MICROPY_GIT_HASH": "debian"}


def make(tree: Path, folder: Path, *options: str) -> None:
    command = ["make", "-C", str(tree), f"-j{os.cpu_count()}", f"BUILD={folder}", *options]
    done = subprocess.run(
        command, env=os.environ | RELEASE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture(scope="module")
def program(module_folder) -> Path:  # noqa: F811
    """MicroPython with dsp and crypto inside: 30 s when it is first built, later a second."""
    tree = sys.modules["build"].debian_micropython()
    folder = REPO / "build" / "usermod"
    cross = folder / "mpy-cross"
    make(tree / "mpy-cross", cross)
    options = ["FROZEN_MANIFEST=", *(f"MICROPY_PY_{name}=0" for name in WITHOUT)]
    options += [f"MICROPY_MPYCROSS={cross / 'mpy-cross'}", f"RESONODE_PYTHON={sys.executable}"]
    make(tree / "ports" / "unix", folder / "unix", f"USER_C_MODULES={REPO}", *options)
    return folder / "unix" / "micropython"


@pytest.fixture(scope="module")
def run(program):
    def run(script: Path, *arguments: object, path: str = "") -> str:
        command = [program, "-X", "heapsize=4m", script, *arguments]
        done = subprocess.run(
            list(map(str, command)),
            env=os.environ | {"MICROPYPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def compare(native: bytes, wanted: list[tuple[str, bytes]]) -> None:
    at = 0
    for name, value in wanted:
        assert native[at : at + len(value)] == value, name
        at += len(value)
    assert at == len(native)


def test_the_core_compiled_in_gives_the_hosts_bits(run, tmp_path):
    long = noise(40000, 12)
    given, got, nothing = tmp_path / "in", tmp_path / "out", tmp_path / "empty"
    given.write_bytes(golden.inputs())
    run(HERE / "native_vectors.py", nothing, "dsp", given, got)
    golden.check(got.read_bytes())
    given.write_bytes(long.tobytes())
    for script, wanted in (
        ("native_condition.py", test_native_condition.host_results(long)),
        ("native_spectra.py", test_native_spectra.host_results(long)),
    ):
        run(HERE / script, nothing, "dsp", given, got)
        compare(got.read_bytes(), wanted)


def test_it_refuses_and_holds_what_the_native_module_does(run, module_folder, tmp_path):  # noqa: F811
    said = run(HERE / "native_refusals.py", tmp_path, "dsp").splitlines()
    assert said[-1] == "done" and len(said) > 50
    names = set(run(HERE / "native_names.py", tmp_path, "dsp").split())
    assert names == test_native_spectra.held_by(module_folder)


@pytest.mark.parametrize("name", ["test_primitives.py", "test_noise.py"])
def test_the_cryptography_compiled_in_passes_the_vectors(run, name):
    runner, file = REPO / "tests" / "micropython_runner.py", REPO / "tests" / "both" / name
    said = run(runner, file, path=str(REPO))
    assert said.count("@@ PASS") > 3 and "@@ FAIL" not in said, said
    assert said.endswith("@@ END\n")
