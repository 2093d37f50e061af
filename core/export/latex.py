"""A sheet as a LaTeX article: formulas in aligned lines that stay within the margins, drawings as TikZ.

It compiles with pdflatex and the packages of texlive-latex-base, texlive-latex-recommended and texlive-pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.export.formula_lines import Line, formula_lines
from core.export.table_columns import is_numeric, trailing
from core.export.tex_text import CHARACTER, tex_text
from core.sheet import Block, Figure, Formula, Heading, PageBreak, Paragraph, Sheet, Table

# The width of the right sides of formulas in digits, and of a line of text in letters.
WIDTH = 62.0
LINE = 92.0
# Rows of a table that is not divided between two pages.
SHORT_TABLE = 30
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
% A drawing with its caption: no wider than the text, not higher than a third of the page.
\newcommand{\drawing}[2]{\begin{center}%
  \sbox{\sidebox}{#1}%
  \ifdim\wd\sidebox>\linewidth\sbox{\sidebox}{\resizebox{\linewidth}{!}{\usebox{\sidebox}}}\fi
  \ifdim\ht\sidebox>0.34\textheight\sbox{\sidebox}{\resizebox{!}{0.34\textheight}{\usebox{\sidebox}}}\fi
  \usebox{\sidebox}\\*[0.4em]{\small #2}\end{center}}
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
            return f"\\drawing{{%\n{drawing}}}{{{tex_text(block.caption)}}}\n\n" if drawing else ""
        case PageBreak():
            return "\\clearpage\n\n"


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
    return re.sub(r"[^\x00-\x7f]+", lambda found: rf"\text{{{tex_text(found[0])}}}", latex)


def _table(table: Table) -> str:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.header]
    numeric = [is_numeric(column) for column in columns]
    ends = [trailing(column) if number else [] for column, number in zip(columns, numeric, strict=True)]
    rows = []
    for r, row in enumerate(table.rows):
        cells = []
        for c, cell in enumerate(row):
            if (r, c) in table.blanks:
                cells.append(r"\underline{\hspace{5em}}")
            else:
                cells.append(tex_text(cell) + (_phantom(*ends[c][r]) if numeric[c] else ""))
        rows.append(" & ".join(cells) + r" \\")
    header = " & ".join(rf"\textbf{{{tex_text(cell)}}}" for cell in table.header)
    kinds = "".join("r" if number else "l" for number in numeric)
    caption = f"{{\\small\\itshape {tex_text(table.caption)}\\par}}\\nopagebreak\n" if table.caption else ""
    if len(rows) > SHORT_TABLE:
        body = "\n".join(
            [rf"\begin{{longtable}}{{@{{}}{kinds}@{{}}}}", r"\hline", rf"{header} \\ \hline", r"\endhead",
             r"\hline", r"\endfoot", *rows, r"\end{longtable}"]
        )  # fmt: skip
    else:
        body = "\n".join(
            [rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}", r"\hline", rf"{header} \\ \hline", *rows, r"\hline",
             r"\end{tabular}\par"]
        )  # fmt: skip
    # Names of up to forty letters in three columns are wider than the page.
    wide = sum(2.0 + max(map(len, (title, *column))) for title, column in zip(table.header, columns, strict=True))
    if wide > LINE:
        size = 11.0 * LINE / wide
        body = f"{{\\fontsize{{{size:.1f}}}{{{1.2 * size:.1f}}}\\selectfont\n{body}\n}}"
    return f"{caption}{body}\n\n"


def _phantom(digits: int, point: bool) -> str:
    """Room for the digits that other numbers of the column have behind the point."""
    hidden = "." * point + "0" * digits
    return rf"\phantom{{{hidden}}}" if hidden else ""
