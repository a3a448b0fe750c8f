"""Our MicroPython builds for nRF boards, read by upstream's own tools.

A whole build needs nrfx and the SoftDevice, which no package has (docs/hardware-tests.md); what can
be judged without them is judged here.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from resonode import boards
from tools import emulated

ROOT = Path(__file__).resolve().parents[2]
OURS = [name for name in boards.names() if boards.load(name).frozen]


@pytest.fixture(scope="module")
def tree() -> Path:
    return emulated.micropython_dir()


@pytest.mark.parametrize("name", OURS)
def test_upstreams_makefile_reads_the_definition(tree: Path, name: str, tmp_path: Path) -> None:
    folder = boards.load(name).folder / "micropython"
    # -p -n prints the variables; the SoftDevice is asked for last, after the board was read.
    command = ["make", "-pn", f"BOARD_DIR={folder}", f"BOARD={name}", f"BUILD={tmp_path}"]
    port = tree / "ports" / "nrf"
    printed = subprocess.run(command, cwd=port, capture_output=True, text=True, check=False)
    names = "LD_FILES|BOARD_PINS|FS_SIZE|SD|SOFTDEV_VERSION|SRC_C|FROZEN_MANIFEST|RESONODE_TUNED"
    pattern = rf"^({names}) :?= (.*)$"
    found = dict(re.findall(pattern, printed.stdout, re.MULTILINE))
    assert found["FS_SIZE"] == "256k"
    assert found["FROZEN_MANIFEST"] == "$(BOARD_DIR)/manifest.py"
    assert found["RESONODE_TUNED"] == "1"  # boards/micropython.mk
    linked = found["LD_FILES"].replace("$(SD_LOWER)", found["SD"])
    linked = linked.replace("$(SOFTDEV_VERSION)", found["SOFTDEV_VERSION"])
    files = [*linked.split(), found["BOARD_PINS"], *found.get("SRC_C", "").split()]
    assert [file for file in files if not (port / file).is_file()] == []


@pytest.mark.parametrize("name", OURS)
def test_header_names_the_board_and_takes_upstreams_pins(tree: Path, name: str) -> None:
    folder = boards.load(name).folder / "micropython"
    command = ["gcc", "-E", "-dM", f"-I{tree / 'ports' / 'nrf'}", str(folder / "mpconfigboard.h")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f'#define MICROPY_HW_BOARD_NAME "Resonode {name}"' in printed
    led = boards.load(name).node["led"]["pin"]
    # Our light is one of the board's.
    assert f"({led})" in re.findall(r"#define MICROPY_HW_LED\d (.*)", printed)


@pytest.mark.parametrize("name", OURS)
def test_manifest_freezes_all_of_the_firmware(tree: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location("m", tree / "tools" / "manifestfile.py")
    assert spec and spec.loader
    tool: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    folder = boards.load(name).folder / "micropython"
    paths = {"MPY_DIR": tree, "MPY_LIB_DIR": tree, "PORT_DIR": tree / "ports/nrf"}
    manifest = tool.ManifestFile(
        tool.MODE_FREEZE, {key: str(value) for key, value in paths.items()}
    )
    manifest.execute(str(folder / "manifest.py"))
    frozen = {file.target_path for file in manifest.files()}
    wanted = [*(ROOT / "firmware").rglob("*.py"), *(ROOT / "resonode_wire").rglob("*.py")]
    assert {str(path.relative_to(ROOT)) for path in wanted} <= frozen
    assert "asyncio/core.py" in frozen
