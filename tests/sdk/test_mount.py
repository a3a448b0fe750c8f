"""Judging how a sensor is mounted, from a capture."""

from __future__ import annotations

import numpy as np
import pytest

from resonode.capture import Capture
from resonode.mount import G_M_S2, check

RATE_HZ, SCALE = 4000.0, 16 * G_M_S2 / 32768


def capture(
    gravity=(0.0, 0.0, 1.0), shaft_hz=29.5, amplitude_m_s2=1.0, seconds=2.0, axes="xyz"
) -> Capture:
    t_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    accel = np.random.default_rng(1).normal(0, 0.01, (len(t_s), 3))
    accel += np.array(gravity) * G_M_S2
    accel[:, 0] += amplitude_m_s2 * np.sin(2 * np.pi * shaft_hz * t_s)
    accel[:, 2] += 2 * amplitude_m_s2 * np.sin(2 * np.pi * 7 * shaft_hz * t_s)
    samples = np.round(accel / SCALE).astype(np.int16)[:, : len(axes)]
    return Capture(
        *("node", tuple(axes), RATE_HZ, samples, SCALE, 1, 0, 0, None),
        records=(),
    )


@pytest.mark.parametrize(
    ("gravity", "up"), [((0, 0, 1), "+z"), ((0, -1, 0), "-y"), ((0.98, 0.1, 0), "+x")]
)
def test_a_good_mount_has_no_problems_and_says_which_way_is_up(gravity, up: str):
    mount = check(capture(gravity), up=up, shaft_hz=29.5)
    assert mount.problems == ()
    assert mount.up == up
    assert abs(mount.shaft_hz - 29.5) <= 0.5  # a bin of 2 s


def test_level_is_the_rms_of_the_axis_that_shakes_most():
    assert check(capture()).level_m_s2 == pytest.approx(2 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gravity": (0, 0, 0.7)}, "gravity reads"),
        ({"gravity": (0, 0.6, 0.8)}, "tilted by 37°"),
        ({"gravity": (0, 0, -1)}, "-z points up instead of +z"),
        ({"amplitude_m_s2": 0.001}, "not fixed"),
        ({"shaft_hz": 24.0}, "another machine"),
        ({"amplitude_m_s2": 0.0}, "no line of a shaft"),
    ],
)
def test_each_problem_is_told_in_plain_words(change: dict, said: str):
    assert said in " ".join(check(capture(**change), up="+z", shaft_hz=29.5).problems)


def test_a_harmonic_that_is_stronger_than_the_shaft_is_still_that_shaft():
    one = capture(shaft_hz=59.0)
    assert check(one, shaft_hz=29.5).problems == ()


def test_too_little_to_judge_is_refused():
    with pytest.raises(ValueError, match="together"):
        check(capture(axes="xy"))
    with pytest.raises(ValueError, match="at the least"):
        check(capture(seconds=0.1))
