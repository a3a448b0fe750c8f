"""Runs on: MicroPython and CPython."""

import json
from array import array

from resonode_wire import cbor, message
from resonode_wire.cbor import Tagged
from resonode_wire.errors import WireError
from resonode_wire.fields import (
    FIELDS,
    KEY_OF,
    KIND_OF,
    MAX_RECORD,
    MAX_SEQ,
    RECORDS,
    RESERVED_TYPES,
)

SAMPLES = {
    "uint": 5,
    "f32": 1.5,
    "text": "abc",
    "texts": ["abc"],
    "floats": Tagged(85, b"\0\0\x80\x3f"),
    "i16s": Tagged(77, b"\x01\x00\xff\xff"),
}


def example(name: str, required, optional=()) -> dict:
    return {field: SAMPLES[KIND_OF[field]] for field in required + optional}


def _required(name: str) -> tuple:
    return [entry[2] for entry in RECORDS if entry[1] == name][0]


def refused(call, *args) -> bool:
    try:
        call(*args)
    except WireError:
        return True
    return False


def test_every_record_type_comes_back_as_it_went():
    for _number, name, required, optional in RECORDS:
        for values in (example(name, required), example(name, required, optional)):
            data = message.encode(name, 1 << 52, 3, 1 << 40, 1, values)
            found, decoded = message.decode(data)
            assert found == name
            for field in values:
                assert decoded[field] == values[field], field
            assert (decoded["seq"], decoded["epoch"], decoded["t_us"]) == (1 << 52, 3, 1 << 40)


def test_missing_unknown_and_ill_typed_fields_are_refused():
    good = example("loss", ("reason",))
    assert refused(message.encode, "loss", 0, 0, 0, 0, {})
    assert refused(message.encode, "loss", 0, 0, 0, 0, {"reason": -1})
    assert refused(message.encode, "loss", 0, 0, 0, 0, {"reason": "x"})
    assert refused(message.encode, "loss", 0, 0, 0, 0, {"reason": 1, "crest": 1.0})
    assert refused(message.encode, "loss", 0, 0, 0, 0, {"reason": 1, "capture": None})
    assert refused(message.encode, "sonnet", 0, 0, 0, 0, good)


def test_optional_fields_do_not_stand_in_for_required_ones():
    values = example("features", ("shaft_hz", "shaft_source"))
    assert refused(message.encode, "features", 0, 0, 0, 0, values)
    # Nor when there are as many.
    values = example("velocity", _required("velocity"), ("shaft_hz",))
    del values["velocity_mm_s"]
    assert refused(message.encode, "velocity", 0, 0, 0, 0, values)


def test_a_record_is_the_deterministic_map_of_its_keys():
    for number, name, required, optional in RECORDS:
        values = example(name, required, optional)
        fields = {0: number, 1: 70000, 2: 300, 3: 1 << 33, 4: 2}
        fields.update({KEY_OF[field]: values[field] for field in values})
        assert message.encode(name, 70000, 300, 1 << 33, 2, values) == cbor.dumps(fields), name


def test_numbers_of_every_length_are_the_same_map():
    for shift in (0, 4, 5, 8, 16, 29, 30, 31, 32, 52):
        for number in ((1 << shift) - 1, 1 << shift):
            data = message.encode("loss", number, number, number, 0, {"reason": number})
            wanted = cbor.dumps({0: 8, 1: number, 2: number, 3: number, 4: 0, 41: number})
            assert data == wanted, number


def test_a_run_of_floats_is_given_as_one_array():
    names = _required("features")
    values = example("features", names, ("saturated", "shaft_hz"))
    run = [name for name in names if KEY_OF["mean_m_s2"] <= KEY_OF[name] <= KEY_OF["skewness"]]
    numbers = array("f", [1.5, -0.1, 3e38, 0.0, float("inf"), -2.0, 1e-38])
    values.update({name: numbers[at] for at, name in enumerate(run)})
    wanted = message.encode("features", 1, 2, 3, 0, values)
    for name in run:
        del values[name]
    values["mean_m_s2"] = memoryview(numbers)[: len(run)]
    assert message.encode("features", 1, 2, 3, 0, values) == wanted
    values = example("velocity", _required("velocity"))
    del values["band_lo_hz"], values["band_hi_hz"]
    values["velocity_mm_s"] = array("f", (1.5, 1.5, 1.5))  # keys 19..21
    wanted = message.encode("velocity", 1, 2, 3, 0, example("velocity", _required("velocity")))
    assert message.encode("velocity", 1, 2, 3, 0, values) == wanted


def test_a_run_that_is_not_of_32_bit_floats_or_not_of_this_record_is_refused_before_it_is_written():
    values = example("velocity", _required("velocity"))
    del values["band_lo_hz"], values["band_hi_hz"]
    # 1000: far beyond the room that a record has.
    runs = [array("f", count * (1.5,)) for count in (0, 2, 4, 1000)]
    runs += [array(typecode, (1, 2, 3)) for typecode in "dbhi"]
    for run in runs:
        for given in (run, memoryview(run)):
            values["velocity_mm_s"] = given
            assert refused(message.encode, "velocity", 1, 2, 3, 0, values), run


def test_common_fields_that_are_no_unsigned_integers_are_refused():
    for bad in (-1, -(1 << 40), MAX_SEQ + 1, True, 1.0, None):
        for at in range(4):
            common = [1, 2, 3, 0]
            common[at] = bad
            assert refused(message.encode, "loss", *common, {"reason": 2}), (at, bad)


def test_floats_beyond_32_bits_are_refused():
    for value in (1e39, -1e39):
        if value not in (float("inf"), -float("inf")):  # a chip's floats have 32 bits
            values = example("event", ("event",), ("rms_m_s2",))
            values["rms_m_s2"] = value
            assert refused(message.encode, "event", 0, 0, 0, 0, values)


def test_unknown_keys_are_passed_over():
    fields = cbor.loads(message.encode("loss", 1, 1, 1, 0, {"reason": 2}))
    fields[200] = "from the future"
    assert message.decode(cbor.dumps(fields))[1]["reason"] == 2


def test_unknown_record_types_keep_their_common_fields():
    data = cbor.dumps({0: 15, 1: 7, 2: 1, 3: 0, 4: 0, 99: b"x"})
    name, values = message.decode(data)
    assert name == "type_15" and values["seq"] == 7


def test_what_is_no_record_is_refused():
    for value in (1, [], {}, {0: 2}, {0: 8, 1: -1, 2: 0, 3: 0, 4: 0, 41: 1}):
        assert refused(message.decode, cbor.dumps(value)), value
    ragged = {0: 6, 1: 0, 2: 0, 3: 0, 4: 0, 28: Tagged(77, b"odd")}
    assert refused(message.decode, cbor.dumps(ragged))
    assert refused(message.decode, bytes(MAX_RECORD + 1))


def test_record_over_the_limit_is_refused_by_the_sender():
    values = example("waveform", _required("waveform"))
    values["samples"] = Tagged(77, bytes(MAX_RECORD))
    assert refused(message.encode, "waveform", 0, 0, 0, 0, values)


def test_keys_names_and_types_are_used_once():
    assert len({field[0] for field in FIELDS}) == len(FIELDS)
    assert len({field[1] for field in FIELDS}) == len(FIELDS)
    numbers = [entry[0] for entry in RECORDS] + list(RESERVED_TYPES)
    assert len(set(numbers)) == len(numbers)


def test_golden_vectors_have_not_changed():
    # vectors.json is append-only: bytes in the field must stay readable for ever.
    with open("resonode_wire/vectors.json") as file:
        vectors = json.load(file)
    assert len(vectors["records"]) >= len(RECORDS)
    for vector in vectors["records"]:
        values = {name: revive(value) for name, value in vector["values"].items()}
        common = [vector["common"][name] for name in ("seq", "epoch", "t_us", "cause")]
        data = bytes.fromhex(vector["hex"])
        assert message.encode(vector["name"], *common, values) == data, vector["name"]
        name, decoded = message.decode(data)
        assert name == vector["name"]
        for field in values:
            assert decoded[field] == values[field], field


def test_golden_frames_have_not_changed():
    from resonode_wire import frame, smp

    with open("resonode_wire/vectors.json") as file:
        vectors = json.load(file)
    for vector in vectors["frames"]:
        payload = bytes.fromhex(vector["payload"])
        wire = bytes.fromhex(vector["hex"])
        if vector["kind"] == "console":
            assert smp.console_lines(payload) == wire
            assert frame.StreamDecoder().feed(wire) == [(frame.CONSOLE_SMP, payload)]
        else:
            assert frame.encode_frame(vector["channel"], payload) == wire
            assert frame.StreamDecoder().feed(wire) == [(vector["channel"], payload)]


def revive(value):
    if isinstance(value, dict):
        return Tagged(value["tag"], bytes.fromhex(value["hex"]))
    return value
