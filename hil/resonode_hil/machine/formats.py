"""The files a recording comes in, one reader for each: what they hold, and what they say of it."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonode_hil.errors import RecordingError, explain
from resonode_hil.machine import units
from resonode_hil.machine.base import FloatArray

DEFAULT_KEY_END = "_DE_time"
# The lines of a CSV that are looked at before it is read: enough for a decimal comma to show.
_LOOKED_AT = 1000


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel of a file.

    Attributes:
        values: in `unit`.
        rate_hz, rpm, unit: None where the file does not say.
        says: where in the file the unit stands.
        own: it is a capture of a node of ours, which contains gravity.
    """

    values: FloatArray
    rate_hz: float | None = None
    rpm: float | None = None
    unit: str | None = None
    says: str = ""
    own: bool = False


def refusal(path: Path, why: str, next_step: str) -> RecordingError:
    """Return the error that says that, and why, a file cannot be replayed."""
    return RecordingError(explain(f"cannot replay {path.name}", why, next_step))


# ---- MATLAB ----


def read_mat(path: Path, key: int | str | None) -> Channel:
    """Read a variable of a `.mat`, default the only one that ends in `_DE_time`."""
    variables = _mat_variables(path)
    name = _mat_key(path, variables, None if key is None else str(key))
    value = variables[name]
    if not np.issubdtype(value.dtype, np.number) or np.iscomplexobj(value):
        raise refusal(path, f"{name} holds no real numbers", "choose another with --key")
    if value.size != max(value.shape, default=0):
        raise refusal(path, f"{name} is a table of {value.shape}, not one channel", "choose --key")
    return Channel(value.ravel().astype(np.float64), rpm=_mat_rpm(variables, name))


def _mat_variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        content = loadmat(str(path))
    except NotImplementedError as error:
        raise refusal(path, "MATLAB 7.3 files are HDF5", "save it again with -v7") from error
    # scipy has no exception of its own for a damaged file: what comes out depends on which byte
    # is wrong (ValueError, TypeError, zlib.error, MemoryError ...).
    except Exception as error:
        why = f"not a readable MATLAB file ({error})"
        raise refusal(path, why, "copy it again from its source") from error
    return {name: np.asarray(value) for name, value in content.items() if name[:2] != "__"}


def _mat_key(path: Path, variables: dict[str, Any], key: str | None) -> str:
    held = ", ".join(variables) or "nothing"
    if key is not None:
        if key not in variables:
            raise refusal(path, f"no variable {key}", f"choose --key among {held}")
        return key
    found = [name for name in variables if name.endswith(DEFAULT_KEY_END)]
    if len(found) != 1:
        why = f"{len(found) or 'no'} variables end in {DEFAULT_KEY_END}"
        raise refusal(path, why, f"choose --key among {held}")
    return found[0]


def _mat_rpm(variables: dict[str, Any], key: str) -> float | None:
    """CWRU names belong together by number: X130_DE_time goes with X130RPM."""
    value = variables.get(key.split("_")[0] + "RPM")
    if value is None or value.size != 1 or not np.issubdtype(value.dtype, np.number):
        return None
    rpm = float(value.ravel()[0])
    return rpm if math.isfinite(rpm) and rpm > 0.0 else None


# ---- CSV ----


@dataclass(frozen=True)
class _CsvForm:
    """How a CSV is written. `delimiter` is None where a line is one number."""

    header: list[str]
    delimiter: str
    columns: int
    decimal_comma: bool

    @property
    def own(self) -> bool:
        """Whether it is as `resonode capture` writes it."""
        axes = self.header[1:]
        named = all(re.fullmatch("[xyz]_m_s2", name) for name in axes)
        return bool(axes) and self.header[0] == "time_s" and named


def read_csv(path: Path, column: int | str | None) -> Channel:
    """Read a column of a `.csv`, by name or by number from 0; decimal commas are understood."""
    form = _csv_form(path)
    if form.own and column is None and form.columns == 2:
        column = 1
    index = _column(path, column, form.header, form.columns)
    values = _csv_column(path, form, index)
    if not form.header:
        return Channel(values)
    name = form.header[index]
    unit = units.of_header(name)
    rate_hz = _csv_rate(_csv_column(path, form, 0)) if form.own else None
    return Channel(values, rate_hz, unit=unit, says=f"its header says {name}", own=form.own)


def _csv_form(path: Path) -> _CsvForm:
    lines = _first_lines(path)
    first = lines[0] if lines else ""
    # Not the most frequent: `0,1;0,2;0,3` has more commas than semicolons.
    delimiter = next((one for one in ";\t" if one in first), ",")
    rows = [[cell.strip().strip('"').strip() for cell in line.split(delimiter)] for line in lines]
    cells = rows[0] if rows else [""]
    comma = delimiter != "," and any(_is_comma_number(cell) for row in rows for cell in row)
    header = [] if all(_is_number(cell, comma) for cell in cells) else cells
    if delimiter == ",":
        _check_no_decimal_comma(path, rows, has_header=bool(header))
    return _CsvForm(header, delimiter, len(cells), comma)


def _first_lines(path: Path) -> list[str]:
    lines: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            while len(lines) < _LOOKED_AT and (line := file.readline(65536)):
                if line.strip():
                    lines.append(line.strip())
    except UnicodeDecodeError as error:
        raise refusal(path, "it is not text", "check that it is a CSV file") from error
    return lines


def _check_no_decimal_comma(path: Path, rows: list[list[str]], *, has_header: bool) -> None:
    """Refuse what would be read as two columns and is one: `0,03456`."""
    numbers = rows[1:] if has_header else rows
    next_step = "write decimal points, or separate columns by semicolons"
    for line, row in enumerate(numbers, 2 if has_header else 1):
        if len(row) != len(rows[0]):
            why = f"line {line} has {len(row)} cells and the first has {len(rows[0])}"
            raise refusal(path, f"{why} (decimal commas?)", next_step)
    # No whole number is written as -0 or as 03456.
    pairs = all(re.fullmatch(r"[+-]?\d+,\d+", ",".join(row)) for row in numbers)
    if pairs and any(row[0] == "-0" or re.match(r"0\d", row[1]) for row in numbers):
        raise refusal(path, f"its numbers have decimal commas ({','.join(rows[-1])})", next_step)


def _is_comma_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?", text) is not None


def _is_number(text: str, comma: bool = False) -> bool:
    try:
        float(text.replace(",", ".") if comma else text)
    except ValueError:
        return False
    return True


def _csv_column(path: Path, form: _CsvForm, index: int) -> FloatArray:
    def number(text: str) -> float:
        text = text.strip().strip('"')
        return float(text.replace(",", ".") if form.decimal_comma else text)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no rows: they are counted later
            return np.loadtxt(
                path,
                delimiter=form.delimiter,
                usecols=index,
                skiprows=1 if form.header else 0,
                ndmin=1,
                encoding="utf-8-sig",
                converters={index: number} if form.decimal_comma else None,
            )
    except (ValueError, UnicodeDecodeError) as error:
        why = f"column {index} is not all numbers ({error})"
        raise refusal(path, why, "repair the file or choose another --column") from error


def _csv_rate(time_s: FloatArray) -> float | None:
    """Return the rate of evenly rising times, None where they are not."""
    if len(time_s) < 2 or not np.all(np.diff(time_s) > 0.0):
        return None
    return float((len(time_s) - 1) / (time_s[-1] - time_s[0]))


def _column(path: Path, column: int | str | None, names: list[str], columns: int) -> int:
    choice = ", ".join(names) if names else f"0 to {columns - 1}"
    if column is None:
        if columns != 1:
            raise refusal(path, f"it has {columns} columns", f"choose --column among {choice}")
        return 0
    if isinstance(column, str) and column in names:
        return names.index(column)
    try:
        index = int(column)
    except ValueError:
        index = -1
    if not 0 <= index < columns:
        raise refusal(path, f"no column {column}", f"choose --column among {choice}")
    return index


# ---- WAV ----


def read_wav(path: Path, column: int | str | None) -> Channel:
    """Read a channel of a `.wav`. Integers come as parts of full scale, floats as they are."""
    from scipy.io import wavfile

    try:
        # scipy only warns of a file that ends before its header says.
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)
            rate_hz, data = wavfile.read(path)
    except Exception as error:  # as for MATLAB: the type depends on the damage
        why = f"not a whole WAV file ({error})"
        raise refusal(path, why, "copy it again from its source") from error
    table, unit = _wav_scaled(data)
    channels = table.shape[1]
    if column is None and channels != 1:
        raise refusal(path, f"it has {channels} channels", f"choose --column 0 to {channels - 1}")
    index = _column(path, 0 if column is None else column, [], channels)
    return Channel(table[:, index], float(rate_hz), unit=unit)


def _wav_scaled(data: Any) -> tuple[FloatArray, str | None]:
    """Return (samples, channels), integers as parts of full scale, and that unit if it is so.

    24 bits come left-justified in 32.
    """
    table = np.atleast_2d(data.T).T
    if table.dtype == np.uint8:
        return (table.astype(np.float64) - 128.0) / 128.0, units.FULL_SCALE
    if np.issubdtype(table.dtype, np.signedinteger):
        return table.astype(np.float64) / -float(np.iinfo(table.dtype).min), units.FULL_SCALE
    return table.astype(np.float64), None


# ---- our own captures ----


def read_npz(path: Path, column: int | str | None) -> Channel:
    """Read an axis of a capture as `resonode capture` writes it to `.npz`."""
    held = _npz_arrays(path)
    try:
        samples, scale_m_s2 = held["samples"], float(held["scale_m_s2"])
        rate_hz, shaft_hz = float(held["rate_hz"]), float(held.get("shaft_hz", np.nan))
        axes = [str(axis) for axis in held["axes"].ravel()]
        whole = np.issubdtype(samples.dtype, np.integer) and samples.ndim == 2
        if not whole or samples.shape[1] != len(axes) or not 0.0 < scale_m_s2 < math.inf:
            raise ValueError(f"samples of {samples.shape}, axes {axes}, scale {scale_m_s2}")
    except (KeyError, TypeError, ValueError) as error:
        why = f"it is no capture of a node ({error})"
        raise refusal(path, why, "use a .npz written by resonode capture, or a .csv") from error
    index = _column(path, column, axes, len(axes))
    return Channel(
        samples[:, index] * scale_m_s2,
        rate_hz,
        60.0 * shaft_hz if shaft_hz > 0.0 else None,
        unit="m/s2",
        says="its own scale",
        own=True,
    )


def _npz_arrays(path: Path) -> dict[str, Any]:
    try:
        # Opened here, because NumPy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # as for MATLAB: the type depends on the damage
        why = f"not a readable NumPy archive ({error})"
        raise refusal(path, why, "copy it again from its source") from error
