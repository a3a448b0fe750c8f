"""The requests of SMP group 66, who may do what, as smpclient takes them. WIRE.md, section 4."""

from __future__ import annotations

from enum import IntEnum, unique

from pydantic import ConfigDict
from smp import error, message

from resonode.requests import Reply
from resonode_wire.smp import (
    GROUP_SECURITY,
    SEC_ACCESS,
    SEC_CLAIM,
    SEC_CONSOLE,
    SEC_HANDSHAKE,
    SEC_HELLO,
    SEC_IDENTIFY,
    SEC_LABEL,
    SEC_RELEASE,
    SEC_REVOKE,
    SEC_ROTATE,
)


class SecurityErrorV1(error.ErrorV1):
    """Refusal: `rc` and the reason as text."""

    _GROUP_ID = GROUP_SECURITY


@unique
class SecurityRc(IntEnum):
    """Return codes of the group; all refusals are of SMP's general kind."""

    OK = 0
    UNKNOWN = 1


class SecurityErrorV2(error.ErrorV2[SecurityRc]):
    """Refusal in the form of SMP version 2."""

    _GROUP_ID = GROUP_SECURITY


class _Group:
    _ErrorV1 = SecurityErrorV1
    _ErrorV2 = SecurityErrorV2


class _ReadReply(Reply, message.ReadResponse):
    # A newer node may tell more than we know.
    model_config = ConfigDict(extra="ignore", frozen=True)
    _GROUP_ID = GROUP_SECURITY


class _WriteReply(Reply, message.WriteResponse):
    model_config = ConfigDict(extra="ignore", frozen=True)
    _GROUP_ID = GROUP_SECURITY


class _Read(message.ReadRequest, _Group):
    _GROUP_ID = GROUP_SECURITY


class _Write(message.WriteRequest, _Group):
    _GROUP_ID = GROUP_SECURITY


class HelloReply(_ReadReply):
    """What a node tells anyone. `owner`: 16 bytes of SHA-256 of the owner's key, once claimed."""

    _COMMAND_ID = SEC_HELLO

    wire: int
    node: str
    fp: bytes
    firmware: str
    profile: str
    claimed: bool
    pattern: str
    epoch: int
    clock: str
    tries: int
    wait_s: float
    owner: bytes | None = None


class HelloRead(_Read):
    """Ask a node who it is, and who may come in."""

    _COMMAND_ID = SEC_HELLO
    _Response = HelloReply


class HandshakeReply(_WriteReply):
    """Message 2 in `m`, or after message 3 the `role` that was let in."""

    _COMMAND_ID = SEC_HANDSHAKE

    m: bytes | None = None
    role: int | None = None


class HandshakeWrite(_Write):
    """Message 1 with its pattern, or message 3."""

    _COMMAND_ID = SEC_HANDSHAKE
    _Response = HandshakeReply

    m: bytes
    p: str | None = None


class IdentifyReply(_WriteReply):
    """The node blinks."""

    _COMMAND_ID = SEC_IDENTIFY


class IdentifyWrite(_Write):
    """Blink for 1 to 60 s."""

    _COMMAND_ID = SEC_IDENTIFY
    _Response = IdentifyReply

    seconds: int


class LabelReply(_ReadReply):
    """What the node's label must carry."""

    _COMMAND_ID = SEC_LABEL

    node: str
    fp: bytes
    code: str


class LabelRead(_Read):
    """Ask a new node for its label."""

    _COMMAND_ID = SEC_LABEL
    _Response = LabelReply


class LabelWriteReply(_WriteReply):
    """The node never tells its label again."""

    _COMMAND_ID = SEC_LABEL


class LabelWrite(_Write):
    """The label is kept: never tell it again."""

    _COMMAND_ID = SEC_LABEL
    _Response = LabelWriteReply

    taken: bool


class ClaimReply(_WriteReply):
    """The node is ours."""

    _COMMAND_ID = SEC_CLAIM

    epoch: int


class ClaimWrite(_Write):
    """Become the owner, within a commissioning session. `time_s`: Unix time."""

    _COMMAND_ID = SEC_CLAIM
    _Response = ClaimReply

    owner: bytes
    sig: bytes
    time_s: int


class AccessReply(_ReadReply):
    """Who we are to the node, and whom it lets in. `denied`: number of host keys."""

    _COMMAND_ID = SEC_ACCESS

    role: int
    owner: bytes
    epoch: int
    generation: int
    denied: int


class AccessRead(_Read):
    """Ask who we are to the node, and whom it lets in."""

    _COMMAND_ID = SEC_ACCESS
    _Response = AccessReply


class RotateReply(_WriteReply):
    """The new static key: generation | key | signature."""

    _COMMAND_ID = SEC_ROTATE

    certificate: bytes


class RotateWrite(_Write):
    """Make a new static key."""

    _COMMAND_ID = SEC_ROTATE
    _Response = RotateReply


class RevokeReply(_WriteReply):
    """The node's epoch, and how many host keys it denies."""

    _COMMAND_ID = SEC_REVOKE

    epoch: int
    denied: int


class RevokeWrite(_Write):
    """Raise the epoch, deny host keys, or both."""

    _COMMAND_ID = SEC_REVOKE
    _Response = RevokeReply

    epoch: int | None = None
    deny: list[bytes] | None = None


class ReleaseReply(_WriteReply):
    """Nobody's node now, of the next epoch."""

    _COMMAND_ID = SEC_RELEASE

    epoch: int


class ReleaseWrite(_Write):
    """Let go of the node. `code` lets the next owner in: keep it before this is sent."""

    _COMMAND_ID = SEC_RELEASE
    _Response = ReleaseReply

    code: str
    sig: bytes


class ConsoleReply(_WriteReply):
    """The node restarts into its prompt, once."""

    _COMMAND_ID = SEC_CONSOLE


class ConsoleWrite(_Write):
    """Restart into MicroPython's prompt, once."""

    _COMMAND_ID = SEC_CONSOLE
    _Response = ConsoleReply
