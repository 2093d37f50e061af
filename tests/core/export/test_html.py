"""Sheets as HTML: one balanced document that needs nothing else, with formulas that browsers set."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from sheet_examples import BLANKS, classic, everything, with_blanks

from core.export.html import write_html
from core.export.mathml import mathml
from core.sheet import Blank, Figure, Formula, Sheet, Table

SVG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" '
    'viewBox="0 0 40 20"><title>A network</title><text x="2" y="9">w1</text></svg>\n'
)
VOID = {"meta"}


class Reader(HTMLParser):
    """Reads a document, refuses what is not balanced, and keeps its elements and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def html(sheet: Sheet, drawing: str = SVG) -> str:
    return "".join(write_html(sheet, lambda figure: drawing))


def test_the_numbers_of_the_classic_example_are_there() -> None:
    reader = Reader(html(classic()))
    for number in ("0.593269992", "0.298371109", "0.35891648", "0.0821670406"):
        assert number in reader.text
    assert "Hidden neuron h1" in reader.text
    assert "(42)" in reader.text


def test_it_needs_nothing_else() -> None:
    text = html(classic())
    reader = Reader(text)
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert "url(" not in text
    assert "@import" not in text
    # Links lead to parts of the page.
    assert reader.addresses
    assert {address.removeprefix("#") for address in reader.addresses} <= set(reader.ids)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_everything_is_balanced_and_complete() -> None:
    sheet = everything()
    text = html(sheet)
    reader = Reader(text)
    assert len(set(reader.ids)) == len(reader.ids)
    assert reader.tags.count("svg") == sum(isinstance(block, Figure) for block in sheet.blocks)
    assert reader.tags.count("table") == sum(isinstance(block, Table) for block in sheet.blocks)
    numbers = re.findall(r"<span>\((\d+)\)</span>", text)
    assert numbers == [str(block.number) for block in sheet.blocks if isinstance(block, Formula)]
    # The title's marks are text.
    assert "Test & <b>50 %</b> #1_a $x$" in reader.text
    for formula in re.findall("<math.*?</math>", text):
        ElementTree.fromstring(formula)
        # No command of LaTeX is left over.
        assert "\\" not in formula


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_do_not_tell_the_answer(blank: Blank) -> None:
    sheet, secret = with_blanks(blank)
    text = html(sheet)
    assert not [number for number in secret if number in text]
    count = {Blank.RESULT: 1, Blank.NUMBERS: 2, Blank.ALL: 3}[blank] + 1
    assert text.count('aria-label="to fill in"') == count
    assert "0.75" in text
    # Room for the digits of what is hidden would tell how many there are.
    assert '<td class="number">0.25</td>' in text


def test_a_drawing_has_a_light_card_on_a_dark_page_and_none_in_print() -> None:
    dark = re.search(r"@media screen and \(prefers-color-scheme: dark\) \{\n(.*?)\n\}", html(classic()), re.DOTALL)
    assert dark is not None
    assert re.fullmatch(r"  figure svg \{ background: #fbfbfd; padding: .*\}", dark[1])


def test_figures_without_a_drawing_are_left_out() -> None:
    assert "<figure" not in html(classic(), "")


def test_a_sign_of_a_number_stands_close_to_it_and_an_operation_does_not() -> None:
    sign = '<mo form="prefix" lspace="0" rspace="0">&#x02212;</mo><mn>0.5</mn>'
    assert sign in mathml("= -0.5")
    assert sign in mathml(r"2 \cdot (-0.5)")
    assert "<mo>&#x02212;</mo>" in mathml("a - 0.5")
    assert '<mo form="infix">&#x0002B;</mo>' in mathml("+ 0.5")
    assert "<mi>net</mi>" in mathml(r"\mathrm{net}")
    assert '<mi mathvariant="normal">ω</mi>' in mathml(r"a_{\mathrm{ω}}")
    assert "<mi>&#x02202;</mi>" in mathml(r"\frac{\partial L}{\partial w_{5}}")
