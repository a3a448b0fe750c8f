"""Only what pyproject.toml cannot say: cffi's hook that compiles resonode._dsp, and its flags."""

import os
import sysconfig

from setuptools import setup


def python_uses(variable: str) -> list[str]:
    """The words of a variable of the build that this Python came from."""
    return (sysconfig.get_config_var(variable) or "").split()


# No wheel shall hold a path of the machine that built it. Debug information does (CFLAGS=-g asks
# for it), and so does the library path some Pythons (pyenv's) pass on to every extension's linker.
if os.name == "posix":
    os.environ.setdefault("CFLAGS", " ".join([*python_uses("CFLAGS"), "-g0"]))
    link = [word for word in python_uses("LDSHARED") if not word.startswith("-Wl,-rpath")]
    os.environ.setdefault("LDSHARED", " ".join(link))

setup(cffi_modules=["c_dsp/build_cffi.py:ffibuilder"])
