"""resonode stream"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from resonode.cli import output
from resonode.cli.common import JsonLines, Port, Timeout, with_node

if TYPE_CHECKING:
    from resonode.node import Node
    from resonode.records import Record

_ROW = "{:>10}  {:<9} {:<4} {:>11}  {}"


def stream(
    port: Port = None,
    timeout: Timeout = 5.0,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only records of this type; repeatable."),
    ] = None,
    from_seq: Annotated[
        int | None, typer.Option("--from", min=0, metavar="SEQ", help="First record wanted.")
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Begin with the oldest record the node keeps.")
    ] = False,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many records.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, metavar="S", help="End after this time.")
    ] = None,
    arrays: Annotated[
        bool, typer.Option("--arrays/--no-arrays", help="Spectra and samples in the JSON, or not.")
    ] = True,
    as_lines: JsonLines = False,
) -> None:
    """Show a node's records as they come. Nothing is acknowledged: the node keeps them all."""
    from resonode.records import CLASSES

    for name in types or []:
        if name not in CLASSES:
            raise typer.BadParameter(f"no type {name}; there are {', '.join(CLASSES)}")

    async def show(node: Node) -> None:
        next_seq = (await node.info()).next
        first = from_seq if from_seq is not None or stored else next_seq
        if first is not None and first > next_seq:
            raise typer.BadParameter(
                f"record {first} is not made yet: the node's next one is {next_seq}",
                param_hint="--from",
            )
        shown = 0
        until_s = None if seconds is None else time.monotonic() + seconds
        records = node.records(from_seq=first, timeout_s=None if until_s else timeout)
        if not as_lines:
            print(_ROW.format("seq", "type", "axis", "node time/s", "content"))
        while (count is None or shown < count) and not _over(until_s):
            record = await _next(records, until_s)
            if record is None:
                break
            if not types or record.name in types:
                _print(record, as_lines, arrays)
                shown += 1
        await records.aclose()

    with_node(port, timeout, show)


def _over(until_s: float | None) -> bool:
    return until_s is not None and time.monotonic() >= until_s


async def _next(records: object, until_s: float | None) -> Record | None:
    import asyncio

    from resonode.node import RecordStream

    assert isinstance(records, RecordStream)
    try:
        async with asyncio.timeout(None if until_s is None else until_s - time.monotonic()):
            return await anext(records)
    except TimeoutError:
        return None


def _print(record: Record, as_lines: bool, arrays: bool) -> None:
    if as_lines:
        from resonode.records import to_dict

        output.print_json_line(to_dict(record, arrays=arrays))
        return
    axis = getattr(record, "axis_name", "")
    print(
        _ROW.format(
            record.seq, record.name, axis, f"{record.t_us / 1e6:.3f}", output.summary(record)
        ),
        flush=True,
    )
