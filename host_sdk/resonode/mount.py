"""Is the sensor mounted as it should be? Judged from one capture of all three axes.

which way is up   gravity: an accelerometer at rest reads +1 g on the axis that points up
is it fixed       a running machine shakes it, and a sensor that lies beside it hears nothing
the right machine its shaft turns as fast as the machine's that it should be on
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from resonode.capture import Capture
from resonode.records import FloatArray

G_M_S2 = 9.80665
# Offsets of MEMS accelerometers are up to 0.1 g, their gain is right to 5 %.
_GRAVITY_TOLERANCE = 0.15
# Steeper than this, and no axis is "up": a bracket is bent, or the sensor hangs loose.
_TILT_DEG = 20.0
# Vibration of a machine that runs, RMS in 10-1000 Hz. Few in a plant are quieter.
_SHAKEN_M_S2 = 0.05
_BAND_HZ = (10.0, 1000.0)
_SLOWEST_HZ = 5.0
# How far a motor's slip and a speed read off its plate are apart.
_SPEED_TOLERANCE = 0.05
# A line stands out by so much of the middle power of the bins around.
_STANDS_OUT = 30.0


@dataclass(frozen=True)
class Mount:
    """How a sensor is mounted, as far as a capture can tell.

    Attributes:
        up: axis that points up, e.g. "+z".
        tilt_deg: between that axis and the vertical.
        gravity_m_s2: length of the mean acceleration.
        level_m_s2: RMS in 10-1000 Hz of the axis that shakes most.
        shaft_hz: strongest line of the velocity spectrum, None if none stands out.
        problems: what is wrong, in plain words with what to do; empty if all is well.
    """

    up: str
    tilt_deg: float
    gravity_m_s2: float
    level_m_s2: float
    shaft_hz: float | None
    problems: tuple[str, ...]


def check(capture: Capture, *, up: str | None = None, shaft_hz: float | None = None) -> Mount:
    """Judge a capture of x, y and z, of 2 s or more, while the machine runs.

    Args:
        up: the axis that should point up, "+x" to "-z"; None: any may.
        shaft_hz: speed of the machine the sensor should be on; None: any will do.

    Raises:
        ValueError: the capture has not all axes, or is too short for 10 Hz.
    """
    if capture.axes != ("x", "y", "z"):
        raise ValueError("a mount is judged by x, y and z together")
    accel = capture.accel_m_s2
    if len(accel) < capture.rate_hz / _BAND_HZ[0] * 4:
        raise ValueError("a mount is judged by 0.4 s of samples at the least")
    mean = accel.mean(axis=0)
    gravity = float(np.linalg.norm(mean))
    found_up, tilt_deg = _up(mean, gravity)
    spectra = _spectra(accel - mean)
    bin_hz = capture.rate_hz / len(accel)
    level = max(_level(one, bin_hz) for one in spectra.T)
    line_hz = _strongest_line(spectra, bin_hz)
    problems = [
        *_judge_gravity(gravity, found_up, tilt_deg, up),
        *_judge_level(level),
        *_judge_speed(line_hz, shaft_hz),
    ]
    return Mount(found_up, tilt_deg, gravity, level, line_hz, tuple(problems))


def _up(mean: FloatArray, gravity: float) -> tuple[str, float]:
    axis = int(np.argmax(np.abs(mean)))
    sign = "+" if mean[axis] >= 0 else "-"
    cosine = abs(float(mean[axis])) / gravity if gravity else 0.0
    return sign + "xyz"[axis], math.degrees(math.acos(min(1.0, cosine)))


def _spectra(accel: FloatArray) -> FloatArray:
    """Power of each bin and axis: mean square of that bin's sine, Hann window, shape (bins, 3)."""
    window = np.hanning(len(accel) + 1)[:-1]
    amplitude = np.abs(np.fft.rfft(accel * window[:, None], axis=0)) / window.sum()
    power: FloatArray = 2.0 * amplitude**2
    return power


def _level(power: FloatArray, bin_hz: float) -> float:
    """RMS in the band. Neighbours share a line's power, 1.5 bins wide with a Hann window."""
    inside = power[math.ceil(_BAND_HZ[0] / bin_hz) : int(_BAND_HZ[1] / bin_hz) + 1]
    return math.sqrt(float(inside.sum()) / 1.5)


def _strongest_line(power: FloatArray, bin_hz: float) -> float | None:
    """Frequency of the strongest line of velocity, over all axes, to a bin."""
    low, high = max(2, int(_SLOWEST_HZ / bin_hz)), int(_BAND_HZ[1] / bin_hz)
    total = power.sum(axis=1)[low : high + 1]
    bins = np.arange(low, low + len(total))
    at = int(np.argmax(total / bins**2))
    around = total[max(0, at - 100) : at + 101]
    if total[at] < _STANDS_OUT * float(np.median(around)):
        return None
    return float(bins[at]) * bin_hz


def _judge_gravity(gravity: float, found: str, tilt_deg: float, wanted: str | None) -> list[str]:
    if abs(gravity / G_M_S2 - 1.0) > _GRAVITY_TOLERANCE:
        return [
            f"gravity reads {gravity:.2f} m/s² instead of {G_M_S2:.2f}: the sensor is being moved, "
            "or it is damaged; take a capture while nobody touches it, then run its self-test"
        ]
    problems = []
    if tilt_deg > _TILT_DEG:
        problems.append(
            f"the sensor is tilted by {tilt_deg:.0f}° from {found} up: mount it square, or the "
            "directions in its records mean nothing"
        )
    if wanted is not None and found != wanted:
        problems.append(f"{found} points up instead of {wanted}: turn the sensor")
    return problems


def _judge_level(level: float) -> list[str]:
    if level >= _SHAKEN_M_S2:
        return []
    return [
        f"hardly any vibration ({level:.3f} m/s² RMS in 10-1000 Hz): the machine stands still, or "
        "the sensor is not fixed to it"
    ]


def _judge_speed(found_hz: float | None, wanted_hz: float | None) -> list[str]:
    if wanted_hz is None:
        return []
    if found_hz is None:
        return [f"no line of a shaft stands out, where one at {wanted_hz:.2f} Hz should be"]
    # A shaft shows by its harmonics, too.
    order = max(1, round(found_hz / wanted_hz))
    if abs(found_hz / (order * wanted_hz) - 1.0) <= _SPEED_TOLERANCE:
        return []
    return [
        f"the strongest line is at {found_hz:.2f} Hz, no multiple of {wanted_hz:.2f} Hz: this may "
        "be another machine, or its speed is not what was said"
    ]
