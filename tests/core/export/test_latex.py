"""Sheets as LaTeX: pdflatex compiles them, nothing runs over the margin, the numbers are in the PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sheet_examples import BLANKS, classic, everything, with_blanks

from core.export.latex import write_latex
from core.sheet import Blank, Sheet, Table

TIKZ = "\\begin{tikzpicture}\n\\draw (0,0) -- (40,2) node[right] {w1};\n\\end{tikzpicture}"
LARGEST_OVERFULL = 5.0


def latex(sheet: Sheet, drawing: str = TIKZ) -> str:
    return "".join(write_latex(sheet, lambda figure: drawing))


def compile_latex(text: str, folder: Path) -> tuple[str, str]:
    """What pdflatex logs, and the text of the PDF."""
    if shutil.which("pdflatex") is None or shutil.which("pdftotext") is None:
        pytest.skip("pdflatex and pdftotext are not installed")
    (folder / "sheet.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, timeout=600)
    log = (folder / "sheet.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    subprocess.run(["pdftotext", "-layout", "sheet.pdf", "sheet.txt"], cwd=folder, check=True, timeout=600)
    return log, (folder / "sheet.txt").read_text(encoding="utf-8")


def check_log(log: str) -> None:
    overfull = [float(found) for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert not [width for width in overfull if width > LARGEST_OVERFULL], overfull
    assert "Missing character" not in log
    assert "invalid in math mode" not in log
    assert "Font Warning" not in log


def test_the_classic_example_compiles_with_its_numbers(tmp_path: Path) -> None:
    log, text = compile_latex(latex(classic()), tmp_path)
    check_log(log)
    for number in ("0.593269992", "0.298371109", "0.35891648", "0.291027774"):
        assert number in text
    assert "Hidden neuron h1" in text
    assert "The network after the backward pass" in text


def test_everything_compiles_within_the_margins(tmp_path: Path) -> None:
    log, text = compile_latex(latex(everything()), tmp_path)
    check_log(log)
    assert "50 %" in text
    assert "größe" in text


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_do_not_tell_the_answer(blank: Blank, tmp_path: Path) -> None:
    sheet, secret = with_blanks(blank)
    source = latex(sheet)
    assert not [number for number in secret if number in source]
    assert "0.75" in source
    assert source.count(r"\blank{") == {Blank.RESULT: 1, Blank.NUMBERS: 2, Blank.ALL: 3}[blank]
    # Room for the digits of what is hidden would tell how many there are.
    assert r"0.25 &" in source
    assert r"& \cellblank{} &" in source
    check_log(compile_latex(source, tmp_path)[0])


def test_figures_without_a_drawing_are_left_out() -> None:
    assert "\\drawing{" not in latex(classic(), "").partition("\\begin{document}")[2]


def test_points_of_a_column_stand_one_beneath_the_other() -> None:
    source = latex(classic())
    assert r"w2 & i2 & h1 & 0.2\phantom{0} \\" in source
    assert r"\textbf{Value}" in source


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("name", ["w(The quick brown fox jumps over the lazy1,h h_h)", "W" * 40, "m" * 40])
def test_long_names_in_tables_stay_within_the_margins(count: int, name: str, tmp_path: Path) -> None:
    short = Table(("Weight", "From"), (("w1", "x1"),))
    rows = ((name, name, "0.5", ""),) * count
    table = Table((name, "From", "Value", name), rows, "The weights", frozenset({(count - 1, 3)}))
    log, text = compile_latex(latex(Sheet("Names", "", (table, short))), tmp_path)
    check_log(log)
    assert text.count("0.5") == count
