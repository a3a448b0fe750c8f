"""resonode flash"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, only_port, run, settings

BoardName = Annotated[
    str, typer.Argument(metavar="BOARD", help="Name of the board: docs/boards.md lists them.")
]


def flash(
    board: BoardName,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="MicroPython for this board.")],
    port: Port = None,
    drive: Annotated[
        Path | None,
        typer.Option("--drive", metavar="DIR", help="Where the board's drive is mounted."),
    ] = None,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Erase all first: owner, credentials, records (ESP32)."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Put MicroPython onto a board: checked, written, verified."""
    from resonode import boards
    from resonode.flash import flash as work
    from resonode.flash import read_image

    data = boards.load(board)
    read_image(data, image)  # before a port is looked for
    if port is None and data.hardware["flash"]["method"] == "esptool":
        port = run(only_port())
    with Progress() as show:
        done = work(data, image, port=port, folder=drive, erase=erase, on_progress=show)
    if as_json:
        output.print_json(asdict(done))
        return
    output.table(("", ""), asdict(done).items())
    if data.frozen:
        output.say(f"Next: resonode deploy {data.name} puts the board's own data on it.")
    else:
        output.say(f"Next: resonode deploy {data.name} puts the firmware on it.")


class Progress:
    """`with Progress() as show: show("writing", 0.5)`: a line that changes, on a terminal."""

    def __enter__(self) -> Progress:
        self._last = ""
        self._terminal = sys.stderr.isatty() and not settings.quiet
        return self

    def __call__(self, stage: str, part: float) -> None:
        line = f"{stage} {part:.0%}"
        if line != self._last and self._terminal:
            print(f"\r{line:<40}", end="", file=sys.stderr, flush=True)
        elif not self._terminal and stage != self._last.rpartition(" ")[0]:
            output.say(stage)
        self._last = line

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._last:
            print(file=sys.stderr)
