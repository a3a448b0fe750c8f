"""What survives a restart or a power cut. Runs on: MicroPython and CPython."""

import os

from firmware import flash
from firmware.sequence import BLOCK, Sequence

PATH = "build/test-keeping.bin"


def fresh() -> None:
    try:
        os.mkdir("build")
    except OSError:
        pass
    for path in (PATH, PATH + ".new"):
        try:
            os.remove(path)
        except OSError:
            pass


def test_saved_value_is_loaded():
    fresh()
    assert flash.load(PATH) is None
    flash.save(PATH, {"a": [1, 2.5]})
    assert flash.load(PATH) == {"a": [1, 2.5]}


def test_every_damaged_byte_and_truncation_is_noticed():
    fresh()
    flash.save(PATH, [1, 2, 3])
    with open(PATH, "rb") as file:
        good = file.read()
    broken = [good[:size] for size in range(len(good))]
    for at in range(len(good)):
        broken.append(good[:at] + bytes((good[at] ^ 0x10,)) + good[at + 1 :])
    for data in broken:
        with open(PATH, "wb") as file:
            file.write(data)
        try:
            flash.load(PATH)
        except ValueError:
            continue
        raise AssertionError(data)


def test_power_cut_while_saving_leaves_the_old_value():
    fresh()
    flash.save(PATH, ["old"])
    with open(PATH + ".new", "wb") as file:
        file.write(b"half a new va")
    assert flash.load(PATH) == ["old"]
    flash.save(PATH, ["new"])
    assert flash.load(PATH) == ["new"]


def test_numbers_rise_by_one_and_never_repeat_over_restarts():
    fresh()
    given = []
    epochs = []
    for _ in range(3):
        sequence = Sequence(PATH)
        epochs.append(sequence.epoch)
        given += [sequence.take() for _ in range(5)]
        assert given[-5:] == list(range(given[-5], given[-5] + 5))
    assert len(set(given)) == len(given)
    assert given == sorted(given)
    assert epochs == [1, 2, 3]


def test_a_number_is_reserved_in_flash_before_it_is_used():
    fresh()
    sequence = Sequence(PATH)
    for _ in range(BLOCK + 1):
        number = sequence.take()
        if number in (0, BLOCK - 1, BLOCK):
            assert flash.load(PATH)[1] > number


def test_a_restart_on_purpose_skips_no_number_and_tells_what_ended_with_it():
    fresh()
    sequence = Sequence(PATH)
    given = [sequence.take() for _ in range(7)]
    assert sequence.first_lost == -1
    sequence.close(5)
    again = Sequence(PATH)
    assert again.first_lost == 5 and again.next == given[-1] + 1
    again.take()
    assert Sequence(PATH).first_lost == -1  # this time the power was cut


def test_damaged_reservation_starts_far_above_instead_of_again():
    fresh()
    Sequence(PATH).take()
    with open(PATH, "wb") as file:
        file.write(b"rubbish")
    sequence = Sequence(PATH)
    assert sequence.take() >= 1 << 40
    assert Sequence(PATH).take() < 1 << 53
