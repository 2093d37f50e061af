"""What a panel shows on the drawing for a while: a path lit, parts highlighted, parts hidden."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from nnviz_app.document import Change, Document


class Spotlight(QObject):
    """Canvas and panels meet here: a walkthrough or a list of paths sets it, the canvas shows it.

    `path`: edges of a path to the loss, in their order. `highlighted`: ids of neurons and edges. `hidden`: ids, or
    sorts of numbers as in core.walkthrough.HIDEABLE. What is no longer in the network is forgotten.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.path: tuple[str, ...] = ()
        self.highlighted: frozenset[str] = frozenset()
        self.hidden: frozenset[str] = frozenset()
        document.changed.connect(self._follow)

    def show_path(self, edges: Iterable[str]) -> None:
        """Light the edges of a path; none to light none."""
        path = tuple(edges)
        if path != self.path:
            self.path = path
            self.changed.emit()

    def show_parts(self, highlighted: Iterable[str] = (), hidden: Iterable[str] = ()) -> None:
        """Highlight these parts and hide those; none of either to show the drawing as it is."""
        parts = frozenset(highlighted), frozenset(hidden)
        if parts != (self.highlighted, self.hidden):
            self.highlighted, self.hidden = parts
            self.changed.emit()

    def _follow(self, change: Change) -> None:
        if change.project or change.structure:
            network = self.document.project.network
            self.show_path(() if any(edge not in network.edges for edge in self.path) else self.path)
            if change.project:
                self.show_parts()
