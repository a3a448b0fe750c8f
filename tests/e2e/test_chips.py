"""Every accelerometer through the whole chain: what is stored against float64, from its LSBs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resonode
from firmware import calibration_file
from resonode_hil.machine import default_machine
from resonode_hil.sensors import faulty
from resonode_hil.sensors.adxl345 import Adxl345
from resonode_hil.sensors.adxl355 import Adxl355
from resonode_hil.sensors.lis2dw12 import Lis2dw12
from resonode_hil.sensors.lsm6ds3trc import Lsm6ds3trc
from resonode_hil.staging import stage
from resonode_hil.timebase import Lockstep

from . import reference
from .conftest import commission_beforehand, measure, run
from .test_exact import BIN_OF_LARGEST, RELATIVE, VELOCITY_RELATIVE

WINDOW, POINTS, VELOCITY = 512, 512, 2048
LAST_CAPTURE = 2
# The band filter's taps are whole multiples of 2^-15. One that lies half-way may be rounded the
# other way from float32 than from float64, and moves the squared envelope by twice that; of the
# few taps that slow sensors have, two may.
ENVELOPE_BIN = BIN_OF_LARGEST["f32"] + 2 * 2 * 2**-15
G_M_S2 = 9.80665


@dataclass(frozen=True)
class Fitted:
    """A chip, where it is, and what its datasheet says of it there."""

    chip: str
    model: Any
    place: dict[str, int]
    nominal_hz: float
    full_scale_g: int
    lsb_g: float  # of 16 bits
    band_hz: tuple[int, int]
    lines_hz: int


SPI = {"spi": 0, "cs": 0, "int1": 8}
FITTED = [
    Fitted("lis2dw12", Lis2dw12, SPI, 1600, 8, 61e-6 * 4, (150, 350), 90),
    Fitted("adxl345", Adxl345, SPI, 3200, 16, 1 / 2048, (400, 1200), 300),
    Fitted("adxl355", Adxl355, SPI, 4000, 8, 1 / 4000, (300, 900), 200),
    Fitted("lsm6ds3", Lsm6ds3trc, SPI, 6660, 16, 488e-6, (500, 1400), 300),
    # As it is fitted on the XIAO nRF52840 Sense.
    Fitted(
        "lsm6ds3",
        Lsm6ds3trc,
        {"i2c": 0, "address": 0x6A, "int1": 8},
        3330,
        16,
        488e-6,
        (500, 1400),
        300,
    ),
]


def shown(model: Any) -> np.ndarray:
    """What the tap took, as 16 bits: an ADXL355's 20 are rounded half up."""
    rows = model.tap.all()
    wide = rows.dtype == np.int32
    return np.minimum((rows + 8) >> 4, 32767) if wide else rows.astype(np.int64)


@dataclass(frozen=True)
class Calibrated:
    """What a calibration has found, by axis."""

    sensitivity: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset_m_s2: tuple[float, float, float] = (0.0, 0.0, 0.0)


def place_of(rows: np.ndarray, record: Any, scale_m_s2: float, offset_m_s2: float) -> int:
    """Return which row is the first of a features record's, from their exact sum and extent."""
    column = rows[:, record.axis]
    sums = np.convolve(column, np.ones(WINDOW, dtype=np.int64), mode="valid")
    wanted = (record.mean_m_s2 + offset_m_s2) * WINDOW / scale_m_s2
    candidates = np.flatnonzero(np.abs(sums - wanted) < 0.5 + 1e-6 * abs(wanted))
    extents = [np.ptp(column[at : at + WINDOW]) * scale_m_s2 for at in candidates]
    (found,) = [
        at
        for at, extent in zip(candidates, extents, strict=True)
        if extent == pytest.approx(record.peak_to_peak_m_s2, rel=1e-6)
        and reference.features(column[at : at + WINDOW], scale_m_s2)["rms_m_s2"]
        == pytest.approx(record.rms_m_s2, rel=1e-6)
    ]
    return int(found)


def start(
    fitted: Fitted, virtual_board: Any, tmp_path: Path, timebase: Lockstep, model: Any = None
) -> Any:
    """Return (board, model): a node that has that chip."""
    staged = stage(tmp_path / "staged")
    path = staged / "boards" / "VIRTUAL" / "board.json"
    data = json.loads(path.read_text())
    data |= {"sensors": [{"chip": fitted.chip, **fitted.place}], "config": {}}
    path.write_text(json.dumps(data))
    commission_beforehand(tmp_path / "node")
    model = model or fitted.model(default_machine(), tap=True)
    board = virtual_board(
        {0: model},
        i2c={fitted.place["address"]: model} if "i2c" in fitted.place else {},
        timebase=timebase,
        directory=tmp_path / "node",
        staged=staged,
    )
    return board, model


@pytest.mark.parametrize("fitted", FITTED, ids=lambda one: f"{one.chip}-{next(iter(one.place))}")
def test_everything_stored_of_any_chip_agrees_with_float64(
    fitted: Fitted, virtual_board: Any, tmp_path: Path
) -> None:
    check_stored(fitted, Calibrated(), virtual_board, tmp_path)


def test_a_calibration_is_in_every_value_of_its_axis(virtual_board: Any, tmp_path: Path) -> None:
    found = Calibrated((1.03, 0.96, 1.25), (0.5, -0.25, 0.125))
    record = asdict(found) | {"date": "2026-11-22", "certificate": "Lab 4711"}
    record = {name: list(one) if isinstance(one, tuple) else one for name, one in record.items()}
    flash = tmp_path / "node" / "flash"
    flash.mkdir(parents=True)
    calibration_file.save(FITTED[1].chip, record, str(flash / "calibration.bin"))
    check_stored(FITTED[1], found, virtual_board, tmp_path)


def check_stored(
    fitted: Fitted, calibrated: Calibrated, virtual_board: Any, tmp_path: Path
) -> None:
    board, model = start(fitted, virtual_board, tmp_path, Lockstep())
    config = {
        "full_scale_g": fitted.full_scale_g,
        "window": WINDOW,
        "spectrum_encoding": "f32",
        "envelope_encoding": "f32",
        "envelope_bands": [list(fitted.band_hz)],
        "envelope_points": POINTS,
        "envelope_max_hz": fitted.lines_hz,
        "envelope_axes": "xyz",
        "velocity_axes": "xyz",
        "velocity_window": VELOCITY,
        "velocity_hi_hz": min(fitted.nominal_hz / 4, 1000.0),
        "spectrum_period_s": 0.7,
    }
    wanted = {resonode.Velocity: 6, resonode.EnvelopeSpectrum: 6}

    def enough(record: Any) -> bool:
        if type(record) in wanted and record.capture == LAST_CAPTURE:
            wanted[type(record)] -= 1
        return max(wanted.values()) <= 0

    database = tmp_path / "store.db"
    counters, name = run(measure(f"serial:{board.port}", database, config, enough))
    assert counters["windows"]["lost"] == 0
    with resonode.Store(database, readonly=True) as store:
        raws = [store.raw(name, seq) for seq in range(store.last_seq(name) + 1)]
    records = [resonode.decode(raw) for raw in raws if raw]
    last = [record for record in records if getattr(record, "capture", 0) == LAST_CAPTURE]
    check(last, model, fitted, calibrated)


def check(records: list[Any], model: Any, fitted: Fitted, calibrated: Calibrated) -> None:
    scales = [fitted.lsb_g * G_M_S2 * one for one in calibrated.sensitivity]
    rows = shown(model)
    first = next(record for record in records if isinstance(record, resonode.Features))
    offset_m_s2 = calibrated.offset_m_s2[first.axis]
    start = place_of(rows, first, scales[first.axis], offset_m_s2) - first.first_sample

    def lsb(record: Any) -> np.ndarray:
        at = start + record.first_sample
        return np.asarray(rows[at : at + record.count, record.axis])

    seen = dict.fromkeys((resonode.Features, resonode.Spectrum), 0)
    seen |= dict.fromkeys((resonode.EnvelopeSpectrum, resonode.Velocity), 0)
    for record in records:
        if type(record) not in seen:
            continue
        seen[type(record)] += 1
        scale_m_s2 = scales[record.axis]
        # Twice what the level's uncertainty leaves after a tenth of a second.
        assert record.rate_hz == pytest.approx(fitted.nominal_hz * 1.013, rel=0.02)
        if isinstance(record, resonode.Features):
            wanted = reference.features(lsb(record), scale_m_s2)
            wanted["mean_m_s2"] -= calibrated.offset_m_s2[record.axis]
            for field, limit in RELATIVE.items():
                assert getattr(record, field) == pytest.approx(wanted[field], rel=limit), field
            assert record.skewness == pytest.approx(wanted["skewness"], abs=3e-6)
        elif isinstance(record, resonode.Spectrum):
            bins = reference.averaged_amplitude(lsb(record), WINDOW, scale_m_s2)
            error = np.abs(record.amplitude_m_s2 - bins).max() / bins.max()
            assert error <= BIN_OF_LARGEST["f32"]
        elif isinstance(record, resonode.EnvelopeSpectrum):
            # The filters were made for the rate known when the capture began.
            rate_hz = record.rate_hz * fitted.band_hz[0] / record.band_lo_hz
            # Lines end at 200 Hz or higher, whatever is asked for, and at the band's width.
            width_hz = fitted.band_hz[1] - fitted.band_hz[0]
            lines_hz = min(max(fitted.lines_hz, 200), 0.99 * width_hz)
            filters = reference.EnvelopeFilters.of(rate_hz, *fitted.band_hz, lines_hz)
            assert record.count == filters.span(POINTS)
            bins = reference.envelope(
                lsb(record), filters, len(record.envelope_m2_s4), POINTS, scale_m_s2
            )
            assert np.abs(record.envelope_m2_s4 - bins).max() / bins.max() <= ENVELOPE_BIN
        else:
            assert record.count == VELOCITY  # not decimated
            accel = lsb(record) * scale_m_s2
            band_hz = record.band_lo_hz, record.band_hi_hz
            wanted_mm_s = reference.velocity_of(accel, record.rate_hz, *band_hz)
            assert record.velocity_mm_s == pytest.approx(wanted_mm_s, rel=VELOCITY_RELATIVE)
    assert seen[resonode.Features] >= 3 * 4
    assert seen[resonode.Spectrum] >= 3
    assert seen[resonode.EnvelopeSpectrum] >= 6
    assert seen[resonode.Velocity] >= 6


def test_a_hole_of_a_chip_without_time_stamps_is_declared_as_estimated(
    virtual_board: Any, tmp_path: Path
) -> None:
    timebase = Lockstep()
    timebase.stall(2_000_000, 500_000)
    board, _model = start(FITTED[0], virtual_board, tmp_path, timebase)
    windows = []

    def enough(record: Any) -> bool:
        windows.append(record.t_us)
        return record.t_us > 4_000_000

    database = tmp_path / "store.db"
    config = {"window": WINDOW, "outputs": ["features"]}
    counters, name = run(measure(f"serial:{board.port}", database, config, enough))
    with resonode.Store(database, readonly=True) as store:
        raws = [store.raw(name, seq) for seq in range(store.last_seq(name) + 1)]
    (loss,) = [
        one for one in map(resonode.decode, filter(None, raws)) if type(one) is resonode.Loss
    ]
    assert (loss.reason_name, loss.estimated) == ("overrun", 1)
    # 800 samples, and the two windows they lie in at most.
    assert counters["windows"]["lost"] == loss.lost_windows
    assert 1 <= loss.lost_windows <= 3


def test_a_chip_unplugged_in_the_middle_of_a_transfer_is_declared_and_found_again(
    virtual_board: Any, tmp_path: Path
) -> None:
    """On I2C, with the whole firmware: what was lost, why in plain words, and a new capture."""
    fitted = FITTED[-1]

    def fresh(powered_at_us: int = -1_000_000) -> Any:
        return fitted.model(default_machine(), tap=True, powered_at_us=powered_at_us)

    fault = faulty.unplugged(100, from_us=2_000_000, until_us=4_500_000)
    model = faulty.Faulty(fresh(), fault, again=lambda: fresh(4_500_000))
    board, _model = start(fitted, virtual_board, tmp_path, Lockstep(), model)
    captures = {}

    def enough(record: Any) -> bool:
        if isinstance(record, resonode.Features):
            captures.setdefault(record.capture, []).append(record)
        return record.t_us > 7_000_000

    database = tmp_path / "store.db"
    config = {"window": WINDOW, "outputs": ["features"]}
    _counters, name = run(measure(f"serial:{board.port}", database, config, enough))
    with resonode.Store(database, readonly=True) as store:
        raws = [store.raw(name, seq) for seq in range(store.last_seq(name) + 1)]
    losses = [one for one in map(resonode.decode, filter(None, raws)) if type(one) is resonode.Loss]
    assert losses and {loss.reason_name for loss in losses} == {"sensor_fault"}
    before, after = min(captures), max(captures)
    assert after > before
    assert captures[before][-1].t_us < 2_000_000 < 4_500_000 < captures[after][0].t_us
    # It is looked for every second, and turning on takes 20 ms.
    assert captures[after][0].t_us < 6_000_000


def test_what_the_fitted_chip_cannot_do_is_refused_and_its_defaults_suit_it(
    virtual_board: Any, tmp_path: Path
) -> None:
    board, _model = start(FITTED[0], virtual_board, tmp_path, Lockstep())

    async def talk() -> dict[str, Any]:
        async with resonode.connect(f"serial:{board.port}") as node:
            usual = await node.config()
            with pytest.raises(resonode.CommandError, match="below 720 Hz.*lis2dw12"):
                await node.configure(envelope_bands=[[2000, 4000]])
            with pytest.raises(resonode.CommandError, match="at most 400 Hz.*lis2dw12"):
                await node.configure(velocity_hi_hz=1000.0)
            assert await node.config() == usual
            return usual

    usual = run(talk())
    assert (usual["watermark"], usual["full_scale_g"]) == (16, 4)
    assert usual["velocity_hi_hz"] == 400.0
    assert usual["envelope_bands"] == [[100, 400]]
