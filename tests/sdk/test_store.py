"""The store: exact bytes, decoded columns, each (node, seq) once, and a full disk."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading

import numpy as np
import pytest

import resonode
from resonode.gateway.store import COLUMNS, Store
from resonode.records import decode
from resonode_wire.fields import KIND_OF, LOSS_REASONS, RECORDS
from tests.sdk import samples


def records(raws):
    return [decode(raw) for raw in raws]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "r.db") as one:
        yield one


def test_every_type_comes_back_byte_for_byte(store):
    raws = samples.one_of_each()
    added = store.add([("n1", one) for one in records(raws)])
    assert (added.stored, added.duplicates, added.conflicts) == (len(raws), 0, [])
    assert [one.record.raw for one in store.query()] == raws


def test_columns_hold_what_the_bytes_say(store):
    got = records(samples.one_of_each())
    store.add([("n1", one) for one in got])
    db = sqlite3.connect(store.path)
    db.row_factory = sqlite3.Row
    for record in got:
        row = db.execute(f"SELECT * FROM {record.name} WHERE seq = ?", (record.seq,)).fetchone()
        for column in COLUMNS[record.name]:
            value = getattr(record, column)
            if isinstance(value, tuple):
                value = json.dumps(value)
            assert row[column] == value, f"{record.name}.{column}"
    db.close()


def test_columns_are_those_of_the_wires_table():
    for _number, name, required, optional in RECORDS:
        scalars = {f for f in required + optional if KIND_OF[f] not in ("floats", "i16s")}
        assert set(COLUMNS[name]) == scalars - {"node"}


def test_a_record_stored_twice_is_there_once(store):
    one = decode(samples.features(7))
    store.add([("n1", one), ("n1", one)])
    assert store.add([("n1", one)]).duplicates == 1
    assert store.count() == 1


def test_equal_seq_of_two_nodes_are_two_records(store):
    one = decode(samples.features(7))
    store.add([("n1", one), ("n2", one)])
    assert (store.count("n1"), store.count("n2")) == (1, 1)


def test_other_bytes_for_a_stored_seq_are_a_conflict_and_the_first_stay(store, caplog):
    first, second = samples.features(7, rms=1.0), samples.features(7, rms=2.0)
    store.add([("n1", decode(first))])
    added = store.add([("n1", decode(second))])
    assert added.conflicts == [("n1", 7)]
    assert "record 7 came again with other bytes" in caplog.text
    assert store.raw("n1", 7) == first
    assert next(iter(store.query("features"))).record.rms_m_s2 == 1.0


def test_a_record_of_an_unknown_type_is_kept_as_bytes(store):
    from resonode_wire import cbor

    raw = cbor.dumps({0: 99, 1: 5, 2: 1, 3: 6, 4: 0, 2077: "later"})
    store.add([("n1", decode(raw))])
    assert store.raw("n1", 5) == raw
    assert store.overview()[0]["type"] == "type_99"


def test_last_seq_tells_where_to_resume(store):
    assert store.last_seq("n1") is None
    store.add([("n1", one) for one in records([samples.features(4), samples.features(9)])])
    assert store.last_seq("n1") == 9


def test_query_selects_by_type_node_axis_seq_and_limit(store):
    for node in ("n1", "n2"):
        raws = [samples.features(seq, axis=seq % 3) for seq in range(12)]
        store.add([(node, one) for one in records([*raws, samples.health(12)])])

    def seqs(*args, **filters):
        return [(one.node, one.record.seq) for one in store.query(*args, **filters)]

    assert seqs("health") == [("n1", 12), ("n2", 12)]
    assert seqs("features", node="n2", axis=1) == [("n2", seq) for seq in (1, 4, 7, 10)]
    assert seqs("features", node="n1", since_seq=10) == [("n1", 10), ("n1", 11)]
    assert seqs("features", node="n1", limit=2) == [("n1", 0), ("n1", 1)]
    assert seqs("features", node="n1", limit=2, arrival=True) == [("n1", 10), ("n1", 11)]


def test_the_last_records_are_those_that_came_last_whichever_node_they_are_of(store):
    for node, seq in [("n2", 5), ("n1", 70), ("n2", 6), ("n1", 71)]:
        # The host's clock may be set back meanwhile.
        store.add([(node, decode(samples.features(seq)))], received_us=1000 - seq)
    last = [(one.node, one.record.seq) for one in store.query("features", limit=3, arrival=True)]
    assert last == [("n1", 70), ("n2", 6), ("n1", 71)]


def test_query_of_an_unknown_type_names_the_known_ones(store):
    with pytest.raises(resonode.StoreError, match="Known: boot, features"):
        list(store.query("featrues"))


def test_a_reader_sees_committed_records_while_the_writer_goes_on(store):
    store.add([("n1", decode(samples.features(0)))])
    with Store(store.path, readonly=True) as reader:
        assert reader.count() == 1
        store.add([("n1", decode(samples.features(1)))])
        assert reader.count() == 2
        found = reader.query("features")
        next(found)
        store.add([("n1", decode(samples.features(2)))])  # not held up by the open cursor
        assert [one.record.seq for one in found] == [1]


def test_many_threads_may_add(store):
    def add(node):
        for seq in range(20):
            store.add([(node, decode(samples.features(seq)))])

    threads = [threading.Thread(target=add, args=(f"n{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == 80


def test_a_batch_is_stored_whole_or_not_at_all(store):
    good = decode(samples.features(1))
    with pytest.raises(AttributeError):
        store.add([("n1", good), ("n1", object())])
    assert store.count() == 0
    store.add([("n1", good)])
    assert store.count() == 1


def test_arrays_survive_all_three_encodings(store):
    amplitudes = np.geomspace(1e-3, 1.0, 200)
    # f32: half an ulp; f16: 2^-11 relative; u8 in steps of 0.5 dB: half a step.
    tolerances = {"f32": 2**-24, "f16": 2**-11, "u8": 10 ** (0.25 / 20) - 1}
    for seq, encoding in enumerate(tolerances):
        store.add([("n1", decode(samples.spectrum(seq, amplitudes, encoding=encoding)))])
    for one, (encoding, tolerance) in zip(store.query("spectrum"), tolerances.items(), strict=True):
        assert one.record.encoding == encoding
        error = np.abs(one.record.amplitude_m_s2 / amplitudes - 1)
        assert error.max() <= tolerance * 1.001


def test_an_older_database_gains_the_columns_of_a_newer_wire(tmp_path):
    path = tmp_path / "old.db"
    with Store(path) as store:
        store.add([("n1", decode(samples.features(0)))])
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE features DROP COLUMN skewness")
    db.close()
    with Store(path) as store:
        store.add([("n1", decode(samples.features(1)))])
    db = sqlite3.connect(path)
    rows = db.execute("SELECT skewness FROM features ORDER BY seq").fetchall()
    db.close()
    assert rows[0] == (None,) and rows[1][0] == pytest.approx(0.1)


def test_a_newer_database_is_refused(tmp_path):
    path = tmp_path / "new.db"
    Store(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(resonode.StoreError, match="version 99"):
        Store(path)


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (a)")
    db.close()
    with pytest.raises(resonode.StoreError, match="another program"):
        Store(path)


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("this is not a database, it is a text of sufficient length " * 20)
    before = path.read_bytes()
    with pytest.raises(resonode.StoreError, match="no SQLite database"):
        Store(path)
    assert path.read_bytes() == before


def test_an_absent_database_cannot_be_read(tmp_path):
    with pytest.raises(resonode.StoreError, match="There is no database"):
        Store(tmp_path / "none.db", readonly=True)
    assert not (tmp_path / "none.db").exists()


def fill(store):
    """Store batches of ten spectra until no more fit. Returns how many were stored."""
    bins = np.linspace(0.1, 1.0, 900)
    stored = 0
    while stored < 10000:
        raws = [samples.spectrum(stored + at, bins) for at in range(10)]
        try:
            store.add([("n1", one) for one in records(raws)])
        except resonode.StoreFull:
            return stored
        stored += 10
    raise AssertionError("the disk never filled")


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_stored(small_disk):
    with Store(small_disk / "r.db") as store:
        stored = fill(store)
        assert stored > 0
        one = decode(samples.spectrum(stored, np.linspace(0.1, 1.0, 900)))
        with pytest.raises(resonode.StoreFull, match="disk of .* is full.*Make room"):
            store.add([(f"n{at}", one) for at in range(10)])
    with Store(small_disk / "r.db", readonly=True) as store:
        assert [one.record.seq for one in store.query()] == list(range(stored))


def test_a_full_database_goes_on_once_there_is_room(store):
    store._db.execute("PRAGMA max_page_count = 200")
    stored = fill(store)
    assert store.count() == stored > 0
    store._db.execute("PRAGMA max_page_count = 4000")
    store.add([("n1", decode(samples.features(stored)))])
    assert store.last_seq("n1") == stored


def test_a_database_on_a_read_only_file_system_can_be_read(small_disk):
    path = small_disk / "r.db"
    with Store(path) as one:
        one.add([("n1", decode(samples.features(7)))])
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    with Store(path, readonly=True) as one:
        assert one.count() == 1


def overwritten(path, start, length):
    """Damage a database as a bad disk does. The seed is fixed: the damage is always the same."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(np.random.default_rng(1).bytes(length))


def test_a_damaged_database_is_not_opened_for_writing(tmp_path):
    path = tmp_path / "r.db"
    with Store(path) as one:
        one.add(("n1", decode(samples.features(seq))) for seq in range(5000))
    pages = path.stat().st_size // 4096
    overwritten(path, pages // 2 * 4096, 10 * 4096)
    with pytest.raises(resonode.StoreError, match=r"r\.db is damaged.*recover"):
        Store(path)


def test_a_database_that_takes_too_long_to_check_is_opened_and_that_is_said(
    tmp_path, monkeypatch, caplog
):
    path = tmp_path / "r.db"
    with Store(path) as one:
        one.add(("n1", decode(samples.features(seq))) for seq in range(5000))
    monkeypatch.setattr("resonode.gateway.store._CHECK_S", -1.0)  # over before it begins
    monkeypatch.setattr("resonode.gateway.store._STEPS_BETWEEN_LOOKS", 10)
    with Store(path) as one:
        assert "too large to be checked" in caplog.text
        assert one.add([("n1", decode(samples.features(5000)))]).stored == 1


def test_a_database_is_not_made_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(resonode.StoreError, match=r"no folder .*absent"):
        Store(tmp_path / "absent" / "r.db")
    assert not (tmp_path / "absent").exists()


def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "r.db"
    path.touch()
    with pytest.raises(resonode.StoreError, match=r"r\.db is empty.*gateway run"):
        Store(path, readonly=True)


def told(store, node=None):
    return [(one.node, one.first_seq, one.kind, one.numbers) for one in store.holes(node)]


def test_holes_are_gaps_in_the_numbers_and_declared_losses(store):
    lost = samples.loss(6, capture=1, first_sample=5, lost_samples=10, lost_windows=1)
    store.add(("n1", one) for one in records([samples.features(seq) for seq in (0, 1, 5)]))
    store.add(("n1", one) for one in records([lost, samples.boot(100, epoch=2)]))
    store.add(("n2", one) for one in records([samples.features(seq) for seq in (50, 51)]))
    assert told(store) == [
        ("n1", 2, "missing", 3),
        ("n1", 6, "overrun", None),
        ("n1", 7, "lost_or_unused", 93),
    ]
    assert told(store, "n2") == []


def store_full(seq, first, count):
    return samples.loss(
        seq, reason=LOSS_REASONS.index("store_full"), first_seq=first, lost_records=count
    )


def test_a_gap_that_the_node_declares_is_one_hole(store):
    raws = [samples.features(10), samples.features(20), store_full(21, 13, 7)]
    store.add(("n1", one) for one in records(raws))
    assert told(store) == [("n1", 11, "missing", 2), ("n1", 13, "store_full", 7)]


def test_a_declared_loss_over_several_gaps_counts_what_is_absent(store):
    """Some of what a node overwrites has been received, and is only not acknowledged yet."""
    raws = [*(samples.features(seq) for seq in (0, 5, 6, 9)), store_full(10, 2, 7)]
    store.add(("n1", one) for one in records(raws))
    assert told(store) == [
        ("n1", 1, "missing", 1),
        ("n1", 2, "store_full", 3),
        ("n1", 7, "store_full", 2),
    ]


def test_what_was_lost_before_the_first_contact_is_told_apart(store):
    raws = [
        samples.features(40),
        store_full(41, 0, 40),
        samples.features(50),
        store_full(51, 42, 8),
    ]
    store.add(("n1", one) for one in records(raws))
    assert told(store) == [("n1", 0, "before_contact", 40), ("n1", 42, "store_full", 8)]


def test_what_is_told_twice_is_one_hole(store):
    """A loss record that was overwritten on the node is told again, with more."""
    raws = [
        samples.features(0),
        store_full(20, 5, 10),
        store_full(40, 1, 19),
        store_full(41, 21, 19),
    ]
    store.add(("n1", one) for one in records(raws))
    assert told(store) == [("n1", 1, "store_full", 19), ("n1", 21, "store_full", 19)]


def test_a_declared_loss_of_which_all_was_stored_is_no_hole(store):
    store.add(("n1", one) for one in records([samples.features(0), store_full(1, 0, 1)]))
    assert told(store) == []
