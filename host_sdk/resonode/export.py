"""Waveforms as files: WAV, CSV, NPZ and UFF58."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from resonode import files
from resonode.capture import Capture
from resonode.errors import MissingExtra, NodeError


def write_wav(capture: Capture, path: Path) -> None:
    """Write the raw LSBs as 16-bit WAV, one channel per axis.

    A WAV file's rate is a whole number of Hz: `round(rate_hz)`, up to 0.5 Hz from the truth.
    """
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(capture.axes))
        out.setsampwidth(2)
        out.setframerate(round(capture.rate_hz))
        out.writeframes(capture.samples.astype("<i2").tobytes())


def write_csv(capture: Capture, path: Path) -> None:
    """Write time in s and acceleration in m/s², one row per sample."""
    names = ["time_s"] + [f"{axis}_m_s2" for axis in capture.axes]
    table = np.column_stack([capture.time_s, capture.accel_m_s2])
    np.savetxt(path, table, fmt="%.9g", delimiter=",", header=",".join(names), comments="")


def write_npz(capture: Capture, path: Path) -> None:
    """Write the raw LSBs and everything needed to interpret them."""
    with path.open("wb") as out:  # numpy would add .npz to a name without it
        np.savez_compressed(
            out,
            samples=capture.samples,
            scale_m_s2=capture.scale_m_s2,
            rate_hz=capture.rate_hz,
            axes=np.array(capture.axes),
            node=capture.node,
            capture=capture.capture,
            start_sample=capture.start_sample,
            t_us=capture.t_us,
            shaft_hz=np.nan if capture.shaft_hz is None else capture.shaft_hz,
        )


def write_uff(capture: Capture, path: Path) -> None:
    """Write one universal file dataset 58 per axis: time response, acceleration, m/s²."""
    try:
        import pyuff
    except ImportError as error:
        raise MissingExtra("pyuff", "uff", "A UFF58 file") from error
    accel_m_s2 = capture.accel_m_s2
    for column, axis in enumerate(capture.axes):
        dataset = {
            "type": 58,
            "binary": 0,  # every reader takes text; twelve digits hold an LSB exactly enough
            "id1": f"Resonode {capture.node} axis {axis}"[:80],
            "id2": f"sample {capture.start_sample} of capture {capture.capture}",
            # The format's own increment has six digits.
            "id3": f"rate_hz={capture.rate_hz!r}",
            "func_type": 1,  # time response
            "rsp_ent_name": capture.node[:10],
            "rsp_node": 1,
            "rsp_dir": {"x": 1, "y": 2, "z": 3}[axis],
            "ref_node": 0,
            "ref_dir": 0,
            "data": accel_m_s2[:, column],
            "x": capture.time_s,
            "abscissa_spacing": 1,  # even
            "abscissa_spec_data_type": 17,  # time
            "abscissa_axis_lab": "Time",
            "abscissa_axis_units_lab": "s",
            "ordinate_spec_data_type": 12,  # acceleration
            "ordinate_axis_lab": "Acceleration",
            "ordinate_axis_units_lab": "m/s2",
            "orddenom_spec_data_type": 0,
        }
        with _os_errors_of_pyuff():
            pyuff.UFF(str(path)).write_sets([dataset], mode="add")


@contextmanager
def _os_errors_of_pyuff() -> Iterator[None]:
    """Let a full disk be told from other failures: pyuff raises a bare Exception for each."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__context__
        raise (cause or error) from None


WRITERS: dict[str, Callable[[Capture, Path], None]] = {
    "wav": write_wav,
    "csv": write_csv,
    "npz": write_npz,
    "uff": write_uff,
}


def writer_for(path: Path, form: str | None = None) -> Callable[[Capture, Path], None]:
    """Return the writer for `form`, or for the suffix of `path` (.uff and .unv both mean UFF58).

    It writes the file whole or not at all, and raises StoreError if it cannot.

    Raises:
        NodeError: neither names a known format.
    """
    name = (form or path.suffix.lstrip(".")).lower()
    name = {"unv": "uff", "uff58": "uff"}.get(name, name)
    if name not in WRITERS:
        raise NodeError(
            f"{path.name} names no known format" if form is None else f"No format {form!r}",
            next=f"Use a suffix or --format of: {', '.join(WRITERS)}",
        )
    return partial(_write, WRITERS[name])


def _write(
    form: Callable[[Capture, Path], None],
    capture: Capture,
    path: Path,
) -> None:
    with files.written(path) as new:
        form(capture, new)
