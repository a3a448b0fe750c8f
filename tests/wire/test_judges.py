"""The wire against judges that are not ours: cbor2, pycddl, smp, and WIRE.md itself."""

from __future__ import annotations

import contextlib
import json
import re
import struct
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smp import header as smpheader
from smp import packet as smppacket

from resonode_wire import cbor, cddl, frame, message, smp
from resonode_wire.cbor import Tagged
from resonode_wire.errors import WireError
from resonode_wire.fields import KIND_OF, MAX_SEQ, RECORDS

WIRE = Path(cddl.__file__).parent
SCHEMA = pycddl.Schema((WIRE / "wire.cddl").read_text())
VECTORS = json.loads((WIRE / "vectors.json").read_text())

f32 = st.floats(width=32, allow_nan=False)
integers = st.integers(-(2**64), 2**64 - 1)


def values_with(keys: Any) -> Any:
    return st.recursive(
        st.none() | st.booleans() | integers | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=20,
    )


plain = values_with(integers | st.text())
values_of = {
    "uint": st.integers(0, MAX_SEQ),
    "f32": f32,
    "text": st.text(max_size=64),
    "texts": st.lists(st.text(max_size=20), max_size=4),
    "floats": st.one_of(
        st.binary(max_size=600).map(lambda raw: Tagged(64, raw)),
        st.lists(st.floats(width=16), max_size=600).map(
            lambda items: Tagged(84, struct.pack(f"<{len(items)}e", *items))
        ),
        st.lists(f32, max_size=300).map(
            lambda items: Tagged(85, struct.pack(f"<{len(items)}f", *items))
        ),
    ),
    "i16s": st.lists(st.integers(-32768, 32767), max_size=600).map(
        lambda items: Tagged(77, struct.pack(f"<{len(items)}h", *items))
    ),
}


def record_values(required: tuple[str, ...], optional: tuple[str, ...]) -> Any:
    return st.fixed_dictionaries(
        {name: values_of[KIND_OF[name]] for name in required},
        optional={name: values_of[KIND_OF[name]] for name in optional},
    )


@given(plain)
def test_cbor2_reads_what_we_write(value: Any) -> None:
    assert cbor2.loads(cbor.dumps(value)) == value


# cbor2 orders keys by length first (RFC 7049), we bytewise (RFC 8949): the same for these keys.
@given(values_with(st.integers(0, 2**64 - 1)))
def test_cbor2_writes_the_same_bytes(value: Any) -> None:
    assert cbor2.dumps(value, canonical=True) == cbor.dumps(value)


@given(st.dictionaries(integers | st.text(), st.none(), max_size=30))
def test_map_keys_are_in_bytewise_order(value: Any) -> None:
    keys = [cbor.dumps(key) for key in cbor2.loads(cbor.dumps(value))]
    assert keys == sorted(keys)


@given(f32)
def test_cbor2_reads_our_floats(value: float) -> None:
    assert cbor2.loads(cbor.dumps(value)) == value


@given(plain)
def test_we_read_what_cbor2_writes(value: Any) -> None:
    assert cbor.loads(cbor2.dumps(value)) == value


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_do_anything_but_refuse(data: bytes) -> None:
    for decode in (cbor.loads, message.decode, smp.unpack, frame.decode_frame):
        with contextlib.suppress(WireError):
            decode(data)


@given(st.data(), st.sampled_from(RECORDS))
def test_every_record_fits_the_closed_schema_and_comes_back(data: Any, entry: Any) -> None:
    _number, name, required, optional = entry
    values = data.draw(record_values(required, optional))
    seq, epoch, t_us, cause = (data.draw(st.integers(0, MAX_SEQ)) for _ in range(4))
    encoded = message.encode(name, seq, epoch, t_us, cause, values)
    SCHEMA.validate_cbor(encoded)
    found, decoded = message.decode(encoded)
    assert found == name
    assert {field: decoded[field] for field in values} == values


@given(st.binary(max_size=400), st.integers(0, 399), st.integers(1, 255))
def test_a_changed_record_is_refused_or_decodes_but_never_crashes(
    rest: bytes, at: int, flip: int
) -> None:
    good = bytearray(bytes.fromhex(VECTORS["records"][1]["hex"]) + rest)
    good[at % len(good)] ^= flip
    with contextlib.suppress(WireError):
        message.decode(bytes(good))


@pytest.mark.parametrize(
    ("field", "value"), [(200, 1), (9, "fast"), (1, -1), (3, 2**53 + 1), (6, None)]
)
def test_schema_is_closed_and_typed(field: int, value: Any) -> None:
    fields = cbor2.loads(bytes.fromhex(VECTORS["records"][1]["hex"]))
    SCHEMA.validate_cbor(cbor2.dumps(fields))
    fields[field] = value
    with pytest.raises(pycddl.ValidationError):
        SCHEMA.validate_cbor(cbor2.dumps(fields))


def test_golden_records_fit_the_schema() -> None:
    for vector in VECTORS["records"]:
        SCHEMA.validate_cbor(bytes.fromhex(vector["hex"]))


@given(st.binary(min_size=1, max_size=2000))
def test_console_framing_is_that_of_the_standard_client(body: bytes) -> None:
    ours = smp.pack(smp.WRITE, 0, 5, 0, body)
    assembler = smp.ConsoleAssembler()
    results = [assembler.line(line.rstrip(b"\n")) for line in smppacket.encode(ours)]
    assert results[-1] == ours
    assert _decoded_by_standard_client(smp.console_lines(ours)) == ours


def _decoded_by_standard_client(lines: bytes) -> bytes:
    decoder = smppacket.decode()
    next(decoder)
    for line in lines.splitlines(keepends=True):
        try:
            decoder.send(line)
        except StopIteration as done:
            return bytes(done.value)
    raise AssertionError("the standard client waits for more")


def test_smp_header_is_that_of_the_standard_client() -> None:
    raw = smp.pack(smp.READ, 0, 200, 6, b"\xa0")[: smp.HEADER_SIZE]
    header = smpheader.Header.loads(raw)
    assert (header.op, header.version, header.length, header.sequence) == (0, 1, 1, 200)


@given(st.binary(max_size=2000))
def test_cobs_of_any_bytes_comes_back_without_a_zero_inside(data: bytes) -> None:
    coded = frame.cobs_encode(data)
    assert 0 not in coded and len(coded) <= len(data) + len(data) // 254 + 1
    assert frame.cobs_decode(coded) == data


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 50), st.data())
def test_a_flipped_bit_costs_one_frame_and_is_counted(
    payloads: list[bytes], step: int, data: Any
) -> None:
    frames = [frame.encode_frame(frame.CHANNEL_TELEMETRY, one) for one in payloads]
    stream = bytearray(b"".join(frames))
    hit = -1
    if stream:
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at] ^= 1 << data.draw(st.integers(0, 7))
        sizes = [len(one) for one in frames]
        hit = next(i for i in range(len(sizes)) if at < sum(sizes[: i + 1]))
    decoder = frame.StreamDecoder()
    pieces = []
    for at in range(0, len(stream), step):
        pieces += decoder.feed(bytes(stream[at : at + step]))
    pieces += decoder.idle()
    found = [payload for kind, payload in pieces if kind == frame.CHANNEL_TELEMETRY]
    wanted = [one for i, one in enumerate(payloads) if i != hit]
    if len(found) == len(payloads):  # the bit was in a delimiter that its neighbour stands in for
        wanted = payloads
    assert found == wanted
    # A frame whose first delimiter became a letter may read as a line of text.
    texts = [payload for kind, payload in pieces if kind == frame.TEXT]
    assert len(found) == len(payloads) or decoder.damaged > 0 or texts


def test_committed_cddl_is_what_the_table_renders() -> None:
    assert (WIRE / "wire.cddl").read_text() == cddl.render()


def test_manual_shows_the_table_and_the_golden_bytes() -> None:
    manual = (WIRE / "WIRE.md").read_text()
    assert cddl.table() in manual
    squeezed = re.sub(r"\s|\|", "", manual)
    for kind in ("console", "cobs"):
        vector = next(one for one in VECTORS["frames"] if one["kind"] == kind)
        assert vector["payload"] in squeezed
        wire = bytes.fromhex(vector["hex"])
        assert (wire[2:-1].decode() if kind == "console" else vector["hex"]) in squeezed
    loss = next(one for one in VECTORS["records"] if one["name"] == "loss")
    record = bytes.fromhex(loss["hex"])
    assert frame.encode_frame(frame.CHANNEL_TELEMETRY, record).hex() in squeezed
    worked = manual.split("36 bytes:")[1].split("```")[1]
    shown = "".join(re.split(r"\s{2,}", line)[0] for line in worked.strip().splitlines())
    assert shown.replace(" ", "") == loss["hex"] and len(record) == 36
