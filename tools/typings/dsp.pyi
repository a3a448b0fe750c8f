# The native module `dsp` (c_dsp/natmod) as MicroPython sees it. c_dsp/dsp.h is the manual.
# Every array is the caller's; `x`, `y`, `z` hold int16 LSBs, `amp`, `work`, `scratch` float32.
from typing import Any, Final

Buffer = Any  # bytearray, array or memoryview: no common name for "writable buffer" on a node

DECIMATE_FACTOR: Final[int]
DECIMATE_FRACTION_BITS: Final[int]
DECIMATE_TAPS: Final[int]
DECIMATE_SETTLE: Final[int]
VERSION: Final[int]

def plan_bytes(n: int, /) -> int: ...
def plan_init(n: int, plan: Buffer, /) -> None: ...
def fifo_split(
    image: Buffer, words: int, x: Buffer, y: Buffer, z: Buffer, at: int, info: Buffer, /
) -> int: ...
def features(x: Buffer, at: int, n: int, scale: float, out: Buffer, /) -> None: ...
def spectrum(
    plan: Buffer, x: Buffer, at: int, n: int, scale: float, work: Buffer, amp: Buffer, /
) -> None: ...
def power_add(acc: Buffer, amp: Buffer, n: int, /) -> None: ...
def power_mean(acc: Buffer, n: int, count: int, amp: Buffer, /) -> None: ...
def rfft(plan: Buffer, x: Buffer, at: int, n: int, work: Buffer, /) -> None: ...
def envelope(
    plan_m: Buffer,
    work_n: Buffer,
    n: int,
    k_lo: int,
    k_hi: int,
    scale: float,
    scratch: Buffer,
    bins: int,
    amp: Buffer,
    /,
) -> None: ...
def decimate_bytes() -> int: ...
def decimate_reset(state: Buffer, /) -> None: ...
def decimate(state: Buffer, x: Buffer, at: int, n: int, out: Buffer, out_at: int, /) -> int: ...
def velocity(
    plan: Buffer,
    rec: Buffer,
    n: int,
    scale: float,
    rate_hz: float,
    f_lo_hz: float,
    f_hi_hz: float,
    work: Buffer,
    /,
) -> float: ...
def pack_f16(src: Buffer, n: int, dst: Buffer, /) -> None: ...
def pack_db8(src: Buffer, n: int, step_db: float, dst: Buffer, /) -> float: ...
