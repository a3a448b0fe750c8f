"""A node's label: its id, its fingerprint and the code that commissions it.

A label is read from a scanned code (JSON), from a file, from what a person types, or from a row
of a CSV. The code is a secret until the node is claimed: whoever has seen it can claim the node.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import NodeError
from resonode_wire import security
from resonode_wire.errors import WireError

COLUMNS = ("node", "fingerprint", "code", "name", "url", "location", "machine", "bearing")
_NEEDED = COLUMNS[:3]
_VERSION = "v1"
_LONGEST = 1 << 20  # bytes of a file; a thousand labels have 100 KB


class LabelError(NodeError):
    """A label cannot be read; the text says where and why."""


@dataclass(frozen=True)
class Label:
    """What a label says, and where its node goes if that is known."""

    node: str
    fingerprint: bytes
    """16 bytes."""
    code: str
    """16 letters and digits, as security.read_code gives them."""
    name: str = ""
    url: str = ""
    location: str = ""
    machine: str = ""
    bearing: str | dict[str, Any] = ""
    """A designation or its geometry."""

    @property
    def title(self) -> str:
        """The name people see in a list of codes: the node's, or Resonode and its last four."""
        return self.name or f"Resonode {self.node[-4:]}"

    @property
    def payload(self) -> str:
        """The content of the QR code."""
        values = {
            "ver": _VERSION,
            "name": self.title,
            "pop": self.code,
            "transport": "serial",
            "id": self.node,
            "fp": self.fingerprint.hex(),
        }
        return json.dumps(values, separators=(",", ":"))

    def __repr__(self) -> str:
        # Without the code: what is printed for a developer ends in logs.
        return f"Label(node={self.node!r}, fingerprint={self.fingerprint.hex()!r})"


def typed(node: str, fingerprint: str, code: str) -> Label:
    """Return the label a person typed: any case, with spaces, hyphens or colons in between.

    Raises:
        LabelError: which of the three is wrong, and why.
    """
    return Label(read_id(node), read_fingerprint(fingerprint), read_code(code))


def read_id(text: str) -> str:
    """Return the node id that was typed. Raises LabelError."""
    node = text.strip()
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", node):
        raise _wrong("The node id", f"{node!r} is none: letters, digits and . _ - only")
    return node


def read_fingerprint(text: str) -> bytes:
    """Return the fingerprint that was typed, 16 bytes. Raises LabelError."""
    try:
        digits = bytes.fromhex(re.sub(r"[\s:-]", "", text))
    except ValueError:
        raise _wrong("The fingerprint", "it has characters beside 0-9 and a-f") from None
    if len(digits) != security.FINGERPRINT:
        raise _wrong(
            "The fingerprint",
            f"it has {2 * len(digits)} digits, and {2 * security.FINGERPRINT} are on the label",
        )
    return digits


def read_code(text: str) -> str:
    """Return the code that was typed, as Label has it. Raises LabelError."""
    try:
        return security.read_code(text)
    except WireError as error:
        raise _wrong("The code", str(error)) from None


def parse(text: str, source: str = "The label") -> Label:
    """Return the label in the text of a QR code; `source` names it in errors.

    Raises:
        LabelError: it is no label, or one this version cannot read.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(source, f"it is no JSON ({error})") from None
    if not isinstance(values, dict):
        raise _wrong(source, "it is no JSON object")
    if values.get("ver") != _VERSION:
        raise _wrong(source, f"its version is {values.get('ver')!r}, not {_VERSION!r}")
    for key in ("id", "fp", "pop"):
        if not isinstance(values.get(key), str):
            raise _wrong(source, f"it has no {key}")
    label = typed(values["id"], values["fp"], values["pop"])
    name = str(values.get("name", ""))
    return replace(label, name="" if name == label.title else name)


def read_file(path: Path) -> list[Label]:
    """Return the labels of a file: one in JSON, or any number in CSV.

    Raises:
        StoreError: the file cannot be read.
        LabelError: it is no text, or a label in it is wrong; the text says which.
    """
    data = files.read_named(path, "Name the file that resonode label wrote")
    if len(data) > _LONGEST:
        raise _wrong(str(path), f"it has {len(data)} bytes, far more than labels need")
    try:
        text = data.decode("utf-8-sig")  # spreadsheets put a mark at the beginning
    except UnicodeDecodeError as error:
        raise _wrong(str(path), f"it is no text in UTF-8 ({error.reason})") from error
    if text.lstrip().startswith("{"):
        return [parse(text, str(path))]
    return read_csv(text, str(path))


def read_csv(text: str, source: str) -> list[Label]:
    """Return the labels of a CSV. Its first line names the columns; see COLUMNS.

    Columns that we do not know, and empty lines, are passed over. Commas or semicolons separate.

    Raises:
        LabelError: a column is missing, or a row is wrong; the text names its line.
    """
    heading = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in heading else ",", strict=True)
    labels: list[Label] = []
    lines: dict[str, int] = {}
    columns: list[str] = []
    try:
        for row in reader:
            if not columns:
                columns = _columns(row, source)
            elif any(cell.strip() for cell in row):
                label = _from_row(dict(zip(columns, row, strict=False)))
                if label.node in lines:
                    raise _wrong("The node", f"{label.node} is in line {lines[label.node]} too")
                lines[label.node] = reader.line_num
                labels.append(label)
    except (LabelError, csv.Error) as error:
        why = f"{error.what}: {error.why}" if isinstance(error, LabelError) else str(error)
        raise _wrong(f"{source}, line {reader.line_num}", why) from None
    if not labels:
        raise _wrong(source, "it has no label")
    return labels


def write_csv(labels: list[Label]) -> str:
    """Return labels as the text of a CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in labels:
        bearing = json.dumps(one.bearing) if isinstance(one.bearing, dict) else one.bearing
        code = security.show_code(one.code)
        place = (one.name, one.url, one.location, one.machine, bearing)
        writer.writerow((one.node, one.fingerprint.hex(), code, *place))
    return out.getvalue()


def _columns(row: list[str], source: str) -> list[str]:
    columns = [cell.strip().lower() for cell in row]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise _wrong("The first line", f"it must name the columns, and {missing[0]} is missing")
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    if twice:
        raise _wrong("The first line", f"it names {twice[0]} twice")
    return columns


def _from_row(cells: dict[str, str]) -> Label:
    cells = {name: cell.strip() for name, cell in cells.items()}
    label = typed(*(cells.get(name, "") for name in _NEEDED))
    return replace(
        label,
        name=cells.get("name", ""),
        url=cells.get("url", ""),
        location=cells.get("location", ""),
        machine=cells.get("machine", ""),
        bearing=_bearing(cells.get("bearing", "")),
    )


def _bearing(cell: str) -> str | dict[str, Any]:
    if not cell.startswith("{"):
        return cell
    try:
        geometry: dict[str, Any] = json.loads(cell)  # begins with a brace: an object
    except (ValueError, RecursionError) as error:
        raise _wrong("The bearing", f"it is neither a designation nor JSON ({error})") from None
    return geometry


def _wrong(what: str, why: str) -> LabelError:
    return LabelError(
        f"{what} cannot be read", why=why, next="Scan or type it again, as the label has it"
    )
