"""resonode label"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resonode.cli import output
from resonode.cli.common import Json, Port, Timeout, Yes, may_write, only_port, run
from resonode.errors import MissingExtra, NodeError

if TYPE_CHECKING:
    from resonode.trust.label import Label


def label(
    port: Port = None,
    timeout: Timeout = 5.0,
    folder: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Where to write labels."),
    ] = Path("labels"),
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Labels that were kept: JSON or CSV."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE", help="Write sheets of labels as PDF.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Read the label of a new node, or print labels that were kept."""
    if sheet is not None:
        may_write(sheet, yes)
    if source is not None:
        from resonode.trust.label import read_file

        labels = read_file(source)
        for one in labels:
            _pictures(one, folder)
    else:
        labels = [run(_take(port, timeout, folder, yes))]
    if sheet is not None:
        from resonode import files
        from resonode.trust import label_print

        files.replace(sheet, label_print.sheet(labels), files.SECRET)
    _report(labels, folder, sheet, as_json)


async def _take(port: str | None, timeout_s: float, folder: Path, yes: bool) -> Label:
    from resonode.transport import ResonodeTransport
    from resonode.trust.acts import doing
    from resonode.trust.audit import Audit
    from resonode.trust.label_reader import take_label

    url = port or await only_port()
    audit = Audit.open()
    link = ResonodeTransport()

    def keep(found: Label) -> None:
        with doing(audit, "label", found.node, {"fingerprint": found.fingerprint.hex()}):
            _keep(found, folder, yes)

    await link.connect(url, timeout_s)
    try:
        return await take_label(link, keep, timeout_s=timeout_s)
    finally:
        await link.disconnect()


def _keep(found: Label, folder: Path, yes: bool) -> None:
    """See a label onto the disk: as a file of its own, and in the list of all."""
    from resonode import files
    from resonode.trust.label import read_file, write_csv

    path, everyone = folder / f"{found.node}.json", folder / "labels.csv"
    with files.locked(everyone):
        labels = {one.node: one for one in (read_file(everyone) if everyone.exists() else [])}
        known = labels.get(found.node)
        if known is not None and known.payload != found.payload and not yes:
            raise NodeError(
                f"{everyone} has another label of node {found.node}",
                why="its code or fingerprint is another",
                next="Choose another folder with --out, or overwrite it with --yes",
            )
        labels[found.node] = known if known and known.payload == found.payload else found
        files.replace(path, found.payload.encode() + b"\n", files.SECRET)
        files.replace(everyone, write_csv(list(labels.values())).encode(), files.SECRET)
    _pictures(found, folder)


def _pictures(one: Label, folder: Path) -> None:
    from resonode import files
    from resonode.trust import label_print

    try:
        pictures = {".svg": label_print.svg(one), ".png": label_print.png(one)}
    except MissingExtra as error:
        output.say(f"No QR code was drawn: {error}")  # the label itself is kept in any case
        return
    for suffix, data in pictures.items():
        files.replace(folder / f"{one.node}{suffix}", data, files.SECRET)


def _report(labels: list[Label], folder: Path, sheet: Path | None, as_json: bool) -> None:
    # Without the codes: what is on the screen is seen by others, and kept in logs.
    if as_json:
        rows = [{"node": one.node, "fingerprint": one.fingerprint.hex()} for one in labels]
        where = {"folder": str(folder), "sheet": str(sheet) if sheet else None}
        output.print_json({"labels": rows, **where})
        return
    output.table(("node", "fingerprint"), [(one.node, one.fingerprint.hex()) for one in labels])
    output.say(f"Labels are in {folder}" + (f", sheets in {sheet}" if sheet else "") + ".")
