# Runs on: MicroPython and CPython
# Management: one SMP request in, one response out, no I/O. What a command does is the node's
# business; this file only knows the protocol.

from firmware.config import ConfigError
from resonode_wire import cbor, smp
from resonode_wire.errors import WireError

# Frame length and CRC share a standard client's idea of our buffer.
_BUFFER = smp.MAX_MESSAGE + 4


class Refused(Exception):
    def __init__(self, rc: int, reason: str = "") -> None:
        super().__init__(reason)
        self.rc = rc
        self.reason = reason


class Session:
    def __init__(self, node, measurement) -> None:
        self._node = node
        self._measurement = measurement
        # (group, command, op) -> what answers it
        self._commands = {
            (smp.GROUP_OS, smp.OS_ECHO, smp.WRITE): self._echo,
            (smp.GROUP_OS, smp.OS_ECHO, smp.READ): self._echo,
            (smp.GROUP_OS, smp.OS_TASK_STATS, smp.READ): self._tasks,
            (smp.GROUP_OS, smp.OS_DATETIME, smp.READ): self._get_datetime,
            (smp.GROUP_OS, smp.OS_DATETIME, smp.WRITE): self._set_datetime,
            (smp.GROUP_OS, smp.OS_RESET, smp.WRITE): self._reset,
            (smp.GROUP_OS, smp.OS_PARAMETERS, smp.READ): self._parameters,
            (smp.GROUP_OS, smp.OS_INFO, smp.READ): self._os_info,
            (smp.GROUP_STAT, smp.STAT_GROUP_LIST, smp.READ): self._stat_list,
            (smp.GROUP_STAT, smp.STAT_GROUP_DATA, smp.READ): self._stat_data,
            (smp.GROUP_ENUM, smp.ENUM_COUNT, smp.READ): self._enum_count,
            (smp.GROUP_ENUM, smp.ENUM_LIST, smp.READ): self._enum_list,
            (smp.GROUP_NODE, smp.NODE_INFO, smp.READ): self._info,
            (smp.GROUP_NODE, smp.NODE_CONFIG, smp.READ): self._get_config,
            (smp.GROUP_NODE, smp.NODE_CONFIG, smp.WRITE): self._set_config,
            (smp.GROUP_NODE, smp.NODE_STREAM, smp.WRITE): self._stream,
            (smp.GROUP_NODE, smp.NODE_ACK, smp.WRITE): self._acknowledge,
            (smp.GROUP_NODE, smp.NODE_CAPTURE, smp.WRITE): self._capture,
        }

    def handle(self, request: bytes):
        # The response, or None for what is no request (a stray answer desynchronises a client).
        try:
            op, version, group, seq, command, body = smp.unpack(request)
        except WireError:
            return None
        if op not in (smp.READ, smp.WRITE):
            return None
        try:
            answer = self._answer(version, group, command, op, body)
        except Refused as refused:
            answer = {"rc": refused.rc}
            if refused.reason:
                answer["rsn"] = refused.reason
        except Exception as error:  # a request's boundary: told to the host and counted
            self._node.report("request", error)
            answer = {"rc": smp.RC_UNKNOWN, "rsn": f"{type(error).__name__}: {error}"}
        return smp.pack(op + 1, group, seq, command, cbor.dumps(answer), version & 1)

    def _answer(self, version: int, group: int, command: int, op: int, body: bytes) -> dict:
        if version > 1:
            raise Refused(smp.RC_TOO_NEW)
        known = self._commands.get((group, command, op))
        if known is None:
            raise Refused(smp.RC_NOT_SUPPORTED)
        try:
            arguments = cbor.loads(body) if body else {}
        except WireError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        if not isinstance(arguments, dict):
            raise Refused(smp.RC_INVALID, "the body must be a map")
        return known(arguments)

    # -- OS

    def _echo(self, arguments: dict) -> dict:
        return {"r": _argument(arguments, "d", str)}

    def _tasks(self, _arguments: dict) -> dict:
        states = self._node.tasks()
        return {
            "tasks": {
                name: {"prio": at, "tid": at, "state": states[name]}
                for at, name in enumerate(sorted(states))
            }
        }

    def _get_datetime(self, _arguments: dict) -> dict:
        return {"datetime": self._node.datetime()}

    def _set_datetime(self, arguments: dict) -> dict:
        try:
            self._node.set_datetime(_argument(arguments, "datetime", str))
        except ValueError:
            raise Refused(smp.RC_INVALID, "datetime must be YYYY-MM-DDTHH:MM:SS") from None
        return {}

    def _reset(self, _arguments: dict) -> dict:
        self._node.request_reset()
        return {}

    def _parameters(self, _arguments: dict) -> dict:
        return {"buf_size": _BUFFER, "buf_count": 1}

    def _os_info(self, arguments: dict) -> dict:
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

    def _stat_list(self, _arguments: dict) -> dict:
        return {"stat_list": sorted(self._node.counters.groups())}

    def _stat_data(self, arguments: dict) -> dict:
        name = _argument(arguments, "name", str)
        group = self._node.counters.groups().get(name)
        if group is None:
            raise Refused(smp.RC_NO_ENTRY)
        return {"name": name, "fields": group}

    def _groups(self) -> list:
        return sorted({group for group, _command, _op in self._commands})

    def _enum_count(self, _arguments: dict) -> dict:
        return {"count": len(self._groups())}

    def _enum_list(self, _arguments: dict) -> dict:
        return {"groups": self._groups()}

    # -- the node

    def _info(self, _arguments: dict) -> dict:
        return self._node.info()

    def _get_config(self, _arguments: dict) -> dict:
        return {"config": self._node.config}

    def _set_config(self, arguments: dict) -> dict:
        try:
            self._node.configure(_argument(arguments, "config", dict))
        except ConfigError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        return {"config": self._node.config}

    def _stream(self, arguments: dict) -> dict:
        start = arguments.get("from", self._node.store.first)
        if not isinstance(start, int) or start < 0:
            raise Refused(smp.RC_INVALID, "from must be a sequence number")
        return self._node.stream(_argument(arguments, "on", bool), start)

    def _acknowledge(self, arguments: dict) -> dict:
        self._node.store.acknowledge(_argument(arguments, "seq", int))
        return {"first": self._node.store.first}

    def _capture(self, arguments: dict) -> dict:
        count = _argument(arguments, "count", int)
        axes = _argument(arguments, "axes", str)
        if not 0 < count <= 1 << 24 or not axes or [axis for axis in axes if axis not in "xyz"]:
            raise Refused(smp.RC_INVALID, "count must be 1..16777216, axes letters of xyz")
        answer = self._measurement.request_waveform(count, ["xyz".index(axis) for axis in axes])
        if not answer:
            raise Refused(smp.RC_BAD_STATE, "the node is not measuring (run, schedule, sensor)")
        if not answer["total"]:
            raise Refused(smp.RC_BUSY, "another capture is not done")
        return answer


def _argument(arguments: dict, name: str, kind):
    value = arguments.get(name)
    if not isinstance(value, kind):
        raise Refused(smp.RC_INVALID, f"{name} is missing or of the wrong type")
    return value
