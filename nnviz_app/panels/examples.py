"""The examples and walkthroughs that come with the program."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnviz_app.examples import Example, examples, walkthroughs
from nnviz_app.theme import theme

Index = QModelIndex | QPersistentModelIndex


# What the style sheet gives each item at either side: padding in text sizes, and a border in pixels.
PADDING, BORDER = 0.5, 1


class _Wrapper(QStyledItemDelegate):
    """Breaks titles into lines as wide as they are painted: Qt forgets the padding, and cuts off the last word."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        rect = option.rect  # type: ignore[attr-defined]
        rect.setWidth(max(1, rect.width() - 2 * (theme().space(PADDING) + BORDER)))
        option.rect = rect  # type: ignore[attr-defined]
        return super().sizeHint(option, index)


class ExamplesPanel(QWidget):
    """A list of worked examples and of walkthroughs; a click or Enter asks to open one."""

    requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        # The lines are broken anew for each width, and once the scroll bar has taken its part of it.
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Wrapper(self.list))
        self.list.setAccessibleName("Examples")
        self.list.ensurePolished()
        for example in examples():
            self._add(example)
        self.heading = QListWidgetItem("Walkthroughs")
        # A title of those below it: neither the mouse nor the keys stop at it.
        self.heading.setFlags(Qt.ItemFlag.NoItemFlags)
        if walkthroughs():
            self.list.addItem(self.heading)
        for walkthrough in walkthroughs():
            self._add(walkthrough)
        self.list.itemClicked.connect(self._request)
        self.list.itemActivated.connect(self._request)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)
        self._layout = layout
        theme().changed.connect(self._restyle)
        self._restyle()

    def _add(self, example: Example) -> None:
        item = QListWidgetItem(example.title)
        item.setToolTip(example.description)
        item.setData(Qt.ItemDataRole.UserRole, example)
        self.list.addItem(item)

    def show_walkthroughs(self) -> None:
        """Bring the walkthroughs into sight, the first of them chosen."""
        row = self.list.row(self.heading)
        if row >= 0:
            self.list.setCurrentRow(row + 1)
            self.list.scrollToItem(self.heading, QListWidget.ScrollHint.PositionAtTop)
        self.list.setFocus()

    def _restyle(self) -> None:
        self.heading.setFont(theme().font("strong"))
        # With the items' own padding the titles then stand below the panel's.
        self._layout.setContentsMargins(theme().space(0.3), 0, 0, 0)

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
