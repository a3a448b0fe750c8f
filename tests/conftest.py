"""What holds for every test: recordings, no network, no process left behind, no hidden skip."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["resonode_hil.plugin"]  # virtual_board

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"

# Timings never decide a test. In CI the same examples every time, so that red means changed.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings: ../shared/data beside the checkout, or $RESONODE_SHARED_DATA."""
    folder = Path(os.environ.get("RESONODE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} is absent ($RESONODE_SHARED_DATA names another)")
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys, site and audit log of the test's own, never those of whoever runs the tests."""
    home = tmp_path / "home"
    monkeypatch.setenv("RESONODE_HOME", str(home))
    monkeypatch.setenv("RESONODE_KEYRING", "off")
    monkeypatch.delenv("RESONODE_SITE", raising=False)
    return home


# --- the network stays on this machine -----------------------------------------------------------


class OutsideAddress(RuntimeError):
    """A test reached for an address that is not this machine's own."""


def is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        sock, address = arguments
        outside = sock.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0])
    elif event == "socket.getaddrinfo":
        outside = arguments[0] is not None and not is_loopback(str(arguments[0]))
    else:
        return
    if outside:
        raise OutsideAddress(f"{event} {arguments[-1 if event != 'socket.getaddrinfo' else 0]}")


# --- no process outlives the run -----------------------------------------------------------------

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make grandchildren whose parent died ours, so that children() sees them too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> Iterator[str]:
    """`pid command` of each living process whose parent is this one (Linux)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended while we looked
        # multiprocessing keeps one helper until the interpreter exits.
        if int(parent) == os.getpid() and state != "Z" and "resource_tracker" not in command:
            yield f"{stat.parent.name} {command}"


# --- hooks ---------------------------------------------------------------------------------------

complaints = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    adopt_orphans()
    sys.addaudithook(refuse_outside)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    found = [f"left running: {child}" for child in children()]
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if IN_CI and skipped:
        found.append(f"{len(skipped)} skipped, and in CI nothing may be: see the reasons above")
    session.config.stash[complaints] = found
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for complaint in config.stash.get(complaints, []):
        terminalreporter.write_line(f"FAILED the run: {complaint}", red=True, bold=True)
