"""Credentials: an owner's signed word that a computer may act on nodes in a role.

What they hold and what is signed stands in `resonode_wire.security`. A credential that was given
to this computer lies in `credentials/`, together with the key of the owner who signed it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonode import files
from resonode.errors import NodeError, NotTrusted, StoreError
from resonode.trust.keys import fingerprint
from resonode_wire import security
from resonode_wire.errors import WireError

if TYPE_CHECKING:
    from resonode.trust.keys import Keys

_FORM = 1  # of the files


def issue(
    keys: Keys,
    host_key: bytes,
    role: int,
    *,
    epoch: int,
    expires_s: int = 0,
    node: bytes = b"",
    now_s: int | None = None,
) -> bytes:
    """Return a credential signed by this computer's owner key, packed for message 3.

    Args:
        host_key: X25519 key of the computer that may come in, 32 bytes.
        role: ROLE_VIEWER, ROLE_OPERATOR or ROLE_OWNER.
        epoch: of the node or later; a node refuses less than its own.
        expires_s: Unix time; 0 for never.
        node: fingerprint of the only node it is for; empty for all of this owner's.
        now_s: Unix time of issue; default now.

    Raises:
        NodeError: one of these is out of range.
    """
    issued_s = int(time.time()) if now_s is None else now_s
    values = (host_key, role, epoch, issued_s, expires_s, node)
    names = ("host_key", "role", "epoch", "issued_s", "expires_s", "node")
    try:
        body = security.credential_body(dict(zip(names, values, strict=True)))
    except WireError as error:
        raise NodeError(
            "No such credential can be issued", why=str(error), next="Change what the reason names"
        ) from error
    return security.pack_credential(body, keys.sign(security.credential_statement(body)))


def check(packed: bytes, owner_public: bytes) -> dict[str, Any]:
    """Return what a credential says, if this owner signed it. Whether it expired is not judged.

    Raises:
        NotTrusted: it is no credential, or another owner's.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        credential, body, signature = security.unpack_credential(packed)
        owner = Ed25519PublicKey.from_public_bytes(owner_public)
        owner.verify(signature, security.credential_statement(body))
    except (WireError, ValueError) as error:
        raise NotTrusted(
            "That is no credential",
            why=str(error),
            next="Ask the owner to issue it again: resonode credential issue",
        ) from error
    except InvalidSignature:
        raise NotTrusted(
            "The credential's signature is wrong",
            why=f"owner {fingerprint(owner_public).hex()} did not sign it, or it was changed",
            next="Ask the owner to issue it again: resonode credential issue",
        ) from None
    return dict(credential)


@dataclass(frozen=True)
class Given:
    """A credential that was given to this computer."""

    packed: bytes
    owner_public: bytes
    content: dict[str, Any]
    """host_key, role, epoch, issued_s, expires_s, node."""

    @property
    def owner(self) -> bytes:
        """Fingerprint of the owner's key."""
        return fingerprint(self.owner_public)

    def expired(self, now_s: float) -> bool:
        """Whether it is not good any more, by this computer's clock."""
        expires_s: int = self.content["expires_s"]
        return 0 < expires_s < now_s


def show(packed: bytes, owner_public: bytes) -> str:
    """Return a credential as the text of a file to hand over."""
    values = {"resonode_credential": _FORM, "owner": owner_public.hex(), "credential": packed.hex()}
    return json.dumps(values, indent=2) + "\n"


def read(text: str, source: str) -> Given:
    """Return the credential in a text made by `show`; `source` names it in errors.

    Raises:
        NotTrusted: it is no credential, or its signature is wrong.
    """
    try:
        values = json.loads(text)
        if values["resonode_credential"] != _FORM:
            raise ValueError(f"form {values['resonode_credential']}, not {_FORM}")
        owner_public = bytes.fromhex(values["owner"])
        packed = bytes.fromhex(values["credential"])
    except (ValueError, TypeError, KeyError) as error:
        raise NotTrusted(
            f"{source} holds no credential",
            why=f"it is no JSON of that form ({error})",
            next="Take the file that resonode credential issue wrote",
        ) from error
    return Given(packed, owner_public, check(packed, owner_public))


def save(home: Path, given: Given, host_public: bytes) -> Path:
    """Keep a credential that was given to this computer, and return where.

    Raises:
        NotTrusted: it is for another computer.
        StoreError: it cannot be written.
    """
    if given.content["host_key"] != host_public:
        raise NotTrusted(
            "The credential is for another computer",
            why=f"it is for host key {given.content['host_key'].hex()}, "
            f"and this one has {host_public.hex()}",
            next="Give this one's to the owner: resonode keys show",
        )
    node = given.content["node"].hex() or "any"
    path = _folder(home) / f"{given.owner.hex()}-{node}-{given.content['role']}.json"
    with files.locked(_folder(home) / "credentials"):
        files.replace(path, show(given.packed, given.owner_public).encode(), files.SECRET)
    return path


def given_to(home: Path) -> list[Given]:
    """Return every credential that was given to this computer.

    Raises:
        NotTrusted: one was changed.
        StoreError: one cannot be read.
    """
    found = []
    for path in sorted(_folder(home).glob("*.json")):
        content = files.read(path)
        if content is None:
            continue  # removed meanwhile
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise StoreError(
                f"{path} is damaged", why=str(error), next="Remove it, and add it again"
            ) from error
        found.append(read(text, str(path)))
    return found


def load_for(home: Path, node_fingerprint: bytes, owner_fingerprint: bytes) -> bytes | None:
    """Return the credential with the highest role for a node, packed; None if none was given.

    Raises:
        NotTrusted: all there are have expired, or one was changed.
    """
    of_node = [
        one
        for one in given_to(home)
        if one.owner == owner_fingerprint and one.content["node"] in (b"", node_fingerprint)
    ]
    good = [one for one in of_node if not one.expired(time.time())]
    if of_node and not good:
        last_s = max(one.content["expires_s"] for one in of_node)
        raise NotTrusted(
            "Your credential for this node has expired",
            why=f"it was good until {when(last_s)}",
            next=f"Ask owner {owner_fingerprint.hex()} for a new one",
        )
    best = max(good, key=lambda one: (one.content["role"], one.content["epoch"]), default=None)
    return best.packed if best else None


def when(time_s: float) -> str:
    """Return a Unix time as people read it, UTC; 0 is never."""
    if not time_s:
        return "never"
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{time_s:.0f} s after 1970"


def _folder(home: Path) -> Path:
    return home / "credentials"
