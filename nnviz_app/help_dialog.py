"""The page of keys and gestures, and the words about the program."""

from __future__ import annotations

import platform

import numpy
import PySide6
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QMessageBox, QTextBrowser, QVBoxLayout, QWidget

from nnviz_app import __version__
from nnviz_app.theme import theme

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Step through the passes",
        (
            ("→, ←", "one step forward, back; with Shift one size larger"),
            ("Home, End", "the first, the last step"),
            ("Space", "play and pause"),
            ("U", "apply the update and go on with the next batch"),
            ("R", "back to the start: the parameters of update 0"),
            ("Ctrl+E, Ctrl+R", "run one epoch, the chosen number of epochs; Ctrl+. stops"),
            ("Ctrl+G, Ctrl+I", "new from generated or real data; import a table"),
            ("Ctrl+Shift+E", "export: weights, code, pictures, animations, plots, worked solutions, worksheets"),
        ),
    ),
    (
        "Draw",
        (
            ("double-click on the empty canvas", "add a neuron"),
            ("I, H, O", "add an input, hidden, output neuron"),
            ("drag from a neuron's rim", "connect; drop on the empty canvas makes a neuron there"),
            ("N, C, V", "the Neuron, Connect and Select tools"),
            ("Ctrl+K", "connect the first selected neurons to the last one"),
            ("Ctrl+L", "add a layer"),
            ("Ctrl+T", "tidy the layout"),
            ("double-click or F2 on a number", "edit it: 0.5, 0,5 and 1/3 are all numbers; Tab goes to the next"),
            ("Del, Backspace", "delete what is selected"),
        ),
    ),
    (
        "Select and move",
        (
            ("click, Shift+click, Ctrl+click", "select, add, toggle"),
            ("drag on the empty canvas", "select what lies in the rectangle"),
            ("Tab, Shift+Tab", "the next, the former neuron or edge"),
            ("drag, Alt+arrow keys", "move what is selected"),
            ("Ctrl+A, Esc", "select all, none"),
            ("Ctrl+C, X, V, D", "copy, cut, paste, duplicate"),
            ("Ctrl+Z, Ctrl+Y", "undo, redo"),
        ),
    ),
    (
        "Look",
        (
            ("Ctrl+wheel", "zoom at the cursor (View > Wheel zooms swaps it with the wheel)"),
            ("middle-drag, Space+drag", "move the canvas"),
            ("Ctrl+0, F", "100 %, fit the network"),
            ("hover", "full precision"),
            ("M", "maps in the neurons: how each answers over two inputs"),
            ("F11", "full screen"),
        ),
    ),
    (
        "Ask and present",
        (
            ("click on a number", "why it is what it is: its derivation in Explain"),
            ("click in a formula", "the derivation of that operand; Backspace goes back, Esc ends"),
            ("F5", "present: canvas and caption alone; Page Down and Page Up go on and back, Esc ends"),
        ),
    ),
)


class HelpDialog(QDialog):
    """Keys and gestures on one page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and gestures")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page = QTextBrowser()
        page.setHtml(self._html())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)
        # With large text never larger than the screen.
        self.resize(QSize(theme().space(54), theme().space(44)).boundedTo(self.screen().availableSize() * 0.9))

    @staticmethod
    def _html() -> str:
        # One table, so that the second column begins at the same place in every part.
        space = theme().space
        lines = []
        for title, rows in KEYS:
            lines.append(
                f"<tr><td colspan='2' style='padding: {space(0.9)}px 0 {space(0.3)}px 0'><h3>{title}</h3></td></tr>"
            )
            pad = f"padding: {space(0.15)}px {space(1.6)}px {space(0.15)}px 0"
            lines += [
                f"<tr><td style='{pad}'><b>{keys}</b></td><td style='{pad}'>{what}</td></tr>" for keys, what in rows
            ]
        return f"<table>{''.join(lines)}</table>"


def about(parent: QWidget) -> None:
    """Versions and licence."""
    QMessageBox.about(
        parent,
        "About nnviz",
        f"<h3>nnviz {__version__}</h3><p>Draw a neural network and step through backpropagation.</p>"
        f"<p>Python {platform.python_version()}, numpy {numpy.__version__}, Qt {PySide6.__version__}.<br>"
        "MIT licence.</p>",
    )
