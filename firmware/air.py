# Runs on: MicroPython and CPython
# Air sensors: each is read on a grid of its own and makes its own records, so that one that is
# slow or gone leaves the others alone. One that fails is declared, and looked for until it is back.

from asyncio import Event, create_task

from firmware.ambient import Ambient
from firmware.drivers import SensorError
from firmware.drying import dry_mass
from firmware.passing import forget
from resonode_wire.fields import LOSS_REASONS, MAX_TEXT

# How soon a changed configuration is noticed while nothing is measured.
_NAP_US = 100000
# Readings in a row that fail before a sensor is given up and started anew.
_PATIENCE = 3
# A sensor that has nothing new is asked again this often, until this part of the interval is over.
_ASK_AGAIN_US = 1000000
_ASKS_A_READING = 5


class Air:
    # sensors: (place, chip) of every one fitted; place as in an air record, chip as
    # drivers/__init__.py says.
    def __init__(self, node, sensors: list, clock) -> None:
        self._node = node
        self._clock = clock
        self._ambient = Ambient()
        self.posts: list = []
        self._tasks: list = []  # of the posts, once it runs
        self._running = False
        # The last act of upkeep.py: state none, running, done or failed, and what it found.
        self.upkeep: dict = {"state": "none"}
        for place, chip in sensors:
            self.add(place, chip)

    def add(self, place: str, chip) -> None:
        # One more, perhaps found only now.
        post = _Post(self._node, self, place, chip, self._clock, self._ambient)
        self.posts.append(post)
        if self._running:
            self._tasks.append(create_task(post.run()))

    async def run(self) -> None:
        self._tasks = [create_task(post.run()) for post in self.posts]
        self._running = True
        await Event().wait()


class _Post:
    # One sensor, from boot to boot.
    def __init__(self, node, air, place: str, chip, clock, ambient) -> None:
        self._node = node
        self._air = air
        self.place = place
        self.chip = chip
        self.clock = clock
        self._ambient = ambient
        self.task: tuple | None = None  # (act, value) for upkeep.py
        self.started = False
        self.started_us = 0
        self.interval_s = 0  # that it was started for
        self._settings: dict = {}
        self.lost = False  # declared
        self._failures = 0  # in a row
        self._readings = 0
        self._errors = 0
        self._values: dict = {}  # of the last good reading
        self._taken_us = 0
        self._unchanged = 0
        node.agenda.busy(place)

    @property
    def measures(self) -> bool:
        # It does, and is meant to.
        return self.started and self._node.measures

    async def run(self) -> None:
        while True:
            if not self._node.measures and self.task is None:
                await self.clock.sleep_until(self.clock.now_us() + _NAP_US)
                continue
            try:
                if self.task is not None:
                    await self._serve()
                    continue
                await self._measure(self._node.config)
            except Exception as error:  # the sensor's boundary: its neighbours go on
                self._node.report(f"air {self.place}", error)
                self.started = False
                await self.clock.sleep_until(self.clock.now_us() + _ASK_AGAIN_US)

    async def _measure(self, config: dict) -> None:
        # Until the configuration changes. Every `every`th reading is recorded.
        chip, period_s = self.chip, config["air_period_s"]
        interval_s = chip.interval_s if chip.paced else max(period_s, chip.interval_s)
        every = max(1, period_s // interval_s)
        interval_us = interval_s * 1000000
        # A change that does not concern it leaves a running sensor alone.
        settings = {name: config[name] for name in getattr(chip, "SETTINGS", ())}
        same = (interval_s, settings) == (self.interval_s, self._settings)
        self.started = self.started and same
        self.interval_s, self._settings = interval_s, settings
        due_us, number, recorded = self.clock.now_us(), 0, -1
        while self._goes_on(config):
            if not self.started and await self._start(interval_s):
                due_us, number, recorded = self.clock.now_us(), 0, -1
            values = await self._reading(due_us, interval_us) if self.started else None
            if values is not None:
                self._good(values)
            if number // every > recorded:
                recorded = number // every
                self._record(config, values is not None)
            await self._wait(config, due_us + interval_us)
            # More than one where the node was kept busy: what was never asked for has failed.
            due = max(1, (self.clock.now_us() - due_us) // interval_us)
            self._count_errors(due - 1)
            due_us += due * interval_us
            number += due
        if not self._node.measures:
            await self._rest()

    def _goes_on(self, config: dict) -> bool:
        return self._node.config is config and self._node.measures and self.task is None

    async def _wait(self, config: dict, t_us: int) -> None:
        self._node.agenda.rests(self.place, t_us)
        while self._goes_on(config) and self.clock.now_us() < t_us:
            await self.clock.sleep_until(min(t_us, self.clock.now_us() + 10 * _NAP_US))
        self._node.agenda.busy(self.place)

    # -- the sensor

    async def _start(self, interval_s: int) -> bool:
        try:
            await self.chip.identify()
            await self.chip.start(interval_s, **self._settings)
        except (SensorError, OSError) as error:
            self._failed(error)
            self._declare(error)
            return False
        self.started = True
        self.started_us = self.clock.now_us()
        return True

    async def _reading(self, due_us: int, interval_us: int):
        # What the sensor measures, None when it fails or has nothing new in time.
        if hasattr(self.chip, "compensate"):
            self.chip.compensate(self._ambient.now(self.clock.now_us()))
        step_us = min(_ASK_AGAIN_US, interval_us // _ASKS_A_READING)
        try:
            values = await self.chip.read()
            while values is None and self.clock.now_us() + 2 * step_us < due_us + interval_us:
                await self.clock.sleep_until(self.clock.now_us() + step_us)
                values = await self.chip.read()
        except (SensorError, OSError) as error:
            self._failed(error)
            return None
        if values is None:
            silent_us = self.clock.now_us() - self._taken_us
            if silent_us < getattr(self.chip, "quiet_us", 0):
                self._count_errors(1)
            else:
                self._failed(SensorError(f"{self.chip.name} has nothing new: it may be stuck"))
        return values

    async def _serve(self) -> None:
        from firmware import upkeep

        try:
            await upkeep.perform(self, self._node, self._air)
        finally:
            forget("firmware.upkeep", "firmware.bme680_test")

    async def _rest(self) -> None:
        self.started = False
        try:
            await self.chip.stop()
        except (SensorError, OSError):
            pass  # one that is gone rests already

    # -- what comes of it

    def _good(self, values: dict) -> None:
        self._readings += 1
        self._node.counters.air_readings += 1
        self._failures = 0
        self._unchanged = self._unchanged + 1 if values == self._values else 0
        self._values, self._taken_us = values, self.clock.now_us()
        self._ambient.tell(self.chip.name, values, self._taken_us)
        if self.lost:
            self.lost = False
            self._node.link.log(f"air: {self.chip.name} at {self.place} is back")

    def _count_errors(self, count: int) -> None:
        self._errors += count
        self._node.counters.air_errors += count

    def _failed(self, error: Exception) -> None:
        self._count_errors(1)
        self._failures += 1
        if self._failures >= _PATIENCE:
            self._declare(error)
            self.started = False

    def _declare(self, error: Exception) -> None:
        # Once, until it is back.
        if self.lost:
            return
        self.lost = True
        self._node.report(f"air {self.place}", error)
        fields = {
            "reason": LOSS_REASONS.index("sensor_fault"),
            "sensor": self.chip.name,
            "place": self.place,
            "detail": str(error)[:MAX_TEXT],
        }
        self._node.store.add("loss", fields)

    def _record(self, config: dict, fresh: bool) -> None:
        if self.lost or not self._values:
            return
        fields = {
            "sensor": self.chip.name,
            "place": self.place,
            "interval_s": float(self.interval_s),
            "readings": self._readings,
            "errors": self._errors,
        }
        fields.update(self._values)
        if self._taken_us < self.chip.ready_us:
            fields["warming_up"] = 1
        if not fresh:
            fields["stale_s"] = (self.clock.now_us() - self._taken_us) / 1e6
        if self._unchanged:
            fields["unchanged"] = self._unchanged
        self._dry(config["pm_kappa"], fields)
        self._node.store.add("air", fields, self._taken_us)

    def _dry(self, kappa: float, fields: dict) -> None:
        humidity_pct = self._ambient.now(self.clock.now_us()).get("humidity_pct")
        if kappa and humidity_pct is not None and "pm2_5_ug_m3" in fields:
            fields["pm2_5_dry_ug_m3"] = dry_mass(fields["pm2_5_ug_m3"], humidity_pct, kappa)
            fields["dry_kappa"] = kappa
            fields["dry_humidity_pct"] = humidity_pct
