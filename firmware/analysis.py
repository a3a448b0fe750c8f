# Runs on: MicroPython and CPython
# From windows of raw samples to records: what is computed, when, and with which memory.

from asyncio import sleep

import dsp

from firmware import envelope, velocity
from firmware.arrays import floats, plan
from firmware.envelope import Envelope
from firmware.features import Features
from firmware.gate import Gate
from firmware.spectrum import Spectrum
from firmware.velocity import Velocity
from firmware.waveform import Waveform
from resonode_wire.cbor import TAG_I16, Tagged
from resonode_wire.fields import EVENTS

# Settings that are looked at when they are needed: no memory depends on them.
_READ_LATER: tuple = ("run", "schedule_period_s", "schedule_length_s", "health_period_s")
_READ_LATER += ("spectrum_period_s", "spectrum_encoding", "air_period_s", "pm_kappa")


def _memory_settings(config: dict) -> dict:
    return {name: config[name] for name in config if name not in _READ_LATER}


class Span:
    # What every vibration record says about the samples it is made of.
    def __init__(self, shaft) -> None:
        self.capture = 0
        self.rate_hz = 0.0
        self._shaft = shaft

    def fields(self, axis: int, first_sample: int, count: int) -> dict:
        fields = {
            "capture": self.capture,
            "axis": axis,
            "first_sample": first_sample,
            "count": count,
            "rate_hz": self.rate_hz,
        }
        fields.update(self._shaft.fields())
        return fields


class Analyser:
    # Everything captures of one configuration compute. All memory is taken here; a window
    # allocates only the records it makes.
    def __init__(self, config: dict, sensor, store, shaft) -> None:
        # sensor: says how its samples are read (Sampler).
        self._config = config
        self._size = config["window"]
        self._store = store
        scales = [sensor.scale_m_s2(config["full_scale_g"], axis) for axis in range(3)]
        self._scales = scales
        self._shaft = shaft
        self._span = Span(shaft)
        self._gate = Gate(config["running_m_s2"])
        outputs = config["outputs"]
        self._axes = [i for i, name in enumerate("xyz") if name in config["axes"]]
        sizes = _transforms(config)
        plans = {points: plan(points) for points in sizes}
        work = floats(max(sizes, default=0))
        self._features = {
            axis: Features(self._size, scales[axis], sensor.offset_m_s2(axis))
            for axis in self._axes
        }
        self._sends_features = "features" in outputs
        self._spectra = {}
        if "spectrum" in outputs:
            for axis in self._axes:
                self._spectra[axis] = Spectrum(plans[self._size], work, self._size, scales[axis])
        self._envelopes = {}  # of each axis, one a band
        if "envelope" in outputs:
            transform = plans.get(config["envelope_points"])
            for axis in ["xyz".index(name) for name in config["envelope_axes"]]:
                self._envelopes[axis] = [
                    Envelope(config, band, work, transform, scales[axis])
                    for band in config["envelope_bands"]
                ]
        self._velocities = {}
        if "velocity" in outputs:
            transform = plans.get(config["velocity_window"])
            for axis in ["xyz".index(name) for name in config["velocity_axes"]]:
                self._velocities[axis] = Velocity(
                    config, work, transform, scales[axis], sensor.nominal_hz
                )
        self._waveform = Waveform()

    def reconfigure(self, config: dict) -> bool:
        # Goes on with another configuration and the memory it has. False if that needs other.
        if _memory_settings(config) != _memory_settings(self._config):
            return False
        self._config = config
        return True

    def begin(self, capture: int, rate) -> None:
        # A new run of the sensor; `rate`: its RateMeter.
        self._span.capture = capture
        self._rate = rate
        self._spectrum_due_us = -1
        self._waveform.clear()
        for spectrum in self._spectra.values():
            spectrum.reset()
        for envelopes in self._envelopes.values():
            for one in envelopes:
                one.begin(rate.rate_hz)
        self.hole()

    def request_waveform(self, count: int, axes: list, first_sample: int) -> int:
        # Sends the raw samples of the windows from `first_sample` on. Returns how many samples
        # an axis, or 0 if another request is not done.
        if self._waveform.axes:
            return 0
        total = -(-count // self._size) * self._size
        self._waveform.request(axes, first_sample, total)
        return total

    def cancel_waveform(self) -> None:
        self._waveform.clear()

    def hole(self) -> None:
        # Windows are missing: what needs consecutive ones starts again.
        for envelopes in self._envelopes.values():
            for one in envelopes:
                one.reset()
        for velocity_of_axis in self._velocities.values():
            velocity_of_axis.reset()

    async def window(self, window) -> None:
        # Gives way to the sampler between steps; the longest step bounds its delay.
        self._span.rate_hz = self._rate.rate_hz
        if not await self._short(window):
            return
        if self._spectra and window.t_us >= self._spectrum_due_us:
            await self._send_spectra(window)
        for axis in self._envelopes:
            for one in self._envelopes[axis]:
                self._envelope(axis, one, window)
                await sleep(0)
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

    async def _short(self, window) -> bool:
        # What every window gives, and whether the machine runs, so that the rest is worth it.
        if self._sends_features or self._gate.asks:
            for axis in self._axes:
                self._features[axis].take(window.axes[axis])
        if self._gate.asks:
            self._judge(max([one.rms_m_s2 for one in self._features.values()]), window)
            if not self._gate.running:
                return False
        if self._sends_features:
            self._send_features(window)
            await sleep(0)
        for axis in self._spectra:
            self._spectra[axis].add(window.axes[axis], window.first_sample)
        if self._spectra:
            await sleep(0)
        return True

    def _send_features(self, window) -> None:
        fields = self._span.fields(0, window.first_sample, self._size)
        for axis in self._axes:
            fields["axis"] = axis
            fields.pop("saturated", None)
            self._features[axis].put(fields)
            self._store.add("features", fields, window.t_us)

    def _judge(self, rms_m_s2: float, window) -> None:
        if not self._gate.judge(rms_m_s2):
            return
        fields = {
            "event": EVENTS.index("running" if self._gate.running else "stopped"),
            "capture": self._span.capture,
            "first_sample": window.first_sample,
            "rms_m_s2": rms_m_s2,
        }
        self._store.add("event", fields, window.t_us, "schedule")
        # What goes over many windows begins with the machine.
        for spectrum in self._spectra.values():
            spectrum.reset()
        self.hole()

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

    def _envelope(self, axis: int, one: Envelope, window) -> None:
        samples, at = window.axes[axis], 0
        while at < self._size:
            at += one.add(samples, at, self._size)
            if one.is_full:
                fields = self._span.fields(axis, window.first_sample + at - one.span, one.span)
                self._add("envelope", fields, one.record(self._span.rate_hz), window.t_us)

    def _velocity(self, axis: int, window) -> None:
        one = self._velocities[axis]
        one.add(window.axes[axis], window.first_sample, self._size)
        while one.is_full:
            more = one.record(self._span.rate_hz)
            if self._shaft.estimates:
                self._shaft.look(one.spectrum, one.points, one.rate_hz(self._span.rate_hz))
            fields = self._span.fields(axis, one.first_sample, one.span)
            self._add("velocity", fields, more, window.t_us)
            one.advance()

    def _send_waveform(self, window) -> None:
        waveform = self._waveform
        for axis in waveform.axes:
            fields = self._span.fields(axis, window.first_sample, self._size)
            samples = memoryview(window.axes[axis])[: self._size]
            more = {
                "samples": Tagged(TAG_I16, bytes(samples)),
                "scale_m_s2": self._scales[axis],
                "start_sample": waveform.start,
                "total": waveform.end - waveform.start,
            }
            self._add("waveform", fields, more, window.t_us, "request")


def _transforms(config: dict) -> set:
    # Sizes of the transforms a configuration needs.
    sizes = set()
    if "spectrum" in config["outputs"]:
        sizes.add(config["window"])
    if "envelope" in config["outputs"] and config["envelope_axes"]:
        sizes.add(config["envelope_points"])
    if "velocity" in config["outputs"] and config["velocity_axes"]:
        sizes.add(config["velocity_window"])
    return sizes


def buffer_bytes(config: dict, sensor) -> int:
    # Memory a capture with that chip takes for its arrays, the sampler's windows included.
    window, outputs = config["window"], config["outputs"]
    sizes = _transforms(config)
    total = sensor.entry_bytes * config["watermark"] + 2 * 3 * 2 * (window + config["watermark"])
    total += sum([dsp.plan_bytes(points) for points in sizes]) + 4 * max(sizes, default=0)
    if "spectrum" in outputs:
        total += len(config["axes"]) * 4 * (window // 2 + 1)
    if "envelope" in outputs:
        states = [envelope.state_bytes(config, band) for band in config["envelope_bands"]]
        total += len(config["envelope_axes"]) * sum(states)
    if "velocity" in outputs:
        total += len(config["velocity_axes"]) * velocity.state_bytes(config, sensor.rate_hz)
    return total
