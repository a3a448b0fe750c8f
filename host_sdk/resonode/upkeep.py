"""Upkeep of a node's air sensors: self-tests, cleaning, recalibration.

    sensor = await find(node, "recalibrate")
    result = await do(node, sensor, "recalibrate", 420)   # {"corrected_ppm": -31}

What is done is in the node's records, too, as an `event` of the name serviced. docs/sensors.md says
what each sensor can do, and what it does to the readings around it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resonode.errors import CheckFailed, NodeError
from resonode.requests import UpkeepRead, UpkeepWrite

if TYPE_CHECKING:
    from resonode.node import Node

_POLL_S = 0.2


@dataclass(frozen=True)
class AirSensor:
    """An air sensor of a node: its chip, where it is, and what it can be asked to do."""

    sensor: str
    place: str
    acts: tuple[str, ...]


async def sensors(node: Node) -> list[AirSensor]:
    """Return the node's air sensors."""
    reply = await node.request(UpkeepRead())
    return [AirSensor(one["sensor"], one["place"], tuple(one["acts"])) for one in reply.sensors]


async def find(node: Node, act: str, name: str | None = None) -> AirSensor:
    """Return the sensor that can do `act`: the only one, or the one of this chip or place.

    Raises:
        NodeError: there is none, or more than one.
    """
    known = await sensors(node)
    able = [one for one in known if act in one.acts]
    fitting = [one for one in able if name in (None, one.sensor, one.place)]
    if len(fitting) == 1:
        return fitting[0]
    offered = fitting or able
    verb = act.replace("_", "-")
    raise NodeError(
        f"{'Several air sensors' if fitting else 'No air sensor'} of this node can {verb}"
        + (f" under the name {name}" if name else ""),
        why="it has "
        + (", ".join(f"{one.sensor} at {one.place}" for one in known) or "no air sensor"),
        next="Name one: --sensor " + " or ".join(one.place for one in offered)
        if offered
        else "docs/sensors.md says which can",
    )


async def do(node: Node, sensor: AirSensor, act: str, value: int | None = None) -> dict[str, Any]:
    """Let a sensor do something, wait for its end, and return what came of it.

    Raises:
        CommandError: the node refuses it; `.reason` says why.
        CheckFailed: the sensor could not do it.
    """
    await node.request(UpkeepWrite(place=sensor.place, act=act, value=value))
    while True:
        reply = await node.request(UpkeepRead())
        if reply.state != "running":
            break
        await asyncio.sleep(_POLL_S)
    if reply.state == "failed":
        raise CheckFailed(
            f"{sensor.sensor} at {sensor.place} could not do {act}",
            why=reply.why or "the node does not say why",
            next="Check its power and wiring, and try again",
        )
    return reply.result or {}
