# Runs on: MicroPython and CPython
# Our own commands: what the node is and does.

from firmware.command import Refused, argument
from firmware.errors import CalibrationError, ConfigError
from firmware.passing import forget
from resonode_wire import smp
from resonode_wire.smp import GROUP_NODE, READ, WRITE


class NodeCommands:
    def __init__(self, node, measurement) -> None:
        self._node = node
        self._measurement = measurement
        self.commands = {
            (GROUP_NODE, smp.NODE_INFO, READ): self._info,
            (GROUP_NODE, smp.NODE_CONFIG, READ): self._get_config,
            (GROUP_NODE, smp.NODE_CONFIG, WRITE): self._set_config,
            (GROUP_NODE, smp.NODE_STREAM, WRITE): self._stream,
            (GROUP_NODE, smp.NODE_ACK, WRITE): self._acknowledge,
            (GROUP_NODE, smp.NODE_CAPTURE, WRITE): self._capture,
            (GROUP_NODE, smp.NODE_CALIBRATION, READ): self._get_calibration,
            (GROUP_NODE, smp.NODE_CALIBRATION, WRITE): self._set_calibration,
            (GROUP_NODE, smp.NODE_SELF_TEST, READ): self._get_self_test,
            (GROUP_NODE, smp.NODE_SELF_TEST, WRITE): self._self_test,
            (GROUP_NODE, smp.NODE_UPKEEP, READ): self._get_upkeep,
            (GROUP_NODE, smp.NODE_UPKEEP, WRITE): self._upkeep,
        }

    def _info(self, _arguments: dict, _role: int) -> dict:
        return self._node.info()

    def _get_config(self, _arguments: dict, _role: int) -> dict:
        return {"config": self._node.config}

    def _set_config(self, arguments: dict, _role: int) -> dict:
        try:
            self._node.configure(argument(arguments, "config", dict))
        except ConfigError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        return {"config": self._node.config}

    def _stream(self, arguments: dict, _role: int) -> dict:
        start = arguments.get("from", self._node.store.first)
        if not isinstance(start, int) or start < 0:
            raise Refused(smp.RC_INVALID, "from must be a sequence number")
        return self._node.stream(argument(arguments, "on", bool), start)

    def _acknowledge(self, arguments: dict, _role: int) -> dict:
        self._node.store.acknowledge(argument(arguments, "seq", int))
        return {"first": self._node.store.first}

    def _capture(self, arguments: dict, _role: int) -> dict:
        count = argument(arguments, "count", int)
        axes = argument(arguments, "axes", str)
        if not 0 < count <= 1 << 24 or not axes or [axis for axis in axes if axis not in "xyz"]:
            raise Refused(smp.RC_INVALID, "count must be 1..16777216, axes letters of xyz")
        answer = self._measurement.request_waveform(count, ["xyz".index(axis) for axis in axes])
        if not answer:
            raise Refused(smp.RC_BAD_STATE, "the node is not measuring (run, schedule, sensor)")
        if not answer["total"]:
            raise Refused(smp.RC_BUSY, "another capture is not done")
        return answer

    # -- the sensor

    def _get_calibration(self, _arguments: dict, _role: int) -> dict:
        return {"calibration": self._measurement.calibration}

    def _set_calibration(self, arguments: dict, _role: int) -> dict:
        # {} forgets it. The node restarts, so that no record is made half by the old one.
        try:
            kept = self._measurement.calibrate(argument(arguments, "calibration", dict))
        except CalibrationError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        self._node.request_reset()
        return {"calibration": kept}

    def _get_self_test(self, _arguments: dict, _role: int) -> dict:
        return self._measurement.self_test

    def _self_test(self, _arguments: dict, _role: int) -> dict:
        if not self._measurement.request_self_test():
            raise Refused(smp.RC_BUSY, "the self-test is running")
        return {}

    def _get_upkeep(self, _arguments: dict, _role: int) -> dict:
        from firmware import upkeep

        try:
            return upkeep.report(self._node.air)
        finally:
            forget("firmware.upkeep")

    def _upkeep(self, arguments: dict, _role: int) -> dict:
        from firmware import upkeep

        try:
            upkeep.request(self._node.air, arguments)
        finally:
            forget("firmware.upkeep")
        return {}
