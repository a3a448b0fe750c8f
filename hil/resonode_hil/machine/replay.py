"""A recording as a machine: resampled to the sensor's rate, looped or once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from resonode_hil.errors import RecordingError, explain
from resonode_hil.machine.base import FloatArray, axis_index
from resonode_hil.machine.recording import Recording, load_recording
from resonode_hil.machine.seam import make_loop

# Silence put after a recording that plays once, so that the periodic resampling does not carry
# its start into its end.
_SILENCE_S = 0.05


class Replay:
    """Plays a recording on one axis, at its own speed.

    Resampling is band-limited (scipy.signal.resample: exact for a periodic signal), so lines keep
    their frequency and what lies above half the sensor's rate is removed, not folded.

    Args:
        path: `.mat`, `.csv`, `.wav` or `.npz`; see load_recording for this and `rate_hz`, `key`,
            `column`, `unit`, `full_scale_g`, `gain`, `remove_mean` and `rpm`.
        loop: repeat without a seam; else play once, without its mean, and then rest.
        axis: sensor axis that hears it.

    Raises:
        RecordingError: see load_recording.
        ValueError: no such axis or unit.
    """

    def __init__(
        self,
        path: str | Path,
        rate_hz: float | None = None,
        loop: bool = True,
        axis: str = "z",
        key: str | None = None,
        *,
        column: int | str | None = None,
        unit: str | None = None,
        full_scale_g: float | None = None,
        gain: float = 1.0,
        remove_mean: bool | None = None,
        rpm: float | None = None,
    ) -> None:
        self.signal_axis = axis_index(axis)
        self.recording = load_recording(
            path,
            rate_hz,
            key=key,
            column=column,
            unit=unit,
            full_scale_g=full_scale_g,
            gain=gain,
            remove_mean=remove_mean,
            rpm=rpm,
        )
        self.loop = loop
        self._source = _prepare(self.recording, loop)
        self._played: FloatArray | None = None
        self._played_rate_hz = 0.0
        self._asked_end = 0

    @property
    def rpm(self) -> float | None:
        return self.recording.rpm

    @property
    def duration_s(self) -> float:
        """Length of one period of the loop, or of the whole recording when it plays once."""
        source = self._source if self.loop else self.recording.samples
        return len(source) / self.recording.rate_hz

    @property
    def ended(self) -> bool:
        """True once a recording that plays once has been asked for samples past its end."""
        return not self.loop and self._asked_end > self.duration_s * self._played_rate_hz > 0.0

    def block(self, first: int, count: int, rate_hz: float) -> FloatArray:
        """Return samples first .. first+count-1, shape (count, 3), in g."""
        signal = self._at_rate(rate_hz)
        self._asked_end = max(self._asked_end, first + count)
        out = np.zeros((count, 3))
        if self.loop:
            start = first % len(signal)
            piece = signal[start : start + count]
            if len(piece) < count:
                piece = np.take(signal, np.arange(first, first + count), mode="wrap")
        else:
            piece = signal[first : first + count]
        out[: len(piece), self.signal_axis] = piece
        return out

    def _at_rate(self, rate_hz: float) -> FloatArray:
        if self._played is None or rate_hz != self._played_rate_hz:
            self._played = _resampled(self._source, self.recording.rate_hz, rate_hz)
            self._played_rate_hz = rate_hz
        return self._played


def _prepare(recording: Recording, loop: bool) -> FloatArray:
    if loop:
        return make_loop(recording.samples, recording.rate_hz).samples
    silence = np.zeros(int(_SILENCE_S * recording.rate_hz))
    return np.concatenate([recording.samples - recording.samples.mean(), silence])


def _resampled(source: FloatArray, from_hz: float, to_hz: float) -> FloatArray:
    """Resample one period. The period becomes a whole number of samples: 2e-6 of speed at 10 s."""
    from scipy.signal import resample

    count = round(len(source) * to_hz / from_hz)
    if count < 2:
        why = f"{len(source)} samples at {from_hz:g} Hz are nothing at {to_hz:g} Hz"
        raise RecordingError(explain("cannot replay", why, "check --rate-hz"))
    return np.asarray(resample(source, count), dtype=np.float64)
