# Runs on: MicroPython and CPython
# Sensirion's frames on a UART: 7E | address command [state] length data checksum | 7E, with the
# bytes that mean something stuffed.
# Source: SPS30 datasheet, version 1.0 (March 2020), section 5.

from firmware.drivers import SensorError

_EDGE, _ESCAPE = 0x7E, 0x7D
_STUFFED = (0x7E, 0x7D, 0x11, 0x13)  # sent as 7D and the byte with bit 5 inverted
_ADDRESS = 0
# What a state of an answer says; bit 7 tells of an error in the device status register.
_STATES = {
    0x01: "wrong length of data",
    0x02: "unknown command",
    0x03: "no right to use the command",
    0x04: "parameter out of range",
    0x28: "argument out of range",
    0x43: "not possible in its present state",
}


def _checksum(data) -> int:
    return ~sum(data) & 0xFF


def request(command: int, data=b"") -> bytes:
    plain = bytearray((_ADDRESS, command, len(data)))
    plain.extend(data)
    plain.append(_checksum(plain))
    frame = bytearray((_EDGE,))
    for byte in plain:
        if byte in _STUFFED:
            frame.append(_ESCAPE)
            byte ^= 0x20
        frame.append(byte)
    frame.append(_EDGE)
    return bytes(frame)


def data_of(frame, command: int, name: str) -> bytes:
    # The data of an answer to `command`, given what stood between its two edges.
    plain = _unstuffed(frame)
    if len(plain) < 5 or len(plain) != 5 + plain[3] or _checksum(plain[:-1]) != plain[-1]:
        raise SensorError(f"{name}: damaged answer (checksum): check wiring")
    if plain[0] != _ADDRESS or plain[1] != command:
        raise SensorError(f"{name} answers command 0x{plain[1]:02X} where it was 0x{command:02X}")
    state = plain[2] & 0x7F
    if state:
        what = _STATES.get(state, f"error 0x{state:02X}")
        raise SensorError(f"{name} refuses command 0x{command:02X}: {what}")
    return bytes(plain[4:-1])


def _unstuffed(frame) -> bytearray:
    plain = bytearray()
    flip = 0
    for byte in frame:
        if byte == _ESCAPE:
            flip = 0x20
            continue
        plain.append(byte ^ flip)
        flip = 0
    return plain


def first_frame(buffer):
    # What stands between the first two edges, or None: not all of it has come.
    start = buffer.find(b"\x7e")
    while start >= 0:
        end = buffer.find(b"\x7e", start + 1)
        if end != start + 1:
            return buffer[start + 1 : end] if end > 0 else None
        start = end  # two in a row: the end of one frame and the beginning of the next
    return None
