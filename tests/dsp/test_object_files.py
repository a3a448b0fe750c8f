"""What native modules and small targets forbid: state, initialised data, libm, double."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "c_dsp"
SOURCES = sorted(CORE.glob("*.c"))
FLAGS = [
    *("-std=c99", "-O2", "-fno-math-errno", "-ffp-contract=off", "-fpic"),
    *("-Wall", "-Wextra", "-Wdouble-promotion", "-Wconversion", "-Wno-sign-conversion", "-Werror"),
    *("-Wunsuffixed-float-constants", "-fno-tree-loop-distribute-patterns"),
]


CORTEX = ["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
SOFT = ["-mcpu=cortex-m3", "-mthumb"]
STACK_BYTES_MAX = 512  # of any one function
BOUNDED = {"static", "dynamic,bounded"}  # no frame has a size that depends on data


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> list[Path]:
    """The core, each file compiled without a warning."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "a C compiler is needed (Debian: apt-get install gcc)"
    folder = tmp_path_factory.mktemp("objects")
    command = [compiler, *FLAGS, "-c", *map(str, SOURCES)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(folder.glob("*.o"))


def symbols(objects: list[Path]) -> list[tuple[str, str, str]]:
    """(object, nm letter, name) of every symbol."""
    rows = []
    for path in objects:
        listing = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        rows += [(path.stem, *row) for row in re.findall(r" ([A-Za-z]) (\S+)$", listing, re.M)]
    return rows


def test_no_file_has_data_or_bss(objects):
    assert len(objects) == len(SOURCES) >= 10
    sections = subprocess.run(["size", *objects], capture_output=True, text=True, check=True)
    rows = [line.split() for line in sections.stdout.splitlines()[1:]]
    assert [(row[1], row[2]) for row in rows] == [("0", "0")] * len(objects)
    assert not [row for row in symbols(objects) if row[1] in "dDbBcC"]


def test_the_core_needs_nothing_but_itself(objects):
    rows = symbols(objects)
    defined = {name for _, letter, name in rows if letter in "TR"}  # code, constants
    wanted = {name for _, letter, name in rows if letter == "U"}
    # What position-independent x86-64 code refers to is no function.
    assert wanted - defined <= {"_GLOBAL_OFFSET_TABLE_"}


def stack_frames(folder: Path, compiler: str, flags: list[str]) -> dict[str, tuple[int, str]]:
    """Bytes and kind of each function's frame, of the core compiled into `folder`."""
    flags = [*(flag for flag in FLAGS if flag != "-fpic"), *flags, "-fstack-usage"]
    subprocess.run([compiler, *flags, "-c", *map(str, SOURCES)], cwd=folder, check=True)
    files = "".join(path.read_text() for path in folder.glob("*.su"))
    rows = [row.split("\t") for row in files.splitlines()]
    return {name: (int(size), kind.strip()) for name, size, kind in rows}


def check_frames(frames: dict[str, tuple[int, str]]) -> None:
    assert len(frames) > 100
    assert not {name: frame for name, frame in frames.items() if frame[1] not in BOUNDED}
    assert not {name: frame for name, frame in frames.items() if frame[0] > STACK_BYTES_MAX}


def test_no_stack_frame_is_large(tmp_path):
    check_frames(stack_frames(tmp_path, "gcc", ["-fpic"]))


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "helpers"), [(CORTEX, set()), (SOFT, {"f"})])
def test_on_the_chip_too_frames_are_small_and_nothing_is_missing(tmp_path, flags, helpers):
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("no arm-none-eabi-gcc (Debian: apt-get install gcc-arm-none-eabi)")
    check_frames(stack_frames(tmp_path, "arm-none-eabi-gcc", flags))
    rows = symbols(sorted(tmp_path.glob("*.o")))
    assert not [row for row in rows if row[1] in "dDbBcC"]
    wanted = {name for _, letter, name in rows if letter == "U" and not name.startswith("dsp_")}
    # Without an FPU: the compiler's float arithmetic. Never double, never 64-bit division.
    float_only = r"__aeabi_(f(add|sub|mul|div|2iz|2uiz|cmp\w\w)|u?i2f)"
    assert not {name for name in wanted if not (helpers and re.fullmatch(float_only, name))}


def test_every_public_name_has_the_prefix(objects):
    names = {name for _, letter, name in symbols(objects) if letter.isupper() and letter != "U"}
    assert names and all(name.startswith("dsp_") for name in names)


def test_sources_name_neither_double_nor_malloc():
    for path in [*SOURCES, *CORE.glob("*.h")]:
        code = re.sub(r"//[^\n]*", "", path.read_text())
        assert not re.search(r"\bdouble\b|\bmalloc\b", code), path


def test_declarations_for_cffi_hold_no_preprocessor():
    header = (CORE / "dsp.h").read_text()
    public = header.split("/* cffi: begin */")[1].split("/* cffi: end */")[0]
    assert "dsp_plan_init" in public and not re.search(r"^\s*#", public, re.M)
