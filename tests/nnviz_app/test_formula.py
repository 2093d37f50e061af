"""Formulas: what can be drawn, what happens to the rest, and how they fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.formula import (
    LINE_INDENT,
    break_formula,
    fit_formula,
    formula_size,
    lay_out,
    plain_text,
    render_formula,
)
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.theme import theme

GOOD = [
    r"\frac{\partial L}{\partial w_{5}} = \delta_{o1} \cdot a_{h1} = 0.1385 \cdot 0.5933 = 0.08217",
    r"w_{5}^{+} = w_{5} - \eta \frac{\partial L}{\partial w_{5}}",
    r"\mathrm{out}_{h1} = \sigma(z_{h1}) = \frac{1}{1 + e^{-z_{h1}}}",
    r"L = \frac{1}{2} \sum_{k} (t_k - a_k)^2",
    r"\delta_{o1} = −0.0381",
    r"\left( a - t \right) \cdot a (1 - a)",
]
BAD = [r"\frac{1}", r"x_", r"\left( x", r"\frac{\partial L", r"\begin{pmatrix} 1"]
LONG = GOOD[0]
BLACK = QColor("#000000")


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    yield
    theme().set_mode("light")
    theme().set_text_scale(1.0)


def ink(image: QImage) -> list[tuple[int, int, QColor]]:
    """Return place and colour of the pixels that are covered for the most part."""
    return [
        (x, y, image.pixelColor(x, y))
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 200
    ]


@pytest.mark.parametrize("latex", GOOD)
def test_good_formulas_are_drawn(latex: str) -> None:
    assert lay_out(latex) is not None
    image = render_formula(latex, color=QColor("#C2255C"), size=40, device_pixel_ratio=1.0).toImage()
    drawn = ink(image)
    assert drawn
    assert all(abs(color.red() - 0xC2) < 8 and abs(color.blue() - 0x5C) < 8 for _, _, color in drawn)
    # Nothing touches the border of the picture.
    assert min(x for x, _, _ in drawn) > 0
    assert max(x for x, _, _ in drawn) < image.width() - 1


@pytest.mark.parametrize("latex", BAD)
def test_bad_formulas_fall_back_to_plain_text(latex: str) -> None:
    assert lay_out(latex) is None
    assert ink(render_formula(latex, color=BLACK, size=40).toImage())
    assert formula_size(latex, 40)[0] > 0


@given(st.text(max_size=30))
def test_no_text_ever_raises(text: str) -> None:
    plain_text(text)
    assert "".join(break_formula(text)).strip() == text.strip()
    render_formula(text, color=BLACK, size=10)


def test_fallback_uses_the_given_text() -> None:
    short, long = (formula_size(r"\frac{1}", 20, plain=plain)[0] for plain in ("x", "x" * 30))
    assert long > 5 * short


@pytest.mark.parametrize("latex", ["", "  "])
def test_empty_formula_has_no_picture(latex: str) -> None:
    assert render_formula(latex, color=BLACK, size=20).isNull()
    assert FormulaLabel(latex).sizeHint().isEmpty()


def test_dense_screen_gets_more_pixels() -> None:
    one = render_formula(LONG, color=BLACK, size=20, device_pixel_ratio=1.0)
    two = render_formula(LONG, color=BLACK, size=20, device_pixel_ratio=2.0)
    assert two.width() == pytest.approx(2 * one.width(), abs=2)
    assert two.deviceIndependentSize().width() == pytest.approx(one.width(), abs=1)


def test_pictures_are_cached() -> None:
    first = render_formula(LONG, color=BLACK, size=20)
    assert render_formula(LONG, color=BLACK, size=20).cacheKey() == first.cacheKey()
    assert render_formula(LONG, color=QColor("red"), size=20).cacheKey() != first.cacheKey()


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (GOOD[0], "∂L/∂w5 = δ_o1 · a_h1 = 0.1385 · 0.5933 = 0.08217"),
        (GOOD[2], "out_h1 = σ(z_h1) = 1/(1 + e^(−z_h1))"),
        (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
        (r"(t_k - a_k)^2", "(t_k − a_k)²"),
        (r"w_{5}^{+}", "w5^+"),
        (r"\sqrt{x + 1}", "√(x + 1)"),
        ("}", ""),
    ],
)
def test_plain_text(latex: str, text: str) -> None:
    assert plain_text(latex) == text


@pytest.mark.parametrize(
    ("latex", "pieces"),
    [
        ("a = b + c", ["a ", "= b ", "+ c"]),
        ("a = -b - c", ["a ", "= -b ", "- c"]),
        (r"a = \frac{b + c}{d = e} (f + g)", ["a ", r"= \frac{b + c}{d = e} (f + g)"]),
        (r"0.5 \cdot −0.1 \approx x", [r"0.5 \cdot −0.1 ", r"\approx x"]),
        (r"e^- + 1", ["e^- ", "+ 1"]),
        ("", []),
    ],
)
def test_break_formula(latex: str, pieces: list[str]) -> None:
    assert break_formula(latex) == pieces


@pytest.mark.parametrize("latex", GOOD)
@pytest.mark.parametrize("width", [1, 20, 60, 150, 200, 333, 2000])
def test_fitted_formula_is_never_wider_than_its_place(latex: str, width: int) -> None:
    fitted = fit_formula(latex, break_formula(latex), size=20, width=width)
    assert fitted.width <= width + 1e-6
    assert fitted.size <= 20
    assert "".join(line.removeprefix("{} ") for line in fitted.lines) == latex


def test_formula_shrinks_a_little_before_it_breaks() -> None:
    natural = formula_size(LONG, 20)[0]
    assert fit_formula(LONG, break_formula(LONG), size=20, width=natural).size == 20
    smaller = fit_formula(LONG, break_formula(LONG), size=20, width=0.9 * natural)
    assert len(smaller.lines) == 1
    assert smaller.size == pytest.approx(18)
    broken = fit_formula(LONG, break_formula(LONG), size=20, width=0.7 * natural)
    assert len(broken.lines) > 1
    assert broken.size == pytest.approx(20)


def test_label_fits_its_layout(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    label = FormulaLabel(LONG)
    QVBoxLayout(box).addWidget(label)
    box.show()
    heights = []
    for width in (600, 200, 140):
        box.resize(width, 400)
        QApplication.processEvents()
        fitted = label.fitted()
        assert fitted.width <= label.width()
        assert fitted.height <= label.height() + 1
        heights.append(label.heightForWidth(label.width()))
    assert heights[0] < heights[1] <= heights[2]


def test_label_says_the_formula_in_words() -> None:
    label = FormulaLabel(r"\delta_{o1} \cdot a_{h1}")
    assert label.accessibleName() == label.toolTip() == label.plain() == "δ_o1 · a_h1"
    label.set_latex("a", plain="activation")
    assert label.accessibleName() == label.toolTip() == "activation"
    assert label.latex() == "a"


def test_label_paints_in_its_color_and_follows_the_theme(qtbot: QtBot) -> None:
    label = FormulaLabel(r"\mathbf{mmm}")
    qtbot.addWidget(label)
    label.set_color("backward")
    assert label.color() == theme().palette.backward
    theme().set_mode("dark")
    assert label.color() == theme().palette.backward
    label.set_color(QColor("#00FF00"))
    label.set_relative_size(4.0)
    label.resize(label.sizeHint())
    label.show()
    image = label.grab().toImage()
    greens = [1 for x, y, color in ink(image) if color.green() > 250 and color.red() < 5]
    assert len(greens) > 20
    label.setEnabled(False)
    assert label.color() == theme().palette.disabled_text
    with pytest.raises(KeyError):
        label.set_color("mauve")


def test_label_grows_with_the_text() -> None:
    label = FormulaLabel(LONG)
    before = label.sizeHint()
    theme().set_text_scale(2.0)
    assert label.sizeHint().width() == pytest.approx(2 * before.width(), rel=0.05)


def test_label_never_fails_on_bad_formulas(qtbot: QtBot) -> None:
    for latex in BAD:
        label = FormulaLabel(latex)
        qtbot.addWidget(label)
        label.resize(60, 20)
        label.show()
        assert not label.grab().isNull()


def test_each_piece_of_a_long_sum_is_laid_out_once(qapp: object) -> None:
    latex = "z = b" + "".join(f" + w_{{{n}}} x_{{{n}}}" for n in range(40)) + " = 0.5"
    pieces = break_formula(latex)
    lay_out.cache_clear()
    fitted = fit_formula(latex, pieces, size=20, width=600)
    # And each line, to be drawn.
    assert lay_out.cache_info().misses <= len(pieces) + len(fitted.lines) + 1
    assert "".join(line.removeprefix("{} ") for line in fitted.lines) == latex
    assert fitted.width <= 600.001
    for number, line in enumerate(fitted.lines):
        indent = LINE_INDENT * fitted.size if number else 0.0
        assert formula_size(line, fitted.size)[0] + indent <= 600.001
