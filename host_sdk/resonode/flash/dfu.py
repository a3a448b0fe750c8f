"""Serial DFU of nRF52 bootloaders: for boards whose drive cannot be mounted.

Source: Nordic, nRF5 SDK 11, "DFU over serial (HCI)" and "Init packet", which Adafruit's bootloader
keeps: SLIP (RFC 1055), a header of Bluetooth's three-wire transport (Core Specification, Vol. 4,
Part D), a CRC-16 (CCITT).
"""

from __future__ import annotations

import binascii
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import serial

from resonode.boards import Board
from resonode.errors import Disconnected, DoesNotFit, Timeout, VerifyFailed
from resonode.flash.report import Flashed
from resonode.link import open_port

_BAUD = 115200
_INIT, _START, _DATA, _STOP = 1, 3, 4, 5
_APPLICATION = 4
# Reliable, with CRC; of kind 14, a vendor's.
_FLAGS, _KIND = 0xC0, 14
_PIECE = 512  # bytes of the image in a packet
_PAGE = 4096
# nRF52840 Product Specification, NVMC: a page is erased in at most 85 ms and written (41 us a word)
# in 42; its processor stands still meanwhile.
_ERASE_PAGE_S, _WRITE_PAGE_S = 0.09, 0.05
_ANSWER_S, _TRIES = 1.0, 4
_RESTART_S = 5.0

_AGAIN = "Press the board's reset button twice, quickly, and flash it again"


def flash(
    board: Board, first: int, image: bytes, port: str, on_progress: Callable[[str, float], None]
) -> Flashed:
    """Send `image`, which begins at address `first`, to the bootloader on the port.

    Raises:
        NodeNotFound, PortBusy, PortForbidden: the port cannot be opened.
        Timeout: no bootloader answers.
        Disconnected: the board went away before it had everything.
        VerifyFailed: the bootloader did not start what it was given.
    """
    facts = board.hardware["flash"]
    if first != facts["first"]:
        raise DoesNotFit(
            f"The image begins at 0x{first:X}",
            why=f"an application begins at 0x{facts['first']:X}",
            next="Build it with the SoftDevice that the board has",
        )
    image = image + b"\xff" * (-len(image) % 4)
    device, softdevice = (int(facts[key], 0) for key in ("dfu_device", "softdevice_id"))
    crc = binascii.crc_hqx(image, 0xFFFF)
    # Any revision, any version; one SoftDevice; the image's CRC.
    init = struct.pack("<HHIHHHxx", device, 0xFFFF, 0xFFFFFFFF, 1, softdevice, crc)
    with _Link(port) as link:
        on_progress("erasing", 0.0)
        link.send(_START, struct.pack("<4I", _APPLICATION, 0, 0, len(image)))
        time.sleep(-(-len(image) // _PAGE) * _ERASE_PAGE_S)
        link.send(_INIT, init)
        for at in range(0, len(image), _PIECE):
            link.send(_DATA, image[at : at + _PIECE])
            on_progress("writing", min(1.0, (at + _PIECE) / len(image)))
            if (at + _PIECE) % _PAGE == 0:
                time.sleep(_WRITE_PAGE_S)
        link.send(_STOP, b"", answered=False)
        on_progress("restarting", 1.0)
        if not link.gone_within(_RESTART_S):
            raise VerifyFailed(
                "The board did not start the new image",
                why="its bootloader is still there: a CRC, its kind of board or its SoftDevice "
                "is another than the image's",
                next=_AGAIN,
            )
    return Flashed(
        board.name, "nRF52840", first, len(image), "the bootloader's CRC, and it restarted"
    )


class _Link:
    """Packets, each sent again until it is acknowledged."""

    def __init__(self, port: str) -> None:
        self._serial: Any = open_port(port, _BAUD)
        self._sequence = 1

    def __enter__(self) -> _Link:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._serial.close()

    def send(self, command: int, data: bytes, *, answered: bool = True) -> None:
        """Send one packet. `answered`: it counts as lost without an acknowledgement."""
        packet = self._packet(struct.pack("<I", command) + data)
        self._sequence = (self._sequence + 1) % 8
        try:
            for _ in range(_TRIES):
                self._serial.write(packet)
                if self._acknowledged():
                    return
        except (OSError, serial.SerialException) as error:
            if not answered:
                return  # it may restart before it answers
            raise Disconnected("The board went away", why=str(error), next=_AGAIN) from error
        if answered:
            raise Timeout(
                "The bootloader does not answer",
                why=f"{_TRIES} packets were not acknowledged",
                next=_AGAIN,
            )

    def _packet(self, payload: bytes) -> bytes:
        following = (self._sequence + 1) % 8
        head = [_FLAGS | following << 3 | self._sequence]
        head += [_KIND | (len(payload) & 15) << 4, len(payload) >> 4]
        packet = bytes([*head, -sum(head) & 0xFF]) + payload
        packet += binascii.crc_hqx(packet, 0xFFFF).to_bytes(2, "little")
        return (
            b"\xc0" + packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"
        )

    def _acknowledged(self) -> bool:
        """Whether the bootloader now expects the packet after the last one."""
        deadline_s = time.monotonic() + _ANSWER_S
        got = b""
        while time.monotonic() < deadline_s:
            got += self._serial.read(64)
            for packet in got.split(b"\xc0")[1:-1]:
                whole = len(packet) == 4 and sum(packet) & 0xFF == 0
                if whole and packet[0] >> 3 & 7 == self._sequence:
                    return True
            time.sleep(0.001)
        return False

    def gone_within(self, timeout_s: float) -> bool:
        """Whether the port hangs up in time, as it does when the board restarts."""
        deadline_s = time.monotonic() + timeout_s
        try:
            while time.monotonic() < deadline_s:
                self._serial.read(64)
                self._serial.in_waiting  # noqa: B018  asks the system, which tells a hang-up
                time.sleep(0.01)
        except (OSError, serial.SerialException):
            return True
        return False
