"""tools/setup.py: does only what is needed, and says clearly what it cannot do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import setup


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "BUILD", tmp_path / "build")
    (tmp_path / "build").mkdir()
    (tmp_path / "a.c").write_text("1")
    return tmp_path


@pytest.fixture
def runs(checkout: Path) -> list[int]:
    return []


def make(checkout: Path, runs: list[int]) -> None:
    product = checkout / "product"

    def action() -> None:
        runs.append(1)
        product.write_text("made")

    setup.step("x", ["*.c"], [product], action)


def test_a_step_runs_once_while_nothing_changes(checkout: Path, runs: list[int]) -> None:
    make(checkout, runs)
    make(checkout, runs)
    assert len(runs) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "a.c").write_text("2"),
        lambda at: (at / "b.c").write_text(""),
        lambda at: (at / "a.c").rename(at / "c.c"),
        lambda at: (at / "product").unlink(),
    ],
    ids=["source edited", "source added", "source renamed", "product gone"],
)
def test_a_step_runs_again_after_a_change(checkout: Path, runs: list[int], change) -> None:
    make(checkout, runs)
    change(checkout)
    make(checkout, runs)
    assert len(runs) == 2


def test_a_step_that_fails_is_tried_again(checkout: Path) -> None:
    def fails() -> None:
        raise setup.SetupError("no")

    for _ in range(2):
        with pytest.raises(setup.SetupError, match="no"):
            setup.step("x", ["*.c"], [], fails)


def test_a_step_that_made_nothing_is_an_error(checkout: Path) -> None:
    with pytest.raises(setup.SetupError, match="made no product"):
        setup.step("x", ["*.c"], [checkout / "product"], lambda: None)


def test_failure_of_a_program_shows_all_it_said() -> None:
    shell = "echo first; echo second >&2; exit 3"
    with pytest.raises(setup.SetupError, match=r"first\nsecond\n.*exit code 3"):
        setup.run(["sh", "-c", shell])


def test_too_old_a_python_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(setup.SetupError, match=r"(?s)Python 3\.11 to 3\.14 is needed.*apt-get"):
        setup.find_python()


def test_too_old_a_python_gives_way_to_a_newer_one_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("python3.11", "python3.13", "python3.99"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup.find_python() == str(tmp_path / "python3.13")


def test_missing_system_packages_are_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")  # no compiler, and no apt-get to bring one
    with pytest.raises(setup.SetupError) as error:
        setup.require_system_packages(sys.executable)
    assert "gcc                compiles the C signal-processing core" in str(error.value)
    assert "sudo apt-get install gcc libc6-dev" in str(error.value)


def test_apt_is_used_only_by_root_or_where_sudo_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-get").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert setup.apt_prefix() == []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert setup.apt_prefix() is None
    for exit_code, prefix in ((1, None), (0, [str(tmp_path / "sudo"), "-n"])):
        (tmp_path / "sudo").write_text(f"#!/bin/sh\nexit {exit_code}\n")
        (tmp_path / "sudo").chmod(0o755)
        assert setup.apt_prefix() == prefix
