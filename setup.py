"""Only what pyproject.toml cannot say: cffi's hook that compiles resonode._dsp, and its flags; and
the boards' data, which the wheel holds a copy of."""

import os
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


def python_uses(variable: str) -> list[str]:
    """The words of a variable of the build that this Python came from."""
    return (sysconfig.get_config_var(variable) or "").split()


class WithBoards(build_py):
    """boards/ stays the one home of its facts: a wheel gets a copy at each build."""

    def run(self) -> None:
        super().run()
        for source in sorted(Path("boards").glob("*/*.json")):
            target = Path(self.build_lib, "resonode", "_boards", source.parent.name, source.name)
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))


# No wheel shall hold a path of the machine that built it. Debug information does (CFLAGS=-g asks
# for it), and so does the library path some Pythons (pyenv's) pass on to every extension's linker.
if os.name == "posix":
    os.environ.setdefault("CFLAGS", " ".join([*python_uses("CFLAGS"), "-g0"]))
    link = [word for word in python_uses("LDSHARED") if not word.startswith("-Wl,-rpath")]
    os.environ.setdefault("LDSHARED", " ".join(link))

setup(cffi_modules=["c_dsp/build_cffi.py:ffibuilder"], cmdclass={"build_py": WithBoards})
