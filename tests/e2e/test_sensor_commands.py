"""Mount, self-test and calibration of a sensor, from the command line to the chip's model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resonode_hil.machine import default_machine
from resonode_hil.sensors.iis3dwb import Iis3dwb
from resonode_hil.timebase import Paced
from resonode_wire.security import OPEN
from tests.sdk.conftest import Done, cli  # noqa: F401  # a fixture

Cli = Callable[..., Done]


@pytest.fixture
def port(virtual_board: Any) -> str:
    board = virtual_board({0: Iis3dwb(default_machine())}, timebase=Paced(), profile=OPEN)
    return f"serial:{board.port}"


def test_a_good_mount_is_told_and_a_wrong_one_ends_with_19(cli: Cli, port: str):  # noqa: F811
    good = cli("node", "sensor", "mount", "--port", port, "--up", "+z")
    assert good.code == 0, good.err
    assert "+z" in good.out and "The mount is right" in good.err
    wrong = cli("node", "sensor", "mount", "--port", port, "--up=-x", "--json")
    assert wrong.code == 19 and "turn the sensor" in wrong.err
    assert json.loads(wrong.out)["up"] == "+z"


def test_the_self_test_is_told_with_the_datasheets_limits(cli: Cli, port: str):  # noqa: F811
    done = cli("node", "sensor", "test", "--port", port, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    for change, least, most in zip(
        *(result[f"{n}_g"] for n in ("change", "least", "most")), strict=True
    ):
        assert least <= change <= most


def test_a_calibration_is_used_after_the_restart_and_a_wrong_one_changes_nothing(
    cli: Cli,  # noqa: F811
    port: str,
    tmp_path: Path,
):
    file = tmp_path / "calibration.toml"
    file.write_text(
        "sensitivity = [1.0, 1.0, 1.25]\noffset_m_s2 = [0.0, 0.0, 0.5]\n"
        'date = 2026-11-22\ncertificate = "Lab 4711"\n'
    )
    before = json.loads(cli("node", "sensor", "mount", "--port", port, "--json").out)
    asked = cli("node", "sensor", "calibration", file, "--port", port)
    assert asked.code == 1 and re.search(r"forgets \d+ records that nobody has taken", asked.err)
    assert cli("node", "sensor", "calibration", file, "--port", port, "--yes").code == 0
    told = json.loads(cli("node", "sensor", "calibration", "--port", port, "--json").out)
    assert told["calibrated"] and told["certificate"] == "Lab 4711"
    file.write_text("sensitivity = [1.0, 1.0, 9.0]\n")
    refused = cli("node", "sensor", "calibration", file, "--port", port, "--yes")
    assert refused.code == 8 and "refused the calibration" in refused.err
    assert "resonode node sensor calibration" in refused.err and "config" not in refused.err
    after = json.loads(cli("node", "sensor", "mount", "--port", port, "--json").out)
    # Gravity is on z, and the capture's scale is the axis's own.
    assert after["gravity_m_s2"] / before["gravity_m_s2"] == pytest.approx(1.25, abs=0.01)
