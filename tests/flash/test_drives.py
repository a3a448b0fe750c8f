"""`resonode flash` on boards that show a drive: UF2 (XIAO) and .hex (nRF52840 DK)."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from resonode import boards
from resonode.errors import Disconnected, DoesNotFit, NodeError, NodeNotFound, VerifyFailed
from resonode.flash import flash
from resonode_hil.romloader import Uf2Drive
from tests.flash import images

XIAO = boards.load("XIAO_NRF52840_SENSE")
DK = boards.load("NRF52840_DK")
FIRST = 0x27000  # after SoftDevice S140 7.3.0


def drive(folder: Path, **changes: Any) -> Uf2Drive:
    facts: dict[str, Any] = {
        "board_id": "nRF52840-SeeedXiaoSense-v1",
        "softdevice": "S140 7.3.0",
        "family": 0xADA52840,
        "first": FIRST,
        "end": 0xAD000,
    }
    return Uf2Drive(folder, **facts | changes)


def uf2_file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "image.uf2"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "says",
    [
        {"board_id": "nRF52840-SeeedXiaoSense-v1", "softdevice": "S140 7.3.0"},
        {"board_id": "Seeed_XIAO_nRF52840_Sense", "softdevice": "S140 version 7.3.0"},
    ],
    ids=["loader 0.9", "loader 0.6"],
)
def test_uf2_image_arrives_and_the_board_restarts(tmp_path: Path, says: dict[str, str]) -> None:
    data, content = images.uf2(FIRST)
    parts: list[float] = []
    with drive(tmp_path / "XIAO-SENSE", **says) as board:
        done = flash(
            XIAO,
            uf2_file(tmp_path, data),
            folder=board.folder,
            on_progress=lambda _stage, part: parts.append(part),
        )
        assert board.restarted.is_set()
    assert (done.first, done.bytes) == (FIRST, len(content))
    written = b"".join(board.flash[at] for at in sorted(board.flash))
    assert min(board.flash) == FIRST and written == content
    assert parts == sorted(parts) and parts[-1] == 1.0


def block_lost(data: bytes) -> bytes:
    return data[:512] + data[1024:]


def block_spoilt(data: bytes) -> bytes:
    return data[:512] + bytes(512) + data[1024:]


GOOD = images.uf2(FIRST)[0]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has 0 bytes"),
        (GOOD[:-100], f"it has {len(GOOD) - 100} bytes"),
        (block_spoilt(GOOD), "no block at byte 512"),
        (block_lost(GOOD), "155 of 156 blocks are there"),
        (images.uf2(FIRST, family=0xE48BFF56)[0], "family is 0xE48BFF56"),
        (images.uf2(FIRST, family=None)[0], "family is none"),
        (images.uf2(0x26000)[0], "it writes to 0x26000"),
        (images.uf2(0xAD000 - 256, 512)[0], "it writes to 0xAD000"),
    ],
    ids=["empty", "cut", "spoilt", "lost", "rp2040", "no family", "softdevice 6", "too large"],
)
def test_a_wrong_uf2_file_never_reaches_the_drive(tmp_path: Path, data: bytes, why: str) -> None:
    with drive(tmp_path / "drive") as board:
        with pytest.raises(DoesNotFit, match=why):
            flash(XIAO, uf2_file(tmp_path, data), folder=board.folder)
        assert [path.name for path in board.folder.iterdir()] == ["INFO_UF2.TXT"]
    assert board.flash == {}


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"board_id": "nRF52840-Feather-revD"}, "calls itself nRF52840-Feather-revD"),
        ({"softdevice": "not found"}, "it has not found, and S140 7.3.0 is needed"),
        ({"softdevice": "S140 6.1.1"}, "it has S140 6.1.1"),
    ],
)
def test_another_board_or_softdevice_is_refused_before_copying(
    tmp_path: Path, says: dict[str, str], why: str
) -> None:
    with drive(tmp_path / "drive", **says) as board:
        with pytest.raises(DoesNotFit, match=why):
            flash(XIAO, uf2_file(tmp_path, GOOD), folder=board.folder)
        assert len(list(board.folder.iterdir())) == 1


def test_no_drive_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NodeNotFound, match="reset button twice"):
        flash(XIAO, uf2_file(tmp_path, GOOD), folder=tmp_path)
    with pytest.raises(NodeNotFound, match="no such folder"):
        flash(XIAO, uf2_file(tmp_path, GOOD), folder=tmp_path / "absent")


def test_unplugging_while_copying_is_told_with_what_was_written(tmp_path: Path) -> None:
    data, _ = images.uf2(FIRST, 200_000)
    with drive(tmp_path / "drive") as board:

        def pull(stage: str, _part: float) -> None:
            if stage == "writing":
                shutil.rmtree(board.folder, ignore_errors=True)

        with pytest.raises(Disconnected, match="65536 of") as gone:
            flash(XIAO, uf2_file(tmp_path, data), folder=board.folder, on_progress=pull)
    assert "flash it again" in gone.value.next
    assert not board.restarted.is_set()


def test_a_full_drive_is_told(tmp_path: Path) -> None:
    with drive(tmp_path / "drive") as board:
        # The kernel's own full disk.
        os.symlink("/dev/full", board.folder / "FIRMWARE.UF2")
        with pytest.raises(DoesNotFit, match="drive is full"):
            flash(XIAO, uf2_file(tmp_path, GOOD), folder=board.folder)


# --- the DK's programmer -------------------------------------------------------------------------

MERGED = images.hex_file((0, b"master boot record"), (FIRST, bytes(range(256)) * 8))


class Programmer:
    """The drive of the DK's programmer: it takes a file, goes, and comes back with the result."""

    def __init__(self, folder: Path, fails: str = "") -> None:
        self.folder = folder
        self.taken = b""
        self._fails = fails
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._show()

    def _show(self, result: str = "") -> None:
        # All of its files appear at once.
        new = self.folder.with_name("new")
        new.mkdir()
        (new / "MBED.HTM").write_text("a stand-in")
        if result:
            (new / "FAIL.TXT").write_text(result)
        new.rename(self.folder)

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            path = self.folder / "FIRMWARE.HEX"
            data = path.read_bytes() if path.is_file() else b""
            if b":00000001FF" in data:
                self.taken = data
                self.folder.rename(self.folder.with_name("old"))
                self._stop.wait(0.2)
                self._show(self._fails)
                return

    def __enter__(self) -> Programmer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def hex_path(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "image.hex"
    path.write_bytes(data)
    return path


def test_hex_file_is_taken_by_the_programmer(tmp_path: Path) -> None:
    with Programmer(tmp_path / "JLINK") as programmer:
        done = flash(DK, hex_path(tmp_path, MERGED), folder=programmer.folder)
    assert programmer.taken == MERGED
    assert (done.first, done.bytes) == (0, 18 + 2048)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "image is empty|no last record"),
        (b"\x7fELF", "no record"),
        (MERGED.replace(b":10", b":11", 1), "damaged|no record"),
        (MERGED[: len(MERGED) // 2].rpartition(b"\r\n")[0], "no last record"),
        (images.hex_file((FIRST, bytes(64))), "begins at 0x27000"),
        (images.hex_file((0, bytes(64)), (0xFFFF0, bytes(32))), "ends at 0x100010"),
    ],
    ids=["empty", "elf", "damaged", "cut", "no SoftDevice", "too large"],
)
def test_a_wrong_hex_file_never_reaches_the_drive(tmp_path: Path, data: bytes, why: str) -> None:
    with Programmer(tmp_path / "JLINK") as programmer:
        with pytest.raises(DoesNotFit, match=why):
            flash(DK, hex_path(tmp_path, data), folder=programmer.folder)
        assert len(list(programmer.folder.iterdir())) == 1


def test_what_the_programmer_says_is_passed_on(tmp_path: Path) -> None:
    says = "The currently active SWD interface does not support MSD drag and drop."
    with (
        Programmer(tmp_path / "JLINK", says) as programmer,
        pytest.raises(VerifyFailed, match="does not support MSD drag and drop"),
    ):
        flash(DK, hex_path(tmp_path, MERGED), folder=programmer.folder)


def test_only_esp32_boards_are_erased(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="cannot be erased"):
        flash(DK, hex_path(tmp_path, MERGED), folder=tmp_path, erase=True)
