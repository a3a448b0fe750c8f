# Runs on: MicroPython
# A board's serial port as a stream of whatever has come. sys.stdin.buffer on a chip reads until it
# has as many bytes as were asked for, and the whole node stands still until they have come.

import io
import select

_POLL = 3  # MP_STREAM_POLL


class Console(io.IOBase):
    def __init__(self, stream) -> None:
        self._stream = stream
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)

    def read(self, most: int):
        # At most so many bytes; None when there are none.
        got = bytearray()
        while len(got) < most and self._poll.poll(0):
            got.extend(self._stream.read(1))
        return bytes(got) or None

    def ioctl(self, request: int, flags: int) -> int:
        if request != _POLL:
            return -1
        return flags & select.POLLIN if self._poll.poll(0) else 0
