"""Only what pyproject.toml cannot say yet: cffi's hook that compiles resonode._dsp."""

from setuptools import setup

setup(cffi_modules=["c_dsp/build_cffi.py:ffibuilder"])
