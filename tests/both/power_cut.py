"""Power cuts for tests of what is kept in flash. Runs on: MicroPython and CPython."""

import os

from firmware import flash


def fresh_file(path: str) -> None:
    folder = path.rpartition("/")[0]
    try:
        os.mkdir(folder)
    except OSError:
        pass
    for name in (path, path + ".new"):
        try:
            os.remove(name)
        except OSError:
            pass


class PowerCut(Exception):
    pass


class _File:
    def __init__(self, flaky, file) -> None:
        self._flaky = flaky
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, kind, _error, _trace) -> None:
        self._file.close()  # what was written before a cut may well be in flash
        if kind is None:
            self._flaky.tick()

    def write(self, data) -> None:
        self._flaky.tick()
        self._file.write(data)

    def read(self) -> bytes:
        return self._file.read()


class Flaky:
    # Stands for `open` and `os` in flash.py; the power goes before operation number `cut`.
    def __init__(self, cut: int) -> None:
        self._left = cut

    def tick(self) -> None:
        if self._left == 0:
            raise PowerCut()
        self._left -= 1

    def open(self, path: str, mode: str) -> _File:
        if mode == "wb":
            self.tick()
        return _File(self, open(path, mode))

    def rename(self, old: str, new: str) -> None:
        self.tick()
        os.rename(old, new)


def cut_at_each_operation(action, check):
    # How many operations `action` has; check(completed) after each cut and after none.
    real = flash.os
    for cut in range(100):
        flaky = Flaky(cut)
        flash.os = flaky
        flash.open = flaky.open
        completed = False
        try:
            action()
            completed = True
        except PowerCut:
            pass
        finally:
            flash.os = real
            del flash.open
        check(completed)
        if completed:
            return cut
    raise AssertionError("no end")
