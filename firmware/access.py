# Runs on: MicroPython and CPython
# The door of one link: handshakes, the session that one opened, and as whom its peer may act.
# No I/O. What all doors of a node share (keys, owner, clock, lockout) is Trust.

from firmware import primitives
from firmware.cipher import NoiseError
from firmware.command import Refused
from firmware.lockout import Lockout
from firmware.ownership import Ownership
from firmware.passing import forget
from firmware.sealed import SealedSession, SealError
from firmware.vault import Vault, fingerprint
from firmware.wall_clock import WallClock, show
from resonode_wire import WIRE_VERSION, security, smp
from resonode_wire.errors import WireError
from resonode_wire.frame import CHANNEL_SMP
from resonode_wire.security import ROLE_ANYONE, ROLE_OWNER, ROLE_VIEWER, XX, XX_PSK3

# A handshake that was begun keeps others waiting no longer than this.
_HOLD_S = 2
_LONGEST_PACE_S = 4


class Trust:
    # seconds(): monotonic time in s. `folder` ends with a slash or is empty.
    def __init__(self, node_id: str, firmware: str, profile: str, seconds, folder="") -> None:
        self.node_id = node_id
        self.firmware = firmware
        self.profile = profile
        self.seconds = seconds
        self.vault = Vault(folder + "vault.bin")
        self.ownership = Ownership(folder + "owner.bin")
        self.wall_clock = WallClock(folder + "clock.bin", seconds)
        # Guesses of the code are counted over restarts. Without the code nothing can be guessed,
        # so strangers are only slowed down, and flash is not worn.
        self.lockout = Lockout(folder + "lockout.bin", seconds())
        self.pace = Lockout("", seconds(), _LONGEST_PACE_S)

    @property
    def pattern(self) -> str:
        return XX if self.ownership.claimed else XX_PSK3

    @property
    def gate(self) -> Lockout:
        return self.pace if self.ownership.claimed else self.lockout

    def code(self) -> str:
        return self.ownership.code or self.vault.code

    def psk(self) -> bytearray:
        return bytearray(primitives.sha256(security.psk_input(self.node_id, self.code())))

    def hello(self) -> dict:
        gate = self.gate
        answer = {
            "wire": WIRE_VERSION,
            "node": self.node_id,
            "fp": self.vault.fingerprint,
            "firmware": self.firmware,
            "profile": self.profile,
            "claimed": self.ownership.claimed,
            "pattern": self.pattern,
            "epoch": self.ownership.epoch,
            "clock": self.wall_clock.state,
            "tries": gate.tries_left(),
            "wait_s": _whole(gate.wait_s(self.seconds())),
        }
        if self.ownership.claimed:
            answer["owner"] = fingerprint(self.ownership.owner)
        return answer

    def credential(self, data: bytes, host_key: bytes) -> dict:
        # The credential in `data`, or Refused if it does not let `host_key` in.
        try:
            credential, body, signature = security.unpack_credential(data)
        except WireError as error:
            raise Refused(smp.RC_ACCESS_DENIED, str(error)) from None
        statement = security.credential_statement(body)
        if not primitives.verify(self.ownership.owner, statement, signature):
            raise Refused(smp.RC_ACCESS_DENIED, "the credential is not of this node's owner")
        if credential["host_key"] != host_key:
            raise Refused(smp.RC_ACCESS_DENIED, "the credential is another host's")
        if credential["node"] and credential["node"] != self.vault.fingerprint:
            raise Refused(smp.RC_ACCESS_DENIED, "the credential is for another node")
        why = self.invalid(credential)
        if why:
            raise Refused(smp.RC_ACCESS_DENIED, why)
        return credential

    def invalid(self, credential: dict) -> str:
        # Why the credential, good when it was signed, is not any more; "" if it is.
        if credential["epoch"] < self.ownership.epoch:
            return f"the credential was revoked: epoch {self.ownership.epoch} is asked for"
        if credential["host_key"] in self.ownership.denied:
            return "this host was revoked"
        expires_s, now_s = credential["expires_s"], self.wall_clock.now_s()
        if expires_s and expires_s < now_s:
            return f"the credential expired {show(expires_s)}, the node has {show(now_s)}"
        return ""


class Access:
    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.role = ROLE_ANYONE  # of the session's peer
        self.host_key = b""  # whose session it is
        self.hash = b""  # names the handshake; only for a session that may claim
        self._session: SealedSession | None = None
        self._owner: bytes | None = None  # by whose leave the session is
        self._credential: dict = {}
        self._pending = None  # a noise.Handshake; its code is loaded meanwhile
        self._pending_psk = False
        self._held_until_s = 0.0
        self.on_end = _nothing  # called when a session ends or is another host's

    @property
    def plain_role(self) -> int:
        # Of requests that are not sealed.
        return ROLE_OWNER if self.trust.profile == security.OPEN else ROLE_ANYONE

    # -- the session

    @property
    def sealed(self) -> bool:
        # Whether there is a session, and its peer may still come in.
        if self._session is None:
            return False
        trust = self.trust
        over = self._session.over(trust.seconds()) or trust.ownership.owner != self._owner
        if over or (self._credential and trust.invalid(self._credential)):
            self.end()
        return self._session is not None

    def end(self) -> None:
        if self._session is not None:
            self._session.wipe()
            self._session = None
            self.role = ROLE_ANYONE
            self.host_key = self.hash = b""
            self.on_end()

    def open(self, counter: int, text) -> memoryview:
        # A message of the session, or Refused.
        if not self.sealed or self._session is None:
            raise Refused(smp.RC_ACCESS_DENIED, "there is no session: a handshake is due")
        try:
            return self._session.open(CHANNEL_SMP, counter, text)
        except SealError as error:
            raise Refused(smp.RC_ACCESS_DENIED, str(error)) from None

    def seal_body(self, message: bytes) -> bytearray:
        # The body of the answer to what was opened.
        assert self._session is not None
        return self._session.seal_body(CHANNEL_SMP, message)

    def sealer(self):
        # What makes of a record what may leave, good until something else happens; None when there
        # is nobody who may have it any more.
        if not self.sealed or self._session is None:
            return None
        return self._session.seal_record

    def become_owner(self, owner: bytes) -> None:
        # The session that claimed the node goes on as its owner's, and may be revoked as if it
        # had been opened by a credential.
        self._owner = owner
        epoch = self.trust.ownership.epoch
        self._credential = {"host_key": self.host_key, "epoch": epoch, "expires_s": 0}
        self.role = ROLE_OWNER
        self.hash = b""

    # -- handshakes

    def begin(self, pattern: str, message: bytes) -> bytes:
        trust = self.trust
        now_s = trust.seconds()
        if pattern != trust.pattern:
            state = "claimed already" if trust.ownership.claimed else "not claimed yet"
            raise Refused(smp.RC_BAD_STATE, f"the node is {state}, so it takes {trust.pattern}")
        self._refuse_early(now_s)
        if now_s < self._held_until_s:
            raise Refused(smp.RC_BUSY, f"another handshake is not done: wait {_HOLD_S} s")
        # Also if this message is no good: the answer costs what only strangers would spend.
        self._held_until_s = now_s + _HOLD_S
        self._drop_pending()
        from firmware.noise import Handshake

        psk = trust.psk() if pattern == XX_PSK3 else None
        handshake = Handshake(False, trust.vault.static, security.prologue(pattern), psk)
        try:
            handshake.read(message)
            reply = handshake.write(trust.vault.signing.public + trust.vault.certificate)
        except NoiseError as error:
            forget("firmware.noise")
            raise Refused(smp.RC_INVALID, str(error)) from None
        self._pending = handshake  # type: ignore[assignment]  # imported within
        self._pending_psk = psk is not None
        return bytes(reply)

    def finish(self, message: bytes) -> int:
        # The role the peer has from now on.
        handshake = self._pending
        if handshake is None:
            raise Refused(smp.RC_BAD_STATE, "no handshake was begun")
        self._held_until_s = 0.0  # from now on the gate slows down who fails
        try:
            self._finish(handshake, message)
        finally:
            self._drop_pending()
        return self.role

    def _finish(self, handshake, message: bytes) -> None:
        if self._pending_psk == self.trust.ownership.claimed:
            raise Refused(smp.RC_BAD_STATE, "the node has changed hands meanwhile")
        gate = self.trust.gate
        now_s = self.trust.seconds()
        self._refuse_early(now_s)
        gate.attempt(now_s)
        credential = self._proved(handshake, message)
        gate.succeeded()
        self._open_session(handshake, credential, now_s)

    def _drop_pending(self) -> None:
        if self._pending is not None:
            self._pending.wipe()
            self._pending = None
            forget("firmware.noise")

    def _proved(self, handshake, message: bytes) -> dict:
        # The peer's credential; {} for who knows the code of a node that nobody owns.
        try:
            payload = bytes(handshake.read(message))
        except NoiseError:
            raise Refused(smp.RC_ACCESS_DENIED, self._not_proved()) from None
        if self._pending_psk:
            return {}
        return self.trust.credential(payload, handshake.remote_static or b"")

    def _not_proved(self) -> str:
        if not self._pending_psk:
            return "the handshake was not completed"
        gate = self.trust.lockout
        left, wait_s = gate.tries_left(), _whole(gate.wait_s(self.trust.seconds()))
        tries = "try" if left == 1 else "tries"
        return f"the code is wrong: {left} {tries} left, wait {wait_s} s"

    def _refuse_early(self, now_s: float) -> None:
        wait_s = self.trust.gate.wait_s(now_s)
        if wait_s > 0:
            raise Refused(smp.RC_BUSY, f"too many failed attempts: wait {_whole(wait_s)} s")

    def _open_session(self, handshake, credential: dict, now_s: float) -> None:
        host_key, hashed = handshake.remote_static or b"", handshake.hash
        send, receive = handshake.split()
        if self._session is not None and self.host_key == host_key:
            self._session.wipe()  # new keys for the same host: what it asked for goes on
        else:
            self.end()
        self._session = SealedSession(send, receive, now_s)
        self._owner = self.trust.ownership.owner
        self._credential = credential
        self.host_key = host_key
        self.hash = b"" if credential else hashed
        self.role = credential["role"] if credential else ROLE_VIEWER
        if credential:
            self.trust.wall_clock.advance(credential["issued_s"])


def _whole(seconds: float) -> int:
    # Rounded up: who waits so long has waited long enough.
    return -int(-seconds // 1)


def _nothing() -> None:
    pass
