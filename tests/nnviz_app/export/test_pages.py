"""Sheets as PDF: pages, text that can be found, and what stands where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import ziamath
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from pytestqt.qtbot import QtBot
from ziamath.nodes import Mnode

from core.errors import ExportError
from core.export.formula_lines import formula_lines as web_lines
from core.jobs import Job, Progress, finish
from core.project_file import load_project
from core.sheet import Blank, Block, Figure, Formula, Heading, Paragraph, Sheet, Table
from core.solution import solve
from nnviz_app.examples import first_example
from nnviz_app.export.page_formula import formula_lines
from nnviz_app.export.page_glyphs import _lay_out, typeset
from nnviz_app.export.page_layout import Piece, Type, fill_pages
from nnviz_app.export.page_table import side_by_side, table_pieces
from nnviz_app.export.pages import lay_out_sheet, write_pdf
from nnviz_app.export.picture import CanvasPicture
from nnviz_app.formula import LAYOUT_SIZE, close_signs

pypdf = pytest.importorskip("pypdf", reason="a reader of PDFs is not installed")

pytestmark = pytest.mark.usefixtures("qapp")

NUMBERS = Formula(
    7, "The pre-activation of h1", r"z_{h1} = w_{1} \, a_{i1} + b_{h1}", r"= 0.15 \cdot 0.05 + 0.35", "= 0.3575", "z"
)
SVG = "{http://www.w3.org/2000/svg}"
# A text width in tenths of a point.
WIDTH = 4500.0


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def pages_of(path: Path) -> list[str]:
    return [words(page.extract_text()) for page in pypdf.PdfReader(path).pages]


def write(blocks: list[Block], path: Path, title: str = "A title", **options: str) -> list[str]:
    finish(write_pdf([Sheet(title, "row 1", tuple(blocks))], None, path, **options))  # type: ignore[arg-type]
    return pages_of(path)


def piece(height: float, **more: object) -> Piece:
    return Piece(height, lambda painter, x, y: None, **more)  # type: ignore[arg-type]


def places(pages: list[list[object]]) -> list[list[float]]:
    return [[placed.y for placed in page] for page in pages]  # type: ignore[attr-defined]


# Pages


def test_room_above_a_piece_is_dropped_at_the_top_of_a_page() -> None:
    pages = fill_pages([piece(40, before=10), piece(40, before=10), piece(40, before=10)], 100)
    assert places(pages) == [[0, 50], [0]]


def test_joined_pieces_stay_together() -> None:
    heading, text = piece(10, joined=True), piece(30)
    assert places(fill_pages([piece(70), heading, text], 100)) == [[0], [0, 10]]
    # Unless they fit on no page.
    assert len(fill_pages([piece(70), piece(60, joined=True), piece(60)], 100)) == 3


def test_a_header_comes_again_on_the_next_page() -> None:
    header = piece(20)
    pages = fill_pages([header, *(piece(40, again=header) for _ in range(3))], 100)
    assert places(pages) == [[0, 20, 60], [0, 20]]
    assert pages[1][0].piece is header


def test_a_piece_higher_than_a_page_has_one_of_its_own() -> None:
    assert places(fill_pages([piece(10), piece(300), piece(10)], 100)) == [[0], [0], [0]]


# Formulas


@pytest.mark.parametrize(
    "latex",
    [
        r"= 0.1385 \cdot 0.5933",
        r"= -0.0381 \cdot (1 - 0.7514)",
        r"= \frac{1}{2} (0.01 - 0.7514)^2",
        r"= \frac{1}{1 + e^{-0.3775}}",
        r"= 1.5 \cdot 10^{-7}",
        r"= \frac{1}{4} (0.1 + 0.25 + (-0.333))",
        "= 0.3775",
    ],
)
def test_formulas_of_equal_form_are_laid_out_as_if_alone(latex: str) -> None:
    by_form, alone = typeset(latex), _lay_out(latex)
    assert by_form is not None
    assert alone is not None
    assert [g.shape for g in by_form.glyphs] == [g.shape for g in alone.glyphs]
    for one, other in zip(by_form.glyphs, alone.glyphs, strict=True):
        # The drawing's left edge is that of its first digit's ink.
        assert one.x - by_form.glyphs[0].x == pytest.approx(other.x - alone.glyphs[0].x, abs=0.02)
        assert one.y == pytest.approx(other.y, abs=0.02)
    assert by_form.width == pytest.approx(alone.width, abs=1.5)


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{\partial L^{(1)}}{\partial w_{10}} = \delta_{\mathrm{red}} \cdot a_{h1}^2",
        r"= \frac{1}{6} \sum_{n=1}^{6} \frac{\partial L^{(n)}}{\partial b_{h1}}",
        r"= (-0.5) \cdot \frac{1}{2} \frac{3}{4} - -\frac{e^{z_k}}{\sum_k e^{z_k}}",
        r"\left( \frac{1}{2} \right)^2 + {\left[ \frac{1}{2} \right]} + |\frac{1}{2}|",
        r"\textcolor{#ff0000}{x} + {\frac{1}{2}} y, \quad \hat{y} \to \sqrt{\frac{1}{2}}",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}",
        r"\frac{1}{2} \\ x + 1",
        r"\displaystyle \sum_i w_i \, a_i + \max(0, z)",
        "{} - 1",
        "=",
    ],
)
def test_parts_are_put_together_as_ziamath_lays_out_the_whole(latex: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = _lay_out(latex)
    assert setting is not None
    monkeypatch.setattr(ziamath.config, "svg2", True)
    svg = ElementTree.fromstring(ziamath.Latex(close_signs(latex), size=LAYOUT_SIZE, color="#000000").svg())
    left, top, width, height = (float(number) for number in svg.attrib["viewBox"].split())
    assert (setting.width, setting.ascent) == pytest.approx((width, -top), abs=1e-6)
    assert setting.ascent + setting.descent == pytest.approx(height, abs=1e-6)
    symbols = {
        symbol.attrib["id"]: [float(number) for number in symbol.attrib["viewBox"].split()]
        for symbol in svg.iter(f"{SVG}symbol")
    }
    places = []
    for use in svg.iter(f"{SVG}use"):
        symbol = symbols[use.attrib["href"][1:]]
        scale = float(use.attrib["height"]) / symbol[3]
        x, y = float(use.attrib["x"]) - left, float(use.attrib["y"])
        places += [x - min(symbol[0], 0.0) * scale, y - symbol[1] * scale]
    assert [place for glyph in setting.glyphs for place in (glyph.x, glyph.y)] == pytest.approx(places, abs=1e-6)
    rules = [[float(rule.attrib[key]) for key in ("x", "y", "width", "height")] for rule in svg.iter(f"{SVG}rect")]
    for rule, (x, *others) in zip(setting.rules, rules, strict=True):
        assert rule.getRect() == pytest.approx((x - left, *others), abs=1e-6)


def test_what_formulas_share_is_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    begin = Mnode.__init__

    def counted(self: Mnode, *args: Any, **more: Any) -> None:
        nonlocal made
        made += 1
        begin(self, *args, **more)

    monkeypatch.setattr(Mnode, "__init__", counted)
    gradient = r"\frac{\partial L^{(77)}}{\partial w_{77}}"
    assert typeset(rf"{gradient} = \delta_{{h77}} \cdot a_{{x77}}") is not None
    assert made < 100
    made = 0
    assert typeset(rf"{gradient} = a_{{x77}} \cdot \delta_{{h77}} \cdot \delta_{{h77}}") is not None
    assert made == 0


def test_what_is_no_latex_is_written_as_it_is(tmp_path: Path) -> None:
    formula = Formula(1, "Strange", r"a = \frac{1", "", "", "a")
    assert "a = " in write([formula], tmp_path / "a.pdf")[0]


def test_sides_stand_below_each_other_where_one_line_is_too_short() -> None:
    (line,) = formula_lines(NUMBERS, width=WIDTH)
    assert line.width <= WIDTH
    width = line.width - 50
    narrow = formula_lines(NUMBERS, width=width)
    assert len(narrow) == 2
    assert narrow[1].indent == pytest.approx(narrow[0].parts[0].width + 0.3 * 110)
    assert all(line.indent + line.width <= width for line in narrow)


def test_long_sums_are_broken_within_the_width() -> None:
    terms = " + ".join(rf"0.{n} \cdot 0.25" for n in range(101, 117))
    formula = Formula(1, "", r"z = \sum_i w_i \, a_i", f"= {terms}", "= 1.5", "")
    lines = formula_lines(formula, width=WIDTH)
    assert len(lines) >= 3
    assert all(line.indent + line.width <= WIDTH + 1 for line in lines)
    text = "".join(part.text for line in lines for part in line.parts)
    assert all(f"0.{n}" in text for n in range(101, 117))


@pytest.mark.parametrize(
    ("blank", "texts"),
    [
        (Blank.RESULT, ["z_h1", "=", "w1 a_i1 + b_h1", "=", "0.15 · 0.05 + 0.35", "="]),
        (Blank.NUMBERS, ["z_h1", "=", "w1 a_i1 + b_h1", "=", "="]),
        (Blank.ALL, ["z_h1", "=", "="]),
    ],
)
def test_blanks_are_places_to_write_in(blank: Blank, texts: list[str]) -> None:
    formula = Formula(7, "", NUMBERS.symbols, NUMBERS.numbers, NUMBERS.result, "", blank)
    parts = [part for line in formula_lines(formula, width=WIDTH) for part in line.parts]
    assert [words(part.text) for part in parts if not part.room] == texts
    assert parts[-1].boxed
    assert parts[-1].room >= 800
    rules = [part.room for part in parts if part.room and not part.boxed]
    assert len(rules) == (0 if blank is Blank.RESULT else 1)
    assert all(rule > 1000 for rule in rules)


@pytest.mark.parametrize("blank", [Blank.NUMBERS, Blank.ALL])
@pytest.mark.parametrize("width", [1800.0, WIDTH])
def test_the_room_to_write_in_does_not_tell_how_long_the_answer_is(blank: Blank, width: float) -> None:
    lines = [
        formula_lines(Formula(7, "", NUMBERS.symbols, numbers, result, "", blank), width=width)
        for numbers, result in (("= 0.5", "= 1"), (r"= 0.15083 \cdot (-0.05117) + 0.35291 \cdot 0.1", "= -0.029871"))
    ]
    assert lines[0] == lines[1]
    web = [
        web_lines(Formula(7, "", NUMBERS.symbols, numbers, result, "", blank), width=width / 60)
        for numbers, result in (("= 0.5", "= 1"), (r"= 0.15083 \cdot (-0.05117) + 0.35291 \cdot 0.1", "= -0.029871"))
    ]
    assert web[0] == web[1]


# Whole files


def test_a_solution_can_be_searched(tmp_path: Path) -> None:
    project = load_project(first_example().path)
    path = tmp_path / "solution.pdf"
    with CanvasPicture(project) as picture:
        written = finish(write_pdf([solve(project).sheet], lambda _: picture, path))
    pages = pages_of(path)
    text = " ".join(pages)
    assert written.paths == (path,)
    assert written.sentences == (f"{len(pages)} pages (A4).",)
    assert 4 <= len(pages) <= 8
    for found in ("0.5933", "0.3775", "0.1385", "0.08217", "0.3589", "Backward pass", "Hidden neuron h2", "w5"):
        assert found in text
    assert "z_h1 = w1 a_i1 + w2 a_i2 + b_h1 = 0.15 · 0.05 + 0.2 · 0.1 + 0.35 = 0.3775" in text
    for number, page in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in page
        assert "2-2-2 network: the classic worked example" in page
    reader = pypdf.PdfReader(path)
    assert reader.metadata.title == "2-2-2 network: the classic worked example"
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595, abs=1)
    # All text has its fonts with it, and nothing has become a picture of dots.
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    assert all(font["/Subtype"] == "/Type0" for font in fonts)
    assert not any(page.images for page in reader.pages)
    assert path.stat().st_size < 600_000


def test_headings_and_captions_never_end_a_page(tmp_path: Path) -> None:
    for lines in range(40, 50):
        blocks: list[Block] = [Paragraph(f"Line {n}") for n in range(lines)]
        pages = write([*blocks, Heading("The heading"), NUMBERS], tmp_path / "a.pdf")
        (page,) = [page for page in pages if "The heading" in page]
        assert "0.3575" in page


def test_a_long_table_has_its_header_on_each_page(tmp_path: Path) -> None:
    rows = tuple((f"w{n}", f"−{n}.25") for n in range(100))
    pages = write([Table(("Weight", "Gradient"), rows, "All of them")], tmp_path / "a.pdf")
    assert len(pages) > 2
    assert all("Weight Gradient" in page for page in pages)
    assert all(f"w{n} −{n}.25" in " ".join(pages) for n in range(100))


def test_blank_cells_are_not_written(tmp_path: Path) -> None:
    table = Table(("Weight", "New"), (("w1", "0.1498"), ("w2", "0.1996")), blanks=frozenset({(0, 1)}))
    (page,) = write([table], tmp_path / "a.pdf")
    assert "0.1498" not in page
    assert "0.1996" in page


def test_a_wide_table_stays_on_the_page(tmp_path: Path) -> None:
    words_of = " ".join(["words"] * 40)
    wide = Table(("Name", "What it is", "Number"), (("a", words_of, "1.25"), ("b", words_of, "10.5")))
    numbers = Table(tuple(f"column {n}" for n in range(12)), (tuple("−0.123456789" for _ in range(12)),))
    (page,) = write([wide, numbers], tmp_path / "a.pdf")
    assert page.count("words") == 80
    assert page.count("123456789") == 12 or page.replace(" ", "").count("123456789") == 12


def test_a_short_table_is_never_divided(tmp_path: Path) -> None:
    rows = tuple((f"w{n}", f"{n}.25") for n in range(12))
    for lines in range(24, 34):
        blocks: list[Block] = [Paragraph(f"Line {n}") for n in range(lines)]
        table = Table(("Weight", "Gradient"), rows, "The caption")
        pages = write([*blocks, Heading("Result"), table, Paragraph("It falls.")], tmp_path / "a.pdf")
        (page,) = [page for page in pages if "w0 0.25" in page]
        # Neither its heading nor the sentence about it stands elsewhere.
        assert all(text in page for text in ("Result", "The caption", "w11 11.25", "It falls."))


def test_of_a_long_table_no_less_than_three_rows_stand_alone(tmp_path: Path) -> None:
    rows = tuple((f"w{n}.", "1.25") for n in range(20))
    for lines in range(16, 36):
        blocks: list[Block] = [Paragraph(f"Line {n}") for n in range(lines)]
        pages = write([*blocks, Table(("Weight", "Gradient"), rows)], tmp_path / "a.pdf")
        counts = [len(re.findall(r"w\d+\.", page)) for page in pages]
        assert sum(counts) == 20
        assert not {1, 2} & set(counts)


def test_sentences_below_a_heading_stay_with_what_they_introduce(tmp_path: Path) -> None:
    for lines in range(26, 34):
        blocks: list[Block] = [Paragraph(f"Line {n}") for n in range(lines)]
        pages = write([*blocks, Heading("Update"), Paragraph("Thus it goes."), NUMBERS], tmp_path / "a.pdf")
        (page,) = [page for page in pages if "Update" in page]
        assert "Thus it goes." in page
        assert "0.3575" in page


def test_tables_of_weights_and_biases_stand_side_by_side() -> None:
    samples = Table(("Row", "a"), (("1", "0.5"),), "The inputs")
    weights = Table(("Weight", "Value"), tuple((f"w{n}", "0.5") for n in range(6)), "The weights")
    biases = Table(("Neuron", "Bias"), tuple((f"h{n}", "0.5") for n in range(3)), "The biases")
    both = side_by_side(weights, biases, width=WIDTH)
    assert both is not None
    alone = sum(piece.before + piece.height for piece in table_pieces(weights, width=WIDTH))
    assert both.before + both.height == pytest.approx(alone)
    assert side_by_side(weights, biases, width=1500) is None
    # They would look lost.
    assert side_by_side(samples, weights, width=WIDTH) is None
    long = Table(("Weight", "Value"), tuple((f"w{n}", "0.5") for n in range(40)))
    assert side_by_side(long, long, width=WIDTH) is None
    sheet = Sheet("Title", "", (samples, weights, biases))
    # The first of three tables, which are those of a solution, stays alone.
    assert end_of(sheet) == pytest.approx(end_of(Sheet("Title", "", (samples, weights))))


def end_of(sheet: Sheet) -> float:
    """Where the first page of a sheet ends."""
    layout = lay_out_sheet(sheet, None)
    while True:
        try:
            next(layout)
        except StopIteration as stop:
            last = stop.value[0].pieces[-1]
            return float(last.y + last.piece.height)


def test_each_sheet_has_page_numbers_of_its_own(tmp_path: Path) -> None:
    lines = tuple(Paragraph("Line") for _ in range(40))
    sheets = [Sheet(title, "", lines) for title in ("First", "Second")]
    finish(write_pdf(sheets, None, tmp_path / "a.pdf", paper="Letter"))
    pages = pages_of(tmp_path / "a.pdf")
    assert [re.findall(r"\d / \d", page) for page in pages] == [["1 / 2"], ["2 / 2"]] * 2
    assert "Second" in pages[2]
    assert float(pypdf.PdfReader(tmp_path / "a.pdf").pages[0].mediabox.width) == 612


def test_letters_of_every_sort_are_written(tmp_path: Path) -> None:
    (page,) = write(
        [Paragraph("δ ∂L/∂w − η ã significant 😀 <b>&"), Heading("Überschrift")], tmp_path / "a.pdf", "Ä & B"
    )
    assert "significant" in page
    assert "Überschrift" in page
    assert "Ä & B" in page


def test_a_figure_is_as_large_as_it_can_be(tmp_path: Path) -> None:
    drawn: list[tuple[float, float, int | None]] = []

    class Drawing:
        def rect(self) -> QRectF:
            return QRectF(0, 0, 2000, 500)

        def paint(self, painter: QPainter, target: QRectF, index: int | None) -> None:
            drawn.append((target.width(), target.height(), index))

    sheet = Sheet("Title", "", (Figure(3, "After three steps"),))
    finish(write_pdf([sheet], lambda _: Drawing(), tmp_path / "a.pdf"))
    # 170 mm at 96 dots an inch.
    assert drawn == [(pytest.approx(642.5, abs=1), pytest.approx(160.6, abs=1), 3)]
    assert "After three steps" in pages_of(tmp_path / "a.pdf")[0]


# Jobs


def begun(job: Job, steps: int) -> Job:
    for _ in range(steps):
        assert isinstance(next(job), Progress)
    return job


@pytest.mark.parametrize("steps", [1, 5, 11])
def test_a_stopped_job_leaves_nothing(tmp_path: Path, steps: int) -> None:
    sheet = Sheet("Title", "", tuple([NUMBERS] * 10))
    begun(write_pdf([sheet], None, tmp_path / "a.pdf"), steps).close()
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_its_end(tmp_path: Path) -> None:
    sheets = [Sheet("Title", "", tuple([NUMBERS] * 10))] * 2
    reports = list(write_pdf(sheets, None, tmp_path / "a.pdf"))
    done = [report.done / report.total for report in reports]
    assert done == sorted(done)
    assert done[-1] < 1


def test_what_cannot_be_written_is_said(tmp_path: Path, qtbot: QtBot) -> None:
    with pytest.raises(ExportError, match="choose another place"):
        finish(write_pdf([Sheet("Title", "", ())], None, tmp_path / "none" / "a.pdf"))


def test_words_are_broken_where_they_must_be() -> None:
    lines = Type().wrap("😀 " + "x" * 300, 1000)
    assert all(Type().width(line) <= 1000 for line in lines)
    assert "".join(lines).replace(" ", "") == "😀" + "x" * 300
