"""Private constants become MicroPython's `const`."""

from __future__ import annotations

from pathlib import Path

import pytest

from resonode.deploy.constants import with_constants

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("_A = 5", "_A = const(5)"),
        ("_A, _B = 0x10, 2", "_A = const(16)\n_B = const(2)"),
        ("_A = 4\n_B = 3 * _A + 1 << 2", "_A = const(4)\n_B = const(3 * _A + 1 << 2)"),
        ("_A = -1", "_A = const(-1)"),
        ("A = 5", "A = 5"),  # others may import it
        ("_A = True", "_A = True"),
        ("_A = 1.5", "_A = 1.5"),
        ("_A = 'x'", "_A = 'x'"),
        ("_A = 7 // 2", "_A = 7 // 2"),
        ("_A = B + 1", "_A = B + 1"),
        ("_A, _B = 1, f()", "_A, _B = (1, f())"),
        ("_A = 1\n_A = 2", "_A = 1\n_A = 2"),
        ("_A = 1\n\ndef f(_A):\n    pass", "_A = 1\n\ndef f(_A):\n    pass"),
        ("_A = 1\nf(_A=2)", "_A = 1\nf(_A=2)"),
        ("if x:\n    _A = 1", "if x:\n    _A = 1"),
    ],
)
def test_only_private_whole_numbers_that_are_given_once(source: str, wanted: str) -> None:
    assert with_constants(source).strip() == wanted


def test_values_stay_what_they_were() -> None:
    path = ROOT / "firmware" / "drivers" / "iis3dwb.py"
    source = path.read_text(encoding="utf-8")
    before: dict[str, object] = {}
    after: dict[str, object] = {"const": lambda value: value}
    for text, names in ((source, before), (with_constants(source), after)):
        lines = [line for line in text.splitlines() if not line.startswith(("import", "from"))]
        code = "\n".join(lines).partition("def over_spi")[0]
        exec(code, {"G_M_S2": 9.80665} | names, names)
    assert {name: after[name] for name in before} == before and len(before) > 40
