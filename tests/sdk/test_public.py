"""The public surface: names, errors and their exit codes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import resonode
from resonode import errors

DOCS = Path(__file__).resolve().parents[2] / "docs"

PINNED = """
Air Bearing Boot Capture CheckFailed Claimed ClockUntrusted CommandError Disconnected DoesNotFit
EnvelopeSpectrum Event Features
Gateway Health Incomplete LockedOut Loss MissingExtra Node NodeError NodeInfo NodeNotFound
NotTrusted PortBusy PortForbidden PortInfo ProtocolError Record RecordStream RecordingError
Spectrum Store StoreError StoreFull Timeout TransportError UnknownRecord Velocity VerifyFailed
Waveform __version__ connect decode discover
"""


def test_public_names_are_pinned():
    assert sorted(resonode.__all__) == sorted(PINNED.split())


@pytest.mark.parametrize("name", resonode.__all__)
def test_every_public_name_is_there(name):
    assert getattr(resonode, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        resonode.nothing  # noqa: B018


def all_errors(root=errors.NodeError):
    return [root, *(one for child in root.__subclasses__() for one in all_errors(child))]


def test_the_tree_drawn_at_the_top_is_the_tree_there_is():
    drawn = re.findall(r"^( *)([A-Z]\w+) +(\d+)", errors.__doc__ or "", re.MULTILINE)
    stack: list[tuple[int, str]] = []
    for indent, name, code in drawn:
        while stack and stack[-1][0] >= len(indent):
            stack.pop()
        cls = getattr(errors, name)
        assert cls.exit_code == int(code), name
        parent = stack[-1][1] if stack else "Exception"
        assert cls.__bases__[0].__name__ == parent, name
        stack.append((len(indent), name))
    ours = {one.__name__ for one in all_errors() if one.__module__ == errors.__name__}
    assert {name for _indent, name, _code in drawn} == ours


def test_every_exit_code_is_documented():
    text = (DOCS / "exit-codes.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    ours = {one.exit_code for one in all_errors()}
    ours |= {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert ours == documented
    for one in all_errors():
        if one.__module__ == errors.__name__ and one is not errors.NodeError:
            assert f"`{one.__name__}`" in text, one.__name__


def test_an_error_says_what_why_and_what_next():
    error = errors.NodeError("It broke", why="it fell", next="Pick it up")
    assert str(error) == "It broke: it fell. Pick it up"
    assert str(errors.NodeError("It broke")) == "It broke"


def test_importing_the_package_costs_nothing():
    """`resonode --help` must come at once: nothing heavy is imported before it is needed."""
    code = (
        "import sys, resonode, resonode.cli.app as app, typer\n"
        "root = typer.main.get_command(app.build())\n"
        "print(root.list_commands(typer.Context(root))[-1])\n"  # the rig's
        "heavy = {'numpy', 'pydantic', 'smpclient', 'serial', 'sqlite3', 'matplotlib', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["twin", "[]"]


def test_every_error_says_what_to_do_next():
    """Read from the code: each construction of an error names a next step."""
    kinds = {
        name
        for name, value in vars(resonode.errors).items()
        if isinstance(value, type) and issubclass(value, resonode.NodeError)
    } - {"MissingExtra"}  # which says it itself
    made = silent = 0
    for path in Path(resonode.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                if call.func.id in kinds:
                    made += 1
                    silent += "next" not in {one.arg for one in call.keywords}
    assert made > 40
    assert silent == 0
