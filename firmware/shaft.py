# Runs on: MicroPython and CPython
# How fast the shaft turns, and how that is known:
#   configured   a number somebody gave
#   tachometer   pulses on an input, counted and timed
#   estimated    the strongest line of the velocity spectrum, where one stands out
# A speed that was not renewed for a while is not known any more.

from math import sqrt

from resonode_wire.fields import SHAFT_SOURCES

_STALE_US = 10000000
# Pulses are timed over at least this long: the time of one pulse is known to some 10 us.
_TACHO_US = 1000000
# A line counts when its power is so many times the middle one of the bins looked at.
_STANDS_OUT = 30


class Shaft:
    def __init__(self, config: dict, pulses, clock, say) -> None:
        # pulses: read() -> (pulses so far, time of the last, us), or None without an input;
        # say(text): to people, once when records have gone without a speed for a while.
        self._source = config["shaft_source"]
        self._range_hz = config["shaft_lo_hz"], config["shaft_hi_hz"]
        self._configured_hz = config["shaft_hz"]
        self._per_turn = config["tacho_pulses"]
        self._pulses = pulses
        self._clock = clock
        self._mark = pulses.read() if pulses else (0, 0)
        self._measured_hz = 0.0
        self._measured_us = 0
        self._say = say
        self._missing_us = -1  # since when records go without a speed; -1: they have one
        self._told = False

    @property
    def estimates(self) -> bool:
        return self._source == "estimated"

    def fields(self) -> dict:
        # What a record says of it; nothing while it is not known.
        hz = self._configured_hz
        if self._source != "configured":
            if self._source == "tachometer":
                self._count()
            fresh = self._clock.now_us() - self._measured_us < _STALE_US
            hz = self._measured_hz if fresh else 0.0
            self._notice(hz > 0)
        if not hz:
            return {}
        return {"shaft_hz": hz, "shaft_source": SHAFT_SOURCES.index(self._source)}

    def _notice(self, known: bool) -> None:
        now_us = self._clock.now_us()
        if known:
            self._missing_us, self._told = -1, False
        elif self._missing_us < 0:
            self._missing_us = now_us
        elif not self._told and now_us - self._missing_us > _STALE_US:
            self._told = True
            why = "no pulses of a tachometer come"
            if self.estimates:
                why = f"no line stands out in {self._range_hz[0]}..{self._range_hz[1]} Hz"
            self._say(f"records have no shaft speed: {why}")

    def look(self, spectrum, points: int, rate_hz: float) -> None:
        # spectrum: half-complex transform of `points` samples without a window, as
        # dsp.velocity leaves it in its work array.
        hz = strongest_line(spectrum, points, rate_hz, self._range_hz)
        if hz:
            self._measured_hz = hz
            self._measured_us = self._clock.now_us()

    def _count(self) -> None:
        if self._pulses is None or self._clock.now_us() - self._mark[1] < _TACHO_US:
            return
        count, t_us = self._pulses.read()
        elapsed_us = t_us - self._mark[1]
        if elapsed_us < _TACHO_US:
            return
        if self._mark[1] and elapsed_us < _STALE_US:
            self._measured_hz = (count - self._mark[0]) * 1e6 / elapsed_us / self._per_turn
            self._measured_us = t_us
        self._mark = count, t_us


def strongest_line(spectrum, points: int, rate_hz: float, range_hz: tuple) -> float:
    # Its frequency, or 0.0 if it does not stand out. An unbalanced shaft is the strongest line of
    # velocity, hardly ever of acceleration; but noise of acceleration is the flatter one to stand
    # out from.
    low = max(2, int(range_hz[0] * points / rate_hz))
    high = min(points // 2 - 2, int(range_hz[1] * points / rate_hz) + 1)
    if high - low < 4:
        return 0.0
    power = [_hann_power(spectrum, points, k) for k in range(low, high + 1)]
    velocity = [power[at] / ((low + at) * (low + at)) for at in range(len(power))]
    at = velocity.index(max(velocity))
    if power[at] <= _STANDS_OUT * sorted(power)[len(power) // 2]:
        return 0.0
    return (low + at + _offset(spectrum, points, low + at)) * rate_hz / points


def _hann_power(spectrum, points: int, k: int) -> float:
    # Of bin k under a Hann window, which in the spectrum is a sum of three bins.
    real = spectrum[k] - 0.5 * (spectrum[k - 1] + spectrum[k + 1])
    at = points - k
    imaginary = spectrum[at] - 0.5 * (spectrum[at + 1] + spectrum[at - 1])
    return real * real + imaginary * imaginary


def _offset(spectrum, points: int, k: int) -> float:
    # Of a line from the bin it is strongest in, in bins: the ratio a of the larger neighbour to it
    # is (1 + d) / (2 - d). Source: Grandke, IEEE Trans. IM-32 (1983) 350.
    here = sqrt(_hann_power(spectrum, points, k))
    below = sqrt(_hann_power(spectrum, points, k - 1))
    above = sqrt(_hann_power(spectrum, points, k + 1))
    ratio = max(above, below) / here
    offset = (2 * ratio - 1) / (1 + ratio)
    return offset if above >= below else -offset
