"""Every refusal of the C interface, those that NumPy callers cannot reach too; none writes."""

import numpy as np
import pytest

from resonode import dsp
from tests.dsp.reference import SIZES, noise

ffi, lib = dsp._ffi, dsp._lib
UNTOUCHED = ffi.cast("dsp_plan *", 1)


def memory(n: int) -> tuple[object, int]:
    n_bytes = lib.dsp_plan_bytes(n)
    return ffi.new("float[]", n_bytes // 4 + 1), n_bytes


def plan_of(n: int):
    held, n_bytes = memory(n)
    plan = ffi.new("dsp_plan const **")
    assert lib.dsp_plan_init(n, held, n_bytes, plan) == lib.DSP_OK
    return plan[0], held


@pytest.mark.parametrize("n", [-256, 0, 1, 128, 257, 1000, 32768, 2**30])
def test_there_is_no_plan_for_other_sizes(n):
    plan = ffi.new("dsp_plan const **", UNTOUCHED)
    assert lib.dsp_plan_bytes(n) == 0
    assert lib.dsp_plan_init(n, ffi.new("float[4096]"), 16384, plan) == lib.DSP_ERR_SIZE
    assert plan[0] == UNTOUCHED


@pytest.mark.parametrize("n", SIZES)
def test_plan_memory_is_used_up_to_its_size_and_no_further(n):
    n_bytes = lib.dsp_plan_bytes(n)
    held = np.full(n_bytes // 4 + 8, np.float32(-7))
    plan = ffi.new("dsp_plan const **")
    assert lib.dsp_plan_init(n, ffi.from_buffer(held), n_bytes, plan) == lib.DSP_OK
    assert lib.dsp_plan_n(plan[0]) == n
    assert (held[n_bytes // 4 :] == -7).all()
    # Cosine and sine in turn: every pair lies on the unit circle.
    pairs = held[4 : n_bytes // 4].reshape(-1, 2)
    assert np.allclose(np.hypot(*pairs.T), 1, atol=2.5e-7)


def test_plan_memory_too_small_or_not_aligned_is_refused():
    held, n_bytes = memory(256)
    plan = ffi.new("dsp_plan const **", UNTOUCHED)
    assert lib.dsp_plan_init(256, held, n_bytes - 1, plan) == lib.DSP_ERR_SPACE
    odd = ffi.cast("char *", held) + 2
    assert lib.dsp_plan_init(256, odd, n_bytes, plan) == lib.DSP_ERR_ALIGN
    assert lib.dsp_plan_open(odd, n_bytes, plan) == lib.DSP_ERR_ALIGN
    assert plan[0] == UNTOUCHED


def test_only_what_plan_init_filled_opens_as_a_plan():
    made, held = plan_of(256)
    n_bytes = lib.dsp_plan_bytes(256)
    plan = ffi.new("dsp_plan const **", UNTOUCHED)
    for refused_bytes in (0, 15, n_bytes - 1):
        assert lib.dsp_plan_open(held, refused_bytes, plan) == lib.DSP_ERR_PLAN
    words = ffi.cast("int32_t *", held)
    for field in range(4):  # mark, n, leaf, passes
        before = words[field]
        for wrong in (before ^ 1, before ^ 0x100, 0, -1):
            words[field] = wrong
            assert lib.dsp_plan_open(held, n_bytes, plan) == lib.DSP_ERR_PLAN, (field, wrong)
        words[field] = before
    assert plan[0] == UNTOUCHED
    assert lib.dsp_plan_open(held, n_bytes, plan) == lib.DSP_OK and plan[0] == made


def test_a_plan_may_be_copied():
    _, held = plan_of(1024)
    n_bytes = lib.dsp_plan_bytes(1024)
    copy = ffi.new("float[]", n_bytes // 4)
    ffi.memmove(copy, held, n_bytes)
    plan = ffi.new("dsp_plan const **")
    assert lib.dsp_plan_open(copy, n_bytes, plan) == lib.DSP_OK
    x, y = noise(1024, 1), np.empty(1024, np.float32)
    lib.dsp_rfft_i16(plan[0], ffi.from_buffer("int16_t[]", x), ffi.from_buffer("float[]", y))
    assert np.array_equal(y, dsp.rfft(x))


def test_what_is_no_plan_is_refused_everywhere_and_outputs_stay():
    zeros = ffi.new("float[64]")
    fake = ffi.cast("dsp_plan *", zeros)
    x, rec = ffi.new("int16_t[256]"), ffi.new("int32_t[256]")
    y, out = ffi.new("float[512]", [5.0] * 512), ffi.new("float *", 5.0)
    refusals = [
        lib.dsp_rfft_f32(fake, ffi.new("float[256]"), y),
        lib.dsp_rfft_i16(fake, x, y),
        lib.dsp_rfft_i32(fake, rec, y),
        lib.dsp_spectrum(fake, x, 1.0, ffi.new("float[256]"), y),
        lib.dsp_envelope(fake, y, 256, 10, 20, 1.0, 5, ffi.new("float[512]"), y),
        lib.dsp_velocity(fake, rec, 1.0, 3333.0, 10.0, 1000.0, ffi.new("float[256]"), out),
    ]
    assert refusals == [lib.DSP_ERR_PLAN] * 6
    assert set(y) == {5.0} and out[0] == 5.0


def test_envelope_refuses_sizes_that_do_not_fit_each_other():
    plan, _held = plan_of(256)
    y, scratch, amp = (ffi.new("float[1024]") for _ in range(3))
    amp[0] = 5.0

    def run(n: int, k_lo: int, k_hi: int, scale: float = 1.0) -> int:
        return lib.dsp_envelope(plan, y, n, k_lo, k_hi, scale, 1, scratch, amp)

    assert run(1000, 10, 20) == lib.DSP_ERR_SIZE
    assert run(1024, 10, 138) == lib.DSP_ERR_SIZE  # 129 bins need 258 points
    assert run(1024, 10, 20, 0.0) == lib.DSP_ERR_VALUE
    assert run(1024, 10, 20, float("nan")) == lib.DSP_ERR_VALUE
    assert amp[0] == 5.0
    assert run(1024, 10, 137) == lib.DSP_OK


def test_spectrum_may_overwrite_its_own_work():
    plan, _held = plan_of(1024)
    x = noise(1024, 1)
    work, amp = np.empty(1024, np.float32), np.empty(513, np.float32)
    source = ffi.from_buffer("int16_t[]", x)
    lib.dsp_spectrum(
        plan, source, 1.0, ffi.from_buffer("float[]", work), ffi.from_buffer("float[]", amp)
    )
    assert np.array_equal(amp, dsp.spectrum(x, 1.0))


def test_power_averages_are_quadratic_and_clear_their_sum():
    acc, amp = ffi.new("float[2]"), ffi.new("float[2]")
    for values in ([3.0, 0.0], [4.0, 2.0]):
        assert lib.dsp_power_add(ffi.new("float[]", values), 2, acc) == lib.DSP_OK
    assert list(acc) == [25.0, 4.0]
    assert lib.dsp_power_mean(2, 0, acc, amp) == lib.DSP_ERR_VALUE
    assert lib.dsp_power_mean(0, 1, acc, amp) == lib.DSP_ERR_SIZE
    assert lib.dsp_power_add(amp, 0, acc) == lib.DSP_ERR_SIZE
    assert list(acc) == [25.0, 4.0] and list(amp) == [0.0, 0.0]
    assert lib.dsp_power_mean(2, 2, acc, amp) == lib.DSP_OK
    assert list(amp) == pytest.approx([(25 / 2) ** 0.5, 2**0.5], rel=1.2e-7)
    assert list(acc) == [0.0, 0.0]


def test_decimate_refuses_without_consuming():
    state, produced = ffi.new("dsp_decimator *"), ffi.new("int32_t *", -5)
    x, out = ffi.new("int16_t[100]", [9] * 100), ffi.new("int32_t[12]")
    state.phase = 77  # memory that was never reset
    assert lib.dsp_decimate(state, x, 8, 12, out, produced) == lib.DSP_ERR_VALUE
    lib.dsp_decimate_reset(state)
    assert lib.dsp_decimate(state, x, -1, 12, out, produced) == lib.DSP_ERR_SIZE
    assert lib.dsp_decimate(state, x, 100, 11, out, produced) == lib.DSP_ERR_SPACE
    assert produced[0] == -5 and set(out) == {0} and state.phase == -1
    assert lib.dsp_decimate(state, x, 100, 12, out, produced) == lib.DSP_OK
    assert produced[0] == 12 and set(out) == {9 * 256}


def test_negative_counts_are_refused():
    out = ffi.new("uint16_t *", 7)
    assert lib.dsp_pack_f16(ffi.new("float *"), -1, out) == lib.DSP_ERR_SIZE
    floor, codes = ffi.new("float *", 7.0), ffi.new("uint8_t *", 7)
    assert lib.dsp_pack_db8(ffi.new("float *"), -1, 0.5, codes, floor) == lib.DSP_ERR_SIZE
    info = ffi.new("dsp_fifo_info *", {"bad": 7})
    none = ffi.new("int16_t *")
    assert lib.dsp_fifo_split(b"", -1, 0, none, none, none, info) == lib.DSP_ERR_SIZE
    assert (out[0], floor[0], codes[0], info.bad) == (7, 7.0, 7, 7)


def test_every_status_has_its_own_text():
    texts = [ffi.string(lib.dsp_status_text(status)) for status in range(0, -9, -1)]
    assert len(set(texts)) == 9 and b"unknown status" not in texts
    assert ffi.string(lib.dsp_status_text(-99)) == b"unknown status"
