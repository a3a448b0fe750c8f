"""What can go wrong in the rig. Each message says what happened, why, and what to do."""

from __future__ import annotations


class RigError(Exception):
    """Base of all errors of the rig."""


class RecordingError(RigError):
    """A recording cannot be replayed: wrong form, or a fact about it is missing."""


class BoardError(RigError):
    """A virtual board cannot be started, or its firmware stopped by itself."""


def explain(what: str, why: str, next_step: str) -> str:
    """Return the three parts of a message in their order."""
    return f"{what}: {why}; {next_step}"
