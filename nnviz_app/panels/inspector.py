"""The inspector: all there is to know about what is selected, at full precision, and fields to change it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QVBoxLayout,
    QWidget,
)

from core.project import Project
from nnviz_app.document import Document
from nnviz_app.panels.fields import MessageLabel, PanelArea, try_edit
from nnviz_app.panels.inspector_forms import EdgeForm, NeuronForm, SeveralForm, SummaryForm
from nnviz_app.panels.reading_rows import ReadingList
from nnviz_app.panels.readings import edge_readings, neuron_readings, summary_readings
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import theme


class InspectorPanel(QWidget):
    """Shows and changes what is selected: one neuron, one edge, several, or nothing (then the network)."""

    # A quantity whose number was clicked.
    asked = Signal(object)

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.selection = document, player, selection
        self.preferences = preferences
        self._shown: list[str] = []
        self._stale = False
        self.message = MessageLabel()
        self.neuron_form = NeuronForm(self)
        self.edge_form = EdgeForm(self)
        self.several_form = SeveralForm(self)
        self.summary_form = SummaryForm(self)
        self._forms = (self.summary_form, self.neuron_form, self.edge_form, self.several_form)
        self.readings = ReadingList()
        self.readings.asked.connect(self.asked)
        content = QWidget()
        inner = QVBoxLayout(content)
        for form in self._forms:
            inner.addWidget(form)
        inner.addWidget(self.message)
        inner.addWidget(self.readings)
        inner.addStretch(1)
        self._inner = inner
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(PanelArea(content))
        player.moved.connect(self.refresh)
        selection.changed.connect(self.refresh)
        preferences.changed.connect(self.refresh)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    # Changing

    def edit(self, text: str, change: Callable[[Project], object]) -> bool:
        """Change the project as one undo entry; when it is refused, say why and show what holds."""
        sentence = try_edit(self.document, self.player, text, change)
        self.message.say(sentence)
        if sentence:
            self.refresh()
        return not sentence

    def rename(self, old: str, new: str) -> None:
        """Give a neuron or an edge another name; it stays selected."""
        new = new.strip()
        if self.edit(f"Rename {old} to {new}", lambda draft: draft.rename(old, new)):
            self.selection.set([new])

    # Showing

    def refresh(self) -> None:
        """Show what is selected as it is now."""
        if not self.isVisible() and self._shown:
            self._stale = True
            return
        self._stale = False
        neurons, edges = self.selection.neurons, self.selection.edges
        subjects = neurons + edges
        is_other = subjects != self._shown
        self._shown = subjects
        if is_other:
            self.message.say("")
        rows, notation = self.document.project.dataset.rows, self.preferences.notation
        sample = f"Sample {self.player.row + 1} of {rows}" if rows else "No sample"
        if len(subjects) > 1:
            self._show_form(self.several_form)
            self.several_form.show_subjects(neurons, edges)
        elif neurons:
            self._show_form(self.neuron_form)
            self.neuron_form.show_subject(neurons[0], force=is_other)
            self.readings.show_readings(sample, neuron_readings(self.player, neurons[0], notation))
        elif edges:
            self._show_form(self.edge_form)
            self.edge_form.show_subject(edges[0], force=is_other)
            self.readings.show_readings(sample, edge_readings(self.player, edges[0], notation))
        else:
            self._show_form(self.summary_form)
            self.summary_form.show_network(self.document.project)
            self.readings.show_readings(sample, summary_readings(self.player, notation))
        is_empty = not self.document.project.network.neurons
        self.readings.setVisible(len(subjects) < 2 and not is_empty)

    def _show_form(self, shown: QWidget) -> None:
        for form in self._forms:
            form.setVisible(form is shown)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _restyle(self) -> None:
        space = theme().space
        self._inner.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.6))
        self._inner.setSpacing(space(0.7))
        for form in (self.neuron_form, self.edge_form, self.several_form):
            form.restyle()
