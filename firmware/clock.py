# Runs on: MicroPython and CPython
# The node's one clock: microseconds since boot, never wrapping.

import asyncio
import time


class Clock:
    def __init__(self) -> None:
        self._last = time.ticks_us()
        self._now_us = 0

    def now_us(self) -> int:
        # ticks_us wraps (at 2**30 or so); called far more often than that by the sampler.
        ticks = time.ticks_us()
        self._now_us += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._now_us

    async def sleep_until(self, t_us: int) -> None:
        while True:
            left_us = t_us - self.now_us()
            if left_us <= 0:
                return
            # asyncio counts whole milliseconds, and would not sleep at all for less than one. A
            # minute at most keeps now_us() ahead of the wrap.
            await asyncio.sleep(max(0.001, min(left_us / 1e6, 60)))
