"""resonode capture"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, Timeout, Yes, may_write, with_node

if TYPE_CHECKING:
    from resonode.capture import Capture


def capture(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Where to: .wav, .csv, .npz, or .uff (universal file 58)."
        ),
    ],
    samples: Annotated[
        int, typer.Option("--samples", "-n", min=1, help="Samples per axis.")
    ] = 16384,
    axes: Annotated[str, typer.Option("--axes", help="Axes, e.g. z or xyz.")] = "z",
    form: Annotated[
        str | None, typer.Option("--format", help="wav, csv, npz or uff, whatever the suffix.")
    ] = None,
    port: Port = None,
    timeout: Timeout = 5.0,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take raw samples from a node and write them to a file."""
    from resonode.export import writer_for

    if not axes or set(axes) - set("xyz") or len(set(axes)) != len(axes):
        raise typer.BadParameter(f"'{axes}' is no set of x, y and z", param_hint="--axes")
    write = writer_for(path, form)
    may_write(path, yes)
    taken = with_node(port, timeout, lambda node: node.capture(samples, axes))
    write(taken, path)
    _report(taken, path, as_json, wav=(form or path.suffix.lstrip(".")).lower() == "wav")


def _report(taken: Capture, path: Path, as_json: bool, *, wav: bool) -> None:
    deviation = taken.accel_m_s2 - taken.accel_m_s2.mean(axis=0)
    report = {
        "file": str(path),
        "node": taken.node,
        "samples": len(taken.samples),
        "axes": "".join(taken.axes),
        "rate_hz": taken.rate_hz,
        "duration_s": len(taken.samples) / taken.rate_hz,
        "scale_m_s2": taken.scale_m_s2,
        "capture": taken.capture,
        "start_sample": taken.start_sample,
        "rms_m_s2": dict(
            zip(taken.axes, ((deviation**2).mean(axis=0) ** 0.5).tolist(), strict=True)
        ),
    }
    if wav:
        report["wav_rate_hz"] = round(taken.rate_hz)
    if as_json:
        output.print_json(report)
        return
    report["rms_m_s2"] = [f"{axis} {value:.6g}" for axis, value in report["rms_m_s2"].items()]  # type: ignore[attr-defined]
    report["rate_hz"] = f"{taken.rate_hz:.4f}"
    output.table(("", ""), report.items())
    if wav:
        output.say(
            f"A WAV file's rate is a whole number: it says {report['wav_rate_hz']} Hz, "
            f"the node measured {taken.rate_hz:.4f} Hz."
        )
