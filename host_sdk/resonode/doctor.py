"""What is on a port, what is wrong with it, and the mend: in plain words.

for finding in examine("serial:/dev/ttyUSB0"): print(finding.text, finding.mend)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from resonode import boards
from resonode.boards import Board
from resonode.deploy import check, files
from resonode.deploy.plan import SLOTS
from resonode.deploy.prompt import ON_BOARD, Prompt
from resonode.errors import DoesNotFit, NodeError, NotTrusted, Timeout, TransportError

_GLANCE_S = 0.3  # a prompt answers at once
_ASK_SOON_S = 1.0
_ASK_S = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that is so; `mend` says what to do if it should not be, else it is empty."""

    text: str
    mend: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing needs to be done."""
        return not self.mend


def examine(
    port: str,
    board: Board | None = None,
    *,
    source: Path | None = None,
    timeout_s: float = 5.0,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[Finding]:
    """Look at what is on the port, and yield what is found.

    Args:
        board: which board it should be; else the one whose data lies on it.
        source: a checkout to compare with; else the one this SDK runs from, if there is one.
        timeout_s: how long to knock for MicroPython's prompt, if no node answers.
        on_wait: called once then: it is time to press the reset button.

    Raises:
        NodeNotFound, PortBusy, PortForbidden: the port cannot be opened.
        Disconnected: the board went away.
    """
    with ExitStack() as stack:
        prompt = None
        # Firmware that runs has the port, and keeps it however long it is knocked at; what is
        # only about to start, or is reset by hand, lets in who goes on knocking.
        glance = (min(_GLANCE_S, timeout_s), _ASK_SOON_S, lambda: None)
        for knock_s, ask_s, told in (glance, (timeout_s, _ASK_S, on_wait)):
            try:
                prompt = stack.enter_context(Prompt(port, knock_s, told))
                break
            except Timeout as error:
                silent = error
            answer = _ask_node(port, ask_s)
            if answer:
                yield answer
                return
        if prompt is None:
            yield Finding(f"Nothing on the port answers ({silent.why})", silent.next)
            return
        try:
            yield from _at_the_prompt(prompt, board, source)
        except Timeout as silent:
            yield Finding(f"The prompt answers no more ({silent.why})", silent.next)


def _ask_node(port: str, timeout_s: float) -> Finding | None:
    """Return what a node on the port says of itself; None if none answers."""
    from resonode.node import connect

    async def ask() -> Finding:
        async with connect(port, timeout_s=timeout_s) as node:
            info = await node.info()
            return Finding(f"A node answers: {info.node}, firmware {info.firmware}")

    try:
        return asyncio.run(ask())
    except TransportError:
        return None
    except NotTrusted as error:
        # It is well, and of no use to this user before that.
        return Finding(f"A node answers. {error.what}: {error.why}", error.next)
    except NodeError as error:
        return Finding(f"A node answers, and says: {error.why or error.what}")


def _at_the_prompt(prompt: Prompt, board: Board | None, source: Path | None) -> Iterator[Finding]:
    there = check.OnBoard.of(prompt.call("probe"))
    yield Finding(f"{there.version_text} for {there.machine}, which loads {there.abi}")
    free, whole = there.heap_free // 1024, there.heap_bytes // 1024
    yield Finding(
        f"{free} of {whole} KiB of heap and {there.files_free // 1024} KiB for files are free"
    )
    slot = there.slot[0] if there.slot else ""
    named = dict(there.boards).get(slot, [])
    if board is None and len(named) == 1 and named[0] in boards.names():
        board = boards.load(named[0])
    deploy = f"resonode deploy {board.name if board else 'BOARD'}"
    yield _launcher(there, deploy)
    if there.boot == "busy":
        yield Finding(
            "There is a boot.py: while it runs, a Ctrl-C opens the prompt to anybody",
            "Put what it does elsewhere, and remove it: mpremote fs rm :boot.py",
        )
    yield _slot(there, deploy)
    if board is None:
        yield Finding(
            "Which board it is cannot be seen", "Name it: resonode doctor BOARD --port ..."
        )
        return
    if named and named != [board.name]:
        yield Finding(
            f"It holds the data of {', '.join(named)}, not {board.name}", f"Run: {deploy}"
        )
    yield from _fit(prompt, there, board, source, slot, deploy)


def _launcher(there: check.OnBoard, deploy: str) -> Finding:
    if not there.main:
        return Finding("Nothing starts by itself: there is no main.py", f"Run: {deploy}")
    if there.main != files.sha256((ON_BOARD / "main.py").read_bytes()):
        return Finding("main.py is not the one of this release", f"Run: {deploy}")
    return Finding("main.py is the one of this release")


def _slot(there: check.OnBoard, deploy: str) -> Finding:
    if len(there.slot) != 3 or there.slot[0] not in SLOTS:
        return Finding("No firmware was deployed", f"Run: {deploy}")
    slot, state, old = there.slot
    if state == "good":
        return Finding(f"The firmware in /{slot} has started well")
    if state == "new":
        return Finding(f"The firmware in /{slot} is new, and has not run yet")
    then = f"goes back to /{old}" if old in SLOTS else "has no older one to go back to"
    return Finding(
        f"The firmware in /{slot} was tried and did not start; at its next start the board {then}",
        f"Look at what it prints (mpremote connect ...), or deploy one that works: {deploy}",
    )


def _fit(
    prompt: Prompt,
    there: check.OnBoard,
    board: Board,
    source: Path | None,
    slot: str,
    deploy: str,
) -> Iterator[Finding]:
    yield from _judge(
        lambda: check.check_version(board, there), f"MicroPython is new enough for {board.name}"
    )
    try:
        source = source or files.checkout()
        wanted = files.build(board, source)
        needed = check.heap_needed(board, wanted, files.loaded(board, source))
    except NodeError as error:
        yield Finding(f"There is nothing to compare with: {error}")
        return
    yield from _judge(
        lambda: check.check_abi(board, there, wanted), "It can load the firmware's modules"
    )
    yield from _judge(
        lambda: check.check_memory(board, there, needed),
        f"The firmware's {needed // 1024} KiB of heap are there",
    )
    if slot not in SLOTS:
        return
    held = {name: digest for name, (_, digest) in prompt.call("tree", slot).items()}
    differs = sorted(
        name
        for name in set(held) | set(wanted)
        if name not in wanted or held.get(name) != files.sha256(wanted[name])
    )
    if differs:
        some = ", ".join(differs[:3]) + (", ..." if len(differs) > 3 else "")
        yield Finding(f"{len(differs)} files differ from this checkout: {some}", f"Run: {deploy}")
    else:
        yield Finding(f"All {len(wanted)} files are those of this checkout")


def _judge(question: Callable[[], None], good: str) -> Iterator[Finding]:
    try:
        question()
        yield Finding(good)
    except DoesNotFit as error:
        yield Finding(f"{error.what}: {error.why}", error.next)
