# Runs on: MicroPython and CPython
# The board's light blinks for a while: the person in front of it sees which node is meant.

from asyncio import Event, sleep

_HALF_PERIOD_S = 0.125


class Beacon:
    def __init__(self, led) -> None:
        # led: on(lit), or None where the board has no light.
        self._led = led
        self._left = 0
        self._wake = Event()

    def blink(self, seconds: int) -> None:
        self._left = int(seconds / (2 * _HALF_PERIOD_S))
        self._wake.set()

    @property
    def blinks(self) -> bool:
        return self._left > 0

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._left > 0 and self._led:
                self._left -= 1
                for lit in (True, False):
                    self._led(lit)
                    await sleep(_HALF_PERIOD_S)
