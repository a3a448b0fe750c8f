"""Accelerometer drivers and the sampler in MicroPython, through the bus channel, against models."""

from __future__ import annotations

import json
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resonode_hil import Lockstep
from resonode_hil.board import VirtualBoard
from resonode_hil.machine import default_machine
from resonode_hil.sensors import faulty
from resonode_hil.sensors.adxl345 import Adxl345
from resonode_hil.sensors.adxl355 import Adxl355
from resonode_hil.sensors.faulty import Faulty
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.sensors.lis2dw12 import Lis2dw12
from resonode_hil.sensors.lsm6ds3trc import Lsm6ds3trc
from resonode_hil.staging import stage
from tests.hil.rigs import Level

G_M_S2 = 9.80665
SIZE = 256


@dataclass(frozen=True)
class Fitted:
    """A chip on a bus, and what its datasheet says of it there."""

    driver: str
    model: Any
    bus: str
    address: int
    nominal_hz: float
    watermark: int
    full_scales_g: tuple[int, ...]
    step_g: float  # coarsest step of the chip at 1 g of full scale
    push_g: tuple[float, float, float]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def stamped(self) -> bool:
        return self.model is Iis3dwb

    def make(self, machine: Any = None, **options: Any) -> Any:
        return self.model(machine or default_machine(), tap=True, **(self.options | options))


def both(driver: str, model: Any, address: int, rates_hz: tuple[float, float], *rest: Any) -> list:
    return [
        Fitted(driver, model, "spi", address, rates_hz[0], *rest),
        Fitted(driver, model, "i2c", address, rates_hz[1], *rest),
    ]


ALL_G = (2, 4, 8, 16)
FITTED = [
    Fitted("iis3dwb", Iis3dwb, "spi", 0, 80000 / 3, 128, ALL_G, 61e-6 / 2, (1.6, 1.4, 1.8)),
    *both("lis2dw12", Lis2dw12, 0x18, (1600.0, 1600.0), 16, ALL_G, 244e-6 / 2, (0.42, 0.38, 0.6)),
    *both("adxl345", Adxl345, 0x53, (3200.0, 800.0), 16, ALL_G, 0.0, (1.1, -1.0, 1.7)),
    *both("lsm6ds3", Lsm6ds3trc, 0x6A, (6660.0, 3330.0), 64, ALL_G, 61e-6 / 2, (0.55, 0.5, 0.8)),
    *both("adxl355", Adxl355, 0x1D, (4000.0, 2000.0), 16, (2, 4, 8), 62.5e-6 / 2, (0.3, 0.3, 1.5)),
]
each = pytest.mark.parametrize("fitted", FITTED, ids=lambda one: f"{one.driver}-{one.bus}")


@dataclass
class Told:
    """What the probe said, and the windows it wrote."""

    lines: list[dict[str, Any]]
    windows: list[tuple[int, int, int, np.ndarray]]  # capture, first sample, t_us, (n, 3)

    def __getitem__(self, name: str) -> Any:
        """The last thing said by that name."""
        return [line[name] for line in self.lines if name in line][-1]

    def all(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if name in line]

    def of(self, capture: int) -> list[tuple[int, np.ndarray]]:
        return [(first, rows) for number, first, _t_us, rows in self.windows if number == capture]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = stage(tmp_path_factory.mktemp("staged"))
    probe = Path(__file__).parent / "probes" / "accelerometer_probe.py"
    shutil.copy(probe, folder / probe.name)
    return folder


@pytest.fixture
def probe(staged: Path, tmp_path: Path) -> Callable[..., Told]:
    def run(
        fitted: Fitted,
        model: Any,
        *steps: str,
        seconds: float = 1.0,
        stall: tuple[int, int] | None = None,
        **plan: Any,
    ) -> Told:
        timebase = Lockstep()
        if stall:
            timebase.stall(*stall)
        fitted_at = {fitted.address: model} if fitted.bus == "i2c" else {}
        board = VirtualBoard(
            tmp_path / "board",
            {0: model},  # on I2C, for its interrupt line
            i2c=fitted_at,
            timebase=timebase,
            staged=staged,
            entry="accelerometer_probe",
        )
        board.flash_dir.mkdir(parents=True, exist_ok=True)
        asked = {
            "driver": fitted.driver,
            "bus": fitted.bus,
            "steps": steps,
            "full_scale_g": max(fitted.full_scales_g),
            "watermark": fitted.watermark,
            "size": SIZE,
            "until_us": int(seconds * 1e6),
        } | plan
        (board.flash_dir / "plan.json").write_text(json.dumps(asked))
        with board:
            patience_ends_s = time.monotonic() + 60
            while board.running and time.monotonic() < patience_ends_s:
                time.sleep(0.005)
        assert board.bus.error is None, board.bus.error
        lines = [json.loads(line) for line in board.log_path.read_text().splitlines()]
        assert lines and lines[-1] == {"done": True}, lines
        return Told(lines, _windows(board.flash_dir / "windows.bin"))

    return run


def _windows(path: Path) -> list[tuple[int, int, int, np.ndarray]]:
    data = path.read_bytes() if path.exists() else b""
    size = 16 + 6 * SIZE
    windows = []
    for at in range(0, len(data), size):
        capture, first, t_us = struct.unpack_from("<IIQ", data, at)
        axes = np.frombuffer(data, "<i2", 3 * SIZE, at + 16).reshape(3, SIZE)
        windows.append((capture, first, t_us, axes.T))
    return windows


def shown(model: Any) -> np.ndarray:
    """What the tap took, as 16 bits: an ADXL355's 20 are rounded half up."""
    rows = model.tap.all().astype(np.int64)
    if rows.size and model.tap.all().dtype == np.int32:
        rows = np.minimum((rows + 8) >> 4, 32767)
    return rows


def place(rows: np.ndarray, window: np.ndarray) -> int:
    """Return where `window` is in `rows`, which must be in exactly one place."""
    starts = np.flatnonzero(np.all(rows[: len(rows) - SIZE + 1] == window[0], axis=1))
    found = [int(at) for at in starts if np.array_equal(rows[at : at + SIZE], window)]
    assert len(found) == 1, found
    return found[0]


# ---- identity and configuration ----


@each
def test_the_chip_is_known_and_another_in_its_place_is_not(fitted, probe):
    assert "scale_m_s2" in probe(fitted, fitted.make(), "configure").lines[0]
    other = next(one for one in FITTED if one.model is not fitted.model and one.bus == fitted.bus)
    told = probe(fitted, other.make(), "configure")
    assert told["kind"] == "SensorError"
    assert fitted.driver.split("3")[0][:3] in told["error"]


@each
def test_an_absent_chip_is_told_in_plain_words(fitted, probe):
    told = probe(fitted, Faulty(fitted.make(), faulty.absent()), "configure")
    assert told["kind"] == "SensorError"
    assert "answer" in told["error"] and "wiring" in told["error"]


@each
def test_every_full_scale_reads_gravity_right_and_the_thermometer_too(fitted, probe):
    for full_scale_g in fitted.full_scales_g:
        level = Level(0.25, -0.5, 0.0)
        model = fitted.make(level, noise_g_rthz=0.0, temperature_c=31.5)
        plan = {"full_scale_g": full_scale_g}
        told = probe(fitted, model, "configure", "capture", seconds=0.7, **plan)
        mean_g = told.windows[-1][3].mean(axis=0) * told["scale_m_s2"] / G_M_S2
        # Half a step of the chip; the ADXL345 has 7.8 mg at 3.2 kHz in every range.
        step_g = fitted.step_g * full_scale_g or 1 / 128
        # ST's sensitivities are rounded to three digits: 0.061 for 0.06104.
        assert mean_g == pytest.approx([0.25, -0.5, 1.0], abs=0.51 * step_g + 1e-6)
        if fitted.driver not in ("adxl345", "iis3dwb"):
            # 9 LSB per degree of the ADXL355, 16 of the LIS2DW12.
            assert told["temperature_c"] == pytest.approx(31.5, abs=0.06)


# ---- data ----


@each
def test_windows_hold_every_sample_the_chip_took_bit_for_bit(fitted, probe):
    model = fitted.make()
    seconds = 2.0
    told = probe(fitted, model, "capture", seconds=seconds)
    windows = told.of(1)
    rows = shown(model)
    start = place(rows, windows[0][1])
    assert [first for first, _rows in windows] == [SIZE * k for k in range(len(windows))]
    for first, window in windows:
        assert np.array_equal(rows[start + first : start + first + SIZE], window)
    # All but the turn-on and the last, unfinished window.
    assert len(windows) >= int((seconds - 0.1) * fitted.nominal_hz / SIZE) - 1
    assert told["overruns"] == 0


@each
def test_rate_is_measured_against_the_boards_clock(fitted, probe):
    told = probe(fitted, model := fitted.make(), "capture", seconds=4.0)
    true_hz = model.rate_hz or fitted.nominal_hz * 1.013
    assert told["rate_hz"] == pytest.approx(true_hz, rel=told["rate_error"])
    assert told["rate_error"] <= 2.1 / (3.5 * true_hz)


@each
def test_overrun_is_declared_and_what_follows_is_in_its_place(fitted, probe):
    # A stall longer than the FIFO lasts: 102 ms of an LSM6DS3TR-C at 6.66 kHz.
    model = fitted.make()
    told = probe(fitted, model, "capture", seconds=3.0, stall=(1_500_000, 300_000))
    assert told["overruns"] == 1
    (loss,) = told.all("lost")
    assert loss["estimated"] != fitted.stamped
    windows = told.of(1)
    rows = shown(model)
    start = place(rows, windows[0][1])
    before = [one for one in windows if one[0] < SIZE * (len(windows) - 1)]
    assert len(before) < len(windows)
    offsets = [place(rows, window) - start - first for first, window in windows]
    # Before the hole exact, after it the same everywhere; exact where the chip says which sample
    # is which, else to the samples that the level is uncertain by at both ends of the hole.
    gap = next(at for at, offset in enumerate(offsets) if windows[at][0] != SIZE * at)
    assert set(offsets[:gap]) == {0}
    assert len(set(offsets[gap:])) == 1
    assert abs(offsets[gap]) <= (0 if fitted.stamped else 2)
    assert windows[gap][0] == SIZE * (gap + loss["lost"])


# ---- self-test ----


@each
def test_self_test_passes_a_healthy_chip_and_tells_by_how_much(fitted, probe):
    told = probe(fitted, fitted.make(), "self_test")
    assert told["passed"] is True
    # The machine goes on: its vibration is in the mean of 64 samples.
    assert told["change_g"] == pytest.approx(fitted.push_g, abs=0.15)
    limits = zip(told["least_g"], told["change_g"], told["most_g"], strict=True)
    assert all(least <= change <= most for least, change, most in limits)


@each
def test_self_test_fails_a_chip_whose_mass_does_not_move(fitted, probe):
    told = probe(fitted, fitted.make(push_g=(0.0, 0.0, 0.0)), "self_test")
    assert told["passed"] is False
    assert told["change_g"] == pytest.approx([0, 0, 0], abs=0.15)


# ---- faults ----

FAULT_US, MENDED_US = 500_000, 1_200_000
FAULTS = {
    "absent": faulty.absent(from_us=FAULT_US, until_us=MENDED_US),
    "stuck": faulty.stuck(from_us=FAULT_US, until_us=1_800_000),
    "noisy": faulty.noisy(2e-4, from_us=FAULT_US, until_us=MENDED_US),
    "slow": faulty.slow(2.0, from_us=FAULT_US, until_us=MENDED_US),
    "nacking": faulty.nacking(0.2, from_us=FAULT_US, until_us=MENDED_US),
    "flipped": faulty.flipped(from_us=FAULT_US, until_us=MENDED_US),
    "saturated": faulty.saturated(from_us=FAULT_US, until_us=MENDED_US),
    "unplugged": faulty.unplugged(40, from_us=FAULT_US, until_us=MENDED_US),
}
SECONDS = 3.8
LAST_S = 0.8  # of them, in which everything is well again


@each
@pytest.mark.parametrize("kind", FAULTS)
def test_node_outlives_every_fault_and_measures_again_when_it_is_over(fitted, kind, probe):
    models = [fitted.make()]

    def again() -> Any:
        models.append(fitted.make(powered_at_us=MENDED_US, seed=2))
        return models[-1]

    model = Faulty(models[0], FAULTS[kind], again=again)
    told = probe(fitted, model, "capture", seconds=SECONDS)
    rows = shown(models[0])
    # Until the fault every window is exact, and at the end again.
    early = [one for one in told.windows if one[2] < FAULT_US - 50_000]
    late = [one for one in told.windows if one[2] > (SECONDS - LAST_S) * 1e6]
    assert len(early) >= 0.8 * FAULT_US * 1e-6 * fitted.nominal_hz / SIZE - 1
    assert len(late) >= 0.9 * LAST_S * fitted.nominal_hz / SIZE - 1
    start = place(rows, early[0][3])
    assert all(place(rows, one[3]) == start + one[1] for one in early)
    last_rows = shown(models[-1])
    last = place(last_rows, late[0][3])
    assert all(place(last_rows, one[3]) - last == one[1] - late[0][1] for one in late)
    # Windows that were not whole are declared, or the capture is another.
    for capture in {one[0] for one in told.windows}:
        numbers = [first // SIZE for first, _rows in told.of(capture)]
        missing = numbers[-1] + 1 - len(numbers)
        declared = [line["lost"] for line in told.all("lost") if line["in_capture"] == capture]
        assert missing == sum(declared)
    ended = kind in ("absent", "unplugged") or (kind == "nacking" and fitted.bus == "i2c")
    if ended:
        assert told.all("error") and told["capture"] > 1
        assert all(line["kind"] == "SensorError" for line in told.all("error"))
    if kind == "saturated":
        span_us = SIZE * 1e6 / fitted.nominal_hz
        during = [one for one in told.windows if FAULT_US + 1.1 * span_us < one[2] < MENDED_US]
        assert during and all((one[3] == 32767).all() for one in during)
