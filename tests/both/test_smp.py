"""Runs on: MicroPython and CPython."""

from resonode_wire import smp
from resonode_wire.errors import WireError

GOLDEN = bytes.fromhex("0a00000900000100a1616465" + "68656c6c6f")


def lines_of(message: bytes) -> list:
    return smp.console_lines(message).split(b"\n")[:-1]


def test_golden_echo_in_console_framing():
    assert smp.console_lines(GOLDEN) == b"\x06\x09ABMKAAAJAAABAKFhZGVoZWxsb3o2\n"
    assert smp.ConsoleAssembler().line(b"\x06\x09ABMKAAAJAAABAKFhZGVoZWxsb3o2") == GOLDEN


def test_header_comes_back_as_it_went():
    message = smp.pack(smp.WRITE, 0x1234, 200, 9, b"\xa0", 1)
    assert smp.unpack(message) == (smp.WRITE, 1, 0x1234, 200, 9, b"\xa0")


def test_no_line_is_longer_than_the_convention():
    for size in range(0, 700, 13):
        for line in lines_of(smp.pack(2, 0, 0, 0, bytes(size))):
            assert len(line) + 1 <= 127


def test_long_message_is_put_together_again():
    message = smp.pack(2, 0, 1, 0, bytes(range(256)) * 4)
    assembler = smp.ConsoleAssembler()
    results = [assembler.line(line) for line in lines_of(message)]
    assert results[-1] == message
    assert set(results[:-1]) == {b""}


def test_text_is_no_smp_line():
    assert smp.ConsoleAssembler().line(b"hello world") is None


def refused(lines: list, limit: int = smp.MAX_MESSAGE) -> bool:
    assembler = smp.ConsoleAssembler(limit)
    try:
        for line in lines:
            assembler.line(line)
    except WireError:
        return True
    return False


def test_damage_and_excess_are_refused():
    message = smp.pack(2, 0, 1, 0, bytes(300))
    lines = lines_of(message)
    assert refused(lines[1:])
    assert refused([lines[0][:-4] + b"BBBB"] + lines[1:])
    assert refused(lines, limit=100)
    assert refused([b"\x06\x09AAAA"])


def test_wrong_lengths_are_refused():
    for message in (b"", GOLDEN[:7], GOLDEN[:-1], GOLDEN + b"x"):
        try:
            smp.unpack(message)
        except WireError:
            continue
        raise AssertionError(message)
