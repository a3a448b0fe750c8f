"""Labels on paper: one as SVG or PNG, or sheets of them as PDF. Each has the QR code, and beside or
under it what people type if they cannot scan it."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from resonode.errors import MissingExtra
from resonode.trust.label import Label
from resonode_wire.security import show_code

if TYPE_CHECKING:
    from fpdf import FPDF
    from segno import QRCode

# A4 in three columns of eight labels, mm. Sheets of 24 labels of 70 x 37 mm fit it.
_ACROSS, _DOWN = 3, 8
_WIDTH, _HEIGHT = 70.0, 37.0
_TOP = (297.0 - _DOWN * _HEIGHT) / 2
_PER_SHEET = _ACROSS * _DOWN
# The outer labels end where the paper does, and printers leave 3 to 5 mm of its edge blank.
_MARGIN = 5.5
_QR = 26.0  # 57 modules of 0.46 mm, which phones read; more if the name is long
_GAP = 3.0  # more than the four light modules a code needs around it

_QUIET = 4  # light modules around a code
_PIXELS = 8  # of a PNG, for each module
_LETTER = 0.62  # width of a letter of common monospaced fonts, of their size


@dataclass(frozen=True)
class _Row:
    """A line of a label, beside its code (mm below the top, points) or under it (modules)."""

    text: str
    below: float
    size: float
    mono: bool = True
    bold: bool = False


def qr(label: Label) -> QRCode:
    """Return the code; error correction M repairs 15 % of it.

    Raises:
        MissingExtra: segno is not installed.
    """
    try:
        import segno
    except ImportError as error:
        raise MissingExtra("segno", "label", "A QR code") from error
    return segno.make_qr(label.payload, error="m", boost_error=False)


# --- one label ------------------------------------------------------------------------------------


def svg(label: Label) -> bytes:
    """Return the label as SVG, one unit a module of its code. Raises MissingExtra."""
    out = io.BytesIO()
    code = qr(label)
    code.save(out, kind="svg", border=_QUIET, xmldecl=False, svgns=False, nl=False)
    width, height = code.symbol_size(border=_QUIET)
    rows = _under(label, width, height)
    total = rows[-1].below + _QUIET
    texts = "".join(
        f'<text x="{_QUIET}" y="{row.below:.2f}" font-size="{_fitted(row, width):.2f}" '
        f'font-family="{"monospace" if row.mono else "sans-serif"}" '
        f'font-weight="{"bold" if row.bold else "normal"}">{escape(row.text)}</text>'
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / 2}mm" height="{total / 2:.2f}mm" '
        f'viewBox="0 0 {width} {total:.2f}"><rect width="100%" height="100%" fill="#fff"/>'
        f"{out.getvalue().decode()}{texts}</svg>\n"
    ).encode()


def png(label: Label) -> bytes:
    """Return the label as PNG. Raises MissingExtra."""
    code = qr(label)
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingExtra("pillow", "label", "A picture of a label") from error
    width, height = code.symbol_size(border=_QUIET)
    rows = _under(label, width, height)
    total = round((rows[-1].below + _QUIET) * _PIXELS)
    picture = Image.new("L", (round(width * _PIXELS), total), 255)
    modules = io.BytesIO()
    code.save(modules, kind="png", scale=_PIXELS, border=_QUIET)
    picture.paste(Image.open(modules))
    draw = ImageDraw.Draw(picture)
    room = (width - 2 * _QUIET) * _PIXELS
    for row in rows:
        text = _ascii(row.text)  # the font that comes with Pillow has no other letters
        size = row.size * _PIXELS
        size *= min(1.0, room / ImageFont.load_default(size).getlength(text))
        place = (_QUIET * _PIXELS, row.below * _PIXELS)
        draw.text(place, text, fill=0, font=ImageFont.load_default(size), anchor="ls")
    out = io.BytesIO()
    picture.save(out, "png", optimize=True)
    return out.getvalue()


def _under(label: Label, width: float, top: float) -> list[_Row]:
    """Return the lines under a code that ends at `top`, in modules."""
    large = (width - 2 * _QUIET) / (_LETTER * len(show_code(label.code)))
    small = large * 0.6
    title = "".join(letter for letter in label.title if letter.isprintable())
    rows = [_Row(title, top + large, large, mono=False, bold=True)]
    for caption, lines in _facts(label):
        rows.append(_Row(caption, rows[-1].below + 2 * small, small, mono=False))
        for line in lines:
            below = rows[-1].below + 1.15 * large
            rows.append(_Row(line, below, large, bold=caption != "fingerprint"))
    return rows


def _ascii(text: str) -> str:
    """Return a text without accents, and with question marks for letters that are not ASCII."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.encode("ascii", "replace").decode()


def _fitted(row: _Row, width: float) -> float:
    """Return the size of a line's letters that lets it fit, whatever font the viewer has."""
    return min(row.size, (width - 2 * _QUIET) / (_LETTER * max(1, len(row.text))))


def _facts(label: Label) -> list[tuple[str, list[str]]]:
    """Return what people type, each under its name."""
    digits = label.fingerprint.hex()
    groups = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    fingerprint = [" ".join(groups[:4]), " ".join(groups[4:])]
    return [
        ("node", [label.node]),
        ("fingerprint", fingerprint),
        ("code", [show_code(label.code)]),
    ]


# --- sheets ---------------------------------------------------------------------------------------


def sheet(labels: list[Label]) -> bytes:
    """Return A4 sheets of labels, 24 each, as PDF: QR, name, id, fingerprint, code.

    Raises:
        MissingExtra: fpdf2 or segno is not installed.
    """
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise MissingExtra("fpdf2", "label", "A sheet of labels") from error
    pdf = FPDF(format="A4", unit="mm")
    pdf.set_auto_page_break(False)
    pdf.set_title("Resonode labels")
    for number, label in enumerate(labels):
        place = number % _PER_SHEET
        if place == 0:
            pdf.add_page()
        row, column = divmod(place, _ACROSS)
        _draw(pdf, label, column * _WIDTH, _TOP + row * _HEIGHT)
    return bytes(pdf.output())


def _draw(pdf: FPDF, label: Label, left: float, top: float) -> None:
    _draw_qr(pdf, label, left + _MARGIN, top + (_HEIGHT - _QR) / 2)
    x = left + _MARGIN + _QR + _GAP
    width = _WIDTH - _QR - _GAP - 2 * _MARGIN
    for row in _beside(label):
        style = "B" if row.bold else ""
        pdf.set_font("Courier" if row.mono else "Helvetica", style, row.size)
        needed = pdf.get_string_width(row.text)
        if needed > width:
            pdf.set_font_size(row.size * width / needed)
        pdf.text(x, top + row.below, row.text)


def _beside(label: Label) -> list[_Row]:
    """Return the lines beside a code; the sizes are the largest there may be."""
    (node, [node_id]), (fingerprint, [first, second]), (code, [shown]) = _facts(label)
    return [
        _Row(_latin(label.title), 8.0, 9.0, mono=False, bold=True),
        _Row(node, 11.6, 6.0, mono=False),
        _Row(node_id, 14.7, 8.5, bold=True),
        _Row(fingerprint, 18.3, 6.0, mono=False),
        _Row(first, 21.2, 7.5),
        _Row(second, 24.1, 7.5),
        _Row(code, 27.7, 6.0, mono=False),
        _Row(shown, 31.0, 9.5, bold=True),
    ]


def _draw_qr(pdf: FPDF, label: Label, left: float, top: float) -> None:
    """Draw the dark modules as rectangles, a run of them at once: sharp on every printer."""
    rows = [bytes(row) + b"\0" for row in qr(label).matrix_iter(border=0)]
    module = _QR / len(rows)
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        x = 0
        while (begin := row.find(1, x)) >= 0:
            end = row.find(0, begin)  # every row ends light
            pdf.rect(left + begin * module, top + y * module, (end - begin) * module, module, "F")
            x = end


def _latin(text: str) -> str:
    """Return what PDF's own fonts can print of a name; the rest as question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")
