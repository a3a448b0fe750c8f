"""A privileged act, in the audit log before it is done and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from resonode.trust.audit import INTENT, OK, Audit


@asynccontextmanager
async def audited(
    audit: Audit, act: str, node: str, detail: Mapping[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Write the intent, run the body, write the result. The body may add to the detail.

    As Audit.doing, but the disk is waited for in a thread, together with other acts.
    """
    more = dict(detail)
    await asyncio.to_thread(audit.add, act, node, detail, INTENT)
    try:
        yield more
    except BaseException as error:
        await asyncio.to_thread(audit.add, act, node, more, str(error) or type(error).__name__)
        raise
    await asyncio.to_thread(audit.add, act, node, more, OK)
