"""resonode commission --batch"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import node_config, output
from resonode.cli.common import Json, run, settings
from resonode.cli.node import ConfigFile
from resonode.errors import Incomplete

if TYPE_CHECKING:
    from resonode.trust.batch import BatchReport, Row


def commission(
    batch: Annotated[Path, typer.Option("--batch", metavar="FILE", help="Labels as CSV.")],
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            "-p",
            metavar="URL",
            help="Where to look for nodes whose label has no url; repeatable. Without it, the USB "
            "serial ports there are.",
        ),
    ] = None,
    config: ConfigFile = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, max=64, help="So many at a time.")
    ] = 8,
    as_json: Json = False,
) -> None:
    """Commission the nodes of a list of labels. Run again, it goes on where it was ended."""
    from resonode.trust.batch import commission_batch
    from resonode.trust.label import read_file

    labels = read_file(batch)
    wanted = node_config.read_settings(config) if config else None

    async def work(on_row: Callable[[Row], None]) -> BatchReport:
        from resonode.node import discover

        ports = port or [one.url for one in await discover()]
        return await commission_batch(
            labels, ports=ports, config=wanted, at_once=at_once, on_row=on_row
        )

    with _progress(len(labels)) as on_row:
        report = run(work(on_row))
    _report(report, as_json)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Row], None]]:
    """Show a bar on a terminal's stderr, else a line for each node."""
    if settings.quiet or not sys.stderr.isatty():
        count = 0

        def tell(row: Row) -> None:
            nonlocal count
            count += 1
            why = f": {row.error}" if row.error else ""
            output.say(f"{count}/{total} {row.label.node} {row.state}{why}")

        yield tell
        return
    from rich.progress import Progress

    with Progress(console=output.console(stderr=True), transient=True) as bar:
        task = bar.add_task("Commissioning", total=total)
        yield lambda _row: bar.update(task, advance=1)


def _report(report: BatchReport, as_json: bool) -> None:
    from resonode.trust.batch import BEFORE, DONE, FAILED

    facts: dict[str, Any] = {
        "nodes": len(report.rows),
        **{state: report.count(state) for state in (DONE, BEFORE, FAILED)},
        "seconds": report.seconds,
        "p50_s": report.percentile_s(50),
        "p95_s": report.percentile_s(95),
    }
    failures = [row for row in report.rows if row.error is not None]
    if as_json:
        rows = [
            {
                "node": row.label.node,
                "state": row.state,
                "seconds": row.seconds,
                "error": str(row.error) if row.error else None,
            }
            for row in report.rows
        ]
        output.print_json(facts | {"rows": rows})
    else:
        output.table(("", ""), facts.items())
        if failures:
            rows_of = [(row.label.node, row.label.url, str(row.error)) for row in failures]
            output.table(("failed", "url", "why"), rows_of, whole=True)
    if failures:
        raise Incomplete(
            f"{len(failures)} of {len(report.rows)} nodes are not commissioned",
            why=str(failures[0].error),
            next="Mend what the list names and run the same command again",
        )
