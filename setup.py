"""Only what pyproject.toml cannot say: cffi's hook that compiles resonode._dsp, and its flags."""

import os
import sysconfig

from setuptools import setup

# No wheel shall hold a path of the machine that built it. Debug information does (`CFLAGS=-g` asks
# for it), and so does the library path some Pythons (pyenv's) pass on to every extension's linker.
os.environ["CFLAGS"] = "-g0 " + os.environ.get("CFLAGS", "")
link = (sysconfig.get_config_var("LDSHARED") or "").split()
if any(word.startswith("-Wl,-rpath") for word in link):
    without = [word for word in link if not word.startswith("-Wl,-rpath")]
    os.environ.setdefault("LDSHARED", " ".join(without))

setup(cffi_modules=["c_dsp/build_cffi.py:ffibuilder"])
