"""The training panel: what decides how passes and updates are computed, and the buttons that make updates."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.advice import advise
from core.errors import NnvizError
from core.training import Progress
from nnviz_app.document import Change, Document
from nnviz_app.panels.fields import Field, MessageLabel, keep_keys
from nnviz_app.panels.optimizer_form import OptimizerForm
from nnviz_app.panels.run_box import RunBox
from nnviz_app.panels.section import Section
from nnviz_app.panels.training_fields import (
    MOST_SEED,
    DataForm,
    RegularizationForm,
    SettingsForm,
    StopForm,
    WeightsForm,
)
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

MOST_EPOCHS = 1_000_000
# Advice comes this many milliseconds after the last change, so that typing and dragging stay light.
ADVICE_DELAY = 150
# A run that ends within so many milliseconds, such as one short epoch, lets nothing flicker.
RUNNING_DELAY = 120


class TrainingPanel(QScrollArea):
    """Settings of passes and updates in sections that fold; no change of them resets the network."""

    def __init__(self, document: Document, player: Player, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.player, self.trainer = document, player, trainer
        self._make_forms()
        self._make_buttons()
        self.hint = MessageLabel()
        self._lay_out()

        self._advice_timer = QTimer(self, singleShot=True, interval=ADVICE_DELAY)
        self._advice_timer.timeout.connect(self.show_advice)
        self._running_timer = QTimer(self, singleShot=True, interval=RUNNING_DELAY)
        self._running_timer.timeout.connect(lambda: self._show_running(True))
        document.changed.connect(self._follow)
        trainer.running_changed.connect(self._follow_running)
        trainer.progressed.connect(self._show_progress)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()
        self.show_advice()
        self._show_running(trainer.is_running)

    # The parts

    def _make_forms(self) -> None:
        document = self.document
        self.stop_form, self.data_form = StopForm(document), DataForm(document)
        self.optimizer_form, self.regularization_form = OptimizerForm(document), RegularizationForm(document)
        self.weights_form = WeightsForm(document)
        self.epochs_spin = self.stop_form.spin(
            "epochs",
            "Set the number of epochs",
            least=1,
            most=MOST_EPOCHS,
            about="How many times “Run” goes through the training rows",
        )
        self.run_box = RunBox(document, self.epochs_spin)
        self.loss_box, self.rate_field = self.data_form.loss_box, self.optimizer_form.rate_field
        self.biases_box, self.seed_spin = self.optimizer_form.biases_box, self.weights_form.seed_spin

    def _make_buttons(self) -> None:
        self.draw_button = QPushButton("New random weights")
        self.draw_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keep_keys(self.draw_button)
        for button, act in (
            (self.run_box.update_button, self.apply_update),
            (self.run_box.epoch_button, self.run_epoch),
            (self.run_box.run_button, self.run),
            (self.run_box.stop_button, self.trainer.stop),
            (self.run_box.reset_button, self.reset),
            (self.draw_button, self.draw_weights),
            (self.weights_form.dice_button, self.draw_next),
        ):
            button.clicked.connect(act)

    def _lay_out(self) -> None:
        self.run_section = Section("Run", self.run_box, key="run", tool=self.run_box.reset_button)
        self.forms: dict[SettingsForm, Section] = {
            self.stop_form: Section("Stop when", self.stop_form, key="stop", is_open=False),
            self.data_form: Section("Loss and data", self.data_form, key="data"),
            self.optimizer_form: Section("Optimizer", self.optimizer_form, key="optimizer"),
            self.regularization_form: Section(
                "Regularization", self.regularization_form, key="regularization", is_open=False
            ),
            self.weights_form: Section("Initial weights", self.weights_form, self.draw_button, key="weights"),
        }
        for form, section in self.forms.items():
            form.refused.connect(section.message.say)
        noted = self.forms[self.optimizer_form].message
        self.optimizer_form.noted.connect(lambda sentence: noted.say(sentence, "info"))
        body = QWidget()
        self._body = QVBoxLayout(body)
        # First what is pressed again and again: the settings below are often longer than the panel.
        for widget in (self.run_section, self.hint, *self.forms.values()):
            self._body.addWidget(widget)
        self._body.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().rangeChanged.connect(self._place_margins)

    def _restyle(self) -> None:
        self._place_margins()
        self._body.setSpacing(theme().space(0.3))
        self.run_box.restyle()
        for section in (self.run_section, *self.forms.values()):
            section.restyle()
        self._align_forms()

    def _place_margins(self) -> None:
        """Let the scroll bar stand in the right margin: fields that became narrower for it would jump."""
        space, bar = theme().space, self.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > bar.minimum() else 0
        self._body.setContentsMargins(space(0.9), space(0.3), max(1, space(1.0) - taken), space(0.9))

    def _align_forms(self) -> None:
        """Let all forms have their fields at the same place."""
        widest = max(form.label_width() for form in self.forms)
        for form in self.forms:
            form.restyle(widest)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(38))

    def minimumSizeHint(self) -> QSize:
        # Narrower than its fields it would be cut off at the right, as it scrolls up and down only.
        margins = self._body.contentsMargins()
        inner = self.widget().minimumSizeHint().width() - margins.left() - margins.right()
        return QSize(inner + theme().space(0.9) + theme().space(1.0), theme().space(5))

    # What hands do

    def _finish_typing(self) -> bool:
        """Take over what is being typed in the panel; False when that is refused."""
        self.epochs_spin.interpretText()
        self.seed_spin.interpretText()
        field = QApplication.focusWidget()
        if isinstance(field, Field) and self.isAncestorOf(field):
            field.commit()
            return not field.property("invalid")
        return True

    def _try(self, section: Section, action: Callable[[], object]) -> None:
        try:
            action()
        except NnvizError as error:
            section.message.say(str(error))

    def apply_update(self) -> None:
        """Apply the update of the batch on show."""
        if self._finish_typing():
            self.player.pause()
            self.player.apply_update()

    def run_epoch(self) -> None:
        """Train to the end of the epoch under way."""
        if self._finish_typing():
            self.trainer.start(1)

    def run(self) -> None:
        """Run the chosen number of epochs."""
        if self._finish_typing():
            self.trainer.start(self.document.project.settings.epochs)

    def reset(self) -> None:
        """Back to update 0 and to the first step of the first row."""
        if self.player.is_locked:
            return
        self.player.pause()
        self._try(self.run_section, self.document.reset)
        self.player.select_row(0)
        self.player.go_to(0)

    def draw_weights(self) -> None:
        """New random weights from the shown seed."""
        if self._finish_typing():
            self._try(self.forms[self.weights_form], self.document.draw_weights)

    def draw_next(self) -> None:
        """New random weights from the seed after the shown one."""
        seed = self.document.project.settings.seed
        following = seed + 1 if seed < MOST_SEED else 0
        self._try(self.forms[self.weights_form], lambda: self.document.draw_weights(following))

    # What is shown

    def _follow(self, change: Change) -> None:
        if change.settings or change.data or change.structure or change.project:
            self.refresh(force=change.project)
        elif change.values:
            self.optimizer_form.show_rate()
            if not self.run_box.stop_button.isVisibleTo(self):
                self.run_box.refresh()
        if (change.affects_numbers or change.project) and not self.trainer.is_running:
            self._advice_timer.start()

    def refresh(self, *, force: bool = False) -> None:
        """Show the document's settings again."""
        for form, section in self.forms.items():
            form.refresh(force=force)
            section.show_summary(form.summary())
            if not form.has_refused:
                section.message.say("")
        self._align_forms()
        self.run_section.message.say("")
        self.run_section.show_summary(self.run_box.summary())
        self.run_box.refresh()
        has_weights = bool(self.document.project.network.edges)
        self.draw_button.setEnabled(has_weights)
        self.draw_button.setToolTip(
            "Draw all weights anew from the seed, biases 0; frozen ones stay"
            if has_weights
            else "There is no weight yet."
        )
        self.weights_form.dice_button.setEnabled(has_weights)

    def show_advice(self) -> None:
        """Say where network, settings and data do not fit; it stops nobody."""
        project = self.document.project
        self.hint.say("\n".join(advise(project.network, project.settings, project.dataset)), "info")

    def _follow_running(self, running: bool) -> None:
        if running:
            self.run_box.start_clock(self.document.project.updates)
            self._running_timer.start()
        else:
            self._running_timer.stop()
            self._show_running(False)
            self._advice_timer.start()

    def _show_running(self, running: bool) -> None:
        for form in self.forms:
            form.setEnabled(not running)
        self.draw_button.setEnabled(not running and bool(self.document.project.network.edges))
        if running and self.trainer.progress is not None:
            self._show_progress(self.trainer.progress)
        self.run_box.show_running(running)

    def _show_progress(self, progress: Progress) -> None:
        self.run_box.show_progress(progress)
