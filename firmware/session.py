# Runs on: MicroPython and CPython
# Management over one link: one SMP request in, one response out, no I/O. This file knows the
# protocol, who may do what (roles.py), and sealed messages; the *_commands files do the rest. Only
# those that a stream needs are in memory all the time.

from firmware.access import Access
from firmware.command import Refused, argument
from firmware.node_commands import NodeCommands
from firmware.passing import forget
from firmware.roles import LEAST_ROLE
from resonode_wire import cbor, smp
from resonode_wire.errors import WireError
from resonode_wire.sealing import MESSAGE_OVERHEAD
from resonode_wire.security import ROLE_ANYONE

# Frame length and CRC share a standard client's idea of our buffer.
_BUFFER = smp.MAX_MESSAGE + 4
_SEALED = (smp.GROUP_SECURITY, smp.SEC_SEALED, smp.WRITE)


class Session:
    def __init__(self, node, measurement, access: Access) -> None:
        self.access = access
        self._node = node
        self._inside = False  # a sealed message is being answered
        self._commands: dict = {_SEALED: self._sealed}
        self._commands.update(NodeCommands(node, measurement).commands)

    def handle(self, request: bytes):
        # The response, or None for what is no request (a stray answer desynchronises a client).
        return self._respond(request, self.access.plain_role)

    def _respond(self, request, role: int):
        try:
            op, version, group, seq, command, body = smp.unpack(request)
        except WireError:
            return None
        if op not in (smp.READ, smp.WRITE):
            return None
        try:
            answer = self._answer(version, (group, command, op), body, role)
        except Refused as refused:
            answer = _refusal(refused.rc, refused.reason)
        except Exception as error:  # a request's boundary: told to the host and counted
            self._node.report("request", error)
            answer = _refusal(smp.RC_UNKNOWN, f"{type(error).__name__}: {error}")
        return smp.pack(op + 1, group, seq, command, answer, version & 1)

    def _answer(self, version: int, key: tuple, body: bytes, role: int):
        # The answer's body.
        if version > 1:
            raise Refused(smp.RC_TOO_NEW)
        least = LEAST_ROLE.get(key)
        if least is None or role < least:
            # Strangers are not told what there is.
            unknown = least is None and role > ROLE_ANYONE
            raise Refused(smp.RC_NOT_SUPPORTED if unknown else smp.RC_ACCESS_DENIED)
        try:
            arguments = cbor.loads(body) if body else {}
        except WireError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        if not isinstance(arguments, dict):
            raise Refused(smp.RC_INVALID, "the body must be a map")
        command = self._commands.get(key)
        answer = command(arguments, role) if command else self._answer_rare(key, arguments, role)
        return answer if key == _SEALED else cbor.dumps(answer)  # that one is a body already

    def _answer_rare(self, key: tuple, arguments: dict, role: int) -> dict:
        try:
            return self._rare(key[0])[key](arguments, role)
        finally:
            forget("firmware.standard_commands", "firmware.trust_commands")

    def _rare(self, group: int) -> dict:
        # Commands that are asked now and then: loaded for the request.
        if group == smp.GROUP_SECURITY:
            from firmware.trust_commands import TrustCommands

            return TrustCommands(self._node, self.access).commands
        from firmware.standard_commands import StandardCommands

        return StandardCommands(self._node, self._groups, self._buffer).commands

    def _sealed(self, arguments: dict, _role: int) -> bytearray:
        if self._inside:
            raise Refused(smp.RC_BAD_STATE, "sealed twice")
        access = self.access
        request = access.open(argument(arguments, "n", int), argument(arguments, "d", bytes))
        self._inside = True
        try:
            reply = self._respond(request, access.role)
        finally:
            self._inside = False
        if reply is None:
            raise Refused(smp.RC_INVALID, "what was sealed is no request")
        return access.seal_body(reply)

    def _groups(self) -> list:
        return sorted({group for group, _command, _op in LEAST_ROLE})

    def _buffer(self) -> int:
        return _BUFFER - MESSAGE_OVERHEAD if self._inside else _BUFFER


def _refusal(rc: int, reason: str) -> bytes:
    return cbor.dumps({"rc": rc, "rsn": reason} if reason else {"rc": rc})
