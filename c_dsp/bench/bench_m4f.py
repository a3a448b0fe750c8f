"""Count instructions on an emulated Cortex-M4F: python c_dsp/bench/bench_m4f.py

Builds our core, CMSIS-DSP and KISS FFT with the same flags, one program for each size, runs them
in QEMU and writes build/bench/dsp_m4f.json: {"rows": [...]}, one row for each n, impl and format:
    instructions  of one transform, exact: its call, harness and input are not in it
    cycles_model  the same by the model below; an estimate, for comparison
    code_bytes    of the implementation in a program with this size only; not the C library
    table_bytes   constant tables, and tables that it computes into RAM
    error         relative L2 error of the spectrum of noise, against float64; of q15 after the best
                  common scale, at full scale
    ulps_of_host  f32 of ours only: largest difference from what this computer gives without
                  contraction, in units in the last place of the largest bin
    snr_db_40     q15 only: the same as SNR in dB with the noise at -40 dBFS
"rows_contract_off" holds the same with -ffp-contract=off, where our output must have the bits that
this computer gives. "windowed" is our transform with a window
in its first pass, "generic" without specialised strides, "only_1024" built for one size.

How it is exact: with -icount shift=7 the emulator's clock advances by 128 ns with every
instruction, which is 3.2 ticks of the board's 25 MHz timer. A loop of known length proves it first.

The cycle model adds up the executed instructions, taken from a trace of the same program (which
must have as many as the timer counted), by the Cortex-M4 Technical Reference Manual, table 3-1 and
7-1, without wait states and without the pairing of neighbouring loads:
    VFMA, VFMS, VFNMA, VMLA, VMLS 3; VDIV, VSQRT 14; other FPU arithmetic and moves 1
    loads and stores 2 (also FPU); multiple ones 1 + registers
    branches taken 3, not taken 1; SDIV, UDIV 7; everything else 1
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from c_dsp.bench import peers
from resonode import dsp

HERE = Path(__file__).resolve().parent / "m4f"
CORE = HERE.parents[1]
REPO = CORE.parent
BUILD = REPO / "build" / "bench" / "m4f"
OUT = BUILD.parent / "dsp_m4f.json"
SIZES = (256, 512, 1024, 2048, 4096, 8192)
ULPS_MAX = 2  # of the largest bin, between two targets

GCC = "arm-none-eabi-gcc"
TARGET = ["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
FLAGS = ["-O2", *TARGET, "-ffunction-sections", "-fdata-sections", "-fno-math-errno"]
QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-semihosting"]

OURS = tuple(CORE / name for name in ("buffers.c", "fft.c", "plan.c", "math.c", "twiddles.c"))
OURS_Q15 = tuple(CORE / name for name in ("buffers.c", "rfft_q15.c", "twiddles_q15.c"))
CMSIS_FILES = {
    "f32": ("arm_rfft_fast_f32", "arm_rfft_fast_init_f32", "arm_cfft_f32", "arm_cfft_init_f32")
    + ("arm_cfft_radix8_f32", "arm_bitreversal2"),
    "q15": ("arm_rfft_q15", "arm_rfft_init_q15", "arm_cfft_q15", "arm_cfft_init_q15")
    + ("arm_cfft_radix4_q15", "arm_bitreversal2"),
}


@dataclass(frozen=True)
class Subject:
    """An implementation in one format."""

    impl: str
    format: str
    sources: tuple[Path, ...]
    bench: str
    flags: tuple[str, ...] = ()
    sizes: tuple[int, ...] = SIZES
    name: str = ""  # apart from others of the same kind


def subjects() -> list[Subject]:
    cmsis, kiss = peers.cmsis(), peers.kiss()
    transforms, tables = cmsis / "Source/TransformFunctions", cmsis / "Source/CommonTables"
    found = [
        Subject("resonode", "f32", OURS, "bench_resonode.c"),
        Subject("resonode", "q15", OURS_Q15, "bench_resonode_q15.c"),
    ]
    for form, names in CMSIS_FILES.items():
        sources = [transforms / f"{name}.c" for name in names]
        sources += [tables / "arm_common_tables.c", tables / "arm_const_structs.c"]
        sources += [cmsis / "Source/BasicMathFunctions/arm_shift_q15.c"]
        flags = [f"-I{HERE}/shim", f"-I{cmsis}/Include", f"-I{cmsis}/PrivateInclude"]
        sizes = tuple(n for n in SIZES if form == "q15" or n <= 4096)  # f32 ends there
        found.append(Subject("cmsis", form, tuple(sources), "bench_cmsis.c", tuple(flags), sizes))
    for form in ("f32", "q15"):
        flags = [f"-I{kiss}", *(["-DFIXED_POINT=16"] if form == "q15" else [])]
        sources = [kiss / "kiss_fft.c", kiss / "kiss_fftr.c"]
        found.append(Subject("kiss", form, tuple(sources), "bench_kiss.c", tuple(flags)))
    return found


# ---- building ------------------------------------------------------------------------------------


@cache
def compile_c(source: Path, target: Path, flags: tuple[str, ...]) -> str:
    peers.run([GCC, *FLAGS, *flags, "-c", str(source), "-o", str(target)])
    return str(target)


def build(subject: Subject, n: int, contract: str, divide: int = 1) -> Path:
    """The program that measures one size. The subject's objects are shared by all sizes."""
    q15 = int(subject.format == "q15")
    name = f"{subject.impl}_{subject.format}_{contract}{subject.name}"
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    own = (*subject.flags, f"-ffp-contract={contract}")
    objects = [
        compile_c(source, folder / f"subject_{source.stem}.o", own) for source in subject.sources
    ]
    about = [f"-DBENCH_N={n}", f"-DBENCH_Q15={q15}", f"-DBENCH_DIVIDE={divide}"]
    for source in (HERE / "main.c", HERE / "harness.c", HERE / subject.bench):
        target = folder / f"{source.stem}_{n}_{divide}.o"
        objects.append(compile_c(source, target, (*subject.flags, *about)))
    return link(objects, folder / f"{n}_{divide}.elf")


def link(objects: list[str], program: Path) -> Path:
    script = ["-T", str(HERE / "link.ld"), "-nostartfiles", "--specs=nosys.specs"]
    quiet = ["-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-w"]
    peers.run([GCC, *TARGET, *script, *quiet, *objects, "-lm", "-o", str(program)])
    return program


def section_bytes(program: Path, section: str) -> int:
    listing = peers.run(["arm-none-eabi-size", "-A", str(program)])
    found = re.search(rf"^\.{section}\s+(\d+)", listing, re.M)
    return int(found[1]) if found else 0


# ---- running -------------------------------------------------------------------------------------


def emulate(program: Path, extra: list[str]) -> str:
    """What the program printed."""
    command = [*QEMU, *extra, "-kernel", str(program)]
    done = subprocess.run(
        command,
        cwd=program.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # where semihosting prints
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise peers.FetchError(f"{program}: {done.stdout}")
    return done.stdout


def count(program: Path) -> dict[str, int]:
    """Values that the program printed, by name."""
    text = emulate(program, ["-icount", "shift=7"])
    return {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", text, re.M)}


def prove_counter() -> int:
    """Rounds of the longest loop that was counted without an error.

    Raises:
        FetchError: the counter is off by one or more somewhere.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    objects = [
        compile_c(HERE / f"{name}.c", BUILD / f"{name}.o", ()) for name in ("calibrate", "harness")
    ]
    program = link(objects, BUILD / "calibrate.elf")
    text = emulate(program, ["-icount", "shift=7"])
    pairs = re.findall(r"rounds (\d+)\ninstructions (\d+)", text)
    wrong = [pair for pair in pairs if int(pair[1]) != 2 * int(pair[0]) + 3]
    if wrong or len(pairs) < 10:
        raise peers.FetchError(f"the counter is wrong (rounds, instructions): {wrong or pairs}")
    return int(pairs[-1][0])


def prove_bits() -> int:
    """Sizes at which packed instructions gave the bits of portable C, for inputs of all levels.

    Raises:
        FetchError: somewhere they differ.
    """
    source, core = HERE / "bits_q15.c", [str(path) for path in OURS_Q15]
    packed = [compile_c(Path(path), BUILD / f"bits_{Path(path).stem}.o", ()) for path in core]
    packed += [compile_c(HERE / f"{n}.c", BUILD / f"{n}.o", ()) for n in ("bits_q15", "harness")]
    portable = BUILD / "bits_q15"
    peers.run(["cc", "-O2", "-w", "-o", str(portable), str(source), *core])
    wanted, got = peers.run([str(portable)]), emulate(link(packed, BUILD / "bits_q15.elf"), [])
    if wanted.split() != got.split() or "hash" not in wanted:
        raise peers.FetchError(f"16 bits: the emulator has\n{got}\nthis computer\n{wanted}")
    return wanted.count("hash")


# ---- cycle model ---------------------------------------------------------------------------------


def cycles(mnemonic: str, operands: str, taken: bool) -> int:
    """Of one executed instruction; see the head of this file."""
    name = mnemonic.split(".")[0]
    if re.match(r"v(fn?m[as]|n?ml[as])", name):
        return 3
    if name in ("vdiv", "vsqrt"):
        return 14
    if re.match(r"(v?ldm|v?stm|v?push|v?pop)", name):
        return 1 + registers(operands, taken)
    if re.match(r"(v?ldr|v?str)", name):
        return 3 if name in ("ldrd", "strd") else 2
    if name in ("sdiv", "udiv"):
        return 7
    if re.match(
        r"(b|bl|bx|blx|cbz|cbnz|tbb|tbh|b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le))$", name
    ):
        return 3 if taken else 1
    return 1


def registers(operands: str, taken: bool) -> int:
    """In a list like {r4, r6-r8, pc}; a load of pc costs a branch more."""
    total = 0
    for part in operands.split("{")[-1].rstrip("}").split(","):
        ends = [int(digits) for digits in re.findall(r"\d+", part)]
        total += ends[1] - ends[0] + 1 if "-" in part and len(ends) == 2 else 1
    return total + (2 if "pc" in operands and taken else 0)


def disassembly(program: Path) -> dict[int, tuple[str, str, int]]:
    """Address to mnemonic, operands and size."""
    text = peers.run(["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "-w", str(program)])
    lines = re.findall(r"^\s*([0-9a-f]+):\s+(\S+)[ \t]*([^;\n<]*)", text, re.M)
    code = {}
    for (address, name, operands), following in zip(lines, [*lines[1:], lines[-1]], strict=True):
        size = int(following[0], 16) - int(address, 16)
        code[int(address, 16)] = (
            name.removesuffix(".w").removesuffix(".n"),
            operands.strip(),
            size,
        )
    return code


def model(program: Path) -> tuple[int, int]:
    """Instructions and modelled cycles between the marks of the last measurement."""
    symbols = peers.run(["arm-none-eabi-nm", str(program)])
    marks = {
        name: int(address, 16) & ~1
        for address, name in re.findall(r"^(\w+) \w (trace_begin|trace_end)$", symbols, re.M)
    }
    log = program.with_suffix(".log")
    emulate(program, ["-d", "in_asm,exec,nochain", "-D", str(log)])
    runs = read_trace(log, marks)
    log.unlink()
    return add_up(runs, disassembly(program))


def read_trace(log: Path, marks: dict[str, int]) -> list[list[int]]:
    """The blocks run between the last pair of marks, each as the addresses of its instructions."""
    blocks: dict[str, list[int]] = {}  # by address and processor state, as QEMU has them
    current: list[int] = []
    runs: list[list[int]] = []
    kept: list[list[int]] = []
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("0x"):
                current.append(int(line[2:10], 16))
            elif line.startswith("IN:"):
                current = []
            elif line.startswith("Trace "):
                key = line[line.index("[") : line.index("]")]
                if current:
                    blocks[key] = current
                    current = []
                block = blocks[key]
                if block[0] == marks["trace_begin"]:
                    runs = []
                elif block[0] == marks["trace_end"]:
                    kept, runs = runs, []
                else:
                    runs.append(block)
            elif line.startswith("Stopped "):
                runs.pop()
    return kept


def add_up(runs: list[list[int]], code: dict[int, tuple[str, str, int]]) -> tuple[int, int]:
    # The first block is the caller's up to the call, the last one is after the return.
    inner = runs[1:-1]
    total = cost = 0
    straight: dict[tuple[int, int], int] = {}
    for block, after in zip(inner, runs[2:], strict=True):
        key = block[0], len(block)
        if key not in straight:
            straight[key] = sum(cycles(*code[at][:2], taken=False) for at in block[:-1])
        name, operands, size = code[block[-1]]
        total += len(block)
        cost += straight[key] + cycles(name, operands, taken=after[0] != block[-1] + size)
    return total, cost


# ---- accuracy ------------------------------------------------------------------------------------


def noise(n: int, divide: int = 1) -> np.ndarray:
    """The input of main.c, int16."""
    state, samples = 1, []
    for _ in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        sample = (state >> 16) - (2**16 if state >> 31 else 0)
        samples.append(int(sample / divide))
    return np.array(samples)


def spectrum(subject: Subject, n: int, data: bytes) -> np.ndarray:
    """Bins 1..n/2-1 of an output; layouts differ at the ends only."""
    if subject.impl == "resonode" and subject.format == "f32":
        y = np.frombuffer(data, np.float32).astype(float)
        return y[1 : n // 2] + 1j * y[: n // 2 : -1]
    values = np.frombuffer(data, np.float32 if subject.format == "f32" else np.int16).astype(float)
    bins = values[0::2] + 1j * values[1::2]
    return bins[1 : n // 2]


def error(subject: Subject, n: int, data: bytes, divide: int = 1, window: bool = False) -> float:
    x = noise(n, divide) / 32768.0
    wanted = np.fft.rfft(x * (np.arange(n) / n) if window else x)[1 : n // 2]
    got = spectrum(subject, n, data)
    if subject.format == "q15":
        got = got * (np.vdot(got, wanted).real / max(np.vdot(got, got).real, 1e-30))
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


# ---- rows ----------------------------------------------------------------------------------------


def measure(subject: Subject, n: int, contract: str) -> dict[str, Any]:
    program = build(subject, n, contract)
    printed = count(program)
    output = (program.parent / "out").read_bytes()
    if subject.impl == "resonode" and contract == "off" and output != host_bits(subject, n):
        raise peers.FetchError(f"{program}: its bits are not those of the host")
    traced, modelled = model(program)
    if traced != printed["instructions"]:
        raise peers.FetchError(
            f"{program}: timer {printed['instructions']} and trace {traced} differ"
        )
    row = {
        "n": n,
        "impl": subject.impl,
        "format": subject.format,
        "instructions": traced,
        "cycles_model": modelled,
        "code_bytes": section_bytes(program, "subject_code"),
        "table_bytes": section_bytes(program, "subject_tables") + printed["ram_tables"],
        "error": error(subject, n, output, window=subject.name == "windowed"),
    }
    if subject.impl == "resonode" and subject.format == "f32" and not subject.name:
        distance = ulps(output, host_bits(subject, n))
        if distance > ULPS_MAX:
            raise peers.FetchError(f"{program}: {distance} ulp from this computer")
        row["ulps_of_host"] = distance
    if subject.format == "q15":
        quiet = build(subject, n, contract, divide=100)
        count(quiet)
        quiet_error = error(subject, n, (quiet.parent / "out").read_bytes(), 100)
        row["snr_db_40"] = round(-20 * np.log10(quiet_error), 1)
    return row


def ulps(output: bytes, host: bytes) -> float:
    got, wanted = (np.frombuffer(data, np.float32).astype(float) for data in (output, host))
    return float(np.abs(got - wanted).max() / np.spacing(np.float32(np.abs(wanted).max())))


def host_bits(subject: Subject, n: int) -> bytes:
    """The transform of the same input on this computer: without contraction, the same bits."""
    if subject.format == "q15":
        return bytes(dsp.rfft_q15(noise(n).astype(np.int16))[0].tobytes())
    return bytes(dsp.rfft((noise(n) / 32768.0).astype(np.float32)).tobytes())


def table(rows: list[dict[str, Any]]) -> str:
    head = f"{'n':>6} {'impl':<9} {'format':<6} {'instructions':>12} {'cycles':>10} {'code':>7}"
    lines = [head + f" {'tables':>7} {'error':>9} {'SNR -40':>8}"]
    for row in sorted(
        rows, key=lambda r: (r["format"], r["n"], r["impl"] != "resonode", r["impl"])
    ):
        lines.append(
            f"{row['n']:>6} {row['impl']:<9} {row['format']:<6} {row['instructions']:>12,}"
            f" {row['cycles_model']:>10,} {row['code_bytes']:>7,} {row['table_bytes']:>7,}"
            f" {row['error']:>9.2e} {row.get('snr_db_40', ''):>8}"
        )
    return "\n".join(lines)


def main() -> int:
    try:
        peers.need("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
        print(f"counter exact for loops up to {prove_counter():,} rounds")
        print(f"16 bits: portable and packed C agree at {prove_bits()} sizes")
        result: dict[str, Any] = {}
        for key, option in (
            ("windowed", "-DBENCH_WINDOW=1"),
            ("generic", "-DDSP_SPECIALISE=0"),
            ("only_1024", "-DDSP_SIZES=1024"),
        ):
            subject = Subject("resonode", "f32", OURS, "bench_resonode.c", (option,), name=key)
            sizes = (1024,) if key == "only_1024" else SIZES
            result[key] = [measure(subject, n, "fast") for n in sizes]
            print(f"\n{key}\n{table(result[key])}")
        for key, contract in (("rows", "fast"), ("rows_contract_off", "off")):
            rows = [measure(s, n, contract) for s in subjects() for n in s.sizes]
            result[key] = rows
            print(f"\n-ffp-contract={contract}\n{table(rows)}", flush=True)
    except peers.FetchError as problem:
        print(f"bench-dsp: {problem}", file=sys.stderr)
        return 1
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
