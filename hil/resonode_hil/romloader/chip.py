"""An ESP32-family chip in download mode: commands in, answers out, a flash that remembers.

Source: Espressif, "Serial Protocol" (esptool documentation, Advanced Topics), and the chips'
technical reference manuals for the addresses of their registers.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

SECTOR = 4096

# Commands.
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA, SYNC = 0x05, 0x06, 0x07, 0x08
WRITE_REG, READ_REG, SET_PARAMS, ATTACH, CHANGE_BAUD = 0x09, 0x0A, 0x0B, 0x0D, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY_INFO = 0x10, 0x11, 0x12, 0x13, 0x14
ERASE_FLASH, ERASE_REGION = 0xD0, 0xD1  # of the stub only

# What is going on when a command arrives: where a test may pull the plug.
STAGES = {
    SYNC: "sync", READ_REG: "detect", SECURITY_INFO: "detect",
    MEM_BEGIN: "stub", MEM_DATA: "stub", MEM_END: "stub", ATTACH: "attach", SET_PARAMS: "attach",
    FLASH_BEGIN: "begin", DEFL_BEGIN: "begin", FLASH_DATA: "data", DEFL_DATA: "data",
    MD5: "verify", FLASH_END: "end", DEFL_END: "end", ERASE_FLASH: "erase",
}  # fmt: skip

_INVALID, _BAD_CHECKSUM, _FAILED = 0x05, 0x07, 0x06  # reasons of a refusal
_MAGIC_AT = 0x40001000
_READ_ID = 0x9F  # JEDEC: maker, type and size of a flash chip
_START = 1 << 18  # SPI_CMD: send the command now


@dataclass(frozen=True)
class Kind:
    """What tells one chip from another."""

    chip_id: int | None  # of GET_SECURITY_INFO; the first ESP32 has none
    magic: int  # at 0x40001000
    spi: int  # base of the flash's SPI controller
    usr2: int  # offset of SPI_USER2
    w0: int  # offset of SPI_W0
    registers: dict[int, int] = field(default_factory=dict)


CHIPS = {
    # The UART divides 40 MHz by 347 for 115200 baud: how the crystal is recognised.
    "esp32": Kind(None, 0x00F01D83, 0x3FF42000, 0x24, 0x80, {0x3FF40014: 347}),
    "esp32s3": Kind(9, 0x00000009, 0x60002000, 0x20, 0x58),
    "esp32c3": Kind(5, 0x1B31506F, 0x60002000, 0x20, 0x58),
    "esp32c6": Kind(13, 0x2CE0806F, 0x60003000, 0x20, 0x58),
}


class EspChip:
    """One chip.

    Args:
        name: of CHIPS.
        flash_bytes: size of its flash, a power of two.
        worn_at: address of a byte of flash that always reads as 0.

    `flash` is its flash; `begun` the address and size of each write.
    """

    def __init__(
        self, name: str, flash_bytes: int = 4 * 1024 * 1024, worn_at: int | None = None
    ) -> None:
        self._kind = CHIPS[name]
        self.flash = bytearray(b"\xff" * flash_bytes)
        self.begun: list[tuple[int, int]] = []
        self.stub = False
        self._worn_at = worn_at
        self._registers = {_MAGIC_AT: self._kind.magic, **self._kind.registers}
        self._at = 0
        self._inflate: zlib._Decompress | None = None

    gone = False  # it never leaves download mode by itself

    def stage(self, request: bytes) -> str | None:
        """What is going on when this packet comes."""
        return STAGES.get(request[1]) if len(request) >= 8 else None

    def answer(self, request: bytes) -> Iterator[bytes]:
        """Yield the packets that a chip sends for one packet."""
        direction, command, size, check = struct.unpack("<BBHI", request[:8])
        data = request[8:]
        if direction != 0 or len(data) != size:
            return
        if command == SYNC:
            for _ in range(8):
                yield self._reply(SYNC, value=0 if self.stub else 0x20120707)
        elif command == MEM_END and struct.unpack("<II", data)[1]:
            yield self._reply(MEM_END)
            self.stub = True
            yield b"OHAI"
        else:
            yield self._one(command, data, check)

    def _one(self, command: int, data: bytes, check: int) -> bytes:
        if command in (FLASH_DATA, DEFL_DATA, MEM_DATA):
            if _checksum(data[16:]) != check & 0xFF:
                return self._reply(command, reason=_BAD_CHECKSUM)
            if command != MEM_DATA:
                self._write(data[16:], packed=command == DEFL_DATA)
            return self._reply(command)
        if command == READ_REG:
            (address,) = struct.unpack("<I", data)
            return self._reply(command, value=self._registers.get(address, 0))
        if command == WRITE_REG:
            self._set_register(*struct.unpack("<II", data[:8]))
            return self._reply(command)
        if command in (FLASH_BEGIN, DEFL_BEGIN):
            return self._begin(command, *struct.unpack("<IIII", data[:16]))
        if command == MD5:
            at, size = struct.unpack("<II", data[:8])
            digest = hashlib.md5(self._read(at, size), usedforsecurity=False)
            # The ROM answers in hexadecimal, the stub in bytes.
            return self._reply(
                command, digest.digest() if self.stub else digest.hexdigest().encode()
            )
        if command == SECURITY_INFO and self._kind.chip_id is not None:
            return self._reply(command, struct.pack("<IB7xII", 0, 0, self._kind.chip_id, 0))
        if command == ERASE_FLASH and self.stub:
            self.flash[:] = b"\xff" * len(self.flash)
            return self._reply(command)
        if command in (MEM_BEGIN, MEM_END, ATTACH, SET_PARAMS, CHANGE_BAUD, FLASH_END, DEFL_END):
            return self._reply(command)
        return self._reply(command, reason=_INVALID)

    def _reply(self, command: int, data: bytes = b"", value: int = 0, reason: int = 0) -> bytes:
        status = bytes([1 if reason else 0, reason])
        # The ROM's status has two more bytes than the stub's.
        body = data + (status if self.stub else status + b"\0\0")
        return struct.pack("<BBHI", 1, command, len(body), value) + body

    def _set_register(self, address: int, value: int) -> None:
        kind = self._kind
        if address == kind.spi and value & _START:
            wanted = self._registers.get(kind.spi + kind.usr2, 0) & 0xFF
            answer = self._flash_id() if wanted == _READ_ID else 0
            self._registers[kind.spi + kind.w0] = answer
            return  # done at once: the bit reads as 0
        self._registers[address] = value

    def _flash_id(self) -> int:
        # Winbond, NOR; the third byte is the power of two of the size.
        return 0xEF | 0x40 << 8 | (len(self.flash).bit_length() - 1) << 16

    def _begin(self, command: int, size: int, _blocks: int, _block: int, at: int) -> bytes:
        if at + size > len(self.flash):
            return self._reply(command, reason=_FAILED)
        if size:
            self.begun.append((at, size))
        end = min(-(-(at + size) // SECTOR) * SECTOR, len(self.flash))
        self.flash[at:end] = b"\xff" * (end - at)
        self._at = at
        self._inflate = zlib.decompressobj() if command == DEFL_BEGIN else None
        return self._reply(command)

    def _write(self, data: bytes, *, packed: bool) -> None:
        if packed:
            assert self._inflate is not None
            data = self._inflate.decompress(data)
        self.flash[self._at : self._at + len(data)] = data
        self._at += len(data)

    def _read(self, at: int, size: int) -> bytes:
        data = bytearray(self.flash[at : at + size])
        if self._worn_at is not None and at <= self._worn_at < at + size:
            data[self._worn_at - at] = 0
        return bytes(data)


def _checksum(data: bytes) -> int:
    state = 0xEF
    for byte in data:
        state ^= byte
    return state
