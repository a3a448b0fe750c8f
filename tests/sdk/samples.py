"""Records as a node would make them, for tests."""

from __future__ import annotations

import numpy as np

from resonode_wire import message
from resonode_wire.cbor import TAG_F16, TAG_F32, TAG_I16, TAG_U8, Tagged

RATE_HZ = 26667.0
SPAN = {"capture": 1, "axis": 2, "first_sample": 0, "count": 16384, "rate_hz": RATE_HZ}


def boot(seq, *, epoch=1, node="fake-1"):
    values = {
        "node": node,
        "firmware": "0.1.0",
        "board": "FAKE",
        "runtime": "MicroPython",
        "wire": 1,
        "profile": "open",
        "sensors": ["iis3dwb"],
        "reset_cause": 0,
    }
    return message.encode("boot", seq, epoch, 0, 3, values)


def features(seq, *, epoch=1, axis=2, rms=1.5, t_us=None, **extra):
    values = SPAN | {
        "axis": axis,
        "mean_m_s2": 9.81,
        "rms_m_s2": rms,
        "peak_m_s2": 3 * rms,
        "crest": 3.0,
        "kurtosis": 3.1,
        "peak_to_peak_m_s2": 6 * rms,
        "skewness": 0.1,
    }
    t_us = 1000 * seq if t_us is None else t_us
    return message.encode("features", seq, epoch, t_us, 0, values | extra)


def velocity(seq, *, epoch=1):
    values = SPAN | {"velocity_mm_s": 2.5, "band_lo_hz": 10.0, "band_hi_hz": 1000.0}
    return message.encode("velocity", seq, epoch, 1000 * seq, 0, values)


def typed(amplitudes, encoding="f32"):
    """Return (array, extra fields) as the wire carries `amplitudes`."""
    if encoding == "f32":
        return Tagged(TAG_F32, np.asarray(amplitudes, "<f4").tobytes()), {}
    if encoding == "f16":
        return Tagged(TAG_F16, np.asarray(amplitudes, "<f2").tobytes()), {}
    step_db = 0.5
    with np.errstate(divide="ignore"):
        level_db = 20 * np.log10(np.asarray(amplitudes, float))
    floor_db = float(np.float32(level_db.max() - 254 * step_db))
    codes = np.clip(np.round((level_db - floor_db) / step_db) + 1, 0, 255).astype(np.uint8)
    return Tagged(TAG_U8, codes.tobytes()), {"floor_db": floor_db, "step_db": step_db}


def spectrum(seq, amplitudes, *, encoding="f32", axis=2, epoch=1, bin_hz=RATE_HZ / 16384, **more):
    array, extra = typed(amplitudes, encoding)
    values = SPAN | {"axis": axis, "bin_hz": bin_hz, "averages": 1, "amplitude_m_s2": array}
    return message.encode("spectrum", seq, epoch, 1000 * seq, 0, values | extra | more)


def envelope(
    seq,
    amplitudes,
    *,
    encoding="f32",
    axis=2,
    epoch=1,
    bin_hz=RATE_HZ / 16384,
    band=(2e3, 4e3),
    **more,
):
    array, extra = typed(amplitudes, encoding)
    values = SPAN | {
        "axis": axis,
        "bin_hz": bin_hz,
        "band_lo_hz": band[0],
        "band_hi_hz": band[1],
        "envelope_m2_s4": array,
    }
    return message.encode("envelope", seq, epoch, 1000 * seq, 0, values | extra | more)


def waveform(seq, samples, *, axis=2, first=0, start=0, total=None, capture=1, epoch=1):
    samples = np.asarray(samples, "<i2")
    values = SPAN | {
        "capture": capture,
        "axis": axis,
        "first_sample": first,
        "count": len(samples),
        "samples": Tagged(TAG_I16, samples.tobytes()),
        "scale_m_s2": 0.00478728,
        "start_sample": start,
        "total": len(samples) if total is None else total,
    }
    return message.encode("waveform", seq, epoch, 1000 * seq, 1, values)


def health(seq, *, epoch=1):
    values = {
        "heap_free": 100000,
        "windows_acquired": 12,
        "windows_analysed": 11,
        "windows_lost": 1,
        "overruns": 1,
        "records_made": 40,
        "records_dropped": 0,
        "link_damaged": 0,
        "task_errors": 0,
        "temperature_c": 25.5,
    }
    return message.encode("health", seq, epoch, 1000 * seq, 0, values)


def loss(seq, *, epoch=1, **values):
    return message.encode("loss", seq, epoch, 1000 * seq, 0, {"reason": 0} | values)


def air(seq, *, epoch=1, **more):
    values = {
        "sensor": "scd41",
        "place": "i2c0/0x62",
        "interval_s": 5.0,
        "readings": 3,
        "errors": 0,
        "warming_up": 1,
        "co2_ppm": 612.0,
        "air_temperature_c": 21.5,
        "humidity_pct": 40.0,
    }
    return message.encode("air", seq, epoch, 1000 * seq, 0, values | more)


def one_of_each(first_seq=0):
    """Return one record of every type, with rising seq."""
    bins = np.linspace(0.001, 0.1, 64)
    makers = (
        boot,
        features,
        velocity,
        lambda seq: spectrum(seq, bins),
        lambda seq: envelope(seq, bins),
        lambda seq: waveform(seq, np.arange(100)),
        health,
        lambda seq: loss(seq, capture=1, first_sample=5, lost_samples=10, lost_windows=1),
        air,
    )
    return [make(first_seq + at) for at, make in enumerate(makers)]
