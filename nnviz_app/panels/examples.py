"""The examples that come with the program."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from nnviz_app.examples import Example, examples
from nnviz_app.theme import theme


class ExamplesPanel(QWidget):
    """A list of worked examples; a click or Enter asks to open one."""

    requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        # The lines are broken anew for each width, and once the scroll bar has taken its part of it.
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Examples")
        self.list.ensurePolished()
        for example in examples():
            item = QListWidgetItem(example.title)
            item.setToolTip(example.description)
            item.setData(Qt.ItemDataRole.UserRole, example)
            self.list.addItem(item)
        self.list.itemClicked.connect(self._request)
        self.list.itemActivated.connect(self._request)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(15), theme().space(16))

    def mark(self, title: str) -> None:
        """Show which example is open; none when no title is one's."""
        self.list.blockSignals(True)
        self.list.setCurrentRow(-1)
        for row in range(self.list.count()):
            if self.list.item(row).text() == title:
                self.list.setCurrentRow(row)
        self.list.blockSignals(False)

    def _request(self, item: QListWidgetItem) -> None:
        example = item.data(Qt.ItemDataRole.UserRole)
        if isinstance(example, Example):
            self.requested.emit(example)
