#!/usr/bin/env python3
"""Resolve requirements/*.in into requirements/*.lock: `make lock`, then read the diff.

The lock holds every release of Python and every platform we support, each file by its hash, so an
installation is the same tomorrow. It names no index: pip's own configuration says where to look.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "build" / "lock-venv"
UV = "uv==0.13.9"

LOCKS = {
    "requirements/dev.lock": (
        "requirements/dev.in", "pyproject.toml", "--all-extras",
        "--override", "requirements/overrides.txt",
    ),
    "requirements/stubs.lock": ("requirements/stubs.in",),
}  # fmt: skip


def main() -> None:
    if not (TOOL / "bin" / "uv").exists():
        venv.create(TOOL, with_pip=True)
        subprocess.run([TOOL / "bin" / "pip", "install", "-q", UV], check=True)
    for lock, sources in LOCKS.items():
        # An existing lock keeps its versions unless `make lock ARGS=--upgrade` says otherwise.
        subprocess.run(
            [
                TOOL / "bin" / "uv", "pip", "compile", "-q", *sources, "-o", lock,
                "--universal", "--python-version", "3.11", "--generate-hashes",
                "--no-header", "--no-emit-index-url", "--no-emit-find-links", *sys.argv[1:],
            ],
            cwd=ROOT,
            check=True,
        )  # fmt: skip
        print(f"wrote {lock}")


if __name__ == "__main__":
    main()
