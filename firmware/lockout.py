# Runs on: MicroPython and CPython
# Slows down whoever guesses: after a few failed attempts each further one waits twice as long.
# An attempt is counted in flash before its proof is looked at, and taken back when it was good, so
# that cutting the power in between gains nothing. After a restart the whole wait begins again,
# because a node does not know how long it was off.

from firmware import flash

FREE = 3  # attempts that cost nothing: typing errors
FIRST_S = 1
LONGEST_S = 64  # so that a flood keeps nobody out for longer
_DAMAGED = 255


class Lockout:
    def __init__(self, path: str, now_s: float, longest_s: int = LONGEST_S) -> None:
        # Without a path failures are forgotten at a restart.
        self._path = path
        self._longest_s = longest_s
        self.failures = self._stored() if path else 0
        self._until_s = now_s + self.penalty_s()

    def penalty_s(self) -> int:
        if self.failures < FREE:
            return 0
        # 1 << 8 is beyond the longest already: no large numbers for a large count.
        return min(FIRST_S << min(self.failures - FREE, 8), self._longest_s)

    def wait_s(self, now_s: float) -> float:
        # How long until the next attempt is let in; 0 is now.
        return max(0, self._until_s - now_s)

    def tries_left(self) -> int:
        # Before there is a wait.
        return max(0, FREE - self.failures)

    def attempt(self, now_s: float) -> bool:
        # False: too early. Otherwise it counts as failed until succeeded() is called.
        if self.wait_s(now_s) > 0:
            return False
        self._keep(self.failures + 1)
        self._until_s = now_s + self.penalty_s()
        return True

    def succeeded(self) -> None:
        self._until_s = 0
        if self.failures:
            self._keep(0)

    def _keep(self, failures: int) -> None:
        if self._path:
            flash.save(self._path, failures)
        self.failures = failures

    def _stored(self) -> int:
        try:
            stored = flash.load(self._path)
        except ValueError:
            return _DAMAGED  # fail closed: damaging the file is no way to get more guesses
        if stored is None:
            return 0
        return stored if isinstance(stored, int) and stored >= 0 else _DAMAGED
