"""Records: one CBOR map each, with the integer keys of fields.py.

Runs on: MicroPython and CPython.
"""

from array import array

from resonode_wire import cbor
from resonode_wire.cbor import (
    HEAD,
    SMALL,
    TAG_F16,
    TAG_F32,
    TAG_I16,
    TAG_U8,
    Tagged,
    put_f32,
    put_f32s,
    put_head,
    put_small,
)
from resonode_wire.errors import WireError
from resonode_wire.fields import (
    COMMON,
    KEY_OF,
    KIND_OF,
    MAX_RECORD,
    MAX_SEQ,
    MAX_TEXT,
    NAME_OF,
    RECORD_OF,
    TYPE_OF,
)

_ITEM_SIZE = {TAG_U8: 1, TAG_I16: 2, TAG_F16: 2, TAG_F32: 4}
_NUMBER_ROOM = 2 + HEAD  # bytes that a number takes at most with its key
_ORDER: dict = {}
_TAGS = {"floats": (TAG_U8, TAG_F16, TAG_F32), "i16s": (TAG_I16,)}


def encode(name: str, seq: int, epoch: int, t_us: int, cause: int, values: dict) -> bytes:
    """Return the record `name` with `values` (field name -> value; arrays as Tagged).

    Floats whose keys follow each other may be given as one array("f") under the first one's name.
    Raises WireError on a missing, unknown or ill-typed field and if it exceeds MAX_RECORD.
    """
    number = TYPE_OF.get(name)
    if number is None:
        raise WireError(f"no record type {name!r}")
    # A node writes hundreds of records a second: each number goes straight to its place, without a
    # map of keys and the general encoder. What is longer is a piece of its own.
    _name, required, optional = RECORD_OF[number]
    out = bytearray(_NUMBER_ROOM * (len(COMMON) + len(required) + len(optional)))
    at, key = 0, 0
    for common in (number, seq, epoch, t_us, cause):
        at = _put_uint(out, at, key, common)
        key += 1
    pieces: list = [b""]  # the map's head, when its size is known
    left, fields, skip = len(values), key, 0
    for field in _in_order(number):
        if skip:
            skip -= 1
            continue
        value = values.get(field)
        if value is None:
            if field in required:
                raise WireError(f"{name} record lacks {field}")
            continue
        left -= 1
        fields += 1
        key, kind = KEY_OF[field], KIND_OF[field]
        if kind == "uint":
            at = _put_uint(out, at, key, value)
        elif kind != "f32":
            _check(field, kind, value)
            pieces.append(bytes(memoryview(out)[: put_head(out, at, 0, key)]))
            pieces.append(cbor.dumps(value))
            at = 0
        elif isinstance(value, (array, memoryview)):
            _check_run(name, number, field, value)
            at = put_f32s(out, at, key, value)
            skip = len(value) - 1
            fields += skip
        else:
            at = put_f32(out, put_head(out, at, 0, key), float(value))
    if left:
        _refuse_others(number, values)
    pieces.append(bytes(memoryview(out)[:at]))
    pieces[0] = bytes((0xA0 | fields,)) if fields < 24 else bytes((0xB8, fields))
    data = b"".join(pieces)
    if len(data) > MAX_RECORD:
        raise WireError(f"{name} record of {len(data)} bytes exceeds {MAX_RECORD}")
    return data


def _put_uint(out, at: int, key: int, value: int) -> int:
    if type(value) is int and 0 <= value <= SMALL:
        return put_small(out, at, key, value)
    _check(NAME_OF[key], "uint", value)
    return put_head(out, put_head(out, at, 0, key), 0, value)


def _check_run(name: str, number: int, field: str, values) -> None:
    # Before a byte is written: on a chip put_f32s goes by what it is told, through bare pointers.
    # A chip's arrays do not say of what type they are; what is read from them does, and their size.
    if not len(values) or type(values[0]) is not float or len(bytes(values)) != 4 * len(values):
        raise WireError(f"{field} is no run of 32-bit floats")
    order = _in_order(number)
    last = order.index(field) + len(values) - 1
    if last >= len(order) or KEY_OF[order[last]] != KEY_OF[field] + len(values) - 1:
        raise WireError(f"{len(values)} floats from {field} on are not in a {name} record")


def _in_order(number: int) -> tuple:
    # Fields of a record type after the common ones, by rising key, as they are encoded.
    order = _ORDER.get(number)
    if order is None:
        _name, required, optional = RECORD_OF[number]
        order = tuple(sorted(required + optional, key=lambda field: KEY_OF[field]))
        _ORDER[number] = order
    return order


def decode(data: bytes) -> tuple:
    """Return (name, values) with values by field name, the common fields among them.

    A type this version does not know gives the name "type_N"; keys it does not know are left
    out. Arrays stay Tagged. Raises WireError.
    """
    if len(data) > MAX_RECORD:
        raise WireError(f"record of {len(data)} bytes exceeds {MAX_RECORD}")
    fields = cbor.loads(data)
    if not isinstance(fields, dict):
        raise WireError("record is not a map")
    values = {}
    for key in fields:
        field = NAME_OF.get(key)
        if field is not None:
            values[field] = _incoming(field, fields[key])
    _refuse_missing("any", COMMON, values)
    number = values["type"]
    if number not in RECORD_OF:
        return f"type_{number}", values
    name, required, _optional = RECORD_OF[number]
    _refuse_missing(name, required, values)
    return name, values


def _refuse_others(number: int, values: dict) -> None:
    # What was counted in the head of the map and is not in it would make a damaged record.
    name, required, optional = RECORD_OF[number]
    for field in values:
        if field not in required and field not in optional:
            raise WireError(f"a {name} record has no field {field!r}")
        if values[field] is None:
            raise WireError(f"{field} of a {name} record has no value")


def _refuse_missing(name: str, required: tuple, values: dict) -> None:
    for field in required:
        if field not in values:
            raise WireError(f"{name} record lacks {field}")


def _incoming(field: str, value):
    _check(field, KIND_OF[field], value)
    return value


def _check(field: str, kind: str, value) -> None:
    if kind == "uint":
        good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQ
    elif kind == "f32":
        good = isinstance(value, float)
    elif kind == "text":
        good = isinstance(value, str) and len(value) <= MAX_TEXT
    elif kind == "texts":
        good = isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
    else:
        good = (
            isinstance(value, Tagged)
            and value.tag in _TAGS[kind]
            and isinstance(value.value, (bytes, bytearray, memoryview))
            and len(value.value) % _ITEM_SIZE[value.tag] == 0
        )
    if not good:
        raise WireError(f"{field} is not a valid {kind}")
