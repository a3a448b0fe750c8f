# Runs on: MicroPython and CPython
# Whether the machine runs. A stopped one is not analysed: its noise would be taken for health.

# So much less than what counts as running stops it again, so that it does not flutter.
_HYSTERESIS = 0.8


class Gate:
    def __init__(self, running_m_s2: float) -> None:
        # RMS about the mean, on the axis that shakes most, from which on it runs; 0: always.
        self._threshold_m_s2 = running_m_s2
        self.running = not running_m_s2
        self.known = not running_m_s2

    @property
    def asks(self) -> bool:
        return self._threshold_m_s2 > 0

    def judge(self, rms_m_s2: float) -> bool:
        # Whether that is news.
        limit = self._threshold_m_s2 * (_HYSTERESIS if self.running and self.known else 1.0)
        running = rms_m_s2 >= limit
        news = running != self.running or not self.known
        self.running, self.known = running, True
        return news
