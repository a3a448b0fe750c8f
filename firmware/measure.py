# Runs on: MicroPython and CPython
# The acquisition loop: when to measure, with what, and what is said when something is lost.

import gc
from asyncio import Event, create_task

from firmware.analysis import Analyser
from firmware.drivers import SensorError
from firmware.passing import forget
from firmware.shaft import Shaft
from resonode_wire.fields import LOSS_REASONS

# How soon a changed configuration is noticed while nothing is measured.
_NAP_US = 100000
_RETRY_US = 1000000
# Windows between two collections. Measured on a Cortex-M4F: one window of three axes leaves 11 KB.
_COLLECT_EVERY = 5


class Measurement:
    def __init__(self, node, sampler, pulses=None, room=None) -> None:
        # pulses: of a tachometer, if the board has an input for one; room: a list that holds memory
        # for captures (main.py).
        self._node = node
        self._sampler = sampler
        self._pulses = pulses
        self._room = [] if room is None else room
        self._store = node.store
        self._counters = node.counters
        self._clock = node.clock
        self._prepared: dict = {}  # the configuration that memory was taken for
        self._analysers: list = []  # its analyser
        self._capturing = False
        self.self_test: dict = {"state": "none"}  # none, running, done or failed, and what it found
        self._health_due_us = 0
        # The analysis works on one window while the sampler fills the next.
        self._idle = Event()
        self._idle.set()
        node.agenda.busy("measure")

    # -- commands, called from the session

    def request_waveform(self, count: int, axes: list) -> dict:
        # Raw samples from the window that is being filled on. `total` is 0 while another request
        # is not done; {} when nothing is measured.
        if not self._capturing:
            return {}
        start = self._sampler.filling
        total = self._analysers[0].request_waveform(count, axes, start)
        return {"capture": self._sampler.capture, "start": start, "total": total}

    def cancel_waveform(self) -> None:
        # Nobody listens any more.
        for analyser in self._analysers:
            analyser.cancel_waveform()

    @property
    def calibration(self) -> dict:
        return self._sampler.calibration.report()

    def calibrate(self, record: dict) -> dict:
        # Kept for the next start; CalibrationError and nothing is changed.
        from firmware import calibration_file

        try:
            kept = calibration_file.save(self._sampler.calibration.sensor, record)
        finally:
            forget("firmware.calibration_file")
        self._sampler.calibration = kept
        return self.calibration

    def request_self_test(self) -> bool:
        # False: one is running. It ends a capture, which goes on as a new one afterwards.
        if self.self_test["state"] == "running":
            return False
        self.self_test = {"state": "running"}
        return True

    async def _test(self) -> None:
        try:
            self.self_test = await self._sampler.self_test()
            self.self_test["state"] = "done"
        except (SensorError, OSError) as error:
            self.self_test = {"state": "failed", "why": str(error)}

    # -- the loop

    async def run(self) -> None:
        # Before sessions scatter theirs about the heap, and whether or not it measures now.
        self._prepare(self._node.config)
        due_us = 0
        scheduled: dict = {}  # the configuration that due_us is the next start of
        while True:
            config = self._node.config
            if self.self_test["state"] == "running":
                await self._test()
            if not self._node.measures:
                await self._pause(self._clock.now_us() + _NAP_US)
                continue
            if scheduled is config and not await self._pause_until(config, due_us):
                continue
            # On a grid, not after the last one's end: a day of captures is not late.
            started_us = due_us if scheduled is config else self._clock.now_us()
            scheduled = {}
            try:
                await self._capture(config)
            except (SensorError, OSError) as error:
                self._node.report("sensor", error)
                self._declare("sensor_fault", {"capture": self._sampler.capture})
                await self._pause(self._clock.now_us() + _RETRY_US)
                continue
            if config["schedule_period_s"] and self._goes_on(config):
                scheduled = config
                due_us = started_us + config["schedule_period_s"] * 1000000
                due_us = max(due_us, self._clock.now_us())

    async def _pause_until(self, config: dict, t_us: int) -> bool:
        # False: the configuration was changed, or the sensor is needed.
        agenda = self._node.agenda
        agenda.rests("measure", t_us)
        while self._goes_on(config) and self._clock.now_us() < t_us:
            await self._pause(min(t_us, self._clock.now_us() + _NAP_US))
        agenda.busy("measure")
        return self._goes_on(config)

    def _goes_on(self, config: dict) -> bool:
        asked = self.self_test["state"] == "running"
        return self._node.config is config and self._node.measures and not asked

    async def _pause(self, t_us: int) -> None:
        await self._clock.sleep_until(t_us)
        if self._node.config["sleep"] == "idle":
            # A node that sleeps tells it with the next capture.
            self._health()

    def _prepare(self, config: dict) -> None:
        # Memory is taken once a configuration, and only after that of the last one is free.
        if self._prepared is config:
            return
        if not (self._analysers and self._analysers[0].reconfigure(config)):
            try:
                self._take_memory(config)
            except MemoryError:
                if self._prepared:
                    # The heap is in pieces. After a restart it is whole, and this is taken first.
                    self._node.request_reset()
                raise
        self._prepared = config

    def _take_memory(self, config: dict) -> None:
        self._analysers.clear()
        self._room.clear()
        gc.collect()
        self._sampler.prepare(config["window"], config["watermark"])
        shaft = Shaft(config, self._pulses, self._clock, self._node.link.log)
        self._analysers.append(Analyser(config, self._sampler, self._store, shaft))

    async def _capture(self, config: dict) -> None:
        self._prepare(config)
        analyser, sampler = self._analysers[0], self._sampler
        gc.collect()
        await sampler.start(config["full_scale_g"])
        analyser.begin(sampler.capture, sampler.rate)
        end_us = 0
        if config["schedule_period_s"]:
            end_us = self._clock.now_us() + config["schedule_length_s"] * 1000000
        self._capturing = True
        try:
            await self._windows(config, analyser, end_us)
        finally:
            self._capturing = False
            sampler.stop()
            await self._idle.wait()

    async def _windows(self, config: dict, analyser, end_us: int) -> None:
        until_collection = 1
        while self._goes_on(config) and not (end_us and self._clock.now_us() >= end_us):
            window = await self._window(analyser)
            if window is None:
                continue
            self._counters.acquired += 1
            self._idle.clear()
            self._analysis = create_task(self._analyse(analyser, window))
            until_collection -= 1
            if not until_collection:
                # Right after a burst the FIFO is at its emptiest; and what is free now is free.
                gc.collect()
                self._health()
                until_collection = _COLLECT_EVERY

    async def _window(self, analyser):
        # The next one; None if it is not there after as many bursts as it should take.
        for _ in range(self._sampler.bursts):
            if self._sampler.completes_window:
                await self._idle.wait()
            window, lost = await self._sampler.burst()
            if lost:
                await self._lost(analyser, lost)
            if window is not None:
                return window
        return None

    async def _analyse(self, analyser, window) -> None:
        try:
            await analyser.window(window)
            self._counters.analysed += 1
        except Exception as error:  # the task's boundary: counted, reported, declared
            self._node.report("analysis", error)
            analyser.hole()
            self._count_lost(1, "sensor_fault", window.first_sample, {})
        finally:
            self._idle.set()

    async def _lost(self, analyser, windows: int) -> None:
        # The window that is being filled now is the first whole one after the hole.
        await self._idle.wait()
        analyser.hole()
        self._counters.acquired += windows
        first = self._sampler.filling - windows * self._sampler.size
        more = {"estimated": 1} if self._sampler.estimated else {}
        self._count_lost(windows, "overrun", first, more)

    def _count_lost(self, windows: int, reason: str, first_sample: int, more: dict) -> None:
        self._counters.lost += windows
        fields = {
            "capture": self._sampler.capture,
            "first_sample": first_sample,
            "lost_windows": windows,
            "lost_samples": windows * self._sampler.size,
        }
        fields.update(more)
        self._declare(reason, fields)

    def _declare(self, reason: str, fields: dict) -> None:
        fields["reason"] = LOSS_REASONS.index(reason)
        self._store.add("loss", fields)

    def _health(self) -> None:
        if self._clock.now_us() < self._health_due_us:
            return
        period_us = self._node.config["health_period_s"] * 1000000
        self._health_due_us = self._clock.now_us() + period_us
        gc.collect()  # in a pause nobody else does, and rubbish is no use of memory
        self._store.add("health", self._health_fields())

    def _health_fields(self) -> dict:
        counters = self._counters
        fields = {
            "heap_free": gc.mem_free(),
            "windows_acquired": counters.acquired,
            "windows_analysed": counters.analysed,
            "windows_lost": counters.lost,
            "overruns": counters.overruns,
            "records_made": counters.made,
            "records_dropped": counters.dropped,
            "link_damaged": counters.damaged,
            "task_errors": counters.task_errors,
        }
        if counters.asleep_us:
            fields["asleep_s"] = counters.asleep_us // 1000000
        battery_v = self._node.board.battery_v()
        if battery_v is not None:
            fields["battery_v"] = battery_v
        temperature_c = self._sampler.temperature_c()
        if temperature_c is not None:
            fields["temperature_c"] = temperature_c
        return fields
