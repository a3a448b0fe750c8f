"""`resonode flash` on a XIAO by serial DFU, against a stand-in for its bootloader."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from resonode import boards
from resonode.errors import Disconnected, DoesNotFit, NodeError, Timeout, VerifyFailed
from resonode.flash import flash
from resonode_hil.romloader import DfuChip, RomLoader
from tests.flash import images

XIAO = boards.load("XIAO_NRF52840_SENSE")
FIRST = 0x27000
DATA, CONTENT = images.uf2(FIRST, 20_000)


def chip(**options: Any) -> DfuChip:
    return DfuChip(**{"device": 0x52, "softdevice": 0x123} | options)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.uf2"
    path.write_bytes(DATA)
    return path


def test_image_arrives_whole_and_is_started(image: Path) -> None:
    parts: list[float] = []
    with RomLoader(chip()) as loader:
        done = flash(
            XIAO, image, port=loader.port, on_progress=lambda _stage, part: parts.append(part)
        )
    assert (done.first, done.bytes) == (FIRST, len(CONTENT))
    assert loader.chip.flash == CONTENT and loader.chip.gone
    assert loader.stages == ["begin", "init", "data", "end"]
    assert parts == sorted(parts) and parts[-1] == 1.0


def test_packets_that_are_not_heard_are_sent_again_and_taken_once(image: Path) -> None:
    with RomLoader(chip(deaf_to=frozenset({0, 3, 4}))) as loader:
        flash(XIAO, image, port=loader.port)
    assert loader.chip.flash == CONTENT and loader.chip.gone


def test_blocks_are_put_where_they_belong_and_gaps_are_as_erased(image: Path) -> None:
    # The second block of 256 bytes comes 256 bytes later, and the file's blocks are not in order.
    moved = bytearray(DATA[:1024])
    moved[20:28] = moved[532:540] = b"\0" * 8
    for at, number, address in ((0, 1, FIRST + 512), (512, 0, FIRST)):
        moved[at + 12 : at + 16] = address.to_bytes(4, "little")
        moved[at + 20 : at + 28] = number.to_bytes(4, "little") + (2).to_bytes(4, "little")
    image.write_bytes(moved)
    with RomLoader(chip()) as loader:
        flash(XIAO, image, port=loader.port)
    assert loader.chip.flash == CONTENT[256:512] + b"\xff" * 256 + CONTENT[:256]


def test_what_the_bootloader_does_not_start_is_told(image: Path) -> None:
    cases = [chip(spoils=True), chip(device=0x1234), chip(softdevice=0xB6)]

    def attempt(one: DfuChip) -> NodeError | None:
        with RomLoader(one) as loader:
            try:
                flash(XIAO, image, port=loader.port)
            except NodeError as error:
                return error
        return None

    # At once: each waits for a restart that does not come.
    with ThreadPoolExecutor(len(cases)) as pool:
        for error in pool.map(attempt, cases):
            assert isinstance(error, VerifyFailed), error
            assert "reset button twice" in error.next


@pytest.mark.parametrize("stage", ["begin", "init", "data"])
def test_unplugging_at_every_stage_ends_in_a_clear_error(image: Path, stage: str) -> None:
    with (
        RomLoader(chip(), unplug_at=stage) as loader,
        pytest.raises(Disconnected, match="went away") as gone,
    ):
        flash(XIAO, image, port=loader.port)
    assert "reset button twice" in gone.value.next
    assert not loader.chip.gone


def test_a_port_without_bootloader_is_told(image: Path) -> None:
    with (
        RomLoader(chip(deaf_to=frozenset(range(100)))) as loader,
        pytest.raises(Timeout, match="bootloader does not answer"),
    ):
        flash(XIAO, image, port=loader.port)


def test_an_image_for_another_softdevice_is_refused_before_sending(image: Path) -> None:
    lower = {**XIAO.hardware, "flash": {**XIAO.hardware["flash"], "first": 0x26000}}
    image.write_bytes(images.uf2(0x28000, 1024)[0])
    with RomLoader(chip()) as loader, pytest.raises(DoesNotFit, match="begins at 0x28000"):
        flash(dataclasses.replace(XIAO, hardware=lower), image, port=loader.port)
    assert loader.chip.heard == 0
