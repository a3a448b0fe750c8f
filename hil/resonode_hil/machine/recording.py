"""Read a vibration recording: `.mat` of CWRU form, `.csv`, `.wav`, or our own capture in `.npz`.

A recording's sample rate is stated by the caller or carried by the container. It is never guessed:
a wrong rate moves every line of the spectrum and looks perfectly healthy. Its unit is stated,
carried, or g, and `Recording.notes` tells which; integers of a `.wav` have none that could be
assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resonode import files
from resonode_hil.machine import units
from resonode_hil.machine.base import FloatArray
from resonode_hil.machine.formats import (
    Channel,
    read_csv,
    read_mat,
    read_npz,
    read_wav,
    refusal,
)

# Below this there is nothing to join a loop with. The shortest recording of a public data set
# that we know of (PRONOSTIA) has 2560 samples.
MIN_SAMPLES = 1024
# A rate outside is a damaged header or a slip of the hand. Resampling it would take minutes.
MIN_RATE_HZ, MAX_RATE_HZ = 100.0, 1e6
# Half an hour at the sensor's rate is 0.4 GB.
MAX_SECONDS = 1800.0
# What a node can be told, and a computed shaft can do.
MIN_RPM, MAX_RPM = 1.0, 120_000.0
# No vibration sensor goes further: such a value is a damaged one, or of another unit.
MAX_G = 1000.0
# So much of a mean can only be gravity, which the sensor's model adds.
_GRAVITY_FROM_G = 0.5


@dataclass(frozen=True, eq=False)
class Recording:
    """One channel of a recording: acceleration in g, its rate, and the shaft speed if known.

    Attributes:
        unit: what a value of the file was taken as, and why.
        mean_removed_g: what `remove_mean` took off; None where nothing was to be removed.
    """

    samples: FloatArray
    rate_hz: float
    rpm: float | None
    source: str
    unit: str
    mean_removed_g: float | None

    @property
    def notes(self) -> list[str]:
        """What the user should know about how the file was read."""
        notes = [f"{self.source}: {self.rate_hz:g} Hz, values taken as {self.unit}"]
        if self.mean_removed_g is not None:
            notes.append(f"{self.source}: its mean of {self.mean_removed_g:.4g} g was removed")
        elif abs(self.samples.mean()) > _GRAVITY_FROM_G:
            notes.append(
                f"Warning: {self.source} has a mean of {self.samples.mean():.4g} g. If that is "
                "gravity, use --remove-mean: the sensor's model adds its own"
            )
        return notes


def load_recording(
    path: str | Path,
    rate_hz: float | None = None,
    *,
    key: str | None = None,
    column: int | str | None = None,
    unit: str | None = None,
    full_scale_g: float | None = None,
    gain: float = 1.0,
    remove_mean: bool | None = None,
    rpm: float | None = None,
) -> Recording:
    """Read one channel of a recording.

    Args:
        path: `.mat` (MATLAB 5, as of the CWRU bearing data), `.csv`, `.wav`, or `.npz` as
            `resonode capture` writes it.
        rate_hz: sample rate; needed unless the container carries it.
        key: variable of a `.mat` file, default the one that ends in `_DE_time`.
        column: column of a `.csv` by number (from 0) or header name, channel of a `.wav`, axis of
            a `.npz`.
        unit: "g", "m/s2" or "mg"; default what the file says, else g.
        full_scale_g: what full scale of a `.wav` is; needed where its samples are integers.
        gain: the samples are multiplied by this, besides.
        remove_mean: take gravity off; default only off a capture of our own.
        rpm: shaft speed, overrides the one in the file.

    Raises:
        resonode.errors.StoreError: the file cannot be read.
        RecordingError: of the wrong form, or without a rate or a scale.
        ValueError: no such unit.
    """
    path = Path(path)
    readers = {".mat": read_mat, ".csv": read_csv, ".wav": read_wav, ".npz": read_npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise refusal(path, f"'{path.suffix}' is none of {', '.join(readers)}", "convert it")
    _check_file(path)
    channel = reader(path, key if reader is read_mat else column)
    rate = _settle_rate(path, rate_hz, channel.rate_hz)
    g_per_value, taken_as = _settle_unit(
        path, channel, units.named(unit) if unit else None, full_scale_g
    )
    samples = np.ascontiguousarray(channel.values, dtype=np.float64) * (g_per_value * gain)
    _check_samples(path, samples, rate)
    mean_g = None
    if remove_mean or (remove_mean is None and channel.own):
        mean_g = float(samples.mean())
        samples -= mean_g
    if gain != 1.0:
        taken_as += f", times {gain:g}"
    shaft_rpm = _settle_rpm(path, rpm, channel.rpm)
    return Recording(samples, rate, shaft_rpm, path.name, taken_as, mean_g)


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise files.unreadable(path, error, "Name a recording that is there") from error
    if size == 0:
        raise refusal(path, "the file is empty", "copy it again from its source")


def _settle_rate(path: Path, stated_hz: float | None, own_hz: float | None) -> float:
    rate_hz = own_hz if stated_hz is None else stated_hz
    if rate_hz is None:
        why = "its sample rate is neither in the file nor stated"
        raise refusal(path, why, "state it with --rate-hz (rate_hz=); it is never guessed")
    if own_hz is not None and abs(rate_hz - own_hz) > 1e-6 * own_hz:
        why = f"the file says {own_hz:g} Hz and --rate-hz says {rate_hz:g} Hz"
        raise refusal(path, why, "leave --rate-hz away, or correct the file")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        why = f"a sample rate of {rate_hz:g} Hz is impossible"
        allowed = f"{MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz"
        raise refusal(path, why, f"state or write the true one, of {allowed}")
    return float(rate_hz)


def _settle_rpm(path: Path, stated: float | None, own: float | None) -> float | None:
    rpm = own if stated is None else stated
    if rpm is not None and not MIN_RPM <= rpm <= MAX_RPM:
        why = f"a shaft at {rpm:g} rpm is impossible"
        raise refusal(path, why, f"state the true speed with --rpm, {MIN_RPM:g} to {MAX_RPM:g}")
    return rpm


def _settle_unit(
    path: Path, channel: Channel, stated: str | None, full_scale_g: float | None
) -> tuple[float, str]:
    """Return what a value is in g, and how that is known."""
    if full_scale_g is not None:
        if path.suffix.lower() != ".wav":
            raise refusal(path, "--full-scale-g is for .wav files", "state the --unit instead")
        if stated is not None:
            raise refusal(path, "--unit and --full-scale-g are both stated", "leave one away")
        if not 0.0 < full_scale_g <= MAX_G:
            why = f"a full scale of {full_scale_g:g} g is impossible"
            raise refusal(path, why, f"state one above 0 and up to {MAX_G:g} g")
        return full_scale_g, f"parts of {full_scale_g:g} g full scale, as stated"
    if channel.unit == units.FULL_SCALE:
        why = "its samples are integers, and nothing says what acceleration full scale is"
        next_step = "state it with --full-scale-g (16 for a capture of a node at its default range)"
        raise refusal(path, why, next_step)
    if channel.unit is None:
        unit = stated or "g"
        return units.G_PER[unit], f"{unit}, {'as stated' if stated else 'for want of a --unit'}"
    if channel.unit == units.FOREIGN and stated is None:
        why = f"{channel.says}, and that is none of {', '.join(units.G_PER)}"
        raise refusal(path, why, "state --unit, and with --gain how many of it a value is")
    if stated is None or stated == channel.unit:
        return units.G_PER[channel.unit], f"{channel.unit}, {channel.says}"
    if path.suffix.lower() == ".npz":
        raise refusal(path, f"--unit says {stated}, and it has its own scale", "leave --unit away")
    return units.G_PER[stated], f"{stated}, as stated, though {channel.says}"


def _check_samples(path: Path, samples: FloatArray, rate_hz: float) -> None:
    if samples.size < MIN_SAMPLES:
        why = f"{samples.size} samples are too few"
        raise refusal(path, why, f"give a recording of at least {MIN_SAMPLES}")
    if samples.size > MAX_SECONDS * rate_hz:
        why = f"{samples.size / rate_hz:.0f} s are too long to resample"
        raise refusal(path, why, f"give a recording of at most {MAX_SECONDS:.0f} s")
    bad = int(samples.size - np.isfinite(samples).sum())
    if bad:
        where = int(np.flatnonzero(~np.isfinite(samples))[0])
        why = f"{bad} samples are not numbers, the first at index {where}"
        raise refusal(path, why, "repair the recording or choose another channel")
    highest = int(np.abs(samples).argmax())
    if abs(samples[highest]) > MAX_G:
        why = f"{samples[highest]:.4g} g at index {highest} is no vibration"
        raise refusal(path, why, "repair the recording, or state its --unit")
    if np.ptp(samples) == 0.0:
        raise refusal(path, "every sample is the same", "choose another channel")
