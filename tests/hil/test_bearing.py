"""Bearing orders against the numbers published with the data sets."""

from __future__ import annotations

import pytest

from resonode.bearing import CATALOGUE, Bearing, bearing

# As the sources print them: BPFO, BPFI, 2BSF, FTF. Geometry is printed to four digits (a pitch
# of 1.122 in is known to 4.5e-4), and the orders inherit that.
PUBLISHED = {
    "6205": (3.5848, 5.4152, 4.7135, 0.39828),
    "6203": (3.0530, 4.9469, 3.9874, 0.3817),
    "NICE": (3.2450, 4.7550, 5.1091, 0.4056),
    "6804": (5.611, 7.389, 7.178, 0.4316),
    "ZA-2115": (7.092, 8.908, 8.395, 0.4433),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_catalogue_gives_the_published_orders(name):
    orders = CATALOGUE[name].orders()
    assert tuple(orders) == ("BPFO", "BPFI", "2BSF", "FTF")
    assert tuple(orders.values()) == pytest.approx(PUBLISHED[name], rel=4.5e-4)


def test_catalogue_is_complete_and_cannot_be_changed():
    assert set(CATALOGUE) == set(PUBLISHED)
    with pytest.raises(TypeError):
        CATALOGUE["6205"] = CATALOGUE["6203"]  # type: ignore[index]


def test_lines_are_orders_times_shaft_speed():
    lines = bearing("6205").lines_hz(1796 / 60)
    assert lines["BPFO"] == pytest.approx(107.3, abs=0.05)


def test_contact_angle_brings_outer_and_inner_race_together():
    radial, angular = Bearing(9, 8.0, 40.0), Bearing(9, 8.0, 40.0, 40.0)
    assert angular.bpfo > radial.bpfo
    assert angular.bpfo + angular.bpfi == pytest.approx(9)


def test_geometry_can_be_given_instead_of_a_name():
    assert bearing("9, 7.94, 39.04").orders() == Bearing(9, 7.94, 39.04).orders()
    assert bearing("16,8.4,71.5,15.17").phi_deg == 15.17


@pytest.mark.parametrize(
    "name", ["6999", "", "9,7.94", "9,a,39", "8.5,7.94,39.04", "2,8,40", "9,50,40", "9,8,40,90"]
)
def test_bad_bearing_is_refused_with_what_to_do(name):
    with pytest.raises(ValueError, match=r"catalogue|elements|diameter|angle"):
        bearing(name)
