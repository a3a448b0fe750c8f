# Runs on: MicroPython and CPython
# The commands that every SMP tool knows: OS, statistics, enumeration.

from firmware import wall_clock
from firmware.command import Refused, argument
from resonode_wire import smp
from resonode_wire.security import ROLE_OWNER
from resonode_wire.smp import GROUP_ENUM, GROUP_OS, GROUP_STAT, READ, WRITE


class StandardCommands:
    def __init__(self, node, groups, buffer) -> None:
        # groups(): the groups this link serves; buffer(): bytes it takes at once.
        self._node = node
        self._groups = groups
        self._buffer = buffer
        self.commands = {
            (GROUP_OS, smp.OS_ECHO, WRITE): self._echo,
            (GROUP_OS, smp.OS_ECHO, READ): self._echo,
            (GROUP_OS, smp.OS_TASK_STATS, READ): self._tasks,
            (GROUP_OS, smp.OS_DATETIME, READ): self._get_datetime,
            (GROUP_OS, smp.OS_DATETIME, WRITE): self._set_datetime,
            (GROUP_OS, smp.OS_RESET, WRITE): self._reset,
            (GROUP_OS, smp.OS_PARAMETERS, READ): self._parameters,
            (GROUP_OS, smp.OS_INFO, READ): self._info,
            (GROUP_STAT, smp.STAT_GROUP_LIST, READ): self._stat_list,
            (GROUP_STAT, smp.STAT_GROUP_DATA, READ): self._stat_data,
            (GROUP_ENUM, smp.ENUM_COUNT, READ): self._enum_count,
            (GROUP_ENUM, smp.ENUM_LIST, READ): self._enum_list,
        }

    def _echo(self, arguments: dict, _role: int) -> dict:
        return {"r": argument(arguments, "d", str)}

    def _tasks(self, _arguments: dict, _role: int) -> dict:
        states = self._node.tasks()
        return {
            "tasks": {
                name: {"prio": at, "tid": at, "state": states[name]}
                for at, name in enumerate(sorted(states))
            }
        }

    def _get_datetime(self, _arguments: dict, _role: int) -> dict:
        return {"datetime": wall_clock.show(self._node.wall_clock.now_s())}

    def _set_datetime(self, arguments: dict, role: int) -> dict:
        try:
            unix_s = wall_clock.read(argument(arguments, "datetime", str))
        except ValueError:
            raise Refused(smp.RC_INVALID, "datetime must be YYYY-MM-DDTHH:MM:SS") from None
        try:
            self._node.wall_clock.set(unix_s, may_go_back=role == ROLE_OWNER)
        except wall_clock.ClockError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        return {}

    def _reset(self, _arguments: dict, _role: int) -> dict:
        self._node.request_reset()
        return {}

    def _parameters(self, _arguments: dict, _role: int) -> dict:
        return {"buf_size": self._buffer(), "buf_count": 1}

    def _info(self, arguments: dict, _role: int) -> dict:
        # Zephyr's letters: s kernel, n node, r release, v version, m machine, i platform, o OS.
        info = self._node.info()
        parts = {
            "s": "Resonode",
            "n": info["node"],
            "r": info["firmware"],
            "v": info["runtime"],
            "m": info["board"],
            "p": info["board"],
            "i": info["profile"] + " profile",
            "o": "MicroPython",
        }
        wanted = arguments.get("format", "s")
        if not isinstance(wanted, str) or [c for c in wanted if c not in parts and c != "a"]:
            raise Refused(smp.RC_INVALID, "unknown format letter")
        letters = "snrvmpio"
        if "a" not in wanted:
            letters = "".join([letter for letter in letters if letter in wanted])
        return {"output": " ".join([parts[letter] for letter in letters])}

    # -- statistics and enumeration

    def _stat_list(self, _arguments: dict, _role: int) -> dict:
        return {"stat_list": sorted(self._node.counters.groups())}

    def _stat_data(self, arguments: dict, _role: int) -> dict:
        name = argument(arguments, "name", str)
        group = self._node.counters.groups().get(name)
        if group is None:
            raise Refused(smp.RC_NO_ENTRY)
        return {"name": name, "fields": group}

    def _enum_count(self, _arguments: dict, _role: int) -> dict:
        return {"count": len(self._groups())}

    def _enum_list(self, _arguments: dict, _role: int) -> dict:
        return {"groups": self._groups()}
