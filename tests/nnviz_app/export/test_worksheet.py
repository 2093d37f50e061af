"""Folders of worksheets: everyone's own numbers, keys that agree with the engine, nothing left of a stopped one."""

from __future__ import annotations

import csv
import errno
import re
from pathlib import Path

import pytest

from core.errors import ExportError
from core.jobs import finish
from core.network import Network
from core.numbers import format_number
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind
from core.sheet import Blank
from core.style import Rounding, Style
from core.worksheet import Blanks
from nnviz_app.examples import examples
from nnviz_app.export.worksheet import WorksheetOptions, write_worksheets

pypdf = pytest.importorskip("pypdf", reason="a reader of PDFs is not installed")

pytestmark = pytest.mark.usefixtures("qapp")

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-−]?\d+)?")


def one_neuron() -> Project:
    """The smallest of the examples: its sheets are made in a moment."""
    return load_project(next(one.path for one in examples() if "one-sigmoid" in str(one.path)))


def numbers_in(path: Path) -> set[str]:
    """Every number on the pages of a PDF but those of the lines, the pages and the variant."""
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return {found for found in NUMBER.findall(text) if "." in found}


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_each_student_gets_other_numbers_and_the_teacher_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    written = finish(write_worksheets(one_neuron(), folder, variants=2, seed=4))
    assert written.paths == (folder,)
    assert files_of(folder) == {
        *(f"{kind}-0{n}.{end}" for n in (1, 2) for kind, end in [("worksheet", "pdf"), ("key", "pdf")]),
        *(f"project-0{n}.nnviz" for n in (1, 2)),
        "all-worksheets.pdf",
        "all-keys.pdf",
        "index.csv",
    }
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == ["1", "2"]
    seen = set()
    for row in rows:
        project = load_project(folder / row["project"])
        trace = trace_project(project)
        assert float(row["loss"]) == pytest.approx(trace.loss)
        # What the engine computes is in the key, and not on the sheet.
        steps = [step for step in trace if step.kind not in (Kind.INPUT, Kind.PRODUCT)]
        answers = {format_number(abs(step.value), 4) for step in steps}
        answers = {answer for answer in answers if "." in answer}
        given = {format_number(abs(value), 4) for value in project.network.values.values()}
        assert answers <= numbers_in(folder / row["key"])
        assert not numbers_in(folder / row["worksheet"]) & (answers - given)
        seen.add(tuple(project.network.values.values()))
    assert len(seen) == 2
    pages = [len(pypdf.PdfReader(folder / row["worksheet"]).pages) for row in rows]
    assert len(pypdf.PdfReader(folder / "all-worksheets.pdf").pages) == sum(pages)


def test_without_variants_there_is_one_sheet_with_the_projects_own_numbers(tmp_path: Path) -> None:
    project = one_neuron()
    finish(write_worksheets(project, tmp_path / "sheets"))
    assert files_of(tmp_path / "sheets") == {"worksheet.pdf", "key.pdf", "project.nnviz", "index.csv"}
    assert load_project(tmp_path / "sheets" / "project.nnviz").network.values == project.network.values
    text = pypdf.PdfReader(tmp_path / "sheets" / "worksheet.pdf").pages[0].extract_text()
    assert "Name: ____" in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("form", ["html", "md", "tex"])
def test_other_forms_are_written_too(tmp_path: Path, form: str) -> None:
    options = WorksheetOptions(blanks=Blanks(hide=Blank.ALL), style=Style(digits=15), rounding=Rounding(3), rows=(0,))
    finish(write_worksheets(one_neuron(), tmp_path / "a", variants=1, form=form, options=options))  # type: ignore[arg-type]
    project = load_project(tmp_path / "a" / "project-01.nnviz")
    answer = format_number(abs(trace_project(project, rounding=Rounding(3)).gradient["w"]), 15)
    task, key = ((tmp_path / "a" / f"{name}-01.{form}").read_text(encoding="utf-8") for name in ("worksheet", "key"))
    assert answer in key
    assert answer not in task


def test_the_same_seed_makes_the_same_sheets(tmp_path: Path) -> None:
    for name, count in (("a", 1), ("b", 2)):
        finish(write_worksheets(one_neuron(), tmp_path / name, variants=count, seed=9, form="md"))
    for file in ("worksheet-01.md", "key-01.md", "project-01.nnviz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("form", ["pdf", "md"])
@pytest.mark.parametrize("reports", [1, 3, 12, 30])
def test_a_stopped_job_leaves_nothing(tmp_path: Path, form: str, reports: int) -> None:
    job = write_worksheets(one_neuron(), tmp_path / "sheets", variants=2, form=form)  # type: ignore[arg-type]
    for _ in range(reports):
        progress = next(job)
        assert 0 <= progress.done < progress.total == 2
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    finish(write_worksheets(one_neuron(), tmp_path, form="md"))
    assert "mine.txt" in files_of(tmp_path)
    assert "key.md" in files_of(tmp_path)


def test_a_full_disk_is_said_of_the_folder_that_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(_path: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(ExportError, match=f"^{re.escape(str(tmp_path / 'sheets'))} cannot be written .No space"):
        finish(write_worksheets(one_neuron(), tmp_path / "sheets", form="md"))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="at most, not 501"):
        finish(write_worksheets(one_neuron(), tmp_path / "a", variants=501))
    with pytest.raises(ExportError, match="choose another place"):
        finish(write_worksheets(one_neuron(), tmp_path / "none" / "a"))
    with pytest.raises(Exception, match="no neuron"):
        finish(write_worksheets(Project(Network()), tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []
