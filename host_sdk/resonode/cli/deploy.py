"""resonode deploy"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, only_port, run
from resonode.cli.flash import BoardName, Progress

Source = Annotated[
    Path | None,
    typer.Option("--source", metavar="DIR", help="A checkout; else the one this program is of."),
]


def deploy(
    board: BoardName,
    port: Port = None,
    source: Source = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=0.05, metavar="S", help="Longest wait for a prompt, s."),
    ] = 30.0,
    as_json: Json = False,
) -> None:
    """Put the firmware onto a board: what changed, verified, with a way back."""
    from resonode import boards
    from resonode.deploy import deploy as work

    data = boards.load(board)
    url = port or run(only_port())
    with Progress() as show:
        done = work(data, url, source=source, timeout_s=timeout, on_progress=show)
    if as_json:
        output.print_json(asdict(done))
        return
    output.table(("", ""), asdict(done).items())
    output.say("Next: resonode node commission, if the node is new.")
