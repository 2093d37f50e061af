"""Worked solutions as files: HTML, PDF, Markdown and LaTeX, the form by the ending."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from core.errors import ExportError
from core.export.tex_text import unusual, unusual_remark
from core.jobs import Job, Progress, Written
from core.quantities import Granularity
from core.sheet import Figure, Formula, Sheet
from core.solution import solution
from core.style import Rounding, Style
from core.whole_files import new_file, new_folder

if TYPE_CHECKING:
    from core.project import Project
    from nnviz_app.export.pages import Paper
    from nnviz_app.export.picture import CanvasPicture

FORMS = (".html", ".pdf", ".md", ".tex")
# What drawings beside a document are called; those that a former document had there go.
DRAWING = re.compile(r"figure-\d+\.(svg|png)")
# More digits would not fit beside the edges of a drawing.
PICTURE_DIGITS = 6


def form_of(path: Path) -> str:
    """The form that a file's ending stands for, one of FORMS. Raises ExportError for another ending."""
    ending = path.suffix.lower()
    if ending not in FORMS:
        raise ExportError(
            f"{path.name or path} has no ending that says what to write: choose a name that ends in "
            ".html, .pdf, .md or .tex."
        )
    return ending


def picture_style(style: Style, rounding: Rounding | None) -> Style:
    """How numbers are written in the drawings of a sheet; what is rounded keeps all its digits there too."""
    return style if rounding is not None else replace(style, digits=min(style.digits, PICTURE_DIGITS))


def write_solution(
    project: Project,
    path: Path,
    *,
    rows: Sequence[int] | None = None,
    granularity: Granularity = Granularity.NEURON,
    style: Style = Style(),  # noqa: B008 - frozen
    rounding: Rounding | None = None,
    paper: Paper = "A4",
) -> Job:
    """Write out the passes of these rows (without `rows`, of the first batch) and their update.

    Needs an application, as pictures do. Raises ExportError and TrainingError as `core.solution.solve` does, and
    ExportError for an ending that is no form and where nothing can be written.
    """
    form = form_of(path)
    yield Progress(0, 0, "Working it out")
    sheet = solution(project, rows, granularity=granularity, style=style, rounding=rounding)
    # Only now: it takes Qt, and there has to be something to draw.
    from nnviz_app.export.picture import CanvasPicture, Look

    yield Progress(0, 0, "Drawing the network")
    # On paper nothing stands behind the drawing.
    look = Look(transparent=form in (".pdf", ".tex"), style=picture_style(style, rounding), lights_steps=False)
    with CanvasPicture(project, rows=rows, rounding=rounding, look=look) as picture:
        return (yield from write_sheet(sheet, picture, path, paper=paper))


def write_sheet(sheet: Sheet, picture: CanvasPicture | None, path: Path, *, paper: Paper = "A4") -> Job:
    """Write a sheet as a document; without a `picture` its figures are left out.

    Markdown's drawings come into a folder beside it, in place of those that were there. Raises ExportError for an
    ending that is no form, and where nothing can be written.
    """
    form = form_of(path)
    if form == ".pdf":
        from nnviz_app.export.pages import write_pdf

        return (yield from write_pdf([sheet], lambda _: picture, path, paper=paper))
    drawn = [block for block in sheet.blocks if isinstance(block, Figure)] if picture is not None else []
    folder = path.with_name(f"{path.stem}-figures") if form == ".md" and drawn else None
    with new_file(path) as file, ExitStack() as stack:
        # The folder is there before the document that refers to it.
        place = stack.enter_context(new_folder(folder, outdated=DRAWING)) if folder is not None else None
        pieces = _pieces(sheet, form, _drawings(picture, form, folder, place))
        strange = yield from _write_pieces(pieces, file, sheet)
    formulas = sum(isinstance(block, Formula) for block in sheet.blocks)
    sentences = [f"{_count(formulas, 'formula')}, {_count(len(drawn), 'drawing')}."]
    if form == ".tex" and strange:
        sentences.append(unusual_remark(strange))
    return Written((path,) if folder is None else (path, folder), tuple(sentences))


def _drawings(
    picture: CanvasPicture | None, form: str, folder: Path | None, place: Path | None
) -> Callable[[Figure], str]:
    """What stands for a drawing in a form: an SVG document, a tikzpicture, or the address of a file in the folder.

    `place` is where the folder's files are written to until all are there.
    """
    numbers = itertools.count(1)

    def drawing(figure: Figure) -> str:
        if picture is None:
            return ""
        if form == ".tex":
            return picture.tikz(figure.index)
        svg = picture.svg(figure.index)
        if folder is None or place is None:
            return svg
        name = f"figure-{next(numbers)}.svg"
        (place / name).write_text(svg, encoding="utf-8", newline="\n")
        return quote(f"{folder.name}/{name}")

    return drawing


def _pieces(sheet: Sheet, form: str, drawing: Callable[[Figure], str]) -> Iterator[str]:
    # Only now: each form has parts of its own.
    if form == ".html":
        from core.export.html import write_html

        return write_html(sheet, drawing)
    if form == ".tex":
        from core.export.latex import write_latex

        return write_latex(sheet, drawing)
    from core.export.markdown import write_markdown

    return write_markdown(sheet, drawing)


def _write_pieces(pieces: Iterator[str], file: Path, sheet: Sheet) -> Generator[Progress, None, str]:
    """Write the pieces; the characters in them that LaTeX has no sign for, where they are LaTeX."""
    total = len(sheet.blocks)
    strange: dict[str, None] = {}
    with file.open("w", encoding="utf-8", newline="\n") as out:
        for done, piece in enumerate(pieces):
            out.write(piece)
            strange |= dict.fromkeys(unusual(piece))
            # The document's beginning and end are pieces too.
            yield Progress(min(done, total), total, f"Writing {sheet.title}")
    return "".join(strange)


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
