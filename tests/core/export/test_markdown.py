"""Sheets as Markdown: formulas between dollars, tables with as many bars as columns, nothing read as a mark."""

from __future__ import annotations

import re

import pytest
from sheet_examples import BLANKS, classic, everything, with_blanks

from core.export.markdown import escape, write_markdown
from core.sheet import Blank, Figure, Formula, Paragraph, Sheet, Table


def markdown(sheet: Sheet) -> str:
    return "".join(write_markdown(sheet, lambda figure: f"figures/{figure.index}.svg"))


def formulas(text: str) -> list[str]:
    return re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.DOTALL | re.MULTILINE)


def test_the_numbers_of_the_classic_example_are_there() -> None:
    text = markdown(classic())
    assert text.startswith(
        "# 2-2-2 network: the classic worked example\n\nWorked solution: row 1 of the data\n\n## Given"
    )
    found = formulas(text)
    assert (
        "\\begin{aligned}\nz_{h1} &= w_{1} \\, a_{i1} + w_{2} \\, a_{i2} + b_{h1} \\\\\n"
        " &= 0.15 \\cdot 0.05 + 0.2 \\cdot 0.1 + 0.35 = 0.3775\n\\end{aligned} \\tag{5}"
    ) in found
    for number in ("0.593269992", "0.298371109", "0.35891648", "0.0821670406"):
        assert any(f"= {number}" in formula or rf"\approx {number}" in formula for formula in found)
    assert "| w5 | 0.4 | 0.0821670406 | 0.35891648 |" in text
    assert "![The network after the forward pass](figures/21.svg)" in text


def test_everything_has_balanced_formulas_and_whole_tables() -> None:
    sheet = everything()
    text = markdown(sheet)
    found = formulas(text)
    assert len(found) == sum(isinstance(block, Formula) for block in sheet.blocks)
    for formula in found:
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\begin") == formula.count(r"\end")
        # GitHub's reader of Markdown would take these for its own.
        assert not re.search(r"[<>]|^\s*$", formula, re.MULTILINE)
    rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "$" not in rest.replace(r"\$", "")
    tables = re.findall(r"(?:^\|.*\|\n)+", rest, re.MULTILINE)
    assert len(tables) == sum(isinstance(block, Table) for block in sheet.blocks)
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1
    assert text.count("![") == sum(isinstance(block, Figure) for block in sheet.blocks)


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_do_not_tell_the_answer(blank: Blank) -> None:
    sheet, secret = with_blanks(blank)
    text = markdown(sheet)
    assert not [number for number in secret if number in text]
    assert text.count(r"\underline{\hspace") == {Blank.RESULT: 1, Blank.NUMBERS: 2, Blank.ALL: 3}[blank]
    assert "| h1 | __________ | 0.5 |" in text


def test_text_is_text() -> None:
    assert escape("a_b *c* <d> 5$ #1 [x](y) `z` \\ | ~") == (r"a\_b \*c\* \<d\> 5\$ \#1 \[x\](y) \`z\` \\ \| \~")
    assert escape("1. first") == r"1\. first"
    assert escape("- x") == r"\- x"
    assert escape("0.5") == "0.5"
    assert escape("a\n# b") == r"a \# b"
    sheet = Sheet("T", "", (Paragraph("+ no list"),))
    assert markdown(sheet) == "# T\n\n\\+ no list\n\n"


def test_figures_without_an_address_are_left_out() -> None:
    assert "![" not in "".join(write_markdown(classic(), lambda figure: ""))
