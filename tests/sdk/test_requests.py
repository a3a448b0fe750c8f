"""The requests of our own groups, as smpclient takes their answers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from smp import message

from resonode import requests
from resonode.trust import requests as trust_requests
from resonode_wire import cbor, smp

OURS: list[Any] = [
    one
    for module in (requests, trust_requests)
    for name, one in vars(module).items()
    if isinstance(one, type)
    and issubclass(one, message.ReadRequest | message.WriteRequest)
    and not name.startswith("_")
]


@pytest.mark.parametrize("ours", OURS, ids=lambda one: one.__name__)
def test_a_refusal_is_never_taken_for_success(ours: Any) -> None:
    # The class attribute of a pydantic model is a description of it.
    reply = ours._Response.default
    refusal = cbor.dumps({"rc": 10, "rsn": "busy"})
    frame = smp.pack(int(reply._OP), reply._GROUP_ID, 7, reply._COMMAND_ID, refusal, 1)
    with pytest.raises(ValidationError):
        reply.loads(frame)
    assert ours._ErrorV1.loads(frame).rc == 10


def test_there_are_requests_to_look_at() -> None:
    names = {one.__name__ for one in OURS}
    assert {"SelfTestWrite", "UpkeepWrite", "ConfigWrite", "IdentifyWrite"} <= names
