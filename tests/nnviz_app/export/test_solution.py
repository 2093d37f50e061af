"""Worked solutions as files: the form by the ending, whole or not at all, the numbers in each."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from core.errors import ExportError
from core.jobs import Progress, finish
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity
from core.sheet import Figure, Sheet
from core.solution import solution
from core.style import Notation, Rounding, Style
from nnviz_app.examples import first_example
from nnviz_app.export.picture import CanvasPicture
from nnviz_app.export.solution import FORMS, write_sheet, write_solution

pytestmark = pytest.mark.usefixtures("qapp")

NINE = Style(digits=9)
NUMBERS = ("0.593269992", "0.298371109", "0.35891648")


def classic() -> Project:
    return load_project(first_example().path)


def text_of(path: Path) -> str:
    if path.suffix != ".pdf":
        return path.read_text(encoding="utf-8")
    pypdf = pytest.importorskip("pypdf", reason="a reader of PDFs is not installed")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


@pytest.mark.parametrize("ending", FORMS)
def test_each_form_has_the_numbers_and_the_drawings(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"my solution{ending}"
    # It takes long to read the text of a PDF.
    granularity = Granularity.PASS if ending == ".pdf" else Granularity.NEURON
    written = finish(write_solution(classic(), path, style=NINE, granularity=granularity))
    assert written.paths[0] == path
    text = text_of(path)
    for number in NUMBERS:
        assert number in text
    names = {entry.name for entry in tmp_path.iterdir()}
    match ending:
        case ".html":
            assert text.count("<svg") == 3
            assert "<title>neuron h1</title>" in text
            assert "<?xml" not in text
        case ".tex":
            assert text.count(r"\begin{tikzpicture}") == 3
        case ".md":
            folder = tmp_path / "my solution-figures"
            assert written.paths == (path, folder)
            assert sorted(file.name for file in folder.iterdir()) == [f"figure-{n}.svg" for n in (1, 2, 3)]
            assert "](my%20solution-figures/figure-2.svg)" in text
            # A picture is that of its moment: the loss is not there before it is computed.
            first, second, _ = (file.read_text(encoding="utf-8") for file in sorted(folder.iterdir()))
            assert "0.298371" in second
            assert "0.298371" not in first
            names.discard(folder.name)
        case _:
            pass
    assert names == {path.name}
    if ending != ".pdf":
        assert written.sentences == ("43 formulas, 3 drawings.",)


def test_drawings_of_a_former_solution_go_once_the_new_ones_are_there(tmp_path: Path) -> None:
    path, folder = tmp_path / "s.md", tmp_path / "s-figures"
    finish(write_solution(classic(), path))
    for name in ("figure-4.svg", "figure-12.png", "mine.svg", "figure-4.svg.bak", "my-figure-4.svg"):
        (folder / name).write_text("former", encoding="utf-8")
    stopped = write_solution(classic(), path)
    for progress in stopped:
        if progress.total and progress.done > progress.total / 2:
            break
    stopped.close()
    assert (folder / "figure-4.svg").exists()
    finish(write_solution(classic(), path))
    kept = {"mine.svg", "figure-4.svg.bak", "my-figure-4.svg"}
    assert {file.name for file in folder.iterdir()} == kept | {f"figure-{number}.svg" for number in (1, 2, 3)}


def test_rows_granularity_symbols_and_rounding_are_those_asked_for(tmp_path: Path) -> None:
    project = load_project(next(path for path in first_example().path.parent.glob("*xor*")))
    path = tmp_path / "s.md"
    notation = Notation(pre_activation="net", loss="E")
    job = write_solution(
        project,
        path,
        rows=range(1, 2),
        granularity=Granularity.PASS,
        style=Style(notation, 15),
        rounding=Rounding(3),
    )
    finish(job)
    text = path.read_text(encoding="utf-8")
    assert "row 2 of the data" in text
    assert "| Neuron | net | a |" in text
    assert "rounded to 3 decimals" in text


def test_a_job_that_is_stopped_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    for ending in FORMS:
        path = tmp_path / f"s{ending}"
        path.write_text("before", encoding="utf-8")
        job = write_solution(classic(), path)
        seen: list[Progress] = []
        for progress in job:
            seen.append(progress)
            if progress.total and progress.done > progress.total / 3:
                break
        job.close()
        assert len(seen) > 5
        assert path.read_text(encoding="utf-8") == "before"
    assert {entry.name for entry in tmp_path.iterdir()} == {f"s{ending}" for ending in FORMS}


def test_an_ending_that_is_no_form_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    for name in ("s.docx", "solution"):
        with pytest.raises(ExportError, match=rf"^{name} has no ending .*\.html, \.pdf, \.md or \.tex\.$"):
            next(write_solution(Project(), tmp_path / name))
    with pytest.raises(ExportError, match="there is no folder"):
        finish(write_solution(classic(), tmp_path / "nowhere" / "s.html"))
    assert not list(tmp_path.iterdir())


def test_capital_endings_are_endings(tmp_path: Path) -> None:
    finish(write_sheet(solution(classic()), None, tmp_path / "S.HTML"))
    assert (tmp_path / "S.HTML").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("ending", FORMS)
def test_a_sheet_without_a_picture_has_no_figures(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"s{ending}"
    finish(write_sheet(solution(classic(), granularity=Granularity.PASS), None, path))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert "The network after the backward pass" not in text_of(path)


def test_latex_with_its_drawings_compiles_whatever_names_are_in_it(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    project = classic()
    for old, new in (("h1", "größe_1"), ("h2", "ω 日"), ("w5", "e'5")):
        project.rename(old, new)
    finish(write_solution(project, tmp_path / "s.tex", granularity=Granularity.LAYER))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "s.tex"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=600)
    log = (tmp_path / "s.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    assert not re.search(r"Overfull \\hbox", log)


def test_letters_that_latex_has_no_sign_for_are_told(tmp_path: Path) -> None:
    project = classic()
    for old, new in (("h1", "вес 1"), ("h2", "größe"), ("w5", "日本")):
        project.rename(old, new)
    project.title = "Two 😀"
    written = finish(write_solution(project, tmp_path / "s.tex", granularity=Granularity.PASS))
    (remark,) = written.sentences[1:]
    told = remark.removeprefix("pdfLaTeX has no sign for ").partition(":")[0]
    assert set(told) == set("вес日本😀")
    assert len(told) == 6
    assert r"LuaLaTeX or XeLaTeX, and a font that has them (\usepackage{fontspec} \setmainfont{...}" in remark
    for ending in (".md", ".html"):
        assert len(finish(write_solution(project, tmp_path / f"s{ending}")).sentences) == 1


def test_drawings_in_an_html_page_share_no_names(tmp_path: Path) -> None:
    sheet = Sheet("Twice", "", (Figure(0), Figure(0)))
    with CanvasPicture(classic()) as picture:
        finish(write_sheet(sheet, picture, tmp_path / "s.html"))
    assert ' id="' not in (tmp_path / "s.html").read_text(encoding="utf-8")
