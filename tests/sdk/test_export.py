"""Files a capture is written to, read back by other programs' libraries."""

from __future__ import annotations

import csv
import wave

import numpy as np
import pytest
import pyuff

import resonode
from resonode.capture import Capture
from resonode.export import writer_for

RATE_HZ = 26928.0918


@pytest.fixture
def taken():
    random = np.random.default_rng(1)
    wave = random.integers(-32768, 32768, (2000, 2)).astype(np.int16)
    return Capture(
        node="91b7584a2265b1f5",
        axes=("x", "z"),
        rate_hz=RATE_HZ,
        samples=wave,
        scale_m_s2=0.00478565,
        capture=3,
        start_sample=8192,
        t_us=123,
        shaft_hz=None,
        records=(),
    )


def test_wav_holds_the_very_lsbs(taken, tmp_path):
    path = tmp_path / "w.wav"
    writer_for(path)(taken, path)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 26928)
        got = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.array_equal(got, taken.samples)


def test_csv_holds_time_and_acceleration(taken, tmp_path):
    path = tmp_path / "w.csv"
    writer_for(path)(taken, path)
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["time_s", "x_m_s2", "z_m_s2"]
    got = np.array(rows[1:], float)
    # Nine digits are printed: half a unit of the ninth, relative to a value above 1e-9.
    assert np.allclose(got[:, 1:], taken.accel_m_s2, rtol=5e-9, atol=1e-12)
    assert 1 / np.diff(got[:, 0]).mean() == pytest.approx(RATE_HZ, rel=1e-8)


def test_npz_holds_everything_needed_to_interpret_it(taken, tmp_path):
    path = tmp_path / "w.npz"
    writer_for(path)(taken, path)
    with np.load(path) as file:
        assert np.array_equal(file["samples"], taken.samples)
        assert float(file["scale_m_s2"]) == taken.scale_m_s2
        assert float(file["rate_hz"]) == RATE_HZ
        assert list(file["axes"]) == ["x", "z"]
        assert (int(file["start_sample"]), int(file["capture"])) == (8192, 3)


def test_uff_is_a_dataset_58_per_axis(taken, tmp_path):
    path = tmp_path / "w.uff"
    write = writer_for(path)
    write(taken, path)
    write(taken, path)  # a second time replaces, it does not append
    sets = pyuff.UFF(str(path)).read_sets()
    assert [(one["type"], one["func_type"], one["rsp_dir"]) for one in sets] == [
        (58, 1, 1),
        (58, 1, 3),
    ]
    for column, one in enumerate(sets):
        # Twelve digits are printed: half a unit of the twelfth.
        assert np.allclose(one["data"], taken.accel_m_s2[:, column], rtol=5e-12, atol=0)
        assert one["ordinate_axis_units_lab"].strip() == "m/s2"
        # The format writes the increment with six digits.
        assert 1 / one["abscissa_inc"] == pytest.approx(RATE_HZ, rel=2e-6)
        assert one["id3"].strip() == f"rate_hz={RATE_HZ!r}"


def test_a_format_may_be_named_whatever_the_suffix(taken, tmp_path):
    path = tmp_path / "data.bin"
    writer_for(path, "npz")(taken, path)
    with np.load(path) as file:
        assert len(file["samples"]) == 2000


@pytest.mark.parametrize(("name", "form"), [("w.mp3", None), ("w.wav", "flac"), ("plain", None)])
def test_an_unknown_format_names_the_known_ones(tmp_path, name, form):
    with pytest.raises(resonode.NodeError, match="wav, csv, npz, uff"):
        writer_for(tmp_path / name, form)


def test_a_missing_package_names_the_extra(taken, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyuff", None)
    with pytest.raises(resonode.MissingExtra, match=r"pip install 'resonode\[uff\]'"):
        writer_for(tmp_path / "w.uff")(taken, tmp_path / "w.uff")
