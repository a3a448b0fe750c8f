"""What only its owner may do with a node: new keys, keeping others out, letting go of it.

Each act stands in the audit log before it is done and after, and raises what `acts.audited` does:
VerifyFailed and ClockUntrusted, when nothing was begun.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from resonode.errors import NodeError, NotTrusted, VerifyFailed
from resonode.node import Node
from resonode.trust.access import Trust
from resonode.trust.acts import audited
from resonode.trust.label import Label
from resonode.trust.requests import (
    AccessRead,
    ConsoleWrite,
    ReleaseWrite,
    RevokeReply,
    RevokeWrite,
    RotateWrite,
)
from resonode.trust.session import Proof
from resonode.trust.site import RELEASED, NodeEntry
from resonode.trust.transport import is_unclaimed
from resonode_wire import security


async def rotate(node: Node, trust: Trust) -> NodeEntry:
    """Let a node make a new static key; from now on the old one is refused.

    Raises:
        VerifyFailed: what it answers is not certified by its signing key.
        CommandError, StoreError, TransportError
    """
    proof, entry = _proof(node), _entry(node, trust)
    async with audited(trust.audit, "rotate", entry.id, {}) as detail:
        certificate = (await node.request(RotateWrite())).certificate
        generation, static_key, signature = security.split_certificate(certificate)
        statement = security.static_statement(generation, static_key)
        try:
            Ed25519PublicKey.from_public_bytes(proof.signing_key).verify(signature, statement)
        except InvalidSignature:
            raise VerifyFailed(
                f"The new key of node {entry.id} is not certified by the node",
                next="Look at the node; its old key is still the one that is known",
            ) from None
        detail["generation"] = generation
        entry = replace(entry, generation=generation)
        await asyncio.to_thread(trust.site.put, entry)
    return entry


async def revoke(
    node: Node, trust: Trust, *, epoch: int | None = None, deny: tuple[bytes, ...] = ()
) -> RevokeReply:
    """Keep out who has a credential: by host key, or all of an earlier epoch.

    Credentials of this computer's owner are made anew by themselves; those of others that are
    still welcome must be issued again.

    Args:
        epoch: higher than the node's; credentials of less are refused from now on.
        deny: host keys, 32 bytes each.

    Raises:
        CommandError, StoreError, TransportError
        NodeError: this computer's own key is to be denied.
    """
    if trust.keys.host_public in deny:
        raise NodeError(
            "That is this computer's own host key",
            why="it would lock itself out",
            next="Deny the other computer's: it shows it with resonode keys show",
        )
    entry = _entry(node, trust)
    wanted = {"epoch": epoch, "deny": [key.hex() for key in deny]}
    async with audited(trust.audit, "revoke", entry.id, wanted) as detail:
        reply = await node.request(RevokeWrite(epoch=epoch, deny=list(deny) or None))
        detail["epoch"] = reply.epoch
        await asyncio.to_thread(trust.site.put, replace(entry, epoch=reply.epoch))
    return reply


async def transfer(node: Node, trust: Trust, keep: Callable[[Label], None]) -> Label:
    """Let go of a node; return the label by which its next owner commissions it.

    Args:
        keep: stores the label, on the disk when it returns. It is called before the node is
            asked, so that the code is not lost if its answer is.

    Raises:
        NotTrusted: this user does not own it; nothing was done.
        CommandError, StoreError, TransportError
    """
    entry, proof = _entry(node, trust), _proof(node)
    access = await node.request(AccessRead())
    if access.role < security.ROLE_OWNER:
        raise NotTrusted(
            f"Only its owner lets go of node {entry.id}",
            why=f"you are its {security.ROLES[access.role]}",
            next=f"Ask owner {access.owner.hex()}",
        )
    code = security.code_of(secrets.token_bytes(security.CODE_BYTES))
    label = Label(entry.id, proof.fingerprint, code, name=entry.name)
    statement = security.release_statement(proof.fingerprint, access.epoch, code)
    async with audited(trust.audit, "release", entry.id, {"epoch": access.epoch}):
        await asyncio.to_thread(keep, label)
        try:
            await node.request(ReleaseWrite(code=code, sig=trust.keys.sign(statement)), once=True)
        except NodeError:
            # Its answer may have been lost on the way, after it was done.
            if not await is_unclaimed(node.transport, entry.id, proof.fingerprint, node.timeout_s):
                raise
        await asyncio.to_thread(
            trust.site.put, replace(entry, state=RELEASED, epoch=access.epoch + 1)
        )
    return label


async def console(node: Node, trust: Trust) -> None:
    """Restart a node into MicroPython's prompt, once. Whoever is at the port may then do all."""
    async with audited(trust.audit, "console", _entry(node, trust).id, {}):
        await node.request(ConsoleWrite(), once=True)


def _proof(node: Node) -> Proof:
    if node.session is None or node.session.proof is None:
        raise NodeError(
            "The node is of the open profile",
            why="it asks nobody for a key, so there is nothing to change",
            next="Start it as a closed one",
        )
    return node.session.proof


def _entry(node: Node, trust: Trust) -> NodeEntry:
    proof = _proof(node)
    entry = trust.site.by_fingerprint(proof.fingerprint)
    if entry is None:
        raise NotTrusted(
            "The node is not in the site file",
            why=f"{trust.site.path} has no node of fingerprint {proof.fingerprint.hex()}",
            next="Name the right site file in RESONODE_SITE",
        )
    return entry
