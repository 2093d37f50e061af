"""Sheets as pages of a PDF: text and formulas that can be searched, drawings as vectors, each page numbered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, get_args

from PySide6.QtCore import QMarginsF, QRectF
from PySide6.QtGui import QPageSize, QPainter, QPdfWriter

from core.errors import ExportError
from core.jobs import Job, Progress, Written
from core.sheet import Block, Figure, Formula, Heading, Paragraph, Sheet, Table
from core.whole_files import new_file
from nnviz_app.export.page_formula import formula_pieces
from nnviz_app.export.page_layout import (
    BODY,
    MUTED,
    PER_INCH,
    PER_MM,
    Piece,
    Placed,
    Type,
    draw_rule,
    fill_pages,
    text_pieces,
)
from nnviz_app.export.page_table import side_by_side, table_pieces
from nnviz_app.export.whole_pdf import check_whole

Paper = Literal["A4", "Letter"]
PAPERS: tuple[Paper, ...] = get_args(Paper)

_SIZES = {"A4": QPageSize.PageSizeId.A4, "Letter": QPageSize.PageSizeId.Letter}
MARGIN = 20 * PER_MM
# The footer's baseline stands so far below the text.
FOOTER = 9 * PER_MM
# What the drawings are drawn at: the dots per inch that the canvas is made for.
SCENE_PER_INCH = 96.0
# The largest share of a page's height for a drawing; none is drawn larger than it is on screen.
TALLEST_FIGURE = 0.4

_TITLE = Type(180, bold=True)
_SUBTITLE = Type(105, color=MUTED)
_HEADINGS = {1: Type(145, bold=True), 2: Type(120, bold=True), 3: Type(105, bold=True)}
_GAPS = {1: 260.0, 2: 190.0, 3: 150.0}
_CAPTION = Type(90, color=MUTED)
_FOOT = Type(80, color=MUTED)


class Picture(Protocol):
    """What draws the network: a CanvasPicture."""

    def rect(self) -> QRectF:
        """The size of the drawing in scene units."""

    def paint(self, painter: QPainter, target: QRectF, index: int | None) -> None:
        """Draw it with its first `index` steps revealed."""


# The drawing of the sheet with this number, counted from 0; None where it has none.
PictureOf = Callable[[int], Picture | None]


@dataclass(frozen=True)
class Page:
    """One page: what stands on it, and what its footer says at its left and right end."""

    pieces: list[Placed]
    title: str
    number: str


def write_pdf(sheets: Sequence[Sheet], picture_of: PictureOf | None, path: Path, *, paper: Paper = "A4") -> Job:
    """Write sheets as one PDF, each beginning on a new page and with page numbers of its own.

    Figures are left out where a sheet has no picture. Raises ExportError where nothing can be written.
    """
    total = 2 * sum(len(sheet.blocks) for sheet in sheets)
    done = 0
    pages: list[Page] = []
    for number, sheet in enumerate(sheets):
        picture = picture_of(number) if picture_of is not None else None
        layout = lay_out_sheet(sheet, picture, paper=paper)
        pages += yield from _reporting(layout, done, total)
        done += len(sheet.blocks)
    with new_file(path) as file, PdfFile(file, title=sheets[0].title if sheets else "", paper=paper) as pdf:
        for number, page in enumerate(pages):
            yield Progress(done + round((total - done) * number / len(pages)), total, f"Page {number + 1}")
            pdf.draw(page)
    count = len(pages)
    return Written((path,), (f"{count} page{'' if count == 1 else 's'} ({paper}).",))


def _reporting(
    layout: Generator[None, None, list[Page]], done: int, total: int
) -> Generator[Progress, None, list[Page]]:
    """Run a layout, and report how many of all blocks are done."""
    for place in itertools.count(1):
        try:
            next(layout)
        except StopIteration as stop:
            pages: list[Page] = stop.value
            return pages
        yield Progress(done + place, total, "Laying out")
    raise AssertionError


class PdfFile:
    """A PDF under way, as a context manager; pages are drawn into it one after the other."""

    def __init__(self, file: Path, *, title: str, paper: Paper = "A4") -> None:
        self._file, self._paper = file, paper
        self._writer = QPdfWriter(str(file))
        self._writer.setResolution(round(SCENE_PER_INCH))
        self._writer.setPageSize(QPageSize(_SIZES[paper]))
        self._writer.setPageMargins(QMarginsF(0.0, 0.0, 0.0, 0.0))
        self._writer.setCreator("nnviz")
        self._writer.setTitle(title)
        self._painter = QPainter()
        self._is_blank = True

    def __enter__(self) -> PdfFile:
        if not self._painter.begin(self._writer):
            raise ExportError(f"{self._file.parent} cannot be written to: choose another place.")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._painter.end()
        if kind is None:
            check_whole(self._file)

    def draw(self, page: Page | None) -> None:
        """Draw the next page; None is an empty one."""
        if not self._is_blank:
            self._writer.newPage()
        self._is_blank = False
        if page is not None:
            self._painter.save()
            self._painter.scale(SCENE_PER_INCH / PER_INCH, SCENE_PER_INCH / PER_INCH)
            draw_page(self._painter, page, self._paper)
            self._painter.restore()


def draw_page(painter: QPainter, page: Page, paper: Paper) -> None:
    """Draw a page with its footer, in tenths of a point from the upper left corner of the paper."""
    width, height = _text_area(paper)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for placed in page.pieces:
        painter.save()
        placed.piece.draw(painter, MARGIN, MARGIN + placed.y)
        painter.restore()
    baseline = MARGIN + height + FOOTER
    _FOOT.draw(painter, MARGIN, baseline, _FOOT.cut(page.title, width - 600.0))
    _FOOT.draw(painter, MARGIN + width - _FOOT.width(page.number), baseline, page.number)
    painter.restore()


def lay_out_sheet(sheet: Sheet, picture: Picture | None, *, paper: Paper = "A4") -> Generator[None, None, list[Page]]:
    """The pages of a sheet; yields after each block, as long sheets take seconds."""
    width, height = _text_area(paper)
    pieces = _title_pieces(sheet, width)
    former: Block | None = None
    previous: Block | None = None
    blocks = list(_side_by_side(sheet.blocks, width))
    for (block, beside), (following, _) in itertools.pairwise([*blocks, (None, None)]):
        assert block is not None
        if _goes_with(block, former=former, previous=previous, following=following):
            pieces[-1] = replace(pieces[-1], joined=True)
        if beside is not None:
            pieces.append(beside)
        else:
            pieces += _block_pieces(block, previous, picture, width=width, height=height)
        former, previous = previous, block
        yield
    placed = fill_pages(pieces, height)
    title = f"{sheet.title} · {sheet.subtitle}" if sheet.subtitle else sheet.title
    return [Page(page, title, f"{number} / {len(placed)}") for number, page in enumerate(placed, 1)]


def _text_area(paper: Paper) -> tuple[float, float]:
    size = QPageSize(_SIZES[paper]).size(QPageSize.Unit.Point)
    return 10.0 * size.width() - 2 * MARGIN, 10.0 * size.height() - 2 * MARGIN


def _title_pieces(sheet: Sheet, width: float) -> list[Piece]:
    pieces = text_pieces(sheet.title, _TITLE, width=width, before=0.0, joined=True)
    if sheet.subtitle:
        pieces += text_pieces(sheet.subtitle, _SUBTITLE, width=width, before=15.0, joined=True)
    pieces.append(
        Piece(5.0, lambda painter, x, y: draw_rule(painter, x, x + width, y, strong=True), before=60.0, joined=True)
    )
    return pieces


def _side_by_side(blocks: Sequence[Block], width: float) -> Iterator[tuple[Block, Piece | None]]:
    """The blocks, of two tables that fit beside each other the second one with the piece for both.

    Of three tables the last two are tried first: those of weights and biases.
    """
    place = 0
    while place < len(blocks):
        block, *others = blocks[place : place + 3]
        if isinstance(block, Table) and others and isinstance(others[0], Table):
            is_better_off = (
                len(others) == 2
                and isinstance(others[1], Table)
                and (side_by_side(others[0], others[1], width=width) is not None)
            )
            both = None if is_better_off else side_by_side(block, others[0], width=width)
            if both is not None:
                yield others[0], both
                place += 2
                continue
        yield block, None
        place += 1


def _goes_with(block: Block, *, former: Block | None, previous: Block | None, following: Block | None) -> bool:
    """Whether a block stays on the page of the previous one; `former` stands before that.

    Sentences below a heading stay with what they introduce, those at the end of a part with what they are about.
    """
    if isinstance(block, Heading):
        return False
    introduces = isinstance(previous, Paragraph) and isinstance(former, Heading)
    concludes = isinstance(block, Paragraph) and (following is None or isinstance(following, Heading))
    return introduces or concludes


def _block_pieces(
    block: Block, previous: Block | None, picture: Picture | None, *, width: float, height: float
) -> list[Piece]:
    match block:
        case Heading():
            level = min(max(block.level, 1), 3)
            # A heading directly below another one belongs to it.
            gap = 0.35 * _GAPS[level] if isinstance(previous, Heading) else _GAPS[level]
            return text_pieces(block.text, _HEADINGS[level], width=width, before=gap, joined=True)
        case Paragraph():
            return text_pieces(block.text, Type(BODY), width=width, before=85.0)
        case Formula():
            return formula_pieces(block, width=width)
        case Table():
            return table_pieces(block, width=width)
        case Figure():
            return [] if picture is None else _figure_pieces(block, picture, width=width, height=height)


def _figure_pieces(figure: Figure, picture: Picture, *, width: float, height: float) -> list[Piece]:
    extent = picture.rect()
    if extent.isEmpty():
        return []
    scale = min(PER_INCH / SCENE_PER_INCH, width / extent.width(), TALLEST_FIGURE * height / extent.height())
    drawn_width, drawn_height = scale * extent.width(), scale * extent.height()

    def draw(painter: QPainter, x: float, y: float) -> None:
        target = painter.transform().mapRect(QRectF(x + 0.5 * (width - drawn_width), y, drawn_width, drawn_height))
        painter.save()
        # Fonts given in points need the painter's own dots per inch.
        painter.resetTransform()
        picture.paint(painter, target, figure.index)
        painter.restore()

    pieces = [Piece(drawn_height, draw, before=120.0, joined=bool(figure.caption))]
    if figure.caption:
        pieces += text_pieces(figure.caption, _CAPTION, width=width, before=50.0)
    return pieces
