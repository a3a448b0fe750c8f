"""A machine computed from what it is made of: shaft, coupling, bearing, housing, noise.

Axes: x across (radial), y along the shaft, z up (radial, carries the load).

The bearing follows the usual model of a localised fault (McFadden & Smith, JSV 96 (1984) 69;
Randall & Antoni, MSSP 25 (2011) 485): every passage of an element strikes the housing, which
rings at one resonance; strikes of a rotating fault are weighted by the load where they happen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from resonode.bearing import CATALOGUE, Bearing
from resonode_hil.machine.base import FloatArray
from resonode_hil.machine.draws import NormalDraws
from resonode_hil.machine.shaft import ShaftSpeed
from resonode_hil.machine.units import STANDARD_GRAVITY

# Amplitudes below are stated for this speed: 1797 rpm, the one of the CWRU test stand unloaded.
REFERENCE_HZ = 29.95

# A fault of severity 1 strikes with this peak acceleration, about that of a 0.5 mm (21 mil)
# spall in the CWRU recordings.
STRIKE_G = 4.0

# Standard deviation of a strike's size, as a share of it.
STRIKE_SPREAD = 0.06

# Share of a strike seen on x, y, z.
STRIKE_AXES = (0.6, 0.3, 1.0)

# A ring is cut off after this many time constants: exp(-12) is below a tenth of an LSB at
# full scale.
RING_TIME_CONSTANTS = 12.0

BLOCK = 4096

# Names of the independent random sequences.
_NOISE, _STRIKES = 1, 2


@dataclass(frozen=True)
class Damage:
    """A localised fault.

    Attributes:
        kind: "inner", "outer", "ball" or "cage".
        severity: 0 (none) to 1.
        jitter: standard deviation of a strike's place, as a share of the spacing (slip).
        load_zone: 0 (same load all around) to 1 (the far side carries none): how deeply the
            load modulates a fault that rotates. A fault of the outer race stands still.
    """

    kind: str
    severity: float = 0.5
    jitter: float = 0.006
    load_zone: float = 0.6

    def __post_init__(self) -> None:
        if self.kind not in ("inner", "outer", "ball", "cage"):
            raise ValueError(f"damage is inner, outer, ball or cage, not '{self.kind}'")
        for name in ("severity", "load_zone"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be 0 to 1, not {getattr(self, name)}")
        if not 0.0 <= self.jitter <= 0.1:
            raise ValueError(f"jitter must be 0 to 0.1, not {self.jitter}")

    def order(self, bearing: Bearing) -> float:
        """Return how often the fault strikes per turn of the shaft."""
        lines = {"inner": "BPFI", "outer": "BPFO", "ball": "2BSF", "cage": "FTF"}
        return bearing.orders()[lines[self.kind]]

    def rotation_order(self, bearing: Bearing) -> float:
        """Return how often the fault itself goes around per turn of the shaft."""
        return {"inner": 1.0, "outer": 0.0, "ball": bearing.ftf, "cage": bearing.ftf}[self.kind]


class PhysicalMachine:
    """A shaft in a bearing in a housing.

    Args:
        speed: Hz, or a profile for a run-up.
        bearing: geometry of the bearing under the sensor.
        damage: its fault, None for a healthy one.
        imbalance_mm_s: velocity RMS at 1x, x and z in quadrature, stated for 1797 rpm; the
            displacement is what stays, so acceleration grows with speed squared.
        misalignment_mm_s: velocity RMS at 2x (radial, and half of it axial at 1x and 2x).
        resonance_hz, damping: of the housing; damping is the ratio to critical.
        noise_g: RMS of white noise per axis, in the band up to half the sample rate.
        seed: of everything random.
    """

    def __init__(
        self,
        speed: float | ShaftSpeed = REFERENCE_HZ,
        *,
        bearing: Bearing = CATALOGUE["6205"],
        damage: Damage | None = None,
        imbalance_mm_s: float = 1.0,
        misalignment_mm_s: float = 0.4,
        resonance_hz: float = 3000.0,
        damping: float = 0.04,
        noise_g: float = 0.03,
        seed: int = 1,
    ) -> None:
        if not resonance_hz > 0.0 or not 0.0 < damping < 1.0:
            raise ValueError("resonance must be above 0 Hz and damping between 0 and 1")
        if min(imbalance_mm_s, misalignment_mm_s, noise_g) < 0.0:
            raise ValueError("imbalance, misalignment and noise must not be negative")
        self.speed = speed if isinstance(speed, ShaftSpeed) else ShaftSpeed.constant(speed)
        self.bearing = bearing
        self.damage = damage
        self._harmonics = _harmonics(imbalance_mm_s, misalignment_mm_s)
        self._omega = 2.0 * math.pi * resonance_hz
        self._decay = damping * self._omega
        self._omega_d = self._omega * math.sqrt(1.0 - damping**2)
        self._noise_g = noise_g
        self._noise = NormalDraws((seed, _NOISE), 3, BLOCK)
        self._strikes = NormalDraws((seed, _STRIKES), 2, 256)
        self._rendered: dict[tuple[float, int], FloatArray] = {}

    signal_axis = 2
    ended = False

    @property
    def rpm(self) -> float | None:
        return 60.0 * self.speed.final_hz

    def block(self, first: int, count: int, rate_hz: float) -> FloatArray:
        """Return samples first .. first+count-1, shape (count, 3), in g."""
        out = np.empty((count, 3))
        done = 0
        while done < count:
            number, offset = divmod(first + done, BLOCK)
            piece = self._block(number, rate_hz)[offset : offset + count - done]
            out[done : done + len(piece)] = piece
            done += len(piece)
        return out

    def _block(self, number: int, rate_hz: float) -> FloatArray:
        key = (rate_hz, number)
        if key not in self._rendered:
            if len(self._rendered) >= 4:
                self._rendered.pop(next(iter(self._rendered)))
            self._rendered[key] = self._render(number * BLOCK, rate_hz)
        return self._rendered[key]

    def _render(self, first: int, rate_hz: float) -> FloatArray:
        t_s = np.arange(first, first + BLOCK) / rate_hz
        out = self._noise_g * self._noise.rows(first, BLOCK).astype(np.float64)
        self._add_shaft(out, t_s)
        if self.damage is not None and self.damage.severity > 0.0:
            out += np.outer(self._ringing(self.damage, first, rate_hz), STRIKE_AXES)
        return out

    def _add_shaft(self, out: FloatArray, t_s: FloatArray) -> None:
        angle = (2.0 * math.pi) * np.mod(self.speed.turns(t_s), 1.0)
        force = (self.speed.speed_hz(t_s) / REFERENCE_HZ) ** 2
        cos1, sin1 = np.cos(angle) * force, np.sin(angle) * force
        # cos(2a) = 2cos²a - 1 and sin(2a) = 2 sin a cos a, without two more transcendentals.
        cos2 = 2.0 * cos1 * np.cos(angle) - force
        sin2 = 2.0 * sin1 * np.cos(angle)
        for axis, amplitudes in enumerate(self._harmonics):
            for amplitude, wave in zip(amplitudes, (cos1, sin1, cos2, sin2), strict=True):
                if amplitude:
                    out[:, axis] += amplitude * wave

    def _ringing(self, damage: Damage, first: int, rate_hz: float) -> FloatArray:
        """Return the housing's answer to all strikes that are heard in this block."""
        heard_s = RING_TIME_CONSTANTS / self._decay
        times_s, peaks_g = self._strikes_between(
            damage, first / rate_hz - heard_s, (first + BLOCK) / rate_hz
        )
        length = int(heard_s * rate_hz) + 1
        starts = np.ceil(times_s * rate_hz).astype(np.int64)
        tau_s = (starts[:, None] + np.arange(length)) / rate_hz - times_s[:, None]
        rings = peaks_g[:, None] * np.exp(-self._decay * tau_s) * np.sin(self._omega_d * tau_s)
        out = np.zeros(BLOCK)
        for start, ring in zip((starts - first).tolist(), rings, strict=True):
            low, high = max(start, 0), min(start + length, BLOCK)
            if low < high:
                out[low:high] += ring[low - start : high - start]
        return out

    def _strikes_between(
        self, damage: Damage, from_s: float, to_s: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return times and peak accelerations of the strikes around an interval."""
        order = damage.order(self.bearing)
        span = order * self.speed.turns(np.array([max(from_s, 0.0), to_s]))
        # Jitter is limited to half a spacing, so one strike more on either side is enough.
        first, last = max(int(span[0]) - 1, 0), int(span[1]) + 2
        draws = self._strikes.rows(first, last - first).astype(np.float64)
        places = np.arange(first, last) + np.clip(damage.jitter * draws[:, 0], -0.5, 0.5)
        turns = np.maximum(places, 0.0) / order
        times_s = self.speed.time_at(turns)
        load = _load(damage, damage.rotation_order(self.bearing) * turns)
        speed = self.speed.speed_hz(times_s) / REFERENCE_HZ
        # No two elements run over a fault alike.
        peaks_g = STRIKE_G * damage.severity * load * speed * (1.0 + STRIKE_SPREAD * draws[:, 1])
        return times_s, peaks_g


def _load(damage: Damage, turns: FloatArray) -> FloatArray:
    """Return the load on a fault after `turns` around the bearing, 1 at the bottom.

    Stribeck's distribution for zero clearance (half the bearing loaded): cos^1.5.
    """
    if damage.kind == "outer":
        return np.ones_like(turns)
    stribeck = np.maximum(np.cos(2.0 * math.pi * turns), 0.0) ** 1.5
    return np.asarray(1.0 - damage.load_zone * (1.0 - stribeck))


def _harmonics(imbalance_mm_s: float, misalignment_mm_s: float) -> tuple[tuple[float, ...], ...]:
    """Return the amplitudes in g of cos 1x, sin 1x, cos 2x, sin 2x on x, y, z."""
    to_g = 2.0 * math.pi * REFERENCE_HZ * math.sqrt(2.0) * 1e-3 / STANDARD_GRAVITY
    unbalance = imbalance_mm_s * to_g
    coupling_1x = misalignment_mm_s * to_g
    coupling_2x = 2.0 * coupling_1x
    return (
        (unbalance, 0.0, 0.7 * coupling_2x, 0.0),
        (0.5 * coupling_1x, 0.0, 0.0, 0.5 * coupling_2x),
        (0.0, unbalance, 0.0, coupling_2x),
    )


def default_machine(seed: int = 1) -> PhysicalMachine:
    """Return the machine of the demo: 1797 rpm, a 6205 with a damaged outer race."""
    return PhysicalMachine(REFERENCE_HZ, damage=Damage("outer", 0.5), seed=seed)
