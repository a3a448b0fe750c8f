"""Renders the record table as CDDL (RFC 8610), closed, so that tests catch every drift.

Runs on: CPython. `python -m resonode_wire.cddl > resonode_wire/wire.cddl`
"""

from resonode_wire.fields import COMMON, FIELDS, KEY_OF, KIND_OF, MAX_SEQ, MAX_TEXT, RECORDS
from resonode_wire.meanings import MEANINGS

_TYPES = {
    "uint": "uint-53",
    "f32": "number-32",
    "text": "short-text",
    "texts": "[* short-text]",
    "floats": "floats",
    "i16s": "#6.77(bytes)",
}


def _member(name: str, optional: bool, value: str = "") -> str:
    mark = "? " if optional else ""
    return f"  {mark}{KEY_OF[name]} => {value or _TYPES[KIND_OF[name]]}, ; {name}"


def render() -> str:
    """Return the whole CDDL text."""
    lines = ["; Rendered from fields.py by resonode_wire.cddl. Do not edit.", ""]
    lines.append("record = " + " / ".join(name for _, name, _, _ in RECORDS))
    for number, name, required, optional in RECORDS:
        lines += ["", f"{name} = {{", _member("type", False, str(number))]
        lines += [_member(field, False) for field in COMMON[1:] + required]
        lines += [_member(field, True) for field in optional]
        lines.append("}")
    lines += [
        "",
        f"uint-53 = 0..{MAX_SEQ}",
        f"short-text = tstr .size (0..{MAX_TEXT * 4})",
        "floats = #6.64(bytes) / #6.84(bytes) / #6.85(bytes)",
        "number-32 = float16 / float32",
        "",
    ]
    return "\n".join(lines)


def table() -> str:
    """Return the field table as Markdown rows, for WIRE.md."""
    rows = ["| key | name | kind | unit | meaning |", "|---|---|---|---|---|"]
    for key, name, kind in FIELDS:
        unit, meaning = MEANINGS[name]
        rows.append(f"| {key} | `{name}` | {kind} | {unit} | {meaning} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(render(), end="")
