"""A pytest plugin: the tests use the core at $RESONODE_DSP instead of the installed one."""

import importlib.util
import os
import sys

spec = importlib.util.spec_from_file_location("resonode._dsp", os.environ["RESONODE_DSP"])
assert spec and spec.loader
core = importlib.util.module_from_spec(spec)
sys.modules["resonode._dsp"] = core
spec.loader.exec_module(core)
