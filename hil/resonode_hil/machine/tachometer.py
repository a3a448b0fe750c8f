"""Pulses of a turning shaft."""

from __future__ import annotations

import numpy as np

from resonode_hil.machine.shaft import ShaftSpeed


class Tachometer:
    """Gives `per_turn` pulses a revolution of a shaft that starts with the board."""

    def __init__(self, shaft: ShaftSpeed, per_turn: int = 1) -> None:
        if per_turn < 1:
            raise ValueError(f"a tachometer gives at least one pulse a turn, not {per_turn}")
        self._shaft = shaft
        self._per_turn = per_turn

    def pulses(self, t_us: int) -> tuple[int, int]:
        """Return how many pulses there were up to `t_us`, and when the last one was, µs."""
        turns = float(self._shaft.turns(np.array([t_us / 1e6]))[0])
        count = int(turns * self._per_turn + 1e-9)
        if not count:
            return 0, 0
        last_s = float(self._shaft.time_at(np.array([count / self._per_turn]))[0])
        return count, min(t_us, int(last_s * 1e6))
