"""docs/settings.md and the host's units: current, and of every setting there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from firmware.config import FIELDS
from resonode.setting_units import UNITS

ROOT = Path(__file__).resolve().parents[2]


def test_they_are_what_the_generator_writes() -> None:
    # In a process of its own: it puts an empty module in the place of the node's native one.
    command = [sys.executable, str(ROOT / "tools" / "settings_doc.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_setting_is_there_with_its_default_limits_unit_and_meaning() -> None:
    lines = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    for name, default, kind, limits, unit, meaning in FIELDS:
        (line,) = [one for one in lines if one.startswith(f"| `{name}` | ")]
        shown = default if isinstance(default, str) else json.dumps(default)
        _, _, told_default, allowed, told_unit, told_meaning, _ = line.split("|")
        assert told_default.strip() == f"`{shown}`"
        assert (told_unit.strip(), told_meaning.strip()) == (unit, meaning)
        assert UNITS.get(name, "") == unit
        if kind in ("int", "float"):
            assert allowed.strip().startswith(f"{limits[0]}..{limits[1]}")
