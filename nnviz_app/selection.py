"""What is selected: ids of neurons and edges, shared by the canvas, the panels and the actions."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from nnviz_app.document import Change, Document


class Selection(QObject):
    """An ordered set of ids. It follows the document: what is no longer there is no longer selected."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._ids: dict[str, None] = {}
        document.changed.connect(self._follow)

    @property
    def ids(self) -> list[str]:
        """All selected ids, in the order of selecting."""
        return list(self._ids)

    @property
    def neurons(self) -> list[str]:
        """The selected neurons."""
        return [i for i in self._ids if i in self.document.project.network.neurons]

    @property
    def edges(self) -> list[str]:
        """The selected edges."""
        return [i for i in self._ids if i in self.document.project.network.edges]

    def __contains__(self, subject: str) -> bool:
        return subject in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def set(self, ids: Iterable[str]) -> None:
        """Select these and nothing else."""
        new = dict.fromkeys(ids)
        if list(new) != list(self._ids):
            self._ids = new
            self.changed.emit()

    def add(self, ids: Iterable[str]) -> None:
        """Select these too."""
        self.set([*self._ids, *ids])

    def toggle(self, subject: str) -> None:
        """Select it, or no longer if it was."""
        self.set([i for i in self._ids if i != subject] if subject in self._ids else [*self._ids, subject])

    def clear(self) -> None:
        """Select nothing."""
        self.set(())

    def _follow(self, change: Change) -> None:
        if change.project:
            self.clear()
        elif change.structure:
            network = self.document.project.network
            self.set([i for i in self._ids if i in network.neurons or i in network.edges])
