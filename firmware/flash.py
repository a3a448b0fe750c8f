# Runs on: MicroPython and CPython
# Small files that survive a power cut: the old or the new content, never a part of either.

import os
from binascii import crc32

from resonode_wire import cbor
from resonode_wire.errors import WireError


def save(path: str, value) -> None:
    # Written beside the old file, then renamed over it, which both littlefs and POSIX do whole.
    body = cbor.dumps(value)
    with open(path + ".new", "wb") as file:
        file.write(body)
        file.write(crc32(body).to_bytes(4, "big"))
    os.rename(path + ".new", path)


def load(path: str):
    # The value, or None if the file is absent. Raises ValueError if it is damaged.
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    body, crc = data[:-4], data[-4:]
    if len(data) < 5 or crc32(body).to_bytes(4, "big") != crc:
        raise ValueError(f"{path} is damaged")
    try:
        return cbor.loads(body)
    except WireError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
