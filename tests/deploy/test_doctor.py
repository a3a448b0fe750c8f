"""`resonode doctor` on an emulated chip."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from resonode.doctor import Finding, examine
from resonode.errors import Incomplete, NodeNotFound
from tests.deploy.conftest import BOARD, Chip, ChipFactory

pytestmark = pytest.mark.slow


def bad(findings: list[Finding]) -> dict[str, str]:
    return {one.text: one.mend for one in findings if not one.good}


def test_a_board_with_only_micropython_is_told_what_to_do(chip: ChipFactory, source: Path) -> None:
    board = chip()
    found = list(examine(board.port, source=source))
    assert "MicroPython 1.25.0 for QEMU_M4F with Cortex-M4F" in found[0].text
    assert bad(found) == {
        "Nothing starts by itself: there is no main.py": "Run: resonode deploy BOARD",
        "No firmware was deployed": "Run: resonode deploy BOARD",
        "Which board it is cannot be seen": "Name it: resonode doctor BOARD --port ...",
    }


def test_a_board_that_is_well_has_nothing_to_mend(deployed: Chip, source: Path) -> None:
    deployed.to_prompt()
    found = list(examine(deployed.port, source=source))
    assert bad(found) == {}
    assert any("files are those of this checkout" in one.text for one in found)


def test_what_is_wrong_is_named_with_its_mend(deployed: Chip, source: Path, tmp_path: Path) -> None:
    from resonode.deploy.prompt import Prompt

    deployed.to_prompt()
    with Prompt(deployed.port) as prompt:
        prompt.replace("slot", b"app_a trying -")
        prompt.replace("app_a/firmware/store.mpy", b"damaged")
        prompt.replace("main.py", b"print('mine')")
    needy = dataclasses.replace(
        BOARD, node=BOARD.node | {"micropython_min": [1, 99], "buffer_bytes": 10**6}
    )
    wrong = bad(list(examine(deployed.port, needy, source=source)))
    texts = "\n".join(wrong)
    assert "MicroPython 1.25.0: a QEMU_M4F needs MicroPython 1.99" in texts
    assert "too little RAM" in texts
    assert "was tried and did not start" in texts
    assert "main.py is not the one of this release" in texts
    assert "1 files differ from this checkout: firmware/store.mpy" in texts
    assert len(wrong) == 5 and all(wrong.values())


def test_a_node_that_runs_is_recognised(deployed: Chip) -> None:
    assert deployed.greeting()
    (found,) = examine(deployed.port, timeout_s=0.5)
    assert found.text.startswith("A node answers") and "has no owner yet" in found.text
    assert "resonode node commission" in found.mend


def test_a_port_that_is_absent_is_an_error() -> None:
    with pytest.raises(NodeNotFound):
        list(examine("/dev/no-such-port"))


def test_command_line_prints_the_table_and_its_code_says_that_something_is_wrong(
    chip: ChipFactory,
) -> None:
    program = str(Path(sys.executable).parent / "resonode")
    command = [program, "doctor", "--port", chip().port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == Incomplete.exit_code
    assert "No firmware was deployed" in done.stdout and "Traceback" not in done.stderr
