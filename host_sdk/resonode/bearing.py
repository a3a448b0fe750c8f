"""Rolling bearings: defect orders from geometry, and a small catalogue.

An order is a frequency divided by the shaft's. The kinematics assume rolling without slip;
measured defect lines sit 0.2 to 2 % away from them (Randall & Antoni, MSSP 25 (2011) 485).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Bearing:
    """Geometry of a rolling bearing with a fixed outer and a rotating inner race.

    Attributes:
        n: number of rolling elements.
        d_mm: rolling element diameter.
        pitch_mm: pitch diameter, centre to centre of opposite elements.
        phi_deg: contact angle.
        name: what to print.

    Raises:
        ValueError: the geometry is impossible.
    """

    n: int
    d_mm: float
    pitch_mm: float
    phi_deg: float = 0.0
    name: str = "custom"

    def __post_init__(self) -> None:
        if self.n < 3:
            raise ValueError(f"a bearing has at least 3 rolling elements, not {self.n}")
        if not 0.0 < self.d_mm < self.pitch_mm:
            raise ValueError(
                f"element diameter must lie between 0 and the pitch diameter {self.pitch_mm} mm, "
                f"not {self.d_mm} mm"
            )
        if not 0.0 <= self.phi_deg < 90.0:
            raise ValueError(f"contact angle must be 0 to 90 degrees, not {self.phi_deg}")

    @property
    def _ratio(self) -> float:
        return self.d_mm / self.pitch_mm * math.cos(math.radians(self.phi_deg))

    @property
    def ftf(self) -> float:
        """Order of the cage (fundamental train frequency)."""
        return 0.5 * (1.0 - self._ratio)

    @property
    def bpfo(self) -> float:
        """Order at which elements pass a point of the outer race."""
        return self.n * self.ftf

    @property
    def bpfi(self) -> float:
        """Order at which elements pass a point of the inner race."""
        return self.n - self.bpfo

    @property
    def bsf(self) -> float:
        """Order of an element's spin; a damaged element strikes both races, at twice this."""
        return self.pitch_mm / (2.0 * self.d_mm) * (1.0 - self._ratio**2)

    def orders(self) -> dict[str, float]:
        """Return the orders at which damage is looked for, by line name."""
        return {"BPFO": self.bpfo, "BPFI": self.bpfi, "2BSF": 2.0 * self.bsf, "FTF": self.ftf}

    def lines_hz(self, shaft_hz: float) -> dict[str, float]:
        """Return the frequency of each line at a shaft speed in Hz."""
        return {line: order * shaft_hz for line, order in self.orders().items()}


def _catalogue(*bearings: Bearing) -> Mapping[str, Bearing]:
    return MappingProxyType({bearing.name: bearing for bearing in bearings})


# 6205, 6203: Case Western Reserve University Bearing Data Center, "Bearing information"
# (inches: 0.3126/1.537 and 0.2656/1.122, with 9 and 8 balls).
# NICE: Bechhoefer, MFPT fault data sets (0.235 in balls on 1.245 in, 8 balls).
# 6804: Nectoux et al., PRONOSTIA (IEEE PHM 2012), 13 balls of 3.5 mm on 25.6 mm.
# ZA-2115: Qiu, Lee & Lin, IMS bearing data (0.331 in rollers on 2.815 in, 16, 15.17 degrees).
CATALOGUE: Mapping[str, Bearing] = _catalogue(
    Bearing(9, 7.94004, 39.0398, 0.0, "6205"),
    Bearing(8, 6.74624, 28.4988, 0.0, "6203"),
    Bearing(8, 5.9690, 31.6230, 0.0, "NICE"),
    Bearing(13, 3.5, 25.6, 0.0, "6804"),
    Bearing(16, 8.4074, 71.501, 15.17, "ZA-2115"),
)


def bearing(name: str) -> Bearing:
    """Return a bearing by catalogue name, or from `n,d_mm,pitch_mm[,phi_deg]`.

    Raises:
        ValueError: neither a known name nor such a list; the text names the known ones.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    parts = name.split(",")
    if len(parts) not in (3, 4):
        raise ValueError(_unknown(name))
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise ValueError(_unknown(name)) from None
    if numbers[0] != int(numbers[0]):
        raise ValueError(f"the number of rolling elements must be whole, not {parts[0]}")
    phi_deg = numbers[3] if len(numbers) == 4 else 0.0
    return Bearing(int(numbers[0]), numbers[1], numbers[2], phi_deg, name)


def _unknown(name: str) -> str:
    known = ", ".join(CATALOGUE)
    return (
        f"no bearing '{name}' in the catalogue ({known}); "
        "name one of these or give its geometry as n,d_mm,pitch_mm[,phi_deg]"
    )
