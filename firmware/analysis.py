# Runs on: MicroPython and CPython
# From windows of raw samples to records: features of every window, averaged spectra, and, from
# runs of windows put together, envelope spectra and RMS velocity.

from array import array
from asyncio import sleep

import dsp

from firmware.config import envelope_points
from resonode_wire.cbor import TAG_F16, TAG_F32, TAG_I16, TAG_U8, Tagged
from resonode_wire.fields import SHAFT_SOURCES

# In the order dsp.features gives them.
_FEATURES = (
    "mean_m_s2",
    "rms_m_s2",
    "peak_m_s2",
    "crest",
    "kurtosis",
    "peak_to_peak_m_s2",
    "skewness",
)
_U8_STEP_DB = 0.5
_F32_BYTES = 4


def floats(count: int):
    return array("f", bytes(_F32_BYTES * count))


def _plan(points: int):
    plan = bytearray(dsp.plan_bytes(points))
    dsp.plan_init(points, plan)
    return plan


def encode_floats(values, count: int, encoding: str) -> tuple:
    # (typed array, extra fields) of the first `count` amplitudes.
    if encoding == "f32":
        return Tagged(TAG_F32, bytes(memoryview(values)[:count])), {}
    if encoding == "f16":
        packed = bytearray(2 * count)
        dsp.pack_f16(values, count, packed)
        return Tagged(TAG_F16, packed), {}
    packed = bytearray(count)
    floor_db = dsp.pack_db8(values, count, _U8_STEP_DB, packed)
    return Tagged(TAG_U8, packed), {"floor_db": floor_db, "step_db": _U8_STEP_DB}


class Span:
    # What every vibration record says about the samples it is made of.
    def __init__(self, config: dict) -> None:
        self.capture = 0
        self.rate_hz = 0.0
        self._shaft_hz = config["shaft_hz"]

    def fields(self, axis: int, first_sample: int, count: int) -> dict:
        fields = {
            "capture": self.capture,
            "axis": axis,
            "first_sample": first_sample,
            "count": count,
            "rate_hz": self.rate_hz,
        }
        if self._shaft_hz:
            fields["shaft_hz"] = self._shaft_hz
            fields["shaft_source"] = SHAFT_SOURCES.index("configured")
        return fields


class Features:
    def __init__(self, size: int, scale_m_s2: float) -> None:
        self._size = size
        self._scale = scale_m_s2
        self._out = floats(8)

    def record(self, samples) -> dict:
        dsp.features(samples, 0, self._size, self._scale, self._out)
        return {name: self._out[at] for at, name in enumerate(_FEATURES)}


class Spectrum:
    # Amplitude spectra of one axis, averaged in power.
    def __init__(self, plan, work, size: int, scale_m_s2: float) -> None:
        self._plan = plan
        self._work = work
        self._size = size
        self._scale = scale_m_s2
        self._bins = size // 2 + 1
        self._power = floats(self._bins)
        self._amplitude = floats(self._bins)
        self.averages = 0
        self.first_sample = 0

    def reset(self) -> None:
        # Forgets what was not sent.
        dsp.power_mean(self._power, self._bins, max(self.averages, 1), self._amplitude)
        self.averages = 0

    def add(self, samples, first_sample: int) -> None:
        if not self.averages:
            self.first_sample = first_sample
        dsp.spectrum(self._plan, samples, 0, self._size, self._scale, self._work, self._amplitude)
        dsp.power_add(self._power, self._amplitude, self._bins)
        self.averages += 1

    def record(self, rate_hz: float, encoding: str) -> dict:
        dsp.power_mean(self._power, self._bins, self.averages, self._amplitude)
        values, extra = encode_floats(self._amplitude, self._bins, encoding)
        extra.update(bin_hz=rate_hz / self._size, averages=self.averages, amplitude_m_s2=values)
        self.averages = 0
        return extra


class Envelope:
    # Squared envelope spectra of one axis, from consecutive windows put together.
    def __init__(self, config: dict, work, scratch, plan, scale_m_s2: float) -> None:
        self._size = config["envelope_window"]
        self._bands = config["envelope_bands"]
        self._max_hz = config["envelope_max_hz"]
        self._encoding = config["envelope_encoding"]
        self._work, self._scratch, self._plan = work, scratch, plan
        self._scale = scale_m_s2
        self._samples = array("h", bytes(2 * self._size))
        self._at = 0
        self._plans: dict = {}  # by size, made when a band first needs it
        self._amplitude = floats(self._size // 4)
        self.first_sample = 0

    def reset(self) -> None:
        self._at = 0

    def add(self, samples, first_sample: int, size: int) -> bool:
        # True when there is enough for spectra().
        if not self._at:
            self.first_sample = first_sample
        memoryview(self._samples)[self._at : self._at + size] = memoryview(samples)[:size]
        self._at += size
        return self._at >= self._size

    def transform(self) -> None:
        dsp.rfft(self._plan, self._samples, 0, self._size, self._work)
        self._at = 0

    def record(self, band: list, rate_hz: float) -> dict:
        bin_hz = rate_hz / self._size
        low, high = -int(-band[0] // bin_hz), int(band[1] // bin_hz)
        points = envelope_points(high - low + 1)
        if points not in self._plans:
            self._plans[points] = _plan(points)
        bins = min(int(self._max_hz // bin_hz) + 1, high - low + 1)
        dsp.envelope(
            self._plans[points],
            self._work,
            self._size,
            low,
            high,
            self._scale,
            self._scratch,
            bins,
            self._amplitude,
        )
        values, extra = encode_floats(self._amplitude, bins, self._encoding)
        extra.update(
            bin_hz=bin_hz,
            band_lo_hz=low * bin_hz,
            band_hi_hz=high * bin_hz,
            envelope_m2_s4=values,
        )
        return extra


class Velocity:
    # RMS velocity of one axis: decimated as it comes, integrated when there is enough.
    def __init__(self, config: dict, work, plan, scale_m_s2: float) -> None:
        self._size = config["velocity_window"]
        self._low_hz, self._high_hz = config["velocity_lo_hz"], config["velocity_hi_hz"]
        self._work, self._plan = work, plan
        self._scale = scale_m_s2
        self._state = bytearray(dsp.decimate_bytes())
        # A window may bring more than is still missing.
        self._decimated = array("i", bytes(4 * (self._size + config["window"])))
        self.reset()

    def reset(self) -> None:
        dsp.decimate_reset(self._state)
        self._at = 0
        self._settling = True
        self.first_sample = 0

    def add(self, samples, first_sample: int, size: int) -> bool:
        got = dsp.decimate(self._state, samples, 0, size, self._decimated, self._at)
        if self._settling:
            # The filter's first outputs still see the zeros before the first sample.
            skip = dsp.DECIMATE_SETTLE
            view = memoryview(self._decimated)
            view[0 : got - skip] = view[skip:got]
            got -= skip
            # Value i is centred on raw sample first_sample + 8 i: the filter is symmetric.
            ended = (skip + 1) * dsp.DECIMATE_FACTOR - 1
            self.first_sample = first_sample + ended - dsp.DECIMATE_TAPS // 2
            self._settling = False
        self._at += got
        return self._at >= self._size

    @property
    def span(self) -> int:
        # Raw samples one value stands for.
        return self._size * dsp.DECIMATE_FACTOR

    def record(self, rate_hz: float) -> dict:
        value = dsp.velocity(
            self._plan,
            self._decimated,
            self._size,
            self._scale,
            rate_hz / dsp.DECIMATE_FACTOR,
            self._low_hz,
            self._high_hz,
            self._work,
        )
        rest = self._at - self._size
        view = memoryview(self._decimated)
        view[0:rest] = view[self._size : self._at]
        self._at = rest
        return {
            "velocity_mm_s": value,
            "band_lo_hz": self._low_hz,
            "band_hi_hz": self._high_hz,
        }

    def advance(self) -> None:
        self.first_sample += self.span


class Waveform:
    # A request for raw samples: whole windows, sent as they are completed.
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.axes: list = []
        self.start = self.end = 0

    def request(self, axes: list, start: int, total: int) -> None:
        self.axes = axes
        self.start = start
        self.end = start + total

    def holds(self, first_sample: int) -> bool:
        return self.start <= first_sample < self.end


class Analyser:
    # Everything captures of one configuration compute. All memory is taken here; a window
    # allocates only the records it makes.
    def __init__(self, config: dict, scale_m_s2: float, store) -> None:
        self._config = config
        self._size = config["window"]
        self._store = store
        self._scale = scale_m_s2
        self._span = Span(config)
        outputs = config["outputs"]
        self._axes = [i for i, name in enumerate("xyz") if name in config["axes"]]
        work = floats(_work_points(config))
        self._features = Features(self._size, scale_m_s2) if "features" in outputs else None
        self._spectra = {}
        if "spectrum" in outputs:
            plan = _plan(self._size)
            for axis in self._axes:
                self._spectra[axis] = Spectrum(plan, work, self._size, scale_m_s2)
        self._envelopes = {}
        if _wants(config, "envelope"):
            plan = _plan(config["envelope_window"])
            scratch = floats(2 * _band_points(config))
            for axis in ["xyz".index(name) for name in config["envelope_axes"]]:
                self._envelopes[axis] = Envelope(config, work, scratch, plan, scale_m_s2)
        self._velocities = {}
        if _wants(config, "velocity"):
            plan = _plan(config["velocity_window"])
            for axis in ["xyz".index(name) for name in config["velocity_axes"]]:
                self._velocities[axis] = Velocity(config, work, plan, scale_m_s2)
        self._waveform = Waveform()

    def begin(self, capture: int, rate) -> None:
        # A new run of the sensor; `rate`: its RateMeter.
        self._span.capture = capture
        self._rate = rate
        self._spectrum_due_us = -1
        self._waveform.clear()
        for spectrum in self._spectra.values():
            spectrum.reset()
        self.hole()

    def request_waveform(self, count: int, axes: list, first_sample: int) -> int:
        # Sends the raw samples of the windows from `first_sample` on. Returns how many samples
        # an axis, or 0 if another request is not done.
        if self._waveform.axes:
            return 0
        total = -(-count // self._size) * self._size
        self._waveform.request(axes, first_sample, total)
        return total

    def hole(self) -> None:
        # Windows are missing: what needs consecutive ones starts again.
        for envelope in self._envelopes.values():
            envelope.reset()
        for velocity in self._velocities.values():
            velocity.reset()

    async def window(self, window) -> None:
        # Gives way to the sampler between steps; the longest step bounds its delay.
        self._span.rate_hz = self._rate.rate_hz
        for axis in self._axes:
            self._short(axis, window)
            await sleep(0)
        if self._spectra and window.t_us >= self._spectrum_due_us:
            await self._send_spectra(window)
        for axis in self._envelopes:
            await self._envelope(axis, window)
        for axis in self._velocities:
            self._velocity(axis, window)
            await sleep(0)
        if self._waveform.holds(window.first_sample):
            self._send_waveform(window)
        if window.first_sample + self._size >= self._waveform.end:
            self._waveform.clear()

    def _add(self, name: str, fields: dict, more: dict, t_us: int, cause: str = "schedule") -> None:
        fields.update(more)
        self._store.add(name, fields, t_us, cause)

    def _short(self, axis: int, window) -> None:
        samples, first = window.axes[axis], window.first_sample
        if self._features:
            fields = self._span.fields(axis, first, self._size)
            self._add("features", fields, self._features.record(samples), window.t_us)
        if axis in self._spectra:
            self._spectra[axis].add(samples, first)

    async def _send_spectra(self, window) -> None:
        period_us = int(self._config["spectrum_period_s"] * 1e6)
        first_time = self._spectrum_due_us < 0
        self._spectrum_due_us = window.t_us + period_us
        if first_time:
            return
        for axis in self._spectra:
            spectrum = self._spectra[axis]
            count = window.first_sample + self._size - spectrum.first_sample
            fields = self._span.fields(axis, spectrum.first_sample, count)
            more = spectrum.record(self._span.rate_hz, self._config["spectrum_encoding"])
            self._add("spectrum", fields, more, window.t_us)
            await sleep(0)

    async def _envelope(self, axis: int, window) -> None:
        envelope = self._envelopes[axis]
        if not envelope.add(window.axes[axis], window.first_sample, self._size):
            return
        envelope.transform()
        for band in self._config["envelope_bands"]:
            await sleep(0)
            fields = self._span.fields(axis, envelope.first_sample, self._config["envelope_window"])
            self._add("envelope", fields, envelope.record(band, self._span.rate_hz), window.t_us)

    def _velocity(self, axis: int, window) -> None:
        velocity = self._velocities[axis]
        if velocity.add(window.axes[axis], window.first_sample, self._size):
            fields = self._span.fields(axis, velocity.first_sample, velocity.span)
            self._add("velocity", fields, velocity.record(self._span.rate_hz), window.t_us)
            velocity.advance()

    def _send_waveform(self, window) -> None:
        waveform = self._waveform
        for axis in waveform.axes:
            fields = self._span.fields(axis, window.first_sample, self._size)
            samples = memoryview(window.axes[axis])[: self._size]
            more = {
                "samples": Tagged(TAG_I16, bytes(samples)),
                "scale_m_s2": self._scale,
                "start_sample": waveform.start,
                "total": waveform.end - waveform.start,
            }
            self._add("waveform", fields, more, window.t_us, "request")


def _band_points(config: dict) -> int:
    # The widest band's transform; 26,000 Hz as in config: the narrowest bin.
    widest = max([high - low for low, high in config["envelope_bands"]])
    return envelope_points(int(widest * config["envelope_window"] / 26000) + 2)


def _wants(config: dict, output: str) -> bool:
    return output in config["outputs"] and bool(config[output + "_axes"])


def _work_points(config: dict) -> int:
    points = config["window"]
    for output in ("envelope", "velocity"):
        if _wants(config, output):
            points = max(points, config[output + "_window"])
    return points


def buffer_bytes(config: dict) -> int:
    # Memory a capture takes for its arrays, the sampler's windows included.
    window = config["window"]
    total = 7 * config["watermark"] + 2 * 3 * 2 * (window + config["watermark"])
    total += 4 * _work_points(config)
    if "spectrum" in config["outputs"]:
        total += dsp.plan_bytes(window) + len(config["axes"]) * 8 * (window // 2 + 1)
    if _wants(config, "envelope"):
        points, band = config["envelope_window"], _band_points(config)
        total += dsp.plan_bytes(points) + dsp.plan_bytes(band) + 8 * band
        total += len(config["envelope_axes"]) * 3 * points
    if _wants(config, "velocity"):
        points = config["velocity_window"]
        total += dsp.plan_bytes(points)
        total += len(config["velocity_axes"]) * 4 * (points + window)
    return total
