"""The training panel: loss, learning rate, batches, initial weights, and the buttons that update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.advice import advise
from core.errors import NnvizError
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.numbers import format_number
from core.training import Progress
from nnviz_app.assets import themed_icon
from nnviz_app.document import Change, Document
from nnviz_app.panels.fields import MessageLabel, NumberField, keep_keys
from nnviz_app.panels.forms import ElidedBox, LabelledFields, LearningRateField, WheelGuard
from nnviz_app.player import Player
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

MOST_EPOCHS = 1_000_000
MOST_SEED = 2**31 - 1
# Advice comes this many milliseconds after the last change, so that typing and dragging stay light.
ADVICE_DELAY = 150
NO_TRAINING = "An update needs an output neuron and a row of data with its target."


class TrainingPanel(QScrollArea):
    """Settings of passes and updates; no change of them resets the network."""

    def __init__(self, document: Document, player: Player, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.player, self.trainer = document, player, trainer
        self._guard = WheelGuard(self)
        self._visits = 0
        self._make_fields()
        self._make_buttons()
        self.message = MessageLabel()
        self.hint = MessageLabel()
        self._settings_form, self._weights_form = LabelledFields(), LabelledFields()
        self._lay_out()

        self._advice_timer = QTimer(self, singleShot=True, interval=ADVICE_DELAY)
        self._advice_timer.timeout.connect(self.show_advice)
        document.changed.connect(self._follow)
        trainer.running_changed.connect(self._show_running)
        trainer.progressed.connect(self._show_progress)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()
        self.show_advice()
        self._show_running(trainer.is_running)

    # The parts

    def _make_fields(self) -> None:
        self.loss_box = self._combo({key: loss.title for key, loss in LOSSES.items()}, "loss", "Change the loss")
        self.rate_field = LearningRateField()
        self.rate_field.setToolTip("How far each update goes against the gradient: 0.5, 0,5 or 1/3")
        self.rate_field.changed_to.connect(lambda value: self._set("Set the learning rate", learning_rate=value))
        self.batch_spin = self._spin(0, "batch_size", "Set the batch size")
        self.batch_spin.setSpecialValueText("all")
        self.batch_spin.setToolTip("How many rows make one update; “all” is the whole table")
        self.batch_mean_box = self._combo({True: "Mean", False: "Sum"}, "batch_mean", "Change mean or sum")
        self.batch_mean_box.setToolTip("The loss of a batch: the mean or the sum over its samples")
        self.biases_box = self._combo({True: "Updated", False: "Fixed"}, "update_biases", "Update biases or not")
        self.biases_box.setToolTip("Whether an update changes the biases, or the weights only")
        self.initializer_box = self._combo(
            {key: initializer.title for key, initializer in INITIALIZERS.items()},
            "initializer",
            "Change the initializer",
        )
        self.scale_field = NumberField()
        self.scale_field.changed_to.connect(
            lambda value: self._set("Set the initializer's scale", initializer_scale=value)
        )
        self.seed_spin = self._spin(0, "seed", "Set the seed")
        self.seed_spin.setMaximum(MOST_SEED)
        self.seed_spin.setToolTip("The same seed gives the same random weights")
        self.epochs_spin = self._spin(1, "epochs", "Set the number of epochs")
        self.epochs_spin.setMaximum(MOST_EPOCHS)
        self.epochs_spin.setToolTip("How many times “Run” goes through the whole table")
        self.epochs_spin.setSuffix(" epochs")
        self.epochs_spin.setAccessibleName("Epochs of a run")
        for field in (self.rate_field, self.scale_field):
            field.refused.connect(self._refuse)

    def _combo(self, titles: dict[Any, str], name: str, text: str) -> QComboBox:
        box = ElidedBox()
        for key, title in titles.items():
            box.addItem(title, key)
        box.activated.connect(lambda place: self._set(text, **{name: box.itemData(place)}))
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.view().setTextElideMode(Qt.TextElideMode.ElideNone)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(self._guard)
        keep_keys(box)
        return box

    def _spin(self, least: int, name: str, text: str) -> QSpinBox:
        spin = QSpinBox()
        spin.setMinimum(least)
        spin.setGroupSeparatorShown(True)
        spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        spin.setAccelerated(True)
        spin.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        spin.installEventFilter(self._guard)
        keep_keys(spin)
        # What is typed or clicked between entering the field and leaving it is one undo entry.
        spin.editingFinished.connect(self._end_visit)
        spin.valueChanged.connect(
            lambda value: self._set(text, merge=("training", name, self._visits), **{name: value})
        )
        return spin

    def _make_buttons(self) -> None:
        self.update_button = QPushButton("Apply update")
        self.update_button.setProperty("primary", True)
        self.update_button.clicked.connect(self.apply_update)
        self.run_button = QPushButton("Run")
        self.run_button.clicked.connect(self.run)
        self.stop_button = QPushButton("Stop")
        self.stop_button.setToolTip("End the run; what has been learned until then is kept")
        self.stop_button.clicked.connect(self.trainer.stop)
        self.reset_button = QPushButton("Reset to the start")
        self.reset_button.setToolTip("Back to the parameters of update 0 (R)")
        self.reset_button.clicked.connect(self.reset)
        self.draw_button = QPushButton("New random weights")
        self.draw_button.clicked.connect(self.draw_weights)
        self.dice_button = QToolButton()
        self.dice_button.setToolTip("Take the next seed and draw new random weights")
        self.dice_button.setAccessibleName("Next seed")
        self.dice_button.clicked.connect(self.draw_next)
        for button, icon in (
            (self.update_button, ""),
            (self.run_button, ""),
            (self.stop_button, ""),
            (self.reset_button, "reset"),
            (self.draw_button, ""),
            (self.dice_button, "dice"),
        ):
            # A click leaves the keyboard on the canvas; Tab gets here all the same.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(button)
            if icon:
                themed_icon(button, icon)
        self.progress_bar = QProgressBar()
        self.progress_bar.setTextVisible(False)
        self.progress_label = QLabel()
        self.progress_label.setProperty("role", "small")
        self.progress_label.setWordWrap(True)

    def _lay_out(self) -> None:
        form = self._settings_form
        form.add("Loss", self.loss_box, ems=12.0)
        form.add("Learning rate", self.rate_field)
        form.add("Batch size", self.batch_spin)
        form.add("Batch loss", self.batch_mean_box)
        form.add("Biases", self.biases_box, ems=6.5)
        self._run_row, self._seed_row = QHBoxLayout(), QHBoxLayout()
        for widget in (self.run_button, self.stop_button):
            self._run_row.addWidget(widget)
        self._run_row.addWidget(self.epochs_spin, 1)
        form = self._weights_form
        form.add("Initializer", self.initializer_box, ems=12.0)
        self.scale_label = form.add("Scale", self.scale_field)
        seed = QWidget()
        seed.setLayout(self._seed_row)
        self._seed_row.setContentsMargins(0, 0, 0, 0)
        self._seed_row.addWidget(self.seed_spin, 1)
        self._seed_row.addWidget(self.dice_button)
        form.add("Seed", seed, named=self.seed_spin, ems=9.0)
        self._line = QFrame()
        self._line.setFrameShape(QFrame.Shape.HLine)
        body = QWidget()
        self._body = QVBoxLayout(body)
        self._body.addWidget(self._settings_form)
        self._body.addWidget(self.message)
        self._body.addWidget(self.hint)
        self._body.addWidget(self.update_button)
        self._body.addLayout(self._run_row)
        self._body.addWidget(self.progress_bar)
        self._body.addWidget(self.progress_label)
        self._body.addWidget(self.reset_button)
        self._body.addWidget(self._line)
        self._body.addWidget(self._weights_form)
        self._body.addWidget(self.draw_button)
        self._body.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().rangeChanged.connect(self._place_margins)

    def _restyle(self) -> None:
        space = theme().space
        self._place_margins()
        self._body.setSpacing(space(0.6))
        for row in (self._run_row, self._seed_row):
            row.setSpacing(space(0.5))
        text = self.epochs_spin.fontMetrics().horizontalAdvance("10,000 epochs")
        self.epochs_spin.setMinimumWidth(text + space(4.3))
        # Of one width, so that nothing becomes narrower during a run.
        buttons = (self.run_button, self.stop_button)
        widest = max(button.sizeHint().width() for button in buttons)
        for button in buttons:
            button.setMinimumWidth(widest)
        self._align_forms()

    def _place_margins(self) -> None:
        """Let the scroll bar stand in the right margin: fields that became narrower for it would jump."""
        space, bar = theme().space, self.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > bar.minimum() else 0
        self._body.setContentsMargins(space(0.9), space(0.5), max(1, space(1.0) - taken), space(0.9))

    def _align_forms(self) -> None:
        """Let both forms have their fields at the same place."""
        widest = max(self._settings_form.label_width(), self._weights_form.label_width())
        for form in (self._settings_form, self._weights_form):
            form.restyle(widest)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(38))

    def minimumSizeHint(self) -> QSize:
        # Narrower than its fields it would be cut off at the right, as it scrolls up and down only.
        margins = self._body.contentsMargins()
        inner = self.widget().minimumSizeHint().width() - margins.left() - margins.right()
        return QSize(inner + theme().space(0.9) + theme().space(1.0), theme().space(5))

    # What hands do

    def _set(self, text: str, *, merge: object = None, **settings: Any) -> None:
        try:
            with self.document.edit(text, merge=merge) as draft:
                draft.settings = replace(draft.settings, **settings)
        except NnvizError as error:
            self._refuse(str(error))
            self.refresh()

    def _end_visit(self) -> None:
        self._visits += 1

    def _refuse(self, sentence: str) -> None:
        self.message.say(sentence)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except NnvizError as error:
            self._refuse(str(error))

    def apply_update(self) -> None:
        """Apply the update of the batch on show."""
        self.player.pause()
        self.player.apply_update()

    def run(self) -> None:
        """Run the chosen number of epochs."""
        self.epochs_spin.interpretText()
        self.trainer.start(self.document.project.settings.epochs)

    def reset(self) -> None:
        """Back to update 0 and to the first step of the first row."""
        if self.player.is_locked:
            return
        self.player.pause()
        self._try(self.document.reset)
        self.player.select_row(0)
        self.player.go_to(0)

    def draw_weights(self) -> None:
        """New random weights from the shown seed."""
        self.seed_spin.interpretText()
        self._try(self.document.draw_weights)

    def draw_next(self) -> None:
        """New random weights from the seed after the shown one."""
        seed = self.document.project.settings.seed
        self._try(lambda: self.document.draw_weights(seed + 1 if seed < MOST_SEED else 0))

    # What is shown

    def _follow(self, change: Change) -> None:
        if change.settings or change.project:
            self._end_visit_of_others()
        if change.settings or change.data or change.structure or change.values or change.project:
            self.refresh(force=change.project)
            if not self.trainer.is_running:
                self._advice_timer.start()

    def _end_visit_of_others(self) -> None:
        """A field without the focus (changed with the pointer's wheel or arrows alone) ends its visit at once."""
        if not any(spin.hasFocus() for spin in (self.batch_spin, self.seed_spin, self.epochs_spin)):
            self._visits += 1

    def refresh(self, *, force: bool = False) -> None:
        """Show the document's settings again."""
        project, settings = self.document.project, self.document.project.settings
        for box, value in (
            (self.loss_box, settings.loss),
            (self.batch_mean_box, settings.batch_mean),
            (self.biases_box, settings.update_biases),
            (self.initializer_box, settings.initializer),
        ):
            box.setCurrentIndex(box.findData(value))
        self.loss_box.setToolTip(LOSSES[settings.loss].title)
        initializer = INITIALIZERS[settings.initializer]
        self.initializer_box.setToolTip(f"{initializer.title} {initializer.formula}".strip())
        self.rate_field.show_value(settings.learning_rate, force=force)
        self.scale_field.show_value(settings.initializer_scale, force=force)
        self._weights_form.show_row(self.scale_field, bool(initializer.scaled))
        scale = initializer.scaled.capitalize().replace("Standard", "Std.") or "Scale"
        if scale != self.scale_label.text():
            self.scale_label.setText(scale)
            self._align_forms()
        self.scale_field.setAccessibleName(initializer.scaled or "scale")
        self.scale_field.setToolTip(f"The {initializer.scaled or 'scale'} of the initial weights")
        for spin, number, most in (
            # A batch of more rows than there are is kept for when they come back.
            (self.batch_spin, settings.batch_size, max(1, project.dataset.rows, settings.batch_size)),
            (self.seed_spin, settings.seed, MOST_SEED),
            (self.epochs_spin, settings.epochs, MOST_EPOCHS),
        ):
            with QSignalBlocker(spin):
                spin.setMaximum(most)
                if spin.value() != number:
                    spin.setValue(number)
        # A larger number has no room for the word.
        word = "" if settings.epochs >= 100_000 else " epoch" if settings.epochs == 1 else " epochs"
        self.epochs_spin.setSuffix(word)
        self._show_enabled()

    def _show_enabled(self) -> None:
        running = self.trainer.is_running
        can_train = self.document.run.can_train
        for button in (self.update_button, self.run_button):
            button.setEnabled(can_train and not running)
        rows = self.document.project.dataset.rows
        self.update_button.setToolTip(
            "Change the parameters against the gradient of the batch on show" if can_train else NO_TRAINING
        )
        self.run_button.setToolTip(
            f"Train on the whole table ({rows:,} row{'' if rows == 1 else 's'}) again and again"
            if can_train
            else NO_TRAINING
        )
        self.reset_button.setEnabled(not running and self.document.project.updates > 0)
        has_weights = bool(self.document.project.network.edges)
        self.draw_button.setEnabled(not running and has_weights)
        self.draw_button.setToolTip(
            "Draw all weights anew from the seed, biases 0; frozen ones stay"
            if has_weights
            else "There is no weight yet."
        )
        self.dice_button.setEnabled(not running and has_weights)

    def show_advice(self) -> None:
        """Say where network, settings and data do not fit; it stops nobody."""
        project = self.document.project
        self.hint.say("\n".join(advise(project.network, project.settings, project.dataset)), "info")

    def _show_running(self, running: bool) -> None:
        for field in (
            self.loss_box,
            self.rate_field,
            self.batch_spin,
            self.batch_mean_box,
            self.biases_box,
            self.initializer_box,
            self.scale_field,
            self.seed_spin,
            self.epochs_spin,
        ):
            field.setEnabled(not running)
        self.run_button.setVisible(not running)
        self.stop_button.setVisible(running)
        self.progress_bar.setVisible(running)
        self.progress_label.setVisible(running)
        if running and self.trainer.progress is not None:
            self.message.say("")
            self._show_progress(self.trainer.progress)
        self._show_enabled()
        if not running:
            self._advice_timer.start()

    def _show_progress(self, progress: Progress) -> None:
        self.progress_bar.setMaximum(progress.epochs)
        self.progress_bar.setValue(progress.epoch)
        self.progress_label.setText(
            f"Epoch {progress.epoch:,} of {progress.epochs:,} · loss {format_number(progress.loss)}"
        )
        set_style_property(self.progress_label, "role", "small")
