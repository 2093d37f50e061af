"""The choices of the landscape panel: what is shown, of which parameters, and how far it reaches."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from core.errors import NnvizError
from core.numbers import parse_number
from nnviz_app.document import Document
from nnviz_app.panels.fields import Field, MessageLabel, keep_keys
from nnviz_app.panels.forms import ElidedBox, FoldingRow
from nnviz_app.panels.parameter_boxes import ParameterBoxes
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import theme

AUTO = "auto"
VIEW_TIP = (
    "Paths: parameters over the updates.\n"
    "Loss: a surface over two parameters, or along two random directions through all weights."
)


class View(StrEnum):
    """What the panel shows."""

    PATH = "Paths"
    TWO = "Loss: two parameters"
    RANDOM = "Loss: random directions"


class ReachField(Field):
    """How far the surface reaches on each side: "auto" or a number above 0."""

    def check(self, text: str) -> str:
        if text.strip().lower() in ("", AUTO):
            return ""
        try:
            return "" if parse_number(text) > 0 else "The range must be above 0: type a number such as 2, or auto."
        except NnvizError as error:
            return str(error)


def push_button(text: str, tip: str) -> QPushButton:
    """A button that takes the keyboard by Tab only."""
    button = QPushButton(text)
    button.setProperty("compact", True)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    keep_keys(button)
    return button


class LandscapeForm(QWidget):
    """`view`, the parameters in `boxes`, `seed` of the random directions and `reach`, None for automatic."""

    changed = Signal()

    def __init__(
        self, document: Document, selection: Selection, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.seed = 1
        self.reach: float | None = None
        self.view_box = ElidedBox()
        self.view_box.setAccessibleName("What is shown")
        self.view_box.setToolTip(VIEW_TIP)
        self.view_box.setMinimumContentsLength(8)
        self.view_box.setSizeAdjustPolicy(ElidedBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.view_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        keep_keys(self.view_box)
        for view in View:
            self.view_box.addItem(view.value)
        self.boxes = ParameterBoxes(document, selection, preferences)
        self.seed_button = push_button("New directions", "Draw two other random directions")
        self.compute_button = push_button("Compute", "Compute the surface again, around the present values")
        self.reach_label, self.reach_field = QLabel("Range ±"), ReachField()
        self.reach_field.setToolTip("How far the surface reaches on each side; auto: as far as the path")
        self.reach_field.setAccessibleName("Range of the surface")
        self.reach_label.setBuddy(self.reach_field)
        self.reach_field.show_text(AUTO)
        self.message = MessageLabel()
        self._rows = FoldingRow(self.view_box, self.boxes), FoldingRow(self.seed_button, self.compute_button)
        self._range = QHBoxLayout()
        for widget in (self.reach_label, self.reach_field):
            self._range.addWidget(widget)
        self._range.addWidget(self._rows[1], 1)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.addWidget(self._rows[0])
        self._box.addLayout(self._range)
        self._box.addWidget(self.message)
        self.view_box.currentIndexChanged.connect(self._show_view)
        self.boxes.changed.connect(self.changed)
        self.seed_button.clicked.connect(self._draw_directions)
        self.reach_field.committed.connect(self._set_reach)
        self.reach_field.refused.connect(self.message.say)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._show_view()

    @property
    def view(self) -> View:
        """What is shown."""
        return list(View)[self.view_box.currentIndex()]

    def set_view(self, view: View) -> None:
        """Show something else."""
        self.view_box.setCurrentIndex(list(View).index(view))

    def _show_view(self) -> None:
        for widget in (self.reach_label, self.reach_field, self.compute_button):
            widget.setVisible(self.view is not View.PATH)
        self.boxes.setVisible(self.view is not View.RANDOM)
        self.seed_button.setVisible(self.view is View.RANDOM)
        for row in self._rows:
            row.restyle()
        self.changed.emit()

    def _draw_directions(self) -> None:
        self.seed += 1
        self.changed.emit()

    def _set_reach(self, text: str) -> None:
        automatic = text.strip().lower() in ("", AUTO)
        self.reach = None if automatic else parse_number(text)
        self.reach_field.show_text(AUTO if automatic else text.strip(), force=True)
        self.changed.emit()

    def _restyle(self) -> None:
        space = theme().space
        self._box.setSpacing(space(0.3))
        self._range.setSpacing(space(0.5))
        for row in self._rows:
            row.restyle()
        self.reach_field.setFixedWidth(space(4))
