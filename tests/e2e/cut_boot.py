# Runs on: MicroPython (a virtual board of tests/e2e/test_power_cut.py)
# A board whose power goes before a chosen operation on its file system, counted from the first
# one after the file `cut_armed` appears. Half of what is being written may be in flash.

import os
import sys

from firmware import flash

_POWER_CUT_EXIT_CODE = 9
_seen = 0


def tick() -> None:
    global _seen
    try:
        with open("cut_armed") as file:
            cut = int(file.read())
    except OSError:
        return
    if _seen == cut:
        sys.exit(_POWER_CUT_EXIT_CODE)
    _seen += 1


class _File:
    def __init__(self, path: str, mode: str) -> None:
        self._file = open(path, mode)  # noqa: SIM115  # closed by __exit__

    def __enter__(self):
        return self

    def __exit__(self, *_error) -> None:
        self._file.close()
        tick()

    def write(self, data) -> None:
        self._file.write(data[: len(data) // 2])
        tick()
        self._file.write(data[len(data) // 2 :])

    def read(self) -> bytes:
        return self._file.read()


class _Os:
    @staticmethod
    def rename(old: str, new: str) -> None:
        tick()
        os.rename(old, new)


def _open(path: str, mode: str):
    if mode == "wb":
        tick()
    return _File(path, mode)


flash.open = _open
flash.os = _Os

import boot  # noqa: E402, F401
