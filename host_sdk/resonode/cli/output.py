"""Tables, JSON and messages: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

from resonode import files
from resonode.errors import EXIT_FAILURE, EXIT_PIPE, NodeError

if TYPE_CHECKING:
    from rich.console import Console

    from resonode.records import Air, Record

JSON_VERSION = 1


class OutputLost(NodeError):
    """Standard output takes nothing. `quiet`: whoever read it has gone, and need not be told."""

    def __init__(self, what: str, *, why: str, next: str, quiet: bool = False) -> None:
        super().__init__(what, why=why, next=next)
        self.quiet = quiet
        self.exit_code = EXIT_PIPE if quiet else EXIT_FAILURE


def console(*, stderr: bool = False) -> Console:
    """Return a console that honours pipes, and NO_COLOR in everything: bold is left out too."""
    from rich.console import Console

    # Width matters only to a terminal: a pipe gets rows that are never wrapped.
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(
        stderr=stderr,
        width=width,
        highlight=False,
        soft_wrap=width is not None,
        color_system=None if no_color() else "auto",
    )


def no_color() -> bool:
    """Tell whether the user wants plain text."""
    return bool(os.environ.get("NO_COLOR"))


class _Guarded:
    """A standard output whose failures are told apart from all others: they raise OutputLost."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _clear_errors(self._stream):
            return int(self._stream.write(text))

    def writelines(self, lines: Iterable[str]) -> None:
        with _clear_errors(self._stream):
            self._stream.writelines(lines)

    def flush(self) -> None:
        with _clear_errors(self._stream):
            self._stream.flush()


@contextmanager
def _clear_errors(stream: Any) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # What is still in the buffer would fail once more when Python ends.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        raise OutputLost(
            "The output cannot be written",
            why=files.plain(error),
            next="Make room, or send the output elsewhere",
            quiet=isinstance(error, BrokenPipeError),
        ) from error


@contextmanager
def guarded() -> Iterator[None]:
    """Let failures of standard output raise OutputLost, those of the last bytes too.

    Raises:
        OutputLost: standard output is closed or full, or nobody reads it any more.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputLost(
            "There is no standard output",
            why="it was closed",
            next="Send the output to a file or to /dev/null instead",
        )
    sys.stdout = cast(Any, _Guarded(stream))
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    finally:
        sys.stdout = stream


def fail(what: str, why: str = "", next: str = "") -> None:
    """Print an error: what happened, why, and what to do."""
    lines = [f"Error: {what}" + (f": {why}" if why else "")]
    if next:
        lines.append(f"  {next}.")
    print(visible("\n".join(lines)), file=sys.stderr)


def say(text: str) -> None:
    """Print to stderr, unless --quiet."""
    from resonode.cli.common import settings

    if not settings.quiet:
        print(visible(text), file=sys.stderr)


def visible(text: str) -> str:
    """Return a text with its control characters spelled out.

    Some of it is what a node said, before it proved who it is: it must not steer the terminal.
    """
    return "".join(
        char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text
    )


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    whole: bool = False,
    wrapped: Sequence[int] = (),
) -> None:
    """Print rows as a table; numbers to the right.

    Args:
        wrapped: columns, from 0, whose text may take several lines on a terminal.
        whole: nothing may be cut off. A row for which the terminal is too narrow is printed
            downwards.
    """
    from rich.table import Table
    from rich.text import Text

    screen = console()
    rows = [list(row) for row in rows]
    out = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column, heading in enumerate(headings):
        numeric = bool(rows) and all(
            row[column] is None or isinstance(row[column], int | float) for row in rows
        )
        justify: Literal["left", "right"] = "right" if numeric else "left"
        wrap = column in wrapped and screen.is_terminal
        out.add_column(
            heading, justify=justify, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis"
        )
    for row in rows:
        out.add_row(*(Text(text(value)) for value in row))
    needed = screen.measure(out, options=screen.options.update(width=10000))
    if whole and (needed.minimum if wrapped else needed.maximum) > screen.width:
        for row in rows:
            table(("", ""), zip(headings, map(text, row), strict=True), title=title, wrapped=(1,))
        return
    screen.print(out)


def text(value: Any) -> str:
    """Return a value as people read it: six digits are enough in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(text(one) for one in value)
    return visible(str(value))


def plain(value: Any) -> Any:
    """Return `value` with what JSON cannot say (NaN, infinity) as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def dumps(values: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Return `values` as JSON with the version of its form."""
    return json.dumps({"version": JSON_VERSION, **plain(values)}, indent=indent, allow_nan=False)


def print_json(values: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(dumps(values, indent=2))


def print_json_line(values: Mapping[str, Any]) -> None:
    """Print one JSON object on a line, at once: somebody may be waiting for it."""
    print(dumps(values), flush=True)


def summary(record: Record) -> str:
    """Return what a record says, in a few words."""
    import numpy as np

    from resonode import records as kinds

    if isinstance(record, kinds.Features):
        return (
            f"RMS {record.rms_m_s2:.4g} m/s², peak {record.peak_m_s2:.4g} m/s², "
            f"crest {record.crest:.3g}, kurtosis {record.kurtosis:.3g}"
        )
    if isinstance(record, kinds.Velocity):
        return (
            f"{record.velocity_mm_s:.4g} mm/s RMS, {record.band_lo_hz:g}-{record.band_hi_hz:g} Hz"
        )
    if isinstance(record, kinds.Spectrum):
        top = int(np.argmax(record.amplitude_m_s2[1:])) + 1
        return (
            f"{len(record.amplitude_m_s2)} bins of {record.bin_hz:.4g} Hz, highest "
            f"{record.amplitude_m_s2[top]:.4g} m/s² at {top * record.bin_hz:.1f} Hz"
        )
    if isinstance(record, kinds.EnvelopeSpectrum):
        top = int(np.argmax(record.envelope_m2_s4[1:])) + 1
        return (
            f"band {record.band_lo_hz:.0f}-{record.band_hi_hz:.0f} Hz, highest "
            f"{record.envelope_m2_s4[top]:.4g} m²/s⁴ at {top * record.bin_hz:.1f} Hz"
        )
    if isinstance(record, kinds.Waveform):
        return f"samples {record.first_sample} to {record.first_sample + len(record.samples) - 1}"
    if isinstance(record, kinds.Boot):
        return f"{record.node}, firmware {record.firmware}, {', '.join(record.sensors)}"
    if isinstance(record, kinds.Health):
        return (
            f"{record.windows_analysed} of {record.windows_acquired} windows analysed, "
            f"{record.windows_lost} lost, {record.heap_free} B free"
        )
    if isinstance(record, kinds.Loss):
        parts = [f"{record.reason_name}:"]
        if record.lost_windows is not None:
            parts.append(f"{record.lost_windows} windows")
        if record.lost_samples is not None:
            parts.append(f"{record.lost_samples} samples")
        if record.lost_records is not None:
            parts.append(f"{record.lost_records} records")
        if record.detail is not None:
            parts.append(record.detail)
        return " ".join(parts)
    if isinstance(record, kinds.Air):
        return f"{record.sensor}: {_air(record)}"
    if isinstance(record, kinds.Event):
        if record.sensor is not None:
            return f"{record.sensor} {record.event_name}: {record.detail}"
        level = "" if record.rms_m_s2 is None else f", RMS {record.rms_m_s2:.4g} m/s²"
        return f"the machine is {record.event_name}{level}"
    return f"type {record.type}, {len(record.raw)} bytes"


# What a line about an air record shows, where it is there.
_AIR_SHOWN = (
    ("co2_ppm", "ppm CO2"),
    ("air_temperature_c", "°C"),
    ("humidity_pct", "% RH"),
    ("pressure_hpa", "hPa"),
    ("voc_index", "VOC index"),
    ("nox_index", "NOx index"),
    ("gas_ohm", "ohm"),
    ("pm2_5_ug_m3", "µg/m³ PM2.5"),
    ("pm10_ug_m3", "µg/m³ PM10"),
)


def _air(record: Air) -> str:
    values = [(getattr(record, name), unit) for name, unit in _AIR_SHOWN]
    parts = [f"{value:.4g} {unit}" for value, unit in values if value is not None]
    if record.warming_up:
        parts.append("warming up")
    if record.stale_s is not None:
        parts.append(f"{record.stale_s:.0f} s old")
    return ", ".join(parts)
