"""Checksums, frames and compensation of the air sensors' drivers.

Runs on: MicroPython and CPython. Numbers are facts of datasheets and public tests.
"""

from binascii import unhexlify

from firmware.drivers import SensorError, bme680, pms5003, sensirion, shdlc

# A frame as a PMS5003 sends it: 9, 13, 16 ug/m3.
PMS = unhexlify("424d001c0009000d00100009000d001006a501fb005a00080002000097000399")

BME = {
    "t1": 26041, "t2": 26469, "t3": 3,
    "p1": 36673, "p2": -10515, "p3": 88, "p4": 7310, "p5": -129, "p6": 30, "p7": 46,
    "p8": -3177, "p9": -2379, "p10": 30,
    "h1": 676, "h2": 1029, "h3": 0, "h4": 45, "h5": 20, "h6": 120, "h7": -100,
    "gh1": -30, "gh2": -24754, "gh3": 18,
    "res_heat_val": 48, "res_heat_range": 1, "range_sw_err": 0,
}  # fmt: skip


def complaint(call, *args) -> str:
    try:
        call(*args)
    except SensorError as error:
        return str(error)
    return ""


def flips(data: bytes):
    # Every way to invert one bit.
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def test_crc_is_sensirions():
    assert sensirion.crc8(unhexlify("beef")) == 0x92
    assert sensirion.crc8(b"") == 0xFF


def test_words_of_an_scd4x_are_those_of_its_datasheet():
    words = sensirion.words_of(unhexlify("01f4336667a25eb93c"), "scd41")
    assert words[0] == 500
    assert round(sensirion.temperature_c(words[1]), 2) == 25.0
    assert round(100 * words[2] / 65535, 1) == 37.0


def test_every_flipped_bit_of_an_answer_in_words_is_found():
    assert not complaint(sensirion.words_of, unhexlify("01f4336667a25eb93c"), "scd41")
    for damaged in flips(unhexlify("01f4336667a25eb93c")):
        assert "CRC" in complaint(sensirion.words_of, damaged, "scd41")


def test_words_of_temperature_and_humidity_are_those_of_the_datasheets():
    assert sensirion.temperature_word(25) == 0x6666 and sensirion.humidity_word(50) == 0x8000
    assert sensirion.temperature_word(-100) == 0 and sensirion.humidity_word(120) == 65535


def test_requests_on_a_uart_are_those_of_the_sps30s_datasheet():
    assert shdlc.request(0x00, b"\x01\x03") == unhexlify("7e0000020103f97e")
    assert shdlc.request(0x01) == unhexlify("7e000100fe7e")
    assert shdlc.request(0x03) == unhexlify("7e000300fc7e")
    assert shdlc.request(0x56) == unhexlify("7e005600a97e")
    # 7E, 7D, 11 and 13 are never sent as they are.
    assert shdlc.request(0x11, b"\x7e\x7d\x13") == unhexlify("7e007d31037d5e7d5d7d33dd7e")


def test_every_flipped_bit_of_an_answer_on_a_uart_is_found():
    # Values of 8 bytes with something stuffed among them.
    body = bytes((0, 3, 0, 8)) + b"\x41\x7e\x00\x7d\x11\x13\x3f\x80"
    body += bytes((~sum(body) & 0xFF,))
    frame = bytearray(b"\x7e")
    for byte in body:
        frame.extend(bytes((0x7D, byte ^ 0x20)) if byte in b"\x7e\x7d\x11\x13" else bytes((byte,)))
    frame = bytes(frame) + b"\x7e"
    assert shdlc.data_of(shdlc.first_frame(frame), 3, "sps30") == body[4:-1]
    for damaged in flips(frame):
        found = shdlc.first_frame(damaged)
        assert found is None or complaint(shdlc.data_of, found, 3, "sps30")


def test_what_an_sps30_refuses_is_said_in_words():
    body = bytes((0, 0x56, 0x43, 0))
    body += bytes((~sum(body) & 0xFF,))
    assert "not possible in its present state" in complaint(shdlc.data_of, body, 0x56, "sps30")
    assert "0x56" in complaint(shdlc.data_of, body, 0x03, "sps30")


def test_frames_on_a_uart_are_found_in_any_pieces():
    assert shdlc.first_frame(b"\x00\x7e\x01") is None
    assert shdlc.first_frame(b"\x00\x7e\x7e\x01\x02\x7e\x03") == b"\x01\x02"
    assert shdlc.first_frame(b"") is None and shdlc.first_frame(b"\x7e") is None


def test_a_pms_frame_is_read():
    values = pms5003.values_of(PMS)
    assert (values["pm1_ug_m3"], values["pm2_5_ug_m3"], values["pm10_ug_m3"]) == (9, 13, 16)
    assert abs(values["above_0_3_cm3"] - 17.01) < 1e-9
    assert "saturated" not in values


def test_every_flipped_bit_of_a_pms_frame_is_found():
    assert not complaint(pms5003.values_of, PMS)
    for damaged in flips(PMS):
        assert complaint(pms5003.values_of, damaged)


def test_compensation_of_a_bme680_is_exact():
    t_fine = bme680.fine_temperature(BME, 501240)
    assert t_fine == 136667 and (t_fine * 5 + 128) >> 8 == 2669
    assert bme680.pressure_pa(BME, 353485, t_fine) == 98712
    assert bme680.humidity_milli_pct(BME, 19019, t_fine) == 42402
    # Single-precision boards have 24 bits of it.
    assert abs(bme680.gas_ohm_680(BME, 0, 0) / 12946860 - 1) < 1e-6
    assert bme680.gas_ohm_688(BME, 0, 0) == 102400000


def test_calibration_of_a_bme680_is_taken_apart():
    first, second, third = bytearray(23), bytearray(14), bytearray(5)
    first[0:3] = unhexlify("656703")
    second[0:3] = unhexlify("40542a")
    second[8:10] = unhexlify("b965")
    second[12] = 0xE2
    third[0], third[2], third[4] = 48, 0x10, 0xF0
    found = bme680.calibration_of(first, second, third)
    assert (found["t1"], found["t2"], found["t3"]) == (26041, 26469, 3)
    assert (found["h1"], found["h2"], found["gh1"]) == (676, 1029, -30)
    assert (found["res_heat_val"], found["res_heat_range"], found["range_sw_err"]) == (48, 1, -1)


def test_heater_of_a_bme680_is_set():
    # By hand: 47.125 (1 + 0.0019722699 320) + 18 / 1024 25 = 77.306; 3.4 (77.306 0.8 / 1.096 - 25)
    assert bme680.heater_resistance(BME, 320, 25) == 106
    assert [bme680.gas_wait(ms) for ms in (1, 63, 64, 100, 4032)] == [1, 63, 0x50, 0x59, 0xFF]


def test_a_bme680_refuses_a_profile_it_cannot_heat():
    for profile in ((), ((320, 150),) * 11, ((100, 150),), ((320, 5000),)):
        assert "bme680" in complaint(bme680.BME680, None, None, profile)
