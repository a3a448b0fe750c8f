# Runs on: MicroPython and CPython
# What this node may be told: what its firmware knows, its accelerometer can do, and its memory
# holds. The tables and checks take memory themselves, so they are only loaded while they are asked.

from firmware.analysis import buffer_bytes
from firmware.errors import ConfigError
from firmware.passing import forget


class Settings:
    def __init__(self, sensor, board) -> None:
        # sensor: the chip fitted.
        self._sensor = sensor
        self._board = board

    def usual(self) -> dict:
        # The configuration of a node that nobody has told anything.
        from firmware import config, limits

        try:
            return config.changed(limits.defaults(self._sensor), self._board.data["config"])
        finally:
            _forget()

    def changed(self, current: dict, changes: dict) -> dict:
        # A new configuration with `changes`, all of them or (ConfigError) none.
        from firmware import config, limits

        try:
            result = config.changed(current, changes)
            limits.check(result, self._sensor)
        finally:
            _forget()
        self._check_board(result)
        return result

    def _check_board(self, result: dict) -> None:
        if result["sleep"] == "light" and not self._board.sleeps_lightly:
            raise ConfigError("sleep must be idle: on this board MicroPython has no light sleep")
        if result["shaft_source"] == "tachometer" and self._board.data.get("tachometer") is None:
            raise ConfigError(
                "shaft_source must be configured or estimated: this board has no tachometer input"
            )
        needed, most = buffer_bytes(result, self._sensor), self._board.data["buffer_bytes"]
        if needed > most:
            raise ConfigError(
                f"needs {needed} bytes of buffers where this board gives {most}: "
                "fewer envelope_axes or velocity_axes, or shorter windows"
            )


def _forget() -> None:
    forget("firmware.limits", "firmware.config")
