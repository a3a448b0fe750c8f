"""resonode query"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import (
    Axis,
    Database,
    Json,
    JsonLines,
    NodeId,
    axis_number,
    database,
    stored_node,
)

if TYPE_CHECKING:
    from resonode.gateway.store import Store, StoredRecord


_HOLES = "holes"


def query(
    type_name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE]",
            help="boot, features, velocity, spectrum, envelope, waveform, health, loss or air; "
            "holes: what is missing, and why; without it, what the database holds.",
        ),
    ] = None,
    db: Database = None,
    node: NodeId = None,
    axis: Axis = None,
    since_seq: Annotated[
        int | None, typer.Option("--since", min=0, metavar="SEQ", help="Only this seq and later.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="The N that came last; 0 for all.")
    ] = 100,
    arrays: Annotated[
        bool, typer.Option("--arrays/--no-arrays", help="Spectra and samples in the JSON, or not.")
    ] = True,
    as_json: Json = False,
    as_lines: JsonLines = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, without arrays.")] = False,
) -> None:
    """Show records from the gateway's database in the order they came, the newest last."""
    if as_json + as_lines + as_csv > 1:
        raise typer.BadParameter("only one of --json, --jsonl and --csv")
    from resonode.gateway.store import COLUMNS, Store

    if type_name is not None and type_name not in (*COLUMNS, _HOLES):
        raise typer.BadParameter(f"no type {type_name}; there are {', '.join(COLUMNS)}, {_HOLES}")
    with Store(database(db), readonly=True) as store:
        if type_name is None:
            _overview(store, as_json, as_lines, as_csv)
            return
        node = stored_node(store, node)
        if type_name == _HOLES:
            if axis is not None or since_seq is not None:
                raise typer.BadParameter("holes are chosen by --node and --limit only")
            rows = [asdict(one) for one in store.holes(node)]
            _holes(rows[-limit:], as_json, as_lines, as_csv)
            return
        found = store.query(
            type_name,
            node=node,
            axis=axis_number(axis),
            since_seq=since_seq,
            limit=limit or None,
            arrival=True,
        )
        if as_json:
            output.print_json({"records": [_dict(one, arrays) for one in found]})
        elif as_lines:
            for one in found:
                output.print_json_line(_dict(one, arrays))
        elif as_csv:
            _csv(list(_rows(found)))
        else:
            _table(list(_rows(found)))


def _dict(one: StoredRecord, arrays: bool) -> dict[str, Any]:
    from resonode.records import to_dict

    values = to_dict(one.record, arrays=arrays)
    return {"type": values.pop("type"), "node": one.node, "received_us": one.received_us, **values}


def _rows(found: Iterator[StoredRecord]) -> Iterator[dict[str, Any]]:
    for one in found:
        row = _dict(one, False)
        row["received"] = _time(row.pop("received_us"))
        yield row


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        output.say("No such record.")
        return
    hidden = {"type", "epoch", "cause", "capture", "first_sample", "shaft_source", "encoding"}
    names = [name for name in _names(rows) if name not in hidden]
    output.table(names, [[row.get(name) for name in names] for row in rows])


def _csv(rows: list[dict[str, Any]]) -> None:
    names = _names(rows)
    out = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    out.writeheader()
    for row in rows:
        out.writerow({name: _cell(row.get(name)) for name in names})


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _names(rows: list[dict[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return list(names)


def _overview(store: Store, as_json: bool, as_lines: bool, as_csv: bool) -> None:
    rows = store.overview()
    if as_json:
        output.print_json({"database": str(store.path), "overview": rows})
    elif as_lines:
        for row in rows:
            output.print_json_line(row)
    elif as_csv:
        _csv(rows)
    else:
        for row in rows:
            row["first"], row["last"] = _time(row.pop("first_us")), _time(row.pop("last_us"))
        output.table(list(rows[0]) if rows else ["node"], [list(row.values()) for row in rows])


def _holes(rows: list[dict[str, Any]], as_json: bool, as_lines: bool, as_csv: bool) -> None:
    if as_json:
        output.print_json({"holes": rows})
    elif as_lines:
        for row in rows:
            output.print_json_line(row)
    elif as_csv:
        _csv(rows)
    elif rows:
        output.table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        output.say("No hole: every number is there, and no loss was declared.")


def _time(received_us: int) -> str:
    moment = dt.datetime.fromtimestamp(received_us / 1e6, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
