"""The files of a virtual board are laid out as on a real one, and no more often than needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from resonode_hil import BoardError
from resonode_hil.staging import NATIVE_ARCH, stage


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    root = tmp_path / "checkout"
    for name in (
        "firmware/main.py",
        "firmware/drivers/chip.py",
        "resonode_wire/bus.py",
        "resonode_wire/WIRE.md",
        "boards/VIRTUAL/board.json",
        "boards/OTHER/board.json",
        f"build/natmod/{NATIVE_ARCH['x86_64']}/node/dsp.mpy",
        f"build/natmod/{NATIVE_ARCH['x86_64']}/crypto.mpy",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("boot.py", "machine.py")
    }


def test_board_gets_firmware_wire_its_own_data_and_the_core(checkout):
    staged = stage(root=checkout)
    assert staged == checkout / "build" / "virtual"
    assert set(files(staged)) >= {
        "firmware/main.py",
        "firmware/drivers/chip.py",
        "resonode_wire/bus.py",
        "boards/VIRTUAL/board.json",
        "dsp.mpy",
        "crypto.mpy",
    }
    assert "boards/OTHER/board.json" not in files(staged)
    assert "resonode_wire/WIRE.md" not in files(staged)


def test_second_staging_touches_only_what_changed(checkout):
    staged = stage(root=checkout)
    before = {path: path.stat().st_ino for path in staged.rglob("*.py")}
    (checkout / "firmware/main.py").write_text("changed")
    stage(root=checkout)
    after = {path: path.stat().st_ino for path in staged.rglob("*.py")}
    assert {path for path in after if after[path] != before[path]} == {staged / "firmware/main.py"}
    assert (staged / "firmware/main.py").read_text() == "changed"


def test_removed_source_disappears_from_the_board(checkout):
    staged = stage(root=checkout)
    (checkout / "firmware/drivers/chip.py").unlink()
    stage(root=checkout)
    assert "firmware/drivers/chip.py" not in files(staged)


def test_staged_files_cannot_be_edited_by_mistake(checkout):
    staged = stage(root=checkout)
    assert (staged / "firmware/main.py").stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("name", ["node/dsp.mpy", "crypto.mpy"])
def test_missing_native_module_names_the_command_that_builds_it(checkout, name):
    (checkout / "build/natmod/x64" / name).unlink()
    with pytest.raises(BoardError, match="make natmod ARCH=x64"):
        stage(root=checkout)


def test_machine_without_native_modules_is_told_so(checkout, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(BoardError, match="no native modules for riscv64"):
        stage(root=checkout)
