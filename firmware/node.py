# Runs on: MicroPython and CPython
# The node as commands see it: its identity, configuration, counters and records, in one place.

import sys
import time

from firmware import VERSION, config, flash
from resonode_wire import WIRE_VERSION

PROFILE = "open"
_CONFIG_FILE = "config.bin"


class Node:
    def __init__(self, name: str, board, sensors: list, sequence, store, counters, link, fits):
        # board: its data and clock; sensors: names of the chips fitted;
        # fits(config): raises ConfigError if this board has too little memory for it.
        self.name = name
        self.board = board
        self.clock = board.clock
        self.sensors = sensors
        self.sequence = sequence
        self.store = store
        self.counters = counters
        self.link = link
        self.reset_requested = False
        self._fits = fits
        self._task_states: dict = {}
        self._seconds_ahead = 0  # of the date that was set over the board's own
        self.config = self._stored_config()

    # -- identity and state

    def runtime(self) -> str:
        return "MicroPython " + ".".join([str(part) for part in sys.implementation.version[:3]])

    def info(self) -> dict:
        return {
            "node": self.name,
            "board": self.board.name,
            "firmware": VERSION,
            "runtime": self.runtime(),
            "wire": WIRE_VERSION,
            "profile": PROFILE,
            "sensors": self.sensors,
            "epoch": self.sequence.epoch,
            "first": self.store.first,
            "next": self.store.next,
            "t_us": self.clock.now_us(),
        }

    def tasks(self) -> dict:
        # name -> 1 running, 0 waiting to be started again after an error
        return self._task_states

    def set_task_state(self, name: str, state: int) -> None:
        self._task_states[name] = state

    def datetime(self) -> str:
        now = time.gmtime(time.time() + self._seconds_ahead)
        return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*now[:6])

    def set_datetime(self, text: str) -> None:
        # YYYY-MM-DDTHH:MM:SS; what follows (fraction, zone) is ignored. Raises ValueError.
        if len(text) < 19 or text[10] != "T":
            raise ValueError(text)
        parts = [int(part) for part in (text[:4], text[5:7], text[8:10])]
        parts += [int(part) for part in (text[11:13], text[14:16], text[17:19])]
        wanted = time.mktime((parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], 0, 0))
        self._seconds_ahead = int(wanted - time.time())

    def request_reset(self) -> None:
        self.reset_requested = True

    def stop_measuring(self) -> None:
        # Until the restart that follows; what is stored stays as it is.
        self.config = config.changed(self.config, {"run": False})

    # -- configuration

    def configure(self, changes: dict) -> None:
        # All of `changes` or (ConfigError) none; kept over restarts.
        changed = config.changed(self.config, changes)
        self._fits(changed)
        flash.save(_CONFIG_FILE, changed)
        self.config = changed

    def _stored_config(self) -> dict:
        usual = config.changed(config.defaults(), self.board.data["config"])
        try:
            stored = config.changed(usual, flash.load(_CONFIG_FILE) or {})
            self._fits(stored)
            return stored
        except ValueError as error:
            # Damaged, or of another firmware: a node that measures by default beats none.
            self.report("configuration", error)
            return usual

    # -- records

    def stream(self, on: bool, start: int) -> dict:
        return self.link.stream(on, start)

    def add_boot(self, reset_cause: int) -> None:
        self.store.add(
            "boot",
            {
                "node": self.name,
                "firmware": VERSION,
                "board": self.board.name,
                "runtime": self.runtime(),
                "wire": WIRE_VERSION,
                "profile": PROFILE,
                "sensors": self.sensors,
                "reset_cause": reset_cause,
            },
            cause="boot",
        )

    # -- errors

    def report(self, task: str, error: Exception) -> None:
        # Where an exception ends: counted, and told to whoever reads the console.
        self.counters.task_errors += 1
        self.link.log(f"{task}: {type(error).__name__}: {error}")
