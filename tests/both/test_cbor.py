"""Runs on: MicroPython and CPython."""

from resonode_wire import cbor
from resonode_wire.cbor import Tagged
from resonode_wire.errors import WireError


def refused(call, *args):
    try:
        call(*args)
    except WireError:
        return True
    return False


def test_values_come_back_as_they_went():
    for value in (
        0,
        23,
        24,
        255,
        256,
        65535,
        65536,
        1 << 32,
        (1 << 64) - 1,
        -1,
        -24,
        -25,
        -(1 << 40),
        True,
        False,
        None,
        "",
        "grüße",
        b"",
        b"\x00\xff",
        [],
        [1, [2, []]],
        {},
        {1: {2: "x"}},
        {"a": 1, -1: b"z"},
        0.0,
        -1.5,
        float("inf"),
        Tagged(85, b"\0\0\0\0"),
    ):
        assert cbor.loads(cbor.dumps(value)) == value, value


def test_integer_heads_are_the_shortest():
    for value, size in ((23, 1), (24, 2), (255, 2), (256, 3), (65535, 3), (65536, 5), (1 << 32, 9)):
        assert len(cbor.dumps(value)) == size
        assert len(cbor.dumps(-1 - value)) == size


def test_map_keys_are_in_bytewise_order_however_they_were_put_in():
    one = {}
    for key in (100, -1, "b", 5, "aa", 24):
        one[key] = 0
    assert cbor.dumps(one) == bytes.fromhex(
        "a6 05 00 1818 00 1864 00 20 00 6162 00 626161 00".replace(" ", "")
    )


def test_floats_take_32_bits_and_what_does_not_fit_is_refused():
    assert cbor.dumps(1.0) == b"\xfa\x3f\x80\x00\x00"
    assert refused(cbor.dumps, 1e39)


def test_half_and_double_floats_of_other_encoders_are_read():
    assert cbor.loads(b"\xf9\x3e\x00") == 1.5
    assert cbor.loads(b"\xfb\x3f\xf8\0\0\0\0\0\0") == 1.5


def test_indefinite_maps_and_arrays_of_other_encoders_are_read():
    assert cbor.loads(b"\xbf\x61d\x61x\xff") == {"d": "x"}
    assert cbor.loads(b"\x9f\x01\x02\xff") == [1, 2]


def test_every_truncation_is_refused():
    data = cbor.dumps({"d": "hello", 3: [1, 2.5, b"abc"], 4: Tagged(64, b"xy")})
    for size in range(len(data)):
        assert refused(cbor.loads, data[:size]), size


def test_bytes_after_the_item_are_refused():
    assert refused(cbor.loads, b"\x00\x00")


def test_hostile_lengths_and_depths_are_refused_without_taking_memory():
    assert refused(cbor.loads, b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff")
    assert refused(cbor.loads, b"\x5a\xff\xff\xff\xff")
    assert refused(cbor.loads, b"\x81" * 1000)
    assert refused(cbor.loads, b"\xa1" * 1000)
    assert refused(cbor.loads, b"\xc1" * 1000)


def test_duplicate_and_odd_keys_are_refused():
    assert refused(cbor.loads, b"\xa2\x01\x00\x01\x00")
    assert refused(cbor.loads, b"\xa1\x80\x00")


def test_stray_break_and_reserved_heads_are_refused():
    for data in (b"\xff", b"\x81\xff", b"\xa1\xff\x00", b"\x1c", b"\xf8\x20", b"\x5f\x41a\xff"):
        assert refused(cbor.loads, data), data


def test_text_that_is_not_utf8_is_refused():
    assert refused(cbor.loads, b"\x62\xff\xfe")


def test_values_without_a_cbor_form_are_refused():
    assert refused(cbor.dumps, 1 << 64)
    assert refused(cbor.dumps, object())
    deep = []
    for _ in range(20):
        deep = [deep]
    assert refused(cbor.dumps, deep)
