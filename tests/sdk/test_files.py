"""Files written for the user: whole or not there."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from resonode import files
from resonode.errors import StoreError, StoreFull
from resonode.gateway import Store
from resonode.records import decode
from tests.sdk import samples
from tests.sdk.fake_node import FakeNode


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("old")
    with files.written(path) as new:
        new.write_text("new")
        assert (path.read_text(), new.suffix) == ("old", ".csv")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def half_written(path, why):
    with files.written(path) as new:
        new.write_text("half")
        raise why


@pytest.mark.parametrize(
    ("why", "told"),
    [(OSError(5, "Input/output error"), StoreError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_what_fails_or_is_interrupted_leaves_what_was_there(tmp_path, why, told):
    path = tmp_path / "w.csv"
    path.write_text("old")
    with pytest.raises(told):
        half_written(path, why)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_rights_that_the_user_wants_files_to_have(tmp_path):
    before = os.umask(0o027)
    try:
        with files.written(tmp_path / "w.csv") as new:
            new.write_text("new")
    finally:
        os.umask(before)
    assert (tmp_path / "w.csv").stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_replaced_keeps_its_rights(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("old")
    path.chmod(0o600)
    with files.written(path) as new:
        new.write_text("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_secret_file_is_the_users_own_from_its_first_byte_though_a_readable_one_was_there(
    tmp_path,
):
    path = tmp_path / "labels.csv"
    path.write_text("old")
    path.chmod(0o644)
    with files.written(path, files.SECRET) as new:
        assert new.stat().st_mode & 0o777 == 0o600
        new.write_text("code")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("old")
    link = tmp_path / "w.csv"
    link.symlink_to(there)
    with files.written(link) as new:
        new.write_text("new")
    assert link.is_symlink() and there.read_text() == "new"


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    with files.written(path) as new:
        new.write_text("through")
    reader.join(timeout=10)
    assert got == ["through"] and path.is_fifo()


def test_a_full_disk_is_told_apart_from_other_failures(small_disk):
    with (
        pytest.raises(StoreFull, match="disk is full"),
        files.written(small_disk / "w.bin") as new,
    ):
        new.write_bytes(bytes(2_000_000))
    with pytest.raises(StoreFull, match="disk is full"):
        files.replace(small_disk / "state.json", bytes(2_000_000))
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("suffix", ["wav", "csv", "npz", "uff"])
def test_a_capture_onto_a_full_disk_leaves_nothing_and_is_done_again_without_yes(
    small_disk, suffix, cli
):
    filler, path = small_disk / "filler", small_disk / f"w.{suffix}"
    filler.write_bytes(bytes(1_010_000))
    with FakeNode() as fake:
        take = ("capture", path, "-n", 40000, "--axes", "xyz", "--port", fake.url)
        done = cli(*take)
        assert (done.code, done.out) == (10, "")
        assert "disk is full" in done.err
        assert list(small_disk.iterdir()) == [filler]
        filler.unlink()
        assert cli(*take[:2], "-n", 2000, "--port", fake.url).code == 0
    assert path.stat().st_size > 1000


def test_a_picture_onto_a_full_disk_leaves_nothing(small_disk, tmp_path, cli):
    with Store(tmp_path / "r.db") as store:
        store.add([("n1", decode(samples.spectrum(0, np.ones(400))))])
    filler = small_disk / "filler"
    filler.write_bytes(bytes(1_040_000))
    done = cli(*("plot", "spectrum", "--db", tmp_path / "r.db", "--out", small_disk / "p.png"))
    assert done.code == 10 and "disk is full" in done.err
    assert list(small_disk.iterdir()) == [filler]
