"""Units of acceleration: what they are in g, and how the headers of files write them."""

from __future__ import annotations

import re

STANDARD_GRAVITY = 9.80665  # m/s²
G_PER = {"g": 1.0, "m/s2": 1.0 / STANDARD_GRAVITY, "mg": 1e-3}
# Of integers in a WAV file, which say nothing else.
FULL_SCALE = "full scale"
# A header names a unit, and it is none of ours.
FOREIGN = "foreign"

_OTHER_NAMES = {"m/s²": "m/s2", "m/s^2": "m/s2", "m_s2": "m/s2"}
# z_m_s2, m/s^2, m/s²; m/s/s; m.s-2, m s**-2 ...
_IN_HEADER = {
    "m/s2": r"m[\s/_*·.]*s\s*[\^*]*-?2|m/s/s",
    "mg": "mg",
    "g": "g",
}


def named(text: str) -> str:
    """Return the unit that `text` names.

    Raises:
        ValueError: none of ours.
    """
    unit = _OTHER_NAMES.get(text.lower(), text.lower())
    if unit not in G_PER:
        raise ValueError(f"'{text}' is none of {', '.join(G_PER)}")
    return unit


def of_header(name: str) -> str | None:
    """Return the unit in a column's name, as in `z_m_s2`, `z [g]` or `accel_mg`; None without.

    What is in brackets and none of ours is FOREIGN.
    """
    text = name.lower().replace("²", "2")
    for unit, pattern in _IN_HEADER.items():
        if re.search(rf"(?<![a-z])(?:{pattern})(?![a-z0-9])", text):
            return unit
    return FOREIGN if re.search(r"[\[(].+[\])]", name) else None
