"""Labels: read from whatever people have, and printed so that an independent reader reads them."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from xml.etree import ElementTree

import pypdfium2  # type: ignore[import-untyped]
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resonode.errors import NodeError
from resonode.trust import label_print
from resonode.trust.label import Label, LabelError, parse, read_csv, read_file, typed, write_csv
from resonode_wire import security

FINGERPRINT = bytes(range(16))
CODE = security.code_of(bytes(range(10)))
HEADING = "node,fingerprint,code\n"
ROW = f"n1,{FINGERPRINT.hex()},{CODE}\n"

words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)
labels = st.builds(
    Label,
    node=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    fingerprint=st.binary(min_size=16, max_size=16),
    code=st.binary(min_size=10, max_size=10).map(security.code_of),
    name=words,
    url=words,
    location=words,
    machine=words,
    bearing=st.dictionaries(words, st.integers(), min_size=1) | st.just("6205"),
)


@given(labels)
def test_a_label_survives_its_qr_payload(label):
    read = parse(label.payload)
    assert (read.node, read.fingerprint, read.code) == (label.node, label.fingerprint, label.code)
    assert read.title == label.title


@given(st.lists(labels, min_size=1, max_size=5, unique_by=lambda one: one.node))
def test_labels_survive_a_csv(some):
    assert read_csv(write_csv(some), "x") == some


@given(st.text())
def test_any_text_is_a_label_or_a_clear_error(text):
    for read in (parse, lambda one: read_csv(one, "x"), lambda one: read_csv(HEADING + one, "x")):
        with suppress(LabelError):  # every other exception fails
            read(text)


def test_people_type_as_they_like():
    shown = security.show_code(CODE).lower().replace("0", "o").replace("1", "l")
    digits = ":".join(f"{byte:02X}" for byte in FINGERPRINT)
    assert typed(" n1 ", digits, f" {shown} ") == Label("n1", FINGERPRINT, CODE)


@pytest.mark.parametrize(
    ("node", "fingerprint", "code", "named"),
    [
        ("a b", FINGERPRINT.hex(), CODE, "node id"),
        ("n1", FINGERPRINT.hex()[:-2], CODE, "30 digits, and 32"),
        ("n1", "x" * 32, CODE, "fingerprint"),
        ("n1", FINGERPRINT.hex(), CODE[:-1], "16 letters and digits, not 15"),
        ("n1", FINGERPRINT.hex(), CODE[:-1] + "U", "'U'"),
    ],
)
def test_what_was_typed_wrong_is_named(node, fingerprint, code, named):
    with pytest.raises(LabelError, match=named):
        typed(node, fingerprint, code)


def test_a_code_is_not_in_the_text_of_a_label_for_developers():
    assert CODE not in repr(Label("n1", FINGERPRINT, CODE))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON"),
        ('{"ver":"v2"}', "version is 'v2'"),
        ('{"ver":"v1","id":"n1","fp":"00"}', "no pop"),
        ('{"ver":"v1","id":1,"fp":"00","pop":"x"}', "no id"),
    ],
)
def test_a_code_that_is_no_label_of_ours_is_refused(text, named):
    with pytest.raises(LabelError, match=named):
        parse(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("node,code\n" + ROW, "fingerprint is missing"),
        ("node,fingerprint,code,node\n", "names node twice"),
        (HEADING, "no label"),
        (HEADING + ROW + ROW, "line 3.*n1 is in line 2 too"),
        (HEADING + ROW + "n2,00,x\n", "line 3.*2 digits"),
        (HEADING.strip() + ",bearing\n" + ROW.strip() + ",{\n", "line 2.*bearing"),
    ],
)
def test_a_wrong_csv_is_refused_by_line(text, named):
    with pytest.raises(LabelError, match=named):
        read_csv(text, "x")


def test_a_csv_as_spreadsheets_write_it_is_read(tmp_path):
    path = tmp_path / "labels.csv"
    text = f"Node;Fingerprint;Code;Price\r\n\r\nn1;{FINGERPRINT.hex()};{CODE};3,50\r\n;;;\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_file(path) == [Label("n1", FINGERPRINT, CODE)]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(NodeError, match="absent.csv"):
        read_file(tmp_path / "absent.csv")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(NodeError, match="UTF-8"):
        read_file(tmp_path / "binary")


# --- on paper: read by zxing-cpp, an independent reader of codes ----------------------------------


def codes_in(picture):
    return sorted(one.text for one in zxingcpp.read_barcodes(picture))


def test_the_png_is_read_by_another_reader():
    label = Label("91b7584a2265b1f5", FINGERPRINT, CODE, name="Pumpe 3 Öl")
    picture = Image.open(io.BytesIO(label_print.png(label))).convert("L")
    (text,) = codes_in(picture)
    assert parse(text) == label
    assert json.loads(text)["transport"] == "serial"


def test_every_label_of_the_sheets_is_read_from_the_rendered_pdf():
    some = [
        Label(f"{n:016x}", bytes([n]) * 16, security.code_of(bytes([n] * 10))) for n in range(30)
    ]
    document = pypdfium2.PdfDocument(label_print.sheet(some))
    assert len(document) == 2  # 24 on a sheet
    pages = [document[n].render(scale=200 / 72).to_pil() for n in range(2)]  # 200 dots an inch
    assert codes_in(pages[0]) + codes_in(pages[1]) == [one.payload for one in some]
    text = "".join(document[n].get_textpage().get_text_range() for n in range(2))
    for one in some:
        assert security.show_code(one.code) in text and one.node in text


EDGE_MM = 5.0  # what office printers leave blank, at most


def test_nothing_on_a_sheet_is_closer_to_the_edge_than_printers_print():
    labels = [
        Label(f"{n:016x}", FINGERPRINT, CODE, name="Ölpumpe W " * (1 + n % 5)) for n in range(24)
    ]
    page = pypdfium2.PdfDocument(label_print.sheet(labels))[0]
    picture = page.render(scale=300 / 72).to_pil().convert("L")  # 300 dots an inch
    edge = int(EDGE_MM / 25.4 * 300)
    ink = picture.point(lambda level: 255 if level < 200 else 0).getbbox()
    assert ink is not None
    left, top, right, bottom = ink
    assert min(left, top, picture.width - right, picture.height - bottom) >= edge


def test_one_label_as_svg_has_what_people_type_if_they_cannot_scan():
    label = Label("91b7584a2265b1f5", FINGERPRINT, CODE, name="<Öl & \x1b[2JGas>")
    document = ElementTree.fromstring(label_print.svg(label))
    texts = [one.text for one in document.iter("{http://www.w3.org/2000/svg}text")]
    digits = FINGERPRINT.hex()
    assert texts[0] == "<Öl & [2JGas>" and label.node in texts and security.show_code(CODE) in texts
    assert digits[:4] + " " + digits[4:8] in " ".join(texts)


def test_one_label_as_png_has_text_under_its_code_and_room_for_the_longest():
    short, long = Label("n1", FINGERPRINT, CODE), Label("n" * 64, FINGERPRINT, CODE, name="Насос")
    for label in (short, long):
        picture = Image.open(io.BytesIO(label_print.png(label))).convert("L")
        modules = label_print.qr(label).symbol_size(border=4)[0]
        scale = picture.width // modules
        ink = picture.crop((0, picture.width, *picture.size)).point(lambda level: 255 - level)
        found = ink.getbbox()
        assert found is not None
        # Within the light border of the code, at both sides; a letter's stroke may round up.
        assert found[0] >= 4 * scale - 2 and found[2] <= picture.width - 4 * scale + 2
        assert parse(codes_in(picture)[0]) == label


def test_a_name_too_long_or_of_other_letters_does_not_spoil_the_sheet():
    label = Label("n" * 64, FINGERPRINT, CODE, name="Насос " * 10)
    document = pypdfium2.PdfDocument(label_print.sheet([label]))
    assert codes_in(document[0].render(scale=200 / 72).to_pil()) == [label.payload]
