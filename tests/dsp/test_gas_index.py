"""The gas index against its maker's reference package. Promised: within 1."""

import csv

import numpy as np
import pytest
from sensirion_gas_index_algorithm.gas_index_algorithm import GasIndexAlgorithm

from resonode import dsp

KINDS = ("voc", "nox")


def both(kind: str, ticks, interval_s: float = 1.0, tuning: dsp.GasTuning | None = None):
    ours = dsp.GasIndex(kind, interval_s, tuning)
    theirs = GasIndexAlgorithm(KINDS.index(kind), interval_s)
    if tuning is not None:
        theirs.set_tuning_parameters(
            *(int(getattr(tuning, name)) for name in dsp.GasTuning.__dataclass_fields__)
        )
    pairs = [(ours.process(int(x)), theirs.process(int(x))) for x in ticks]
    return np.array(pairs).T


def walk(seed: int, step: float, n: int) -> np.ndarray:
    """Ticks that wander, with a few strong events and a few readings that are missing."""
    rng = np.random.default_rng(seed)
    ticks = 28000 + np.cumsum(rng.normal(0, step, n))
    for at in rng.integers(0, n - 700, 6):
        ticks[at : at + 600] -= rng.uniform(500, 8000) * np.hanning(600)
    ticks[rng.integers(0, n, n // 500)] = 0
    return np.clip(ticks, 0, 65535).astype(int)


def test_the_makers_own_vector_is_met(shared_data):
    text = (shared_data / "vectors" / "sensirion_voc_index_ref.csv").read_text()
    rows = [tuple(map(int, row)) for row in csv.reader(text.splitlines())]
    assert len(rows) == 600
    index = dsp.GasIndex()
    assert max(abs(index.process(sraw) - wanted) for sraw, wanted in rows) <= 1


# Eleven hours: past the start phases (5.7 h for NOx) and into the slow averages.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "step"), [(1, 3.0), (2, 30.0), (3, 200.0)])
def test_long_random_walks_stay_within_one(kind, seed, step):
    ours, theirs = both(kind, walk(seed, step, 40_000))
    assert np.abs(ours - theirs).max() <= 1
    # It did something: an index that never moves would pass as well.
    assert ours.max() - ours.min() >= (30 if kind == "voc" else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_ten_seconds_apart_too(kind):
    ours, theirs = both(kind, walk(4, 50.0, 10_000), interval_s=10.0)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize(
    "tuning",
    [
        dsp.GasTuning(index_offset=50, gain=400),
        dsp.GasTuning(learning_offset_h=1, learning_gain_h=2, gating_max_min=5, std_initial=300),
    ],
)
def test_tuned_alike_they_answer_alike(tuning):
    for kind in KINDS:
        ours, theirs = both(kind, walk(5, 60.0, 20_000), tuning=tuning)
        assert np.abs(ours - theirs).max() <= 1


def test_the_first_45_seconds_are_zero():
    index = dsp.GasIndex()
    answers = [index.process(28000) for _ in range(60)]
    assert answers[:46] == [0] * 46 and all(answers[46:])


def test_refusals():
    for interval_s in (0.0, 61.0, float("nan")):
        with pytest.raises(dsp.DspError):
            dsp.GasIndex("voc", interval_s)
    low = {"index_offset": 0, "learning_offset_h": 0, "learning_gain_h": 0}
    low.update({"gating_max_min": -1, "std_initial": 9, "gain": 0})
    for name, value in low.items():
        for wrong in (value, 6000, float("nan")):
            with pytest.raises(dsp.DspError):
                dsp.GasIndex("voc", 1.0, dsp.GasTuning(**{name: wrong}))
    ffi, lib = dsp._ffi, dsp._lib
    state, out = ffi.new("dsp_gas *", {"gas": 2}), ffi.new("int32_t *", 5)
    assert lib.dsp_gas_init(2, 1.0, ffi.NULL, state) == lib.DSP_ERR_VALUE
    assert lib.dsp_gas_process(state, 28000, out) == lib.DSP_ERR_VALUE
    assert out[0] == 5 and state.gas == 2
