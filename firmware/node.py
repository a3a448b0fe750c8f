# Runs on: MicroPython and CPython
# The node as commands see it: its identity, configuration, counters and records, in one place.

import os
import sys
from asyncio import Event

from firmware import VERSION, flash
from firmware.agenda import Agenda
from resonode_wire import WIRE_VERSION
from resonode_wire.security import CLOSED

_CONFIG_FILE = "config.bin"


class Node:
    def __init__(self, trust, board, sensors, sequence, store, counters, link, beacon, settings):
        # trust: who it is and whose; board: its data and clock; sensors: names of the chips
        # fitted; settings: what it may be told.
        self.name = trust.node_id
        self.wall_clock = trust.wall_clock
        self.board = board
        self.clock = board.clock
        self.sensors = sensors
        self.sequence = sequence
        self.store = store
        self.counters = counters
        self.link = link
        self.beacon = beacon
        self.agenda = Agenda()
        self.air = None  # Air, where the board has a bus for such sensors
        self.reset = Event()  # set when it is asked for
        self.console_requested = False  # after the reset: MicroPython's prompt
        self._trust = trust
        self._settings = settings
        if not self._owned:
            # The power may have gone right after the owner did.
            _forget_configuration()
        self._task_states: dict = {}
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
            "profile": self._trust.profile,
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

    def identify(self, seconds: int) -> None:
        # For a person in front of the machine: which one is it?
        self.beacon.blink(seconds)
        self.link.log(f"identify: this is {self.name}, for {seconds} s")

    def request_reset(self) -> None:
        self.reset.set()

    def request_console(self) -> None:
        self.console_requested = True
        self.reset.set()

    @property
    def speaks(self) -> bool:
        # Somebody listens, or watches its light, or is owed an answer.
        link = self.link
        return link.streaming or not link.idle.is_set() or self.beacon.blinks or self.reset.is_set()

    @property
    def measures(self) -> bool:
        # Nobody could read what a node without an owner measures.
        return self._owned and self.config["run"]

    @property
    def _owned(self) -> bool:
        return self._trust.ownership.claimed or self._trust.profile != CLOSED

    def stop_measuring(self) -> None:
        # Until the restart that follows; what is stored stays as it is.
        self.config = dict(self.config)  # another one: what is measured by the old one ends
        self.config["run"] = False

    # -- configuration

    def configure(self, changes: dict) -> None:
        # All of `changes` or (ConfigError) none; kept over restarts.
        changed = self._settings.changed(self.config, changes)
        flash.save(_CONFIG_FILE, changed)
        self.config = changed

    def forget_owner(self) -> None:
        # His settings and his records; numbers and counters go on.
        _forget_configuration()
        self.config = self._settings.usual()
        self.store.forget()

    def _stored_config(self) -> dict:
        usual = self._settings.usual()
        try:
            return self._settings.changed(usual, flash.load(_CONFIG_FILE) or {})
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
                "profile": self._trust.profile,
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


def _forget_configuration() -> None:
    try:
        os.remove(_CONFIG_FILE)
    except OSError:
        pass  # there was none
