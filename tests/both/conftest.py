"""CPython lacks the native modules `crypto` and `dsp`; MicroPython, which runs these too, has them."""

import sys

from tests.crypto import host_crypto
from tests.dsp import host_dsp

sys.modules.setdefault("crypto", host_crypto)
sys.modules.setdefault("dsp", host_dsp)
