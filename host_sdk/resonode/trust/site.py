"""The site file: which nodes there are, where they are, and by which keys they are known.

TOML, one [[node]] each, in the order they came. People may edit it: keys of their own are kept,
comments are not. A damaged file is an error that names its line, and is never written over.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from resonode import files
from resonode.errors import NodeError, StoreError
from resonode.trust import home_folder

_VERSION = 1
COMMISSIONED, REVOKED, RELEASED = STATES = ("commissioned", "revoked", "released")
# Names that are hexadecimal, and of how many bytes.
_HEX = {"fingerprint": 16, "signing_key": 32}


@dataclass(frozen=True)
class NodeEntry:
    """A node of the site. Keys and fingerprints are hexadecimal; "" is not known."""

    id: str
    name: str = ""
    location: str = ""
    machine: str = ""
    bearing: str | dict[str, Any] = ""
    """A designation, e.g. 6205, or its geometry."""
    firmware: str = ""
    fingerprint: str = ""
    signing_key: str = ""
    generation: int = 0
    """Of the newest static key seen: older ones are refused."""
    epoch: int = 0
    url: str = ""
    """Where it was last seen."""
    commissioned_by: str = ""
    commissioned_at: str = ""
    """RFC 3339, UTC."""
    state: str = COMMISSIONED
    notes: dict[str, Any] = field(default_factory=dict)
    """What else the file says of the node: a user's own keys."""


NAMES = tuple(one.name for one in fields(NodeEntry) if one.name != "notes")


class Site:
    """A site file. Made by `Site.open`. For threads, and for several processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mutex = threading.Lock()
        self._seen: tuple[int, int, int] | None = None  # the file that was read
        self._nodes: dict[str, dict[str, Any]] = {}
        self._other: dict[str, Any] = {"version": _VERSION}

    @classmethod
    def open(cls, path: Path | None = None, *, home: Path | None = None) -> Site:
        """Return the site in `path`, $RESONODE_SITE, or site.toml in `home`.

        Raises:
            StoreError: the file is damaged; the text names its line and the cause.
        """
        named = os.environ.get("RESONODE_SITE")
        site = cls(path or (Path(named) if named else home_folder(home) / "site.toml"))
        site.nodes()
        return site

    # -- reading

    def nodes(self) -> list[NodeEntry]:
        """Return all nodes, in the order they came."""
        with self._mutex:
            self._refresh()
            return [_entry(one) for one in self._nodes.values()]

    def find(self, id_or_name: str) -> NodeEntry | None:
        """Return the node with this id or, if there is one only, this name; None if there is none.

        Raises:
            NodeError: several nodes have this name.
        """
        everyone = self.nodes()
        named = [one for one in everyone if one.id == id_or_name]
        named = named or [one for one in everyone if one.name and one.name == id_or_name]
        if len(named) > 1:
            raise NodeError(
                f"Which {id_or_name}?",
                why=f"{len(named)} nodes have this name: {', '.join(one.id for one in named)}",
                next="Name the node by its id",
            )
        return named[0] if named else None

    def node(self, id_or_name: str) -> NodeEntry:
        """Return the node with this id or name.

        Raises:
            NodeError: there is none, or there are several.
        """
        found = self.find(id_or_name)
        if found is None:
            raise NodeError(
                f"The site has no node {id_or_name}",
                why=f"{self.path} does not name it",
                next="See which there are with: resonode site list",
            )
        return found

    def by_fingerprint(self, fingerprint: bytes) -> NodeEntry | None:
        """Return the node with this fingerprint, 16 bytes; None if there is none."""
        wanted = bytes(fingerprint).hex()
        return next((one for one in self.nodes() if one.fingerprint == wanted), None)

    def export(self, form: str) -> str:
        """Return all nodes as a text: json or csv."""
        everyone = self.nodes()
        if form == "json":
            rows = [_table(one) for one in everyone]
            return json.dumps({"version": _VERSION, "nodes": rows}, indent=2, default=str) + "\n"
        if form == "csv":
            return _csv(everyone)
        raise NodeError(f"A site is not exported as {form}", next="Choose json or csv")

    # -- writing

    def put(self, *entries: NodeEntry) -> None:
        """Add nodes, or replace those with the same id; all of them or none are in the file.

        What others wrote meanwhile, and keys of a user's own, stay.

        Raises:
            StoreError: the file is damaged, or cannot be written.
        """
        for entry in entries:
            _check(_table(entry), "what is to be written")
        with self._mutex, files.locked(self.path):
            self._refresh()
            nodes = dict(self._nodes)
            for entry in entries:
                known = nodes.get(entry.id, {})
                kept = {name: value for name, value in known.items() if name not in NAMES}
                nodes[entry.id] = _table(entry) | kept | entry.notes
            self._write(nodes)

    def _write(self, nodes: dict[str, dict[str, Any]]) -> None:
        import tomli_w

        text = tomli_w.dumps(self._other | {"node": list(nodes.values())})
        files.replace(self.path, text.encode())
        self._nodes = nodes
        self._seen = _stamp(self.path)

    def _refresh(self) -> None:
        """Read the file, unless it is the one we know. Every change makes a new file."""
        stamp = _stamp(self.path)
        if stamp is not None and stamp == self._seen:
            return
        content = files.read(self.path)
        self._other, self._nodes = _parse(content or b"", self.path)
        self._seen = stamp


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _entry(table: dict[str, Any]) -> NodeEntry:
    notes = {name: value for name, value in table.items() if name not in NAMES}
    known = {name: value for name, value in table.items() if name in NAMES}
    return NodeEntry(**known, notes=notes)


def _table(entry: NodeEntry) -> dict[str, Any]:
    """Return an entry as the file has it: what is not known is left out."""
    values = {name: getattr(entry, name) for name in NAMES}
    known = {name: value for name, value in values.items() if value not in ("", {})}
    return known | entry.notes


def _csv(everyone: list[NodeEntry]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    for one in everyone:
        values = [getattr(one, name) for name in NAMES]
        writer.writerow([json.dumps(v) if isinstance(v, dict) else v for v in values])
    return out.getvalue()


# -- what a file must be


def _parse(content: bytes, path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return (top-level keys, node id -> its table). Raises StoreError."""
    try:
        text = content.decode()
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if document.setdefault("version", _VERSION) != _VERSION:
        raise _damaged(path, f"it is of version {document['version']}, this program has {_VERSION}")
    tables = document.pop("node", [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise _damaged(path, "node is no array of tables: write [[node]] above each")
    nodes: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(tables):
        try:
            _check(table, "it")
            if table["id"] in nodes:
                raise _Wrong("id", f"{table['id']} is there twice")
        except _Wrong as error:
            line = _line_of(text, number, error.key)
            raise _damaged(path, f"{error} (at line {line})") from None
        nodes[table["id"]] = table
    return document, nodes


class _Wrong(NodeError):
    """A value of a node is wrong."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}", next="Change it")
        self.key = key

    def __str__(self) -> str:
        return self.what


def _check(table: dict[str, Any], whose: str) -> None:
    """Raise _Wrong for the first value that is."""
    if not isinstance(table.get("id"), str) or not table["id"]:
        raise _Wrong("id", "a node needs one, a text")
    for one in fields(NodeEntry):
        if one.name in table and one.name != "notes":
            _check_value(one.name, table[one.name])


def _check_value(name: str, value: Any) -> None:
    if name in ("generation", "epoch"):
        if type(value) is not int or value < 0:
            raise _Wrong(name, f"{value!r} is no number from 0 up")
    elif name == "bearing":
        if not isinstance(value, str | dict):
            raise _Wrong(name, f"{value!r} is neither a designation nor a table")
    elif not isinstance(value, str):
        raise _Wrong(name, f"{value!r} is no text: write it in quotes")
    elif name in _HEX and not re.fullmatch(f"[0-9a-f]{{{2 * _HEX[name]}}}", value):
        raise _Wrong(name, f"not {2 * _HEX[name]} hexadecimal digits")
    elif name == "state" and value not in STATES:
        raise _Wrong(name, f"{value!r} is none of {', '.join(STATES)}")


def _line_of(text: str, number: int, key: str) -> int:
    """Return the line of `key` in the [[node]] of this number, or that of its heading."""
    headings = -1
    heading_line = 1
    for at, line in enumerate(_lines(text), 1):
        if re.match(r"\s*\[\[\s*\"?node\"?\s*\]\]", line):
            headings += 1
            if headings == number:
                heading_line = at
        elif headings == number and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
            return at
    return heading_line


def _lines(text: str) -> Iterator[str]:
    # Not splitlines(): it also splits at characters that end no line of TOML.
    yield from text.split("\n")


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"The site file {path} is damaged",
        why=why,
        next="Mend that line, or put a copy back; nothing was written",
    )
