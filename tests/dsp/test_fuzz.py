"""Every public function with arbitrary sizes and bytes under the sanitizers: see c_dsp/fuzz."""

import re
import subprocess
from pathlib import Path

import pytest

from c_dsp.fuzz import run

CORE = Path(run.__file__).resolve().parents[1]
INPUTS = "40000"  # about 5 s; `make fuzz` goes on for longer, and looks where it goes


def test_every_public_function_is_fuzzed():
    header = re.sub(r"//[^\n]*", "", (CORE / "dsp.h").read_text())
    code = (CORE / "fuzz" / "fuzz.c").read_text()
    public = set(re.findall(r"\b(dsp_\w+)\(", header))
    opened = {f"dsp_{name}_open" for name in re.findall(r"^ +OPEN\((\w+)\)", code, re.M)}
    assert len(public) > 60
    assert public <= set(re.findall(r"\b(dsp_\w+)\(", code)) | opened


@pytest.mark.slow
def test_arbitrary_sizes_and_bytes_meet_no_fault(tmp_path):
    program = run.gcc_program(tmp_path)
    done = subprocess.run(
        [program, INPUTS], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:4000]
    assert done.stdout == f"{INPUTS} inputs\n"
