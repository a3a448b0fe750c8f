# Runs on: MicroPython and CPython
# The commands of group 66: coming in, and changing who may.

from firmware import primitives
from firmware.access import Access
from firmware.command import Refused, argument, sized
from firmware.ownership import OwnershipError
from firmware.vault import fingerprint
from resonode_wire import security, smp
from resonode_wire.errors import WireError
from resonode_wire.security import KEY, ROLE_ANYONE, ROLE_VIEWER, SIGNATURE
from resonode_wire.smp import GROUP_SECURITY, READ, WRITE

_LONGEST_BLINK_S = 60


class TrustCommands:
    def __init__(self, node, access: Access) -> None:
        self._node = node
        self._access = access
        self._trust = access.trust
        self.commands = {
            (GROUP_SECURITY, smp.SEC_HELLO, READ): self._hello,
            (GROUP_SECURITY, smp.SEC_HANDSHAKE, WRITE): self._handshake,
            (GROUP_SECURITY, smp.SEC_IDENTIFY, WRITE): self._identify,
            (GROUP_SECURITY, smp.SEC_LABEL, READ): self._read_label,
            (GROUP_SECURITY, smp.SEC_LABEL, WRITE): self._take_label,
            (GROUP_SECURITY, smp.SEC_CLAIM, WRITE): self._claim,
            (GROUP_SECURITY, smp.SEC_ACCESS, READ): self._tell_access,
            (GROUP_SECURITY, smp.SEC_ROTATE, WRITE): self._rotate,
            (GROUP_SECURITY, smp.SEC_REVOKE, WRITE): self._revoke,
            (GROUP_SECURITY, smp.SEC_RELEASE, WRITE): self._release,
            (GROUP_SECURITY, smp.SEC_CONSOLE, WRITE): self._console,
        }

    # -- anyone

    def _hello(self, _arguments: dict, _role: int) -> dict:
        return self._trust.hello()

    def _handshake(self, arguments: dict, role: int) -> dict:
        if role > ROLE_ANYONE:
            raise Refused(smp.RC_BAD_STATE, "a handshake goes outside any session")
        message = argument(arguments, "m", bytes)
        if "p" in arguments:
            return {"m": self._access.begin(argument(arguments, "p", str), message)}
        return {"role": self._access.finish(message)}

    def _identify(self, arguments: dict, role: int) -> dict:
        if self._trust.ownership.claimed and role < ROLE_VIEWER:
            raise Refused(smp.RC_ACCESS_DENIED, "the node is claimed: only who may read it")
        seconds = argument(arguments, "seconds", int)
        if not 1 <= seconds <= _LONGEST_BLINK_S:
            raise Refused(smp.RC_INVALID, f"seconds must be 1..{_LONGEST_BLINK_S}")
        self._node.identify(seconds)
        return {}

    def _read_label(self, _arguments: dict, _role: int) -> dict:
        self._refuse_label()
        trust = self._trust
        return {"node": trust.node_id, "fp": trust.vault.fingerprint, "code": trust.vault.code}

    def _take_label(self, arguments: dict, _role: int) -> dict:
        self._refuse_label()
        if argument(arguments, "taken", bool):
            self._trust.ownership.take_label()
        return {}

    def _refuse_label(self) -> None:
        # Once printed, the code is only on the label: whoever comes to the link has not seen it.
        if self._trust.ownership.label_taken:
            raise Refused(smp.RC_ACCESS_DENIED, "the label was printed already")

    # -- who knows the code

    def _claim(self, arguments: dict, _role: int) -> dict:
        trust = self._trust
        hashed = self._access.hash
        if trust.ownership.claimed or not hashed:
            raise Refused(smp.RC_BAD_STATE, "a claim needs the session that the code opened")
        owner = sized(arguments, "owner", KEY)
        signature = sized(arguments, "sig", SIGNATURE)
        time_s = argument(arguments, "time_s", int)
        if not 0 <= time_s < 1 << 40:  # what is later is no date, and would stay for good
            raise Refused(smp.RC_INVALID, "time_s is Unix time")
        statement = security.claim_statement(hashed, trust.vault.fingerprint)
        if not primitives.verify(owner, statement, signature):
            raise Refused(smp.RC_ACCESS_DENIED, "the claim is not signed by that owner")
        trust.ownership.claim(owner)
        self._access.become_owner(owner)
        trust.wall_clock.advance(time_s)
        return {"epoch": trust.ownership.epoch}

    # -- a session

    def _tell_access(self, _arguments: dict, role: int) -> dict:
        ownership = self._trust.ownership
        return {
            "role": role,
            "owner": fingerprint(ownership.owner) if ownership.claimed else b"",
            "epoch": ownership.epoch,
            "generation": self._trust.vault.generation,
            "denied": len(ownership.denied),
        }

    # -- the owner

    def _rotate(self, _arguments: dict, _role: int) -> dict:
        self._trust.vault.rotate()
        return {"certificate": self._trust.vault.certificate}

    def _revoke(self, arguments: dict, _role: int) -> dict:
        ownership = self._refuse_unowned()
        epoch = arguments.get("epoch", ownership.epoch)
        deny = arguments.get("deny", [])
        good = isinstance(epoch, int) and isinstance(deny, list) and 0 <= epoch < 1 << 32
        if not good or [key for key in deny if not isinstance(key, bytes) or len(key) != KEY]:
            raise Refused(smp.RC_INVALID, "epoch is a number, deny a list of keys")
        try:
            ownership.revoke(epoch, deny)
        except OwnershipError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        return {"epoch": ownership.epoch, "denied": len(ownership.denied)}

    def _release(self, arguments: dict, _role: int) -> dict:
        ownership = self._refuse_unowned()
        signature = sized(arguments, "sig", SIGNATURE)
        # The owner chooses the code, so that he knows it even if our answer never reaches him.
        try:
            code = security.read_code(argument(arguments, "code", str))
        except WireError as error:
            raise Refused(smp.RC_INVALID, str(error)) from None
        fp = self._trust.vault.fingerprint
        statement = security.release_statement(fp, ownership.epoch, code)
        if not primitives.verify(ownership.owner, statement, signature):
            raise Refused(smp.RC_ACCESS_DENIED, "the release is not signed by this node's owner")
        ownership.release(code)
        self._node.forget_owner()
        return {"epoch": ownership.epoch}

    def _console(self, _arguments: dict, _role: int) -> dict:
        self._node.request_console()
        return {}

    def _refuse_unowned(self):
        if not self._trust.ownership.claimed:
            raise Refused(smp.RC_BAD_STATE, "nobody owns this node")
        return self._trust.ownership
