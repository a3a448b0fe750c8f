"""The serial DFU of an nRF52 bootloader: packets in, acknowledgements out, a flash that remembers.

Source: Nordic, nRF5 SDK 11, "DFU over serial (HCI)" and "Init packet", which Adafruit's bootloader
keeps: Bluetooth's three-wire transport (Core Specification, Vol. 4, Part D) in SLIP, each packet
with a header checksum and a CRC-16; one out of sequence is acknowledged again and not taken.
adafruit-nrfutil 0.5.3 programs this stand-in (tried by hand: it is no dependency).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

INIT, START, DATA, STOP = 1, 3, 4, 5
_STAGES = {START: "begin", INIT: "init", DATA: "data", STOP: "end"}
_HEADER, _CRC = 4, 2
_HCI, _RELIABLE, _CHECKED = 14, 0x80, 0x40
_APPLICATION = 4
_ANY_SOFTDEVICE = 0xFFFE


class DfuChip:
    """One board that waits.

    Args:
        device: the kind of board that an init packet must name.
        softdevice: number of the SoftDevice that is on it.
        first: where the application goes.
        deaf_to: numbers, from 0, of packets that are not heard.
        spoils: a byte of the image arrives wrong.

    `flash` is the application, `gone` is set once it was started.
    """

    def __init__(
        self,
        *,
        device: int,
        softdevice: int,
        deaf_to: frozenset[int] = frozenset(),
        spoils: bool = False,
    ) -> None:
        self.flash = b""
        self.gone = False
        self.heard = 0
        self._device, self._softdevice = device, softdevice
        self._deaf_to, self._spoils = deaf_to, spoils
        self._expects = 1
        self._size = 0
        self._crc: int | None = None

    def stage(self, request: bytes) -> str | None:
        """What is going on when this packet comes."""
        return _STAGES.get(request[_HEADER]) if len(request) > _HEADER else None

    def answer(self, request: bytes) -> Iterator[bytes]:
        """Yield the acknowledgement of one packet, if it arrived well."""
        number, self.heard = self.heard, self.heard + 1
        if number in self._deaf_to or not _is_whole(request):
            return
        if request[0] & 7 == self._expects:
            self._expects = (self._expects + 1) % 8
            self._take(request[_HEADER:-_CRC])
        head = [self._expects << 3, 0, 0]
        yield bytes([*head, -sum(head) & 0xFF])

    def _take(self, payload: bytes) -> None:
        (command,) = struct.unpack_from("<I", payload)
        if command == START:
            mode, _softdevice, _bootloader, self._size = struct.unpack_from("<4I", payload, 4)
            assert mode == _APPLICATION
        elif command == INIT:
            device, _revision, _version, count = struct.unpack_from("<HHIH", payload, 4)
            *softdevices, crc = struct.unpack_from(f"<{count + 1}H", payload, 14)
            if device == self._device and {self._softdevice, _ANY_SOFTDEVICE} & set(softdevices):
                self._crc = crc
        elif command == DATA:
            self.flash += payload[4:]
        elif command == STOP:
            if self._spoils:
                self.flash = self.flash[:-1] + bytes([self.flash[-1] ^ 1])
            whole = len(self.flash) == self._size
            self.gone = whole and binascii.crc_hqx(self.flash, 0xFFFF) == self._crc


def _is_whole(packet: bytes) -> bool:
    if len(packet) < _HEADER + _CRC or sum(packet[:_HEADER]) & 0xFF:
        return False
    flags, kind = packet[0], packet[1] & 15
    size = packet[1] >> 4 | packet[2] << 4
    good = flags & _RELIABLE and flags & _CHECKED and kind == _HCI
    crc = int.from_bytes(packet[-_CRC:], "little")
    whole = len(packet) == _HEADER + size + _CRC
    return bool(good and whole and binascii.crc_hqx(packet[:-_CRC], 0xFFFF) == crc)
