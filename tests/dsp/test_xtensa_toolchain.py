"""How the compiler for the ESP32 is made; what it makes is run by tests/emulated/test_xtensa.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from c_dsp.natmod import build
from c_dsp.natmod.xtensa import toolchain


def test_without_apt_it_says_so_and_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "CACHE", tmp_path)
    monkeypatch.setattr(toolchain.peers, "CACHE", tmp_path)
    monkeypatch.setitem(toolchain.peers.PACKAGES, "dpkg-dev", str(tmp_path))  # is there
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(toolchain.ToolchainError, match="apt-get was not found"):
        toolchain.compiler()
    assert [path.name for path in tmp_path.iterdir()] == ["xtensa.lock"]


def test_a_failure_names_the_architecture_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Path:
        raise toolchain.ToolchainError("apt-get was not found")

    monkeypatch.setattr(toolchain, "compiler", fails)
    monkeypatch.setattr(build, "toolchain", lambda: toolchain)
    with pytest.raises(build.BuildError, match=r"(?s)xtensawin.*apt-get was not found.*cmake"):
        build.compiler("xtensawin")
