"""Images as the boards' makers lay them out, full of bytes that a mistake would show in."""

from __future__ import annotations

import random
import struct

CHIP_NUMBERS = {"esp32": 0, "esp32s3": 9, "esp32c3": 5, "esp32c6": 13}


def esp(chip: str, offset: int, size: int = 70_000) -> bytes:
    """A complete ESP32 image for flashing at `offset`: loader, partition table, application."""
    data = bytearray(random.Random(chip).randbytes(size))
    data[0] = 0xE9
    # Flash parameters that esptool leaves as they are.
    data[1:4] = b"\x03\x02\x2f"
    data[12:14] = struct.pack("<H", CHIP_NUMBERS[chip])
    table = 0x8000 - offset
    data[table : table + 2] = b"\xaa\x50"
    return bytes(data)


def uf2(first: int, size: int = 40_000, family: int | None = 0xADA52840) -> tuple[bytes, bytes]:
    """(a UF2 file, what it writes from address `first`)."""
    content = random.Random(first).randbytes(size // 256 * 256)
    count = len(content) // 256
    blocks = []
    for number in range(count):
        flags = 0 if family is None else 0x2000
        head = (0x0A324655, 0x9E5D5157, flags, first + number * 256, 256, number, count)
        block = struct.pack("<8I", *head, family or 0) + content[number * 256 :][:256]
        blocks.append(block.ljust(508, b"\0") + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks), content


def hex_file(*pieces: tuple[int, bytes], end: bool = True) -> bytes:
    """An Intel hex file of (address, bytes)."""
    lines = []
    for address, data in pieces:
        for at in range(0, len(data), 16):
            here = address + at
            lines.append(_record(4, 0, (here >> 16).to_bytes(2, "big")))
            lines.append(_record(0, here & 0xFFFF, data[at : at + 16]))
    if end:
        lines.append(_record(1, 0, b""))
    return "\r\n".join(lines).encode() + b"\r\n"


def _record(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()
