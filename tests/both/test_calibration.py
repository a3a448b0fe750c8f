"""Runs on: MicroPython and CPython."""

from firmware import calibration_file
from firmware.errors import CalibrationError
from tests.both.power_cut import fresh_file

PATH = "build/test-calibration.bin"
RECORD = {
    "sensitivity": [1.01, 0.99, 1],
    "offset_m_s2": [0.1, -0.2, 0],
    "date": "2026-11-22",
    "certificate": "DKD 4711",
}


def refusal(record: dict) -> str:
    try:
        calibration_file.checked(record)
    except CalibrationError as error:
        return str(error)
    return ""


def changed(**what) -> dict:
    record = dict(RECORD)
    record.update(what)
    return record


def test_a_record_is_kept_and_comes_back_with_the_chip_it_is_of():
    fresh_file(PATH)
    calibration_file.save("iis3dwb", RECORD, PATH)
    kept = calibration_file.load("iis3dwb", PATH)
    assert abs(kept.scale_m_s2(0, 0.004) - 0.00404) < 1e-9
    assert abs(kept.offset_m_s2[1] + 0.2) < 1e-8
    report = kept.report()
    assert report["calibrated"] and report["date"] == "2026-11-22"
    assert report["certificate"] == "DKD 4711" and report["sensor"] == "iis3dwb"
    other = calibration_file.load("adxl355", PATH)
    assert other.report() == {"sensor": "adxl355", "calibrated": False}


def test_without_a_record_nothing_is_changed():
    fresh_file(PATH)
    none = calibration_file.load("iis3dwb", PATH)
    assert [none.scale_m_s2(axis, 0.004) for axis in range(3)] == [0.004] * 3
    assert none.offset_m_s2 == [0.0] * 3


def test_an_empty_record_forgets():
    fresh_file(PATH)
    calibration_file.save("iis3dwb", RECORD, PATH)
    assert not calibration_file.save("iis3dwb", {}, PATH).report()["calibrated"]
    assert not calibration_file.load("iis3dwb", PATH).report()["calibrated"]


def test_each_refusal_names_the_part_and_what_is_allowed():
    for record, words in (
        (changed(sensitivity=[1, 1]), ("sensitivity", "three")),
        (changed(sensitivity=[1, 1, 3]), ("sensitivity", "0.5..2.0")),
        (changed(sensitivity=[1, True, 1]), ("sensitivity",)),
        (changed(sensitivity=[1, float("nan"), 1]), ("sensitivity",)),
        (changed(offset_m_s2="none"), ("offset_m_s2", "three")),
        (changed(offset_m_s2=[0, 0, -21]), ("offset_m_s2", "-20.0..20.0")),
        (changed(date="22.11.2026"), ("date", "2026-11-22")),
        (changed(date="2026-13-01"), ("date",)),
        (changed(date=20261122), ("date",)),
        (changed(certificate="x" * 65), ("certificate", "64")),
        (changed(colour="red"), ("colour",)),
        ({"date": "2026-11-22"}, ("sensitivity", "missing")),
    ):
        text = refusal(record)
        for word in words:
            assert word in text, (record, text)
