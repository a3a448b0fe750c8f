"""What `resonode deploy` puts onto boards that take compiled files: all of it for their core."""

from __future__ import annotations

import pytest

from resonode import boards
from resonode.deploy import files
from tests.test_both_interpreters import ROOT
from tools import emulated

NAMES = [name for name in boards.names() if not boards.load(name).frozen]
REAL = [name for name in NAMES if boards.load(name).hardware]


@pytest.mark.parametrize("name", REAL)
def test_every_file_is_for_the_boards_core(name: str) -> None:
    board = boards.load(name)
    arch = board.node["arch"]
    crypto = emulated.native_module("crypto", arch)
    dsp = emulated.native_module("dsp", arch).parent / "node" / "dsp.mpy"
    there = files.build(board, ROOT)
    assert there["dsp.mpy"] == dsp.read_bytes()
    assert there["crypto.mpy"] == crypto.read_bytes()
    abis = {files.abi_of_file(data) for path, data in there.items() if path.endswith(".mpy")}
    assert abis == {files.Abi(6, 3, arch), files.Abi(6, 0, "none")}
