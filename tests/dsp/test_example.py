"""The program of c_dsp/README.md, built and run as that page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dsp.test_envelope_stream import BPFO, SHAFT_HZ

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def section() -> str:
    """Of the page, about C."""
    return (REPO / "c_dsp" / "README.md").read_text().split("## Use from C")[1].split("\n## ")[0]


def sh(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """With the core, and the interpreter of the tests as `python`."""
    (folder / "c_dsp").symlink_to(REPO / "c_dsp")
    python = f'python() {{ "{sys.executable}" "$@"; }}\n'
    command = ["sh", "-ec", python + commands]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_commands_give_what_the_page_shows(section, shared_data, tmp_path):
    commands, shown = re.findall(r"```(?:sh)?\n(.*?)```", section, re.S)
    recording = shared_data / "cwru" / "130_OR007@6_0.mat"
    (tmp_path / recording.name).symlink_to(recording)
    done = sh(commands, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, "")
    lines_hz = [float(line.split()[0]) for line in shown.splitlines()]
    wanted_hz = [k * BPFO * SHAFT_HZ for k in (1, 2, 3)]
    assert lines_hz == pytest.approx(wanted_hz, rel=0.005)


def test_bad_input_is_refused_with_what_is_wrong(section, tmp_path):
    build = section.split("```sh\n")[1].splitlines()[0]
    done = sh(
        f"{build}\n! ./envelope 12000 1 4000 2000 < /dev/null\n! ./envelope 12000 1 2000 4000 "
        "< /dev/null\n! ./envelope",
        tmp_path,
    )
    assert done.returncode == 0
    band, few, usage = done.stderr.splitlines()
    assert band == "envelope: number out of range"
    assert re.fullmatch(r"envelope: \d+ samples make a record", few)
    assert usage.startswith("usage: envelope RATE_HZ")
