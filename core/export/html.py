"""A sheet as one HTML page that needs nothing else: formulas as MathML, drawings as SVG, no script."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from core.export.formula_lines import Line, formula_lines
from core.export.mathml import mathml
from core.export.table_columns import is_numeric, shown_columns, trailing
from core.sheet import Block, Figure, Formula, Heading, Paragraph, Sheet, Table

# The width of formulas in digits, and of tables in letters.
WIDTH = 76.0
TABLE_WIDTH = 78.0
# Rows of a table that is not divided between two pages.
SHORT_TABLE = 30
_SMALLEST = 0.45
_BLANK = '<span class="blank" role="img" aria-label="to fill in"{style}></span>'
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --text: #1f2430; --muted: #6b7385; --line: #dfe3ea; --link: #4f46e5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181d; --text: #e8eaf0; --muted: #98a0b0; --line: #31363f; --link: #9b95ff; }
}
html { background: var(--paper); color: var(--text); }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 46rem; line-height: 1.5;
  font-family: Charter, "Bitstream Charter", "Sitka Text", Cambria, "DejaVu Serif", serif; }
h1, h2, h3, h4 { line-height: 1.25; font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 0.8rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0.6rem; }
h4 { font-size: 1rem; margin: 1.4rem 0 0.5rem; color: var(--muted); }
p { margin: 0.8rem 0; }
.subtitle { color: var(--muted); margin: 0.3rem 0 0; }
nav { margin: 1.5rem 0; font-size: 0.92rem; }
nav ol { margin: 0; padding: 0; list-style: none; columns: 14rem; }
nav a { color: var(--link); text-decoration: none; }
nav a:hover { text-decoration: underline; }
figure { margin: 1.8rem 0; text-align: center; }
figure svg { max-width: 100%; height: auto; border-radius: 6px; }
/* Drawings are always light: on a dark page they stand on a card of their own background. */
@media screen and (prefers-color-scheme: dark) {
  figure svg { background: #fbfbfd; padding: 0.75rem; max-width: calc(100% - 1.5rem); }
}
figcaption, caption { color: var(--muted); font-size: 0.9rem; }
figcaption { margin-top: 0.4rem; }
.formula { margin: 0.9rem 0 1.1rem; }
.formula p { margin: 0 0 0.35rem; }
.lines { display: grid; grid-template-columns: auto 1fr auto; align-items: baseline; row-gap: 0.45rem;
  padding-left: 1.5rem; overflow-x: auto; overflow-y: hidden; }
.lines > * { white-space: nowrap; }
.lines > :nth-child(3n+1) { text-align: right; }
.lines > :nth-child(3n) { color: var(--muted); font-size: 0.9rem; padding-left: 1.5rem; }
.more { padding-left: 1.6rem; }
math { font-size: 1.08em; }
.blank { display: inline-block; border: 1px solid var(--muted); border-radius: 3px; height: 2.1em; margin: 0.1em 0.4em;
  vertical-align: middle; }
td .blank { width: 6em; margin: 0; height: 1.7em; }
table { border-collapse: collapse; margin: 1.2rem 0; font-size: 0.95em;
  font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; padding-bottom: 0.35rem; font-style: italic; }
th, td { padding: 0.22rem 0.9rem; text-align: left; }
th:first-child, td:first-child { padding-left: 0.2rem; }
thead th { border-bottom: 1.5px solid var(--muted); font-weight: 600; }
tbody td { border-bottom: 1px solid var(--line); }
.number { text-align: right; }
td.number::after { content: attr(data-pad); visibility: hidden; }
.table { overflow-x: auto; }
@page { size: A4; margin: 20mm 18mm; @bottom-center { content: counter(page) " / " counter(pages); font-size: 9pt; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --text: #000; --muted: #444; --line: #bbb; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  h1, h2, h3, h4, caption { break-after: avoid; }
  .formula, figure, tr, .short { break-inside: avoid; }
  thead { display: table-header-group; }
  .lines, .table { overflow: visible; }
}
"""


def write_html(sheet: Sheet, figure: Callable[[Figure], str]) -> Iterator[str]:
    """A sheet as pieces of an HTML document.

    `figure` gives a drawing as an SVG document; "" where there is none.
    """
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(sheet.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{_text(sheet.title)}</h1>\n"
    )
    if sheet.subtitle:
        yield f'<p class="subtitle">{_text(sheet.subtitle)}</p>\n'
    yield f"</header>\n{_contents(sheet)}<main>\n"
    for count, block in enumerate(sheet.blocks):
        drawing = figure(block) if isinstance(block, Figure) else ""
        yield _block(block, f"part-{count}", drawing)
    yield "</main>\n</body>\n</html>\n"


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _contents(sheet: Sheet) -> str:
    """Links to the parts of the sheet."""
    links = [
        (f"part-{count}", block.text)
        for count, block in enumerate(sheet.blocks)
        if isinstance(block, Heading) and block.level == 1
    ]
    if len(links) < 2:
        return ""
    items = "".join(f'<li><a href="#{place}">{_text(text)}</a></li>\n' for place, text in links)
    return f'<nav aria-label="Contents">\n<ol>\n{items}</ol>\n</nav>\n'


def _block(block: Block, place: str, drawing: str) -> str:
    match block:
        case Heading():
            level = min(max(block.level, 1), 3) + 1
            return f'<h{level} id="{place}">{_text(block.text)}</h{level}>\n'
        case Paragraph():
            return f"<p>{_text(block.text)}</p>\n"
        case Formula():
            return _formula(block)
        case Table():
            return _table(block)
        case Figure():
            if not drawing:
                return ""
            # Without what only stands at the beginning of a file.
            svg = re.sub(r"^.*?(?=<svg)", "", drawing, count=1, flags=re.DOTALL)
            caption = f"<figcaption>{_text(block.caption)}</figcaption>\n" if block.caption else ""
            return f"<figure>\n{svg}{caption}</figure>\n"


def _formula(formula: Formula) -> str:
    lines = formula_lines(formula, width=WIDTH)
    sentence = f"<p>{_text(formula.sentence)}.</p>\n" if formula.sentence else ""
    rows = "".join(_line(line, f"({formula.number})" if line is lines[-1] else "") for line in lines)
    # As text too, for those to whom formulas are read aloud.
    label = html.escape(formula.text)
    lines_tag = f'<div class="lines" role="group" aria-label="{label}">'
    return f'<div class="formula">\n{sentence}{lines_tag}\n{rows}</div>\n</div>\n'


def _line(line: Line, number: str) -> str:
    left = mathml(line.left) if line.left else ""
    right = mathml(line.right) if line.right else ""
    if line.room:
        right += _BLANK.format(style=f' style="width: {0.55 * line.room:.3g}em"')
    attributes = ' class="more"' if line.right[:1] in ("+", "-") else ""
    if line.scale < 1.0:
        # It cannot be broken: on paper nothing may be cut off.
        attributes += f' style="font-size: {100 * max(_SMALLEST, line.scale):.0f}%"'
    return f"<span>{left}</span><span{attributes}>{right}</span><span>{number}</span>\n"


def _table(table: Table) -> str:
    columns = shown_columns(table)
    numeric = [is_numeric(column) for column in columns]
    room = [trailing(column) for column in columns]
    head = "".join(
        f'<th scope="col"{" class=" + chr(34) + "number" + chr(34) if number else ""}>{_text(title)}</th>'
        for title, number in zip(table.header, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            _cell(cell, blank=(r, c) in table.blanks, pad=_pad(*room[c][r]) if numeric[c] else None)
            for c, cell in enumerate(row)
        )
        + "</tr>\n"
        for r, row in enumerate(table.rows)
    )
    # Names of up to forty letters in several columns are wider than the page.
    wide = sum(4.0 + max(map(len, (title, *column))) for title, column in zip(table.header, columns, strict=True))
    size = f' style="font-size: {95 * max(_SMALLEST, TABLE_WIDTH / wide):.0f}%"' if wide > TABLE_WIDTH else ""
    caption = f"<caption>{_text(table.caption)}</caption>\n" if table.caption else ""
    kind = "table short" if len(table.rows) <= SHORT_TABLE else "table"
    return (
        f'<div class="{kind}"><table{size}>\n{caption}<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n'
        "</table></div>\n"
    )


def _cell(cell: str, *, blank: bool, pad: str | None) -> str:
    if blank:
        return f'<td class="number">{_BLANK.format(style="")}</td>'
    if pad is None:
        return f"<td>{_text(cell)}</td>"
    # The room behind a number is not part of the text.
    return f'<td class="number"{f" data-pad={chr(34)}{pad}{chr(34)}" if pad else ""}>{_text(cell)}</td>'


def _pad(digits: int, point: bool) -> str:
    return "." * (point and digits > 0) + "0" * digits
