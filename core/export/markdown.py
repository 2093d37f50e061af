r"""A sheet as GitHub-flavoured Markdown: formulas between $$, tables with bars, drawings as images beside the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from core.export.formula_lines import Line, close_signs, formula_lines
from core.export.table_columns import is_numeric, shown_columns
from core.sheet import Block, Figure, Formula, Heading, Paragraph, Sheet, Table

# In digits, see core.export.formula_lines.
WIDTH = 76.0
# To be filled in.
BLANK = "__________"
_ESCAPED = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def write_markdown(sheet: Sheet, figure: Callable[[Figure], str]) -> Iterator[str]:
    """A sheet as pieces of a Markdown document.

    `figure` gives the address of a drawing, relative to the document; "" where there is none.
    """
    yield f"# {escape(sheet.title)}\n\n"
    if sheet.subtitle:
        yield f"{escape(sheet.subtitle)}\n\n"
    for block in sheet.blocks:
        yield _block(block, figure)


def _block(block: Block, figure: Callable[[Figure], str]) -> str:
    match block:
        case Heading():
            return f"{'#' * (block.level + 1)} {escape(block.text)}\n\n"
        case Paragraph():
            return f"{escape(block.text)}\n\n"
        case Formula():
            return _formula(block)
        case Table():
            return _table(block)
        case Figure():
            address = figure(block)
            caption = f"*{escape(block.caption)}*\n\n" if block.caption else ""
            return f"![{escape(block.caption)}]({address})\n\n{caption}" if address else ""


def escape(text: str) -> str:
    """Plain text, with the marks of Markdown in it as they are."""
    text = _ESCAPED.sub(r"\\\1", " ".join(text.split()))
    # At the start of a line these make a list.
    return re.sub(r"^([-+](?= |$)|\d+(?=[.)]( |$)))", _no_list, text)


def _no_list(found: re.Match[str]) -> str:
    return rf"\{found[0]}" if found[0] in "-+" else f"{found[0]}\\"


def _formula(formula: Formula) -> str:
    lines = [_line(line) for line in formula_lines(formula, width=WIDTH)]
    if len(lines) == 1:
        body = lines[0].replace("&", "", 1)
    else:
        joined = " \\\\\n".join(lines)
        body = f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"
    sentence = f"{escape(formula.sentence)}.\n\n" if formula.sentence else ""
    return f"{sentence}$$\n{body} \\tag{{{formula.number}}}\n$$\n\n"


def _line(line: Line) -> str:
    # A sign at the start of a line gets the spaces of one between two terms.
    right = f"{{}}{line.right}" if line.right[:1] in ("+", "-") else line.right
    blank = rf"\ \underline{{\hspace{{{line.room / 2:g}em}}}}" if line.room else ""
    return f"{_safe(line.left)} &{_safe(right)}{blank}"


def _safe(latex: str) -> str:
    # GitHub's reader of Markdown takes these for its own before it looks at formulas.
    return close_signs(latex).replace("<", r"\lt ").replace(">", r"\gt ")


def _table(table: Table) -> str:
    numeric = [is_numeric(column) for column in shown_columns(table)]
    rows = [
        [BLANK if (r, c) in table.blanks else escape(cell) for c, cell in enumerate(row)]
        for r, row in enumerate(table.rows)
    ]
    lines = [
        _row([escape(cell) for cell in table.header]),
        _row(["---:" if is_number else ":---" for is_number in numeric]),
        *map(_row, rows),
    ]
    caption = f"*{escape(table.caption)}*\n\n" if table.caption else ""
    return caption + "\n".join(lines) + "\n\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
