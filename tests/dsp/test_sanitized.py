"""The core's own tests once more, of a core with address and undefined-behaviour sanitizers."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from c_dsp import build_cffi

REPO = Path(__file__).resolve().parents[2]
SANITIZERS = "-fsanitize=address,undefined,float-cast-overflow"
TESTS = ("bad_arguments", "errors", "fifo", "gas_index", "lines", "odd_values")


@pytest.mark.slow
def test_no_test_of_the_core_meets_a_fault(tmp_path):
    source, module = tmp_path / "binding.c", tmp_path / "_dsp.so"
    build_cffi.ffibuilder.emit_c_code(str(source))
    core = [str(REPO / "c_dsp" / name) for name in build_cffi.SOURCES]
    include = ["-I", str(REPO / "c_dsp"), "-I", sysconfig.get_path("include")]
    flags = [*build_cffi.FLAGS, "-O1", "-g", "-fPIC", SANITIZERS, "-fno-sanitize-recover=all"]
    command = ["gcc", "-shared", *flags, *include, "-o", str(module), str(source), *core]
    subprocess.run(command, check=True)
    found = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    changed = {
        "LD_PRELOAD": found.stdout.strip(),  # it must come before the interpreter's libraries
        "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter's own
        "RESONODE_DSP": str(module),
    }
    tests = [f"tests/dsp/test_{name}.py" for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.dsp.sanitized", *tests],
        cwd=REPO,
        env={**os.environ, **changed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
