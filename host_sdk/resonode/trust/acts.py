"""A privileged act, in the audit log before it is done and after.

    with doing(audit, "backup", "", {"file": "owner.key"}): ...

No act is begun over a log that was changed, or while this computer's clock is behind the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from resonode.errors import NodeError, StoreError
from resonode.trust.audit import Audit
from resonode.trust.chain import INTENT, OK
from resonode.trust.clock import check_clock

logger = logging.getLogger(__name__)


def check(audit: Audit) -> None:
    """Make sure that an act may be begun.

    Raises:
        VerifyFailed: the log was changed.
        ClockUntrusted: this computer's clock is behind what has happened.
        StoreError: the log cannot be read.
    """
    audit.check()
    check_clock(audit)


@contextmanager
def doing(audit: Audit, act: str, node: str, detail: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Write the intent, run the body, write the result. The body may add to the detail.

    Raises:
        VerifyFailed, ClockUntrusted, StoreError: nothing was begun, unless the text says so.
    """
    n = _begin(audit, act, node, detail)
    more = dict(detail)
    try:
        yield more
    except BaseException as error:
        failed(audit, act, node, more, error, of=n)
        raise
    _done(audit, n, act, node, more)


@asynccontextmanager
async def audited(
    audit: Audit, act: str, node: str, detail: Mapping[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """As `doing`, but the disk is waited for in a thread, together with other acts."""
    n = await asyncio.to_thread(_begin, audit, act, node, detail)
    more = dict(detail)
    try:
        yield more
    except BaseException as error:
        await asyncio.to_thread(failed, audit, act, node, more, error, of=n)
        raise
    await asyncio.to_thread(_done, audit, n, act, node, more)


def failed(
    audit: Audit,
    act: str,
    node: str,
    detail: Mapping[str, Any],
    error: BaseException,
    *,
    of: int | None = None,
) -> None:
    """Write why an act failed. Never raises StoreError: the failure is what is to be told."""
    try:
        audit.add(act, node, detail, _reason(error), of=of)
    except StoreError as lost:
        logger.warning("the audit log does not say how %s ended: %s", act, lost)


def _reason(error: BaseException) -> str:
    """Return what happened and why, without what to do about it."""
    if isinstance(error, NodeError):
        return f"{error.what}: {error.why}" if error.why else error.what
    return str(error) or type(error).__name__


def _begin(audit: Audit, act: str, node: str, detail: Mapping[str, Any]) -> int:
    check(audit)
    return audit.add(act, node, detail, INTENT)


def _done(audit: Audit, n: int, act: str, node: str, detail: Mapping[str, Any]) -> None:
    try:
        audit.add(act, node, detail, OK, of=n)
    except StoreError as error:
        raise StoreError(
            f"It was done ({act} {node}".rstrip() + "), but the audit log does not say so",
            why=str(error),
            next=f"Make room, then: resonode audit close {n}",
        ) from error
