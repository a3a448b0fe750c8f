"""Codes, credentials and statements. Runs on: MicroPython and CPython."""

from resonode_wire import cbor, security
from resonode_wire.errors import WireError

GOOD = {
    "host_key": bytes(range(32)),
    "role": security.ROLE_OPERATOR,
    "epoch": 3,
    "issued_s": 1700000000,
    "expires_s": 0,
    "node": b"",
}
SIGNATURE = bytes(64)


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except WireError as error:
        return str(error)
    raise AssertionError("accepted")


def changed(**values) -> dict:
    result = dict(GOOD)
    result.update(values)
    return result


def test_a_credential_comes_back_as_it_was_packed():
    for credential in (GOOD, changed(node=bytes(16), expires_s=1 << 40, role=1)):
        body = security.credential_body(credential)
        packed = security.pack_credential(body, SIGNATURE)
        assert security.unpack_credential(packed) == (credential, body, SIGNATURE)


def test_the_bytes_of_a_credential_stay_what_they_are():
    body = security.credential_body(GOOD)
    assert body == cbor.dumps([1, GOOD["host_key"], 2, 3, 1700000000, 0, b""])
    assert security.credential_statement(body) == b"resonode credential 1\0" + body


def test_a_credential_of_wrong_values_is_refused_by_both_sides():
    for name, value in (
        ("host_key", bytes(31)),
        ("host_key", "text"),
        ("role", 0),
        ("role", 4),
        ("role", True),
        ("epoch", -1),
        ("issued_s", 1 << 53),
        ("expires_s", 1.5),
        ("node", bytes(15)),
    ):
        wrong = changed(**{name: value})
        assert name.split("_")[0] in refused(security.credential_body, wrong) or name == "host_key"
        names = ("host_key", "role", "epoch", "issued_s", "expires_s", "node")
        body = cbor.dumps([1] + [wrong[one] for one in names])
        refused(security.unpack_credential, security.pack_credential(body, SIGNATURE))


def test_what_is_no_credential_is_refused():
    body = security.credential_body(GOOD)
    later = cbor.dumps([2] + cbor.loads(body)[1:])
    for data in (
        b"",
        b"\xff",
        cbor.dumps([]),
        cbor.dumps({"a": 1}),
        cbor.dumps([body]),
        cbor.dumps([body, "x"]),
        cbor.dumps([1, SIGNATURE]),
        security.pack_credential(body, bytes(63)),
        security.pack_credential(body[:-1], SIGNATURE),
        security.pack_credential(b"\x01", SIGNATURE),
    ):
        refused(security.unpack_credential, data)
    assert "version 2" in refused(
        security.unpack_credential, security.pack_credential(later, SIGNATURE)
    )


def test_every_truncation_of_a_credential_is_refused():
    packed = security.pack_credential(security.credential_body(GOOD), SIGNATURE)
    for size in range(len(packed)):
        refused(security.unpack_credential, packed[:size])


def test_a_code_is_read_however_people_type_it():
    code = security.code_of(bytes(range(10)))
    assert len(code) == security.CODE_LETTERS
    shown = security.show_code(code)
    assert shown.count("-") == 3
    for typed in (code, shown, shown.lower(), " " + shown.replace("-", " ")):
        assert security.read_code(typed) == code
    assert security.read_code("oOiIlL0000000000") == "0011110000000000"


def test_a_code_that_cannot_be_one_says_why():
    assert "16" in refused(security.read_code, "K7QM")
    assert "'U'" in refused(security.read_code, "U" * 16)


def test_every_bit_of_the_random_number_is_in_the_code():
    codes = {security.code_of((1 << bit).to_bytes(10, "big")) for bit in range(80)}
    assert len(codes) == 80
    assert security.code_of(bytes(10)) == "0" * 16


def test_statements_are_of_different_kinds():
    key, hashed, fingerprint = bytes(32), bytes(32), bytes(16)
    statements = (
        security.static_statement(0, key),
        security.claim_statement(hashed, fingerprint),
        security.release_statement(fingerprint, 0, "0" * 16),
        security.credential_statement(security.credential_body(GOOD)),
        security.psk_input("node", "0" * 16),
    )
    kinds = {statement.split(b"\0")[0] for statement in statements}
    assert len(kinds) == len(statements)


def test_a_certificate_is_taken_apart():
    certificate = b"\0\0\0\7" + bytes(range(32)) + SIGNATURE
    assert security.split_certificate(certificate) == (7, bytes(range(32)), SIGNATURE)
    refused(security.split_certificate, certificate[:-1])
