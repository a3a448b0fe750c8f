"""Where the firmware's instructions go, by Python function: what the build `profile` counts.

The table is boards/QEMU_M4F/micropython/profile.c's. A function's own instructions include what it
calls in C (the interpreter, the DSP core); collections are an entry of their own.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ADDRESS = 0x21F00000  # of the table, as the port's Makefile says
_ENTRIES = 4096
_ENTRY = struct.Struct("<IIIIQQ56s")
TABLE_BYTES = _ENTRIES * _ENTRY.size


class Cost(NamedTuple):
    """Of one function: calls (or steps, if a task), bytes from the heap, and CPU clocks: in the
    function itself, with what it calls, and of the longest call since power-on."""

    calls: int
    bytes: int
    own: int
    all: int
    most: int


NOTHING = Cost(0, 0, 0, 0, 0)


def read_table(table: bytes) -> dict[str, Cost]:
    """Return the costs by "file function"."""
    found: dict[str, Cost] = {}
    for code, calls, size, most, own, in_all, name in _ENTRY.iter_unpack(table):
        if code:
            text = name.split(b"\0")[0].decode()
            before = found.get(text, NOTHING)  # functions of one name, of two classes
            found[text] = Cost(
                before.calls + calls,
                before.bytes + size,
                before.own + own,
                before.all + in_all,
                max(before.most, most),
            )
    return found


def report(before: bytes, after: bytes, instructions_a_clock: float, windows: float) -> str:
    """Return a table of what came between, per window, the costliest first."""
    first, last = read_table(before), read_table(after)
    per = instructions_a_clock / windows
    rows = []
    for name, cost in last.items():
        was = first.get(name, NOTHING)
        calls, size, own, in_all, _ = (now - then for now, then in zip(cost, was, strict=True))
        most = cost.most * instructions_a_clock
        rows.append((own * per, in_all * per, calls / windows, size / windows, most, name))
    rows.sort(reverse=True)
    rows.append((sum(row[0] for row in rows), 0, 0, sum(row[3] for row in rows), 0, "everything"))
    lines = [f"{'own':>10}{'all':>10}{'calls':>8}{'bytes':>8}  per window{'longest':>9}"]
    lines += [
        f"{own:10.0f}{in_all:10.0f}{calls:8.2f}{size:8.0f}{most:21.0f}  {name}"
        for own, in_all, calls, size, most, name in rows
    ]
    return "\n".join(lines)
