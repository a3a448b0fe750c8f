"""Questions to whoever is at the terminal, asked on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from resonode.cli import output
from resonode.errors import NodeError

T = TypeVar("T")

Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def be_sure(yes: bool, question: str) -> None:
    """Go on if `yes`, or if the user says so.

    Raises:
        NodeError: he does not, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NodeError(
            "This needs your word",
            why=f"there is no terminal to ask at: {question}",
            next="Say --yes if you are sure",
        )
    if not confirmed(question):
        raise NodeError("Nothing was done", why="you said no", next="Say yes if you are sure")


def confirmed(question: str) -> bool:
    """Ask for yes or no. Raises NodeError if no answer comes."""
    return bool(_answered(lambda: typer.confirm(question, err=True)))


def ask(question: str, *, secret: bool = False, twice: bool = False) -> str:
    """Ask for a text, `secret` without showing it. Raises NodeError if no answer comes."""
    return str(
        _answered(
            lambda: typer.prompt(question, hide_input=secret, confirmation_prompt=twice, err=True)
        )
    )


def ask_until(question: str, read: Callable[[str], T]) -> T:
    """Ask until `read` takes the answer, and return what it makes of it.

    Args:
        read: raises a NodeError that says what is wrong; it is shown, and asked again.
    """
    while True:
        try:
            return read(ask(question))
        except NoAnswer:
            raise
        except NodeError as error:
            output.fail(error.what, error.why, error.next)


class NoAnswer(NodeError):
    """The input ended before an answer came."""


def _answered(question: Callable[[], object]) -> object:
    try:
        return question()
    except typer.Abort as stopped:
        # Both end of input and Ctrl-C come as Abort.
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise NoAnswer(
            "No answer came", why="the input ended", next="Run the command again; nothing was done"
        ) from None
