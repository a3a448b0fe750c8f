"""Whatever a sensor sends, a driver gives values or says SensorError; nothing else comes out."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers import SensorError, bme680, pms5003, sensirion, shdlc

# Noise, and what looks like the beginnings of frames.
marks = st.sampled_from(
    [b"\x7e", b"\x7d", b"\x42\x4d", b"\x42\x4d\x00\x1c", b"\x7e\x00\x03\x00\x28"]
)
streams = st.lists(st.one_of(marks, st.binary(max_size=40)), max_size=8).map(b"".join)


@given(streams)
def test_any_bytes_on_an_sps30s_line(data: bytes) -> None:
    frame = shdlc.first_frame(data)
    if frame is not None:
        assert frame and 0x7E not in frame and frame in data
        with contextlib.suppress(SensorError):
            shdlc.data_of(frame, 3, "sps30")


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_request_comes_back_out_of_its_stuffing(command: int, data: bytes) -> None:
    wire = shdlc.request(command, data)
    assert not set(wire[1:-1]) & {0x7E, 0x11, 0x13}
    plain = shdlc._unstuffed(shdlc.first_frame(wire))
    assert bytes(plain[:-1]) == bytes([0, command, len(data)]) + data
    assert sum(plain) & 0xFF == 0xFF


@given(streams, st.integers(1, 7))
def test_any_bytes_on_a_pms5003s_line_however_they_are_cut(data: bytes, step: int) -> None:
    kept = b""
    for at in range(0, len(data), step):
        kept = pms5003._from_head(kept + data[at : at + step])
        # What is kept begins a frame, or might.
        assert kept[:2] in (b"", b"\x42", b"\x42\x4d")
    with contextlib.suppress(SensorError):
        pms5003.values_of(kept[: pms5003.FRAME_BYTES])


@given(st.lists(st.integers(0, 65535), max_size=12))
def test_any_words_come_back(words: list[int]) -> None:
    sent = b""
    for word in words:
        pair = word.to_bytes(2, "big")
        sent += pair + bytes([sensirion.crc8(pair)])
    assert sensirion.words_of(sent, "chip") == words


calibrations = st.tuples(*(st.binary(min_size=n, max_size=n) for n in (23, 14, 5)))


@given(calibrations, st.integers(0, 0xFFFFF), st.integers(0, 0xFFFFF), st.integers(0, 0xFFFF))
def test_any_calibration_of_a_bme680_gives_numbers(
    parts: Any, adc_t: int, adc_p: int, adc_h: int
) -> None:
    c = bme680.calibration_of(*parts)
    t_fine = bme680.fine_temperature(c, adc_t)
    assert isinstance(bme680.pressure_pa(c, adc_p, t_fine), int)
    assert 0 <= bme680.humidity_milli_pct(c, adc_h, t_fine) <= 100000
    assert 0 <= bme680.heater_resistance(c, 320, t_fine / 5120) <= 255


@given(st.integers(0, 1023), st.integers(0, 15))
def test_gas_resistance_is_a_positive_number_for_any_converter_value(adc: int, span: int) -> None:
    for error in range(-8, 8):
        assert bme680.gas_ohm_680({"range_sw_err": error}, adc, span) > 0
    assert bme680.gas_ohm_688({}, adc, span) > 0
