"""Worksheets for a class: a folder with a sheet and a key for each variant, and the variants as projects."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from core.errors import ExportError
from core.file_writing import project_to_text
from core.jobs import Job, Progress, Written, reporting
from core.numbers import format_number
from core.passes import trace_project
from core.project import Project
from core.quantities import Granularity
from core.sheet import Sheet
from core.solution import check_length
from core.style import Rounding, Style
from core.variants import Variants
from core.whole_files import new_folder
from core.worksheet import Blanks, worksheet
from nnviz_app.export.former_sheets import FILES, INDEX, FormerSheets
from nnviz_app.export.pages import Page, Paper, PdfFile, lay_out_sheet
from nnviz_app.export.picture import CanvasPicture, Look
from nnviz_app.export.solution import picture_style, write_sheet

Form = Literal["pdf", "html", "md", "tex"]
FORMS: tuple[Form, ...] = get_args(Form)
MOST_VARIANTS = 500


class WorksheetOptions(Struct, frozen=True):
    """What is on a worksheet and how it is written; `rows` are those whose pass it is, the first batch without them."""

    rows: tuple[int, ...] | None = None
    blanks: Blanks = Blanks()
    granularity: Granularity = Granularity.NEURON
    style: Style = Style()
    rounding: Rounding | None = None
    paper: Paper = "A4"


# How many pages a worksheet and its key have.
Pages = tuple[int, int]


@dataclass(frozen=True)
class _Exercise:
    """One variant: the names of its files end with `label`."""

    label: str
    project: Project
    task: Sheet
    key: Sheet
    loss: float
    number: int | None = None

    @property
    def sheets(self) -> tuple[tuple[str, Sheet], ...]:
        """The sheet and its key, by the name of the file without its ending."""
        return (f"worksheet{self.label}", self.task), (f"key{self.label}", self.key)


def write_worksheets(
    project: Project,
    path: Path,
    *,
    variants: int = 0,
    seed: int = 1,
    form: Form = "pdf",
    options: WorksheetOptions = WorksheetOptions(),  # noqa: B008 - frozen
) -> Job:
    """Write a folder of worksheets with their keys, each variant as a project too, and an index.csv.

    Without `variants` there is one sheet, with the project's own numbers. PDFs are there all in one file as well, each
    beginning on a new leaf. Worksheets that were in the folder before, as its index.csv says, go, but for those that
    were changed since.
    Raises ExportError where nothing can be written, and what `core.worksheet.worksheet` raises.
    """
    if form not in FORMS:
        raise ExportError(f"A worksheet is one of {', '.join(FORMS)}, not {form}: choose one of these.")
    if not 0 <= variants <= MOST_VARIANTS:
        raise ExportError(f"There can be {MOST_VARIANTS} variants at most, not {variants:,}: choose fewer.")
    # Before numbers are drawn in vain.
    check_length(project, options.rows, options.granularity)
    count = max(1, variants)
    done = 0
    listed: list[_Exercise] = []
    lengths: list[Pages] = []
    remarks: dict[str, None] = {}
    yield Progress(0, count, "Choosing numbers")
    with new_folder(path) as folder, ExitStack() as stack:
        collected: dict[str, PdfFile] = {}
        if form == "pdf" and variants > 1:
            for name in ("worksheets", "keys"):
                pdf = PdfFile(folder / f"all-{name}.pdf", title=project.title, paper=options.paper)
                collected[name] = stack.enter_context(pdf)
        drawn = Variants(project, seed, rows=options.rows) if variants else None
        digits = max(2, len(str(count)))
        while done < count:
            what = f"Worksheet {done + 1} of {count}"
            yield Progress(done, count, what)
            if drawn is None:
                exercise = _exercise(project, options, title=project.title)
            else:
                variant = yield from reporting(drawn.find(), Progress(done, count, what))
                exercise = _exercise(variant, options, title=project.title, number=done + 1, seed=seed, digits=digits)
            yield Progress(done, count, what)
            # On paper nothing stands behind the drawing.
            style = picture_style(options.style, options.rounding)
            look = Look(transparent=form in ("pdf", "tex"), lights_steps=False, style=style)
            with CanvasPicture(exercise.project, rows=options.rows, rounding=options.rounding, look=look) as picture:
                yield from reporting(picture.measure(), Progress(done, count, what))
                # Not by save_project: it would name the folder that is there for the meantime where the disk is full.
                data = project_to_text(exercise.project).encode()
                (folder / f"project{exercise.label}.nnviz").write_bytes(data)
                if form == "pdf":
                    write: Generator[object, None, Pages | None] = _write_pages(
                        exercise, picture, folder, list(collected.values()), paper=options.paper
                    )
                else:
                    write = _write_sheets(exercise, picture, folder, form, remarks)
                pages = yield from reporting(write, Progress(done, count, what))
                lengths += [pages] if pages is not None else []
            done += 1
            listed.append(exercise)
        (folder / INDEX).write_text(_index(listed, form, seed), encoding="utf-8", newline="")
        former = FormerSheets.of(path)
        new = {file.relative_to(folder) for file in folder.rglob("*")}
    gone = former.remove_all_but(new)
    return Written((path,), (*_describe(count, lengths, has_all=bool(collected)), *remarks, *gone))


def _describe(count: int, lengths: Sequence[Pages], *, has_all: bool) -> Iterator[str]:
    """What has been written; `lengths` has the pages of each worksheet and its key."""
    what = "1 worksheet with its key, and" if count == 1 else f"{count} worksheets, each with its key, and"
    yield f"{what} as a project to open and step through."
    if lengths:
        tasks, keys = (_range_of(numbers) for numbers in zip(*lengths, strict=True))
        yield f"{'The' if count == 1 else 'A'} worksheet has {tasks}, {'the' if count == 1 else 'a'} key {keys}."
    if has_all:
        yield (
            "all-worksheets.pdf and all-keys.pdf hold all of them; "
            "printed on both sides, each begins on a leaf of its own."
        )
    yield f"{INDEX} lists the files, with the loss before the update."


def _range_of(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    span = f"{least}" if least == most else f"{least} to {most}"
    return f"{span} page{'' if most == 1 else 's'}"


def _exercise(
    project: Project,
    options: WorksheetOptions,
    *,
    title: str,
    number: int | None = None,
    seed: int = 1,
    digits: int = 2,
) -> _Exercise:
    """The sheet of a project, which is variant `number` of a seed, or the exercise's own."""
    task, key = worksheet(
        project,
        options.rows,
        blanks=options.blanks,
        granularity=options.granularity,
        style=options.style,
        rounding=options.rounding,
        title=title,
        label="" if number is None else f"variant {number} of seed {seed}",
    )
    loss = trace_project(project, options.rows, rounding=options.rounding).loss
    return _Exercise("" if number is None else f"-{number:0{digits}}", project, task, key, loss, number)


def _write_pages(
    exercise: _Exercise, picture: CanvasPicture, folder: Path, collected: Sequence[PdfFile], *, paper: Paper
) -> Generator[None, None, Pages]:
    """The sheet and the key as a PDF each, and their pages once more at the end of the collected ones.

    Those are filled up to whole leaves.
    """
    lengths = []
    for place, (name, sheet) in enumerate(exercise.sheets):
        pages: list[Page] = yield from lay_out_sheet(sheet, picture, paper=paper)
        lengths.append(len(pages))
        with PdfFile(folder / f"{name}.pdf", title=sheet.title, paper=paper) as pdf:
            for page in pages:
                pdf.draw(page)
                if collected:
                    collected[place].draw(page)
                yield
        if collected and len(pages) % 2:
            collected[place].draw(None)
    return lengths[0], lengths[1]


def _write_sheets(
    exercise: _Exercise, picture: CanvasPicture, folder: Path, form: Form, remarks: dict[str, None]
) -> Generator[object, None, None]:
    """Write the documents; `remarks` gets what is to be said of them beside their size, each sentence once."""
    for name, sheet in exercise.sheets:
        written = yield from write_sheet(sheet, picture, folder / f"{name}.{form}")
        remarks |= dict.fromkeys(written.sentences[1:])


def _index(exercises: Sequence[_Exercise], form: Form, seed: int) -> str:
    """A table for the teacher, a row a variant."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("variant", "seed", *FILES, "loss"))
    for exercise in exercises:
        files = [f"{name}.{form}" for name, _ in exercise.sheets]
        loss = format_number(exercise.loss, 10).replace("−", "-")
        which = ("", "") if exercise.number is None else (exercise.number, seed)
        table.writerow((*which, *files, f"project{exercise.label}.nnviz", loss))
    return text.getvalue()
