"""A waveform, put together from the blocks it travels in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonode.errors import Incomplete, ProtocolError
from resonode.records import FloatArray, Loss, Record, SampleArray, Waveform, _Span


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
    """Takes the blocks of one waveform, in any order and whatever else is between them.

    Args:
        epoch: the node's when the waveform was asked for.
    """

    def __init__(
        self, node: str, epoch: int, capture: int, start: int, total: int, axes: str
    ) -> None:
        self._node = node
        self._epoch = epoch
        self._capture = capture
        self._start = start
        self._total = total
        self._axes = tuple(axes)
        self._samples = np.zeros((total, len(axes)), np.int16)
        self._have: NDArray[np.bool_] = np.zeros((total, len(axes)), np.bool_)
        self._blocks: list[Waveform] = []
        self._lost = ""

    @property
    def progress(self) -> str:
        """How much of the waveform is there, in words."""
        return f"{int(self._have.sum())} of {self._have.size} samples arrived"

    def add(self, record: Record) -> bool:
        """Take `record` if it belongs here. Returns whether the waveform has come to its end,
        whole or not: once the node measures on without it, nothing more of it will come."""
        if isinstance(record, Loss):
            self._add_loss(record)
        elif isinstance(record, Waveform) and self._is_ours(record):
            self._add_block(record)
        if not self._have.all():
            self._look_for_end(record)
        return bool(self._lost) or bool(self._have.all())

    def _is_ours(self, record: Waveform) -> bool:
        ours = (self._epoch, self._capture, self._start)
        return (record.epoch, record.capture, record.start_sample) == ours

    def _look_for_end(self, record: Record) -> None:
        # Older runs may still be told of; windows are analysed in order.
        if record.epoch > self._epoch:
            self._lost = self._lost or "the node restarted"
        elif isinstance(record, _Span) and record.epoch == self._epoch:
            if record.capture > self._capture:
                self._lost = self._lost or "the node ended the measurement and began another"
            elif (
                record.capture == self._capture and record.first_sample >= self._start + self._total
            ):
                self._lost = self._lost or "the node measures on without them"

    def _add_loss(self, record: Loss) -> None:
        if (record.epoch, record.capture) != (self._epoch, self._capture):
            return
        if record.first_sample is None:  # not a hole in the run, but its end
            self._lost = f"{record.reason_name} ended the measurement"
            return
        end = record.first_sample + (record.lost_samples or 0)
        if record.first_sample < self._start + self._total and end > self._start:
            self._lost = f"{record.reason_name} at sample {record.first_sample}"

    def _add_block(self, record: Waveform) -> None:
        axis = record.axis_name
        first = record.first_sample - self._start
        if axis not in self._axes or first < 0 or first + len(record.samples) > self._total:
            raise ProtocolError(
                "A waveform block lies outside its waveform",
                why=repr(record),
                next="Bring node and host to the same release",
            )
        part = slice(first, first + len(record.samples))
        column = self._axes.index(axis)
        self._samples[part, column] = record.samples
        self._have[part, column] = True
        self._blocks.append(record)

    def result(self, count: int) -> Capture:
        """Return the first `count` samples. Raises Incomplete if any of the waveform is missing."""
        if not self._have.all():
            raise Incomplete(
                f"The waveform is not whole ({self._lost or 'the stream ended'})",
                why=self.progress,
                next="Try again, with fewer samples or axes, and no change of settings meanwhile",
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
