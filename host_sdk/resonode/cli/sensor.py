"""resonode node sensor mount, test, calibration; list, recalibrate, clean, heat of air sensors"""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.asking import Sure, be_sure
from resonode.cli.common import Command, Group, Json, Port, Timeout, with_node
from resonode.errors import CheckFailed, NodeError

if TYPE_CHECKING:
    from resonode.mount import Mount
    from resonode.node import Node
    from resonode.requests import SelfTestReadReply

app = typer.Typer(cls=Group, no_args_is_help=True, help="Check and calibrate a node's sensors.")

_CAPTURE_SAMPLES = 1 << 16
_POLL_S = 0.1

Which = Annotated[
    str | None,
    typer.Option("--sensor", metavar="NAME", help="An air sensor, by chip or place: scd41."),
]


@app.command("mount", cls=Command)
def mount(
    port: Port = None,
    timeout: Timeout = 10.0,
    up: Annotated[
        str | None, typer.Option("--up", metavar="AXIS", help="Axis that should point up: +z, -x.")
    ] = None,
    rpm: Annotated[
        float | None, typer.Option("--rpm", min=1, help="Speed of the machine it should be on.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Is it fixed, which way is up, is it on the right machine? The machine should run."""
    from resonode.mount import check

    if up is not None and (len(up) != 2 or up[0] not in "+-" or up[1] not in "xyz"):
        raise typer.BadParameter(f"'{up}' is none of +x -x +y -y +z -z", param_hint="--up")
    taken = with_node(port, timeout, lambda node: node.capture(_CAPTURE_SAMPLES, "xyz"))
    found = check(taken, up=up, shaft_hz=rpm / 60 if rpm else None)
    _tell_mount(found, as_json)


def _tell_mount(found: Mount, as_json: bool) -> None:
    if as_json:
        facts = {name: getattr(found, name) for name in ("up", "tilt_deg", "gravity_m_s2")}
        more = {name: getattr(found, name) for name in ("level_m_s2", "shaft_hz", "problems")}
        output.print_json(facts | more)
    else:
        shaft = f"{found.shaft_hz:.2f} Hz" if found.shaft_hz else "none stands out"
        output.table(
            ("", ""),
            (
                ("up", f"{found.up}, tilted by {found.tilt_deg:.1f}°"),
                ("gravity", f"{found.gravity_m_s2:.2f} m/s²"),
                ("vibration", f"{found.level_m_s2:.3g} m/s² RMS, 10-1000 Hz"),
                ("strongest line", shaft),
            ),
        )
    if found.problems:
        raise CheckFailed(
            "The mount is not right",
            why="; ".join(found.problems),
            next="Mend that, and check again",
        )
    output.say("The mount is right, as far as one capture can tell.")


@app.command("test", cls=Command)
def self_test(
    port: Port = None, timeout: Timeout = 5.0, sensor: Which = None, as_json: Json = False
) -> None:
    """Let the accelerometer test itself while the machine stands still, or an air sensor."""
    if sensor is not None:
        _test_air_sensor(port, timeout, sensor, as_json)
        return
    result = with_node(port, timeout, _do_self_test)
    if result.state == "failed":
        raise CheckFailed(
            "The self-test could not be done",
            why=result.why or "the node does not say why",
            next="Check the sensor's power and wiring",
        )
    if as_json:
        names = ("passed", "change_g", "least_g", "most_g")
        output.print_json({name: getattr(result, name) for name in names})
    else:
        columns = ("xyz", result.change_g or (), result.least_g or (), result.most_g or ())
        output.table(("axis", "change, g", "least", "most"), zip(*columns, strict=True))
    if not result.passed:
        raise CheckFailed(
            "The self-test failed",
            why="the sensor did not answer to its own push as it should",
            next="Repeat it while the machine stands still; if it fails again, replace the sensor",
        )
    output.say("The self-test passed.")


async def _do_self_test(node: Node) -> SelfTestReadReply:
    from resonode.requests import SelfTestRead, SelfTestWrite

    await node.request(SelfTestWrite())
    while True:
        result = await node.request(SelfTestRead())
        if result.state != "running":
            return result
        await asyncio.sleep(_POLL_S)


@app.command("calibration", cls=Command)
def calibration(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="TOML with sensitivity and offset_m_s2 (x, y, z), date and certificate. "
            "Without one, show what the node uses.",
        ),
    ] = None,
    port: Port = None,
    timeout: Timeout = 5.0,
    forget: Annotated[
        bool, typer.Option("--forget", help="Use the datasheet's sensitivity again.")
    ] = False,
    yes: Sure = False,
    as_json: Json = False,
) -> None:
    """Show the sensor's calibration, or give it one. The node restarts with it."""
    from resonode.requests import CalibrationRead, CalibrationWrite

    if file is not None and forget:
        raise typer.BadParameter("say either FILE or --forget")
    record = _record(file) if file else {}

    async def show(node: Node) -> dict[str, Any]:
        return (await node.request(CalibrationRead())).calibration

    async def change(node: Node) -> dict[str, Any]:
        return (await node.request(CalibrationWrite(calibration=record))).calibration

    changes = file is not None or forget
    if changes and not yes:
        _be_sure_to_restart(port, timeout)
    facts = with_node(port, timeout, change if changes else show)
    if as_json:
        output.print_json(facts)
    else:
        output.table(("", ""), facts.items())


def _be_sure_to_restart(port: str | None, timeout: float) -> None:
    """Tell what a restart would cost, and ask, if it costs anything."""
    info = with_node(port, timeout, lambda node: node.info())
    kept = info.next - info.first
    if kept:
        be_sure(
            False,
            f"The node restarts, and forgets {kept} records that nobody has taken (resonode "
            "gateway run takes them). Go on?",
        )


def _record(file: Path) -> dict[str, Any]:
    from resonode import files

    needed = "It needs sensitivity and offset_m_s2 (three numbers each), date and certificate"
    try:
        record = tomllib.loads(files.read_named(file, needed).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NodeError(f"{file} is no calibration", why=str(error), next=needed) from error
    # A TOML date is one; the wire knows text.
    return {
        name: value if isinstance(value, list) else str(value) for name, value in record.items()
    }


# --- air sensors ---------------------------------------------------------------------------------


@app.command("list", cls=Command)
def list_air(port: Port = None, timeout: Timeout = 5.0, as_json: Json = False) -> None:
    """List the node's air sensors and what can be done to each."""
    from resonode import upkeep

    found = with_node(port, timeout, upkeep.sensors)
    if as_json:
        output.print_json({"sensors": [asdict(one) for one in found]})
        return
    rows = [(one.sensor, one.place, ", ".join(one.acts) or "-") for one in found]
    output.table(("sensor", "place", "acts"), rows)
    if not found:
        output.say("This node has no air sensor.")


@app.command("recalibrate", cls=Command)
def recalibrate(
    co2_ppm: Annotated[
        int, typer.Argument(metavar="PPM", min=400, max=2000, help="CO2 of the air it is in.")
    ],
    port: Port = None,
    timeout: Timeout = 5.0,
    sensor: Which = None,
    yes: Sure = False,
    as_json: Json = False,
) -> None:
    """Make the CO2 sensor read what is known to be there, from now on."""
    be_sure(yes, f"Is the sensor in air of {co2_ppm} ppm for 3 minutes? Its chip will keep this.")
    found = _act(port, timeout, "recalibrate", sensor, co2_ppm)
    if as_json:
        output.print_json(found)
    else:
        output.say(f"Its readings were moved by {found['corrected_ppm']:+d} ppm.")


@app.command("clean", cls=Command)
def clean(port: Port = None, timeout: Timeout = 5.0, sensor: Which = None) -> None:
    """Let the particle sensor blow the dust out of itself. Takes 10 seconds."""
    _act(port, timeout, "clean", sensor)
    output.say("The fan has cleaned itself; readings are marked until it runs steadily again.")


@app.command("heat", cls=Command)
def heat(
    port: Port = None, timeout: Timeout = 5.0, sensor: Which = None, as_json: Json = False
) -> None:
    """Dry the humidity sensor with its heater, for a second."""
    found = _act(port, timeout, "heat", sensor)
    if as_json:
        output.print_json(found)
    else:
        output.say(f"While hot it measured {found['air_temperature_c']:.1f} °C.")


def _act(
    port: str | None, timeout: float, act: str, sensor: str | None, value: int | None = None
) -> dict[str, Any]:
    from resonode import upkeep

    async def work(node: Node) -> dict[str, Any]:
        return await upkeep.do(node, await upkeep.find(node, act, sensor), act, value)

    return with_node(port, timeout, work)


def _test_air_sensor(port: str | None, timeout: float, sensor: str, as_json: bool) -> None:
    found = _act(port, timeout, "self_test", sensor)
    if as_json:
        output.print_json(found)
    else:
        output.table(("", ""), sorted(found.items()))
    if not found["passed"]:
        raise CheckFailed(
            f"The self-test of {sensor} failed",
            why=", ".join(sorted(name for name, value in found.items() if value is False)),
            next="Switch its power off and on and repeat it; if it fails again, replace the sensor",
        )
    output.say("The self-test passed.")
