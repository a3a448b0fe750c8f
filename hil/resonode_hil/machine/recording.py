"""Read a vibration recording: `.mat` of CWRU form, `.csv`, `.wav`.

A recording's sample rate is stated by the caller or carried by the container. It is never guessed:
a wrong rate moves every line of the spectrum and looks perfectly healthy.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonode_hil.errors import RecordingError, explain
from resonode_hil.machine.base import FloatArray

# Below this there is nothing to join a loop with. The shortest recording of a public data set
# that we know of (PRONOSTIA) has 2560 samples.
MIN_SAMPLES = 1024

DEFAULT_KEY_END = "_DE_time"


@dataclass(frozen=True)
class Recording:
    """One channel of a recording: acceleration in g, its rate, and the shaft speed if known."""

    samples: FloatArray
    rate_hz: float
    rpm: float | None
    source: str


def load_recording(
    path: str | Path,
    rate_hz: float | None = None,
    *,
    key: str | None = None,
    column: int | str | None = None,
    gain: float = 1.0,
    rpm: float | None = None,
) -> Recording:
    """Read one channel of a recording.

    Args:
        path: `.mat` (MATLAB 5, as of the CWRU bearing data), `.csv` or `.wav`.
        rate_hz: sample rate; needed unless the container carries it.
        key: variable of a `.mat` file, default the one that ends in `_DE_time`.
        column: column of a `.csv` by number (from 0) or header name, channel of a `.wav`.
        gain: g per unit of the file; for `.wav` a unit is full scale.
        rpm: shaft speed, overrides the one in the file.

    Raises:
        RecordingError: not readable, of the wrong form, or without a rate.
    """
    path = Path(path)
    readers = {".mat": _read_mat, ".csv": _read_csv, ".wav": _read_wav}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _error(path, f"'{path.suffix}' is none of {', '.join(readers)}", "convert it")
    _check_file(path)
    values, own_rate_hz, own_rpm = reader(path, key if reader is _read_mat else column)
    rate = _settle_rate(path, rate_hz, own_rate_hz)
    samples = np.ascontiguousarray(values, dtype=np.float64) * gain
    _check_samples(path, samples)
    return Recording(samples, rate, rpm if rpm is not None else own_rpm, path.name)


def _error(path: Path, why: str, next_step: str) -> RecordingError:
    return RecordingError(explain(f"cannot replay {path.name}", why, next_step))


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _error(path, reason.lower(), f"check the path {path}") from error
    if size == 0:
        raise _error(path, "the file is empty", "copy it again from its source")


def _settle_rate(path: Path, stated_hz: float | None, own_hz: float | None) -> float:
    if stated_hz is not None and not (math.isfinite(stated_hz) and stated_hz > 0.0):
        raise _error(path, f"a sample rate of {stated_hz} Hz is impossible", "state the true one")
    if own_hz is None:
        if stated_hz is None:
            why = "its sample rate is neither in the file nor stated"
            raise _error(path, why, "state it with --rate-hz (rate_hz=); it is never guessed")
        return float(stated_hz)
    if stated_hz is not None and abs(stated_hz - own_hz) > 1e-6 * own_hz:
        why = f"the file says {own_hz:g} Hz and --rate-hz says {stated_hz:g} Hz"
        raise _error(path, why, "leave --rate-hz away, or correct the file")
    return own_hz


def _check_samples(path: Path, samples: FloatArray) -> None:
    if samples.size < MIN_SAMPLES:
        why = f"{samples.size} samples are too few"
        raise _error(path, why, f"give a recording of at least {MIN_SAMPLES}")
    bad = int(samples.size - np.isfinite(samples).sum())
    if bad:
        where = int(np.flatnonzero(~np.isfinite(samples))[0])
        why = f"{bad} samples are not numbers, the first at index {where}"
        raise _error(path, why, "repair the recording or choose another channel")
    if np.ptp(samples) == 0.0:
        raise _error(path, "every sample is the same", "choose another channel")


# ---- MATLAB ----


def _read_mat(path: Path, key: int | str | None) -> tuple[FloatArray, float | None, float | None]:
    variables = _mat_variables(path)
    name = _mat_key(path, variables, None if key is None else str(key))
    value = variables[name]
    if not np.issubdtype(value.dtype, np.number) or np.iscomplexobj(value):
        raise _error(path, f"{name} holds no real numbers", "choose another with --key")
    if value.size != max(value.shape, default=0):
        raise _error(path, f"{name} is a table of {value.shape}, not one channel", "choose --key")
    return value.ravel().astype(np.float64), None, _mat_rpm(variables, name)


def _mat_variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        content = loadmat(str(path))
    except NotImplementedError as error:
        raise _error(path, "MATLAB 7.3 files are HDF5", "save it again with -v7") from error
    # scipy has no exception of its own for a damaged file: what comes out depends on which byte
    # is wrong (ValueError, TypeError, zlib.error, MemoryError ...).
    except Exception as error:
        why = f"not a readable MATLAB file ({error})"
        raise _error(path, why, "copy it again from its source") from error
    return {name: np.asarray(value) for name, value in content.items() if name[:2] != "__"}


def _mat_key(path: Path, variables: dict[str, Any], key: str | None) -> str:
    held = ", ".join(variables) or "nothing"
    if key is not None:
        if key not in variables:
            raise _error(path, f"no variable {key}", f"choose --key among {held}")
        return key
    found = [name for name in variables if name.endswith(DEFAULT_KEY_END)]
    if len(found) != 1:
        why = f"{len(found) or 'no'} variables end in {DEFAULT_KEY_END}"
        raise _error(path, why, f"choose --key among {held}")
    return found[0]


def _mat_rpm(variables: dict[str, Any], key: str) -> float | None:
    """CWRU names belong together by number: X130_DE_time goes with X130RPM."""
    value = variables.get(key.split("_")[0] + "RPM")
    if value is None or value.size != 1 or not np.issubdtype(value.dtype, np.number):
        return None
    rpm = float(value.ravel()[0])
    return rpm if math.isfinite(rpm) and rpm > 0.0 else None


# ---- CSV ----


def _read_csv(
    path: Path, column: int | str | None
) -> tuple[FloatArray, float | None, float | None]:
    header, delimiter, columns = _csv_shape(path)
    index = _csv_column(path, column, header, columns)
    try:
        values = np.loadtxt(
            path,
            delimiter=delimiter,
            usecols=index,
            skiprows=1 if header else 0,
            ndmin=1,
            encoding="utf-8-sig",
        )
    except (ValueError, UnicodeDecodeError) as error:
        why = f"column {index} is not all numbers ({error})"
        raise _error(path, why, "repair the file or choose another --column") from error
    return values, None, None


def _csv_shape(path: Path) -> tuple[list[str], str | None, int]:
    """Return (header names or nothing, delimiter, number of columns) from the first line."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            first = lines.readline(65536).strip()
    except UnicodeDecodeError as error:
        raise _error(path, "it is not text", "check that it is a CSV file") from error
    delimiter = max(",;\t", key=first.count)
    cells = [cell.strip() for cell in first.split(delimiter)]
    header = [] if all(_is_number(cell) for cell in cells) else cells
    return header, delimiter, len(cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv_column(path: Path, column: int | str | None, header: list[str], columns: int) -> int:
    choice = ", ".join(header) if header else f"0 to {columns - 1}"
    if column is None:
        if columns != 1:
            raise _error(path, f"it has {columns} columns", f"choose --column among {choice}")
        return 0
    if isinstance(column, str) and column in header:
        return header.index(column)
    try:
        index = int(column)
    except ValueError:
        index = -1
    if not 0 <= index < columns:
        raise _error(path, f"no column {column}", f"choose --column among {choice}")
    return index


# ---- WAV ----


def _read_wav(
    path: Path, column: int | str | None
) -> tuple[FloatArray, float | None, float | None]:
    from scipy.io import wavfile

    try:
        # scipy only warns of a file that ends before its header says.
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)
            rate_hz, data = wavfile.read(path)
    except Exception as error:  # as for MATLAB: the type depends on the damage
        why = f"not a whole WAV file ({error})"
        raise _error(path, why, "copy it again from its source") from error
    table = _wav_scaled(data)
    channels = table.shape[1]
    if column is None and channels != 1:
        raise _error(path, f"it has {channels} channels", f"choose --column 0 to {channels - 1}")
    index = _csv_column(path, 0 if column is None else column, [], channels)
    return table[:, index], float(rate_hz), None


def _wav_scaled(data: Any) -> FloatArray:
    """Return (samples, channels) with full scale = 1. 24 bits come left-justified in 32."""
    table = np.atleast_2d(data.T).T
    if table.dtype == np.uint8:
        return (table.astype(np.float64) - 128.0) / 128.0
    if np.issubdtype(table.dtype, np.signedinteger):
        return table.astype(np.float64) / -float(np.iinfo(table.dtype).min)
    return table.astype(np.float64)
