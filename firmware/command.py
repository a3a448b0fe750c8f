# Runs on: MicroPython and CPython
# What commands of all groups share: how to refuse, and how to take an argument.

from resonode_wire import smp


class Refused(Exception):
    def __init__(self, rc: int, reason: str = "") -> None:
        super().__init__(reason)
        self.rc = rc
        self.reason = reason


def argument(arguments: dict, name: str, kind):
    value = arguments.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Refused(smp.RC_INVALID, f"{name} is missing or of the wrong type")
    return value


def sized(arguments: dict, name: str, size: int) -> bytes:
    value = argument(arguments, name, bytes)
    if len(value) != size:
        raise Refused(smp.RC_INVALID, f"{name} is {len(value)} bytes, not {size}")
    return value
