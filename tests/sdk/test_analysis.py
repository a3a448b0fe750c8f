"""Envelope reports: the right lines get the right names, and nothing is hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resonode import records
from resonode.analysis import envelope_report, group_envelopes, newest_run
from resonode.bearing import bearing
from tests.sdk import samples


def decode(raw: bytes) -> Any:
    """Decode an envelope record."""
    return records.decode(raw)


BIN_HZ = 1.6436
SHAFT_HZ = 29.95
BINS = 600


def spectra(lines, *, windows=4, axis=2, band=(2000.0, 4000.0), jitter=0.1, seed=1, bin_hz=BIN_HZ):
    """Return envelope records: a floor of about 1 and `lines` {hz: amplitude}."""
    random = np.random.default_rng(seed)
    result = []
    for seq in range(windows):
        level = random.uniform(1 - jitter, 1 + jitter, BINS)
        for hz, amplitude in lines.items():
            level[round(hz / bin_hz)] = amplitude
        raw = samples.envelope(seq, level, axis=axis, band=band, bin_hz=bin_hz)
        result.append(decode(raw))
    return result


def test_an_outer_race_fault_is_its_peak():
    report = envelope_report(spectra({107.3: 50.0}), shaft_hz=SHAFT_HZ, bearing=bearing("6205"))
    assert report.peak_hz == pytest.approx(107.3, abs=BIN_HZ)
    # The floor's median lies within its jitter of 1.
    assert report.peak_over_median == pytest.approx(50.0, rel=0.1)
    assert report.min_window_ratio == pytest.approx(50.0, rel=0.1)
    assert report.bearing["BPFO"].ratio == report.peak_over_median
    assert report.bearing["BPFI"].ratio < 2
    assert [line.bearing for line in report.lines] == ["BPFO"]


def test_a_line_of_the_machine_is_reported_without_a_bearings_name():
    report = envelope_report(spectra({119.8: 20.0}), shaft_hz=SHAFT_HZ, bearing=bearing("6205"))
    assert [(round(line.order or 0), line.bearing) for line in report.lines] == [(4, None)]
    assert max(line.ratio for line in report.bearing.values()) < 6


def test_a_harmonic_is_named_after_its_fundamental_only_if_that_is_there():
    with_it = envelope_report(
        spectra({162.19: 40.0, 324.37: 20.0}), shaft_hz=SHAFT_HZ, bearing=bearing("6205")
    )
    assert [line.bearing for line in with_it.lines] == ["BPFI", "2xBPFI"]
    without = envelope_report(spectra({324.37: 20.0}), shaft_hz=SHAFT_HZ, bearing=bearing("6205"))
    assert [line.bearing for line in without.lines] == [None]


def test_the_weakest_window_decides_the_smallest_ratio():
    strong, weak = spectra({107.3: 60.0}, windows=3), spectra({107.3: 10.0}, windows=1)
    report = envelope_report([*strong, *weak])
    assert report.min_window_ratio == pytest.approx(10.0, rel=0.15)


def test_a_peak_that_wanders_one_bin_is_still_found_in_each_window():
    report = envelope_report([*spectra({107.3: 50.0}), *spectra({107.3 + BIN_HZ: 49.0})])
    assert report.min_window_ratio == pytest.approx(49.0, rel=0.15)


def test_without_shaft_speed_no_order_is_claimed():
    report = envelope_report(spectra({107.3: 50.0}), bearing=bearing("6205"))
    assert report.bearing == {}
    assert [(line.order, line.bearing) for line in report.lines] == [(None, None)]


def test_the_shaft_speed_of_the_records_is_used():
    level = np.ones(BINS)
    raw = samples.envelope(0, level, bin_hz=BIN_HZ, shaft_hz=SHAFT_HZ, shaft_source=1)
    report = envelope_report([decode(raw)], bearing=bearing("6205"))
    assert report.bearing["BPFO"].hz == pytest.approx(3.5848 * SHAFT_HZ, rel=1e-4)


def test_a_machine_at_rest_has_no_lines_and_no_division_by_zero():
    report = envelope_report(
        spectra({}, jitter=0.0)[:0] + [decode(samples.envelope(0, [0.0] * 400))]
    )
    assert (report.peak_over_median, report.lines) == (0.0, ())


def test_spectra_are_grouped_by_axis_and_band_although_the_measured_rate_moves_the_edges():
    slow = spectra({}, bin_hz=1.6436, band=(1217 * 1.6436, 2433 * 1.6436))
    fast = spectra({}, bin_hz=1.6437, band=(1217 * 1.6437, 2433 * 1.6437))
    other = spectra({}, band=(4000.0, 6000.0))
    across = spectra({}, axis=0)
    groups = group_envelopes([*slow, *other, *fast, *across])
    assert [(group[0].axis, len(group)) for group in groups] == [(0, 4), (2, 8), (2, 4)]


def test_spectra_of_an_earlier_setting_are_left_out():
    before = [decode(samples.envelope(0, np.ones(300), bin_hz=BIN_HZ))]
    groups = group_envelopes([*before, *spectra({})])
    assert [len(group) for group in groups] == [4]


@pytest.mark.parametrize("window", [4096, 65536])
def test_after_a_change_of_window_the_newest_spectra_are_used(window):
    """Bins and edges in Hz change with the window; the band meant is the same."""

    def made(seq, count):
        bin_hz = 26667.0 / count
        band = (round(2000 / bin_hz) * bin_hz, round(4000 / bin_hz) * bin_hz)
        return decode(samples.envelope(seq, np.ones(300), bin_hz=bin_hz, band=band, count=count))

    old = [made(seq, window) for seq in range(5)]
    new = [made(seq, 16384) for seq in range(5, 8)]
    for order in ([*old, *new], [*new, *old]):
        assert [[one.seq for one in group] for group in group_envelopes(order)] == [[5, 6, 7]]


def test_the_newest_run_is_told_by_boot_and_capture():
    runs = [(1, 1), (1, 2), (2, 1), (2, 1)]
    records = [
        decode(samples.envelope(seq, np.ones(300), epoch=epoch, capture=capture))
        for seq, (epoch, capture) in enumerate(runs)
    ]
    assert [one.seq for one in newest_run(records)] == [2, 3]


def test_all_harmonics_within_the_spectrum_are_named():
    lines = {107.36 * times: 40.0 for times in (1, 2, 3, 4)}
    report = envelope_report(spectra(lines), shaft_hz=SHAFT_HZ, bearing=bearing("6205"))
    assert [line.bearing for line in report.lines] == ["BPFO", "2xBPFO", "3xBPFO", "4xBPFO"]


def test_harmonics_closer_than_their_width_are_not_named_without_end():
    """At 4 Hz of the shaft every ninth bin would be a multiple of BPFO."""
    hz = 4.0 * bearing("6205").bpfo
    lines = {hz: 40.0, hz * 2: 40.0, hz * 20: 30.0}
    report = envelope_report(spectra(lines), shaft_hz=4.0, bearing=bearing("6205"))
    assert [line.bearing for line in report.lines] == ["BPFO", "2xBPFO", None]


def test_spectra_of_different_sizes_are_not_averaged():
    with pytest.raises(ValueError, match="different sizes"):
        envelope_report([decode(samples.envelope(0, np.ones(n))) for n in (300, 400)])


def test_no_spectra_are_an_error():
    with pytest.raises(ValueError, match="no envelope spectra"):
        envelope_report([])
