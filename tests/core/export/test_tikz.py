"""A drawing as TikZ: what is written, and that LaTeX compiles it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.export.tex_text import tex_text, unusual
from core.export.tikz import tikz_document, tikz_picture

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")

SVG = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">
 <title>50 % of two
 lines</title>
 <desc>nothing</desc>
 <g><title>background</title><rect x="0" y="0" width="200" height="100" fill="#fbfbfd" /></g>
 <g>
  <title>edges</title>
  <polyline points="10,10 90,20" fill="none" stroke="#b8500f" stroke-width="2" stroke-dasharray="8 6" />
  <polyline points="1,2 3,4 5,6" fill="none" stroke="#b8500f" stroke-opacity="0.2" stroke-linecap="round"
   stroke-linejoin="round" />
  <path d="M0,0C1,1 2,2 3,3L4,4" fill="none" stroke="#b8500f" />
  <path d="M0,0L10,0L10,10L0,0" fill="#ffffff" fill-opacity="0.5" />
 </g>
 <g>
  <title>neuron h_1</title>
  <circle cx="100" cy="50" r="30" fill="#ffffff" stroke="#6b7385" stroke-width="1.5" />
  <path d="M10,50C10,45 15,40 20,40L60,40C65,40 70,45 70,50C70,55 65,60 60,60L20,60C15,60 10,55 10,50"
   fill="#ffffff" />
  <text x="100" y="55" text-anchor="middle" font-size="14" font-weight="600" fill="#1f2430">−0.5933</text>
  <text x="140" y="55" font-size="11" fill="#1f2430">w_5 → ∂L/∂a ½(t−a)²</text>
 </g>
</svg>
"""


CONTROL = "\x01\u200b"


def compile_latex(source: str, folder: Path) -> Path:
    """The PDF of a document; the test fails where LaTeX has anything to say against it."""
    (folder / "drawing.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "drawing.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in done.stdout
    return folder / "drawing.pdf"


def words_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout


def test_shapes_stand_where_the_svg_has_them_with_the_y_axis_up() -> None:
    text = tikz_picture(SVG)
    assert "(100,50) circle[radius=30]" in text
    assert "(10,90) -- (90,80)" in text
    assert "(0,100) .. controls (1,99) and (2,98) .. (3,97) -- (4,96);" in text
    assert "(0,100) -- (10,100) -- (10,90) -- cycle;" in text


def test_what_a_pen_is_like_is_kept_in_points() -> None:
    text = tikz_picture(SVG)
    # 2 px of 1/96 inch are 1.5056 TeX points.
    assert "draw=nnvizb8500f, line width=1.51pt, dash pattern=on 6.02pt off 4.52pt" in text
    assert "draw opacity=0.2, line width=0.75pt, line cap=round, line join=round" in text
    assert "fill=nnvizffffff, fill opacity=0.5" in text
    assert text.count(r"\definecolor{nnvizb8500f}{HTML}{B8500F}") == 1


def test_a_pill_is_a_rectangle_with_round_corners() -> None:
    assert "[rounded corners=7.52pt] (10,60) rectangle (70,40);" in tikz_picture(SVG)


def test_texts_are_nodes_at_their_baseline() -> None:
    text = tikz_picture(SVG)
    assert r"at (100,45) {\bfseries $-$0.5933};" in text
    assert "anchor=base west] at (140,45) {w\\_5 $\\to$ $\\partial$L/$\\partial$a $\\frac12$(t$-$a)${}^2$};" in text


def test_groups_are_named_in_comments_of_one_line() -> None:
    text = tikz_document(SVG)
    assert text.startswith("% 50 % of two lines\n")
    assert "\n  % neuron h_1\n" in text


@pytest.mark.parametrize("element", ['<image x="1" y="1"/>', '<rect x="0" y="0" width="1" height="1" fill="url(#a)"/>'])
def test_what_tikz_has_nothing_for_is_refused(element: str) -> None:
    with pytest.raises(ValueError, match="TikZ has nothing for"):
        tikz_picture(f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g>{element}</g></svg>')


def test_a_drawing_larger_than_tex_can_measure_gets_a_smaller_unit() -> None:
    text = tikz_picture('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="100000"><g/></svg>')
    assert "x=0.14pt, y=0.14pt" in text


@needs_latex
def test_the_file_compiles_as_it_is(tmp_path: Path) -> None:
    words = words_of(compile_latex(tikz_document(SVG), tmp_path))
    assert re.search("[−-]0.5933", words)
    assert "w 5" in words.replace("_", " ") or "w5" in words


@needs_latex
def test_the_file_can_be_read_into_another_document_too(tmp_path: Path) -> None:
    (tmp_path / "network.tex").write_text(tikz_document(SVG), encoding="utf-8")
    document = (
        "\\documentclass{article}\\usepackage{tikz}\\begin{document}\nBefore \\input{network}\n\n"
        "\\resizebox{\\linewidth}{!}{\\input{network}} after.\n\\end{document}\n"
    )
    words = words_of(compile_latex(document, tmp_path))
    assert words.count("0.5933") == 2
    assert "Before" in words
    assert "after." in words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("50 % & more_#1 {x} \\ ~ ^ $", r"50 \% \& more\_\#1 \{x\} \textbackslash{} \textasciitilde{} "
         r"\textasciicircum{} \$"),
        ("σ", r"$\sigma$"),
        ("∂L/∂ã", r"$\partial$L/$\partial$\~{a}"),
        ("δη", r"$\delta \eta$"),
        ("−t·ln a", r"$-$t$\cdot$ln a"),
        ("|t−a| < 2", "$|$t$-$a$|$ $<$ 2"),
        ("Größe 1…", r'Gr\"{o}\ss{}e 1\ldots{}'),
        ("x₁ “é”\n", r"x${}_1$ ``\'{e}'' "),
        ("Ж", r"\nnvizchar{Ж}"),
        ("Ａ", "A"),
        ("", ""),
    ],
)  # fmt: skip
def test_text_is_written_with_what_every_latex_has(text: str, code: str) -> None:
    assert tex_text(text) == code


def test_unusual_characters_are_named_once() -> None:
    assert unusual(tex_text("ЖaЖ漢σ")) == "Ж漢"


def test_a_title_in_any_script_needs_no_font() -> None:
    assert unusual(tikz_document(SVG.replace("50 %", "Сеть"))) == ""


def test_colours_are_called_by_their_names() -> None:
    text = tikz_picture(SVG, {"#b8500f": "negative"})
    assert r"\definecolor{nnviznegative}{HTML}{B8500F}" in text
    assert "draw=nnviznegative" in text
    assert "nnvizb8500f" not in text


@given(st.text())
def test_any_text_becomes_code_with_balanced_braces_and_dollars(text: str) -> None:
    code = re.sub(r"\\nnvizchar\{[^{}]*\}", "", tex_text(text))
    bare = re.sub(r"\\[\\{}$%&#_^~\"]", "", code.replace(r"\textbackslash{}", ""))
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert "\n" not in code


@needs_latex
def test_latex_writes_every_kind_of_character(tmp_path: Path) -> None:
    from core.export.tex_text import ACCENTS, CHARACTER, ESCAPES, MATH

    letters = "".join(f"a{accent} i{accent} " for accent in ACCENTS)
    everything = f"{' '.join(ESCAPES)} {' '.join(MATH)} {''.join(MATH)} {letters} Ж漢 {CONTROL}"
    lines = "\n\n".join(tex_text(everything[start : start + 40]) for start in range(0, len(everything), 40))
    compile_latex(f"\\documentclass{{article}}{CHARACTER}\\begin{{document}}\n{lines}\n\\end{{document}}\n", tmp_path)
