"""Runs on: MicroPython and CPython."""

import asyncio

from firmware.agenda import Agenda
from firmware.counters import Counters
from firmware.sleeper import Sleeper

S = 1000000


class Clock:
    # Time passes when somebody waits for it.
    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    async def sleep_until(self, t_us: int) -> None:
        self.us = max(self.us, t_us)
        await asyncio.sleep(0)


class Board:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slept: list = []  # of (from, to)
        self.pressed_us = -1  # when the button is

    def light_sleep(self, duration_us: int) -> bool:
        began_us = self.clock.us
        self.clock.us += duration_us
        pressed = began_us <= self.pressed_us < self.clock.us
        if pressed:
            self.clock.us = self.pressed_us
        self.slept.append((began_us, self.clock.us))
        return pressed


class Node:
    def __init__(self, due_us: int = 600 * S) -> None:
        self.clock = Clock()
        self.board = Board(self.clock)
        self.counters = Counters()
        self.config = {"sleep": "light", "schedule_period_s": 600}
        self.measures = True
        self.speaks = False
        self.agenda = Agenda()
        self.agenda.rests("measure", due_us)


def slept(node: Node, until_us: int, at=()) -> list:
    # What it slept until then. at: (time, what happens then), in order.
    async def life() -> list:
        happens = list(at)
        task = asyncio.create_task(Sleeper(node).run())
        while node.clock.us < until_us:
            while happens and happens[0][0] <= node.clock.us:
                happens.pop(0)[1]()
            await asyncio.sleep(0)
        task.cancel()
        return node.board.slept

    return asyncio.run(life())


def test_it_sleeps_from_ten_seconds_after_the_last_request_to_just_before_what_is_due():
    node = Node()
    periods = slept(node, 599 * S)
    assert 10 * S <= periods[0][0] <= 10 * S + 100000
    for before, after in zip(periods, periods[1:]):
        assert before[1] == after[0]
    assert max([end - start for start, end in periods]) == 60 * S  # ticks wrap
    assert periods[-1][1] == 600 * S - 5000
    assert node.counters.asleep_us == periods[-1][1] - periods[0][0]
    assert node.counters.groups()["power"]["asleep_s"] == node.counters.asleep_us // S


def test_a_request_keeps_it_awake_and_so_does_the_button():
    def ask() -> None:
        node.counters.requests += 1

    node = Node()
    first = slept(node, 100 * S, [(8 * S, ask)])[0]
    assert 18 * S <= first[0] <= 18 * S + 200000
    node = Node()
    node.board.pressed_us = 30 * S
    periods = slept(node, 200 * S)
    assert periods[0][1] == 30 * S and 90 * S <= periods[1][0] <= 90 * S + 100000


def test_it_stays_awake_where_sleep_would_make_it_deaf_for_ever_or_cut_something_short():
    for name, value in (
        ("speaks", True),
        ("measures", False),
        ("config", {"sleep": "idle", "schedule_period_s": 600}),
        ("config", {"sleep": "light", "schedule_period_s": 0}),
    ):
        node = Node()
        setattr(node, name, value)
        assert slept(node, 300 * S) == [], name
    node = Node()
    node.agenda.busy("i2c0/0x62")
    assert slept(node, 300 * S) == []
    node = Node()
    node.agenda.busy("look")
    node.agenda.leaves("look")
    assert slept(node, 300 * S)


def test_an_air_sensor_wakes_it_first_and_a_pause_too_short_is_waited_out():
    node = Node()
    node.agenda.rests("i2c0/0x62", 20 * S)
    assert slept(node, 19 * S + 996000)[-1][1] == 20 * S - 5000
    node = Node(due_us=10 * S + 40000)
    assert slept(node, 10 * S + 30000) == []


def test_an_agenda_of_nobody_is_busy():
    assert Agenda().next_us() == 0
