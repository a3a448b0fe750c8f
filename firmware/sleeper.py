# Runs on: MicroPython and CPython
# Sends the whole chip to light sleep between captures. It keeps memory and clock, and stops
# everything else: what is said to the node meanwhile is lost (docs/power.md).

from asyncio import sleep

from firmware.clock import LOOK_S

_LOOK_US = 100000
# Time to wake up in, and what is not worth falling asleep for.
_EARLY_US = 5000
_LEAST_US = 50000
_MOST_US = 1000000 * LOOK_S
# How long a host that said something may think, and how long a person at the button has.
_LISTEN_US = 10000000
_PERSON_US = 60000000


class Sleeper:
    def __init__(self, node) -> None:
        self._node = node
        self._clock = node.clock
        self._requests = -1  # when last looked
        self._awake_until_us = 0

    async def run(self) -> None:
        while True:
            until_us = self._free_until()
            if until_us - self._clock.now_us() > _LEAST_US:
                self._sleep(until_us)
                await sleep(0)  # who is due goes first
            else:
                await self._clock.sleep_until(self._clock.now_us() + _LOOK_US)

    def _free_until(self) -> int:
        # Until when nobody needs the node; 0: somebody does.
        node, now_us = self._node, self._clock.now_us()
        if node.counters.requests != self._requests:
            self._requests = node.counters.requests
            self._stay_awake(_LISTEN_US)
        if node.speaks or not self._wanted() or now_us < self._awake_until_us:
            return 0
        return node.agenda.next_us() - _EARLY_US

    def _wanted(self) -> bool:
        # A node without pauses, or without captures, would never be heard again.
        node = self._node
        scheduled = node.measures and node.config["schedule_period_s"] > 0
        return scheduled and node.config["sleep"] == "light"

    def _stay_awake(self, duration_us: int) -> None:
        self._awake_until_us = self._clock.now_us() + duration_us

    def _sleep(self, until_us: int) -> None:
        began_us = self._clock.now_us()
        by_button = self._node.board.light_sleep(min(until_us - began_us, _MOST_US))
        self._node.counters.asleep_us += self._clock.now_us() - began_us
        if by_button:
            self._stay_awake(_PERSON_US)
