"""The computed machine: what a reliability engineer would look for in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode.bearing import CATALOGUE
from resonode_hil.machine import Damage, PhysicalMachine, ShaftSpeed, default_machine
from tests.hil import envelope

RATE_HZ = 26667 * 1.0098
WINDOWS = 12
SHAFT_HZ = 29.95


def envelope_of(machine) -> tuple[np.ndarray, np.ndarray]:
    signal = machine.block(0, WINDOWS * envelope.SAMPLES, RATE_HZ)[:, machine.signal_axis]
    return envelope.spectra(signal, RATE_HZ, envelope.SAMPLES)


def test_demo_machine_shows_its_outer_race_in_the_mean_and_in_every_window():
    machine = default_machine()
    freq, amplitudes = envelope_of(machine)
    line_hz = CATALOGUE["6205"].lines_hz(machine.rpm / 60)["BPFO"]
    mean = envelope.mean(amplitudes)
    assert freq[mean.argmax()] == pytest.approx(line_hz, abs=RATE_HZ / envelope.SAMPLES)
    assert mean.max() >= 30 * np.median(mean)
    ratios = amplitudes.max(axis=1) / np.median(amplitudes, axis=1)
    assert ratios.min() >= 20


@pytest.mark.parametrize(
    ("kind", "line"), [("outer", "BPFO"), ("inner", "BPFI"), ("ball", "2BSF"), ("cage", "FTF")]
)
def test_each_damage_shows_at_its_own_line(kind, line):
    bearing = CATALOGUE["6205"]
    freq, amplitudes = envelope_of(PhysicalMachine(damage=Damage(kind, 0.8)))
    ratios = {
        name: envelope.ratio_at(freq, envelope.mean(amplitudes), hz)
        for name, hz in bearing.lines_hz(SHAFT_HZ).items()
    }
    assert max(ratios, key=ratios.__getitem__) == line


def test_healthy_machine_shows_nothing_at_a_bearing_order():
    freq, amplitudes = envelope_of(PhysicalMachine())
    lines = CATALOGUE["6205"].lines_hz(SHAFT_HZ).values()
    mean = envelope.mean(amplitudes)
    assert max(envelope.ratio_at(freq, mean, hz) for hz in lines) < 6
    assert max(envelope.ratio_at(freq, one, hz) for one in amplitudes for hz in lines) < 6


def test_severity_zero_is_healthy():
    damaged = PhysicalMachine(damage=Damage("inner", 0.0)).block(0, 5000, RATE_HZ)
    assert np.array_equal(damaged, PhysicalMachine().block(0, 5000, RATE_HZ))


def test_imbalance_is_the_stated_velocity_at_one_per_turn():
    machine = PhysicalMachine(imbalance_mm_s=4.0, misalignment_mm_s=0.0, noise_g=0.0)
    # Whole turns, so that the projection on 1x is exact.
    count = round(60 * RATE_HZ / SHAFT_HZ)
    accel = machine.block(0, count, RATE_HZ) * 9.80665
    angle = 2 * np.pi * SHAFT_HZ * np.arange(count) / RATE_HZ
    for axis in (0, 2):
        peak = abs(2 * np.mean(accel[:, axis] * np.exp(-1j * angle)))
        velocity_mm_s = 1000 * peak / (2 * np.pi * SHAFT_HZ) / np.sqrt(2)
        # The record is up to half a sample short of 60 turns: 1e-5 of its length.
        assert velocity_mm_s == pytest.approx(4.0, rel=1e-3)
    assert np.abs(accel[:, 1]).max() == 0.0


def test_misalignment_shakes_along_the_shaft_and_at_two_per_turn():
    machine = PhysicalMachine(imbalance_mm_s=0.0, misalignment_mm_s=1.0, noise_g=0.0)
    count = round(60 * RATE_HZ / SHAFT_HZ)
    accel = machine.block(0, count, RATE_HZ)
    angle = 2 * np.pi * SHAFT_HZ * np.arange(count) / RATE_HZ
    once = np.abs(np.exp(-1j * angle) @ accel)
    twice = np.abs(np.exp(-2j * angle) @ accel)
    assert twice[2] > 100 * once[2]
    assert once[1] > 0.2 * twice[2]


def test_run_up_sweeps_from_start_to_end_speed_and_amplitude_grows_with_its_square():
    speed = ShaftSpeed.run_up(10.0, 40.0, 4.0)
    machine = PhysicalMachine(speed, misalignment_mm_s=0.0, noise_g=0.0)
    assert machine.rpm == 2400.0
    z = machine.block(0, int(6 * RATE_HZ), RATE_HZ)[:, 2]
    t_s = np.arange(len(z)) / RATE_HZ
    rises = t_s[1:][(z[:-1] < 0) & (z[1:] >= 0)]
    at_2s = np.searchsorted(rises, 2.0)
    assert 1 / np.diff(rises)[at_2s] == pytest.approx(25.0, rel=0.02)
    assert 1 / np.diff(rises)[-1] == pytest.approx(40.0, rel=0.001 * 4)
    late, early = np.abs(z[t_s > 5]).max(), np.abs(z[t_s < 0.05]).max()
    # Within 0.05 s the shaft gains 0.4 Hz of 10.
    assert late / early == pytest.approx(16.0, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 9_000)), min_size=1, max_size=6))
def test_a_sample_is_the_same_however_blocks_are_cut_and_ordered(cuts):
    speed = ShaftSpeed([(0.0, 5.0), (1.0, 30.0), (1.5, 20.0)])
    damage = Damage("inner", 0.7)
    whole = PhysicalMachine(speed, damage=damage).block(0, 70_000, RATE_HZ)
    machine = PhysicalMachine(speed, damage=damage)
    for first, count in cuts:
        assert np.array_equal(machine.block(first, count, RATE_HZ), whole[first : first + count])


def test_seed_changes_what_is_random_and_nothing_else():
    first, again, other = (default_machine(seed).block(0, 5000, RATE_HZ) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ringing_runs_on_across_the_blocks_it_is_computed_in():
    damping, block, count = 0.01, 4096, 24
    machine = PhysicalMachine(
        damage=Damage("outer", 1.0),
        damping=damping,
        noise_g=0.0,
        imbalance_mm_s=0.0,
        misalignment_mm_s=0.0,
    )
    z = machine.block(0, count * block, RATE_HZ)[:, 2]
    # A ring follows x[n] = 2 r cos(w) x[n-1] - r^2 x[n-2] exactly, except where a strike begins.
    omega = 2 * np.pi * 3000.0 / RATE_HZ
    r, w = np.exp(-damping * omega), omega * np.sqrt(1 - damping**2)
    rest = np.abs(z[2:] - 2 * r * np.cos(w) * z[1:-1] + r**2 * z[:-2])
    broken = rest > 1e-4 * np.abs(z).max()
    # Two samples of each strike, of which there are 107 a second, and none where blocks meet
    # (but for a strike that happens to begin there: 2 in 251).
    assert broken.mean() == pytest.approx(2 * 107.36 / RATE_HZ, rel=0.1)
    seams = np.arange(1, count) * block
    assert broken[seams - 2].sum() + broken[seams - 1].sum() <= 2
    # The first strike comes with the first sample: 3 kHz peaks 2.2 samples later.
    assert np.abs(z[:10]).max() > 0.5 * np.abs(z).max()


@given(
    st.lists(st.floats(0.5, 60.0), min_size=1, max_size=5),
    st.floats(0.0, 20.0),
)
def test_time_at_inverts_turns(speeds, t_s):
    shaft = ShaftSpeed([(2.0 * i, hz) for i, hz in enumerate(speeds)])
    turns = shaft.turns(np.array([t_s]))
    # The root loses digits in proportion to the turns, of which there are up to 1200.
    assert shaft.time_at(turns)[0] == pytest.approx(t_s, abs=1e-9)


def test_shaft_that_starts_from_rest_turns_as_the_square_of_time():
    shaft = ShaftSpeed.run_up(0.0, 20.0, 10.0)
    assert shaft.turns(np.array([0.0, 5.0, 10.0, 11.0])).tolist() == [0.0, 25.0, 100.0, 120.0]
    assert shaft.time_at(np.array([0.0, 25.0, 120.0])).tolist() == [0.0, 5.0, 11.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Damage("rust"), "inner, outer, ball or cage"),
        (lambda: Damage("inner", 1.5), "severity must be 0 to 1"),
        (lambda: Damage("inner", jitter=0.5), "jitter must be"),
        (lambda: PhysicalMachine(0.0), "last above 0"),
        (lambda: PhysicalMachine(damping=1.0), "damping between 0 and 1"),
        (lambda: PhysicalMachine(noise_g=-1.0), "must not be negative"),
        (lambda: ShaftSpeed([]), "at least one point"),
        (lambda: ShaftSpeed([(1.0, 5.0), (1.0, 6.0)]), "must rise"),
    ],
)
def test_impossible_machines_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
