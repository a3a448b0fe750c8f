# Runs on: MicroPython and CPython
# Unix time, as far as a node knows it. It goes on from where it was after a restart, and so is
# slow by the time the node was off until someone sets it; it never goes back by itself, since a
# credential that has expired would come alive again.

from firmware import flash
from resonode_wire.security import CLOCK_KEPT, CLOCK_SET, CLOCK_UNSET

# No node of this firmware lives before 2026-11-01.
_RELEASED_S = 1793491200
_KEEP_EVERY_S = 3600


class ClockError(ValueError):
    pass


class WallClock:
    def __init__(self, path: str, seconds) -> None:
        # seconds(): monotonic time in s. Only whole seconds are added to dates: a float of 32 bits
        # knows today to two minutes.
        self._path = path
        self._seconds = seconds
        self.state = CLOCK_UNSET
        base_s = _RELEASED_S
        try:
            kept = flash.load(path)
            if isinstance(kept, int) and kept > base_s:
                base_s = kept
                self.state = CLOCK_KEPT
        except ValueError:
            pass  # damaged: as if it had never been set
        self._ahead_s = base_s - int(seconds())
        self._kept_s = base_s

    def now_s(self) -> int:
        return int(self._seconds()) + self._ahead_s

    def set(self, unix_s: int, may_go_back: bool) -> None:
        if unix_s < _RELEASED_S or (unix_s < self.now_s() - 1 and not may_go_back):
            raise ClockError(
                f"clock untrusted: {show(unix_s)} is before this node's {show(self.now_s())}; "
                "check your computer's clock, or let the owner set the node's back"
            )
        self._keep(unix_s)
        self.state = CLOCK_SET

    def advance(self, unix_s: int) -> None:
        # It is at least so late: an owner has signed it.
        if unix_s > self.now_s():
            self._keep(unix_s)
            if self.state == CLOCK_UNSET:
                self.state = CLOCK_KEPT

    def keep(self) -> None:
        # Called now and then: a restart loses no more than an hour.
        if self.state != CLOCK_UNSET and self.now_s() - self._kept_s >= _KEEP_EVERY_S:
            self._keep(self.now_s())

    def _keep(self, unix_s: int) -> None:
        flash.save(self._path, unix_s)
        self._ahead_s = unix_s - int(self._seconds())
        self._kept_s = unix_s


def show(unix_s: int) -> str:
    # YYYY-MM-DDTHH:MM:SS, UTC. Not by time.gmtime, which ends in 2038 on some ports.
    days, second = divmod(unix_s, 86400)
    year, month, day = _date(days)
    clock = second // 3600, second // 60 % 60, second % 60
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(year, month, day, *clock)


def read(text: str) -> int:
    # What follows the seconds (fraction, zone) is ignored. Raises ValueError.
    if len(text) < 19 or text[10] != "T":
        raise ValueError(text)
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise ValueError(text)
    return 86400 * _days(year, month, day) + 3600 * hour + 60 * minute + second


def _days(year: int, month: int, day: int) -> int:
    # Since 1970-01-01, in the Gregorian calendar: a year that begins in March ends with the leap
    # day, and its months repeat with 153 days in five.
    year -= month < 3
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + of_year - 719468


def _date(days: int) -> tuple:
    # The inverse of _days. 400 years have 146097 days; leap days are taken out before dividing.
    days += 719468
    era, of_era = days // 146097, days % 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return 400 * era + year + (month < 3), month, day
