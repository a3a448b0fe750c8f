"""`resonode flash` on ESP32 boards: the real esptool against a stand-in for the ROM's loader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from resonode import boards
from resonode.errors import (
    Disconnected,
    DoesNotFit,
    NodeError,
    NodeNotFound,
    VerifyFailed,
)
from resonode.flash import flash
from resonode_hil.romloader import EspChip, RomLoader
from tests.flash import images

ESP_BOARDS = [
    name
    for name in boards.names()
    if boards.load(name).real and boards.load(name).hardware["flash"]["method"] == "esptool"
]
S3 = boards.load("ESP32_S3_DEVKITC")

ImageOf = Callable[[boards.Board], Path]


@pytest.fixture
def image_of(tmp_path: Path) -> ImageOf:
    """Return a function that writes a good image for a board."""

    def write(board: boards.Board) -> Path:
        path = tmp_path / f"{board.name}.bin"
        path.write_bytes(images.esp(board.hardware["chip"], board.hardware["flash"]["offset"]))
        return path

    return write


def chip_of(board: boards.Board, **options: int) -> EspChip:
    return EspChip(board.hardware["chip"], board.hardware["flash_bytes"], **options)


@pytest.mark.parametrize("name", ESP_BOARDS)
def test_image_arrives_at_its_offset_and_nothing_else_is_written(
    name: str, image_of: ImageOf
) -> None:
    board = boards.load(name)
    path = image_of(board)
    data, offset = path.read_bytes(), board.hardware["flash"]["offset"]
    seen: list[tuple[str, float]] = []
    with RomLoader(chip_of(board)) as loader:
        done = flash(board, path, port=loader.port, on_progress=lambda *stage: seen.append(stage))
    assert done.first == offset and done.bytes == len(data)
    assert loader.chip.flash[offset : offset + len(data)] == data
    assert loader.chip.begun == [(offset, len(data))]
    assert loader.chip.flash.count(0xFF, 0, offset) == offset
    rest = loader.chip.flash[offset + len(data) :]
    assert rest.count(0xFF) == len(rest)
    written = [part for stage, part in seen if stage == "writing"]
    assert written == sorted(written) and written[-1] == 1.0 and len(written) > 2
    assert seen[-1] == ("verifying", 1.0)


def test_erasing_takes_the_files_too(image_of: ImageOf) -> None:
    chip = chip_of(S3)
    chip.flash[0x700000:0x700004] = b"file"
    with RomLoader(chip) as loader:
        flash(S3, image_of(S3), port=loader.port)
        assert chip.flash[0x700000:0x700004] == b"file"
        flash(S3, image_of(S3), port=loader.port, erase=True)
    assert chip.flash[0x700000:0x700004] == b"\xff" * 4
    assert chip.flash[:4] == b"\xe9\x03\x02\x2f"


@pytest.mark.parametrize("name", ESP_BOARDS)
def test_another_chip_is_refused_before_a_byte_is_written(name: str, image_of: ImageOf) -> None:
    board = boards.load(name)
    other = boards.load(ESP_BOARDS[(ESP_BOARDS.index(name) + 1) % len(ESP_BOARDS)])
    with (
        RomLoader(chip_of(other)) as loader,
        pytest.raises(DoesNotFit, match=f"This is not a {name}") as refused,
    ):
        flash(board, image_of(board), port=loader.port)
    assert "its chip is ESP32" in refused.value.why
    assert loader.chip.begun == []


def test_a_smaller_flash_is_refused_before_a_byte_is_written(image_of: ImageOf) -> None:
    with (
        RomLoader(EspChip("esp32s3", 1 << 22)) as loader,
        pytest.raises(DoesNotFit, match="its flash has 4 MB, and a ESP32_S3_DEVKITC has 8 MB"),
    ):
        flash(S3, image_of(S3), port=loader.port)
    assert loader.chip.begun == []


def damaged(change: Callable[[bytearray], object]) -> bytes:
    data = bytearray(images.esp("esp32s3", 0))
    change(data)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin with E9"),
        (damaged(lambda d: d.__setitem__(0, 0x7F)), "does not begin with E9"),
        (images.esp("esp32c3", 0), "it is for ESP32-C3, and the board has ESP32-S3"),
        (damaged(lambda d: d.__setitem__(0x8000, 0)), "no partition table"),
        (images.esp("esp32s3", 0, 0x200001), "2097153 bytes, and there is room for 2097152"),
    ],
    ids=["empty", "elf", "other chip", "application alone", "too large"],
)
def test_a_wrong_image_is_refused_before_the_port_is_opened(
    data: bytes, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(data)
    with pytest.raises(DoesNotFit, match=why) as refused:
        flash(S3, path, port="/dev/no-such-port")
    assert "ESP32_GENERIC_S3" in refused.value.next


def test_unplugging_at_every_stage_ends_in_a_clear_error(image_of: ImageOf) -> None:
    path = image_of(S3)
    stages = ["sync", "detect", "stub", "attach", "begin", "data", "end", "verify"]

    def pull(stage: str) -> tuple[str, NodeError | None]:
        with RomLoader(chip_of(S3), unplug_at=stage) as loader:
            try:
                flash(S3, path, port=loader.port)
            except NodeError as error:
                return stage, error
        return stage, None

    # At once, because esptool looks for a board that went away for some seconds.
    with ThreadPoolExecutor(len(stages)) as pool:
        errors = dict(pool.map(pull, stages))
    for stage in stages:
        error = errors[stage]
        assert isinstance(error, Disconnected), f"{stage}: {error!r}"
        assert error.exit_code == 7
        assert "Plug it in again" in error.next and error.why


def test_flash_that_does_not_keep_what_it_is_given_is_noticed(image_of: ImageOf) -> None:
    data = image_of(S3).read_bytes()
    worn_at = next(at for at in range(0x1000, len(data)) if data[at])
    with (
        RomLoader(chip_of(S3, worn_at=worn_at)) as loader,
        pytest.raises(VerifyFailed, match="MD5"),
    ):
        flash(S3, image_of(S3), port=loader.port)


def test_a_port_that_is_absent_silent_or_missing_is_told(image_of: ImageOf, tmp_path: Path) -> None:
    with pytest.raises(NodeNotFound, match="no port /dev/no-such-port"):
        flash(S3, image_of(S3), port="/dev/no-such-port")
    with pytest.raises(NodeError, match="Which port"):
        flash(S3, image_of(S3))
    with pytest.raises(NodeError, match=r"nothing\.bin cannot be read"):
        flash(S3, tmp_path / "nothing.bin", port="/dev/no-such-port")


def test_boards_of_the_rig_are_not_flashed(image_of: ImageOf) -> None:
    with pytest.raises(NodeError, match="board of the rig"):
        flash(boards.load("VIRTUAL"), image_of(S3), port="/dev/no-such-port")


def test_command_line_reports_and_exits_with_the_errors_code(image_of: ImageOf) -> None:
    program = str(Path(sys.executable).parent / "resonode")
    with RomLoader(chip_of(S3)) as loader:
        command = [program, "flash", "esp32_s3_devkitc", str(image_of(S3)), "--port", loader.port]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chip"] == "ESP32-S3"
    with RomLoader(EspChip("esp32")) as loader:
        command[-1] = loader.port
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == DoesNotFit.exit_code == 18
    assert "This is not a ESP32_S3_DEVKITC" in done.stderr and "Traceback" not in done.stderr


def test_without_a_port_the_command_line_judges_the_image_first(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "resonode")
    environment = {name: text for name, text in os.environ.items() if name != "RESONODE_PORT"}
    empty = tmp_path / "empty.bin"
    empty.touch()
    for image, code, told in (
        (tmp_path / "nope.bin", 10, "nope.bin cannot be read"),
        (tmp_path, 10, "it is a folder"),
        (empty, 18, "does not begin with E9"),
    ):
        command = [program, "flash", "ESP32_C3", str(image)]
        options: dict[str, Any] = {"capture_output": True, "text": True, "env": environment}
        done = subprocess.run(command, check=False, **options)
        assert (done.returncode, told in done.stderr) == (code, True), done.stderr
