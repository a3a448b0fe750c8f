"""SMP (MCUmgr's Simple Management Protocol): header, numbers, console framing.

Runs on: MicroPython and CPython. Source: Zephyr's SMP protocol and SMP-over-console pages.
"""

import struct
from binascii import a2b_base64, b2a_base64

from resonode_wire.crc import crc16
from resonode_wire.errors import WireError

HEADER_SIZE = 8
# Largest SMP message (header and body) a node takes or sends; its `buf_size` is this plus 4.
MAX_MESSAGE = 2048

READ, READ_RSP, WRITE, WRITE_RSP = 0, 1, 2, 3

GROUP_OS, GROUP_STAT, GROUP_ENUM = 0, 2, 10
OS_ECHO, OS_TASK_STATS, OS_DATETIME, OS_RESET, OS_PARAMETERS, OS_INFO = 0, 2, 4, 5, 6, 7
STAT_GROUP_DATA, STAT_GROUP_LIST = 0, 1
ENUM_COUNT, ENUM_LIST = 0, 1

# Our own group (user groups start at 64, which the SMP libraries give to another vendor).
GROUP_NODE = 65
NODE_INFO, NODE_CONFIG, NODE_STREAM, NODE_ACK, NODE_CAPTURE = 0, 1, 2, 3, 4
NODE_CALIBRATION, NODE_SELF_TEST, NODE_UPKEEP = 5, 6, 7
# Who may do what: security.py.
GROUP_SECURITY = 66
SEC_HELLO, SEC_HANDSHAKE, SEC_SEALED, SEC_IDENTIFY, SEC_LABEL = 0, 1, 2, 3, 4
SEC_CLAIM, SEC_ACCESS, SEC_ROTATE, SEC_REVOKE, SEC_RELEASE, SEC_CONSOLE = 5, 6, 7, 8, 9, 10

# mcumgr_err_t
RC_OK, RC_UNKNOWN, RC_NO_MEMORY, RC_INVALID, RC_TIMEOUT, RC_NO_ENTRY = 0, 1, 2, 3, 4, 5
RC_BAD_STATE, RC_TOO_LARGE, RC_NOT_SUPPORTED, RC_CORRUPT, RC_BUSY = 6, 7, 8, 9, 10
RC_ACCESS_DENIED, RC_TOO_OLD, RC_TOO_NEW = 11, 12, 13

_LINE_START = b"\x06\x09"
_LINE_MORE = b"\x04\x14"
_LINE_MAX = 127


def pack(op: int, group: int, seq: int, command: int, body: bytes, version: int = 1) -> bytes:
    """Return one SMP message."""
    first = (version & 3) << 3 | op
    return struct.pack(">BBHHBB", first, 0, len(body), group, seq, command) + body


def unpack(message: bytes) -> tuple:
    """Return (op, version, group, seq, command, body). Raises WireError on a bad length."""
    if len(message) < HEADER_SIZE:
        raise WireError("SMP message is shorter than its header")
    first, _flags, size, group, seq, command = struct.unpack(">BBHHBB", message[:HEADER_SIZE])
    if size != len(message) - HEADER_SIZE:
        raise WireError("SMP length field does not match the message")
    return first & 7, first >> 3 & 3, group, seq, command, message[HEADER_SIZE:]


def console_lines(message: bytes) -> bytes:
    """Return `message` in SMP console framing: newline-ended base64 lines of <= 127 bytes."""
    packet = struct.pack(">H", len(message) + 2) + message + struct.pack(">H", crc16(message))
    step = (_LINE_MAX - 3) // 4 * 3
    out = bytearray()
    for at in range(0, len(packet), step):
        out.extend(_LINE_START if at == 0 else _LINE_MORE)
        out.extend(b2a_base64(packet[at : at + step]))  # ends with a newline
    return bytes(out)


class ConsoleAssembler:
    """Puts the lines of SMP console framing together again."""

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self.max_message = max_message
        self.abandoned = 0  # messages whose end never came
        self._packet = b""
        self._begun = False

    @property
    def pending(self) -> bool:
        """Whether more lines of a message must come."""
        return self._begun

    def abandon(self) -> None:
        """Give up the message that is pending, if there is one."""
        if self._begun:
            self.abandoned += 1
            self._begun = False

    def line(self, line: bytes):
        """Take one line without its newline.

        Returns None if it is no SMP line, b"" if more lines must come, else the message.
        Raises WireError if the line ends a damaged or oversized message.
        """
        start = line.rfind(_LINE_START)
        more = line.rfind(_LINE_MORE)
        if start < 0 and more < 0:
            return None
        try:
            part = a2b_base64(line[max(start, more) + 2 :])
        except ValueError:
            self._begun = False
            raise WireError("SMP console line is not base64") from None
        if start > more:
            self.abandon()
            self._packet = b""
            self._begun = True
        elif not self._begun:
            raise WireError("SMP console line continues nothing")
        self._packet += part
        return self._complete()

    def _complete(self):
        packet = self._packet
        if len(packet) < 2:
            return b""
        size = packet[0] << 8 | packet[1]
        if size > self.max_message + 2 or size < HEADER_SIZE + 2:
            self._begun = False
            raise WireError(f"SMP console message of {size} bytes is out of bounds")
        if len(packet) < size + 2:
            return b""
        self._begun = False
        message = packet[2:size]
        if crc16(message) != packet[size] << 8 | packet[size + 1]:
            raise WireError("SMP console message has a wrong CRC")
        return message
