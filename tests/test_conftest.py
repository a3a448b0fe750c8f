"""The run's own guards (conftest.py) work: each is given something to catch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


def run_pytest(folder: Path, test: str, **environment: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(test)
    clean = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


SKIPS = "import pytest\n\ndef test_it():\n    pytest.skip('no such board here')\n"


def test_a_skip_fails_the_run_in_ci_only(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, SKIPS)[0] == 0
    code, printed = run_pytest(tmp_path, SKIPS, CI="true")
    assert code == 1
    assert "1 skipped, and in CI nothing may be" in printed


def test_a_process_left_running_fails_the_run(tmp_path: Path) -> None:
    # The shell ends at once and orphans its child: found all the same.
    leaves = (
        "import subprocess\n\n"
        "def test_it():\n    subprocess.run('sleep 20 >/dev/null 2>&1 &', shell=True, check=True)\n"
    )
    code, printed = run_pytest(tmp_path, leaves)
    assert code == 1
    assert "left running" in printed
    assert "sleep 20" in printed
    # Ours to end: its pid is in the message, "left running: PID sleep 20".
    os.kill(int(printed.split("left running: ")[1].split()[0]), 9)


@pytest.mark.parametrize("address", ["('192.0.2.1', 9)", "('example.invalid', 9)"])
def test_an_outside_address_is_refused(tmp_path: Path, address: str) -> None:
    test = f"import socket\n\ndef test_it():\n    socket.create_connection({address}, 0.1)\n"
    code, printed = run_pytest(tmp_path, test)
    assert code == 1
    assert "OutsideAddress" in printed


def test_loopback_is_allowed(tmp_path: Path) -> None:
    test = (
        "import socket\n\n"
        "def test_it():\n"
        "    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(server.getsockname()).close()\n"
    )
    code, printed = run_pytest(tmp_path, test)
    assert code == 0, printed
