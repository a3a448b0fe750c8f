"""Runs on: MicroPython and CPython."""

from firmware.counters import Counters
from firmware.store import RecordStore
from resonode_wire import message


class Clock:
    def now_us(self) -> int:
        return 1000


class Numbers:
    def __init__(self) -> None:
        self.next = 100
        self.epoch = 3
        self.first_lost = -1

    def take(self) -> int:
        self.next += 1
        return self.next - 1


def store(max_bytes: int = 100000) -> RecordStore:
    return RecordStore(Numbers(), Clock(), Counters(), max_bytes)


def add(kept: RecordStore, count: int) -> None:
    for _ in range(count):
        kept.add("loss", {"reason": 0})


def test_records_are_numbered_and_kept_in_order():
    kept = store()
    add(kept, 3)
    assert kept.first == 100 and kept.next == 103
    for seq in (100, 101, 102):
        name, values = message.decode(kept.get(seq))
        assert (name, values["seq"], values["epoch"], values["t_us"]) == ("loss", seq, 3, 1000)
    assert kept.get(99) is None and kept.get(103) is None


def test_acknowledged_records_are_let_go_and_no_others():
    kept = store()
    add(kept, 5)
    kept.acknowledge(101)
    assert kept.first == 102 and kept.get(101) is None and kept.get(102)
    kept.acknowledge(50)
    assert kept.first == 102
    kept.acknowledge(10**9)
    assert kept.first == 105 and kept.next == 105
    assert kept._bytes == 0 and kept._counters.acked == 5


def test_full_store_drops_the_oldest_and_declares_how_many():
    kept = store(max_bytes=200)
    add(kept, 50)
    assert 0 < kept.first - 100 < 50 and kept._bytes <= 200
    kept.declare_loss()
    _, values = message.decode(kept.get(kept.next - 1))
    assert values["reason"] == 1 and values["first_seq"] == 100
    # The record that tells of the loss pushes out none that it does not tell of.
    assert values["lost_records"] == kept.first - 100 == kept._counters.dropped
    before = kept.next
    kept.declare_loss()
    assert kept.next == before


def test_records_that_were_acknowledged_are_never_declared_lost():
    kept = store(max_bytes=200)
    add(kept, 5)
    kept.acknowledge(102)
    add(kept, 50)
    kept.declare_loss()
    _, values = message.decode(kept.get(kept.next - 1))
    assert values["first_seq"] == 103
    assert values["lost_records"] == kept.first - 103
    kept.acknowledge(kept.next - 1)
    add(kept, 2)
    before = kept.next
    kept.declare_loss()
    assert kept.next == before


def after_restart(first_lost: int, max_bytes: int = 1000) -> RecordStore:
    numbers = Numbers()
    numbers.first_lost = first_lost
    kept = RecordStore(numbers, Clock(), Counters(), max_bytes)
    kept.declare_loss()
    return kept


def told(kept: RecordStore) -> list:
    # (reason, first, end) of what is declared in the records that are kept.
    out = []
    for seq in range(kept.first, kept.next):
        _, values = message.decode(kept.get(seq))
        if "first_seq" in values:
            first = values["first_seq"]
            out.append((values["reason"], first, first + values["lost_records"]))
    return out


def test_records_that_ended_with_a_restart_are_declared():
    assert told(after_restart(96)) == [(3, 96, 100)]
    for first_lost in (-1, 100):
        assert after_restart(first_lost).next == 100


def test_what_restarts_ended_is_owed_until_a_host_acknowledges_it():
    kept = after_restart(96)
    add(kept, 3)
    assert kept.unacknowledged == 96
    kept.acknowledge(97)  # the last one that it has of the life before
    assert kept.unacknowledged == 98
    kept.acknowledge(100)
    assert kept.unacknowledged == 101
    kept.acknowledge(10**9)
    assert kept.unacknowledged == kept.next


def test_a_loss_record_that_is_overwritten_is_told_again_with_its_reason():
    kept = after_restart(96, max_bytes=300)
    add(kept, 50)
    assert kept.first > 100 and told(kept) == []
    kept.declare_loss()
    assert told(kept) == [(3, 96, 100), (1, 100, kept.first)]
    before = kept.next
    kept.declare_loss()
    assert kept.next == before
    first = kept.first
    while kept.first < before:
        add(kept, 1)
    kept.declare_loss()
    assert kept.first > first
    assert told(kept) == [(3, 96, 100), (1, 100, kept.first)]


def test_a_restart_before_which_everything_was_acknowledged_lost_nothing():
    kept = store()
    add(kept, 5)
    kept.forget()
    assert kept.unacknowledged == kept.next == 105


def test_whoever_listens_is_told_of_each_record():
    kept = store()
    told = []
    kept.on_add = lambda: told.append(kept.next)
    add(kept, 2)
    assert told == [101, 102]
