"""resonode doctor"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, only_port, run
from resonode.cli.deploy import Source
from resonode.errors import Incomplete


def doctor(
    board: Annotated[
        str | None,
        typer.Argument(metavar="[BOARD]", help="Which board it should be; else as it says itself."),
    ] = None,
    port: Port = None,
    source: Source = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=0.05, metavar="S", help="Longest wait for a prompt, s."),
    ] = 5.0,
    as_json: Json = False,
) -> None:
    """Say what is on a port, what is wrong, and how to mend it."""
    from resonode import boards
    from resonode.doctor import examine

    url = port or run(only_port())
    wanted = boards.load(board) if board else None
    found = list(
        examine(
            url,
            wanted,
            source=source,
            timeout_s=timeout,
            on_wait=lambda: output.say("Waiting for the prompt: press the board's reset button."),
        )
    )
    if as_json:
        output.print_json({"findings": [asdict(one) | {"good": one.good} for one in found]})
    else:
        rows = [("good" if one.good else "BAD", one.text, one.mend) for one in found]
        output.table(("", "what is so", "the mend"), rows, whole=True)
    bad = [one for one in found if not one.good]
    if bad:
        raise Incomplete(f"{len(bad)} of {len(found)} things want mending", next=bad[0].mend)
