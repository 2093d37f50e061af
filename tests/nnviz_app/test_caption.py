"""Captions: Markdown and formulas as they are painted, in both themes; nothing is fetched for one, nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QImage, QKeyEvent, QTextDocument
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.caption import CaptionView
from nnviz_app.theme import theme

OBJECT = "\ufffc"


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> Iterator[CaptionView]:
    theme().apply(qapp)
    theme().set_mode("light")
    # Its background is that of what it stands in.
    around = QWidget()
    qtbot.addWidget(around)
    layout = QVBoxLayout(around)
    layout.setContentsMargins(0, 0, 0, 0)
    made = CaptionView()
    layout.addWidget(made)
    around.resize(500, 300)
    around.show()
    yield made
    theme().set_mode("light")
    theme().set_text_scale(1.0)


def text_of(view: CaptionView) -> str:
    return view.document().toPlainText()


def pictures(view: CaptionView) -> list[QImage]:
    """The formulas in the order in which they stand."""
    found = []
    block = view.document().begin()
    while block.isValid():
        for fragment in block:
            form = fragment.fragment().charFormat()
            if form.isImageFormat():
                name = QUrl(form.toImageFormat().name())
                found.append(view.document().resource(QTextDocument.ResourceType.ImageResource, name))
        block = block.next()
    return found


def hue(image: QImage) -> QColor:
    """The colour of what is drawn, where it is nearly opaque."""
    colors = [image.pixelColor(x, y) for y in range(image.height()) for x in range(image.width())]
    return max(colors, key=lambda color: color.alpha())


def ink_below(image: QImage) -> list[int]:
    """The lowest inked row of each sign, from left to right: signs are parted by columns without ink."""
    paper = image.pixelColor(image.width() - 1, image.height() - 1).lightness()
    lowest: list[int] = []
    was_blank = True
    for x in range(image.width()):
        rows = [y for y in range(image.height()) if abs(image.pixelColor(x, y).lightness() - paper) > 100]
        if rows:
            lowest = [*lowest, max(rows)] if was_blank else [*lowest[:-1], max(lowest[-1], *rows)]
        was_blank = not rows
    return lowest


def test_words_and_formulas(view: CaptionView) -> None:
    view.set_caption("The **gradient** of $w_5$ is $\\frac{a}{b}$, it costs \\$5.\n\n- one\n- two")
    assert text_of(view) == f"The gradient of {OBJECT} is {OBJECT}, it costs $5.\none\ntwo"
    small, tall = pictures(view)
    assert tall.height() > small.height() > 5
    assert "w5 is a/b" in view.accessibleName()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_formulas_have_the_colour_of_the_theme_s_text(view: CaptionView, mode: str) -> None:
    view.set_caption("$w_5 + 1$")
    theme().set_mode(mode)  # type: ignore[arg-type]
    (picture,) = pictures(view)
    drawn, wanted = hue(picture), theme().palette.color("text")
    assert abs(drawn.lightness() - wanted.lightness()) < 25


@pytest.mark.parametrize("formula", ["x", "x_{1_2}", "x + \\frac{a}{b}", "x \\sum_i"])
def test_formulas_stand_on_the_line(view: CaptionView, formula: str) -> None:
    """The x of a formula ends where the letter before it ends, whatever else reaches below the line."""
    view.set_factor(3.0)
    view.set_caption(f"H${formula}$")
    QApplication.processEvents()
    letter, x = ink_below(view.window().grab().toImage())[:2]
    assert abs(letter - x) <= 2


def test_a_formula_wider_than_the_caption_is_broken_not_cut_off(view: CaptionView) -> None:
    view.set_caption("$a = " + " + ".join(f"w_{i} \\cdot x_{i}" for i in range(1, 12)) + "$")
    (wide,) = pictures(view)
    view.window().resize(220, 300)
    QApplication.processEvents()
    (narrow,) = pictures(view)
    assert narrow.width() <= view.viewport().width() < wide.width()
    assert narrow.height() > wide.height()


def test_text_grows_with_the_program_s_and_by_its_factor(view: CaptionView) -> None:
    view.set_caption("Some words and $w_5$, enough of them to fill a line or two of the caption that is tested here.")
    heights = [view.height_for(400)]
    view.set_factor(2.0)
    heights.append(view.height_for(400))
    theme().set_text_scale(1.5)
    heights.append(view.height_for(400))
    assert heights[0] < heights[1] < heights[2]
    assert heights[2] == pytest.approx(view.document().size().height(), abs=heights[2])


def test_no_picture_file_or_html_is_taken(view: CaptionView, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(QColor("#ff00ff"))
    assert image.save(str(secret))
    view.set_caption(
        f"A ![first]({secret.as_uri()}) ![second]({secret}) ![third](http://127.0.0.1:9/x.png) "
        f'<img src="{secret}"> <script>alert(1)</script> <b>bold</b>'
    )
    QApplication.processEvents()
    assert OBJECT not in text_of(view)
    assert text_of(view).startswith("A first second third <img")
    assert "<b>bold</b>" in text_of(view)
    shown = view.window().grab().toImage()
    assert all(
        shown.pixelColor(x, y) != QColor("#ff00ff")
        for x in range(0, shown.width(), 3)
        for y in range(0, shown.height(), 3)
    )
    assert view.loadResource(QTextDocument.ResourceType.ImageResource, QUrl.fromLocalFile(str(secret))) is None


def click_link(qtbot: QtBot, view: CaptionView) -> None:
    """Click the middle of the caption's link."""
    places = [QPoint(x, y) for y in range(0, 40, 2) for x in range(0, 200, 2) if view.anchorAt(QPoint(x, y))]
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=places[len(places) // 2])


@pytest.mark.parametrize(
    ("address", "is_opened"),
    [
        ("https://example.org/a", True),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("qrc:/x", False),
    ],
)
def test_only_links_to_the_web_are_followed(
    view: CaptionView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, address: str, is_opened: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    view.set_caption(f"[click here]({address}) now")
    click_link(qtbot, view)
    assert opened == ([address] if is_opened else [])
    assert text_of(view) == "click here now"


def test_other_numbers_leave_the_place_another_moment_does_not(view: CaptionView) -> None:
    long = "\n\n".join(f"Line {n} is [here](https://a.b)." for n in range(40))
    view.set_caption(long)
    view.verticalScrollBar().setValue(120)
    view.set_caption(long.replace("Line 3 ", "Line 4 "))
    assert view.verticalScrollBar().value() == 120
    view.set_caption("short " * 900, from_top=True)
    assert view.verticalScrollBar().value() == 0


def test_strange_captions_do_no_harm(view: CaptionView) -> None:
    for caption in (
        "",
        "$",
        "$$",
        "$x",
        "$\\frac{$",
        "\ue000 $x$ \ue001",
        "| a | b |\n|--|--|\n| $x$ | $y$ |",
        "```\n$x$\n```",
        "$" + "x" * 5000 + "$",
        " ".join(f"$x_{{{n}}}$" for n in range(1500)),
        "[a]: http://x",
        OBJECT,
        "# $h$\n> $q$",
    ):
        view.set_caption(caption)
        view.grab()
    view.set_caption("\ue000 $x$ \ue001")
    assert len(pictures(view)) == 1


def test_formulas_are_there_beside_a_scroll_bar(view: CaptionView) -> None:
    view.set_caption("\n\n".join(f"Line {n}: $x_{n}$" for n in range(40)))
    QApplication.processEvents()
    assert view.verticalScrollBar().isVisible()
    assert len(pictures(view)) == 40
    view.window().resize(300, 200)
    QApplication.processEvents()
    assert len(pictures(view)) == 40


def test_page_keys_go_to_what_is_around(view: CaptionView, qtbot: QtBot) -> None:
    seen: list[int] = []

    class Around(QWidget):
        def keyPressEvent(self, event: QKeyEvent) -> None:
            seen.append(event.key())

    around = Around()
    qtbot.addWidget(around)
    inner = CaptionView(parent=around)
    inner.set_caption("x\n\n" * 200)
    qtbot.keyClick(inner, Qt.Key.Key_PageDown)
    assert seen == [Qt.Key.Key_PageDown]
