# Runs on: MicroPython
# A board's serial port, read as it comes. sys.stdin.buffer on a chip reads until it has as many
# bytes as were asked for, and the whole node stands still until they have come.

import select
import sys
from asyncio import StreamReader

# sys.platform where a read returns what there is.
_UNIX = ("linux", "darwin")


class Console:
    def __init__(self, stdin) -> None:
        # Waits on the text stream: on a chip stdin.buffer and stdout.buffer are one object, and
        # whoever gave up waiting to read it would take the place of whoever waits to write it.
        self._come = StreamReader(stdin)
        self._nothing = bytearray()
        self._stream = stdin.buffer
        self._poll = select.poll()
        self._poll.register(stdin, select.POLLIN)

    async def read(self, most: int) -> bytes:
        # At least a byte, at most so many.
        await self._come.readinto(self._nothing)
        got = bytearray()
        while len(got) < most and self._poll.poll(0):
            got.extend(self._stream.read(1))
        return bytes(got)


def reader():
    # An object with `await read(most)` on this board's port.
    return StreamReader(sys.stdin.buffer) if sys.platform in _UNIX else Console(sys.stdin)
