"""Whom this computer talks to, decided from what a node says before it has proved anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import resonode
from resonode.trust import credentials
from resonode.trust.access import Trust
from resonode.trust.commission import commission
from resonode.trust.keys import Keys
from resonode.trust.label import Label
from resonode.trust.site import REVOKED, NodeEntry
from resonode_wire import security, smp
from tests.sdk.fake_node import FakeNode

FP = bytes(range(16))


def said(**values: Any) -> Any:
    """What a node says in hello, as far as it matters here."""
    usual = {"node": "n1", "fp": FP, "claimed": True, "owner": None, "epoch": 1}
    return SimpleNamespace(**{**usual, **values})


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path, keys=Keys(tmp_path, None))


@pytest.fixture
def other(tmp_path: Path) -> Trust:
    home = tmp_path / "other"
    return Trust(home, keys=Keys(home, None))


def entry(**values: Any) -> NodeEntry:
    return NodeEntry(id="n1", fingerprint=FP.hex(), **values)


def give(owner: Trust, to: Trust, **terms: Any) -> bytes:
    host_key = to.keys.host_public
    packed = credentials.issue(owner.keys, host_key, security.ROLE_VIEWER, epoch=1, **terms)
    given = credentials.read(credentials.show(packed, owner.keys.owner_public), "it")
    credentials.save(to.home, given, host_key)
    return packed


def ours(trust: Trust, **values: Any) -> Any:
    return said(owner=trust.keys.owner_fingerprint, **values)


def refused(trust: Trust, hello: Any, why: str) -> None:
    with pytest.raises(resonode.NotTrusted, match=why):
        trust.door(hello)


def test_a_node_of_ours_gets_a_credential_for_it_alone_and_of_its_epoch(trust: Trust) -> None:
    trust.site.put(entry(generation=4, epoch=2))
    for told, epoch in ((1, 2), (7, 7)):
        found = trust.door(ours(trust, epoch=told))
        credential = credentials.check(found.payload, trust.keys.owner_public)
        assert credential["epoch"] == epoch and credential["node"] == FP
        assert credential["host_key"] == trust.keys.host_public
        assert credential["role"] == security.ROLE_OWNER and credential["expires_s"] == 0
        assert (found.expected.fingerprint, found.expected.generation) == (FP, 4)
        assert found.pattern == security.XX and found.psk is None


def test_who_only_says_that_he_is_ours_gets_nothing(trust: Trust) -> None:
    refused(trust, ours(trust), "not in the site file.*it only says that it is yours")


def test_a_node_without_owner_is_to_be_commissioned(trust: Trust) -> None:
    trust.site.put(entry())
    refused(trust, said(claimed=False), "Commission it: resonode node commission")


def test_a_node_that_is_revoked_or_goes_by_another_name_is_refused(trust: Trust) -> None:
    trust.site.put(entry(state=REVOKED))
    refused(trust, ours(trust), "not to be trusted")
    trust.site.put(entry())
    refused(trust, ours(trust, node="n2"), "with the key of n1 calls itself n2")


def test_a_credential_for_one_node_is_enough_and_one_for_all_needs_the_site(
    trust: Trust, other: Trust
) -> None:
    hello = said(owner=other.keys.owner_fingerprint)
    refused(trust, hello, f"belongs to owner {other.keys.owner_fingerprint.hex()}")
    for_all = give(other, trust)
    refused(trust, hello, "does not say which nodes the owner has")
    trust.site.put(entry())
    assert trust.door(hello).payload == for_all


def test_a_credential_for_one_node_opens_that_one_only(trust: Trust, other: Trust) -> None:
    packed = give(other, trust, node=FP)
    owner = other.keys.owner_fingerprint
    assert trust.door(said(owner=owner)).payload == packed
    refused(trust, said(owner=owner, fp=bytes(16)), "No credential")


def test_a_viewers_computer_makes_no_owner_key(trust: Trust, other: Trust) -> None:
    give(other, trust, node=FP)
    trust.door(said(owner=other.keys.owner_fingerprint))
    assert not trust.keys.has_owner


def test_an_open_node_may_not_stand_for_a_closed_one(trust: Trust) -> None:
    trust.check_open(said())
    trust.site.put(entry())
    for hello in (said(fp=bytes(16)), said(node="n2")):
        with pytest.raises(resonode.NotTrusted, match="asks for no key"):
            trust.check_open(hello)


def test_an_open_node_may_not_stand_for_one_that_a_credential_names(
    trust: Trust, other: Trust
) -> None:
    give(other, trust, node=FP)
    trust.check_open(said(fp=bytes(16)))
    with pytest.raises(resonode.NotTrusted, match="asks for no key.*a credential for it"):
        trust.check_open(said())


# --- firmware of another release -----------------------------------------------------------------


class NoHello(FakeNode):
    def _answer(self, op, group, command, values):
        if group == smp.GROUP_SECURITY:
            return {"rc": smp.RC_NOT_SUPPORTED}
        return super()._answer(op, group, command, values)


@pytest.mark.parametrize("kind", [FakeNode, NoHello])
def test_firmware_that_is_too_old_is_told_so(kind: type[FakeNode]) -> None:
    async def connect() -> None:
        async with resonode.connect(node.url):
            pass

    label = Label("fake-1", bytes(16), "0" * security.CODE_LETTERS)
    with kind(wire=0) as node:
        for attempt in (connect(), commission(node.url, label)):
            with pytest.raises(resonode.ProtocolError, match="firmware is too old.*pdate"):
                asyncio.run(attempt)


def test_an_open_node_is_not_commissioned() -> None:
    label = Label("fake-1", bytes(16), "0" * security.CODE_LETTERS)
    with FakeNode() as node, pytest.raises(resonode.NodeError, match="of the open profile"):
        asyncio.run(commission(node.url, label))
