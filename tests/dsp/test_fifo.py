"""Splitting of FIFO images. Images here are built from the datasheet's rules, word by word."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode import dsp

ACCEL, TEMPERATURE, TIMESTAMP = 0x02, 0x03, 0x04


def word(kind: int, counter: int, data: bytes) -> bytes:
    tag = kind << 3 | (counter & 3) << 1
    return bytes([tag | tag.bit_count() & 1]) + data


def accel(slot: int, x: int, y: int = 0, z: int = 0) -> bytes:
    return word(ACCEL, slot, struct.pack("<3h", x, y, z))


def timestamp(slot: int, ticks: int) -> bytes:
    return word(TIMESTAMP, slot, struct.pack("<IH", ticks, 0))


def temperature(slot: int, value: int) -> bytes:
    return word(TEMPERATURE, slot, struct.pack("<h4x", value))


def test_samples_time_stamps_and_temperatures_are_told_apart():
    image = b"".join(
        [
            accel(0, 1, -2, 2049),
            timestamp(0, 100),
            accel(1, 3, -4, 2050),
            temperature(1, -513),
            accel(2, 5, -6, -32768),
            timestamp(2, 0xF0000001),
            accel(3, 32767, -8, 7),
        ]
    )
    got = dsp.fifo_split(image)
    assert got.x.tolist() == [1, 3, 5, 32767]
    assert got.y.tolist() == [-2, -4, -6, -8]
    assert got.z.tolist() == [2049, 2050, -32768, 7]
    assert (got.timestamps, got.timestamp, got.before_timestamp) == (2, 0xF0000001, 3)
    assert (got.temperatures, got.temperature) == (1, -513)
    assert (got.bad, got.hole) == (0, False)


@given(
    st.lists(st.tuples(*[st.integers(-32768, 32767)] * 3), max_size=60),
    st.integers(0, 3),
    st.sets(st.integers(0, 59)),
    st.sets(st.integers(0, 59)),
)
def test_every_sample_comes_out_once_and_in_order(samples, start, stamped, warm):
    words = []
    for i, xyz in enumerate(samples):
        words.append(accel(start + i, *xyz))
        if i in warm:
            words.append(temperature(start + i, i))
        if i in stamped:
            words.append(timestamp(start + i, 1000 + i))
    got = dsp.fifo_split(b"".join(words))
    assert list(zip(got.x, got.y, got.z, strict=True)) == samples
    assert not got.hole and got.bad == 0
    seen = sorted(i for i in stamped if i < len(samples))
    assert got.timestamps == len(seen)
    assert got.before_timestamp == (seen[-1] + 1 if seen else 0)


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 6])
def test_a_skipped_counter_is_a_hole(lost):
    # Four lost slots bring a 2-bit counter back to where it was: the sensor's overrun flag tells.
    slots = [0, 1, 2 + lost, 3 + lost]
    expected = lost % 4 != 0
    got = dsp.fifo_split(b"".join(accel(s, s) for s in slots))
    assert got.x.tolist() == slots
    assert got.hole is expected


def test_three_lost_slots_repeat_the_counter_and_are_still_a_hole():
    # 1 then 5: the same counter twice would be one slot for any other word, not for a sample.
    assert dsp.fifo_split(accel(0, 0) + accel(1, 1) + accel(5, 2)).hole


def test_a_hole_shows_at_a_time_stamp_too():
    assert dsp.fifo_split(accel(0, 0) + timestamp(2, 5)).hole
    assert not dsp.fifo_split(accel(0, 0) + timestamp(1, 5) + accel(1, 1)).hole


@given(st.integers(0, 9), st.integers(0, 7))
def test_a_flipped_tag_bit_is_never_taken_for_data(at, bit):
    image = bytearray(b"".join(accel(i, 100 + i) for i in range(10)))
    image[7 * at] ^= 1 << bit
    got = dsp.fifo_split(image)
    assert got.bad == 1
    assert got.x.tolist() == [100 + i for i in range(10) if i != at]
    # A sample is missing between two others, and the counter says so.
    assert got.hole is (0 < at < 9)


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x05, 0x1F])
def test_unknown_tags_are_counted_and_not_data(kind):
    got = dsp.fifo_split(accel(0, 1) + word(kind, 0, bytes(6)) + accel(1, 2))
    assert (got.x.tolist(), got.bad, got.hole) == ([1, 2], 1, False)


def test_an_empty_image_holds_nothing():
    got = dsp.fifo_split(b"")
    assert len(got.x) == 0 and (got.timestamps, got.temperatures, got.bad) == (0, 0, 0)


def test_half_a_word_is_refused():
    with pytest.raises(ValueError, match="13 bytes"):
        dsp.fifo_split(bytes(13))


def test_samples_beyond_the_room_are_refused_and_nothing_is_written():
    ffi, lib = dsp._ffi, dsp._lib
    image = b"".join(accel(i, 7, 7, 7) for i in range(4)) + timestamp(3, 1)
    axes = np.zeros((3, 3), np.int16)
    pointers = [ffi.from_buffer("int16_t[]", axis) for axis in axes]
    info = ffi.new("dsp_fifo_info *", {"bad": -1})
    assert lib.dsp_fifo_split(image, 5, 3, *pointers, info) == lib.DSP_ERR_SPACE
    assert not axes.any() and info.bad == -1
    # Room counts samples, not words.
    room = np.zeros((3, 4), np.int16)
    pointers = [ffi.from_buffer("int16_t[]", axis) for axis in room]
    assert lib.dsp_fifo_split(image, 5, 4, *pointers, info) == lib.DSP_OK
    assert (room == 7).all() and info.samples == 4


# ---- entries of x, y and z ----


def xyz_split(image: bytes, n: int, entry_bytes: int, top: int = 32767) -> tuple[int, np.ndarray]:
    ffi, lib = dsp._ffi, dsp._lib
    axes = np.zeros((3, max(n, 1)), np.int16)
    good = ffi.new("int32_t *")
    pointers = [ffi.from_buffer("int16_t[]", axis) for axis in axes]
    assert lib.dsp_xyz_split(image, n, entry_bytes, top, *pointers, good) == lib.DSP_OK
    return good[0], axes[:, : good[0]]


@given(st.lists(st.integers(-32768, 32767), max_size=60), st.sampled_from([32767, 32764, 32752]))
def test_plain_entries_are_split_and_the_upper_end_of_the_range_is_marked(values, top):
    n = len(values) // 3
    want = np.array(values[: 3 * n], dtype="<i2").reshape(n, 3)
    good, axes = xyz_split(want.tobytes(), n, 6, top)
    assert good == n
    assert np.array_equal(axes.T, np.where(want >= top, 32767, want))


@given(st.lists(st.integers(-(1 << 19), (1 << 19) - 1), max_size=60))
def test_marked_entries_are_rounded_to_their_upper_16_bits(values):
    n = len(values) // 3
    words = [(value & 0xFFFFF) << 4 | (at % 3 == 0) for at, value in enumerate(values[: 3 * n])]
    image = b"".join(word.to_bytes(3, "big") for word in words)
    good, axes = xyz_split(image, n, 9)
    assert good == n
    want = np.minimum(np.floor(np.array(values[: 3 * n]) / 16 + 0.5), 32767).reshape(n, 3)
    assert np.array_equal(axes.T, want)


@pytest.mark.parametrize(("place", "marks"), [(0, 0), (0, 3), (1, 1), (1, 2), (2, 1), (2, 2)])
def test_marked_entries_end_at_the_first_that_is_no_x_y_z(place, marks):
    image = bytearray(bytes([0, 16, 1, 0, 16, 0, 0, 16, 0]) * 3)
    image[9 + 3 * place + 2] = marks
    good, axes = xyz_split(bytes(image), 3, 9)
    assert good == 1 and (axes == 16).all()


def test_other_entries_are_refused():
    ffi, lib = dsp._ffi, dsp._lib
    axis, good = ffi.new("int16_t[1]"), ffi.new("int32_t *", 5)
    for n, entry_bytes in ((-1, 6), (1, 7)):
        status = lib.dsp_xyz_split(bytes(9), n, entry_bytes, 32767, axis, axis, axis, good)
        assert status == lib.DSP_ERR_SIZE
    assert good[0] == 5
    assert lib.dsp_widen(axis, -1, ffi.new("int32_t[1]")) == lib.DSP_ERR_SIZE


def test_widening_gives_the_fractions_of_decimated_samples():
    ffi, lib = dsp._ffi, dsp._lib
    x = np.array([-32768, -1, 0, 1, 32767], np.int16)
    wide = np.zeros(5, np.int32)
    pointers = ffi.from_buffer("int16_t[]", x), 5, ffi.from_buffer("int32_t[]", wide)
    assert lib.dsp_widen(*pointers) == lib.DSP_OK
    assert np.array_equal(wide, x.astype(np.int64) * 2**lib.DSP_DECIMATE_FRACTION_BITS)
