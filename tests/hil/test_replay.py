"""Recordings: what is refused, and what a sensor hears of those that are not."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat, wavfile

from resonode.capture import Capture
from resonode.errors import StoreError
from resonode.export import WRITERS
from resonode_hil import RecordingError
from resonode_hil.machine import Replay, load_recording
from resonode_hil.machine.seam import make_loop
from tests.hil import envelope

RATE_HZ = 26667 * 1.0098


def tone(hz: float, rate_hz: float, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def write_csv(path, text) -> str:
    path.write_text(text)
    return str(path)


@pytest.fixture
def mat(tmp_path):
    path = tmp_path / "good.mat"
    signal = tone(100, 12000, 1.0)[:, None]
    savemat(path, {"X130_DE_time": signal, "X130_FE_time": 2 * signal, "X130RPM": 1796})
    return path


# ---- reading ----


def test_mat_gives_drive_end_and_its_shaft_speed(mat):
    recording = load_recording(mat, 12000)
    assert recording.samples == pytest.approx(tone(100, 12000, 1.0))
    assert (recording.rate_hz, recording.rpm) == (12000.0, 1796.0)


def test_mat_key_gain_and_speed_can_be_chosen(mat):
    recording = load_recording(mat, 12000, key="X130_FE_time", gain=3.0, rpm=900.0)
    assert recording.samples == pytest.approx(6 * tone(100, 12000, 1.0))
    assert recording.rpm == 900.0


def test_csv_of_one_column_and_by_name_and_by_number(tmp_path):
    values = tone(50, 5000, 0.5)
    one = write_csv(tmp_path / "one.csv", "\n".join(map(repr, values.tolist())))
    rows = "\n".join(f"{i};{2 * value!r};x" for i, value in enumerate(values.tolist()))
    named = write_csv(tmp_path / "named.csv", "time;accel;note\n" + rows)
    assert np.array_equal(load_recording(one, 5000).samples, values)
    assert np.array_equal(load_recording(named, 5000, column="accel").samples, 2 * values)
    assert np.array_equal(load_recording(named, 5000, column=1).samples, 2 * values)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float32])
def test_wav_is_scaled_to_full_scale_and_brings_its_rate(tmp_path, dtype):
    values = tone(440, 44100, 0.2)
    unit = 1 if dtype is np.float32 else np.iinfo(dtype).max // (2 if dtype is np.uint8 else 1)
    stored = values * unit + (128 if dtype is np.uint8 else 0)
    wavfile.write(tmp_path / "a.wav", 44100, stored.astype(dtype))
    full_scale_g = None if dtype is np.float32 else 1.0
    recording = load_recording(tmp_path / "a.wav", gain=2.0, full_scale_g=full_scale_g)
    assert recording.rate_hz == 44100.0
    # astype cuts off up to one unit; full scale 1/128 against 127 adds 0.8 % for 8 bits.
    assert recording.samples == pytest.approx(
        2 * values, abs=2 * (1.5 / unit if unit > 1 else 1e-6)
    )


def test_wav_channel_can_be_chosen(tmp_path):
    left, right = tone(440, 8000, 0.2), tone(220, 8000, 0.2)
    wavfile.write(tmp_path / "a.wav", 8000, np.column_stack([left, right]).astype(np.float32))
    got = load_recording(tmp_path / "a.wav", column=1).samples
    assert np.array_equal(got, right.astype(np.float32))


# ---- units ----

RAMP = np.linspace(-3.0, 5.0, 2000)


def columns(path, header, values=RAMP) -> str:
    lines = [header] if header else []
    return write_csv(path, "\n".join([*lines, *map(repr, values.tolist())]))


@pytest.mark.parametrize(
    ("header", "g"),
    [
        ("z_m_s2", 1 / 9.80665),
        ("z [m/s^2]", 1 / 9.80665),
        ("Acceleration (m/s²)", 1 / 9.80665),
        ("accel_ms2", 1 / 9.80665),
        ('"m/s/s"', 1 / 9.80665),
        ("accel_mg", 1e-3),
        ("z [mg]", 1e-3),
        ("z [g]", 1.0),
        ("accel_g", 1.0),
        ("bearing vibration", 1.0),
        (None, 1.0),
    ],
)
def test_csv_is_read_in_the_unit_of_its_header_else_in_g(tmp_path, header, g):
    recording = load_recording(columns(tmp_path / "a.csv", header), 5000)
    assert recording.samples == pytest.approx(RAMP * g)
    name = {1.0: "g", 1e-3: "mg"}.get(g, "m/s2")
    assert f"taken as {name}," in recording.notes[0]


@pytest.mark.parametrize(("unit", "g"), [("g", 1.0), ("mg", 1e-3), ("m/s2", 1 / 9.80665)])
def test_stated_unit_wins_and_the_note_says_so(tmp_path, unit, g):
    recording = load_recording(columns(tmp_path / "a.csv", "accel_mg"), 5000, unit=unit, gain=2.0)
    assert recording.samples == pytest.approx(2.0 * RAMP * g)
    assert f"taken as {unit}" in recording.notes[0]
    assert "times 2" in recording.notes[0]


def test_a_unit_of_something_else_is_refused_until_one_is_stated(tmp_path):
    path = columns(tmp_path / "a.csv", "velocity [mm/s]")
    with pytest.raises(RecordingError, match="--unit"):
        load_recording(path, 5000)
    assert load_recording(path, 5000, unit="g").samples == pytest.approx(RAMP)


def test_integers_of_a_wav_need_their_full_scale(tmp_path):
    path = tmp_path / "a.wav"
    wavfile.write(path, 12000, (RAMP * 1000).astype(np.int16))
    with pytest.raises(RecordingError, match="--full-scale-g"):
        load_recording(path)
    with pytest.raises(RecordingError, match="--full-scale-g"):
        load_recording(path, unit="g")
    samples = load_recording(path, full_scale_g=16.0).samples
    assert samples == pytest.approx(RAMP * 1000 * 16 / 32768, abs=16 / 32768)


def test_a_mean_stays_unless_told_and_gravity_is_warned_of(tmp_path):
    path = columns(tmp_path / "a.csv", "z_g", RAMP)
    kept = load_recording(path, 5000)
    assert kept.samples.mean() == pytest.approx(1.0)
    assert any("--remove-mean" in note for note in kept.notes)
    removed = load_recording(path, 5000, remove_mean=True)
    assert removed.samples == pytest.approx(RAMP - 1.0)
    assert not any("Warning" in note for note in removed.notes)


def a_capture() -> tuple[Capture, np.ndarray]:
    """A node's capture of gravity and a tone on z, and the tone in g."""
    tone_lsb = np.round(tone(440, 26950.6, 0.3, 400.0))
    lsb = np.column_stack([np.zeros_like(tone_lsb), tone_lsb + 2049]).astype(np.int16)
    capture = Capture(
        node="91b7584a2265b1f5",
        axes=("x", "z"),
        rate_hz=26950.634765625,
        samples=lsb,
        scale_m_s2=0.488e-3 * 9.80665,
        capture=1,
        start_sample=0,
        t_us=0,
        shaft_hz=29.95,
        records=(),
    )
    return capture, (tone_lsb - tone_lsb.mean()) * 0.488e-3


@pytest.mark.parametrize(
    ("suffix", "column", "options"),
    [
        ("npz", "z", {}),
        ("npz", 1, {}),
        ("csv", "z_m_s2", {}),
        ("wav", 1, {"full_scale_g": 32768 * 0.488e-3, "remove_mean": True}),
    ],
)
def test_our_own_captures_come_back_at_their_scale_and_rate_without_gravity(
    tmp_path, suffix, column, options
):
    capture, expected_g = a_capture()
    path = tmp_path / f"c.{suffix}"
    WRITERS[suffix](capture, path)
    recording = load_recording(path, column=column, **options)
    assert recording.samples == pytest.approx(expected_g, abs=1e-6)
    # A .wav's rate is a whole number; nine digits of a time leave this of a rate.
    tolerance = 0.5 if suffix == "wav" else 1e-4
    assert recording.rate_hz == pytest.approx(capture.rate_hz, abs=tolerance)
    assert recording.rpm == (pytest.approx(1797) if suffix == "npz" else None)


def test_gravity_of_our_own_capture_can_be_kept(tmp_path):
    capture, _ = a_capture()
    WRITERS["npz"](capture, tmp_path / "c.npz")
    kept = load_recording(tmp_path / "c.npz", column="z", remove_mean=False)
    assert kept.samples.mean() == pytest.approx(1.0, abs=0.01)
    with pytest.raises(RecordingError, match="--column among x, z"):
        load_recording(tmp_path / "c.npz")
    with pytest.raises(RecordingError, match="leave --unit away"):
        load_recording(tmp_path / "c.npz", column="z", unit="g")


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("header", ["time{}z_g\n", ""])
def test_decimal_commas_are_read_where_columns_are_separated_otherwise(tmp_path, delimiter, header):
    rows = [f"{i}{delimiter}{value:.5f}".replace(".", ",") for i, value in enumerate(RAMP)]
    path = write_csv(tmp_path / "a.csv", header.format(delimiter) + "\n".join(rows))
    assert load_recording(path, 5000, column=1).samples == pytest.approx(RAMP, abs=1e-5)


# ---- refusals ----


def bad_files(tmp_path):
    """Return (what is wrong, path, options, what the message must say)."""
    signal = tone(100, 12000, 1.0)
    savemat(tmp_path / "nokey.mat", {"vibration": signal})
    savemat(tmp_path / "two.mat", {"X1_DE_time": signal, "X2_DE_time": signal})
    savemat(tmp_path / "text.mat", {"X1_DE_time": "hello"})
    savemat(tmp_path / "table.mat", {"X1_DE_time": np.ones((2000, 3))})
    savemat(tmp_path / "nan.mat", {"X1_DE_time": np.where(signal > 0.49, np.nan, signal)})
    savemat(tmp_path / "short.mat", {"X1_DE_time": signal[:100]})
    savemat(tmp_path / "flat.mat", {"X1_DE_time": np.ones(5000)})
    savemat(tmp_path / "good.mat", {"X1_DE_time": signal})
    whole = (tmp_path / "good.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "junk.mat").write_bytes(b"PK\x03\x04" * 500)
    (tmp_path / "empty.mat").write_bytes(b"")
    (tmp_path / "six.csv").write_text("1,2,3,4,5,6\n" * 3000)
    (tmp_path / "words.csv").write_text("1.0\n" * 3000 + "sensor failed\n")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 30)
    wavfile.write(tmp_path / "good.wav", 8000, signal.astype(np.float32))
    wav = (tmp_path / "good.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(wav[:-5000])
    (tmp_path / "junk.wav").write_bytes(b"not a wav at all" * 200)
    (tmp_path / "odd.flac").write_bytes(b"fLaC")
    wavfile.write(tmp_path / "slow.wav", 1, signal.astype(np.float32))
    wavfile.write(tmp_path / "fast.wav", 2_000_000, signal.astype(np.float32))
    commas = [f"{value:.5f}".replace(".", ",") for value in signal]
    (tmp_path / "comma.csv").write_text("\n".join(commas))
    (tmp_path / "commahead.csv").write_text("\n".join(["z_g", *commas]))
    (tmp_path / "spike.csv").write_text("\n".join(map(repr, [*signal.tolist(), 1e6])))
    (tmp_path / "inf.csv").write_text("\n".join(map(repr, [*signal.tolist(), float("inf")])))
    (tmp_path / "header.csv").write_text("z_g\n")
    savemat(tmp_path / "racing.mat", {"X1_DE_time": signal, "X1RPM": 1e9})
    savemat(tmp_path / "endless.mat", {"X1_DE_time": np.tile(signal, 20)})
    np.savez(tmp_path / "other.npz", samples=signal)
    np.savez(tmp_path / "objects.npz", samples=np.array([{}], dtype=object))
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04" * 500)
    return [
        ("folder", ".", {"rate_hz": 12000}, "none of .mat"),
        ("format", "odd.flac", {"rate_hz": 12000}, "none of .mat"),
        ("empty", "empty.mat", {"rate_hz": 12000}, "empty"),
        ("no rate", "good.mat", {}, "never guessed"),
        ("no rate in csv", "words.csv", {}, "never guessed|numbers"),
        ("rate 0", "good.mat", {"rate_hz": 0}, "impossible"),
        ("rate nan", "good.mat", {"rate_hz": float("nan")}, "impossible"),
        ("no such key", "nokey.mat", {"rate_hz": 12000}, "--key among vibration"),
        ("two keys", "two.mat", {"rate_hz": 12000}, "2 variables end in"),
        ("wrong key", "good.mat", {"rate_hz": 12000, "key": "Y"}, "no variable Y"),
        ("text", "text.mat", {"rate_hz": 12000}, "no real numbers"),
        ("table", "table.mat", {"rate_hz": 12000}, "not one channel"),
        ("not numbers", "nan.mat", {"rate_hz": 12000}, "are not numbers, the first at index"),
        ("too short", "short.mat", {"rate_hz": 12000}, "100 samples are too few"),
        ("constant", "flat.mat", {"rate_hz": 12000}, "every sample is the same"),
        ("truncated", "cut.mat", {"rate_hz": 12000}, "not a readable MATLAB file"),
        ("not matlab", "junk.mat", {"rate_hz": 12000}, "not a readable MATLAB file"),
        ("columns", "six.csv", {"rate_hz": 12000}, "choose --column among 0 to 5"),
        ("no column", "six.csv", {"rate_hz": 12000, "column": 9}, "no column 9"),
        ("no name", "six.csv", {"rate_hz": 12000, "column": "z"}, "no column z"),
        ("words", "words.csv", {"rate_hz": 12000}, "not all numbers"),
        ("binary", "binary.csv", {"rate_hz": 12000}, "not text|not all numbers"),
        ("rates differ", "good.wav", {"rate_hz": 12000}, "8000 Hz and --rate-hz says 12000"),
        ("cut wav", "cut.wav", {}, "not a whole WAV"),
        ("junk wav", "junk.wav", {}, "not a whole WAV"),
        ("1 Hz wav", "slow.wav", {}, "1 Hz is impossible"),
        ("2 MHz wav", "fast.wav", {}, "2e\\+06 Hz is impossible"),
        ("99 Hz", "good.mat", {"rate_hz": 99}, "99 Hz is impossible"),
        ("decimal commas", "comma.csv", {"rate_hz": 12000}, "decimal commas"),
        ("chosen", "comma.csv", {"rate_hz": 12000, "column": 1}, "decimal commas"),
        ("under a header", "commahead.csv", {"rate_hz": 12000}, "decimal commas"),
        ("spike", "spike.csv", {"rate_hz": 12000}, "1e\\+06 g at index 12000"),
        ("infinite", "inf.csv", {"rate_hz": 12000}, "are not numbers"),
        ("header only", "header.csv", {"rate_hz": 12000}, "0 samples are too few"),
        ("speed", "racing.mat", {"rate_hz": 12000}, "1e\\+09 rpm is impossible"),
        ("too long", "endless.mat", {"rate_hz": 100}, "too long"),
        ("other npz", "other.npz", {}, "no capture of a node"),
        ("objects", "objects.npz", {}, "not a readable NumPy"),
        ("junk npz", "junk.npz", {}, "not a readable NumPy"),
        ("full scale", "good.mat", {"rate_hz": 12000, "full_scale_g": 1.0}, "for .wav files"),
        ("full scale 0", "good.wav", {"full_scale_g": 0.0}, "impossible"),
        ("both", "good.wav", {"full_scale_g": 1.0, "unit": "g"}, "both stated"),
    ]


def test_a_recording_that_is_not_there_is_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        Replay(tmp_path / "absent.mat", rate_hz=12000)


def test_bad_recordings_say_what_why_and_what_to_do(tmp_path):
    for what, name, options, says in bad_files(tmp_path):
        with pytest.raises(RecordingError, match=says) as caught:
            Replay(tmp_path / name, **options)
        parts = str(caught.value).split("; ")
        assert str(caught.value).startswith("cannot replay "), what
        assert len(parts) >= 2, what


@given(st.data())
def test_damaged_files_never_raise_anything_but_a_recording_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    savemat(folder / "a.mat", {"X1_DE_time": tone(100, 12000, 0.1)}, do_compression=True)
    wavfile.write(folder / "a.wav", 8000, tone(100, 8000, 0.2).astype(np.int16))
    name = data.draw(st.sampled_from(["a.mat", "a.wav"]))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        # The headers are where damage has the most ways to matter.
        at = data.draw(st.integers(0, min(len(content), 256) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(content)))
    (folder / name).write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    with suppress(RecordingError):
        full_scale_g = 1.0 if name == "a.wav" else None
        load_recording(folder / name, 12000 if name == "a.mat" else None, full_scale_g=full_scale_g)


# ---- playing ----


@pytest.fixture
def wav(tmp_path):
    def write(signal: np.ndarray, rate_hz: int, name: str = "a.wav") -> str:
        wavfile.write(tmp_path / name, rate_hz, signal.astype(np.float64))
        return str(tmp_path / name)

    return write


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 70_000)), max_size=5))
@pytest.mark.parametrize("loop", [True, False])
def test_a_sample_is_the_same_however_blocks_are_cut(tmp_path_factory, loop, cuts):
    path = tmp_path_factory.mktemp("cut") / "a.wav"
    noise = np.random.default_rng(1).standard_normal(9000) * 0.1
    wavfile.write(path, 12000, noise)
    whole = Replay(path, loop=loop).block(0, 270_000, RATE_HZ)
    machine = Replay(path, loop=loop)
    for first, count in cuts:
        assert np.array_equal(machine.block(first, count, RATE_HZ), whole[first : first + count])


@pytest.mark.parametrize("source_hz", [12000, 48000])
def test_line_keeps_frequency_and_amplitude_through_resampling(wav, source_hz):
    machine = Replay(wav(tone(1234.5, source_hz, 3.0), source_hz), axis="x")
    count = 65536
    signal = machine.block(10_000, count, RATE_HZ)
    assert np.all(signal[:, 1:] == 0.0)
    window = np.hanning(count)
    spectrum = np.abs(np.fft.rfft(signal[:, 0] * window)) * 2 / window.sum()
    peak = spectrum.argmax()
    # Between bins: the vertex of the parabola through log magnitudes, good to 0.02 bin for Hann.
    a, b, c = np.log(spectrum[peak - 1 : peak + 2])
    freq_hz = (peak + 0.5 * (a - c) / (a - 2 * b + c)) * RATE_HZ / count
    assert freq_hz == pytest.approx(1234.5, abs=0.02 * RATE_HZ / count)
    assert np.abs(signal[:, 0]).max() == pytest.approx(0.5, rel=0.01)


def test_what_lies_above_half_the_sensors_rate_is_removed_not_folded(wav):
    signal = tone(1000, 96000, 2.0) + tone(20000, 96000, 2.0)
    got = Replay(wav(signal, 96000)).block(0, 40_000, RATE_HZ)[:, 2]
    window = np.hanning(len(got))
    spectrum = np.abs(np.fft.rfft(got * window)) * 2 / window.sum()
    folded = round((RATE_HZ - 20000) * len(got) / RATE_HZ)
    # The cross-fade leaves a trace of the tone's change at the seam.
    assert spectrum[folded - 50 : folded + 50].max() < 1e-3 * spectrum.max()


def test_replay_runs_at_its_own_speed(wav):
    machine = Replay(wav(tone(100, 12000, 2.0), 12000))
    period = round(machine.duration_s * RATE_HZ)
    block = machine.block(0, 3 * period, RATE_HZ)
    assert np.array_equal(block[:period], block[period : 2 * period])
    # The period is rounded to a whole sample.
    assert abs(period / RATE_HZ - machine.duration_s) <= 0.5 / RATE_HZ


def test_played_once_it_rests_afterwards_and_says_so(wav):
    machine = Replay(wav(tone(100, 12000, 1.0), 12000), loop=False)
    end = int(machine.duration_s * RATE_HZ)
    assert np.ptp(machine.block(end - 1000, 900, RATE_HZ)[:, 2]) > 0.9
    assert not machine.ended
    assert np.all(machine.block(end + 2000, 1000, RATE_HZ) == 0.0)
    assert machine.ended


def test_once_keeps_start_and_end_apart(wav):
    """Periodic resampling of a bare recording would ring from its end into its start."""
    signal = np.zeros(12000)
    signal[-300:] = tone(200, 12000, 0.025)
    machine = Replay(wav(signal, 12000), loop=False)
    assert np.abs(machine.block(0, 2000, RATE_HZ)).max() < 1e-3


@pytest.mark.parametrize("extra", [0.0, 0.3, 0.77])
def test_periodic_signal_loops_without_a_step_in_phase(extra):
    signal = tone(29.95, 12000, 5.0 + extra / 29.95)
    loop = make_loop(signal, 12000)
    assert loop.likeness > 0.999
    joined = np.concatenate([loop.samples, loop.samples])
    phase_step = 2 * np.pi * 29.95 / 12000
    # The period is a whole number of samples, so phase may be off by half a sample's worth, over
    # the cross-fade; a sine's second difference is its amplitude times step squared.
    assert np.abs(np.diff(joined, 2)).max() < 0.5 * phase_step**2 * 1.1


@pytest.mark.parametrize(
    ("name", "line_hz"), [("130_OR007@6_0.mat", 107.6), ("105_IR007_0.mat", 161.7)]
)
def test_bearing_line_survives_the_seam_at_every_alignment(shared_data, name, line_hz):
    machine = Replay(shared_data / "cwru" / name, 12000)
    period = round(machine.duration_s * RATE_HZ)
    signal = machine.block(period - envelope.SAMPLES, 2 * envelope.SAMPLES, RATE_HZ)[:, 2]
    freq, amplitudes = envelope.spectra(signal, RATE_HZ, step=512)
    ratios = amplitudes.max(axis=1) / np.median(amplitudes, axis=1)
    assert ratios.min() >= 20
    peaks_hz = freq[amplitudes.argmax(axis=1)]
    assert np.abs(peaks_hz - line_hz).max() <= RATE_HZ / envelope.SAMPLES


def test_recordings_of_the_data_sets_can_be_read(shared_data):
    healthy = load_recording(shared_data / "cwru" / "97_Normal_0.mat", 48000)
    assert (len(healthy.samples), healthy.rpm) == (243938, 1796.0)
    assert load_recording(shared_data / "cwru" / "3005_B028_0.mat", 48000).rpm is None
    pronostia = shared_data / "pronostia" / "Bearing2_2" / "acc_00700.csv"
    assert load_recording(pronostia, 25600, column=4).samples.std() == pytest.approx(0.60, abs=0.01)
    with pytest.raises(RecordingError, match="Accelerometer1RMS"):
        load_recording(shared_data / "skab" / "other_5.csv", 1.0)
