"""Labels on paper: one QR code as SVG or PNG, or sheets of them as PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

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
_QR = 31.0  # its white border included: 57 modules of 0.54 mm
_PAD = 2.0
_PER_SHEET = _ACROSS * _DOWN
_PIXELS = 8  # of a PNG, for each module


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


def svg(label: Label) -> bytes:
    """Return the QR code as SVG, one unit a module."""
    return _picture(label, "svg", 1)


def png(label: Label) -> bytes:
    """Return the QR code as PNG."""
    return _picture(label, "png", _PIXELS)


def _picture(label: Label, kind: str, scale: int) -> bytes:
    out = io.BytesIO()
    qr(label).save(out, kind=kind, scale=scale)
    return out.getvalue()


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
    _draw_qr(pdf, label, left + _PAD, top + (_HEIGHT - _QR) / 2)
    x, width = left + _PAD + _QR, _WIDTH - _QR - 2 * _PAD
    digits = label.fingerprint.hex()
    groups = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    code = show_code(label.code)
    lines = [
        # (mm below the top, font, style, largest size in points, text)
        (6.5, "Helvetica", "B", 9.0, _latin(label.title)),
        (11.0, "Helvetica", "", 6.0, "node"),
        (14.5, "Courier", "B", 8.5, label.node),
        (18.5, "Helvetica", "", 6.0, "fingerprint"),
        (21.5, "Courier", "", 7.5, " ".join(groups[:4])),
        (24.5, "Courier", "", 7.5, " ".join(groups[4:])),
        (28.5, "Helvetica", "", 6.0, "code"),
        (32.2, "Courier", "B", 9.5, code),
    ]
    for below, font, style, size, text in lines:
        pdf.set_font(font, style, size)
        needed = pdf.get_string_width(text)
        if needed > width:
            pdf.set_font_size(size * width / needed)
        pdf.text(x, top + below, text)


def _draw_qr(pdf: FPDF, label: Label, left: float, top: float) -> None:
    """Draw the dark modules as rectangles, a run of them at once: sharp on every printer."""
    code = qr(label)
    rows = [bytes(row) for row in code.matrix_iter(border=4)]
    module = _QR / len(rows)
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        x = 0
        while (begin := row.find(1, x)) >= 0:
            end = row.find(0, begin)  # the border is light, so every run ends
            pdf.rect(left + begin * module, top + y * module, (end - begin) * module, module, "F")
            x = end


def _latin(text: str) -> str:
    """Return what PDF's own fonts can print of a name; the rest as question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")
