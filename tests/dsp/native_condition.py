# Runs on: MicroPython, started by test_native_condition.py
#   micropython native_condition.py FOLDER_OF_DSP_MPY dsp INPUT OUTPUT
# INPUT: 40000 int16 samples. OUTPUT: every result, raw, in the order of `run`.
import struct
import sys
from array import array

sys.path.insert(0, sys.argv[1])

dsp = __import__(sys.argv[2])  # by name: tools for CPython must not look for it

SCALE = 0.488e-3 * 9.80665
RATE_HZ = 26667.0
N = 1024
SETUP = (RATE_HZ, 2000.0, 4000.0, 500.0, 1024)


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


def lines(amp, write):
    bin_hz = RATE_HZ / N
    found = floats(16)
    count = dsp.peaks(amp, 513, bin_hz, 0, 0.0, 8, found)
    write(memoryview(found)[: 2 * count])
    dsp.lines(amp, 513, bin_hz, 1, 0.0, 500.0, 1, 4, 0.01, found)
    write(memoryview(found)[:8])
    score = floats(6)
    dsp.line_score(amp, 513, bin_hz, 1000.0, 100.0, 3, 0.01, score)
    write(score)
    rms = floats(2)
    dsp.band_rms(amp, 513, bin_hz, 1.5, array("f", [10.0, 1000.0, 2000.0, 4000.0]), 2, rms)
    write(rms)
    refused("room", dsp.peaks, amp, 513, bin_hz, 0, 0.0, 65, found)
    refused("out", dsp.peaks, amp, 513, bin_hz, 0, 0.0, 9, found)
    refused("bins", dsp.peaks, amp, 2, bin_hz, 0, 0.0, 8, found)
    refused("amp", dsp.lines, amp, 514, bin_hz, 1, 0.0, 500.0, 1, 4, 0.01, found)
    refused("f_hz", dsp.line_score, amp, 513, bin_hz, 1.0, 0.0, 3, 0.01, score)
    refused("limits_hz", dsp.band_rms, amp, 513, bin_hz, 1.5, array("f", [1.0, 2.0]), 1, rms)


def main():
    x = array("h", bytes(80000))
    with open(sys.argv[3], "rb") as source:
        source.readinto(x)
    with open(sys.argv[4], "wb") as sink:
        run(x, sink.write)
    print("done")


def run(x, write):
    plan, work, amp = plan_of(N), floats(N), floats(N // 2 + 1)

    out = floats(4)
    dsp.shape_factors(x, 3, 5000, SCALE, out)
    write(out)
    dsp.bearing_orders(9, 0.3126, 1.537, 10.0, out)
    write(out)
    refused("elements", dsp.bearing_orders, 1, 0.3, 1.5, 0.0, out)
    zone = dsp.severity_zone(2.9, array("f", [1.4, 2.8, 4.5]))
    refused("velocity_mm_s", dsp.severity_zone, -1.0, array("f", [1.4, 2.8, 4.5]))
    for window in range(4):
        dsp.spectrum_window(plan, x, 0, N, SCALE, window, work, amp)
        write(amp)
    lines(amp, write)

    welch = bytearray(dsp.welch_bytes(N))
    refused("state", dsp.welch_feed, welch, plan, x, 0, 9, work)
    dsp.welch_init(welch, N, 500, 2)
    segments = dsp.welch_feed(welch, plan, x, 7, 9000, work)
    dsp.welch_psd(welch, N, SCALE, RATE_HZ, amp)
    write(amp)
    refused("n", dsp.welch_psd, welch, 512, SCALE, RATE_HZ, amp)

    state = bytearray(dsp.envelope_stream_bytes(*SETUP))
    refused("state", dsp.envelope_stream_feed, state, x, 0, 9)
    refused("rate_hz", dsp.envelope_stream_bytes, RATE_HZ, 2000.0, 1000.0, 500.0, 1024)
    bin_hz = dsp.envelope_stream_init(state, *SETUP)
    used = dsp.envelope_stream_feed(state, x, 0, 40000)
    assert dsp.envelope_stream_missing(state) == 0
    dsp.envelope_stream_spectrum(state, plan, SCALE, 400, work, amp)
    write(memoryview(amp)[:400])
    refused("plan", dsp.envelope_stream_spectrum, state, plan, SCALE, 400, work, amp)

    chain = bytearray(dsp.halfband_bytes(3))
    dsp.halfband_init(chain, 3)
    slow = array("i", bytes(4 * 5000))
    made = dsp.halfband_feed(chain, x, 0, 40000, slow, 0)
    write(slow)
    refused("out", dsp.halfband_feed, chain, x, 0, 40000, slow, 1)
    refused("state", dsp.halfband_feed, bytearray(2000), x, 0, 9, slow, 0)

    motion = bytearray(dsp.motion_bytes())
    refused("state", dsp.motion_feed, motion, slow, 0, 9)
    dsp.motion_init(motion, RATE_HZ / 8, 10.0, SCALE)
    dsp.motion_feed(motion, slow, 0, 5000)
    count = dsp.motion_read(motion, out)
    write(out)
    refused("state", dsp.motion_read, motion, out)
    um = dsp.displacement(plan, slow, N, SCALE, RATE_HZ / 8, 14.0, 1000.0, work)

    sums = floats(2 * dsp.kurtogram_bands(N, 8))
    scratch = bytearray(dsp.kurtogram_bytes(N))
    for block in range(4):
        dsp.rfft(plan, x, block * N, N, work)
        dsp.kurtogram_add(work, N, 8, scratch, sums)
    write(sums)
    band = array("i", [0, 0])
    kurtosis = dsp.kurtogram_best(sums, N, 8, 4, 1, 511, band)
    refused("k_from", dsp.kurtogram_best, sums, N, 8, 4, 60, 61, band)
    refused("work", dsp.kurtogram_add, work, N, 8, bytearray(100), sums)

    gas = bytearray(dsp.gas_bytes())
    refused("state", dsp.gas_process, gas, 28000)
    index = array("i", bytes(4 * 2000))
    dsp.gas_init(gas, 0, 1.0)
    for i in range(2000):
        index[i] = dsp.gas_process(gas, 28000 + x[i])
    write(index)
    write(struct.pack("<fff", bin_hz, um, kurtosis))
    write(struct.pack("<8i", zone, segments, used, made, count, band[0], band[1], index[-1]))


main()
