"""CPython has no native module `crypto`; MicroPython, which runs these files too, has it."""

import sys

from tests.crypto import host_crypto

sys.modules.setdefault("crypto", host_crypto)
