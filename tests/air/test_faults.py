"""Every fault of every air sensor: what the driver says is right or it says why not, and it goes
on when the fault has gone. One life of each sensor, with one fault after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from resonode_hil.sensors.faulty import (
    Faulty,
    absent,
    nacking,
    noisy,
    saturated,
    slow,
    stuck,
    unplugged,
)
from tests.air.chips import KINDS, Kind, in_a_room
from tests.air.node_program import run

S = 1_000_000
# Each acts for 40 s, every 100 s: long enough for the slowest sensor to recover.
FAULTS = {
    "absent": (0, absent),
    "nacking": (100, lambda **when: nacking(0.5, **when)),
    "stuck": (200, stuck),
    "slow": (300, lambda **when: slow(3.0, **when)),
    "noisy": (400, lambda **when: noisy(0.02, **when)),
    "saturated": (500, saturated),
    "unplugged": (600, lambda **when: unplugged(2, **when)),
}
LASTS_S = 40
ENDS_S = 700

# What a node does with any sensor: find it, start it, read it; begin again after an error.
PROGRAM = """
    chip = {driver}
    running = False
    while clock.now_us() < {ends_us}:
        try:
            if not running:
                await chip.identify()
                await chip.start(chip.interval_s)
                running = True
            values = await chip.read()
            if values is not None:
                say([clock.now_us() / 1e6, values])
        except SensorError as error:
            say([clock.now_us() / 1e6, str(error)])
            running = False
        await sleep_s(chip.interval_s)
    """


@dataclass
class Life:
    """What a driver said, by when."""

    kind: Kind
    values: list[tuple[float, dict[str, Any]]]
    errors: list[tuple[float, str]]
    taps: list[Any]

    def values_of(self, fault: str) -> list[dict[str, Any]]:
        from_s = FAULTS[fault][0]
        return [one for t_s, one in self.values if from_s <= t_s < from_s + LASTS_S]

    def errors_of(self, fault: str) -> list[str]:
        from_s = FAULTS[fault][0]
        # The reading that is under way may end a little later.
        return [one for t_s, one in self.errors if from_s <= t_s < from_s + LASTS_S + 5]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def life(request, tmp_path_factory) -> Life:
    kind = request.param
    models = [in_a_room(kind)]

    def again() -> Any:
        models.append(in_a_room(kind))
        return models[-1]

    faults = [
        make(from_us=from_s * S, until_us=(from_s + LASTS_S) * S)
        for from_s, make in FAULTS.values()
    ]
    chip = Faulty(models[0], *faults, again=again)
    program = PROGRAM.format(driver=kind.driver, ends_us=ENDS_S * S)
    said = run(tmp_path_factory.mktemp("life"), program, **kind.fitted(chip))
    return Life(
        kind,
        [(t_s, what) for t_s, what in said if isinstance(what, dict)],
        [(t_s, what) for t_s, what in said if isinstance(what, str)],
        [one for model in models for one in model.tap],
    )


def test_it_works_between_the_faults_and_after_them(life):
    for from_s, _make in FAULTS.values():
        quiet = (from_s + LASTS_S + 30, from_s + 100)
        readings = [one for t_s, one in life.values if quiet[0] <= t_s < quiet[1]]
        assert len(readings) >= 5, f"after {from_s} s"
        assert not [one for t_s, one in life.errors if quiet[0] <= t_s < quiet[1]]
        assert not any("saturated" in one for one in readings)


def test_every_reading_is_one_the_sensor_took(life):
    # Without a checksum nobody can tell noise from data. Of a converter at its end, the integer
    # formulas make other impossible values than those in floats.
    noise = (FAULTS["noisy"][0], FAULTS["noisy"][0] + LASTS_S + 10)
    wrong = [
        (t_s, values)
        for t_s, values in life.values
        if not life.kind.is_from(values, life.taps)
        and (life.kind.checked or not values.get("saturated"))
    ]
    in_noise = [one for one in wrong if noise[0] <= one[0] < noise[1]]
    assert wrong == in_noise
    # Checksums have 8 bits: of 40 damaged frames that many pass in all but one life of 1,600.
    assert not life.kind.checked or len(in_noise) <= 2


def test_an_absent_sensor_is_told_in_plain_words(life):
    assert not life.values_of("absent")
    assert life.errors_of("absent")
    for error in life.errors_of("absent"):
        assert "does not answer" in error and "check power" in error


def test_lost_answers_are_errors_and_the_others_are_readings(life):
    errors = life.errors_of("nacking")
    if life.kind.bus == "chips":
        assert not errors  # on SPI nobody acknowledges anything
    else:
        assert any("does not answer" in one or "breaks off" in one for one in errors)


def test_a_stuck_sensor_gives_nothing_new(life):
    values = life.values_of("stuck")
    # One may have been ready before; a sensor that is only read gives that for ever.
    assert len({str(one) for one in values[1:]}) <= 1
    if life.kind.name != "pmsa003i":
        assert len(values) <= 2


def test_a_slow_sensor_gives_what_it_measured_or_an_error_but_is_never_waited_for_in_vain(life):
    # Whether it is in time depends on the chip; that every reading is true is tested above.
    told = len(life.values_of("slow")) + len(life.errors_of("slow"))
    assert told >= LASTS_S // 15


def test_damaged_answers_are_refused(life):
    if not life.kind.checked:
        return
    assert any("damaged" in one or "check wiring" in one for one in life.errors_of("noisy"))


def test_what_is_beyond_the_range_is_marked(life):
    marked = [one.get("saturated") for one in life.values_of("saturated")]
    assert 1 in marked
    # The first may have been taken before.
    assert all(marked[3:])


def test_an_unplugged_sensor_is_told_and_found_again(life):
    assert life.errors_of("unplugged")
    assert any("does not answer" in one for one in life.errors_of("unplugged"))
    from_s = FAULTS["unplugged"][0]
    assert len([t_s for t_s, _ in life.values if t_s > from_s + LASTS_S]) >= 5
