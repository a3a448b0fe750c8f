"""Runs on: MicroPython and CPython."""

from firmware.rate import RateMeter


def measured(rate_hz: float, seconds: float, jitter: int = 1) -> RateMeter:
    meter = RateMeter(26667.0, 0.1)
    t_us = 5000
    while t_us < seconds * 1e6:
        # The FIFO level is known to a sample, one way or the other.
        meter.mark(t_us, int(rate_hz * t_us / 1e6) + (t_us // 4800) % (jitter + 1))
        t_us += 4800
    return meter


def test_rate_is_measured_to_two_samples_over_the_base_line():
    for seconds in (1, 10, 100):
        meter = measured(26928.3, seconds)
        base_s = min(seconds, 30)
        assert abs(meter.rate_hz - 26928.3) <= 2.5 / (base_s - 0.01), seconds


def test_rate_follows_a_drift_within_two_base_lines():
    meter = RateMeter(26667.0, 0.1)
    samples = 0.0
    for step in range(40000):
        t_us = step * 4800
        samples += (26900 if t_us < 60e6 else 26950) * 0.0048
        meter.mark(t_us, int(samples))
    assert abs(meter.rate_hz - 26950) < 0.2


def test_time_of_a_sample_is_when_it_was_taken():
    meter = measured(26928.3, 10)
    for sample in (0, 100000, 260000):
        assert abs(meter.time_us(sample) - sample / 26928.3 * 1e6) < 150


def test_what_was_known_stands_until_the_measurement_is_better():
    meter = RateMeter(26930.0, 1e-3)
    worst = 0.0
    for step in range(400):
        t_us = step * 4800
        meter.mark(t_us, int(26928.3 * t_us / 1e6) + step % 2)
        worst = max(worst, abs(meter.rate_hz / 26928.3 - 1))
        assert meter.error <= 1e-3
    assert worst <= 1e-3
    assert meter.error < 1e-4 and abs(meter.rate_hz / 26928.3 - 1) < 1e-4
