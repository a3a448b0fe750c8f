"""Shaft speed, and whether the machine runs. Runs on: MicroPython and CPython."""

from math import cos, pi, sin

from firmware import config
from firmware.gate import Gate
from firmware.shaft import Shaft, strongest_line

POINTS, RATE_HZ = 256, 400.0


class Clock:
    t_us = 0

    def now_us(self) -> int:
        return self.t_us


class Pulses:
    def __init__(self, hz: float, clock: Clock) -> None:
        self.hz = hz
        self.clock = clock
        self.reads = 0

    def read(self) -> tuple:
        self.reads += 1
        count = int(self.clock.t_us * self.hz / 1e6)
        return count, int(count / self.hz * 1e6)


def ignore(_text: str) -> None:
    pass


def shaft(clock, pulses=None, say=ignore, **settings):
    return Shaft(config.changed(config.defaults(), settings), pulses, clock, say)


def half_complex(signal) -> list:
    # By the definition, one bin after the other.
    y = [0.0] * POINTS
    for k in range(POINTS // 2 + 1):
        turn = 2 * pi * k / POINTS
        y[k] = sum([x * cos(turn * n) for n, x in enumerate(signal)])
        if 0 < k < POINTS // 2:
            y[POINTS - k] = -sum([x * sin(turn * n) for n, x in enumerate(signal)])
    return y


def tones(*pairs) -> list:
    # A little noise that is always the same, and tones (Hz, amplitude).
    signal, seed = [], 1
    for n in range(POINTS):
        seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
        value = (seed / 0x3FFFFFFF - 0.5) * 0.01
        for hz, amplitude in pairs:
            value += amplitude * sin(2 * pi * hz * n / RATE_HZ + 0.3)
        signal.append(value)
    return signal


def test_a_configured_speed_is_told_and_none_is_not():
    assert shaft(Clock()).fields() == {}
    assert shaft(Clock(), shaft_hz=29.95).fields() == {"shaft_hz": 29.95, "shaft_source": 1}


def test_a_tachometer_is_timed_over_whole_pulses_and_forgotten_when_it_stops():
    clock = Clock()
    for pulses_a_turn in (1, 4):
        clock.t_us = 0
        pulses = Pulses(29.53 * pulses_a_turn, clock)
        one = shaft(clock, pulses, shaft_source="tachometer", tacho_pulses=pulses_a_turn)
        assert one.fields() == {}
        for _ in range(50):
            clock.t_us += 100000
            fields = one.fields()
        assert abs(fields["shaft_hz"] - 29.53) < 29.53 * 2e-5  # two times of 1 us, 1 s apart
        assert fields["shaft_source"] == 2
        assert pulses.reads < 10  # not at every record
        pulses.read = lambda: (147, 4978000)
        clock.t_us += 12000000
        assert one.fields() == {}


def test_without_an_input_a_tachometer_knows_nothing():
    assert shaft(Clock(), shaft_source="tachometer").fields() == {}


def test_records_without_a_speed_are_told_of_once_with_the_reason_and_again_after_a_known_one():
    for source, why in (
        ("tachometer", "no pulses of a tachometer come"),
        ("estimated", "no line stands out in"),
    ):
        clock, said = Clock(), []
        one = shaft(clock, say=said.append, shaft_source=source)
        clock.t_us += 3600000000  # no record was made: nothing is missing
        for after_us, lines in ((0, 0), (10000000, 0), (1, 1), (60000000, 1)):
            clock.t_us += after_us
            one.fields()
            assert len(said) == lines, (source, said)
        assert why in said[0], said
    one.look(half_complex(tones((29.95, 1.0))), POINTS, RATE_HZ)
    one.fields()
    for after_us in (10000000, 10000001):
        clock.t_us += after_us
        one.fields()
    assert len(said) == 2


def test_the_strongest_line_of_velocity_is_found_to_a_fraction_of_a_bin():
    for hz in (20.0, 24.7, 29.95, 31.25, 45.1):
        # In acceleration the third harmonic is as strong; in velocity it is not.
        y = half_complex(tones((hz, 1.0), (3 * hz, 1.0)))
        found = strongest_line(y, POINTS, RATE_HZ, (10, 60))
        assert abs(found - hz) < 0.02 * RATE_HZ / POINTS, (hz, found)


def test_noise_and_a_range_too_narrow_give_no_speed():
    assert strongest_line(half_complex(tones()), POINTS, RATE_HZ, (10, 60)) == 0.0
    assert strongest_line(half_complex(tones((30, 1))), POINTS, RATE_HZ, (30, 31)) == 0.0


def test_an_estimate_is_told_and_grows_old():
    clock = Clock()
    one = shaft(clock, shaft_source="estimated")
    assert one.estimates and one.fields() == {}
    one.look(half_complex(tones((29.95, 1.0))), POINTS, RATE_HZ)
    assert abs(one.fields()["shaft_hz"] - 29.95) < 0.05 and one.fields()["shaft_source"] == 3
    clock.t_us += 5000000
    one.look(half_complex(tones()), POINTS, RATE_HZ)  # nothing stands out: what was, stays
    assert one.fields()
    clock.t_us += 5000000
    assert one.fields() == {}


def test_a_gate_without_threshold_is_always_open():
    gate = Gate(0.0)
    assert gate.running and not gate.asks


def test_a_gate_tells_changes_once_and_does_not_flutter():
    gate = Gate(1.0)
    assert gate.asks
    assert gate.judge(0.2) and not gate.running  # the first verdict is news
    assert not gate.judge(0.9) and not gate.running
    assert gate.judge(1.0) and gate.running
    assert not gate.judge(0.85) and gate.running
    assert gate.judge(0.79) and not gate.running
