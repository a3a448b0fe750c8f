#!/usr/bin/env python3
"""All style and type checks, each tool from the lock: `make lint`; `make format` mends style."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

HOST = ["host_sdk/resonode", "hil/resonode_hil", "resonode_wire", "tools", "tests"]
HOST += ["c_dsp", "c_crypto"]
# Runs in MicroPython, so its types are MicroPython's. The wire is checked against both.
NODE = [
    "firmware",
    "resonode_wire",
    "hil/resonode_hil/port",
    "host_sdk/resonode/deploy/on_board",
    "tests/micropython_runner.py",
]


def checks() -> list[list[str]]:
    return [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "--quiet", "."],
        ["mypy", *HOST],
        ["mypy", "--config-file", "tools/mypy-firmware.ini", *NODE],
        ["clang-format", "--dry-run", "--Werror", *c_sources()],
    ]


def fixes() -> list[list[str]]:
    return [
        ["ruff", "check", "--fix", "--quiet", "."],
        ["ruff", "format", "--quiet", "."],
        ["clang-format", "-i", *c_sources()],
    ]


def c_sources() -> list[str]:
    found = [*ROOT.glob("c_*/**/*.[ch]"), *ROOT.glob("boards/**/*.[ch]")]
    return sorted(str(path.relative_to(ROOT)) for path in found if path.is_file())


def main() -> int:
    """Run every check, also after one failed, and name those that did."""
    failed = []
    for command in fixes() if "--fix" in sys.argv else checks():
        print("lint:", *command[:3], flush=True)
        done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, check=False)
        if done.returncode != 0:
            failed.append(command[0])
    if failed:
        print("lint: failed:", ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
