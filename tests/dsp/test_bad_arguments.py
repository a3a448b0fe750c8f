"""Whatever is wrong with an argument, a function says which kind of wrong it is and writes nothing.

One row a function. From it follow a NULL, a misaligned and an overlapping buffer for every pointer,
and the row adds the numbers that are refused. A function without a row fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from resonode import dsp

ffi, lib = dsp._ffi, dsp._lib
CORE = Path(__file__).resolve().parents[2] / "c_dsp"
N = 256
NAN, INF = float("nan"), float("inf")
SIZES = (-1, 0, 255, 257, 1 << 30)
NOT_POSITIVE = (0.0, -1.0, NAN, INF)
NULL, ALIGN, OVERLAP = lib.DSP_ERR_NULL, lib.DSP_ERR_ALIGN, lib.DSP_ERR_OVERLAP
SIZE, VALUE, BAND = lib.DSP_ERR_SIZE, lib.DSP_ERR_VALUE, lib.DSP_ERR_BAND
PLAN, SPACE = lib.DSP_ERR_PLAN, lib.DSP_ERR_SPACE


class Buffer:
    """Memory of a valid argument, with room behind it for a misaligned one."""

    is_written = False
    is_state = False  # so its pointer cannot be exchanged for that of another buffer
    when_null = NULL
    when_misaligned = ALIGN

    def __init__(self, ctype: str, count: int, values: Any = ()) -> None:
        self.element_bytes = ffi.sizeof(ctype)
        self.n_bytes = self.element_bytes * count
        self.memory = ffi.new("char[]", self.n_bytes + 16)
        self.ctype = f"{ctype} *"
        typed = ffi.cast(self.ctype, self.memory)
        for i, value in enumerate(values):
            typed[i] = value

    def pointer(self, offset: int = 0) -> Any:
        return ffi.cast(self.ctype, self.memory + offset)

    def at(self, ctype: str) -> Any:
        return ffi.cast(ctype, self.memory)

    def content(self) -> bytes:
        return bytes(ffi.buffer(self.memory, self.n_bytes))


class In(Buffer):
    pass


class Setup(In):
    is_state = True


class Out(Buffer):
    is_written = True

    def __init__(self, ctype: str, count: int = 1, values: Any = ()) -> None:
        super().__init__(ctype, count, values or [])
        if not values:
            ffi.memmove(self.memory, b"\x5a" * self.n_bytes, self.n_bytes)


class Work(Out):
    """May hold anything after an error."""

    def content(self) -> bytes:
        return b""


class Memory(Out):
    """For a plan or a state; `made`: what it holds already, by the function that opens it."""

    def __init__(self, n_bytes: int, when_null: int = SPACE) -> None:
        super().__init__("char", n_bytes)
        self.when_null = when_null
        self.element_bytes = 4

    def pointer(self, offset: int = 0) -> Any:
        return ffi.cast("void *", self.memory + offset)


class Plan(Buffer):
    when_null = PLAN
    when_misaligned = PLAN

    def __init__(self, n: int = N) -> None:
        super().__init__("float", (lib.dsp_plan_bytes(n) + 3) // 4)
        self.ctype = "dsp_plan *"
        found = ffi.new("dsp_plan const **")
        n_bytes = lib.dsp_plan_bytes(n)
        assert lib.dsp_plan_init(n, self.memory, n_bytes, found) == lib.DSP_OK


class State(Out):
    """Made by `make(memory, n_bytes, made)` in memory of its own."""

    is_state = True

    def __init__(self, ctype: str, n_bytes: int, make: Callable[..., int]) -> None:
        super().__init__("float", n_bytes // 4)
        self.ctype = f"{ctype} *"
        made = ffi.new("void **")
        assert make(self.memory, n_bytes, ffi.cast("void *", made)) == lib.DSP_OK


class Filled(State):
    """A state that has been fed until its record is full."""

    def __init__(self, kind: str, ctype: str, n_bytes: int, make: Callable[..., int]) -> None:
        super().__init__(ctype, n_bytes, make)
        feed, used = getattr(lib, f"{kind}_feed"), ffi.new("int32_t *")
        x = ffi.new("int16_t[]", [i % 99 for i in range(60000)])
        assert feed(self.pointer(), x, 60000, used) == lib.DSP_OK
        assert getattr(lib, f"{kind}_missing")(self.pointer()) == 0


class Struct(Out):
    """A state that is a struct of the header."""

    is_state = True


class Nothing(Out):
    """A pointer that may be NULL, given."""

    when_null = lib.DSP_OK


@dataclass
class Row:
    """Valid arguments, made afresh each time; by position: numbers that are refused, with the
    status; and pairs of buffers that may be one."""

    arguments: Callable[[], list[Any]]
    refused: dict[int, list[tuple[Any, int]]] = field(default_factory=dict)
    may_be_one: set[tuple[int, int]] = field(default_factory=set)


def each(values: tuple[Any, ...], status: int) -> list[tuple[Any, int]]:
    return [(value, status) for value in values]


def i16(n: int = N) -> In:
    return In("int16_t", n, [(37 * i) % 1001 - 300 for i in range(n)])


def i32(n: int = N) -> In:
    return In("int32_t", n, [(37 * i) % 1001 - 300 for i in range(n)])


def f32(n: int = N) -> In:
    return In("float", n, [1.0 + i % 7 for i in range(n)])


def out(n: int = 1) -> Out:
    return Out("float", n)


def work(n: int = N) -> Work:
    return Work("float", n)


def envelope_setup() -> In:
    return Setup("dsp_envelope_setup", 1, [(26667.0, 2000.0, 4000.0, 500.0, N)])


def zoom_setup() -> In:
    return Setup("dsp_zoom_setup", 1, [(26667.0, 2000.0, 4000.0, N)])


ENVELOPE, ZOOM = envelope_setup(), zoom_setup()  # held: a pointer alone keeps no memory
ENVELOPE_BYTES = lib.dsp_envelope_stream_bytes(ENVELOPE.pointer())
ZOOM_BYTES = lib.dsp_zoom_bytes(ZOOM.pointer())
ZOOM_BINS = 400


def make_envelope(*where: Any) -> int:
    return int(lib.dsp_envelope_stream_init(ENVELOPE.pointer(), *where))


def make_zoom(*where: Any) -> int:
    return int(lib.dsp_zoom_init(ZOOM.pointer(), *where))


def make_welch(*where: Any) -> int:
    return int(lib.dsp_welch_init(N, 0, 0, *where))


def make_halfband(*where: Any) -> int:
    return int(lib.dsp_halfband_init(3, *where))


def make_plan(memory: Any, n_bytes: int, made: Any) -> int:
    return int(lib.dsp_plan_init(N, memory, n_bytes, made))


def envelope(is_full: bool = False) -> State:
    what = ("dsp_envelope_stream", ENVELOPE_BYTES, make_envelope)
    return Filled("dsp_envelope_stream", *what) if is_full else State(*what)


def zoom(is_full: bool = False) -> State:
    what = ("dsp_zoom", ZOOM_BYTES, make_zoom)
    return Filled("dsp_zoom", *what) if is_full else State(*what)


def welch(segments: int = 0) -> State:
    state = State("dsp_welch", lib.dsp_welch_bytes(N), make_welch)
    x, scratch, plan = ffi.new(f"int16_t[{N}]", list(range(N))), ffi.new(f"float[{N}]"), Plan()
    for _ in range(segments):
        assert lib.dsp_welch_feed(state.pointer(), plan.pointer(), x, N, scratch) == lib.DSP_OK
    return state


def halfband() -> State:
    return State("dsp_halfband", lib.dsp_halfband_bytes(3), make_halfband)


def decimator() -> Out:
    state = Struct("dsp_decimator")
    lib.dsp_decimate_reset(state.pointer())
    return state


def motion(is_settled: bool = False) -> Out:
    state = Struct("dsp_motion")
    assert lib.dsp_motion_init(3333.0, 10.0, 1.0, state.pointer()) == lib.DSP_OK
    if is_settled:
        rec = ffi.new("int32_t[5000]")
        fed = lib.dsp_motion_feed(state.pointer(), rec, 5000, ffi.NULL, ffi.NULL)
        assert fed == lib.DSP_OK
    return state


def gas() -> Out:
    state = Struct("dsp_gas")
    assert lib.dsp_gas_init(0, 1.0, ffi.NULL, state.pointer()) == lib.DSP_OK
    return state


def goertzel(is_fed: bool = False) -> list[Out]:
    bank, bins = Struct("dsp_goertzel"), Out("dsp_goertzel_bin", 3)
    freq = ffi.new("float[3]", [1.0, 2.0, 3.0])
    assert lib.dsp_goertzel_init(100.0, freq, 3, bins.pointer(), bank.pointer()) == lib.DSP_OK
    if is_fed:
        x = ffi.new("int16_t[9]", list(range(9)))
        assert lib.dsp_goertzel_feed(bank.pointer(), bins.pointer(), x, 9) == lib.DSP_OK
    return [bank, bins]


def opened(n_bytes: int, make: Callable[..., int]) -> Memory:
    memory = Memory(n_bytes, when_null=PLAN)
    memory.is_state = True
    made = ffi.new("void **")
    assert make(memory.memory, n_bytes, ffi.cast("void *", made)) == lib.DSP_OK
    return memory


def made_by(kind: str, make: Callable[..., int], n_bytes: int) -> Row:
    """The row of a dsp_*_open."""
    return Row(
        lambda: [opened(n_bytes, make), n_bytes, Out(f"{kind} *")],
        {1: each((0, 4, n_bytes - 1), PLAN)},
    )


def velocity_row() -> Row:
    """Bins lie 10 Hz apart."""
    return Row(
        lambda: [Plan(), i32(), 1.0, 2560.0, 21.0, 1000.0, work(), out()],
        {
            2: each(NOT_POSITIVE, VALUE),
            3: each((*NOT_POSITIVE, 1e-30), VALUE),
            4: each((*NOT_POSITIVE, 1001.0), VALUE),
            5: [*each((-1.0, 20.0, 1281.0, NAN, INF), VALUE), (29.0, BAND)],
        },
    )


ROWS: dict[str, Row] = {
    "dsp_plan_init": Row(
        lambda: [N, Memory(lib.dsp_plan_bytes(N)), lib.dsp_plan_bytes(N), Out("dsp_plan *")],
        {0: each(SIZES, SIZE), 2: each((0, lib.dsp_plan_bytes(N) - 1), SPACE)},
    ),
    "dsp_plan_open": made_by("dsp_plan", make_plan, lib.dsp_plan_bytes(N)),
    "dsp_rfft_f32": Row(lambda: [Plan(), f32(), out(N)]),
    "dsp_rfft_f32_window": Row(lambda: [Plan(), f32(), f32(), out(N)]),
    "dsp_rfft_f32_rows": Row(lambda: [Plan(), f32(2 * N), 2, out(2 * N)], {2: [(-1, SIZE)]}),
    "dsp_irfft_f32": Row(lambda: [Plan(), f32(), work(), out(N)]),
    "dsp_rfft_i16": Row(lambda: [Plan(), i16(), out(N)]),
    "dsp_rfft_i32": Row(lambda: [Plan(), i32(), out(N)]),
    "dsp_rfft_q15": Row(
        lambda: [N, i16(), Out("int16_t", N), Out("int32_t")],
        {0: each((*SIZES, 16384), SIZE)},
    ),
    "dsp_features": Row(
        lambda: [i16(), N, 1.0, Out("dsp_feature_set")],
        {1: each((-1, 0, 1, 65536), SIZE), 2: each(NOT_POSITIVE, VALUE)},
    ),
    "dsp_shape_factors": Row(
        lambda: [i16(), N, 1.0, Out("dsp_shape_set")],
        {1: each((-1, 0, 1, 65536), SIZE), 2: each(NOT_POSITIVE, VALUE)},
    ),
    "dsp_spectrum": Row(
        lambda: [Plan(), i16(), 1.0, work(), out(N // 2 + 1)],
        {2: each(NOT_POSITIVE, VALUE)},
        {(3, 4), (4, 3)},
    ),
    "dsp_spectrum_window": Row(
        lambda: [Plan(), i16(), 1.0, 0, work(), out(N // 2 + 1)],
        {2: each(NOT_POSITIVE, VALUE), 3: each((-1, 4), VALUE)},
    ),
    "dsp_spectrum_table": Row(
        lambda: [Plan(), i16(), 1.0, f32(), 0.5, work(2 * N), out(N // 2 + 1)],
        {2: each(NOT_POSITIVE, VALUE), 4: each(NOT_POSITIVE, VALUE)},
    ),
    "dsp_power_add": Row(lambda: [f32(), N, Out("float", N, [1.0] * N)], {1: each((-1, 0), SIZE)}),
    "dsp_power_mean": Row(
        lambda: [N, 2, Out("float", N, [1.0] * N), out(N)],
        {0: each((-1, 0), SIZE), 1: each((-1, 0), VALUE)},
    ),
    "dsp_envelope": Row(
        lambda: [Plan(), f32(1024), 1024, 10, 100, 1.0, 20, work(2 * N), out(20)],
        {
            2: each((-1, 0, 1000), SIZE),
            3: [*each((-1, 0, 101), BAND)],
            4: [*each((-1, 9, 512), BAND), (300, SIZE)],
            5: each(NOT_POSITIVE, VALUE),
            6: each((-1, 0, 92), BAND),
        },
    ),
    "dsp_decimate": Row(
        lambda: [decimator(), i16(), N, 32, Out("int32_t", 32), Out("int32_t")],
        {2: [(-1, SIZE)], 3: each((-1, 31), SPACE)},
    ),
    "dsp_velocity": velocity_row(),
    "dsp_displacement": velocity_row(),
    "dsp_window_info": Row(lambda: [0, out(), out()], {0: each((-1, 4), VALUE)}),
    "dsp_kaiser": Row(
        lambda: [N, 8.6, out(N), out(), out()],
        {0: each((-1, 0, 1), SIZE), 1: each((-0.1, 40.1, NAN, INF), VALUE)},
    ),
    "dsp_welch_init": Row(
        lambda: [
            *(N, 10, 1, Memory(lib.dsp_welch_bytes(N))),
            *(lib.dsp_welch_bytes(N), Out("dsp_welch *")),
        ],
        {
            0: each(SIZES, SIZE),
            1: each((-1, N), SIZE),
            2: each((-1, 4), VALUE),
            4: each((0, lib.dsp_welch_bytes(N) - 1), SPACE),
        },
    ),
    "dsp_welch_open": made_by("dsp_welch", make_welch, lib.dsp_welch_bytes(N)),
    "dsp_welch_feed": Row(lambda: [welch(), Plan(), i16(), N, work()], {3: [(-1, SIZE)]}),
    "dsp_welch_psd": Row(
        lambda: [welch(segments=1), 1.0, 26667.0, out(N // 2 + 1)],
        {1: each(NOT_POSITIVE, VALUE), 2: each(NOT_POSITIVE, VALUE)},
    ),
    "dsp_peaks": Row(
        lambda: [f32(), N, 1.0, 0, 0.0, 8, Out("dsp_line", 8), Out("int32_t")],
        {
            1: each((-1, 0, 2), SIZE),
            2: each(NOT_POSITIVE, VALUE),
            3: each((-1, 4), VALUE),
            4: each((-1.0, NAN), VALUE),
            5: each((-1, 0, 65), SIZE),
        },
    ),
    "dsp_lines": Row(
        lambda: [f32(), N, 1.0, 0, 0.0, 10.0, 1, 8, 0.01, Out("dsp_line", 8)],
        {
            1: each((-1, 0, 2), SIZE),
            2: each(NOT_POSITIVE, VALUE),
            3: each((-1, 4), VALUE),
            4: each((-1.0, NAN, INF), VALUE),
            5: each(NOT_POSITIVE, VALUE),
            6: each((-1000001, 1000001), SIZE),
            7: each((-1, 0, 1000001), SIZE),
            8: each((-0.1, 0.2, NAN), VALUE),
        },
    ),
    "dsp_line_score": Row(
        lambda: [f32(), N, 1.0, 50.0, 5.0, 3, 0.01, Out("dsp_score")],
        {
            1: each((-1, 0, 31), SIZE),
            2: each(NOT_POSITIVE, VALUE),
            3: [*each(NOT_POSITIVE, VALUE), (300.0, BAND), (0.5, BAND)],
            4: each((-1.0, NAN, INF), VALUE),
            5: each((-1, 0, 33), SIZE),
            6: each((-0.1, 0.2, NAN), VALUE),
        },
    ),
    "dsp_bearing_orders": Row(
        lambda: [9, 0.3, 1.5, 10.0, Out("dsp_bearing")],
        {
            0: each((-1, 0, 2, 1001), SIZE),
            1: each((*NOT_POSITIVE, 1.5), VALUE),
            2: each((*NOT_POSITIVE, 0.3), VALUE),
            3: each((-1.0, 90.0, NAN, INF), VALUE),
        },
    ),
    "dsp_severity_zone": Row(
        lambda: [2.0, In("float", 3, [1.0, 2.0, 4.0]), Out("int32_t")],
        {0: each((-1.0, NAN), VALUE)},
    ),
    "dsp_band_rms": Row(
        lambda: [f32(), N, 10.0, 1.5, In("float", 4, [10.0, 50.0, 60.0, 90.0]), 2, out(2)],
        {
            1: [*each((-1, 0, 1), SIZE), (5, BAND)],
            2: [*each(NOT_POSITIVE, VALUE), (1000.0, BAND)],
            3: each((0.9, NAN, INF), VALUE),
            5: each((-1, 0), SIZE),
        },
    ),
    "dsp_motion_init": Row(
        lambda: [3333.0, 10.0, 1.0, Out("dsp_motion")],
        {
            0: each(NOT_POSITIVE, VALUE),
            1: each((*NOT_POSITIVE, 0.3, 170.0), VALUE),
            2: each(NOT_POSITIVE, VALUE),
        },
    ),
    "dsp_motion_feed": Row(
        lambda: [motion(), i32(), N, Nothing("float", N), Nothing("float", N)], {2: [(-1, SIZE)]}
    ),
    "dsp_motion_read": Row(lambda: [motion(is_settled=True), Out("dsp_motion_set")]),
    "dsp_envelope_stream_init": Row(
        lambda: [
            *(envelope_setup(), Memory(ENVELOPE_BYTES), ENVELOPE_BYTES),
            Out("dsp_envelope_stream *"),
        ],
        {2: each((0, ENVELOPE_BYTES - 1), SPACE)},
    ),
    "dsp_envelope_stream_open": made_by("dsp_envelope_stream", make_envelope, ENVELOPE_BYTES),
    "dsp_envelope_stream_feed": Row(
        lambda: [envelope(), i16(), N, Out("int32_t")], {2: [(-1, SIZE)]}
    ),
    "dsp_envelope_stream_spectrum": Row(
        lambda: [envelope(is_full=True), Plan(), 1.0, 50, work(), out(50)],
        {2: each(NOT_POSITIVE, VALUE), 3: each((-1, 0, N // 2 + 1), BAND)},
        {(4, 5), (5, 4)},
    ),
    "dsp_kurtogram_band": Row(
        lambda: [N, 8, 3, Out("int32_t"), Out("int32_t")],
        {0: each(SIZES, SIZE), 1: each((-1, 0, 1, 9), SIZE), 2: each((-1, 35), BAND)},
    ),
    "dsp_kurtogram_add": Row(
        lambda: [
            *(f32(), N, 8, Memory(lib.dsp_kurtogram_bytes(N)), lib.dsp_kurtogram_bytes(N)),
            Out("float", 70, [0.0] * 70),
        ],
        {
            1: each(SIZES, SIZE),
            2: each((-1, 0, 1, 9), SIZE),
            4: each((0, lib.dsp_kurtogram_bytes(N) - 1), SPACE),
        },
    ),
    "dsp_kurtogram_best": Row(
        lambda: [f32(70), N, 8, 4, 1, 127, Out("int32_t"), out()],
        {
            1: each(SIZES, SIZE),
            2: each((-1, 0, 1, 9), SIZE),
            3: each((-1, 0, 1000001), VALUE),
            4: [(127, BAND)],
            5: [(1, BAND)],
        },
    ),
    "dsp_zoom_init": Row(
        lambda: [zoom_setup(), Memory(ZOOM_BYTES), ZOOM_BYTES, Out("dsp_zoom *")],
        {2: each((0, ZOOM_BYTES - 1), SPACE)},
    ),
    "dsp_zoom_open": made_by("dsp_zoom", make_zoom, ZOOM_BYTES),
    "dsp_zoom_feed": Row(lambda: [zoom(), i16(), N, Out("int32_t")], {2: [(-1, SIZE)]}),
    "dsp_zoom_spectrum": Row(
        lambda: [zoom(is_full=True), Plan(), 1.0, work(2 * N), out(ZOOM_BINS)],
        {2: each(NOT_POSITIVE, VALUE)},
        {(3, 4), (4, 3)},
    ),
    "dsp_goertzel_init": Row(
        lambda: [
            *(100.0, In("float", 3, [1.0, 2.0, 3.0]), 3),
            *(Out("dsp_goertzel_bin", 3), Out("dsp_goertzel")),
        ],
        {0: each((*NOT_POSITIVE, 6.0), VALUE), 2: each((-1, 0), SIZE)},
    ),
    "dsp_goertzel_feed": Row(lambda: [*goertzel(), i16(), N], {3: each((-1, (1 << 24) + 1), SIZE)}),
    "dsp_goertzel_read": Row(
        lambda: [*goertzel(is_fed=True), 1.0, out(6)], {2: each(NOT_POSITIVE, VALUE)}
    ),
    "dsp_halfband_init": Row(
        lambda: [
            *(3, Memory(lib.dsp_halfband_bytes(3)), lib.dsp_halfband_bytes(3)),
            Out("dsp_halfband *"),
        ],
        {0: each((-1, 0, 9), SIZE), 2: each((0, lib.dsp_halfband_bytes(3) - 1), SPACE)},
    ),
    "dsp_halfband_open": made_by("dsp_halfband", make_halfband, lib.dsp_halfband_bytes(3)),
    "dsp_halfband_feed": Row(
        lambda: [halfband(), i16(), N, 32, Out("int32_t", 32), Out("int32_t")],
        {2: [(-1, SIZE)], 3: each((-1, 31), SPACE)},
    ),
    "dsp_gas_init": Row(
        lambda: [
            *(0, 1.0, Nothing("dsp_gas_tuning", 1, [(100.0, 12.0, 12.0, 180.0, 50.0, 230.0)])),
            Out("dsp_gas"),
        ],
        {0: each((-1, 2), VALUE), 1: each((0.09, 61.0, NAN, INF), VALUE)},
        {(3, 2)},
    ),
    "dsp_gas_process": Row(lambda: [gas(), 28000, Out("int32_t")]),
    "dsp_fifo_split": Row(
        lambda: [
            In("uint8_t", 28, [0x11, 1, 0, 2, 0, 3, 0] * 4),
            *(4, 4, Out("int16_t", 4), Out("int16_t", 4), Out("int16_t", 4), Out("dsp_fifo_info")),
        ],
        {1: [(-1, SIZE)], 2: each((-1, 0, 3), SPACE)},
    ),
    "dsp_xyz_split": Row(
        lambda: [
            *(In("uint8_t", 24, range(24)), 4, 6, 32767),
            *(Out("int16_t", 4), Out("int16_t", 4), Out("int16_t", 4), Out("int32_t")),
        ],
        {1: [(-1, SIZE)], 2: each((-1, 0, 7), SIZE)},
    ),
    "dsp_widen": Row(lambda: [i16(), N, Out("int32_t", N)], {1: [(-1, SIZE)]}),
    "dsp_pack_f16": Row(
        lambda: [f32(), N, Out("uint16_t", N)], {1: [(-1, SIZE)]}, {(2, 0), (0, 2)}
    ),
    "dsp_pack_db8": Row(
        lambda: [f32(), N, 0.5, Out("uint8_t", N), out()],
        {1: [(-1, SIZE)], 2: each(NOT_POSITIVE, VALUE)},
    ),
}

# Functions that return no status: arguments, and what they return for NULL or wrong numbers.
NO_STATUS: dict[str, list[tuple[list[Any], Any]]] = {
    "dsp_plan_bytes": [([n], 0) for n in SIZES],
    "dsp_plan_n": [([ffi.NULL], 0)],
    "dsp_decimate_reset": [([ffi.NULL], None)],
    "dsp_decimate_count": [([ffi.NULL, 9], 0)],
    "dsp_welch_bytes": [([n], 0) for n in SIZES],
    "dsp_welch_reset": [([ffi.NULL], None)],
    "dsp_welch_segments": [([ffi.NULL], 0)],
    "dsp_welch_n": [([ffi.NULL], 0)],
    "dsp_envelope_stream_bytes": [([ffi.NULL], 0)],
    "dsp_envelope_stream_reset": [([ffi.NULL], None)],
    "dsp_envelope_stream_bin_hz": [([ffi.NULL], 0.0)],
    "dsp_envelope_stream_span": [([ffi.NULL], 0)],
    "dsp_envelope_stream_missing": [([ffi.NULL], 0)],
    "dsp_kurtogram_bands": [([n, 8], 0) for n in SIZES] + [([N, p], 0) for p in (-1, 0, 1, 9)],
    "dsp_kurtogram_bytes": [([n], 0) for n in SIZES],
    "dsp_zoom_bytes": [([ffi.NULL], 0)],
    "dsp_zoom_reset": [([ffi.NULL], None)],
    "dsp_zoom_missing": [([ffi.NULL], 0)],
    "dsp_zoom_bins": [([ffi.NULL], 0)],
    "dsp_zoom_first_hz": [([ffi.NULL], 0.0)],
    "dsp_zoom_bin_hz": [([ffi.NULL], 0.0)],
    "dsp_halfband_bytes": [([n], 0) for n in (-1, 0, 9)],
    "dsp_halfband_reset": [([ffi.NULL], None)],
    "dsp_halfband_count": [([ffi.NULL, 9], 0)],
    "dsp_sincos": [
        ([0, ffi.NULL, ffi.new("float *")], None),
        ([0, ffi.new("float *"), ffi.NULL], None),
    ],
    "dsp_exp2": [([INF], 3.4028234663852886e38), ([-INF], 0.0)],
    "dsp_log2": [([1.0], 0.0)],  # a number for any bits: nothing to refuse
    "dsp_status_text": [],  # its own test
}


def declared(header: str) -> dict[str, str]:
    """Every function of a header and its return type."""
    text = re.sub(r"//[^\n]*", "", (CORE / header).read_text())
    found = re.findall(r"^(?:DSP_INLINE )?(\w[\w ]*[ *])(dsp_\w+)\(", text, re.M)
    return {name: result.strip() for result, name in found}


def test_every_public_function_has_a_row():
    public = declared("dsp.h")
    assert len(public) > 70
    assert set(ROWS) == {name for name, result in public.items() if result == "dsp_status"}
    assert set(NO_STATUS) == set(public) - set(ROWS)
    # What the core's files share is not for callers: only helpers of these checks return a status.
    shared = declared("condition.h") | declared("internal.h")
    statuses = {name for name, result in shared.items() if result == "dsp_status"}
    assert statuses == {"dsp_memory_status", "dsp_check_buffers"}


def passed(arguments: list[Any]) -> list[Any]:
    return [a.pointer() if isinstance(a, Buffer) else a for a in arguments]


Wrong = Callable[[list[Any]], Any]  # of the arguments made: what is passed instead


def constant(value: Any) -> Wrong:
    return lambda _made: value


def misaligned(i: int) -> Wrong:
    return lambda made: made[i].pointer(1)


def memory_of(k: int, i: int) -> Wrong:
    return lambda made: made[k].at(made[i].ctype)


def bad_buffers(row: Row) -> Iterator[tuple[str, int, Wrong, int]]:
    """(what, position, what is passed there, status) of every fault of a pointer."""
    buffers = [(i, a) for i, a in enumerate(row.arguments()) if isinstance(a, Buffer)]
    for i, one in buffers:
        if one.when_null != lib.DSP_OK:
            yield "NULL", i, constant(ffi.NULL), one.when_null
        if one.element_bytes > 1:
            yield "misaligned", i, misaligned(i), one.when_misaligned
        for k, other in buffers:
            if i == k or one.is_state or isinstance(one, Plan) or (i, k) in row.may_be_one:
                continue
            if one.is_written or other.is_written:
                yield f"the memory of argument {k}", i, memory_of(k, i), OVERLAP


@pytest.mark.parametrize("name", ROWS)
def test_good_arguments_are_taken(name):
    arguments = ROWS[name].arguments()
    assert getattr(lib, name)(*passed(arguments)) == lib.DSP_OK


@pytest.mark.parametrize("name", ROWS)
def test_bad_arguments_are_named_and_nothing_is_written(name):
    row, function = ROWS[name], getattr(lib, name)
    faults = list(bad_buffers(row))
    for i, refused in row.refused.items():
        faults += [(f"{v}", i, constant(v), status) for v, status in refused]
    assert faults
    for what, i, wrong, status in faults:
        made = row.arguments()
        before = [a.content() for a in made if isinstance(a, Buffer)]
        given = passed(made)
        given[i] = wrong(made)
        assert function(*given) == status, f"argument {i} is {what}"
        after = [a.content() for a in made if isinstance(a, Buffer)]
        assert after == before, f"argument {i} is {what}: something was written"


@pytest.mark.parametrize("name", NO_STATUS)
def test_functions_without_a_status_refuse_by_what_they_return(name):
    for arguments, wanted in NO_STATUS[name]:
        assert getattr(lib, name)(*arguments) == wanted


def test_every_status_has_a_text_of_its_own():
    statuses = [getattr(lib, one) for one in dir(lib) if re.match("DSP_(ERR_|OK$)", one)]
    texts = {ffi.string(lib.dsp_status_text(status)) for status in statuses}
    assert len(texts) == len(statuses) >= 9
    assert ffi.string(lib.dsp_status_text(1)) not in texts
