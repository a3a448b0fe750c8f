"""Runs on: MicroPython and CPython."""

from resonode_wire import frame, smp
from resonode_wire.crc import crc16
from resonode_wire.errors import WireError
from resonode_wire.frame import CHANNEL_SMP, CHANNEL_TELEMETRY, CONSOLE_SMP, TEXT, StreamDecoder

REQUEST = smp.pack(smp.WRITE, 0, 7, 0, b"\xa1\x61\x64\x61x")
LONG = smp.pack(smp.WRITE, 0, 8, 0, bytes(range(256)) * 3)


def record(payload: bytes) -> tuple:
    return frame.encode_frame(CHANNEL_TELEMETRY, payload), (CHANNEL_TELEMETRY, payload)


def session() -> list:
    # A recorded session: pieces and what a decoder must make of each.
    pieces: list = [(b"booting\n", (TEXT, "booting"))]
    for size in (0, 1, 253, 254, 255, 600):
        payload = bytes([(7 * i) % 256 for i in range(size)])
        pieces.append(
            (frame.encode_frame(CHANNEL_TELEMETRY, payload), (CHANNEL_TELEMETRY, payload))
        )
    pieces.append((smp.console_lines(REQUEST), (CONSOLE_SMP, REQUEST)))
    pieces.append((frame.encode_frame(CHANNEL_SMP, REQUEST), (CHANNEL_SMP, REQUEST)))
    pieces.append((b"a log line\r\n", (TEXT, "a log line")))
    pieces.append((smp.console_lines(LONG), (CONSOLE_SMP, LONG)))
    pieces.append(record(bytes(300)))
    return pieces


def decode_all(data: bytes, step: int) -> tuple:
    decoder = StreamDecoder()
    found = []
    for at in range(0, len(data), step):
        found += decoder.feed(data[at : at + step])
    return found + decoder.idle(), decoder.damaged


def test_crc_has_the_published_check_value():
    assert crc16(b"123456789") == 0x31C3
    assert crc16(b"6789", crc16(b"12345")) == 0x31C3


def test_frame_crc_has_the_published_check_value():
    assert frame.frame_crc(b"123456789") == 0xD64E


def test_flipped_bit_in_the_closing_delimiter_is_noticed():
    # 00 -> 01 is COBS for one more zero, which a CRC without a final XOR does not see.
    whole = frame.encode_frame(CHANNEL_TELEMETRY, b"data")
    found, damaged = decode_all(whole[:-1] + b"\x01" + whole, 64)
    assert found == [(CHANNEL_TELEMETRY, b"data")] and damaged == 1


def test_cobs_gives_the_published_examples():
    for data, coded in (
        ("", "01"),
        ("00", "0101"),
        ("0000", "010101"),
        ("11220033", "0311220233"),
        ("11000000", "0211010101"),
    ):
        assert frame.cobs_encode(bytes.fromhex(data)) == bytes.fromhex(coded), data
    run = bytes(range(1, 255))
    assert frame.cobs_encode(run) == b"\xff" + run
    assert frame.cobs_encode(b"\0" + run) == b"\x01\xff" + run
    assert frame.cobs_encode(run + b"\xff") == b"\xff" + run + b"\x02\xff"


def test_cobs_comes_back_at_every_length_around_its_block_size():
    for size in (0, 1, 2, 252, 253, 254, 255, 256, 507, 508, 509, 1000):
        for data in (bytes(size), b"\x55" * size, bytes([i % 5 for i in range(size)])):
            coded = frame.cobs_encode(data)
            assert 0 not in coded
            assert frame.cobs_decode(coded) == data


def test_decoder_gives_the_same_pieces_however_bytes_are_split():
    pieces = session()
    data = b"".join([raw for raw, _ in pieces])
    wanted = [piece for _, piece in pieces]
    for step in (1, 2, 3, 7, 64, 1000, len(data)):
        assert decode_all(data, step) == (wanted, 0), step


def test_one_flipped_bit_costs_at_most_the_piece_it_is_in():
    pieces = session()
    data = b"".join([raw for raw, _ in pieces])
    owner = []
    for number, (raw, _) in enumerate(pieces):
        owner += [number] * len(raw)
    for at in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        found, count = decode_all(bytes(damaged), 50)
        for number, (_, piece) in enumerate(pieces):
            if number != owner[at]:
                assert piece in found, (at, number)
        kind, payload = pieces[owner[at]][1]
        if kind != TEXT:
            assert (kind, payload) in found or count > 0, at


def test_cut_and_inserted_bytes_cost_at_most_their_piece():
    pieces = session()
    data = b"".join([raw for raw, _ in pieces])
    owner = []
    for number, (raw, _) in enumerate(pieces):
        owner += [number] * len(raw)
    for at in range(0, len(data), 11):
        for broken in (data[:at] + data[at + 1 :], data[:at] + b"\0" + data[at:]):
            found, _ = decode_all(broken, 64)
            near = (owner[at], owner[max(at - 1, 0)])
            for number, (_, piece) in enumerate(pieces):
                assert number in near or piece in found, (at, number)


def test_console_request_after_a_stray_delimiter_is_found_when_the_line_goes_silent():
    decoder = StreamDecoder()
    assert decoder.feed(b"\0" + smp.console_lines(REQUEST)) == []
    assert decoder.pending
    assert decoder.idle() == [(CONSOLE_SMP, REQUEST)]
    assert decoder.feed(smp.console_lines(REQUEST)) == [(CONSOLE_SMP, REQUEST)]


def test_console_lines_inside_an_undamaged_frame_are_only_its_payload():
    # Else whoever may write a file could make the node obey what is in it.
    payload = b"x\n" + smp.console_lines(REQUEST) + b"\n"
    found, damaged = decode_all(frame.encode_frame(CHANNEL_SMP, payload), 5)
    assert found == [(CHANNEL_SMP, payload)] and damaged == 0


def test_endless_noise_takes_no_memory_and_the_next_frame_is_read():
    decoder = StreamDecoder(max_payload=64)
    noise = bytes([1 + (i * 37) % 255 for i in range(1000)])
    for _ in range(20):
        decoder.feed(noise)
        assert len(decoder._segment) <= 70
    assert decoder.damaged > 0
    good = frame.encode_frame(CHANNEL_TELEMETRY, b"ok")
    assert (CHANNEL_TELEMETRY, b"ok") in decoder.feed(b"\n" + good)


def test_payload_over_the_limit_is_refused_by_the_sender():
    try:
        frame.encode_frame(CHANNEL_TELEMETRY, bytes(frame.MAX_PAYLOAD + 1))
    except WireError:
        return
    raise AssertionError("not refused")


def test_largest_payload_fits_the_decoder():
    for fill in (b"\0", b"\x01", b"\xff"):
        payload = fill * frame.MAX_PAYLOAD
        found, damaged = decode_all(frame.encode_frame(CHANNEL_TELEMETRY, payload), 4096)
        assert found == [(CHANNEL_TELEMETRY, payload)] and damaged == 0
