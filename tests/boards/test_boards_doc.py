"""docs/boards.md and docs/hardware-tests.md: current, complete, and their commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from resonode import boards
from resonode.cli.app import build
from tools import boards_doc

ROOT = Path(__file__).resolve().parents[2]
REAL = [name for name in boards.names() if boards.load(name).real]


@pytest.mark.parametrize("name", boards_doc.FILES)
def test_it_is_what_the_generator_writes(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert text == boards_doc.FILES[name](), "run: python tools/boards_doc.py"


def test_every_board_is_in_them() -> None:
    for name in boards.names():
        assert f"\n## {name}\n" in boards_doc.matrix()
    sections = re.findall(r"^## (\w+)$", boards_doc.hardware_tests(), re.MULTILINE)
    assert sections == REAL


@pytest.mark.parametrize("name", REAL)
def test_flashing_deploying_sensing_and_power_are_to_be_tried_on_every_board(name: str) -> None:
    section = boards_doc.hardware_tests().split(f"## {name}\n")[1].split("\n## ")[0]
    for command in ("flash", "deploy", "doctor", "capture", "gateway run", "node energy"):
        assert f"resonode {command} " in section, command


def test_every_command_in_the_documents_exists_with_its_options() -> None:
    texts = [boards_doc.hardware_tests(), (ROOT / "docs" / "flash-and-deploy.md").read_text()]
    lines = [
        line.strip().split("#")[0]
        for text in texts
        for line in text.splitlines()
        if line.startswith("    ") and line.strip().startswith("resonode ")
    ]
    assert len(lines) > 30
    whole = typer.main.get_command(build())
    for line in lines:
        words = line.split()[1:]
        command = whole
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, line


@pytest.mark.parametrize("name", REAL)
def test_settings_that_a_step_reads_are_written_in_the_same_step(name: str) -> None:
    section = boards_doc.hardware_tests().split(f"## {name}\n")[1].split("\n## ")[0]
    (step,) = [one for one in re.split(r"^\d+\. ", section, flags=re.M) if "--config" in one]
    written, read = step.index("config get --toml --port $PORT > node.toml"), step.index("--config")
    assert written < read


def test_the_command_line_of_the_generator_tells_stale_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards_doc, "DOCS", tmp_path)
    assert boards_doc.main(["--check"]) == 1
    assert boards_doc.main([]) == 0
    assert boards_doc.main(["--check"]) == 0
    (tmp_path / "boards.md").write_text("old")
    assert boards_doc.main(["--check"]) == 1
