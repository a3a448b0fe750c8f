"""`resonode demo` and `resonode twin`: the main job from end to end, as a user runs it.

In lockstep (`--speed max`): the sensor model delivers the same samples on every run, and 20 s of
measurement take two.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import wave

import numpy as np
import pytest

from tests.sdk.conftest import cli_process

SECONDS = 20
# One bin of 16384 samples at the sensor's rate, which is within 3 % of 26667 Hz.
BIN_HZ = 26667 * 1.03 / 16384
TOP = {"windows", "records", "rate_hz", "features", "envelope", "lines", "machine", "node"}


def measure(cli, *arguments):
    done = cli("demo", *arguments, "--speed", "max", "--json", "-")
    assert done.code == 0, done.err
    return json.loads(done.out)


def check_counts(report):
    assert set(report) >= TOP
    windows, records = report["windows"], report["records"]
    assert windows["acquired"] == windows["analysed"] + windows["lost"] > 0
    assert windows["lost"] == 0
    assert records["sent"] == records["stored"] > 0
    assert records["dropped"] == 0
    # 16384-sample windows that fit into the time, one of two bands.
    expected = SECONDS * report["rate_hz"] / 16384
    assert report["envelope"]["windows"] == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(
    ("name", "line", "hz"),
    [("130_OR007@6_0.mat", "BPFO", 107.6), ("105_IR007_0.mat", "BPFI", 161.7)],
)
def test_a_recorded_bearing_fault_is_found(cli, shared_data, name, line, hz):
    report = measure(
        *(cli, "--replay", shared_data / "cwru" / name, "--rate-hz", 12000),
        *("--bearing", "6205", "--seconds", SECONDS),
    )
    check_counts(report)
    envelope = report["envelope"]
    assert envelope["band_hz"] == pytest.approx([2000, 4000], abs=BIN_HZ)
    assert envelope["peak_hz"] == pytest.approx(hz, abs=BIN_HZ)
    assert envelope["peak_over_median"] >= 30
    assert envelope["min_window_ratio"] >= 20
    assert envelope["bearing"][line]["ratio"] >= 30
    assert any(found["bearing"] == line for found in report["lines"])


def test_a_healthy_bearing_shows_no_bearing_line_and_its_own_line_is_reported(cli, shared_data):
    report = measure(
        *(cli, "--replay", shared_data / "cwru" / "97_Normal_0.mat", "--rate-hz", 48000),
        *("--bearing", "6205", "--seconds", SECONDS),
    )
    check_counts(report)
    for envelope in report["envelopes"]:
        assert max(one["ratio"] for one in envelope["bearing"].values()) <= 6
    near_120 = [one for one in report["lines"] if abs(one["hz"] - 119.64) <= BIN_HZ]
    assert near_120
    assert near_120[0]["bearing"] is None
    assert near_120[0]["order"] == pytest.approx(4.0, abs=0.06)
    assert all(one["bearing"] is None for one in report["lines"])


def test_without_a_recording_a_computed_machine_shows_its_damaged_outer_race(cli, tmp_path):
    picture = tmp_path / "p.png"
    report = measure(cli, "--seconds", SECONDS, "--plot", picture)
    check_counts(report)
    envelope = report["envelope"]
    assert envelope["peak_hz"] == pytest.approx(3.5848 * report["shaft_hz"], abs=BIN_HZ)
    assert envelope["peak_over_median"] >= 30
    assert envelope["min_window_ratio"] >= 20
    assert picture.stat().st_size > 10000


def test_for_people_it_prints_counts_a_plot_and_the_bearings_lines(cli):
    done = cli("demo", "--seconds", 3, "--speed", "max")
    assert done.code == 0
    assert re.search(r"windows +(\d+) acquired = \1 analysed \+ 0 lost", done.out)
    assert re.search(r"records +(\d+) sent, \1 stored", done.out)
    assert "▲" in done.out
    assert re.search(r"BPFO +107\.364", done.out)
    assert "Measuring" in done.err


def test_a_kept_database_goes_on_in_a_second_run(cli, tmp_path):
    db = tmp_path / "keep.db"
    first = measure(cli, "--seconds", 2, "--db", db)
    second = measure(cli, "--seconds", 2, "--db", db)
    assert second["node"] == first["node"]
    overview = json.loads(cli("query", "--db", db, "--json").out)["overview"]
    stored = sum(row["count"] for row in overview)
    assert stored == first["records"]["stored"] + second["records"]["stored"]
    boots = json.loads(cli("query", "boot", "--db", db, "--json").out)["records"]
    assert [boot["epoch"] for boot in boots] == [1, 2]


@pytest.fixture
def recording(tmp_path):
    """A second of noise as WAV: the container carries the rate."""
    path = tmp_path / "noise.wav"
    random = np.random.default_rng(1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(12000)
        file.writeframes(random.integers(-3000, 3000, 24000).astype("<i2").tobytes())
    return path


def test_a_wav_needs_no_rate_and_a_contradiction_is_refused(cli, recording):
    report = measure(cli, "--replay", recording, "--seconds", 2)
    assert report["shaft_hz"] is None
    assert report["envelope"]["bearing"] == {}
    done = cli("demo", "--replay", recording, "--rate-hz", 9999, "--seconds", 2)
    assert done.code == 12
    assert "9999" in done.err


def test_the_speed_may_be_given_for_a_recording_without_one(cli, recording):
    report = measure(cli, "--replay", recording, "--rpm", 1797, "--seconds", 2)
    assert report["shaft_hz"] == pytest.approx(29.95)
    assert set(report["envelope"]["bearing"]) == {"BPFO", "BPFI", "2BSF", "FTF"}


def test_a_mat_without_a_stated_rate_ends_with_12(cli, shared_data):
    done = cli("demo", "--replay", shared_data / "cwru" / "97_Normal_0.mat", "--seconds", 2)
    assert done.code == 12
    assert "--rate-hz" in done.err


@pytest.mark.parametrize("content", [b"", b"not a recording\n" * 500, b"1,2\n3,four\n"])
@pytest.mark.parametrize("suffix", [".mat", ".csv", ".wav", ".xyz"])
def test_a_recording_of_the_wrong_form_ends_with_12(cli, tmp_path, content, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    done = cli("demo", "--replay", path, "--rate-hz", 12000, "--seconds", 2)
    assert done.code == 12
    assert path.name in done.err
    assert "Traceback" not in done.err


def test_mistakes_are_found_before_anything_runs(cli, tmp_path):
    assert cli("demo", "--bearing", "9999").code == 2
    assert cli("demo", "--speed", "fast").code == 2
    assert cli("demo", "--json", tmp_path / "no" / "out.json").code == 1
    assert cli("twin", "--machine", "nonsense", "--seconds", 0).code == 2
    assert cli("twin", "--speed", "max").code == 2


def test_an_interrupted_demo_ends_with_130_and_leaves_no_process():
    command = cli_process("demo", "--seconds", 60)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1.0)  # wherever in its start this catches it, the end must be in order
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_twins_can_be_used_from_other_terminals(cli, tmp_path):
    command = cli_process("twin", "--count", 2, "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}\n  ]\n}"):
            text += process.stdout.readline()
        ports = [one["port"] for one in json.loads(text)["nodes"]]
        infos = [json.loads(cli("info", "--port", port, "--json").out) for port in ports]
        taken = cli("capture", tmp_path / "w.npz", "--port", ports[0], "-n", 3000, "--axes", "xyz")
        db = tmp_path / "g.db"
        run = cli(
            *("gateway", "run", "--db", db, "--seconds", 1, "--json"),
            *("-p", ports[0], "-p", ports[1]),
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert len({info["node"] for info in infos}) == 2
    assert [info["profile"] for info in infos] == ["open", "open"]
    assert taken.code == 0
    with np.load(tmp_path / "w.npz") as file:
        assert file["samples"].shape == (3000, 3)
        # Gravity is on z.
        mean_m_s2 = file["samples"].mean(axis=0) * float(file["scale_m_s2"])
    assert mean_m_s2[2] == pytest.approx(9.81, abs=0.5)
    assert run.code == 0
    nodes = json.loads(run.out)["nodes"]
    assert all(one["stored"] == one["received"] > 0 for one in nodes)
