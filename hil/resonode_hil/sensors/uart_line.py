"""A serial line from a sensor to the board: bytes arrive one after the other, at the baud rate."""

from __future__ import annotations

from collections import deque


class UartLine:
    """What a sensor has sent and the board has not fetched.

    Args:
        baudrate: ten bits make a byte.
    """

    def __init__(self, baudrate: int) -> None:
        self._byte_us = 10e6 / baudrate
        self._waiting: deque[tuple[float, int]] = deque()  # (when it has arrived, byte)
        self._free_us = 0.0

    def send(self, t_us: float, data: bytes) -> None:
        """Send `data` from board time `t_us` on, or when what was sent before is through."""
        self._free_us = max(self._free_us, t_us)
        for byte in data:
            self._free_us += self._byte_us
            self._waiting.append((self._free_us, byte))

    def arrived(self, t_us: float, most: int) -> bytes:
        """Return what has arrived by `t_us`, at most so many bytes, once."""
        data = bytearray()
        while self._waiting and self._waiting[0][0] <= t_us and len(data) < most:
            data.append(self._waiting.popleft()[1])
        return bytes(data)

    def clear(self) -> None:
        """Forget what was not fetched."""
        self._waiting.clear()
