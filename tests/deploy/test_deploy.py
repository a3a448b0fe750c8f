"""`resonode deploy` onto an emulated chip, by mpremote's transport."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware import VERSION
from resonode import boards
from resonode.deploy import Deployed, check, deploy, files
from resonode.deploy.plan import make_plan
from resonode.deploy.prompt import Prompt
from resonode.errors import (
    Disconnected,
    DoesNotFit,
    Incomplete,
    NodeError,
    NodeNotFound,
    Timeout,
    TransportError,
)
from resonode_hil.commissioning import own, own_trust
from tests.deploy.conftest import BOARD, ROOT, Chip, ChipFactory, version

pytestmark = pytest.mark.slow
SourceFactory = Callable[..., Path]


def trees(port: str) -> dict[str, Any]:
    with Prompt(port) as prompt:
        return {slot: prompt.call("tree", slot) for slot in ("app_a", "app_b")}


def test_a_deployed_board_is_a_node(
    deployed: Chip, first_time: tuple[Deployed, bytes], source: Path, tmp_path: Path
) -> None:
    report, _flash = first_time
    assert (report.slot, report.kept, report.copied) == ("app_a", 0, 0)
    assert report.sent == len(files.build(BOARD, source))
    trust = asyncio.run(own(deployed, own_trust(tmp_path / "owner")))
    assert trust is not None


def test_unchanged_sends_nothing_and_a_change_sends_what_changed(
    deployed: Chip, other_source: SourceFactory, source: Path
) -> None:
    count = len(files.build(BOARD, source))
    again = deploy(BOARD, deployed.port, source=source, on_progress=deployed.press)
    assert (again.slot, again.sent, again.copied, again.kept) == ("app_a", 0, 0, count)

    newer = other_source(version("9.9.9"))
    changed = deploy(BOARD, deployed.port, source=newer, on_progress=deployed.press)
    assert (changed.slot, changed.sent, changed.copied) == ("app_b", 1, count - 1)
    assert "Resonode 9.9.9 on QEMU_M4F" in deployed.greeting()

    # And back: the old version is still in the other slot.
    back = deploy(BOARD, deployed.port, source=source, on_progress=deployed.press)
    assert (back.slot, back.kept) == ("app_a", count)
    assert f"Resonode {VERSION} on QEMU_M4F" in deployed.greeting()


def test_cut_at_every_step_the_board_boots_the_old_version_or_the_new(
    deployed: Chip, other_source: SourceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_source = other_source(version("9.9.9"))
    chance = random.Random(5)
    run = Prompt.run
    booted: list[str] = []
    while "new" not in booted:
        left = len(booted) + 1

        def run_until_cut(self: Prompt, code: str) -> str:
            nonlocal left
            left -= 1
            if left:
                return run(self, code)
            # The board is busy with this step when its power goes.
            self._transport.exec_raw_no_follow(code)
            time.sleep(chance.uniform(0, 0.02))
            deployed.kill()
            raise Disconnected("cut")

        monkeypatch.setattr(Prompt, "run", run_until_cut)
        # The step after the last one is none, and nothing is cut.
        with contextlib.suppress(TransportError):
            deploy(BOARD, deployed.port, source=new_source, on_progress=deployed.press)
        monkeypatch.setattr(Prompt, "run", run)
        said = deployed.greeting()
        assert "did not start" not in said, booted
        (found,) = (name for text, name in GREETINGS.items() if text in said)
        booted.append(found)
    # Only with the pointer, the last step, does the new one start.
    assert booted.count("old") >= 8


GREETINGS = {f"Resonode {VERSION} on ": "old", "Resonode 9.9.9 on ": "new"}


def crash(source: Path) -> None:
    path = source / "firmware" / "main.py"
    path.write_text(path.read_text() + '\n\nraise ValueError("a bad day")\n')


def hang(source: Path) -> None:
    path = source / "firmware" / "main.py"
    path.write_text(path.read_text() + "\n\nwhile True:\n    pass\n")


def test_firmware_that_does_not_start_gives_way_to_the_old_one(
    deployed: Chip, other_source: SourceFactory
) -> None:
    bad = other_source(crash)
    with pytest.raises(Incomplete, match="ValueError: a bad day"):
        deploy(BOARD, deployed.port, source=bad, on_progress=deployed.press)
    # It went back by itself.
    assert f"Resonode {VERSION} on " in deployed.greeting()


def test_firmware_that_hangs_gives_way_at_the_next_power_on(
    deployed: Chip, other_source: SourceFactory
) -> None:
    bad = other_source(hang)
    with pytest.raises(Incomplete, match="did not say so within 3 s"):
        deploy(BOARD, deployed.port, source=bad, starts_s=3.0, on_progress=deployed.press)
    said = deployed.greeting()
    assert "app_b did not start: going back to app_a" in said
    assert f"Resonode {VERSION} on " in said


def test_a_first_version_that_does_not_start_leaves_the_prompt(
    chip: ChipFactory, other_source: SourceFactory
) -> None:
    board = chip()
    with pytest.raises(Incomplete, match="a bad day"):
        deploy(BOARD, board.port, source=other_source(crash))
    # So another one can be deployed, into the same slot: this one is nothing to go back to.
    with Prompt(board.port) as prompt:
        assert prompt.call("probe")["slot"] == "app_a trying -"


def changed_node(**changes: Any) -> boards.Board:
    return dataclasses.replace(BOARD, node=BOARD.node | changes)


def test_an_older_micropython_is_refused_before_copying(chip: ChipFactory, source: Path) -> None:
    board = chip()
    with pytest.raises(DoesNotFit) as refused:
        deploy(changed_node(micropython_min=[1, 99]), board.port, source=source)
    assert "MicroPython 1.25.0" in refused.value.what
    assert "needs MicroPython 1.99 or later" in refused.value.why
    assert refused.value.next
    assert trees(board.port) == {"app_a": {}, "app_b": {}}


def test_a_real_board_is_told_how_to_get_the_right_micropython() -> None:
    real = boards.load("ESP32_C3")
    there = dataclasses.replace(PROBED, version=(1, 20, 0))
    with pytest.raises(DoesNotFit, match="resonode flash ESP32_C3 IMAGE"):
        check.check_version(real, there)


PROBED = check.OnBoard.of(
    {
        "version": [1, 25, 0],
        "machine": "x",
        "mpy": 0x1F06,
        "heap_free": 10**6,
        "heap": 10**6,
        "block": 4096,
        "files_free": 10**6,
        "slot": "",
        "boards": [],
        "main": "",
        "boot": "",
    }  # fmt: skip
)


def test_a_native_module_of_another_abi_is_refused_before_copying(
    chip: ChipFactory, other_source: SourceFactory
) -> None:
    board = chip()
    changed = other_source(lambda _source: None)
    module = changed / "build" / "natmod" / "armv7emsp" / "crypto.mpy"
    code = module.read_bytes()
    heads = {
        b"M\x05\x1f\x1f": ".mpy 5.3 armv7emsp",
        b"M\x06\x1e\x1f": ".mpy 6.2 armv7emsp",
        b"M\x06\x2b\x1f": ".mpy 6.3 xtensawin",
    }
    for head, name in heads.items():
        module.write_bytes(head + code[4:])
        with pytest.raises(DoesNotFit) as refused:
            deploy(BOARD, board.port, source=changed)
        assert "MicroPython 1.25.0 loads .mpy 6.3 armv7emsp" in refused.value.what
        assert f"crypto.mpy is {name}" in refused.value.why
        assert refused.value.next
    assert trees(board.port) == {"app_a": {}, "app_b": {}}


def test_another_port_or_board_is_told_before_native_modules_that_are_missing(
    chip: ChipFactory, other_source: SourceFactory
) -> None:
    other = boards.load("ESP32_C3")
    shop = other_source(lambda root: shutil.copytree(other.folder, root / "boards" / "ESP32_C3"))
    with pytest.raises(NodeNotFound):
        deploy(other, "/dev/no-such-port", source=shop)
    board = chip()
    with pytest.raises(DoesNotFit, match="is no ESP32_C3") as refused:
        deploy(other, board.port, source=shop)
    assert "armv7emsp, that of ESP32_C3 is for rv32imc" in refused.value.why
    assert trees(board.port) == {"app_a": {}, "app_b": {}}


def test_too_little_ram_is_refused_before_copying(chip: ChipFactory, source: Path) -> None:
    board = chip(heap_bytes=192 * 1024)
    with pytest.raises(DoesNotFit, match="too little RAM") as refused:
        deploy(BOARD, board.port, source=source)
    free, needed = (int(word) for word in refused.value.why.split() if word.isdigit())
    assert free < 192 * 1024 < needed < 512 * 1024
    assert trees(board.port) == {"app_a": {}, "app_b": {}}


def test_too_little_room_for_files_is_refused_before_copying(
    chip: ChipFactory, source: Path
) -> None:
    board = chip(flash_bytes=256 * 1024)
    with pytest.raises(DoesNotFit, match="too little room for files"):
        deploy(BOARD, board.port, source=source)
    assert trees(board.port) == {"app_a": {}, "app_b": {}}


def test_what_the_firmware_needs_is_what_it_takes(deployed: Chip, source: Path) -> None:
    """The factors of heap_needed(), measured."""
    deployed.to_prompt()
    wanted = files.build(BOARD, source)
    python = sorted(files.loaded(BOARD, source) - {"dsp.mpy", "crypto.mpy"})
    modules = [
        name.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".") for name in python
    ]
    code = """
import gc, sys
sys.path.insert(0, "app_a")
import asyncio, machine
def free():
    gc.collect()
    return gc.mem_free()
for name in list(sys.modules):
    if name.startswith("resonode_wire"):
        del sys.modules[name]
before = free()
import dsp, crypto
natives = free()
for name in MODULES:
    __import__(name)
print([before - natives, natives - free()])
"""
    with Prompt(deployed.port) as prompt:
        taken = json.loads(prompt.run(code.replace("MODULES", repr(modules))))
    of_natives = sum(len(wanted[name]) for name in ("dsp.mpy", "crypto.mpy"))
    of_python = sum(len(wanted[name]) for name in python)
    # Enough, and not much more than enough.
    assert 0.8 < taken[0] / of_natives / check.HEAP_PER_NATIVE_BYTE <= 1
    assert 0.8 < taken[1] / of_python / check.HEAP_PER_BYTE <= 1


def test_a_running_node_gives_its_prompt_when_it_is_reset(deployed: Chip, source: Path) -> None:
    pressed: list[str] = []

    def press(stage: str, _part: float) -> None:
        if "reset button" in stage:
            pressed.append(stage)
            deployed.power_cycle()

    assert deployed.greeting()
    assert deploy(BOARD, deployed.port, source=source, on_progress=press).sent == 0
    assert len(pressed) == 1


def test_a_port_without_prompt_is_told(deployed: Chip, source: Path) -> None:
    assert deployed.greeting()
    with pytest.raises(Timeout, match="resonode node console"):
        deploy(BOARD, deployed.port, source=source, timeout_s=0.5)
    with pytest.raises(NodeNotFound):
        deploy(BOARD, "/dev/no-such-port", source=source)


def test_files_that_do_not_compile_or_are_missing_are_named(other_source: SourceFactory) -> None:
    def spoil(source: Path) -> None:
        (source / "firmware" / "store.py").write_text("def f(:\n")

    with pytest.raises(NodeError, match=r"firmware/store\.py does not compile.*SyntaxError"):
        files.build(BOARD, other_source(spoil))
    other = dataclasses.replace(BOARD, node=BOARD.node | {"arch": "armv6"})
    with pytest.raises(NodeError, match="make natmod ARCH=armv6"):
        files.build(other, ROOT)


def test_boards_with_the_firmware_frozen_in_get_their_data_only() -> None:
    board = boards.load("NRF52840_DK")
    assert list(files.build(board, ROOT)) == ["boards/NRF52840_DK/board.json"]


def test_plan_never_touches_the_slot_to_fall_back_on() -> None:
    wanted = {"a.mpy": b"1", "b.mpy": b"2"}
    held = {name: (1, files.sha256(data)) for name, data in wanted.items()}
    other = {name: (1, files.sha256(data + b"0")) for name, data in wanted.items()}
    cases = [
        (["app_a", "good", "-"], other, {}, "app_b", "app_a"),
        (["app_b", "good", "-"], {}, other, "app_a", "app_b"),
        (["app_b", "new", "app_a"], other, other, "app_b", "app_a"),
        (["app_b", "trying", "app_a"], other, held, "app_b", "app_a"),
        (["app_a", "trying", "-"], held, {}, "app_a", None),
        ([], {}, {}, "app_a", None),
        (["rubbish"], other, {}, "app_a", None),
    ]
    for slot, a, b, target, safe in cases:
        there = dataclasses.replace(PROBED, slot=slot)
        plan = make_plan(there, {"app_a": a, "app_b": b}, wanted)
        assert (plan.target, plan.safe, plan.unchanged) == (target, safe, False), slot
    there = dataclasses.replace(PROBED, slot=["app_a", "good", "-"])
    assert make_plan(there, {"app_a": held, "app_b": other}, wanted).unchanged


def test_command_line_reports_and_exits_with_the_errors_code(chip: ChipFactory) -> None:
    board = chip(heap_bytes=192 * 1024)
    program = str(Path(sys.executable).parent / "resonode")
    command = [program, "deploy", "QEMU_M4F", "--port", board.port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == DoesNotFit.exit_code
    assert "too little RAM" in done.stderr and "Traceback" not in done.stderr
