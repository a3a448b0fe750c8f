"""Whether this computer's clock can be right."""

from __future__ import annotations

import time

from resonode.errors import ClockUntrusted
from resonode.trust.audit import Audit
from resonode.trust.chain import TOLERANCE_S
from resonode.trust.credentials import given_to, when


def check_clock(audit: Audit, now_s: float | None = None) -> None:
    """Make sure that the present is not before something that has happened.

    What is signed carries the date, a node's clock never goes back, and a log whose times run
    backwards proves little. So this is asked before every act.

    Args:
        now_s: Unix time; default this computer's clock.

    Raises:
        ClockUntrusted: the log's last entry, or a credential given to this computer, is of later.
    """
    now_s = time.time() if now_s is None else now_s
    newest = audit.newest_time()
    happened = [("the last entry of the audit log", newest.timestamp())] if newest else []
    given = given_to(audit.path.parent)
    happened += [("a credential it was given", one.content["issued_s"]) for one in given]
    what, latest_s = max(happened, key=lambda one: one[1], default=("", 0.0))
    if now_s + TOLERANCE_S < latest_s:
        raise ClockUntrusted(
            f"This computer's clock says {when(now_s)}",
            why=f"{what} is of {when(latest_s)}",
            next="Set the clock. If it is right and was wrong before, say so: resonode audit clock",
        )
