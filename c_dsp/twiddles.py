"""Write twiddles.h, the constant table of the real FFT: python c_dsp/twiddles.py

For k = 1..511 and r = 1..4: cos and sin of 2 pi k r / 8192. This is what a plan of 8192 points
would compute (dsp_plan_init, dsp_sincos); a test holds the two together, bit by bit. Smaller tables
are every 2nd, 4th, .. entry of it, and are not written again: they are chosen by the preprocessor.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

N = 8192
SIZES = (256, 512, 1024, 2048, 4096, 8192)
F = np.float32


def sincos(phase: int) -> tuple[np.float32, np.float32]:
    """dsp_sincos of math.c in float32, operation by operation: (sine, cosine)."""
    quarter = ((phase + 0x20000000) % 2**32) >> 30
    rest = F(((phase - (quarter << 30) + 2**31) % 2**32) - 2**31)
    t = rest * F(1.4624674804508686e-9) + rest * F(4.5059882e-13)
    t2 = t * t
    s = t + t * t2 * (F(-1.6666654611e-1) + t2 * (F(8.3321608736e-3) + t2 * F(-1.9515295891e-4)))
    tail = F(4.166664568298827e-2) + t2 * (F(-1.388731625493765e-3) + t2 * F(2.443315711809948e-5))
    c = F(1.0) - F(0.5) * t2 + t2 * t2 * tail
    sine, cosine = (c, s) if quarter & 1 else (s, c)
    return (-sine if quarter & 2 else sine), (-cosine if (quarter + 1) & 2 else cosine)


def entry(k: int) -> str:
    values = [value for r in range(1, 5) for value in reversed(sincos(k * r * (2**32 // N)))]
    return ", ".join(
        f"{float(value):.9g}f" if value % 1 else f"{float(value):.1f}f" for value in values
    )


def table() -> str:
    """Entry k belongs to every size of which N/size divides it."""
    lines = [
        "// Made by twiddles.py: cos, sin of 2 pi k r / 8192 for r = 1..4. One line for each k."
    ]
    lines += ["// clang-format off"]
    for k in range(1, N // 16):
        least = min(size for size in SIZES if k % (N // size) == 0)
        call = {size: f"T{size}" for size in SIZES}[least]
        lines.append(f"{call}({entry(k)})")
    return "\n".join(lines) + "\n"


def main() -> None:
    path = Path(__file__).with_name("twiddles.h")
    path.write_text(table(), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes of source")


if __name__ == "__main__":
    main()
