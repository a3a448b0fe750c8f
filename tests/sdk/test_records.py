"""Records: the wire's table and the dataclasses agree; no bytes crash the decoder."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resonode
from resonode import records
from resonode.records import to_dict
from resonode_wire import cbor
from resonode_wire.fields import COMMON, KIND_OF, RECORDS
from resonode_wire.frame import CHANNEL_TELEMETRY, StreamDecoder, encode_frame
from tests.sdk import samples


def decode(raw: bytes) -> Any:
    """Decode a record of a type the test knows."""
    return records.decode(raw)


# What a dataclass has beside the wire's fields.
OURS = {"raw", "encoding"}
PYTHON_TYPES = {
    "uint": "int",
    "f32": "float",
    "text": "str",
    "texts": "tuple[str, ...]",
    "floats": "FloatArray",
    "i16s": "SampleArray",
}


def test_every_record_type_of_the_table_has_its_dataclass():
    assert set(records.CLASSES) == {name for _number, name, _required, _optional in RECORDS}


@pytest.mark.parametrize(("number", "name", "required", "optional"), RECORDS)
def test_fields_and_types_are_the_tables(number, name, required, optional):
    fields = {one.name: one for one in dataclasses.fields(records.CLASSES[name])}
    assert set(fields) - OURS == set(COMMON[1:] + required + optional)
    for field in COMMON[1:] + required:
        assert fields[field].type == PYTHON_TYPES[KIND_OF[field]], field
        assert fields[field].default is dataclasses.MISSING, field
    for field in optional:
        assert fields[field].type == f"{PYTHON_TYPES[KIND_OF[field]]} | None", field
        assert fields[field].default is None, field


@pytest.mark.parametrize("raw", samples.one_of_each(), ids=lambda raw: decode(raw).name)
def test_every_type_decodes_and_keeps_its_bytes(raw):
    record = decode(raw)
    assert record.raw == raw
    assert type(record) is records.CLASSES[record.name]
    json.dumps(to_dict(record), allow_nan=False)


def test_arrays_and_records_cannot_be_changed():
    record = decode(samples.spectrum(1, [1.0, 2.0]))
    with pytest.raises(ValueError, match="read-only"):
        record.amplitude_m_s2[0] = 5.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.seq = 2


def test_frequencies_are_multiples_of_the_bin():
    record = decode(samples.spectrum(1, np.ones(10), bin_hz=2.5))
    assert record.frequency_hz.tolist() == [2.5 * k for k in range(10)]


def test_samples_become_acceleration_by_their_scale():
    record = decode(samples.waveform(1, [-32768, 0, 32767]))
    assert record.samples.dtype == np.int16
    assert record.accel_m_s2.tolist() == [one * record.scale_m_s2 for one in (-32768, 0, 32767)]


def test_numbers_that_stand_for_words_are_named():
    record = decode(samples.features(1, axis=0))
    assert (record.axis_name, record.cause_name) == ("x", "schedule")
    assert to_dict(record)["axis"] == "x"
    assert decode(samples.loss(1)).reason_name == "overrun"


def test_a_word_of_a_later_version_is_shown_as_its_number():
    assert records.word("cause", 17) == "17"


def test_u8_levels_decode_as_the_wire_defines_them():
    # Code 0 is below the floor; code c is floor + (c - 1) * step dB.
    got = records.levels_to_amplitudes(np.array([0, 1, 2, 41], np.uint8), -60.0, 0.5)
    assert got == pytest.approx([0.0, 1e-3, 10 ** (-59.5 / 20), 1e-2], rel=1e-12)


def test_u8_levels_without_their_scale_are_refused():
    values = cbor.loads(samples.spectrum(1, [1.0, 0.5], encoding="u8"))
    without = {key: value for key, value in values.items() if key not in (24, 25)}
    with pytest.raises(resonode.ProtocolError, match="floor_db"):
        decode(cbor.dumps(without))


def test_a_record_of_an_unknown_type_keeps_seq_and_bytes():
    raw = cbor.dumps({0: 77, 1: 5, 2: 1, 3: 6, 4: 0, 99: "later"})
    record = decode(raw)
    assert isinstance(record, records.UnknownRecord)
    assert (record.type, record.seq, record.raw) == (77, 5, raw)


def test_keys_of_a_later_version_are_ignored():
    values = cbor.loads(samples.features(3))
    assert decode(cbor.dumps(values | {99: 1})).rms_m_s2 == 1.5


def test_records_are_equal_when_their_bytes_are():
    assert decode(samples.features(1)) == decode(samples.features(1))
    assert decode(samples.features(1)) != decode(samples.features(2))
    assert len({decode(samples.spectrum(1, [1.0])), decode(samples.spectrum(1, [1.0]))}) == 1


@given(st.binary(max_size=300))
def test_random_bytes_are_a_record_or_a_protocol_error(data):
    try:
        record = decode(data)
    except resonode.ProtocolError:
        return
    assert record.raw == data


@given(st.data())
def test_a_damaged_record_is_a_record_or_a_protocol_error(data):
    raw = bytearray(data.draw(st.sampled_from(samples.one_of_each())))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        record = decode(bytes(raw))
    except resonode.ProtocolError:
        return
    to_dict(record)


SESSION = [encode_frame(CHANNEL_TELEMETRY, raw) for raw in samples.one_of_each()]


@given(st.data())
def test_a_flipped_bit_in_a_session_costs_one_frame_and_is_counted(data):
    """Every frame the flip is not in arrives; the one it is in arrives damaged: not at all."""
    hit = data.draw(st.integers(0, len(SESSION) - 1))
    frame = bytearray(SESSION[hit])
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    stream = b"".join([*SESSION[:hit], bytes(frame), *SESSION[hit + 1 :]])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = StreamDecoder()
    pieces = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += decoder.feed(stream[start:end])
    pieces += decoder.idle()
    seqs = [decode(payload).seq for kind, payload in pieces if kind == CHANNEL_TELEMETRY]
    others = [seq for seq in range(len(SESSION)) if seq != hit]
    # The frame that was hit may survive where the flip hit nothing but a delimiter.
    assert [seq for seq in seqs if seq != hit] == others
    assert seqs == sorted(set(seqs))
    assert hit in seqs or decoder.damaged > 0
