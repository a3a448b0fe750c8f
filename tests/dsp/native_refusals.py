# Runs on: MicroPython, started by test_native_module.py
#   micropython native_refusals.py FOLDER_OF_DSP_MPY dsp
# Prints "ok NAME" for each check that holds; what does not, raises.
import struct
import sys
from array import array

sys.path.insert(0, sys.argv[1])

dsp = __import__(sys.argv[2])  # by name: tools for CPython must not look for it

N = 256
X = array("h", range(N))
F = array("f", bytes(4 * N))
G = array("f", bytes(4 * 2 * N))
I32 = array("i", bytes(4 * N))
PLAN = bytearray(dsp.plan_bytes(N))
dsp.plan_init(N, PLAN)
STATE = bytearray(dsp.decimate_bytes())
dsp.decimate_reset(STATE)
IMAGE = bytes([0x11, 1, 0, 2, 0, 3, 0]) * 4  # 0x11: acceleration, counter 0, odd bits made even


def refused(name, call, *args):
    said = "nothing"
    try:
        call(*args)
    except ValueError as error:
        said = str(error)
    assert said.startswith(name + ":"), (name, said, call)
    print("ok", name, call)


def check_lengths():
    refused("n", dsp.plan_bytes, 1000)
    refused("n", dsp.plan_init, 1000, PLAN)
    refused("plan_buf", dsp.plan_init, N, bytearray(dsp.plan_bytes(N) - 4))
    refused("plan_buf", dsp.plan_init, N, memoryview(bytearray(4 * N + 2))[2:])
    refused("n", dsp.spectrum, PLAN, X, 0, 512, 1.0, F, F)
    refused("plan", dsp.spectrum, bytearray(4 * N), X, 0, N, 1.0, F, F)
    refused("plan", dsp.spectrum, PLAN[:-4], X, 0, N, 1.0, F, F)
    refused("x", dsp.spectrum, PLAN, X, 1, N, 1.0, F, F)
    refused("x", dsp.spectrum, PLAN, X, -1, N, 1.0, F, F)
    refused("x", dsp.rfft, PLAN, memoryview(bytes(2 * N + 1))[1:], 0, N, F)
    refused("work", dsp.spectrum, PLAN, X, 0, N, 1.0, memoryview(F)[1:], F)
    refused("amp", dsp.spectrum, PLAN, X, 0, N, 1.0, F, memoryview(F)[: N // 2])
    refused("work", dsp.rfft, PLAN, X, 0, N, memoryview(F)[1:])
    refused("at", dsp.features, X, 1 << 40, N, 1.0, F)
    refused("x", dsp.features, X, 0, N + 1, 1.0, F)
    refused("n", dsp.features, X, 0, 1, 1.0, F)
    refused("out", dsp.features, X, 0, N, 1.0, memoryview(F)[:7])
    refused("amp", dsp.power_add, F, F, N + 1)
    refused("n", dsp.power_add, F, F, 0)
    refused("acc", dsp.power_mean, F, N + 1, 1, F)
    refused("src", dsp.pack_f16, F, N + 1, bytearray(4 * N))
    refused("src", dsp.pack_f16, F, -1, bytearray(4 * N))
    refused("dst", dsp.pack_f16, F, N, bytearray(2 * N - 1))
    refused("dst", dsp.pack_db8, F, N, 0.5, bytearray(N - 1))


def check_values():
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        refused("scale", dsp.spectrum, PLAN, X, 0, N, scale, F, F)
        refused("scale", dsp.features, X, 0, N, scale, F)
        refused("scale", dsp.envelope, PLAN, F, N, 10, 20, scale, G, 5, F)
    refused("count", dsp.power_mean, F, N, 0, F)
    refused("step_db", dsp.pack_db8, F, N, 0.0, bytearray(N))


def check_envelope():
    refused("plan_m", dsp.envelope, bytearray(64), F, N, 10, 20, 1.0, G, 5, F)
    refused("n", dsp.envelope, PLAN, F, 100, 10, 20, 1.0, G, 5, F)
    refused("work_n", dsp.envelope, PLAN, F, 2 * N, 10, 20, 1.0, G, 5, F)
    refused("scratch", dsp.envelope, PLAN, F, N, 10, 20, 1.0, memoryview(G)[1:], 5, F)
    refused("k_lo, k_hi, bins", dsp.envelope, PLAN, F, N, 0, 20, 1.0, G, 5, F)
    refused("k_lo, k_hi, bins", dsp.envelope, PLAN, F, N, 10, 20, 1.0, G, 12, F)
    refused("amp", dsp.envelope, PLAN, F, N, 10, 20, 1.0, G, 5, memoryview(F)[:4])


def check_streams():
    refused("state", dsp.decimate_reset, bytearray(dsp.decimate_bytes() - 1))
    refused("state", dsp.decimate, bytearray(b"\x55" * 300), X, 0, N, I32, 0)
    refused("out", dsp.decimate, STATE, X, 0, N, I32, N - 31)
    refused("out", dsp.decimate, STATE, X, 0, N, I32, N + 1)
    assert dsp.decimate(STATE, X, 0, N, I32, N - 32) == 32
    refused("rec", dsp.velocity, PLAN, memoryview(I32)[1:], N, 1.0, 3333.0, 10.0, 1000.0, F)
    refused("f_lo_hz, f_hi_hz", dsp.velocity, PLAN, I32, N, 1.0, 2560.0, 11.0, 19.0, F)
    bad = "scale, rate_hz, f_lo_hz, f_hi_hz"
    refused(bad, dsp.velocity, PLAN, I32, N, 1.0, 2560.0, 100.0, 50.0, F)


def check_fifo():
    x, y, z, info = (array(t, [7] * 8) for t in "hhhi")
    refused("image", dsp.fifo_split, IMAGE, 5, x, y, z, 0, info)
    refused("words", dsp.fifo_split, IMAGE, -1, x, y, z, 0, info)
    refused("x, y, z", dsp.fifo_split, IMAGE, 4, x, y, z, 5, info)
    refused("x, y, z", dsp.fifo_split, IMAGE, 4, x, y, z, 9, info)
    refused("info", dsp.fifo_split, IMAGE, 4, x, y, z, 0, memoryview(info)[1:])
    assert list(x) == list(y) == list(z) == list(info) == [7] * 8
    assert dsp.fifo_split(IMAGE, 4, x, y, z, 4, info) == 4
    assert list(x) == [7] * 4 + [1] * 4 and list(z) == [7] * 4 + [3] * 4
    # The counter stands still: a hole. No time stamp, no temperature.
    assert list(info) == [4, 0, 0, 0, 0, 0, 0, 1]
    stamp = bytes([0x21]) + struct.pack("<IH", 0x80000001, 0)
    warm = bytes([0x1B]) + struct.pack("<h4x", -300)
    image = IMAGE[:7] + stamp + bytes([0x10]) + bytes(6) + warm
    assert dsp.fifo_split(image, 4, x, y, z, 0, info) == 1
    assert list(info) == [1, 1, 0x80000001 - (1 << 32), 1, 1, -300, 1, 0]
    print("ok fifo_split")


def check_plain_entries():
    x, y, z = (array("h", [7] * 8) for _ in "xyz")
    image = struct.pack("<6h", 1, -2, 3, 32764, 32763, -32768)
    refused("image", dsp.xyz_split, image, 3, 6, 32767, x, y, z, 0)
    refused("entries", dsp.xyz_split, image, -1, 6, 32767, x, y, z, 0)
    refused("entry_bytes", dsp.xyz_split, image, 1, 7, 32767, x, y, z, 0)
    refused("x, y, z", dsp.xyz_split, image, 2, 6, 32767, x, y, z, 7)
    assert list(x) == list(y) == list(z) == [7] * 8
    assert dsp.xyz_split(image, 2, 6, 32764, x, y, z, 6) == 2
    assert [list(axis)[5:] for axis in (x, y, z)] == [[7, 1, 32767], [7, -2, 32763], [7, 3, -32768]]
    wide = array("i", [7] * 4)
    refused("x", dsp.widen, x, 7, 2, wide, 0)
    refused("out", dsp.widen, x, 0, 2, wide, 3)
    refused("x", dsp.widen, x, 0, -1, wide, 0)
    assert list(wide) == [7] * 4
    dsp.widen(z, 6, 2, wide, 1)
    assert list(wide) == [7, 3 << 8, -(1 << 23), 7]
    print("ok plain entries")


check_lengths()
check_values()
check_envelope()
check_streams()
check_fifo()
check_plain_entries()
assert (dsp.DECIMATE_FACTOR, dsp.DECIMATE_FRACTION_BITS) == (8, 8)
print("done")
