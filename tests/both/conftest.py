"""CPython lacks the native modules `crypto` and `dsp`; MicroPython runs these files too."""

import sys

from tests.crypto import host_crypto
from tests.dsp import host_dsp

sys.modules.setdefault("crypto", host_crypto)
sys.modules.setdefault("dsp", host_dsp)
