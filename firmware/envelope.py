# Runs on: MicroPython and CPython
# Squared envelope spectra, in which bearing damage shows.

import dsp

from firmware.arrays import encode_floats

# Memory is counted for this rate; a capture makes its filters for the rate its sensor has.
_NOMINAL_RATE_HZ = 26667.0
# Of the rate: one that moved less keeps its filters.
_SAME_RATE = 1e-3
# The squares are decimated 64 times at most, so their filter does not end lower than this.
_LEAST_MAX_HZ = 200


class Envelope:
    # Squared envelope spectra of one band of one axis, from samples as they come.
    def __init__(self, config: dict, band: list, work, plan, scale_m_s2: float) -> None:
        self._config, self._band = config, band
        self._encoding = config["envelope_encoding"]
        self._work, self._plan = work, plan
        self._scale = scale_m_s2
        self._state = bytearray(state_bytes(config, band))
        self._rate_hz = 0.0
        self.span = 0  # samples that a spectrum is made of

    def begin(self, rate_hz: float) -> None:
        if abs(rate_hz - self._rate_hz) > _SAME_RATE * rate_hz:
            self._design(rate_hz)
        self.reset()

    def _design(self, rate_hz: float) -> None:
        setup = _setup(self._config, self._band, rate_hz)
        needed = dsp.envelope_stream_bytes(*setup)
        if needed > len(self._state):
            self._state = bytearray(needed)
        self._bin_hz = dsp.envelope_stream_init(self._state, *setup)
        self._rate_hz, self._low_hz, self._high_hz, max_hz, _points = setup
        self._bins = int(min(self._config["envelope_max_hz"], max_hz) // self._bin_hz) + 1
        self.span = dsp.envelope_stream_span(self._state)

    def reset(self) -> None:
        dsp.envelope_stream_reset(self._state)

    def add(self, samples, at: int, size: int) -> int:
        # Takes samples[at:size] until there is enough for record(). Returns how many.
        return dsp.envelope_stream_feed(self._state, samples, at, size - at)

    @property
    def is_full(self) -> bool:
        return not dsp.envelope_stream_missing(self._state)

    def record(self, rate_hz: float) -> dict:
        # Frequencies go with the rate that was measured since the filters were made.
        dsp.envelope_stream_spectrum(
            self._state, self._plan, self._scale, self._bins, self._work, self._work
        )
        values, extra = encode_floats(self._work, self._bins, self._encoding)
        true = rate_hz / self._rate_hz
        extra.update(
            bin_hz=self._bin_hz * true,
            band_lo_hz=self._low_hz * true,
            band_hi_hz=self._high_hz * true,
            envelope_m2_s4=values,
        )
        return extra


def _setup(config: dict, band: list, rate_hz: float) -> tuple:
    low_hz, high_hz = band
    # The square of a band has no lines beyond the band's width.
    max_hz = min(max(config["envelope_max_hz"], _LEAST_MAX_HZ), 0.99 * (high_hz - low_hz))
    return rate_hz, low_hz, high_hz, max_hz, config["envelope_points"]


def state_bytes(config: dict, band: list, rate_hz: float = _NOMINAL_RATE_HZ) -> int:
    # ValueError if a sensor of that rate cannot have it.
    return dsp.envelope_stream_bytes(*_setup(config, band, rate_hz))
