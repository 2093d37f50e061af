"""A sheet as a LaTeX article: formulas in aligned lines that stay within the margins, drawings as TikZ.

It compiles with pdflatex and the packages of texlive-latex-base, texlive-latex-recommended and texlive-pictures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence

from core.export.formula_lines import Line, close_signs, formula_lines
from core.export.table_columns import is_numeric, shown_columns, trailing
from core.export.tex_text import CHARACTER, tex_text
from core.sheet import Block, Figure, Formula, Heading, Paragraph, Sheet, Table

# The width of formulas in digits, and of a line of text in letters.
WIDTH = 64.0
LINE = 92.0
# Rows of a table that is not divided between two pages.
SHORT_TABLE = 30
# Letters that are wider than others, in letters; the fonts of small sizes are wider in proportion.
_WIDTHS = {"M": 2.0, "W": 2.0, "m": 1.75, "w": 1.5}
_CAPITAL, _BOLD, _SMALL = 1.45, 1.15, 0.65
# The width of what is to be filled in, in letters.
_BLANK = 10.5
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
_PREAMBLE = r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}\usepackage[T1]{fontenc}}{}
\usepackage[margin=20mm,bottom=24mm]{geometry}
\usepackage{amsmath}
\usepackage{longtable}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\setlength{\mathindent}{1.5em}
\setlength{\LTleft}{0pt}
\setlength{\LTpre}{0.3\baselineskip}
\setlength{\LTpost}{0.8\baselineskip}
\setcounter{LTchunksize}{200}
\renewcommand{\arraystretch}{1.15}
\raggedbottom
\clubpenalty=10000 \widowpenalty=10000 \displaywidowpenalty=10000
\sloppy
"""
_COMMANDS = r"""
% A side of a formula, made smaller where it is wider than its share of the line.
\newsavebox{\sidebox}
\newcommand{\side}[2]{\sbox{\sidebox}{$\displaystyle #2$}%
  \ifdim\wd\sidebox>#1\resizebox{#1}{!}{\usebox{\sidebox}}\else\usebox{\sidebox}\fi}
\newcommand{\lhs}[1]{\side{0.2\linewidth}{#1}}
\newcommand{\rhs}[1]{\side{0.67\linewidth}{{}#1}}
\newcommand{\blank}[1]{\ \underline{\hspace{#1}\rule[-0.4em]{0pt}{1.8em}}}
\newcommand{\cellblank}{\underline{\hspace{5em}\rule[-0.1em]{0pt}{1.7em}}\rule[-0.75em]{0pt}{0pt}}
% What stands above a table, close to it; an empty one is but a gap.
\newcommand{\tablecaption}[1]{\par\addvspace{0.9\baselineskip}%
  \ifx\relax#1\relax\else{\small\itshape #1\par}\nopagebreak\vspace{-0.4\baselineskip}\fi}
% The table in the box, no wider than the text.
\newcommand{\fittedtable}{\par\ifdim\wd\sidebox>\linewidth\resizebox{\linewidth}{!}{\usebox{\sidebox}}%
  \else\usebox{\sidebox}\fi\par\addvspace{0.5\baselineskip}}
% The drawing in the box with its caption: no wider than the text, not higher than a third of the page.
\newcommand{\drawing}[1]{\begin{center}%
  \ifdim\wd\sidebox>\linewidth\sbox{\sidebox}{\resizebox{\linewidth}{!}{\usebox{\sidebox}}}\fi
  \ifdim\ht\sidebox>0.34\textheight\sbox{\sidebox}{\resizebox{!}{0.34\textheight}{\usebox{\sidebox}}}\fi
  \usebox{\sidebox}\\*[0.4em]{\small #1}\end{center}}
"""


def write_latex(sheet: Sheet, figure: Callable[[Figure], str]) -> Iterator[str]:
    r"""A sheet as pieces of a LaTeX document.

    `figure` gives a drawing as LaTeX, such as a tikzpicture; "" where there is none.
    """
    yield f"{_PREAMBLE}{CHARACTER}\n{_COMMANDS}\\begin{{document}}\n"
    yield f"{{\\LARGE\\bfseries\\raggedright {tex_text(sheet.title)}\\par}}\n"
    if sheet.subtitle:
        yield f"{{\\large {tex_text(sheet.subtitle)}\\par}}\n"
    yield "\n"
    for block in sheet.blocks:
        yield _block(block, figure)
    yield "\\end{document}\n"


def _block(block: Block, figure: Callable[[Figure], str]) -> str:
    match block:
        case Heading():
            return f"\\{_SECTIONS[min(max(block.level, 1), 3)]}*{{{tex_text(block.text)}}}\n\n"
        case Paragraph():
            return f"{tex_text(block.text)}\n\n"
        case Formula():
            return _formula(block)
        case Table():
            return _table(block)
        case Figure():
            drawing = figure(block)
            boxed = f"\\begin{{lrbox}}{{\\sidebox}}%\n{drawing}%\n\\end{{lrbox}}%\n"
            return f"{boxed}\\drawing{{{tex_text(block.caption)}}}\n\n" if drawing else ""


def _formula(formula: Formula) -> str:
    lines = " \\\\\n".join(map(_line, formula_lines(formula, width=WIDTH)))
    # Without an empty line before it the sentence stays on the page of its formula.
    sentence = f"{tex_text(formula.sentence)}.\n" if formula.sentence else ""
    return f"{sentence}\\begin{{align*}}\n{lines}\n\\tag{{{formula.number}}}\n\\end{{align*}}\n\n"


def _line(line: Line) -> str:
    left = f"\\lhs{{{_math(line.left)}}}" if line.left else ""
    blank = f"\\blank{{{line.room / 2:g}em}}" if line.room else ""
    # Broken sums go on behind the equals sign.
    right = f"\\quad {line.right}" if line.right[:1] in ("+", "-") else line.right
    return f"{left} &\\rhs{{{_math(right)}{blank}}}" if right or blank else f"{left} &"


def _math(latex: str) -> str:
    """A formula for fonts that have no letters but those of ASCII in formulas."""
    return re.sub(r"[^\x00-\x7f]+", lambda found: rf"\text{{{tex_text(found[0])}}}", close_signs(latex))


def _table(table: Table) -> str:
    columns = shown_columns(table)
    numeric = [is_numeric(column) for column in columns]
    cells = [[_cell(text, room) for text, room in zip(column, trailing(column), strict=True)] for column in columns]
    for row, column in table.blanks:
        cells[column][row] = r"\cellblank{}"
    header = [rf"\textbf{{{tex_text(title)}}}" for title in table.header]
    kinds = "".join("r" if number else "l" for number in numeric)
    rows = list(map(_row, zip(*cells, strict=True)))
    # Names of up to forty letters in three columns are wider than the page.
    widths = [
        max(_BOLD * _width(title), *map(_width, column)) for title, column in zip(table.header, columns, strict=True)
    ]
    for _, column in table.blanks:
        widths[column] = max(widths[column], _BLANK)
    wide = sum(2.0 + width for width in widths)
    if len(rows) > SHORT_TABLE:
        # The columns get their widths from a line that is not printed, so that one run of LaTeX is enough.
        widest = " & ".join(max(column, key=_width) for column in cells)
        opening = [rf"\begin{{longtable}}{{@{{}}{kinds}@{{}}}}", rf"{widest} \kill", r"\hline", _row(header), r"\hline"]
        lines = [*opening, r"\endhead", r"\hline", r"\endfoot", *rows, r"\end{longtable}"]
        if wide > LINE:
            size = 11.0 * _scale(LINE / wide)
            lines = [rf"{{\fontsize{{{size:.1f}}}{{{1.2 * size:.1f}}}\selectfont", *lines, "}"]
    else:
        opening = [rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}", r"\hline", _row(header), r"\hline"]
        lines = [*opening, *rows, r"\hline", r"\end{tabular}"]
        if wide > LINE / 2:
            lines = [r"\begin{lrbox}{\sidebox}%", *lines, r"\end{lrbox}%", r"\fittedtable"]
        else:
            lines[-1] += r"\par\addvspace{0.5\baselineskip}"
    body = "\n".join(lines)
    return f"\\tablecaption{{{tex_text(table.caption)}}}\n{body}\n\n"


def _width(text: str) -> float:
    """About how wide a text is, in letters."""
    return sum(_WIDTHS.get(letter, _CAPITAL if letter.isupper() else 1.0) for letter in text)


def _scale(share: float) -> float:
    """How much smaller letters must be to take this share of their width: s (1 + _SMALL (1 - s)) = share."""
    sum_ = 1.0 + _SMALL
    return (sum_ - math.sqrt(sum_**2 - 4.0 * _SMALL * share)) / (2.0 * _SMALL)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(text: str, room: tuple[int, bool]) -> str:
    return tex_text(text) + _phantom(*room)


def _phantom(digits: int, point: bool) -> str:
    """Room for the digits that other numbers of the column have behind the point."""
    hidden = "." * point + "0" * digits
    return rf"\phantom{{{hidden}}}" if hidden else ""
