"""The way to the number that is explained: what was asked first, each step into a formula, and the ways back."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from core.notation import Writer
from core.quantities import Quantity
from core.trace import Trace
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.fields import flat_button
from nnviz_app.preferences import Preferences
from nnviz_app.theme import theme

# Of a longer trail the middle is left out.
MOST_SHOWN = 5


class TrailBar(QWidget):
    """Each part can be clicked; the arrow goes back by one, the cross to the player's step."""

    def __init__(self, inquiry: Inquiry, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inquiry, self.preferences = inquiry, preferences
        self.back_button = flat_button("chevron-left", "One back along the trail (Backspace)")
        self.back_button.clicked.connect(self._go_back)
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.RichText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.label.linkActivated.connect(lambda link: inquiry.go_back(int(link)))
        self.end_button = flat_button("close", "Back to the step that was done last (Esc)")
        self.end_button.clicked.connect(inquiry.end)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.back_button, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.label, 1)
        row.addWidget(self.end_button, 0, Qt.AlignmentFlag.AlignTop)

    def show_trail(self, trace: Trace) -> None:
        """Show the trail as it is; nothing while there is none."""
        trail = self.inquiry.trail
        self.setVisible(bool(trail))
        if not trail:
            return
        self.back_button.setVisible(len(trail) > 1)
        names = [self._name(trace, quantity) for quantity in trail]
        self.setToolTip(" › ".join(names))
        color = theme().palette.color("accent").name()
        parts = [
            f'<a href="{place}" style="color: {color}; text-decoration: none">{escape(name)}</a>'
            for place, name in enumerate(names[:-1])
        ]
        if len(names) > MOST_SHOWN:
            parts[1 : len(names) - MOST_SHOWN + 2] = ["…"]
        self.label.setText(" › ".join([*parts, f"<b>{escape(names[-1])}</b>"]))

    def _go_back(self) -> None:
        self.inquiry.go_back()

    def _name(self, trace: Trace, quantity: Quantity) -> str:
        return Writer(trace, self.preferences.style).name(quantity)
