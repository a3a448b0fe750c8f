"""Boards on emulated chips. MicroPython for them is built once (about 20 s) and kept in build/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from resonode_hil.emulated import EmulatedBoard
from tests.emulated.repl import Repl
from tools import emulated

BareFactory = Callable[..., tuple[EmulatedBoard, Repl]]


@pytest.fixture(scope="session")
def stock_build() -> Path:
    return emulated.build("stock")


@pytest.fixture(scope="session")
def armv7emsp() -> Path:
    """Folder of the native modules, up to date."""
    emulated.native_module("crypto", "armv7emsp")
    return emulated.native_module("dsp", "armv7emsp").parent


@pytest.fixture
def bare(stock_build: Path, tmp_path: Path) -> Iterator[BareFactory]:
    """Return a function that starts a board with `files` in its flash, and its raw prompt."""
    with ExitStack() as stack:

        def start(files: Path | None = None, **options: Any) -> tuple[EmulatedBoard, Repl]:
            if files is None:
                files = tmp_path / "nothing"
                files.mkdir(exist_ok=True)
            directory = options.pop("directory", tmp_path / "board")
            board = EmulatedBoard(directory, files=files, **options)
            stack.enter_context(board)
            return board, stack.enter_context(Repl(board.port))

        yield start
