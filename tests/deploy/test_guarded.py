"""Who gets MicroPython's prompt of a deployed board whose keys somebody relies on."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import serial

import resonode
from firmware import VERSION
from firmware.ownership import Ownership
from resonode.deploy import deploy
from resonode.deploy.prompt import ON_BOARD, Prompt, is_open
from resonode.errors import Disconnected, NotTrusted, TransportError
from resonode.trust.access import Trust
from resonode.trust.owner import console
from resonode_hil.commissioning import own, own_trust, read_label, url_of
from resonode_wire import smp
from tests.deploy.conftest import BOARD, Chip, ChipFactory, version
from tests.e2e.serial_door import SerialDoor

KNOCK = b"\r\x03\x03\x01"
PATIENCE_S = 20.0


def fingerprint(board: Chip, trust: Trust) -> bytes:
    async def ask() -> bytes:
        async with resonode.connect(url_of(board), trust=trust, timeout_s=PATIENCE_S) as node:
            assert node.session is not None and node.session.proof is not None
            return node.session.proof.fingerprint

    return asyncio.run(ask())


def files_of(prompt: Prompt) -> list[str]:
    return list(ast.literal_eval(prompt.run("print(os.listdir())")))


@pytest.mark.slow
@pytest.mark.parametrize("sent", [KNOCK, b"\x03", b"\x03\x03\x03\r\x01\x02\x04"])
def test_nothing_sent_while_a_claimed_board_starts_opens_its_prompt(
    claimed: Chip, sent: bytes
) -> None:
    said = claimed.start_under(sent)
    assert f"Resonode {VERSION} on " in said
    assert ">>>" not in said and "raw REPL" not in said and "Traceback" not in said
    assert not is_open(claimed.port)


@pytest.mark.slow
def test_its_owner_deploys_without_touching_it_and_the_prompt_is_closed_again(
    claimed: Chip, owner: Trust, other_source: Callable[..., Path]
) -> None:
    asked: list[str] = []
    before = fingerprint(claimed, owner)
    newer = other_source(version("9.9.9"))
    report = deploy(
        BOARD,
        claimed.port,
        source=newer,
        trust=owner,
        on_progress=lambda stage, _part: asked.append(stage),
    )
    assert report.sent == 1 and not any("button" in stage for stage in asked)
    assert fingerprint(claimed, owner) == before
    assert "Resonode 9.9.9 on " in claimed.start_under(KNOCK)
    assert not is_open(claimed.port)


@pytest.mark.slow
def test_a_board_whose_files_are_at_flash_is_deployed_and_guarded_as_well(
    chip: ChipFactory, source: Path, tmp_path: Path
) -> None:
    """Where upstream's nRF port mounts them."""
    board, owner = chip(at_flash=True), own_trust(tmp_path / "owner")
    assert deploy(BOARD, board.port, source=source).slot == "app_a"
    asyncio.run(own(board, owner))
    said = board.start_under(KNOCK)
    assert f"Resonode {VERSION} on " in said and "raw REPL" not in said
    assert not is_open(board.port)
    assert deploy(BOARD, board.port, source=source, trust=owner).sent == 0


@pytest.mark.slow
def test_another_computer_cannot_deploy(claimed: Chip, source: Path, tmp_path: Path) -> None:
    with pytest.raises(NotTrusted, match="No credential for node"):
        deploy(BOARD, claimed.port, source=source, trust=own_trust(tmp_path / "stranger"))
    assert not is_open(claimed.port)


@pytest.mark.slow
def test_power_cut_while_its_owner_deploys_leaves_a_closed_board_that_runs(
    claimed: Chip,
    owner: Trust,
    other_source: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, steps = Prompt.run, 9  # by then the other slot is being filled

    def run_until_cut(self: Prompt, code: str) -> str:
        nonlocal steps
        steps -= 1
        if steps:
            return run(self, code)
        claimed.kill()
        raise Disconnected("cut")

    newer = other_source(version("9.9.9"))
    monkeypatch.setattr(Prompt, "run", run_until_cut)
    with pytest.raises(TransportError):
        deploy(BOARD, claimed.port, source=newer, trust=owner)
    monkeypatch.setattr(Prompt, "run", run)
    said = claimed.start_under(KNOCK)
    assert f"Resonode {VERSION} on " in said and "raw REPL" not in said
    assert deploy(BOARD, claimed.port, source=newer, trust=owner).sent <= 1


def break_firmware(board: Chip, owner: Trust) -> None:
    """Leave firmware that crashes in the slot that once started well."""

    async def ask() -> None:
        async with resonode.connect(url_of(board), trust=owner, timeout_s=PATIENCE_S) as node:
            await console(node, owner)

    asyncio.run(ask())
    with Prompt(board.port) as prompt:
        prompt.replace("app_a/firmware/main.mpy", b"no code")


def listen(board: Chip, until: bytes, sent: bytes = b"") -> bytes:
    said, deadline_s = b"", time.monotonic() + PATIENCE_S
    with serial.Serial(board.port, timeout=0.05, write_timeout=0) as port:
        while until not in said and time.monotonic() < deadline_s:
            port.write(sent)
            said += port.read(4096)
    return said


@pytest.mark.slow
def test_broken_firmware_opens_no_prompt_and_the_button_gives_one_without_the_keys(
    claimed: Chip, owner: Trust, source: Path
) -> None:
    before = fingerprint(claimed, owner)
    break_firmware(claimed, owner)
    claimed.power_cycle()
    said = listen(claimed, b"nothing starts", KNOCK)
    assert b"ValueError" in said and b"raw REPL" not in said
    assert not is_open(claimed.port)
    # Somebody comes to it and holds the button.
    claimed.hold_button()
    assert b">>>" in listen(claimed, b">>>")
    claimed.hold_button(False)
    with Prompt(claimed.port) as prompt:
        assert not {"owner.bin", "vault.bin"} & set(files_of(prompt))
    deploy(BOARD, claimed.port, source=source, on_progress=claimed.press)
    label = asyncio.run(read_label(claimed))
    assert label is not None and label.fingerprint != before


@pytest.mark.slow
def test_a_prompt_that_was_knocked_for_has_no_keys_and_an_idle_boot_file_is_gone(
    deployed: Chip,
) -> None:
    assert asyncio.run(read_label(deployed)) is not None  # it has made itself keys
    with Prompt(deployed.port, on_wait=deployed.power_cycle) as prompt:
        names = files_of(prompt)
    assert "vault.bin" not in names and "boot.py" not in names


@pytest.mark.slow
def test_a_board_whose_label_was_taken_is_guarded_too(deployed: Chip) -> None:
    deployed.greeting()
    with SerialDoor(deployed) as door:
        door.ask(smp.READ, smp.GROUP_SECURITY, smp.SEC_LABEL)
        door.ask(smp.WRITE, smp.GROUP_SECURITY, smp.SEC_LABEL, {"taken": True})
    assert "raw REPL" not in deployed.start_under(KNOCK)


def test_guarded_is_every_state_of_ownership_in_which_keys_are_relied_on(tmp_path: Path) -> None:
    """Boards look at one byte of owner.bin, since the firmware that wrote it may be broken."""
    guarded = _guarded_on(tmp_path)
    path = tmp_path / "owner.bin"
    ownership = Ownership(str(path))
    assert not guarded()
    key = bytes(32)
    for change, arguments, expected in (
        ("take_label", (), True),
        ("claim", (key,), True),
        ("revoke", (5, [key]), True),
        ("release", ("0" * 16,), True),
        ("claim", (key,), True),
        ("reset", (), False),
        ("claim", (key,), True),
    ):
        getattr(ownership, change)(*arguments)
        assert guarded() is expected, change
    for damage in (b"", path.read_bytes()[:-1], b"\xf4"):
        path.write_bytes(damage)
        assert guarded()


def test_a_file_system_that_cannot_be_read_is_guarded_and_nothing_that_goes_wrong_opens_a_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _guarded_on(tmp_path / "none")()

    def told_to_reset() -> None:
        raise SystemExit

    def forbidden() -> None:
        raise OSError(5, "input/output error")

    names = _on_board(tmp_path / "none")
    monkeypatch.setitem(sys.modules, "machine", SimpleNamespace(reset=told_to_reset))
    names["sys"] = SimpleNamespace(print_exception=print)
    for held in (forbidden, lambda: True, lambda: False):  # the second: keys cannot be removed
        names["_button_held"] = held
        with pytest.raises(SystemExit):
            names["_rescue"]()


def test_a_button_that_is_described_wrongly_is_not_pressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = SimpleNamespace(Pin=SimpleNamespace(IN=0))
    monkeypatch.setitem(sys.modules, "machine", pins)
    names = _on_board(tmp_path)
    names["json"] = json
    board = tmp_path / "app_a" / "boards" / "X"
    board.mkdir(parents=True)
    for button in ("null", "7", '{"pin": 1, "pressed": 0}', '{"pin": 1, "pull": 3}'):
        (board / "board.json").write_text(f'{{"button": {button}}}')
        assert not names["_button"]()()


def _guarded_on(root: Path) -> Callable[[], bool]:
    function: Callable[[], bool] = _on_board(root)["_guarded"]
    return function


def _on_board(root: Path) -> dict[str, Any]:
    """What on_board/main.py defines, as if `root` were a board's file system."""
    tree = ast.parse((ON_BOARD / "main.py").read_text())
    wanted = [
        one
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        or (isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant | ast.Tuple))
    ]
    names: dict[str, Any] = {
        "open": lambda path, _mode="r": BytesIO((root / path).read_bytes()),
        "os": SimpleNamespace(listdir=lambda path=".": os.listdir(root / path)),
    }
    exec(compile(ast.Module(list(wanted), []), "main.py", "exec"), names)
    return names
