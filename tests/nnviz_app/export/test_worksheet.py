"""Folders of worksheets: everyone's own numbers, keys that agree with the engine, nothing left of a stopped one."""

from __future__ import annotations

import csv
import errno
import os
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
from core.worksheet import Blanks, Group
from nnviz_app.examples import examples
from nnviz_app.export.former_sheets import FormerSheets
from nnviz_app.export.solution import write_solution
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


def words_on(page: pypdf.PageObject) -> str:
    return re.sub(r"\s+", " ", page.extract_text()).strip()


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_each_student_gets_other_numbers_and_the_teacher_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    written = finish(write_worksheets(one_neuron(), folder, variants=2, seed=4))
    assert written.paths == (folder,)
    assert written.sentences[0] == "2 worksheets, each with its key, and as a project to open and step through."
    assert "all-worksheets.pdf and all-keys.pdf" in written.sentences[2]
    assert files_of(folder) == {
        *(f"{kind}-0{n}.{end}" for n in (1, 2) for kind, end in [("worksheet", "pdf"), ("key", "pdf")]),
        *(f"project-0{n}.nnviz" for n in (1, 2)),
        "all-worksheets.pdf",
        "all-keys.pdf",
        "index.csv",
    }
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["variant"], row["seed"]) for row in rows] == [("1", "4"), ("2", "4")]
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
    lengths = []
    for kind in ("worksheet", "key"):
        whole = list(pypdf.PdfReader(folder / f"all-{kind}s.pdf").pages)
        for row in rows:
            count = len(pypdf.PdfReader(folder / row[kind]).pages)
            first = words_on(whole[0])
            assert f"variant {row['variant']} of seed 4" in first
            assert f"1 / {count}" in first
            assert f"{count} / {count}" in words_on(whole[count - 1])
            # Each begins on the front of a leaf.
            filled = count + count % 2
            assert all(not words_on(page) for page in whole[count:filled])
            whole = whole[filled:]
        assert not whole
        lengths.append(f"{count} page{'s' * (count > 1)}")
    assert written.sentences[1] == f"A worksheet has {lengths[0]}, a key {lengths[1]}."


def test_without_variants_there_is_one_sheet_with_the_projects_own_numbers(tmp_path: Path) -> None:
    project = one_neuron()
    finish(write_worksheets(project, tmp_path / "sheets"))
    assert files_of(tmp_path / "sheets") == {"worksheet.pdf", "key.pdf", "project.nnviz", "index.csv"}
    assert load_project(tmp_path / "sheets" / "project.nnviz").network.values == project.network.values
    text = pypdf.PdfReader(tmp_path / "sheets" / "worksheet.pdf").pages[0].extract_text()
    assert "Name: ____" in re.sub(r"\s+", " ", text)


def test_letters_that_latex_lacks_are_named_once(tmp_path: Path) -> None:
    project = one_neuron()
    project.rename(project.network.inputs[0].id, "Ж")
    written = finish(write_worksheets(project, tmp_path / "sheets", variants=2, form="tex"))
    assert sum("pdfLaTeX has no sign for Ж" in sentence for sentence in written.sentences) == 1


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


def test_the_search_for_numbers_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []
    monkeypatch.setattr("core.variants.Critic.flaws", lambda *_: attempts.append(1) or 1.0)
    job = write_worksheets(one_neuron(), tmp_path / "sheets", variants=1, form="md")
    while len(attempts) < 5:
        next(job)
    assert len(attempts) == 5
    job.close()
    assert not list(tmp_path.iterdir())


def test_what_is_too_long_is_refused_before_numbers_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.solution.MOST_LINES", 5)
    monkeypatch.setattr("core.variants.Critic.flaws", lambda *_: pytest.fail("numbers were drawn"))
    with pytest.raises(ExportError, match="more than 5 lines: choose a smaller network"):
        finish(write_worksheets(one_neuron(), tmp_path / "sheets", variants=2))
    assert not list(tmp_path.iterdir())


def test_what_was_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    finish(write_worksheets(one_neuron(), tmp_path, form="md"))
    assert "mine.txt" in files_of(tmp_path)
    assert "key.md" in files_of(tmp_path)


@pytest.mark.parametrize("form", ["pdf", "md"])
def test_worksheets_made_before_go(tmp_path: Path, form: str) -> None:
    mine = ("mine.txt", "worksheet-9.txt", "all-mine.pdf", "worksheet-77.pdf")
    folder = tmp_path / "sheets"
    folder.mkdir()
    for name in mine:
        (folder / name).write_text("mine", encoding="utf-8")
    finish(write_worksheets(one_neuron(), folder, variants=3, seed=1, form=form))  # type: ignore[arg-type]
    assert "worksheet-03.pdf" in files_of(folder) or "worksheet-03-figures/figure-1.svg" in files_of(folder)
    finish(write_worksheets(one_neuron(), folder, seed=7, form="tex"))
    assert files_of(folder) == {*mine, "worksheet.tex", "key.tex", "project.nnviz", "index.csv"}
    assert not list(folder.glob("*-figures"))
    finish(write_worksheets(one_neuron(), folder, variants=1, seed=7, form="tex"))
    assert files_of(folder) == {
        *mine,
        *(f"{name}-01.tex" for name in ("worksheet", "key")),
        "project-01.nnviz",
        "index.csv",
    }


@pytest.mark.parametrize("form", ["pdf", "tex"])
def test_what_was_changed_since_stays_and_what_went_is_said(tmp_path: Path, form: str) -> None:
    finish(write_worksheets(one_neuron(), tmp_path, variants=4, form=form))  # type: ignore[arg-type]
    written = (tmp_path / "index.csv").stat().st_mtime
    (tmp_path / "project-04.nnviz").write_text("my own work", encoding="utf-8")
    for name, later in (("project-04.nnviz", 60), (f"key-03.{form}", 60), ("project-03.nnviz", 1)):
        os.utime(tmp_path / name, (written + later,) * 2)
    assert FormerSheets.of(tmp_path).describe() == (
        f"The folder {tmp_path.name} holds worksheets already: they, their keys and projects would go."
    )
    sentences = finish(write_worksheets(one_neuron(), tmp_path, variants=2, form=form)).sentences  # type: ignore[arg-type]
    assert sentences[-3:] == (
        "Worksheets made before are gone: 4 files.",
        f"key-03.{form} stays, as it was changed after it had been written.",
        "project-04.nnviz stays, as it was changed after it had been written.",
    )
    assert (tmp_path / "project-04.nnviz").read_text(encoding="utf-8") == "my own work"
    assert {path.name for path in tmp_path.glob("*-0[34].*")} == {"project-04.nnviz", f"key-03.{form}"}
    # All that the list of now says is new.
    assert len(finish(write_worksheets(one_neuron(), tmp_path, variants=2, form=form)).sentences) == len(sentences) - 3  # type: ignore[arg-type]


def test_drawings_of_a_former_worksheet_go(tmp_path: Path) -> None:
    forward = WorksheetOptions(blanks=Blanks(frozenset({Group.UPDATES})))
    finish(write_worksheets(one_neuron(), tmp_path, form="md", options=forward))
    folder = tmp_path / "worksheet-figures"
    (folder / "figure-mine.svg").write_text("mine", encoding="utf-8")
    assert {"figure-1.svg", "figure-2.svg", "figure-3.svg"} < files_of(folder)
    finish(write_worksheets(one_neuron(), tmp_path, form="md"))
    # All is asked for: only the first drawing gives nothing away.
    assert files_of(folder) == {"figure-1.svg", "figure-mine.svg"}
    assert "figure-3.svg" in files_of(tmp_path / "key-figures")
    written = finish(write_worksheets(one_neuron(), tmp_path, form="tex"))
    assert files_of(folder) == {"figure-mine.svg"}
    assert not (tmp_path / "key-figures").exists()
    assert written.sentences[-1] == "Worksheets made before are gone: 6 files."


def test_nothing_stands_behind_a_drawing_on_paper(tmp_path: Path) -> None:
    finish(write_worksheets(one_neuron(), tmp_path, form="tex"))
    finish(write_solution(one_neuron(), tmp_path / "solution.tex"))
    colors = [
        set(re.findall(r"\\definecolor\{[^}]*\}\{HTML\}\{(\w+)\}", (tmp_path / name).read_text(encoding="utf-8")))
        for name in ("key.tex", "solution.tex")
    ]
    assert colors[0] == colors[1]


def test_a_list_of_something_else_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "worksheet-05.pdf").write_text("mine", encoding="utf-8")
    (tmp_path / "index.csv").write_text("worksheet,key\n../worksheet-05.pdf,key.txt\n", encoding="utf-8")
    finish(write_worksheets(one_neuron(), tmp_path, form="tex"))
    assert {"key.txt", "worksheet-05.pdf"} < files_of(tmp_path)


def test_what_was_made_before_stays_where_the_new_is_not_whole(tmp_path: Path) -> None:
    finish(write_worksheets(one_neuron(), tmp_path / "a", variants=2, form="tex"))
    before = files_of(tmp_path / "a")
    job = write_worksheets(one_neuron(), tmp_path / "a", form="tex")
    for _ in range(5):
        next(job)
    job.close()
    assert files_of(tmp_path / "a") == before


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
