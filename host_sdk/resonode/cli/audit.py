"""resonode audit show, verify, close, renew, clock"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resonode.cli import output
from resonode.cli.asking import Sure, be_sure
from resonode.cli.common import Command, Group, Json
from resonode.errors import VerifyFailed

if TYPE_CHECKING:
    from resonode.trust.chain import Verdict

_LONGEST = 60  # characters of a result or a detail

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
    names = ("n", "time", "who", "act", "node", "result", "detail")
    output.table(names, [_row(one) for one in entries], whole=True, wrapped=(5, 6))


def _row(entry: dict[str, Any]) -> list[Any]:
    """Return an entry as the table has it; what is too long for it is whole in the JSON."""
    detail = entry.get("detail")
    facts = detail.items() if isinstance(detail, dict) else ()
    shown = ", ".join(f"{name} {_brief(value)}" for name, value in facts if value != [])
    result = _cut(str(entry.get("result")), _LONGEST)
    return [
        entry.get("n"),
        str(entry.get("time")).partition(".")[0] + "Z",
        _brief(entry.get("who")),
        entry.get("act"),
        entry.get("node"),
        f"{entry['of']}: {result}" if "of" in entry else result,
        _cut(shown, _LONGEST),
    ]


def _brief(value: Any) -> str:
    """Return a value with the first digits of keys and fingerprints; of a table, its names."""
    if isinstance(value, list | dict):
        return ", ".join(map(_brief, value))
    text = output.text(value)
    return _cut(text, 8) if re.fullmatch("[0-9a-f]{32,}", text) else text


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


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
        output.table(("", ""), _facts(verdict).items())
        if verdict.unfinished:
            output.say("Look how these acts ended, and close them: resonode audit close N")
    if not verdict.ok:
        raise VerifyFailed(
            f"{audit.path} was changed",
            why=verdict.problem,
            next="Compare it and audit.head with a backup. Until then no act is begun; to go on: "
            "resonode audit renew",
        )


def _facts(verdict: Verdict) -> dict[str, Any]:
    """Return what a table says of the log."""
    signed_by = verdict.signed_by or "nobody: this computer had no owner key"
    facts = {
        "entries": verdict.entries,
        "signed by owner": signed_by if verdict.ok else "not checked: the log was changed",
        "half a last line": verdict.torn,
        "behind the head": verdict.behind_head,
        "begun, not ended": [f"{n} {act} {node}".strip() for n, act, node in verdict.unfinished],
        "time runs backwards": verdict.backwards,
    }
    if verdict.renewed:
        facts["the log before this"] = verdict.renewed
    return facts


@app.command("close", cls=Command)
def close(
    line: Annotated[int, typer.Argument(metavar="N", min=1, help="The line that begins the act.")],
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="What is known of how it ended.")
    ] = "",
) -> None:
    """Close an act that was begun and not ended: write that its end is not known."""
    from resonode.trust.audit import Audit

    Audit.open().close(line, note)
    output.say(f"The act of line {line} is closed.")


@app.command("renew", cls=Command)
def renew(yes: Sure = False) -> None:
    """Begin a new log in the place of one that was changed, which is kept beside it."""
    from resonode.trust.audit import Audit

    audit = Audit.open()
    problem = audit.verify().problem
    if problem:
        output.say(f"{audit.path}: {problem}.")
        be_sure(yes, "The log is set aside, and a new one begins. Go on?")
    kept = audit.renew()
    output.say(f"A new log begins. The old one is kept in {', '.join(map(str, kept))}.")


@app.command("clock", cls=Command)
def clock(yes: Sure = False) -> None:
    """Declare that this computer's clock is right now, and was wrong before."""
    import time

    from resonode.trust.audit import Audit
    from resonode.trust.chain import CLOCK, OK
    from resonode.trust.credentials import when

    audit = Audit.open()
    audit.check()
    newest = audit.newest_time()
    now = when(time.time())
    be_sure(yes, f"The date of this computer is {now}. Is that right?")
    before = when(newest.timestamp()) if newest else ""
    audit.add(CLOCK, "", {"entry_before": before}, OK)
    output.say(f"The log says now that {now} is right.")
