"""resonode node energy"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json
from resonode.cli.node_config import read_settings

# What is to be said of a kind of pause that is chosen, or is not.
_REMARK = {
    ("light_sleep", False): " (sleep=light)",
    ("deep_sleep", False): " (not offered: records are in RAM)",
}


def energy(
    board: Annotated[str, typer.Option("--board", help="Name of the board: docs/boards.md.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings as TOML, of node config get."),
    ] = None,
    battery_mah: Annotated[
        float | None,
        typer.Option("--battery-mah", min=1, metavar="MAH", help="Capacity of its battery."),
    ] = None,
    sensor: Annotated[
        list[str] | None,
        typer.Option("--sensor", metavar="CHIP", help="What is on the board; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate what a schedule draws, and how long a battery lasts."""
    from resonode import boards
    from resonode.energy import USABLE, currents, estimate, fitted, remarks, sleeps

    data = boards.load(board)
    chips = sensor or fitted(data)
    settings = read_settings(config) if config else {}
    found = estimate(data, settings, battery_mah, chips)
    remarked = remarks(data, settings)
    for remark in remarked:
        output.say(f"Warning: {remark}")
    if as_json:
        output.print_json(
            {
                "board": data.name,
                "sensors": chips,
                "remarks": remarked,
                "estimates": [asdict(one) for one in found],
                "currents": [asdict(one) for one in currents(data, chips)],
            }
        )
        return
    headings = ["pause", "measuring", "average mA", "mWh a day", "battery, days"]
    rows = [
        (
            one.pause.replace("_", " ") + _REMARK.get((one.pause, one.used), ""),
            f"{one.duty:.2%}",
            one.average_ma,
            one.energy_mwh_per_day,
            one.battery_days,
        )
        for one in found
    ]
    output.table(headings, rows)
    taken = [
        (one.part, one.state.replace("_", " "), one.ma, one.source) for one in currents(data, chips)
    ]
    output.table(["of", "state", "mA", "says who"], taken)
    output.say(
        "Published figures; none was measured. Without radio, regulators, lights and USB bridges. "
        f"Of a battery, {USABLE:.0%} is counted. With these settings its pauses are "
        f"{'light sleep' if sleeps(data, settings) else 'idle'}."
    )
