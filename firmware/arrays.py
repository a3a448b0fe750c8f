# Runs on: MicroPython and CPython
# Arrays for the DSP core, and how they are put on the wire.

from array import array

import dsp

from resonode_wire.cbor import TAG_F16, TAG_F32, TAG_U8, Tagged

_U8_STEP_DB = 0.5
_F32_BYTES = 4


def floats(count: int):
    return array("f", bytes(_F32_BYTES * count))


def plan(points: int):
    plan = bytearray(dsp.plan_bytes(points))
    dsp.plan_init(points, plan)
    return plan


def encode_floats(values, count: int, encoding: str) -> tuple:
    # (typed array, extra fields) of the first `count` amplitudes.
    if encoding == "f32":
        return Tagged(TAG_F32, bytes(memoryview(values)[:count])), {}
    if encoding == "f16":
        packed = bytearray(2 * count)
        dsp.pack_f16(values, count, packed)
        return Tagged(TAG_F16, packed), {}
    packed = bytearray(count)
    floor_db = dsp.pack_db8(values, count, _U8_STEP_DB, packed)
    return Tagged(TAG_U8, packed), {"floor_db": floor_db, "step_db": _U8_STEP_DB}
