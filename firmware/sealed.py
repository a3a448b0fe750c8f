# Runs on: MicroPython and CPython
# What travels after a handshake: messages sealed under a counter of their direction, with the
# channel they belong to as associated data. No I/O.
#
#   management   counter and sealed text are fields of an SMP message: seal_body(), open()
#   telemetry    counter u32, big-endian | sealed text: seal_frame(), open_frame()
#
# Sealed text is the cipher text and 16 bytes of tag.

import struct

from firmware.cipher import Cipher, NoiseError
from resonode_wire.frame import CHANNEL_TELEMETRY
from resonode_wire.sealing import END_MESSAGES, END_S, RECORD_OVERHEAD, TAG, Window, sealed_body


class SealError(Exception):
    pass


class SealedSession:
    def __init__(self, send: Cipher, receive: Cipher, now_s: float) -> None:
        self._send = send
        self._receive = receive
        self._window = Window()
        self._began_s = now_s

    # -- age

    def over(self, now_s: float) -> bool:
        # Who calls it ends the session; by count it refuses by itself.
        return self._messages() >= END_MESSAGES or now_s - self._began_s >= END_S

    def _messages(self) -> int:
        return max(self._send.next, self._window.newest + 1)

    # -- management

    def seal_body(self, channel: int, message) -> bytearray:
        # The body of the SMP message that carries it.
        size = len(message) + TAG
        body, at = sealed_body(self._send.next, size)
        self._seal(channel, message, memoryview(body)[at : at + size])
        return body

    def open(self, channel: int, counter: int, text) -> memoryview:
        # A wrong counter, a replay or a forgery changes nothing, and is a SealError.
        if not isinstance(counter, int) or not 0 <= counter < END_MESSAGES:
            raise SealError("the counter is out of range")
        if not isinstance(text, (bytes, bytearray, memoryview)):
            raise SealError("the sealed text is no string of bytes")
        if not self._window.fresh(counter):
            raise SealError("the counter was used before, or is too old")
        copy = bytearray(text)
        try:
            self._receive.open(counter, bytes((channel,)), copy)
        except NoiseError as error:
            raise SealError(str(error)) from None
        self._window.mark(counter)
        return memoryview(copy)[: len(copy) - TAG]

    # -- telemetry

    def seal_record(self, record):
        # None when the session has had its messages.
        if self._send.next >= END_MESSAGES:
            return None
        return self.seal_frame(CHANNEL_TELEMETRY, record)

    def seal_frame(self, channel: int, payload) -> bytearray:
        frame = bytearray(len(payload) + RECORD_OVERHEAD)
        counter = self._seal(channel, payload, memoryview(frame)[4:])
        struct.pack_into(">I", frame, 0, counter)
        return frame

    def open_frame(self, channel: int, frame) -> memoryview:
        if len(frame) < RECORD_OVERHEAD:
            raise SealError("shorter than an empty frame")
        counter = struct.unpack_from(">I", frame, 0)[0]
        return self.open(channel, counter, memoryview(frame)[4:])

    # -- the end

    def wipe(self) -> None:
        self._send.wipe()
        self._receive.wipe()

    def _seal(self, channel: int, message, text) -> int:
        if self._send.next >= END_MESSAGES:
            raise SealError("too many messages under one key")
        text[: len(message)] = message
        try:
            return self._send.seal_next(bytes((channel,)), text)
        except NoiseError as error:
            raise SealError(str(error)) from None
