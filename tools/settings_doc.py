#!/usr/bin/env python3
"""Write docs/settings.md and the host's table of units from firmware/: python tools/settings_doc.py

`--check` writes nothing, and fails if a file is not what it should be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# The drivers import the node's native module, and call it for samples only.
sys.modules["dsp"] = ModuleType("dsp")

from firmware import detect, limits  # noqa: E402
from firmware.config import FIELDS, defaults  # noqa: E402
from resonode import boards  # noqa: E402

_HEAD = """# Settings

<!-- Written by tools/settings_doc.py from firmware/ and boards/: edit those. -->

What a node can be told: `resonode node config get` shows it, `set`, `diff` and `apply` change it
([cli.md](cli.md)), `node commission --config FILE` begins with it. A change is taken whole or not
at all, and stays over a restart; what is refused is refused with the reason.

    resonode node config set schedule_period_s=600 axes=xyz 'envelope_bands=[[2000,4000]]'

Defaults are those of firmware/config.py; a chip or a board that begins otherwise is below.

"""
_TOGETHER = """
## What must fit together

- `envelope_axes` and `velocity_axes` are among `axes`.
- `velocity_lo_hz` is below `velocity_hi_hz`, `shaft_lo_hz` below `shaft_hi_hz`.
- `schedule_length_s` is not more than `schedule_period_s`, unless that is 0.
- `shaft_source` `estimated` needs the output `velocity` and `velocity_axes`.
- An envelope band is 100 Hz wide or wider.
- All buffers together fit into the board's memory for captures (`for captures` in
  [boards.md](boards.md)): fewer axes of envelopes and velocities, or shorter windows, take less.
"""
_CHIPS = """
## What the accelerometer changes

A node's defaults suit the chip that is fitted, and what the chip cannot do is refused
([accelerometers.md](accelerometers.md)). `envelope_bands` end at 0.45 of its rate at most,
`velocity_hi_hz` at its pass band.

"""


def settings() -> str:
    """Return docs/settings.md."""
    text = _HEAD + "| setting | default | allowed | unit | meaning |\n|---|---|---|---|---|\n"
    for name, default, kind, allowed, unit, meaning in FIELDS:
        cells = (f"`{name}`", _value(default), _allowed(kind, allowed), unit, meaning)
        text += _row(cells)
    text += _TOGETHER + _CHIPS + "".join(_chip_rows()) + "\n## What the board changes\n\n"
    return text + "".join(_board_lines())


def units() -> str:
    """Return host_sdk/resonode/setting_units.py."""
    text = '"""Units of a node\'s settings. Written by tools/settings_doc.py; do not edit."""\n\n'
    rows = "".join(f'    "{field[0]}": "{field[4]}",\n' for field in FIELDS if field[4])
    return text + "UNITS = {\n" + rows + "}\n"


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells).replace("|  |", "| |") + " |\n"


def _value(value: Any) -> str:
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _allowed(kind: str, allowed: Any) -> str:
    if kind == "choice":
        return ", ".join(_value(one) for one in allowed)
    if kind == "axes":
        return "letters of `xyz` in that order" + ("" if allowed else ", or none")
    limits = "" if allowed is None else f"{allowed[0]}..{allowed[1]}"
    return {
        "flag": "`true`, `false`",
        "int": f"{limits}, whole",
        "float": limits,
        "outputs": "some of these, or none",
        "bands": f"1 to 4 `[lower, upper]` in {limits}",
    }[kind]


def _sensors() -> Iterator[tuple[str, Any]]:
    """Yield (chip and bus, driver) of every accelerometer."""
    for name in detect.ACCELEROMETERS:
        driver = detect.driver(name)
        if driver.SPI_OPTIONS:
            yield f"{name} on SPI", driver.over_spi(None, lambda level: None, None)
        if driver.I2C_ADDRESSES:
            yield f"{name} on I2C", driver.over_i2c(None, driver.I2C_ADDRESSES[0], None)


def _chip_rows() -> Iterator[str]:
    sensors = list(_sensors())
    yield _row(["of", *(title for title, _ in sensors)])
    yield "|---|" + "---|" * len(sensors) + "\n"
    scales = [", ".join(str(one) for one in sensor.full_scales_g) for _, sensor in sensors]
    yield _row(["`full_scale_g` allowed", *scales])
    yield _row(["`watermark` allowed", *(_burst(sensor) for _, sensor in sensors)])
    began = [limits.defaults(sensor) for _, sensor in sensors]
    for name, default in defaults().items():
        if any(one[name] != default for one in began):
            yield _row([f"`{name}` default", *(_value(one[name]) for one in began)])


def _burst(sensor: Any) -> str:
    (known,) = [allowed for name, _, _, allowed, _, _ in FIELDS if name == "watermark"]
    return f"{max(known[0], sensor.watermarks[0])}..{min(known[1], sensor.watermarks[1])}"


def _board_lines() -> Iterator[str]:
    known = [boards.load(name) for name in boards.names()]
    light = [board.name + _until(board.node["sleep"]) for board in known if "sleep" in board.node]
    yield f"- `sleep` `light` is refused but on {', '.join(light)} ([power.md](power.md)).\n"
    counting = [board.name for board in known if "tachometer" in board.node]
    yield f"- `shaft_source` `tachometer` is refused but on {', '.join(counting)}. "
    yield "Records that go without a speed for 10 s are told of on the node's console.\n"
    for board in known:
        if board.node["config"]:
            told = ", ".join(f"`{name}` {_value(v)}" for name, v in board.node["config"].items())
            yield f"- {board.name} begins with {told}.\n"


def _until(sleep: dict[str, Any]) -> str:
    if "before" not in sleep:
        return ""
    return " (MicroPython before " + ".".join(str(part) for part in sleep["before"]) + ")"


FILES = {"docs/settings.md": settings, "host_sdk/resonode/setting_units.py": units}


def main(arguments: list[str]) -> int:
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, make()
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"not current: {', '.join(stale)}; run: tools/settings_doc.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
