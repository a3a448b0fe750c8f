"""What flashing did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flashed:
    """`first` and `bytes`: where in the flash, and how much; `verified`: how that is known."""

    board: str
    chip: str
    first: int
    bytes: int
    verified: str
