"""The host binding `resonode._dsp`, built by `cffi_modules = c_dsp/build_cffi.py:ffibuilder`.

Its declarations are the part of dsp.h between the cffi marks: nothing is retyped.
Sources are given relative to the repository root, where setuptools runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cffi import FFI

SOURCES = (
    "band.c",
    "bands.c",
    "bearing.c",
    "buffers.c",
    "decimate.c",
    "envelope.c",
    "envelope_stream.c",
    "exp2.c",
    "features.c",
    "fft.c",
    "fft_lanes.c",
    "fifo.c",
    "gas_index.c",
    "goertzel.c",
    "halfband.c",
    "hann.c",
    "kurtogram.c",
    "irfft.c",
    "math.c",
    "motion.c",
    "pack.c",
    "peaks.c",
    "plan.c",
    "rfft_q15.c",
    "shape.c",
    "spectrum.c",
    "twiddles.c",
    "twiddles_q15.c",
    "velocity.c",
    "welch.c",
    "window.c",
    "zoom.c",
)

# One answer on every target: no fused multiply-add, IEEE arithmetic as written.
FLAGS = ["-std=c99", "-O2", "-fno-math-errno", "-ffp-contract=off"]


def declarations(header: str) -> str:
    """What `cdef` takes: the text between the marks."""
    return header.split("/* cffi: begin */")[1].split("/* cffi: end */")[0]


def include_dir() -> str:
    """Relative in a build from the repository root: no wheel holds a path of this machine."""
    here = Path(__file__).resolve().parent
    return "c_dsp" if here == Path("c_dsp").resolve() else str(here)


ffibuilder = FFI()
ffibuilder.cdef(declarations(Path(__file__).with_name("dsp.h").read_text(encoding="utf-8")))
ffibuilder.set_source(
    "resonode._dsp",
    '#include "dsp.h"',
    sources=[f"c_dsp/{name}" for name in SOURCES],
    include_dirs=[include_dir()],
    extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    py_limited_api=True,
)
