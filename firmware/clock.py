# Runs on: MicroPython and CPython
# The node's one clock: microseconds since boot, never wrapping, never going back.

import asyncio
import time

# How far apart two looks at the clock may be, in s. A board's ticks begin again after 2**30 us, and
# passed time is known from them for half of that, 537 s.
LOOK_S = 60


class Clock:
    def __init__(self, ticks=time) -> None:
        # ticks: has ticks_us() and ticks_diff(), as MicroPython's `time`.
        self._source = ticks
        self._last = ticks.ticks_us()
        self._now_us = 0

    def now_us(self) -> int:
        ticks = self._source.ticks_us()
        passed_us = self._source.ticks_diff(ticks, self._last)
        # Less than none: nobody has looked for too long. The clock is then slow by one round, but
        # no deadline that is over lies in the future again.
        if passed_us > 0:
            self._now_us += passed_us
            self._last = ticks
        return self._now_us

    async def sleep_until(self, t_us: int) -> None:
        while True:
            left_us = t_us - self.now_us()
            if left_us <= 0:
                return
            # asyncio counts whole milliseconds, and would not sleep at all for less than one.
            await asyncio.sleep(max(0.001, min(left_us / 1e6, LOOK_S)))
