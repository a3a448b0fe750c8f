# Runs on: MicroPython and CPython
# Until when each part of the node has nothing to do, as the parts say themselves: what lets the
# whole of it sleep.

_BUSY = 0


class Agenda:
    def __init__(self) -> None:
        self._due_us: dict = {}  # part -> when it goes on, _BUSY while it works

    def busy(self, part: str) -> None:
        self._due_us[part] = _BUSY

    def rests(self, part: str, until_us: int) -> None:
        self._due_us[part] = until_us

    def leaves(self, part: str) -> None:
        # It will never have anything to do again.
        del self._due_us[part]

    def next_us(self) -> int:
        # When the first part goes on; 0 while one works, or nobody has said anything yet.
        return min(self._due_us.values()) if self._due_us else _BUSY
