# Runs on: MicroPython and CPython
# The true sample rate, measured against the node's clock, and the time of any sample.

# Two anchors, moved in turn: the base line is between one and two of these, long enough for
# 2e-6 (one sample of jitter at each end), short enough to follow temperature.
_ANCHOR_US = 30000000
# The FIFO's level is known to one sample, at both ends of the base line.
_JITTER_SAMPLES = 2


class RateMeter:
    def __init__(self, prior_hz: float, prior_error: float) -> None:
        # prior: what is known before (the chip's own trim, the last capture), with its relative
        # error. It stands until the measurement is better.
        self.rate_hz = prior_hz
        self.error = prior_error
        self._prior_error = prior_error
        # (t_us, samples)
        self._old = self._young = self._last = (0, 0)
        self.marked = False

    def mark(self, t_us: int, samples: int) -> None:
        # At `t_us` the sensor had taken `samples` since its start.
        self._last = (t_us, samples)
        if not self.marked:
            self._old = self._young = self._last
            self.marked = True
            return
        elapsed_us, taken = t_us - self._old[0], samples - self._old[1]
        if elapsed_us > 0 and taken * self._prior_error > _JITTER_SAMPLES:
            self.rate_hz = taken * 1e6 / elapsed_us
            self.error = _JITTER_SAMPLES / taken
        if t_us - self._young[0] > _ANCHOR_US:
            self._old, self._young = self._young, self._last

    def resume(self) -> None:
        # Some samples after the last mark went uncounted: what is known stands, and the next mark
        # begins a new base line.
        self._prior_error = self.error
        self.marked = False

    def time_us(self, sample: int) -> int:
        # When the sensor took sample number `sample`.
        t_us, samples = self._last
        return t_us - int((samples - sample) * 1e6 / self.rate_hz)

    def samples_at(self, t_us: int) -> tuple:
        # (how many samples the sensor has taken by `t_us`, how wrong that can be for the rate's
        # error), from the last mark.
        since = (t_us - self._last[0]) * self.rate_hz / 1e6
        return self._last[1] + int(since + 0.5), int(since * self.error + 0.999)
