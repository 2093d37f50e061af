"""`nnviz solution`: what it writes and prints, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.solution import GRANULARITIES
from nnviz_app.cli import main
from nnviz_app.examples import examples, first_example
from nnviz_app.solution_command import SIZES

ROOT = Path(__file__).parents[2]
TWO = str(first_example().path)
BATCH = str(next(e.path for e in examples() if e.name == "batch"))

pytestmark = pytest.mark.usefixtures("qapp")


def test_it_offers_the_sizes_that_there_are() -> None:
    assert SIZES == GRANULARITIES


def test_it_says_what_it_has_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.html"
    assert main(["solution", TWO, "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"43 formulas, 3 drawings.\nWritten to {path}.\n"
    assert "0.3589" in path.read_text(encoding="utf-8")


def test_rows_sizes_digits_symbols_and_rounding(tmp_path: Path) -> None:
    path = tmp_path / "s.md"

    def written(*arguments: str) -> str:
        assert main(["solution", BATCH, "--out", str(path), *arguments]) == 0
        return path.read_text(encoding="utf-8")

    assert "row 3 of the data" in written("--sample", "3", "--by", "pass")
    assert "a batch of 4 rows" in written("--batch", "--by", "layer")
    assert "up to 9 significant digits" in written("--sample", "1", "--digits", "9")
    assert "rounded to 2 decimals" in written("--sample", "1", "--round", "2")
    assert r"\mathrm{net}" in written("--sample", "1", "--notation", "pre_activation=net,loss=E")


def test_the_paper_is_chosen(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="reads PDFs")
    path = tmp_path / "s.pdf"
    assert main(["solution", TWO, "-o", str(path), "--by", "pass", "--paper", "Letter"]) == 0
    assert tuple(map(float, pypdf.PdfReader(path).pages[0].mediabox.upper_right)) == (612.0, 792.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "s.html", "--paper", "A4"], "--paper does not go with .html: leave it out"),
        (["-o", "s.doc"], "choose a name that ends in .html, .pdf, .md or .tex"),
        (["-o", "nowhere/s.html"], "there is no folder"),
        (["-o", "s.html", "--sample", "9"], "There is no sample 9"),
        ([], "the following arguments are required: -o/--out"),
        (["-o", "s.html", "--by", "epoch"], "invalid choice"),
        (["-o", "s.html", "--digits", "0"], "1 to 17"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["solution", TWO, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out
    assert not list(tmp_path.iterdir())


def test_it_needs_no_display_and_help_no_numpy(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from nnviz_app.cli import main; code = main(sys.argv[1:]); "
             "print('numpy' in sys.modules); sys.exit(code)", "solution", *arguments],
            cwd=ROOT, check=True, text=True, capture_output=True, timeout=600, env={"PATH": "", "HOME": str(tmp_path)},
        )  # fmt: skip
        return done.stdout

    assert "Written to " in run(TWO, "-o", str(tmp_path / "s.tex"), "--by", "pass")
    assert run("--help").endswith("False\n")
