"""The sensor model against what the datasheet says a driver sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode_hil.machine import Still, default_machine
from resonode_hil.sensors import iis3dwb as chip
from tests.hil.rigs import Bench, Counting, Level, samples

SLOT_US = 38  # one sample lasts 37.1 us at the default rate, at most this


def test_identity_and_power_on_defaults():
    bench = Bench(Still())
    assert bench.read(chip.WHO_AM_I) == b"\x7b"
    assert bench.read(chip.CTRL3_C) == b"\x04"
    assert bench.read(chip.CTRL1_XL) == b"\x00"


def test_chip_is_silent_until_it_has_booted():
    bench = Bench(Still(), powered_at_us=0)
    bench.run(chip.BOOT_US - 1)
    assert bench.read(chip.WHO_AM_I) == b"\x00"
    bench.run(1)
    assert bench.read(chip.WHO_AM_I) == b"\x7b"


def test_software_reset_takes_its_time_and_restores_defaults():
    bench = Bench(Still())
    bench.write(chip.CTRL1_XL, 0xA4)
    bench.write(chip.CTRL3_C, 0x05)
    assert bench.read(chip.CTRL3_C)[0] & 1
    bench.run(chip.SW_RESET_US)
    assert bench.read(chip.CTRL3_C) == b"\x04"
    assert bench.read(chip.CTRL1_XL) == b"\x00"


def test_boot_bit_clears_itself_and_keeps_the_configuration():
    bench = Bench(Still())
    bench.write(chip.CTRL1_XL, 0xA4)
    bench.write(chip.CTRL3_C, 0x84)
    assert bench.read(chip.CTRL3_C) == b"\x84"
    bench.run(chip.BOOT_US)
    assert bench.read(chip.CTRL3_C) == b"\x04"
    assert bench.read(chip.CTRL1_XL) == b"\xa4"


def test_identity_and_outputs_cannot_be_written():
    bench = Bench(Still())
    for register in (chip.WHO_AM_I, chip.INTERNAL_FREQ_FINE, chip.FIFO_STATUS1, chip.OUTX_L_A):
        before = bench.read(register)
        bench.write(register, 0xA5)
        assert bench.read(register) == before


def test_address_increments_only_when_told_to():
    bench = Bench(Still())
    bench.write(chip.FIFO_CTRL1, 0x12, 0x01)
    assert bench.read(chip.FIFO_CTRL1, 2) == b"\x12\x01"
    bench.write(chip.CTRL3_C, 0x00)
    assert bench.read(chip.FIFO_CTRL1, 2) == b"\x12\x12"


@pytest.mark.parametrize(("code", "lsb_mg"), [(0, 0.061), (1, 0.488), (2, 0.122), (3, 0.244)])
def test_full_scale_codes_give_the_datasheet_sensitivities(code, lsb_mg):
    bench = Bench(Level(0.5, -1.0, 1.5))
    bench.setup(fs=code)
    bench.run(1000)
    assert bench.chip.g_per_lsb == pytest.approx(lsb_mg * 1e-3)
    got = samples(bench.words())
    want = np.rint(np.array([0.5, -1.0, 1.5]) / (lsb_mg * 1e-3))
    assert len(got) > 20
    assert np.array_equal(got, np.tile(want, (len(got), 1)))


def test_output_saturates_at_full_scale():
    bench = Bench(Level(20.0, -20.0, 15.9))
    bench.setup()
    bench.run(1000)
    assert set(map(tuple, samples(bench.words()).tolist())) == {(32767, -32768, 32582)}


def test_gravity_is_added_and_the_mounting_turns_both():
    bench = Bench(Level(0.25, 0.0, 0.0), gravity_g=(0, 0, 1), mount=("+z", "-x", "+y"))
    bench.setup()
    bench.run(1000)
    assert samples(bench.words())[0].tolist() == [2049, -512, 0]


def test_impossible_mounting_is_refused():
    with pytest.raises(ValueError, match="each axis once"):
        Bench(Still(), mount=("+x", "+x", "+z"))
    with pytest.raises(ValueError, match="mounting axis"):
        Bench(Still(), mount=("x", "+y", "+z"))


@pytest.mark.parametrize("fine", [-128, -3, 0, 6, 127])
def test_true_rate_follows_the_trim_and_what_the_trim_does_not_know(fine):
    bench = Bench(Still(), fine=fine, residual_ppm=500.0)
    assert bench.read(chip.INTERNAL_FREQ_FINE)[0] == fine & 0xFF
    # 26667 in the datasheet is 80 kHz / 3, rounded: 13 ppm.
    assert bench.chip.rate_hz == pytest.approx(26667 * (1 + 0.0015 * fine) * 1.0005, rel=2e-5)
    bench.setup()
    start = bench.chip.samples
    bench.run(10_000_000)
    assert bench.chip.samples - start == pytest.approx(10 * bench.chip.rate_hz, abs=1)


def test_timestamps_tick_on_the_chips_own_clock():
    bench = Bench(Still())
    bench.write(chip.CTRL10_C, chip.CTRL10_TIMESTAMP_EN)
    bench.run(1_000_000)
    ticks = int.from_bytes(bench.read(chip.TIMESTAMP0, 4), "little")
    assert ticks == pytest.approx(3 * bench.chip.rate_hz, abs=1)
    bench.write(chip.TIMESTAMP2, 0xAA)
    assert bench.read(chip.TIMESTAMP0, 4) == bytes(4)
    bench.run(1000)
    assert bench.read(chip.TIMESTAMP0)[0] == pytest.approx(80.8, abs=1)


def test_restarted_timestamp_leaves_words_already_batched_alone():
    bench = Bench(Still())
    bench.setup(ts=1)
    bench.run(20 * SLOT_US)
    old = bench.level() // 2
    bench.write(chip.TIMESTAMP2, 0xAA)
    bench.run(20 * SLOT_US)
    stamps = [int.from_bytes(w[1:5], "little") for w in bench.words() if w[0] >> 3 == 4]
    assert set(np.diff(stamps[:old])) == set(np.diff(stamps[old:])) == {3}
    assert stamps[old - 1] > 1000
    assert stamps[old] <= 3


@pytest.mark.parametrize(("code", "every"), [(1, 1), (2, 8), (3, 32)])
def test_timestamp_words_come_first_in_every_nth_slot(code, every):
    bench = Bench(Counting())
    bench.setup(ts=code)
    bench.run(200 * SLOT_US)
    words = bench.words()
    stamps = [at for at, word in enumerate(words) if word[0] >> 3 == 4]
    assert np.diff(stamps).tolist() == [every + 1] * (len(stamps) - 1)
    for at in stamps[:-1]:
        ticks = int.from_bytes(words[at][1:5], "little")
        index = samples([words[at + 1]])[0, 0]
        assert bench.chip.index_of_timestamp(ticks) == index


def test_temperature_words_come_at_104_hz():
    bench = Bench(Still(), temperature_c=31.5)
    bench.setup(temperature=True)
    seen, total = [], 0
    for _ in range(6):
        bench.run(200 * SLOT_US)
        for word in bench.words():
            seen += [(total, int.from_bytes(word[1:3], "little"))] if word[0] >> 3 == 3 else []
            total += word[0] >> 3 == 2
    assert seen == [(256 * n, 1664) for n in range(len(seen))]  # 6.5 degrees above 25 at 256 LSB
    assert len(seen) >= 4
    assert bench.read(chip.OUT_TEMP_L, 2) == (1664).to_bytes(2, "little")


def test_tags_carry_sensor_slot_counter_and_even_parity():
    bench = Bench(Still())
    bench.setup(ts=1, temperature=True)
    bench.run(100 * SLOT_US)
    words = bench.words()
    assert all(word[0].bit_count() % 2 == 0 for word in words)
    slot = -1
    for word in words:
        slot += word[0] >> 3 == 4  # with decimation 1 every slot begins with its time stamp
        assert word[0] >> 1 & 3 == slot & 3


def test_int1_follows_the_watermark_at_the_announced_microsecond():
    bench = Bench(Still())
    bench.setup(watermark=100, int1=chip.INT1_FIFO_TH)
    due_us = bench.chip.next_irq_us()
    bench.run(due_us - bench.t_us - 1)
    assert (bench.chip.irq(), bench.level(), bench.status2() >> 7) == (False, 99, 0)
    bench.run(1)
    assert (bench.chip.irq(), bench.level(), bench.status2() >> 7) == (True, 100, 1)
    bench.words(1)
    assert not bench.chip.irq()


def test_watermark_has_nine_bits_and_counts_every_kind_of_word():
    bench = Bench(Still())
    bench.setup(watermark=300, ts=1, int1=chip.INT1_FIFO_TH)
    start_us = bench.t_us
    bench.run(bench.chip.next_irq_us() - bench.t_us)
    # Two words a slot: 300 words are 150 samples.
    assert bench.t_us - start_us == pytest.approx(150e6 / bench.chip.rate_hz, abs=SLOT_US)
    assert bench.level() == 300


@pytest.mark.parametrize(
    ("enable", "level"), [(chip.INT1_FIFO_FULL, 511), (chip.INT1_FIFO_OVR, 512)]
)
def test_int1_announces_full_one_slot_ahead_and_overrun_after_it(enable, level):
    bench = Bench(Still())
    bench.setup(int1=enable)
    bench.run(bench.chip.next_irq_us() - bench.t_us - 1)
    assert not bench.chip.irq()
    bench.run(1)
    assert bench.chip.irq()
    assert bench.level() == level
    assert bench.chip.lost_words == (enable == chip.INT1_FIFO_OVR)


def test_int1_can_be_active_low():
    bench = Bench(Still())
    bench.write(chip.CTRL3_C, 0x24)
    assert bench.chip.irq()
    bench.setup(watermark=10, int1=chip.INT1_FIFO_TH)
    bench.run(1000)
    assert not bench.chip.irq()


def test_interrupt_that_cannot_come_is_never_announced():
    bench = Bench(Still())
    assert bench.chip.next_irq_us() is None
    bench.setup(watermark=10)  # reached, but not routed to the pin
    bench.run(1000)
    assert bench.chip.next_irq_us() is None


def test_continuous_mode_overwrites_the_oldest_and_says_so():
    bench = Bench(Counting(), tap=True)
    bench.setup()
    bench.run(700 * SLOT_US)
    taken = len(bench.chip.tap)
    assert taken > 700
    assert bench.chip.lost_words == taken - 512
    assert bench.level() == 512
    # OVR, FULL and the latch (bit 3): level() has read STATUS2 once, which cleared the latch.
    assert bench.status2() & 0x68 == 0x60
    got = samples(bench.words())
    assert np.array_equal(got, bench.chip.tap.all()[-512:])
    assert bench.status2() & 0x68 == 0


def test_latched_overrun_stays_until_its_register_is_read():
    bench = Bench(Still())
    bench.setup()
    bench.run(600 * SLOT_US)
    bench.words(512)
    assert bench.status2() & 0x48 == 0x08
    assert bench.status2() & 0x48 == 0x00


def test_fifo_mode_stops_when_full_and_keeps_the_oldest():
    bench = Bench(Counting(), tap=True)
    bench.setup(mode=1)
    bench.run(700 * SLOT_US)
    assert bench.level() == 512
    words = bench.words(100)
    bench.run(700 * SLOT_US)
    assert bench.level() == 412
    words += bench.words()
    assert bench.chip.lost_words == 0
    assert np.array_equal(samples(words), bench.chip.tap.all())


def test_stop_on_watermark_limits_the_depth():
    bench = Bench(Still())
    bench.write(chip.FIFO_CTRL2, 0x80)
    bench.write(chip.FIFO_CTRL1, 64)
    bench.write(chip.FIFO_CTRL3, 0x0A)
    bench.write(chip.CTRL1_XL, 0xA4)
    bench.write(chip.FIFO_CTRL4, 6)
    bench.run(200 * SLOT_US)
    assert bench.level() == 64


def test_bypass_empties_the_fifo_and_its_flags():
    bench = Bench(Still())
    bench.setup()
    bench.run(600 * SLOT_US)
    bench.write(chip.FIFO_CTRL4, 0)
    assert bench.level() == 0
    assert bench.status2() == 0
    bench.run(1000)
    assert bench.level() == 0


def test_empty_fifo_reads_as_no_word():
    bench = Bench(Still())
    assert bench.words(2) == [bytes(7), bytes(7)]


def test_burst_rounds_back_to_the_tag_and_equals_single_reads():
    def bench_with_words() -> Bench:
        bench = Bench(Counting())
        bench.setup(ts=1, temperature=True)
        bench.run(50 * SLOT_US)
        return bench

    burst, single = bench_with_words(), bench_with_words()
    words = burst.words(20)
    singles = [
        single.read(chip.FIFO_DATA_OUT_TAG) + single.read(chip.FIFO_DATA_OUT_TAG + 1, 6)
        for _ in range(20)
    ]
    assert singles == words
    # A burst may end inside a word, which then stays.
    assert burst.read(chip.FIFO_DATA_OUT_TAG, 10)[7:] == burst.words(1)[0][:3]


def test_full_scale_changed_while_running_leaves_older_words_alone():
    bench = Bench(Level(1.0, 0.0, 0.0))
    bench.setup()
    bench.run(100 * SLOT_US)
    before = bench.level()
    bench.write(chip.CTRL1_XL, 0xA8)  # 4 g
    bench.run(100 * SLOT_US)
    x = samples(bench.words())[:, 0]
    assert set(x[:before]) == {2049}
    assert set(x[before:]) == {8197}


def test_batching_changed_while_running_keeps_older_words_and_the_slot_counter():
    bench = Bench(Counting(), tap=True)
    bench.setup()
    bench.run(50 * SLOT_US)
    bench.write(chip.FIFO_CTRL4, 0x46)  # time stamps from now on
    bench.run(50 * SLOT_US)
    words = bench.words()
    assert np.array_equal(samples(words), bench.chip.tap.all())
    counters = [word[0] >> 1 & 3 for word in words if word[0] >> 3 == 2]
    assert set(np.diff(counters) % 4) == {1}


def test_self_test_shifts_the_output_within_the_datasheet_limits():
    def mean_g(bits: int) -> np.ndarray:
        bench = Bench(Level(0.1, 0.2, 0.3))
        bench.write(chip.CTRL5_C, bits)
        bench.setup()
        bench.run(1000)
        return samples(bench.words()).mean(axis=0) * bench.chip.g_per_lsb

    change_g = mean_g(1) - mean_g(0)
    assert np.all((change_g > 0.8) & (change_g < 3.2))
    # Each of the three means is rounded to an LSB of its own.
    assert mean_g(2) - mean_g(0) == pytest.approx(-change_g, abs=1.01 * 0.488e-3)


def test_output_is_wrong_while_it_turns_on_and_exact_after():
    bench = Bench(Level(1.0, 0.0, 0.0))
    bench.setup(settle=False)
    bench.run(15_000)
    x = samples(bench.words())[:, 0]
    settled = int(chip.TURN_ON_US * 1e-6 * bench.chip.rate_hz) + 1
    assert x[0] < 1000
    assert set(x[settled:]) == {2049}


def test_data_ready_mask_holds_samples_back_until_settled():
    bench = Bench(Level(1.0, 0.0, 0.0))
    bench.write(chip.CTRL4_C, chip.CTRL4_DRDY_MASK)
    bench.setup(settle=False, watermark=1, int1=chip.INT1_FIFO_TH)
    due_us = bench.chip.next_irq_us()
    assert due_us >= chip.TURN_ON_US
    bench.run(due_us - 1)
    assert bench.level() == 0
    bench.run(1)
    assert samples(bench.words()).tolist() == [[2049, 0, 0]]


def test_output_registers_give_the_newest_sample_once():
    bench = Bench(Counting())
    assert bench.read(chip.OUTX_L_A, 6) == bytes(6)
    bench.setup()
    bench.run(1000)
    assert bench.read(chip.STATUS_REG)[0] & 1
    x, y, z = np.frombuffer(bench.read(chip.OUTX_L_A, 6), dtype="<i2")
    assert (x, y, z) == (bench.chip.samples - 1, 1 - bench.chip.samples, 0)
    assert not bench.read(chip.STATUS_REG)[0] & 1
    bench.run(SLOT_US)
    assert bench.read(chip.STATUS_REG)[0] & 1


def test_time_spent_disabled_leaves_a_hole_in_the_sample_count_not_in_the_grid():
    bench = Bench(Counting(), tap=True)
    bench.setup()
    bench.run(100 * SLOT_US)
    bench.write(chip.CTRL1_XL, 0x04)
    bench.run(1000 * SLOT_US)
    bench.write(chip.CTRL1_XL, 0xA4)
    bench.run(chip.TURN_ON_US + 100 * SLOT_US)
    (first, count), (second, _) = bench.chip.tap.runs()
    assert second - first - count == pytest.approx(1000 * SLOT_US * 1e-6 * 26928, abs=2)
    last = samples(bench.words())[-1]
    assert last[0] == bench.chip.samples - 1


def test_noise_has_the_stated_density():
    bench = Bench(Still(), noise_g_rthz=75e-6, tap=True)
    bench.setup(fs=0)
    for _ in range(100):
        bench.run(10_000)
    x = bench.chip.tap.all() * bench.chip.g_per_lsb
    # 26000 samples of three axes: the deviation of their deviation is 0.25 %.
    assert x.std() == pytest.approx(75e-6 * np.sqrt(bench.chip.rate_hz / 2), rel=0.02)


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=12), st.integers(1, 400))
def test_samples_are_the_same_however_time_is_cut(steps_us, burst):
    def taken(cuts: list[int]) -> tuple[np.ndarray, bytes]:
        bench = Bench(default_machine(), noise_g_rthz=75e-6, tap=True)
        bench.setup(ts=2, settle=False)
        for step_us in cuts:
            bench.run(step_us)
        return bench.chip.tap.all(), b"".join(bench.words(burst))

    whole, cut = taken([sum(steps_us)]), taken(steps_us)
    assert np.array_equal(whole[0], cut[0])
    assert whole[1] == cut[1]


def test_chip_bolted_to_another_machine_feels_it_with_the_next_sample():
    bench = Bench(Level(1.0, 0.0, 0.0))
    bench.setup()
    bench.run(10 * SLOT_US)
    before = bench.level()
    bench.chip.machine = Level(2.0, 0.0, 0.0)
    bench.run(10 * SLOT_US)
    x = samples(bench.words())[:, 0]
    assert (set(x[:before]), set(x[before:])) == ({2049}, {4098})


def test_sleep_longer_than_every_buffer_loses_nothing_the_tap_should_see():
    bench = Bench(Counting(), tap=True)
    bench.setup()
    bench.run(1_000_000)
    ((first, count),) = bench.chip.tap.runs()
    want = np.arange(first, first + count) % 30000
    assert count > 26000
    assert np.array_equal(bench.chip.tap.read(first, count)[:, 0], want)
    with pytest.raises(KeyError):
        bench.chip.tap.read(first, count + 1)
