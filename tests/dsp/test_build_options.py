"""What a build may choose (c_dsp/config.h) changes no bit of a result.

Twiddles may be constants or computed, strides known or not, vectors used or not: the operations are
the same, and nothing may be contracted or reassociated.
"""

import importlib.util
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cffi import FFI

from resonode import dsp
from tests.dsp.reference import SIZES

CORE = Path(__file__).resolve().parents[2] / "c_dsp"
FLAGS = ["-std=c99", "-O1", "-fno-math-errno", "-ffp-contract=off", "-shared", "-fPIC"]
FILES = ("buffers.c", "fft.c", "fft_lanes.c", "plan.c", "math.c", "twiddles.c")
DECLARED = """
typedef struct dsp_plan dsp_plan;
size_t dsp_plan_bytes(int32_t n);
int dsp_plan_init(int32_t n, void *memory, size_t memory_bytes, const dsp_plan **plan);
int dsp_rfft_f32(const dsp_plan *plan, const float x[], float y[]);
int dsp_rfft_f32_window(const dsp_plan *plan, const float x[], const float window[], float y[]);
float dsp_soft_sqrt(float x);
"""


def load(folder: Path, *options: str):
    library = folder / "core.so"
    sources = [str(CORE / name) for name in FILES]
    subprocess.run(["cc", *FLAGS, *options, "-o", str(library), *sources], check=True)
    ffi = FFI()
    ffi.cdef(DECLARED)
    return ffi, ffi.dlopen(str(library))


def transform(ffi, lib, x: np.ndarray, window: np.ndarray | None = None) -> np.ndarray | None:
    """None: this build has no such size."""
    n_bytes = lib.dsp_plan_bytes(len(x))
    if n_bytes == 0:
        return None
    memory, plan = ffi.new("float[]", n_bytes // 4), ffi.new("dsp_plan const **")
    assert lib.dsp_plan_init(len(x), memory, n_bytes, plan) == 0
    y = np.empty_like(x)
    inputs = [ffi.from_buffer("float[]", a) for a in (x, window) if a is not None]
    run = lib.dsp_rfft_f32 if window is None else lib.dsp_rfft_f32_window
    assert run(plan[0], *inputs, ffi.from_buffer("float[]", y)) == 0
    return y


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(n).standard_normal(n).astype(np.float32)


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (["-DDSP_TABLES_IN_CALLER_MEMORY=1"], SIZES),
        (["-DDSP_PORTABLE"], SIZES),
        (["-DDSP_PORTABLE", "-DDSP_SPECIALISE=0"], SIZES),
        (["-DDSP_PORTABLE", "-DDSP_TABLES_IN_CALLER_MEMORY=1", "-DDSP_SPECIALISE=1024"], SIZES),
        (["-DDSP_PORTABLE", "-DDSP_SMALL=1", "-DDSP_SPECIALISE=0"], SIZES),
        (["-DDSP_SIZES=1024"], (1024,)),
        (["-DDSP_SIZES=(256|2048)", "-DDSP_SPECIALISE=256"], (256, 2048)),
        (["-DDSP_SIZES=16384"], (16384,)),
    ],
)
def test_options_change_no_bit(tmp_path, options, sizes):
    ffi, lib = load(tmp_path, *options)
    for n in SIZES:
        y = transform(ffi, lib, samples(n))
        assert (y is not None) == (n in sizes)
        assert y is None or (y == dsp.rfft(samples(n))).all()


def test_rows_of_a_matrix_transform_like_single_records():
    for n in SIZES:
        x = np.stack([samples(n), samples(n)[::-1], np.zeros(n, np.float32)])
        assert (dsp.rfft_rows(x) == [dsp.rfft(row.copy()) for row in x]).all()
    assert dsp.rfft_rows(np.zeros((0, 256), np.float32)).shape == (0, 256)
    with pytest.raises(TypeError):
        dsp.rfft_rows(samples(256))


def test_a_window_in_the_transform_is_a_window_before_it(tmp_path):
    # The product is rounded before anything else is done with it, so the bits are the same.
    ffi, lib = load(tmp_path)
    for n in SIZES:
        x, window = samples(n), samples(n + 1)[:n]
        assert (transform(ffi, lib, x, window) == dsp.rfft(x * window)).all()


def test_the_table_is_what_its_generator_writes():
    spec = importlib.util.spec_from_file_location("twiddles", CORE / "twiddles.py")
    assert spec and spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert (CORE / "twiddles.h").read_text() == generator.table()
    assert (CORE / "twiddles_q15.h").read_text() == generator.table_q15()


def test_the_square_root_for_chips_without_fpu_has_the_bits_of_one(tmp_path):
    _, lib = load(tmp_path)
    bits = np.random.default_rng(1).integers(0, 2**31, 20_000).astype(np.uint32)
    special = np.array([0, 1, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0x7F800000, 0x3F800000], np.uint32)
    x = np.concatenate([special, bits, bits >> 9]).view(np.float32)  # the last: subnormal
    got = np.array([lib.dsp_soft_sqrt(float(value)) for value in x], np.float32)
    with np.errstate(invalid="ignore"):  # NaN among the random bits
        np.testing.assert_array_equal(got, np.sqrt(x))
    assert np.isnan(lib.dsp_soft_sqrt(-1.0)) and np.signbit(lib.dsp_soft_sqrt(-0.0))
