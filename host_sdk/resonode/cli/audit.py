"""resonode audit show, verify, clock"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.common import Command, Group, Json
from resonode.errors import NodeError, VerifyFailed

app = typer.Typer(cls=Group, no_args_is_help=True, help="The log of every privileged act.")


@app.command("show", cls=Command)
def show(
    node: Annotated[str | None, typer.Option("--node", help="Only acts on this node.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="The last N entries; 0 for all.")
    ] = 50,
    as_json: Json = False,
) -> None:
    """Show what was done, by whom, and how it ended."""
    from resonode.trust.audit import Audit

    entries = [one for one in Audit.open().entries() if node in (None, one.get("node"))]
    entries = entries[-limit:] if limit else entries
    if as_json:
        output.print_json({"entries": entries})
        return
    names = ("n", "time", "who", "act", "node", "result")
    output.table(names, [[one.get(name) for name in names] for one in entries], whole=True)


@app.command("verify", cls=Command)
def verify(as_json: Json = False) -> None:
    """Make sure that no entry was changed, removed, inserted or moved."""
    from resonode.trust.audit import Audit

    audit = Audit.open()
    verdict = audit.verify()
    if as_json:
        unfinished = [
            {"n": n, "act": act, "node": node} for n, act, node in verdict.unfinished
        ]  # fmt: skip
        output.print_json({**asdict(verdict), "ok": verdict.ok, "unfinished": unfinished})
    else:
        facts: dict[str, Any] = {
            "entries": verdict.entries,
            "signed by owner": verdict.signed_by or "nobody: this computer has no owner key",
            "half a last line": verdict.torn,
            "behind the head": verdict.behind_head,
        }
        facts["begun, not ended"] = ", ".join(
            f"{n} {act} {node}".strip() for n, act, node in verdict.unfinished
        )
        output.table(("", ""), facts.items())
    if not verdict.ok:
        raise VerifyFailed(
            f"{audit.path} was changed",
            why=verdict.problem,
            next="Keep it and audit.head as they are, and compare them with a backup",
        )


@app.command("clock", cls=Command)
def clock(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
) -> None:
    """Declare that this computer's clock is right now, and was wrong before."""
    import sys

    from resonode.trust.audit import CLOCK, OK, Audit
    from resonode.trust.credentials import when

    audit = Audit.open()
    newest = audit.newest_time()
    if not yes:
        if not sys.stdin.isatty():
            raise NodeError("Is the clock right?", next="Look, and say so with --yes")
        typer.confirm("Is the date of this computer right?", abort=True, err=True)
    before = when(newest.timestamp()) if newest else ""
    audit.add(CLOCK, "", {"entry_before": before}, OK)
