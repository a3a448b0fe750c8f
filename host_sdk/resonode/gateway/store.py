"""Records in SQLite: the exact bytes of each, and decoded columns beside them.

Table `record` holds one row per (node, seq) with the bytes. One table per record type, named
like it, holds its numbers and texts; columns come from `resonode_wire.fields`, arrays stay in
the bytes. A record of a type this version does not know is kept as bytes only.

WAL lets others read while a gateway writes; synchronous=FULL means that what is committed, and
therefore acknowledged to the node, survives a power cut.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from resonode import files
from resonode.errors import StoreError, StoreFull
from resonode.gateway.holes import LOST_OR_UNUSED, MISSING, DeclaredLoss, Gap, Hole, holes
from resonode.records import Loss, Record, decode
from resonode_wire.fields import KIND_OF, RECORDS, TYPE_OF

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x5245534F  # "RESO", so that `file` and we know our databases
_BUSY_S = 10.0
# SQLite writes beside damage without a word, and every later query fails. Measured, from memory:
# 0.2 GB/s of short records, 2 GB/s of spectra.
_CHECK_S = 10.0
_STEPS_BETWEEN_LOOKS = 10000
_SQL_TYPES = {"uint": "INTEGER", "f32": "REAL", "text": "TEXT", "texts": "TEXT"}

_RECORD_TABLE = """
CREATE TABLE IF NOT EXISTS record (
    node TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    type INTEGER NOT NULL,
    t_us INTEGER NOT NULL,
    cause INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node, seq)
)"""
_TYPE_INDEX = "CREATE INDEX IF NOT EXISTS record_type ON record (type, node, seq)"
_INSERT = "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def _columns(required: tuple[str, ...], optional: tuple[str, ...]) -> list[str]:
    # A boot record's `node` is the row's own.
    names = required + optional
    return [name for name in names if KIND_OF[name] in _SQL_TYPES and name != "node"]


# record type name -> columns of its table after (node, seq)
COLUMNS: dict[str, list[str]] = {
    name: _columns(required, optional) for _number, name, required, optional in RECORDS
}
_NAME_OF = {number: name for number, name, _required, _optional in RECORDS}


@dataclass(frozen=True)
class StoredRecord:
    """A record as the store keeps it. `received_us`: host clock, µs since 1970 UTC."""

    node: str
    received_us: int
    record: Record


@dataclass
class Added:
    """What `Store.add` did."""

    stored: int = 0
    duplicates: int = 0
    conflicts: list[tuple[str, int]] = field(default_factory=list)
    """(node, seq) that came with other bytes than those stored; the first ones were kept."""


class Store:
    """A database of records.

    Args:
        path: the file; made if absent, unless `readonly`. Its folder must be there.

    One that is opened for writing is checked for damage first, for 10 s at most.

    Raises:
        StoreError: it cannot be opened, is no such database, or is damaged.
        StoreFull: no room left on its disk.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        if readonly and not self.path.exists():
            raise StoreError(
                f"There is no database {self.path}",
                next="Name one with --db, or fill it with: resonode gateway run",
            )
        if self.path.is_dir():
            raise StoreError(
                f"{self.path} is a folder", next="Name a file in it with --db, records.db perhaps"
            )
        if not self.path.parent.is_dir():
            raise StoreError(
                f"There is no folder {self.path.parent}", next="Make it, or choose another"
            )
        with self._clear_errors():
            if readonly and not self.path.stat().st_size:
                raise StoreError(
                    f"The database {self.path} is empty",
                    why="it has 0 bytes",
                    next="Fill it with: resonode gateway run, or name another file with --db",
                )
            try:
                self._open(readonly)
            except sqlite3.OperationalError:
                # Where nothing can be written, SQLite cannot make the files that readers share.
                # Without a log nobody writes either, and they are not needed.
                if not readonly or self.path.with_name(f"{self.path.name}-wal").exists():
                    raise
                self._open(readonly, "&immutable=1")

    def _open(self, readonly: bool, how: str = "") -> None:
        self._db = self._connect(readonly, how)
        try:
            self._prepare(readonly)
        except BaseException:
            self._db.close()
            raise

    def _connect(self, readonly: bool, how: str) -> sqlite3.Connection:
        if readonly:
            return sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode=ro{how}",
                uri=True,
                timeout=_BUSY_S,
                check_same_thread=False,
            )
        return sqlite3.connect(self.path, timeout=_BUSY_S, check_same_thread=False)

    def _prepare(self, readonly: bool) -> None:
        version = self._pragma("user_version")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} is of database version {version}",
                why=f"this version of resonode knows versions up to {SCHEMA_VERSION}",
                next="Use a newer resonode",
            )
        tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if self._pragma("application_id") != _APPLICATION_ID and (tables or readonly):
            raise StoreError(
                f"{self.path} is a database of another program",
                why="it has not the mark of ours",
                next="Name another file with --db",
            )
        if readonly:
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._check()
        if version < SCHEMA_VERSION or self._lacks_columns():
            self._make_tables()

    def _check(self) -> None:
        """Refuse a damaged database, as far as `_CHECK_S` goes: what is stored is acknowledged."""
        end_s = time.monotonic() + _CHECK_S
        self._db.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS_BETWEEN_LOOKS)
        try:
            found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            logger.warning(
                "%s is too large to be checked for damage in %g s; no damage was found so far",
                *(self.path, _CHECK_S),
            )
            return
        finally:
            self._db.set_progress_handler(None, 0)
        if found != "ok":
            raise self._damaged(" ".join(found.split()))

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _lacks_columns(self) -> bool:
        return any(set(columns) - self._present(name) for name, columns in COLUMNS.items())

    def _present(self, table: str) -> set[str]:
        return {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}

    def _make_tables(self) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(_RECORD_TABLE)
            self._db.execute(_TYPE_INDEX)
            for name, columns in COLUMNS.items():
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} (node TEXT NOT NULL, "
                    "seq INTEGER NOT NULL, PRIMARY KEY (node, seq)) WITHOUT ROWID"
                )
                present = self._present(name)
                for column in columns:  # a newer wire has more of them
                    if column not in present:
                        kind = _SQL_TYPES[KIND_OF[column]]
                        self._db.execute(f"ALTER TABLE {name} ADD COLUMN {column} {kind}")
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explain(error) from error
        except OSError as error:  # it cannot be looked at
            raise StoreError(
                f"The database {self.path} cannot be opened",
                why=files.plain(error),
                next="Check that the folder exists and that you may write there",
            ) from error

    def _explain(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        # A full disk also shows as an I/O error, when the shared index of the log cannot grow.
        if primary == sqlite3.SQLITE_FULL or (
            primary == sqlite3.SQLITE_IOERR and self._disk_is_full()
        ):
            return StoreFull(
                f"The disk of {self.path} is full",
                why="nothing of the last batch was stored; everything before it is intact",
                next="Make room and start again: the nodes still hold what is missing",
            )
        if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return self._damaged(str(error))
        if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return StoreError(
                f"The database {self.path} cannot be opened",
                why=str(error),
                next="Check that the folder exists and that you may write there",
            )
        return StoreError(
            f"The database {self.path} fails",
            why=str(error),
            next="Try again; if it stays so, copy the file and its -wal away, and check the disk",
        )

    def _damaged(self, why: str) -> StoreError:
        return StoreError(
            f"{self.path} is damaged or no SQLite database",
            why=why,
            next="Move it away with its -wal, or name another file with --db; `sqlite3 FILE "
            ".recover` copies what can still be read",
        )

    def _disk_is_full(self) -> bool:
        try:
            return shutil.disk_usage(self.path.parent).free < 65536
        except OSError:
            return False

    # --- writing -----------------------------------------------------------------------------

    def add(self, batch: Iterable[tuple[str, Record]], received_us: int | None = None) -> Added:
        """Store (node, record) pairs in one transaction: all of them are durable, or none.

        A (node, seq) already stored is left as it is.

        Raises:
            StoreFull: no room; nothing of this batch was stored, all earlier ones are intact.
            StoreError: any other failure of the database.
        """
        if received_us is None:
            received_us = time.time_ns() // 1000
        added = Added()
        with self._lock, self._clear_errors(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for node, record in batch:
                self._add(node, record, received_us, added)
        for node, seq in added.conflicts:
            logger.error("%s: record %d came again with other bytes; the first was kept", node, seq)
        return added

    def _add(self, node: str, record: Record, received_us: int, added: Added) -> None:
        number = TYPE_OF.get(record.name, getattr(record, "type", 0))
        common = (node, record.seq, record.epoch, number, record.t_us, record.cause)
        if self._db.execute(_INSERT, (*common, received_us, record.raw)).rowcount == 0:
            if self.raw(node, record.seq) == record.raw:
                added.duplicates += 1
            else:
                added.conflicts.append((node, record.seq))
            return
        added.stored += 1
        columns = COLUMNS.get(record.name)
        if columns is None:
            return
        marks = ", ".join("?" * (len(columns) + 2))
        values = [_sql(getattr(record, column)) for column in columns]
        self._db.execute(
            f"INSERT INTO {record.name} (node, seq, {', '.join(columns)}) VALUES ({marks})",
            (node, record.seq, *values),
        )

    # --- reading -----------------------------------------------------------------------------

    def raw(self, node: str, seq: int) -> bytes | None:
        """Return the exact bytes of a record, None if it is not stored."""
        row = self._db.execute(
            "SELECT bytes FROM record WHERE node = ? AND seq = ?", (node, seq)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def last_seq(self, node: str) -> int | None:
        """Return the highest `seq` stored of `node`, None if there is none."""
        with self._lock, self._clear_errors():
            row = self._db.execute("SELECT max(seq) FROM record WHERE node = ?", (node,)).fetchone()
        return None if row[0] is None else int(row[0])

    def last(self, node: str) -> Record | None:
        """Return the record of `node` with the highest `seq`, None if there is none."""
        with self._lock, self._clear_errors():
            row = self._db.execute(
                "SELECT bytes FROM record WHERE node = ? ORDER BY seq DESC LIMIT 1", (node,)
            ).fetchone()
        return None if row is None else decode(bytes(row[0]))

    def holes(self, node: str | None = None) -> list[Hole]:
        """Return what is missing, of one node or of all, in the order in which it showed."""
        return holes(self._gaps(node), list(self._losses(node)))

    def _gaps(self, node: str | None) -> Iterator[Gap]:
        """Yield what lies before each node's first record, and between two of its records."""
        where, values = ("", ()) if node is None else (" WHERE node = ?", (node,))
        sql = (
            "SELECT * FROM (SELECT node, rowid, seq, epoch, lag(seq) OVER w AS seq0, lag(epoch) "
            f"OVER w AS epoch0 FROM record{where} WINDOW w AS (PARTITION BY node ORDER BY seq)) "
            "WHERE seq0 IS NULL OR seq > seq0 + 1 ORDER BY node, seq"
        )
        with self._lock, self._clear_errors():
            rows = self._db.execute(sql, values).fetchall()
        for name, arrival, seq, epoch, seq0, epoch0 in rows:
            if seq0 is None:
                yield Gap(name, arrival, 0, seq, "")
            else:
                kind = LOST_OR_UNUSED if epoch > epoch0 else MISSING
                yield Gap(name, arrival, seq0 + 1, seq, kind)

    def _losses(self, node: str | None) -> Iterator[DeclaredLoss]:
        where, values = ("", ()) if node is None else (" AND node = ?", (node,))
        sql = f"SELECT node, rowid, bytes FROM record WHERE type = ?{where}"
        with self._lock, self._clear_errors():
            rows = self._db.execute(sql, (TYPE_OF["loss"], *values)).fetchall()
        for name, arrival, raw in rows:
            record = decode(bytes(raw))
            if isinstance(record, Loss):
                yield DeclaredLoss(name, arrival, record)

    def nodes(self) -> list[str]:
        """Return the ids of the nodes that anything is stored of."""
        with self._lock, self._clear_errors():
            rows = self._db.execute("SELECT DISTINCT node FROM record ORDER BY node").fetchall()
        return [row[0] for row in rows]

    def count(self, node: str | None = None) -> int:
        """Return how many records are stored, of `node` or of all."""
        where, values = ("", ()) if node is None else (" WHERE node = ?", (node,))
        with self._lock, self._clear_errors():
            row = self._db.execute(f"SELECT count(*) FROM record{where}", values).fetchone()
        return int(row[0])

    def overview(self) -> list[dict[str, Any]]:
        """Return one row per node and record type: how many, from and to which seq and time."""
        with self._lock, self._clear_errors():
            rows = self._db.execute(
                "SELECT node, type, count(*), min(seq), max(seq), min(received_us), "
                "max(received_us) FROM record GROUP BY node, type ORDER BY node, type"
            ).fetchall()
        names = ("node", "type", "count", "first_seq", "last_seq", "first_us", "last_us")
        result = [dict(zip(names, row, strict=True)) for row in rows]
        for row in result:
            row["type"] = _NAME_OF.get(row["type"], f"type_{row['type']}")
        return result

    def query(
        self,
        type_name: str | None = None,
        *,
        node: str | None = None,
        axis: int | None = None,
        since_seq: int | None = None,
        limit: int | None = None,
        arrival: bool = False,
        **equal: float,
    ) -> Iterator[StoredRecord]:
        """Yield stored records by node and rising `seq`, or in the order they came.

        Args:
            axis: 0 x, 1 y, 2 z; only for types that have one.
            since_seq: only records with this or a higher `seq`.
            limit: at most so many; the first ones, but the last that came if `arrival`.
            arrival: in the order they came, whichever node they are of.
            equal: columns of the type's table that must have a value, e.g. band_lo_hz=2000.

        Raises:
            StoreError: no such type or column, or the database fails.
        """
        sql, values = _select(type_name, node, axis, since_seq, equal)
        values.append(-1 if limit is None else limit)
        if arrival:
            # Rows are numbered as they come: a host's clock may be set back.
            sql = f"SELECT * FROM ({sql} ORDER BY r.rowid DESC LIMIT ?) ORDER BY arrival"
        else:
            sql += " ORDER BY r.node, r.seq LIMIT ?"
        with self._clear_errors():
            for found_node, received_us, raw, _arrival in self._db.execute(sql, values):
                yield StoredRecord(found_node, received_us, decode(bytes(raw)))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _sql(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, tuple) else value


def _select(
    type_name: str | None,
    node: str | None,
    axis: int | None,
    since_seq: int | None,
    equal: dict[str, float],
) -> tuple[str, list[Any]]:
    if axis is not None:
        equal = {**equal, "axis": axis}
    sql = "SELECT r.node, r.received_us, r.bytes, r.rowid AS arrival FROM record r"
    conditions: list[str] = []
    values: list[Any] = []
    if type_name is not None:
        if type_name not in TYPE_OF:
            raise StoreError(
                f"There is no record type {type_name}", next=f"Known: {', '.join(TYPE_OF)}"
            )
        conditions.append("r.type = ?")
        values.append(TYPE_OF[type_name])
    known = COLUMNS.get(type_name or "", [])
    for column in equal:
        if column not in known:
            raise StoreError(
                f"Records of type {type_name or 'any'} have no column {column}",
                next=f"They have: {', '.join(known) or 'none; name a type'}",
            )
    if equal:
        sql += f" JOIN {type_name} t ON t.node = r.node AND t.seq = r.seq"
        conditions += [f"t.{column} = ?" for column in equal]
        values += equal.values()
    if node is not None:
        conditions.append("r.node = ?")
        values.append(node)
    if since_seq is not None:
        conditions.append("r.seq >= ?")
        values.append(since_seq)
    return sql + (" WHERE " + " AND ".join(conditions) if conditions else ""), values
