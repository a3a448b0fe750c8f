"""Whom this computer talks to, and with what credential it comes in."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from resonode.errors import NodeError, NotTrusted
from resonode.trust import credentials, home_folder
from resonode.trust.keys import Keys
from resonode.trust.requests import HelloReply
from resonode.trust.session import Expected
from resonode.trust.site import REVOKED, Site
from resonode.trust.transport import Entry, SecureTransport
from resonode_wire import security

if TYPE_CHECKING:
    from resonode.trust.audit import Audit


class Trust:
    """This user's keys, site, credentials and audit log, read when they are first needed.

    Args:
        home: their folder; default $RESONODE_HOME or the user's data folder.
        site: the site file; default $RESONODE_SITE or site.toml in `home`.
        keys: default those in `home`, or in the system's keyring.
    """

    def __init__(
        self, home: Path | None = None, site: Path | None = None, *, keys: Keys | None = None
    ) -> None:
        self.home = home_folder(home)
        self._site = site
        self._keys = keys

    @cached_property
    def keys(self) -> Keys:
        """The keys of this user on this computer."""
        return self._keys or Keys.open(self.home)

    @cached_property
    def site(self) -> Site:
        """The nodes there are."""
        return Site.open(self._site, home=self.home)

    @cached_property
    def audit(self) -> Audit:
        """What was done to them."""
        from resonode.trust.audit import Audit

        return Audit.open(self.home, keys=self.keys)

    def owns(self, hello: HelloReply) -> bool:
        """Whether the node says that this user owns it."""
        return self.keys.has_owner and hello.owner == self.keys.owner_fingerprint

    def check_open(self, hello: HelloReply) -> None:
        """Make sure that a node that asks for no key is none that was commissioned.

        Raises:
            NotTrusted: it is, so what answers is not that node, or it was tampered with.
        """
        known = self.site.by_fingerprint(hello.fp) or self.site.find(hello.node)
        named = [one for one in credentials.given_to(self.home) if one.content["node"] == hello.fp]
        if known or named:
            where = self.site.path if known else "a credential for it"
            raise NotTrusted(
                f"Node {hello.node} asks for no key",
                why=f"{where} says that it was commissioned, so it is closed",
                next="Something else answers in its place, or it was tampered with: look at it",
            )

    def door(self, hello: HelloReply) -> Entry:
        """Return how to open a session with a closed node.

        Raises:
            NotTrusted: the node is nobody's yet, or not known here, or no credential is.
        """
        if not hello.claimed:
            raise NotTrusted(
                f"Node {hello.node} has no owner yet",
                why="it lets nobody read it before that",
                next="Commission it: resonode node commission",
            )
        known = self.site.by_fingerprint(hello.fp)
        if known is not None and known.id != hello.node:
            raise NotTrusted(
                f"A node with the key of {known.id} calls itself {hello.node}",
                next="Look at it: its identity is damaged, or something answers in its place",
            )
        if known is not None and known.state == REVOKED:
            raise NotTrusted(
                f"Node {hello.node} is not to be trusted",
                why=f"{self.site.path} says that it is revoked",
                next="Ask who wrote that; its keys may be in other hands",
            )
        if not self.owns(hello):
            return self._entry(hello, self._given_credential(hello))
        if known is None:
            raise self._unknown(hello, "it only says that it is yours")
        return self.own_entry(hello)

    def own_entry(self, hello: HelloReply) -> Entry:
        """Return how to open a session with a node of ours, with a credential made for it."""
        known = self.site.by_fingerprint(hello.fp)
        # Another computer of this owner may have raised the epoch.
        epoch = max(hello.epoch, known.epoch if known else 0)
        host_key, role = self.keys.host_public, security.ROLE_OWNER
        credential = credentials.issue(self.keys, host_key, role, epoch=epoch, node=hello.fp)
        return self._entry(hello, credential)

    def _entry(self, hello: HelloReply, credential: bytes) -> Entry:
        known = self.site.by_fingerprint(hello.fp)
        expected = Expected(hello.fp, known.generation if known else 0)
        return Entry(security.XX, self.keys.host_private_bytes(), expected, credential)

    def settle(self, session: SecureTransport) -> None:
        """Keep what a session has proved: from now on an older static key is refused."""
        proof = session.proof
        known = self.site.by_fingerprint(proof.fingerprint) if proof is not None else None
        if proof is not None and known is not None and proof.generation > known.generation:
            self.site.put(replace(known, generation=proof.generation))

    def _given_credential(self, hello: HelloReply) -> bytes:
        owner = hello.owner or b""
        given = credentials.load_for(self.home, hello.fp, owner)
        if given is None:
            raise NotTrusted(
                f"No credential for node {hello.node} is here",
                why=f"it belongs to owner {owner.hex()}",
                next="Send the owner your host key (resonode keys show), and add what comes back: "
                "resonode credential add FILE",
            )
        for_it_alone = security.unpack_credential(given)[0]["node"] == hello.fp
        if not for_it_alone and self.site.by_fingerprint(hello.fp) is None:
            raise self._unknown(hello, "your credential does not say which nodes the owner has")
        return given

    def _unknown(self, hello: HelloReply, why: str) -> NodeError:
        return NotTrusted(
            f"Node {hello.node} is not in the site file",
            why=f"{self.site.path} has no node of fingerprint {hello.fp.hex()}, and {why}",
            next="If you have its label: resonode node commission. Else name the right site file "
            "in RESONODE_SITE",
        )
