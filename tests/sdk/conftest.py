"""Fixtures of the SDK's tests."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from resonode.cli.app import main


@dataclass
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys):
    """Return a function that runs `resonode ...` in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for name in ("RESONODE_PORT", "RESONODE_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["resonode", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        code = caught.value.code
        return Done(code if isinstance(code, int) else 0, out, err)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("smpclient").setLevel(logging.NOTSET)


def cli_process(*arguments: object, before: str = "") -> list[str]:
    """Return the command that runs `resonode ...` in a process of its own."""
    code = f"import sys; from resonode.cli import main; {before}\nmain()"
    return [sys.executable, "-c", code, *map(str, arguments)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs takes root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room on a disk."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
