"""The conventions panel: one place for what books and programs compute, write and round in different ways."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from nnviz_app.document import Change, Document
from nnviz_app.panels.convention_fields import ConventionsForm, FormulaList, NotationForm, RoundingForm
from nnviz_app.panels.fields import PanelArea
from nnviz_app.panels.section import Section
from nnviz_app.panels.training_fields import SettingsForm
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

TITLE = "When the book says something else:"
ABOUT = "Set what your book or course does otherwise, and the numbers and symbols on the canvas follow."


class ConventionsPanel(PanelArea):
    """Sections for loss and update (part of the project), notation and rounding (the person's own)."""

    def __init__(
        self, document: Document, player: Player, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(QWidget(), parent)
        self.document, self.player, self.preferences = document, player, preferences
        self._stale = False
        self.title_label = QLabel(TITLE)
        self.title_label.setToolTip(ABOUT)
        self.title_label.setWordWrap(True)
        set_style_property(self.title_label, "role", "muted")
        self.form = ConventionsForm(document, preferences)
        self.notation_form = NotationForm(document, preferences)
        self.rounding_form = RoundingForm(document, preferences)
        self.meaning, self.preview = FormulaList(), FormulaList()
        self.section = Section("Loss and update", self.form, self.meaning, key="conventions")
        self.sections: dict[SettingsForm, Section] = {
            self.form: self.section,
            self.notation_form: Section("Notation", self.notation_form, self.preview, key="notation"),
            self.rounding_form: Section("Digits and rounding", self.rounding_form, key="rounding"),
        }
        self.form.refused.connect(self.section.message.say)
        self._body = QVBoxLayout(self.widget())
        for widget in (self.title_label, *self.sections.values()):
            self._body.addWidget(widget)
        self._body.addStretch(1)
        document.changed.connect(self._follow)
        player.moved.connect(self._follow_player)
        preferences.changed.connect(self._show_again)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(38))

    def _restyle(self) -> None:
        space = theme().space
        self._body.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.9))
        self._body.setSpacing(space(0.4))
        widest = max(form.label_width() for form in self.sections)
        for formulas in (self.meaning, self.preview):
            formulas.restyle(widest)
        for form, section in self.sections.items():
            form.restyle(widest)
            section.restyle()

    def _follow(self, change: Change) -> None:
        if change.settings or change.data or change.structure or change.project:
            self._show_again()

    def _show_again(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    def _follow_player(self) -> None:
        if self.form.isEnabled() is self.player.is_locked:
            self.form.setEnabled(not self.player.is_locked)
        message = self.sections[self.rounding_form].message
        if self.isVisible() and message.text() != self.player.rounding_refused:
            message.say(self.player.rounding_refused, "info")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Show what is chosen now."""
        self._stale = False
        for form, section in self.sections.items():
            form.refresh()
            section.show_summary(form.summary())
        self.section.message.say(self.form.problem(), "warning")
        self.meaning.show_formulas(self.form.formulas())
        self.preview.show_formulas(self.notation_form.formulas())
        self._follow_player()
