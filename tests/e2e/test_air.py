"""Air sensors on a whole node, beside the accelerometer: sensor model to database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import resonode
from resonode_hil.room import office_day
from resonode_hil.sensors.faulty import Faulty, unplugged
from resonode_hil.sensors.pms5003 import Pms5003
from resonode_hil.sensors.scd41 import Scd41
from resonode_hil.sensors.sgp41 import Sgp41
from tests.air.chips import BY_NAME

from .conftest import RigFactory, measure, run

S = 1_000_000
CONFIG: dict[str, Any] = {
    "air_period_s": 5,
    "outputs": ["features"],
    "axes": "z",
    "velocity_axes": "z",
    "window": 4096,
}


def records_of(database: Path, kind: type) -> list[Any]:
    with resonode.Store(database, readonly=True) as store:
        return [one.record for one in store.query() if isinstance(one.record, kind)]


def test_a_node_finds_its_air_sensors_and_an_unplugged_one_disturbs_nobody(
    rig: RigFactory, tmp_path: Path
) -> None:
    room = office_day()
    made: list[Scd41] = []

    def co2() -> Scd41:
        made.append(Scd41(room))
        return made[-1]

    gone = unplugged(4, from_us=20 * S, until_us=45 * S)
    i2c = {0x62: Faulty(co2(), gone, again=co2), 0x59: Sgp41(room)}
    dust = Pms5003(room)
    one = rig(i2c=i2c, uart={2: dust})
    database = tmp_path / "store.db"
    counters, _ = run(measure(one.port, database, CONFIG, lambda r: r.t_us > 75 * S))

    boot = records_of(database, resonode.Boot)[-1]
    assert {"iis3dwb", "scd41", "sgp41"} <= set(boot.sensors)
    air = records_of(database, resonode.Air)
    by_sensor = {
        name: [r for r in air if r.sensor == name] for name in ("scd41", "sgp41", "pms5003")
    }
    # What is stored is what left the converters.
    taps = [entry for chip in made for entry in chip.tap]
    for record in by_sensor["scd41"]:
        values = {"co2_ppm": record.co2_ppm, "humidity_pct": record.humidity_pct}
        assert BY_NAME["scd41"].is_from(values, taps)
    for record in by_sensor["pms5003"]:
        assert BY_NAME["pms5003"].is_from({"pm2_5_ug_m3": record.pm2_5_ug_m3}, dust.tap)
    # One goes, is declared, and is found again; the others never notice.
    losses = [r for r in records_of(database, resonode.Loss) if r.sensor]
    assert [(r.sensor, r.place) for r in losses] == [("scd41", "i2c0/0x62")]
    assert "does not answer" in losses[0].detail
    seen_s = [record.t_us / S for record in by_sensor["scd41"]]
    assert not [t_s for t_s in seen_s if 30 < t_s < 45] and max(seen_s) > 60
    for name in ("sgp41", "pms5003"):
        assert by_sensor[name][-1].errors == 0 and len(by_sensor[name]) >= 10
    # And the machine is measured without a gap all the while.
    windows = counters["windows"]
    assert windows["lost"] == windows["overruns"] == 0 and windows["acquired"] > 400
    assert counters["air"]["errors"] == by_sensor["scd41"][-1].errors
    assert counters["air"]["readings"] == pytest.approx(75 + 2 * 14, abs=20)
