# Runs on: MicroPython, started by test_native_module.py, and on chips by tests/emulated
#   micropython native_vectors.py FOLDER_OF_DSP_MPY dsp INPUT OUTPUT
# INPUT: for each n, n int16 samples. OUTPUT: every result, raw, in the order of `run`.
import struct
import sys
from array import array

sys.path.insert(0, sys.argv[1])

dsp = __import__(sys.argv[2])  # by name: tools for CPython must not look for it

SCALE = 0.488e-3 * 9.80665
SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384)
RATE_HZ = 26667.0


def floats(n):
    return array("f", bytes(4 * n))


def plan_of(n):
    plan = bytearray(dsp.plan_bytes(n))
    dsp.plan_init(n, plan)
    return plan


def run(x, at, n, write):
    plan, work, amp = plan_of(n), floats(n), floats(n // 2 + 1)
    out = floats(8)
    dsp.features(x, at, n, SCALE, out)
    write(out)

    dsp.spectrum(plan, x, at, n, SCALE, work, amp)
    write(amp)

    half, code = array("H", bytes(n + 2)), bytearray(n // 2 + 1)
    dsp.pack_f16(amp, n // 2 + 1, half)
    write(half)
    floor_db = dsp.pack_db8(amp, n // 2 + 1, 0.5, code)
    write(code)
    write(struct.pack("<f", floor_db))

    acc = floats(n // 2 + 1)
    dsp.power_add(acc, amp, n // 2 + 1)
    dsp.power_add(acc, amp, n // 2 + 1)
    dsp.power_mean(acc, n // 2 + 1, 2, amp)
    write(amp)
    assert max(acc) == 0

    dsp.rfft(plan, x, at, n, work)
    write(work)
    k_lo, k_hi = n * 2 // 27, n * 4 // 27
    m = 256
    while m < 2 * (k_hi - k_lo + 1):
        m *= 2
    bins = k_hi - k_lo + 1
    dsp.envelope(plan_of(m), work, n, k_lo, k_hi, SCALE, floats(2 * m), bins, amp)
    write(memoryview(amp)[:bins])

    state = bytearray(dsp.decimate_bytes())
    dsp.decimate_reset(state)
    rec = array("i", bytes(4 * n))
    held = 0
    while held < n:  # the same block again and again, in uneven pieces, until a record is full
        cut = min(n // 3 + 5, 8 * (n - held))
        held += dsp.decimate(state, x, at, cut, rec, held)
    write(rec)
    speed = dsp.velocity(plan, rec, n, SCALE, RATE_HZ / 8, 14.0, 1000.0, work)
    write(struct.pack("<f", speed))


def main():
    with open(sys.argv[3], "rb") as source, open(sys.argv[4], "wb") as sink:
        for n in SIZES:
            x = array("h", bytes(2 * (n + 3)))
            source.readinto(memoryview(x)[3:])
            run(x, 3, n, sink.write)


main()
