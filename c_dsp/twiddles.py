"""Write twiddles.h and twiddles_q15.h, the tables of the real FFTs: python c_dsp/twiddles.py

For k = 1..511 and r = 1..4: cos and sin of 2 pi k r / 8192. This is what a plan of 8192 points
would compute (dsp_plan_init, dsp_sincos); a test holds the two together, bit by bit. Smaller tables
are every 2nd, 4th, .. entry of it, and are not written again: they are chosen by the preprocessor.

twiddles_q15.h is the like for 16 bits: a table for radix-4 passes, shared by all sizes, and one of
each size for the step that only its own largest transform takes.
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


def word(turns: float) -> str:
    """-cos in the low half, -sin in the high half, in 2^-15."""
    angle = 2 * np.pi * turns
    halves = [min(round(-value * 32768), 32767) % 65536 for value in (np.cos(angle), np.sin(angle))]
    return f"0x{halves[1]:04x}{halves[0]:04x}u"


def table_q15() -> str:
    """What size n needs: k, 2 k and 3 k of n/2, for k < n/8, and the odd k of n, for k < n/4."""
    lines = ["// Made by twiddles.py: -cos (low) and -sin (high) of angles, in 2^-15."]
    lines += ["// clang-format off", "#ifdef DSP_TRIPLES"]
    for k in range(N // 8):
        least = min(size for size in (128, *SIZES[:-1]) if k % (N // 2 // size) == 0)
        lines.append(f"T{least}({', '.join(word(2 * k * r / N) for r in (1, 2, 3))})")
    for size in SIZES:
        lines.append(f"#elif DSP_TABLE_Q15_N == {size}")
        words = [word(k / size) for k in range(1, size // 4, 2)]
        lines += [", ".join(words[i : i + 8]) + "," for i in range(0, len(words), 8)]
    return "\n".join([*lines, "#endif"]) + "\n"


def main() -> None:
    for name, text in (("twiddles.h", table()), ("twiddles_q15.h", table_q15())):
        path = Path(__file__).with_name(name)
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size} bytes of source")


if __name__ == "__main__":
    main()
