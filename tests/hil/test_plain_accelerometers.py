"""Models of accelerometers with a plain FIFO against what their datasheets say a driver sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode_hil.machine import Still, default_machine
from resonode_hil.sensors import adxl345, adxl355, lis2dw12, lsm6ds3trc
from tests.hil.rigs import Level

QUIET: dict[str, Any] = {"noise_g_rthz": 0.0, "gravity_g": (0.0, 0.0, 0.0), "rate_error": 0.0}


class Wire:
    """Somebody who knows the chip's registers and its SPI command byte."""

    def __init__(self, chip: Any, read: int = 0x80, shift: int = 0) -> None:
        self.chip = chip
        self._read, self._shift = read, shift
        self.t_us = 0
        chip.advance(0)

    def write(self, register: int, *values: int) -> None:
        for at, value in enumerate(values):
            self.chip.spi(bytes([register + at << self._shift, value]), 0)

    def read(self, register: int, count: int = 1) -> bytes:
        return bytes(self.chip.spi(bytes([register << self._shift | self._read]), count))

    def run(self, us: int) -> None:
        self.t_us += us
        self.chip.advance(self.t_us)


def lis(machine: Any = None, ctrl1: int = 0x94, ctrl6: int = 0x04, **options: Any) -> Wire:
    wire = Wire(lis2dw12.Lis2dw12(machine or Still(), **(QUIET | options)))
    wire.write(lis2dw12.CTRL6, ctrl6)
    wire.write(lis2dw12.CTRL1, ctrl1)
    return wire


def lsm(machine: Any = None, ctrl1: int = 0xA0, **options: Any) -> Wire:
    wire = Wire(lsm6ds3trc.Lsm6ds3trc(machine or Still(), **(QUIET | options)))
    wire.write(lsm6ds3trc.FIFO_CTRL3, 1)
    wire.write(lsm6ds3trc.CTRL1_XL, ctrl1)
    return wire


def a345(machine: Any = None, rate: int = 0x0F, form: int = 0x0B, **options: Any) -> Wire:
    wire = Wire(adxl345.Adxl345(machine or Still(), **(QUIET | options)), read=0xC0)
    wire.write(adxl345.BW_RATE, rate)
    wire.write(adxl345.DATA_FORMAT, form)
    wire.write(adxl345.POWER_CTL, 0x08)
    return wire


def a355(machine: Any = None, rng: int = 0xC1, **options: Any) -> Wire:
    wire = Wire(adxl355.Adxl355(machine or Still(), **(QUIET | options)), read=1, shift=1)
    wire.write(adxl355.RANGE, rng)
    wire.write(adxl355.POWER_CTL, 0)
    return wire


def i16(data: bytes) -> list[int]:
    return [int(one) for one in np.frombuffer(data, "<i2")]


def i20(data: bytes) -> list[int]:
    words = [int.from_bytes(data[at : at + 3], "big") >> 4 for at in range(0, len(data), 3)]
    return [word - (1 << 20) if word >> 19 else word for word in words]


# ---- identity, power-on, reset ----


def test_identities_and_power_on_defaults():
    assert lis().read(lis2dw12.WHO_AM_I) == b"\x44"
    assert lsm().read(lsm6ds3trc.WHO_AM_I) == b"\x6a"
    assert a345().read(adxl345.DEVID) == b"\xe5"
    assert a355().read(adxl355.DEVID_AD, 4) == b"\xad\x1d\xed\x01"
    fresh = Wire(adxl355.Adxl355(Still()), read=1, shift=1)
    assert fresh.read(adxl355.FIFO_SAMPLES) == b"\x60"
    assert fresh.read(adxl355.RANGE, 2) == b"\x81\x01"
    assert Wire(adxl345.Adxl345(Still()), read=0xC0).read(adxl345.BW_RATE) == b"\x0a"


@pytest.mark.parametrize(
    ("model", "register", "boot_us"),
    [(lis2dw12.Lis2dw12, 0x0F, 20_000), (lsm6ds3trc.Lsm6ds3trc, 0x0F, 15_000)],
)
def test_chips_are_silent_until_they_have_booted(model, register, boot_us):
    wire = Wire(model(Still(), powered_at_us=0))
    wire.run(boot_us - 1)
    assert wire.read(register) == b"\x00"
    wire.run(1)
    assert wire.read(register) != b"\x00"


def test_resets_take_their_time_and_restore_defaults():
    for wire, register, bit, wait_us, changed in (
        (lis(), lis2dw12.CTRL2, 0x40, 5, lis2dw12.CTRL1),
        (lsm(), lsm6ds3trc.CTRL3_C, 0x01, 50, lsm6ds3trc.CTRL1_XL),
    ):
        wire.write(register, bit | 0x04)
        assert wire.read(register)[0] & bit
        wire.run(wait_us)
        assert wire.read(register) == b"\x04"
        assert wire.read(changed) == b"\x00"
    wire = a355()
    wire.write(adxl355.RESET, 0x52)
    assert wire.read(adxl355.STATUS)[0] & 0x10
    wire.run(1000)
    assert not wire.read(adxl355.STATUS)[0] & 0x10
    assert wire.read(adxl355.RANGE, 2) == b"\x81\x01"


# ---- what a g is ----


@pytest.mark.parametrize("code", range(4))
def test_lis2dw12_has_14_bits_at_the_upper_end_of_16(code):
    wire = lis(Level(0.5, -1.0, 30.0), ctrl6=code << 4)
    wire.run(10_000)
    step_g = 0.244e-3 * 2**code
    x, y, z = i16(wire.read(lis2dw12.OUT_X_L, 6))
    assert (x, y, z) == (4 * round(0.5 / step_g), 4 * round(-1.0 / step_g), 32764)


def test_lis2dw12_has_12_bits_in_the_lowest_power_mode():
    wire = lis(Level(0.5, 0.0, 0.0), ctrl1=0x50)
    wire.run(100_000)
    assert i16(wire.read(lis2dw12.OUT_X_L, 6))[0] == 16 * round(0.5 / (4 * 0.244e-3))


@pytest.mark.parametrize(("code", "mg"), [(0, 0.061), (1, 0.488), (2, 0.122), (3, 0.244)])
def test_lsm6ds3trc_sensitivities(code, mg):
    wire = lsm(Level(0.5, -1.0, 30.0), ctrl1=0xA0 | code << 2)
    wire.run(10_000)
    got = i16(wire.read(lsm6ds3trc.OUTX_L_XL, 6))
    assert got == [round(0.5 / mg * 1e3), round(-1.0 / mg * 1e3), 32767]


@pytest.mark.parametrize("code", range(4))
def test_adxl345_has_4_mg_in_full_resolution_and_an_idle_lowest_bit_at_3200_hz(code):
    for rate, step in ((0x0F, 2), (0x0E, 2), (0x0D, 1)):
        wire = a345(Level(0.7, -1.3, 30.0), rate=rate, form=0x08 | code)
        wire.run(20_000)
        half = 512 << code
        want = [step * round(one * 256 / step) for one in (0.7, -1.3)]
        assert i16(wire.read(adxl345.DATAX0, 6)) == [*want, half - step]


def test_adxl345_fixed_resolution_and_justification():
    wire = a345(Level(0.7, -1.3, 0.0), rate=0x0D, form=0x03)
    wire.run(20_000)
    assert i16(wire.read(adxl345.DATAX0, 4)) == [round(0.7 * 32), round(-1.3 * 32)]
    wire = a345(Level(0.7, -1.3, 0.0), rate=0x0D, form=0x0F)
    wire.run(20_000)
    assert i16(wire.read(adxl345.DATAX0, 4)) == [8 * round(0.7 * 256), 8 * round(-1.3 * 256)]


def test_adxl345_offsets_are_added():
    wire = a345(rate=0x0D)
    wire.write(adxl345.OFSX, 10, 0xFF)
    wire.run(20_000)
    assert i16(wire.read(adxl345.DATAX0, 4)) == [round(0.156 * 256), round(-0.0156 * 256)]


@pytest.mark.parametrize("code", [1, 2, 3])
def test_adxl355_has_256000_lsb_a_g_at_2_g_and_halves_of_it(code):
    wire = a355(Level(0.5, -1.0, 30.0), rng=0xC0 | code)
    wire.run(20_000)
    lsb = 256_000 >> code - 1
    assert i20(wire.read(adxl355.XDATA3, 9)) == [lsb // 2, -lsb, (1 << 19) - 1]


# ---- FIFOs ----


def test_lis2dw12_fifo_overwrites_the_oldest_and_says_so_until_it_is_read():
    wire = lis(tap=True)
    wire.write(lis2dw12.FIFO_CTRL, 0xC0 | 8)
    wire.write(lis2dw12.CTRL4_INT1, 0x02)
    due_us = wire.chip.next_irq_us()
    wire.run(due_us - wire.t_us - 1)
    assert (wire.chip.irq(), wire.read(lis2dw12.FIFO_SAMPLES)) == (False, b"\x07")
    wire.run(1)
    assert (wire.chip.irq(), wire.read(lis2dw12.FIFO_SAMPLES)) == (True, b"\x88")
    wire.run(30 * 625)
    assert wire.read(lis2dw12.FIFO_SAMPLES) == b"\xe0"  # threshold, overrun, 32
    assert wire.chip.lost == 6
    burst = wire.read(lis2dw12.OUT_X_L, 6 * 32)  # the address goes back to x
    assert np.array_equal(np.array(i16(burst)).reshape(-1, 3), wire.chip.tap.all()[-32:])
    assert wire.read(lis2dw12.FIFO_SAMPLES) == b"\x00"


def test_adxl345_gives_an_entry_a_transfer_and_needs_the_multiple_byte_bit():
    wire = a345(default_machine(), tap=True, noise_g_rthz=3e-4)
    wire.write(adxl345.FIFO_CTL, 0x80 | 4)
    wire.write(adxl345.INT_ENABLE, 0x02)
    wire.run(40 * 313)
    assert wire.chip.irq()
    assert wire.read(adxl345.FIFO_STATUS) == b"\x20"
    assert wire.read(adxl345.INT_SOURCE)[0] & 0x83 == 0x83
    got = [i16(wire.read(adxl345.DATAX0, 6)) for _ in range(32)]
    assert got == wire.chip.tap.all()[-32:].tolist()
    assert wire.read(adxl345.INT_SOURCE)[0] & 0x83 == 0
    single = wire.chip.spi(bytes([0x80 | adxl345.DEVID]), 3)
    assert single == b"\xe5\xe5\xe5"


def test_lsm6ds3trc_counts_words_and_tells_which_comes_next():
    wire = lsm(default_machine(), tap=True, noise_g_rthz=9e-5)
    wire.write(lsm6ds3trc.FIFO_CTRL1, 30)
    wire.write(lsm6ds3trc.INT1_CTRL, 0x08)
    assert wire.read(lsm6ds3trc.FIFO_STATUS2)[0] & 0x10  # empty
    wire.write(lsm6ds3trc.FIFO_CTRL5, 0xA << 3 | 6)
    wire.run(wire.chip.next_irq_us() - wire.t_us)
    assert wire.read(lsm6ds3trc.FIFO_STATUS1, 4) == bytes([30, 0x80, 0, 0])
    first = wire.read(lsm6ds3trc.FIFO_DATA_OUT_L, 2)
    assert wire.read(lsm6ds3trc.FIFO_STATUS1, 4) == bytes([29, 0x00, 1, 0])
    assert not wire.chip.irq()
    rest = wire.read(lsm6ds3trc.FIFO_DATA_OUT_L, 58)  # goes back to the low byte
    assert np.array_equal(np.array(i16(first + rest)).reshape(-1, 3), wire.chip.tap.all())
    wire.run(1_000_000)
    words = 3 * (2048 // 3)
    assert wire.read(lsm6ds3trc.FIFO_STATUS1, 2) == bytes([words & 0xFF, 0xC0 | words >> 8])


def test_adxl355_marks_x_tells_an_empty_fifo_and_latches_its_overrun():
    wire = a355(default_machine(), tap=True, noise_g_rthz=2e-5)
    wire.write(adxl355.FIFO_SAMPLES, 30)
    wire.write(adxl355.INT_MAP, 0x02)
    wire.run(wire.chip.next_irq_us() - wire.t_us)
    assert wire.read(adxl355.FIFO_ENTRIES) == b"\x1e"
    burst = wire.read(adxl355.FIFO_DATA, 9 * 10 + 3)
    assert [burst[at] & 3 for at in range(2, 93, 3)] == [1, 0, 0] * 10 + [2]
    assert np.array_equal(np.array(i20(burst[:90])).reshape(-1, 3), wire.chip.tap.all())
    wire.run(40 * 250)
    assert wire.read(adxl355.FIFO_ENTRIES) == b"\x60"
    wire.read(adxl355.FIFO_DATA, 9)
    assert wire.read(adxl355.STATUS)[0] & 0x06 == 0x06  # full, overrun: reading data keeps it
    assert wire.read(adxl355.STATUS)[0] & 0x06 == 0x02


def test_interrupt_lines_can_have_the_other_polarity():
    chips = (
        (lis(), lis2dw12.CTRL3, 0x08),
        (lsm(), lsm6ds3trc.CTRL3_C, 0x24),
        (a345(), adxl345.DATA_FORMAT, 0x20),
        (a355(), adxl355.RANGE, 0x81),
    )
    for wire, register, value in chips:
        assert not wire.chip.irq()
        wire.write(register, value)
        assert wire.chip.irq()


def test_i2c_reaches_the_same_registers():
    wire = lis()
    assert wire.chip.i2c(bytes([lis2dw12.WHO_AM_I]), 1) == b"\x44"
    wire.chip.i2c(bytes([lis2dw12.CTRL1, 0x50]), 0)
    assert wire.read(lis2dw12.CTRL1) == b"\x50"
    assert wire.chip.i2c(bytes([lis2dw12.CTRL1]), 2) == b"\x50\x04"


# ---- time, noise, self-test, temperature ----


@pytest.mark.parametrize(
    ("make", "rate_hz"), [(lis, 1600), (lsm, 6660), (a345, 3200), (a355, 4000)]
)
def test_true_rate_is_off_by_what_the_model_is_told(make, rate_hz):
    wire = make(rate_error=-0.02)
    wire.run(10_000_000)
    assert wire.chip._end == pytest.approx(9.8 * rate_hz, abs=1)


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=10))
def test_samples_are_the_same_however_time_is_cut(steps_us):
    def taken(make: Any, fifo: tuple[int, int] | None, cuts: list[int]) -> np.ndarray:
        wire = make(default_machine(), tap=True, noise_g_rthz=1e-4)
        if fifo:
            wire.write(*fifo)
        for step_us in cuts:
            wire.run(step_us)
        return wire.chip.tap.all()

    for make, fifo in (
        (lis, (lis2dw12.FIFO_CTRL, 0xC8)),
        (lsm, (lsm6ds3trc.FIFO_CTRL5, 0x56)),
        (a345, (adxl345.FIFO_CTL, 0x88)),
        (a355, None),
    ):
        assert np.array_equal(taken(make, fifo, [sum(steps_us)]), taken(make, fifo, steps_us))


@pytest.mark.parametrize(
    ("make", "fifo", "lsb_g", "density", "band_hz"),
    [
        (lis, (lis2dw12.FIFO_CTRL, 0xC8), 61e-6, 90e-6, 400),
        (lsm, (lsm6ds3trc.FIFO_CTRL5, 0x56), 61e-6, 90e-6, 1500),
        (a345, (adxl345.FIFO_CTL, 0x88), 1 / 256, 290e-6, 1600),
        (a355, None, 1 / 256000, 22.5e-6, 1000),
    ],
)
def test_noise_has_the_datasheets_density(make, fifo, lsb_g, density, band_hz):
    wire = make(tap=True, noise_g_rthz=None)
    if fifo:
        wire.write(*fifo)
    wire.run(8_000_000)
    x = wire.chip.tap.all()[100:, 0] * lsb_g
    rounding_g = (2 * lsb_g if make is a345 else lsb_g) / np.sqrt(12)
    # 12800 samples or more: the deviation of their deviation is 0.6 %; of coarse steps, more.
    assert x.std() == pytest.approx(np.hypot(density * np.sqrt(band_hz), rounding_g), rel=0.05)


def test_self_test_pushes_as_the_datasheets_say():
    def mean_g(wire: Wire, register: int, value: int, data: int, lsb_g: float) -> np.ndarray:
        wire.write(register, value)
        wire.run(50_000)
        raw = wire.read(data, 9 if lsb_g < 5e-6 else 6)
        return np.array(i20(raw) if lsb_g < 5e-6 else i16(raw)) * lsb_g

    x, y, z = mean_g(lis(ctrl6=0x10), lis2dw12.CTRL3, 0x40, lis2dw12.OUT_X_L, 122e-6)
    assert min(x, y, z) > 0.07 and max(x, y, z) < 1.5
    x, y, z = mean_g(lsm(ctrl1=0xA8), lsm6ds3trc.CTRL5_C, 1, lsm6ds3trc.OUTX_L_XL, 122e-6)
    assert min(x, y, z) > 0.09 and max(x, y, z) < 1.7
    x, y, z = mean_g(a345(), adxl345.DATA_FORMAT, 0x8B, adxl345.DATAX0, 1 / 256)
    assert 0.354 < x < 3.717 and -3.717 < y < -0.354 and 0.441 < z < 4.998
    x, y, z = mean_g(a355(), adxl355.SELF_TEST, 3, adxl355.XDATA3, 1 / 256000)
    assert (x, y, z) == pytest.approx((0.3, 0.3, 1.5), abs=1e-5)


def test_thermometers():
    wire = lis(temperature_c=20.5)
    assert i16(wire.read(lis2dw12.OUT_T_L, 2)) == [-4.5 * 256]
    assert i16(lsm(temperature_c=20.5).read(lsm6ds3trc.OUT_TEMP_L, 2)) == [-4.5 * 256]
    high, low = a355(temperature_c=35.0).read(adxl355.TEMP2, 2)
    assert high << 8 | low == round(1885 - 90.5)


def test_a_saturated_chip_shows_the_end_of_its_range():
    wire = lis()
    wire.chip.saturated = True
    wire.run(10_000)
    assert i16(wire.read(lis2dw12.OUT_X_L, 6)) == [32764] * 3
    wire.chip.saturated = False
    wire.run(10_000)
    assert i16(wire.read(lis2dw12.OUT_X_L, 6)) == [0] * 3
