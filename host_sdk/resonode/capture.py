"""A waveform, put together from the blocks it travels in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonode.errors import Incomplete, ProtocolError
from resonode.records import FloatArray, Loss, SampleArray, Waveform


@dataclass(frozen=True, eq=False)
class Capture:
    """Raw samples of one or more axes, taken at the same instants.

    Attributes:
        axes: e.g. ("x", "z"), one for each column of `samples`.
        rate_hz: measured against the node's clock.
        samples: int16, shape (count, len(axes)), LSB.
        scale_m_s2: acceleration of one LSB.
        start_sample: index of the first sample in the run `capture` of the sensor.
        t_us: node clock at the end of the last block.
        records: the blocks it was made from.
    """

    node: str
    axes: tuple[str, ...]
    rate_hz: float
    samples: SampleArray
    scale_m_s2: float
    capture: int
    start_sample: int
    t_us: int
    shaft_hz: float | None
    records: tuple[Waveform, ...]

    @property
    def accel_m_s2(self) -> FloatArray:
        """Acceleration, m/s², gravity included, shape as `samples`."""
        return self.samples.astype(np.float64) * self.scale_m_s2

    @property
    def time_s(self) -> FloatArray:
        """Time of every sample from the first one on, s."""
        return np.arange(len(self.samples), dtype=np.float64) / self.rate_hz


class Collector:
    """Takes the blocks of one waveform, in any order and whatever else is between them."""

    def __init__(self, node: str, capture: int, start: int, total: int, axes: str) -> None:
        self._node = node
        self._capture = capture
        self._start = start
        self._total = total
        self._axes = tuple(axes)
        self._samples = np.zeros((total, len(axes)), np.int16)
        self._have: NDArray[np.bool_] = np.zeros((total, len(axes)), np.bool_)
        self._blocks: list[Waveform] = []
        self._lost = ""

    def add(self, record: Waveform | Loss) -> bool:
        """Take `record` if it belongs here. Returns whether the waveform has come to its end."""
        if isinstance(record, Loss):
            self._add_loss(record)
        elif (record.capture, record.start_sample) == (self._capture, self._start):
            self._add_block(record)
        return bool(self._lost) or bool(self._have.all())

    def _add_loss(self, record: Loss) -> None:
        if record.capture != self._capture or record.first_sample is None:
            return
        end = record.first_sample + (record.lost_samples or 0)
        if record.first_sample < self._start + self._total and end > self._start:
            self._lost = f"{record.reason_name} at sample {record.first_sample}"

    def _add_block(self, record: Waveform) -> None:
        axis = record.axis_name
        first = record.first_sample - self._start
        if axis not in self._axes or first < 0 or first + len(record.samples) > self._total:
            raise ProtocolError("A waveform block lies outside its waveform", why=repr(record))
        part = slice(first, first + len(record.samples))
        column = self._axes.index(axis)
        self._samples[part, column] = record.samples
        self._have[part, column] = True
        self._blocks.append(record)

    def result(self, count: int) -> Capture:
        """Return the first `count` samples. Raises Incomplete if any of the waveform is missing."""
        if not self._have.all():
            raise Incomplete(
                f"The node lost samples of the waveform ({self._lost or 'the stream ended'})",
                why=f"{int(self._have.sum())} of {self._have.size} samples arrived",
                next="Try again, with fewer samples or axes",
            )
        last = self._blocks[-1]
        self._samples.setflags(write=False)
        return Capture(
            node=self._node,
            axes=self._axes,
            rate_hz=last.rate_hz,
            samples=self._samples[:count],
            scale_m_s2=last.scale_m_s2,
            capture=self._capture,
            start_sample=self._start,
            t_us=last.t_us,
            shaft_hz=last.shaft_hz,
            records=tuple(self._blocks),
        )
