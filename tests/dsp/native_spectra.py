# Runs on: MicroPython, started by test_native_spectra.py
#   micropython native_spectra.py FOLDER_OF_DSP_MPY dsp INPUT OUTPUT
# INPUT: 40000 int16 samples. OUTPUT: every result, raw, in the order of `run`.
import struct
import sys
from array import array

sys.path.insert(0, sys.argv[1])

dsp = __import__(sys.argv[2])  # by name: tools for CPython must not look for it

SCALE = 0.488e-3 * 9.80665
RATE_HZ = 26667.0
SIZES = (256, 512, 1024, 2048, 4096, 8192)
ZOOM = (RATE_HZ, 2900.0, 3100.0, 256)
FREQUENCIES_HZ = array("f", [0.0, 99.7, 3000.0, 9876.5])


def floats(n):
    return array("f", bytes(4 * n))


def plan_of(n):
    plan = bytearray(dsp.plan_bytes(n))
    dsp.plan_init(n, plan)
    return plan


def refused(name, call, *args):
    said = "nothing"
    try:
        call(*args)
    except ValueError as error:
        said = str(error)
    assert said.startswith(name), (name, said, call)


def transforms(x, write):
    for n in SIZES:
        plan, y, work, back = plan_of(n), floats(n), floats(n), floats(n)
        given = array("f", x[:n])
        dsp.rfft_f32(plan, given, n, y)
        write(y)
        dsp.irfft(plan, y, n, work, back)
        write(back)
        y16 = array("h", bytes(2 * n))
        write(struct.pack("<i", dsp.rfft_q15(x, 0, n, y16)))
        write(y16)
    refused("n", dsp.rfft_f32, plan, given, 512, y)
    refused("x", dsp.rfft_f32, plan, memoryview(given)[1:], n, y)
    refused("x", dsp.irfft, plan, y, n, work, memoryview(back)[1:])
    refused("work", dsp.irfft, plan, y, n, memoryview(work)[1:], back)
    refused("n", dsp.rfft_q15, x, 0, 1000, y16)
    refused("n", dsp.rfft_q15, x, 0, 16384, array("h", bytes(32768)))
    refused("x, y", dsp.rfft_q15, x, 1, 256, y16)
    refused("x, y", dsp.rfft_q15, y16, 0, 256, y16)
    refused("y", dsp.rfft_q15, x, 0, 8192, memoryview(y16)[1:])


def windows(x, write):
    n = 1024
    plan, w, work, amp, out = plan_of(n), floats(n), floats(2 * n), floats(n // 2 + 1), floats(2)
    dsp.kaiser(n, 8.6, w, out)
    write(w)
    write(out)
    dsp.spectrum_table(plan, x, 5, n, SCALE, w, out[0], work, amp)
    write(amp)
    refused("n", dsp.kaiser, 1, 8.6, w, out)
    refused("beta", dsp.kaiser, n, 40.5, w, out)
    refused("w", dsp.kaiser, n + 1, 8.6, w, out)
    refused("work", dsp.spectrum_table, plan, x, 5, n, SCALE, w, 0.4, w, amp)
    refused("scale", dsp.spectrum_table, plan, x, 5, n, 0.0, w, 0.4, work, amp)
    refused("scale", dsp.spectrum_table, plan, x, 5, n, SCALE, w, 0.0, work, amp)


def zoom(x, write):
    state, out = bytearray(dsp.zoom_bytes(*ZOOM)), floats(2)
    refused("state", dsp.zoom_feed, state, x, 0, 9)
    refused("rate_hz", dsp.zoom_bytes, RATE_HZ, 3100.0, 2900.0, 256)
    refused("state", dsp.zoom_init, bytearray(100), RATE_HZ, 2900.0, 3100.0, 256, out)
    bins = dsp.zoom_init(state, RATE_HZ, 2900.0, 3100.0, 256, out)
    plan, work, amp = plan_of(256), floats(512), floats(bins)
    dsp.zoom_feed(state, x, 0, 500)
    refused("plan", dsp.zoom_spectrum, state, plan, SCALE, work, amp)
    dsp.zoom_reset(state)
    used = dsp.zoom_feed(state, x, 0, 40000)
    assert dsp.zoom_missing(state) == 0
    refused("work", dsp.zoom_spectrum, state, plan, SCALE, memoryview(work)[1:], amp)
    refused("amp", dsp.zoom_spectrum, state, plan, SCALE, work, memoryview(amp)[1:])
    refused("scale", dsp.zoom_spectrum, state, plan, 0.0, work, amp)
    dsp.zoom_spectrum(state, plan, SCALE, work, amp)
    write(amp)
    write(out)
    write(struct.pack("<2i", bins, used))


def goertzel(x, write):
    count = len(FREQUENCIES_HZ)
    bank, out = bytearray(dsp.goertzel_bytes(count)), floats(2 * count)
    refused("state", dsp.goertzel_feed, bank, x, 0, 9)
    refused("state", dsp.goertzel_init, bytearray(30), RATE_HZ, FREQUENCIES_HZ, count)
    refused("count", dsp.goertzel_init, bank, RATE_HZ, FREQUENCIES_HZ, 0)
    refused("freq_hz", dsp.goertzel_init, bytearray(200), RATE_HZ, FREQUENCIES_HZ, count + 1)
    refused("rate_hz", dsp.goertzel_init, bank, 2.0, FREQUENCIES_HZ, count)
    dsp.goertzel_init(bank, RATE_HZ, FREQUENCIES_HZ, count)
    refused("state", dsp.goertzel_read, bank, SCALE, out)
    dsp.goertzel_feed(bank, x, 3, 777)
    dsp.goertzel_feed(bank, x, 780, 30000)
    refused("re_im", dsp.goertzel_read, bank, SCALE, memoryview(out)[1:])
    refused("scale", dsp.goertzel_read, bank, -1.0, out)
    dsp.goertzel_read(bank, SCALE, out)
    write(out)


def main():
    x = array("h", bytes(80000))
    with open(sys.argv[3], "rb") as source:
        source.readinto(x)
    with open(sys.argv[4], "wb") as sink:
        for part in (transforms, windows, zoom, goertzel):
            part(x, sink.write)
    print("done")


main()
