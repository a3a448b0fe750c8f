"""pytest fixtures of the rig. Use them with `pytest_plugins = ["resonode_hil.plugin"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from resonode_hil.board import VirtualBoard
from resonode_hil.bus import Chip

BoardFactory = Callable[..., VirtualBoard]


@pytest.fixture
def virtual_board(tmp_path: Path) -> Iterator[BoardFactory]:
    """Return a function that starts a board: `virtual_board({0: chip}, timebase=...)`.

    Every board it started is stopped at the end of the test, and fails the test if its firmware
    had stopped by itself (pass `may_crash=True` where that is what the test is about).
    """
    boards: list[tuple[VirtualBoard, bool]] = []

    def start(
        chips: Mapping[int, Chip] | None = None, *, may_crash: bool = False, **options: Any
    ) -> VirtualBoard:
        directory = options.pop("directory", tmp_path / f"board{len(boards)}")
        board = stack.enter_context(VirtualBoard(directory, chips, **options))
        boards.append((board, may_crash))
        return board

    with ExitStack() as stack:
        yield start
        crashes = [board.crashed for board, may_crash in boards if not may_crash]
    for crash in crashes:
        assert crash is None, crash
