"""The power goes at each operation on the file system in turn, on a virtual board: the node is in
the old state or in the new one afterwards, and its owner gets in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resonode_hil.board import VirtualBoard
from resonode_hil.staging import stage
from resonode_wire import security, smp
from resonode_wire.security import ROLE_OWNER, XX_PSK3
from resonode_wire.smp import WRITE
from tests.crypto.peers import Host, Owner
from tests.e2e.serial_door import NoAnswer, SerialDoor

NEXT_CODE = "K7QM2XWD9FTRHN4C"
MOST_OPERATIONS = 30

Act = Callable[[Host, Owner], Any]


@pytest.fixture
def cut_board(tmp_path: Path) -> Any:
    staged = tmp_path / "staged"
    stage(staged)
    shutil.copy(Path(__file__).with_name("cut_boot.py"), staged / "cut_boot.py")
    board = VirtualBoard(
        tmp_path / "board", {}, staged=staged, entry="cut_boot", profile=security.CLOSED
    )
    yield board
    board.stop()


def commissioned(board: VirtualBoard, owner: Owner) -> None:
    with SerialDoor(board) as door:
        host = Host(door)
        host.come_with_code(label_code(door))
        host.claim_for(owner)


def label_code(door: SerialDoor) -> str:
    return str(door.ask(smp.READ, smp.GROUP_SECURITY, smp.SEC_LABEL)["code"])


def come_in(door: SerialDoor, owner: Owner, epoch: int = 9) -> Host:
    host = Host(door)
    assert host.come_with(owner.credential(host, ROLE_OWNER, epoch=epoch)) == ROLE_OWNER
    return host


def cut_at_each_operation(
    board: VirtualBoard,
    prepare: Callable[[], Any],
    act: Callable[[SerialDoor, Any], None],
    check: Callable[[SerialDoor, bool, Any], None],
) -> int:
    """Return how many operations `act` has."""
    armed = board.flash_dir / "cut_armed"
    for cut in range(MOST_OPERATIONS):
        board.kill()
        shutil.rmtree(board.flash_dir, ignore_errors=True)
        board.start()
        facts = prepare()
        completed = True
        with SerialDoor(board) as door:
            armed.write_text(str(cut))
            try:
                act(door, facts)
            except NoAnswer:
                completed = False
        armed.unlink()
        board.kill()
        board.start()
        with SerialDoor(board) as door:
            check(door, completed, facts)
        if completed:
            return cut
    raise AssertionError("no end")


def test_first_boot_ends_with_one_identity_wherever_it_is_cut(cut_board: VirtualBoard):
    cut_board.flash_dir.mkdir(parents=True)
    seen = 0
    for cut in range(MOST_OPERATIONS):
        cut_board.kill()
        shutil.rmtree(cut_board.flash_dir)
        cut_board.flash_dir.mkdir()
        (cut_board.flash_dir / "cut_armed").write_text(str(cut))
        cut_board.start()
        with SerialDoor(cut_board) as door:
            try:
                before = door.hello()["fp"]
            except NoAnswer:
                before = None
        (cut_board.flash_dir / "cut_armed").unlink()
        cut_board.kill()
        cut_board.start()
        with SerialDoor(cut_board) as door:
            assert before in (None, door.hello()["fp"])
            host = Host(door)
            host.come_with_code(label_code(door))
        seen = cut
        if before:
            break
    assert seen >= 4


def test_a_claim_is_whole_or_was_never(cut_board: VirtualBoard):
    def prepare() -> tuple[Owner, str]:
        with SerialDoor(cut_board) as door:
            return Owner(), label_code(door)

    def act(door: SerialDoor, facts: tuple[Owner, str]) -> None:
        host = Host(door)
        host.come_with_code(facts[1])
        host.claim_for(facts[0])

    def check(door: SerialDoor, completed: bool, facts: tuple[Owner, str]) -> None:
        owner, code = facts
        hello = door.hello()
        if completed:
            assert hello["claimed"]
        if hello["claimed"]:
            come_in(door, owner)
        else:
            assert hello["pattern"] == XX_PSK3
            wait_out(door)
            act(door, facts)

    assert cut_at_each_operation(cut_board, prepare, act, check) >= 8


def wait_out(door: SerialDoor) -> None:
    while door.hello()["wait_s"]:
        pass


def owned(board: VirtualBoard) -> Callable[[], Owner]:
    def prepare() -> Owner:
        owner = Owner()
        commissioned(board, owner)
        return owner

    return prepare


def test_a_rotation_leaves_the_old_key_or_the_new_and_the_owner_gets_in(cut_board: VirtualBoard):
    def act(door: SerialDoor, owner: Owner) -> None:
        come_in(door, owner).secure(WRITE, smp.SEC_ROTATE)

    def check(door: SerialDoor, completed: bool, owner: Owner) -> None:
        generation = come_in(door, owner).secure(smp.READ, smp.SEC_ACCESS)["generation"]
        assert generation == (2 if completed else 1)

    assert cut_at_each_operation(cut_board, owned(cut_board), act, check) >= 4


def test_a_release_leaves_the_node_to_its_owner_or_to_the_next(cut_board: VirtualBoard):
    def act(door: SerialDoor, owner: Owner) -> None:
        host = come_in(door, owner)
        host.ask(WRITE, smp.GROUP_NODE, smp.NODE_CONFIG, {"config": {"axes": "z"}})
        statement = security.release_statement(door.fingerprint, 1, NEXT_CODE)
        release = {"code": NEXT_CODE, "sig": owner.sign(statement)}
        host.secure(WRITE, smp.SEC_RELEASE, release)

    def check(door: SerialDoor, completed: bool, owner: Owner) -> None:
        hello = door.hello()
        assert hello["claimed"] != (hello["epoch"] == 2)
        if hello["claimed"]:
            assert not completed
            come_in(door, owner)
        else:
            heir = Host(door)
            heir.come_with_code(NEXT_CODE)
            heir.claim_for(Owner())
            settings = heir.ask(smp.READ, smp.GROUP_NODE, smp.NODE_CONFIG)["config"]
            assert settings["axes"] == "xyz"  # the last owner's are forgotten

    assert cut_at_each_operation(cut_board, owned(cut_board), act, check) >= 8


def test_a_revocation_leaves_the_old_epoch_or_the_new(cut_board: VirtualBoard):
    def act(door: SerialDoor, owner: Owner) -> None:
        come_in(door, owner).secure(WRITE, smp.SEC_REVOKE, {"epoch": 5})

    def check(door: SerialDoor, completed: bool, owner: Owner) -> None:
        assert door.hello()["epoch"] == (5 if completed else 1)
        come_in(door, owner)

    assert cut_at_each_operation(cut_board, owned(cut_board), act, check) >= 4


def test_a_configuration_is_the_old_one_or_the_new(cut_board: VirtualBoard):
    changes = {"axes": "z", "window": 2048, "run": False}

    def act(door: SerialDoor, owner: Owner) -> None:
        come_in(door, owner).ask(WRITE, smp.GROUP_NODE, smp.NODE_CONFIG, {"config": changes})

    def check(door: SerialDoor, completed: bool, owner: Owner) -> None:
        settings = come_in(door, owner).ask(smp.READ, smp.GROUP_NODE, smp.NODE_CONFIG)["config"]
        old = {"axes": "xyz", "window": 1024, "run": True}
        assert {name: settings[name] for name in changes} == (changes if completed else old)

    assert cut_at_each_operation(cut_board, owned(cut_board), act, check) >= 4


def test_setting_the_clock_is_whole_or_was_never(cut_board: VirtualBoard):
    def act(door: SerialDoor, owner: Owner) -> None:
        date = {"datetime": "2027-06-01T00:00:00"}
        come_in(door, owner).ask(WRITE, smp.GROUP_OS, smp.OS_DATETIME, date)

    def check(door: SerialDoor, completed: bool, owner: Owner) -> None:
        date = come_in(door, owner).ask(smp.READ, smp.GROUP_OS, smp.OS_DATETIME)["datetime"]
        assert date[:10] == ("2027-06-01" if completed else "2026-11-30")  # peers.NOW_S

    assert cut_at_each_operation(cut_board, owned(cut_board), act, check) >= 4
