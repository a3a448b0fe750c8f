"""The native module `dsp` as firmware drivers call it, from the same C files, for CPython.

Only what drivers need: tests of drivers run on both interpreters.
"""

from __future__ import annotations

from array import array
from typing import Any

from resonode._dsp import ffi, lib

_INFO = ("samples", "timestamps", "timestamp", "before_timestamp") + (
    "temperatures",
    "temperature",
    "bad",
    "hole",
)


DECIMATE_FACTOR: int = lib.DSP_DECIMATE_FACTOR


def plan_bytes(n: int) -> int:
    """As c_dsp/natmod has it, less the twiddles, which are constants here."""
    return int(lib.dsp_plan_bytes(n))


def decimate_bytes() -> int:
    """As c_dsp/natmod has it."""
    return int(ffi.sizeof("dsp_decimator"))


def _axes(x: Any, y: Any, z: Any, at: int) -> list[Any]:
    return [ffi.from_buffer("int16_t[]", memoryview(axis)[at:]) for axis in (x, y, z)]


def fifo_split(image: Any, words: int, x: Any, y: Any, z: Any, at: int, info: array[int]) -> int:
    """As c_dsp/natmod has it."""
    seen = ffi.new("dsp_fifo_info *")
    room = min(len(axis) for axis in (x, y, z)) - at
    source = ffi.from_buffer("uint8_t[]", image)
    assert lib.dsp_fifo_split(source, words, room, *_axes(x, y, z, at), seen) == lib.DSP_OK
    for place, name in enumerate(_INFO):
        info[place] = getattr(seen, name)
    return int(seen.samples)


def xyz_split(
    image: Any, entries: int, entry_bytes: int, top: int, x: Any, y: Any, z: Any, at: int
) -> int:
    """As c_dsp/natmod has it."""
    good = ffi.new("int32_t *")
    source = ffi.from_buffer("uint8_t[]", image)
    axes = _axes(x, y, z, at)
    assert lib.dsp_xyz_split(source, entries, entry_bytes, top, *axes, good) == lib.DSP_OK
    return int(good[0])


def envelope_stream_bytes(
    rate_hz: float, f_lo_hz: float, f_hi_hz: float, f_max_hz: float, points: int
) -> int:
    """As c_dsp/natmod has it."""
    setup = ffi.new("dsp_envelope_setup *", (rate_hz, f_lo_hz, f_hi_hz, f_max_hz, points))
    needed = int(lib.dsp_envelope_stream_bytes(setup))
    if not needed:
        raise ValueError("not possible")
    return needed
