"""`resonode doctor` and a node on the port; boards at their prompt are in tests/deploy."""

from __future__ import annotations

import pytest

from resonode import doctor
from resonode.deploy.prompt import Prompt
from tests.sdk.fake_node import FakeNode


@pytest.fixture
def knocks(monkeypatch):
    """How long each prompt was to be knocked for."""
    given_s = []

    class Noted(Prompt):
        def __init__(self, port, timeout_s, on_wait):
            given_s.append(timeout_s)
            super().__init__(port, timeout_s, on_wait)

    monkeypatch.setattr(doctor, "Prompt", Noted)
    return given_s


def test_a_node_that_runs_is_recognised_without_knocking_on(knocks):
    with FakeNode() as fake:
        (found,) = doctor.examine(fake.url, timeout_s=3600.0)
    assert found.good and "fake-1" in found.text
    assert len(knocks) == 1 and knocks[0] < 1.0


def test_a_port_that_is_silent_is_knocked_at_as_long_as_was_asked(knocks):
    with FakeNode() as fake:
        fake.mute = True
        (found,) = doctor.examine(fake.url, timeout_s=0.4)
    assert not found.good and "Nothing on the port answers" in found.text
    assert knocks[-1] == 0.4
