"""The buttons of the training panel that make updates, and what is seen of a run under way."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QSpinBox, QVBoxLayout, QWidget

from core import fast_kernel
from core.numbers import format_number
from core.training import Progress
from nnviz_app.document import Document
from nnviz_app.panels.fields import flat_button, keep_keys
from nnviz_app.panels.forms import FoldingRow
from nnviz_app.theme import theme

NO_TRAINING = "An update needs an output neuron and a training row of data with its target."
# Updates per second are counted over this many seconds.
SPEED_SECONDS = 1.0


class RunBox(QWidget):
    """Buttons for an update, an epoch, a run of `epochs_spin` epochs and the way back; the run's progress."""

    def __init__(self, document: Document, epochs_spin: QSpinBox) -> None:
        super().__init__()
        self.document, self.epochs_spin = document, epochs_spin
        epochs_spin.setAccessibleName("Epochs of a run")
        self.update_button, self.epoch_button = QPushButton("Apply update"), QPushButton("One epoch")
        self.run_button, self.stop_button = QPushButton("Run"), QPushButton("Stop")
        self.reset_button = flat_button("reset", "Reset to the start")
        self.update_button.setProperty("primary", True)
        for pushed in (self.update_button, self.epoch_button, self.run_button, self.stop_button):
            pushed.setProperty("compact", True)
        self.stop_button.setToolTip("End the run; what has been learned until then is kept")
        self.reset_button.setToolTip("Reset to the start: back to the parameters of update 0 (R)")
        for button in (self.update_button, self.epoch_button, self.run_button, self.stop_button, self.reset_button):
            # A click leaves the keyboard on the canvas; Tab gets here all the same.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(button)
        self.progress_bar = QProgressBar()
        self.progress_bar.setTextVisible(False)
        self.progress_label = QLabel()
        self.progress_label.setProperty("role", "small")
        self.progress_label.setWordWrap(True)
        self._rows = (
            FoldingRow(self.update_button, self.epoch_button),
            FoldingRow(self.run_button, self.stop_button, epochs_spin),
        )
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        for widget in (*self._rows, self.progress_bar, self.progress_label):
            self._column.addWidget(widget)
        # When and at which update the speed was taken last.
        self._mark = (0.0, 0)
        self._speed = self._preparing = ""
        self.show_running(False)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._column.setSpacing(space(0.5))
        text = self.epochs_spin.fontMetrics().horizontalAdvance("10,000 epochs")
        self.epochs_spin.setMinimumWidth(text + space(3.7))
        # Of one width, so that nothing becomes narrower during a run.
        buttons = (self.run_button, self.stop_button)
        widest = max(button.sizeHint().width() for button in buttons)
        for button in buttons:
            button.setMinimumWidth(widest)
        for row in self._rows:
            row.restyle()

    def refresh(self) -> None:
        """Show how long a run is, and what can be pressed when none is under way."""
        project, can_train = self.document.project, self.document.run.can_train
        # A larger number has no room for the word.
        epochs = project.settings.epochs
        self.epochs_spin.setSuffix("" if epochs >= 100_000 else " epoch" if epochs == 1 else " epochs")
        rows = len(project.dataset.training_rows)
        batches = project.batches.count
        for button, about in (
            (self.update_button, "Change the parameters against the gradient of the batch on show (U)"),
            (
                self.epoch_button,
                f"Train to the end of the epoch: {batches:,} update{'' if batches == 1 else 's'}, each row once",
            ),
            (self.run_button, f"Train on all rows ({rows:,}) again and again (Ctrl+R)"),
        ):
            button.setEnabled(can_train)
            button.setToolTip(about if can_train else NO_TRAINING)
        self.reset_button.setEnabled(project.updates > 0)

    def show_running(self, running: bool) -> None:
        """Show the progress and the way to stop, or what can be started."""
        stop = self.stop_button
        shown, hidden = (stop, self.run_button) if running else (self.run_button, stop)
        leaving = (self.update_button, self.epoch_button, self.run_button) if running else (stop,)
        shown.setVisible(True)
        # The keyboard stays with these buttons.
        if any(button.hasFocus() for button in leaving):
            shown.setFocus()
        hidden.setVisible(False)
        self.progress_bar.setVisible(running)
        self.progress_label.setVisible(running)
        self.epochs_spin.setEnabled(not running)
        if running:
            for button in (self.update_button, self.epoch_button, self.reset_button):
                button.setEnabled(False)
        else:
            self.refresh()

    def start_clock(self, update: int) -> None:
        """A run begins: count its updates from here."""
        self._mark, self._speed = (time.perf_counter(), update), ""
        is_first = fast_kernel.available() and not fast_kernel.is_prepared()
        self._preparing = "preparing the first run: some seconds" if is_first else ""

    def show_progress(self, progress: Progress) -> None:
        """Show how far a run has come, and how fast it goes."""
        now, (since, update) = time.perf_counter(), self._mark
        if now - since >= SPEED_SECONDS or (not self._speed and progress.update > update):
            speed = float(f"{(progress.update - update) / (now - since):.3g}")
            self._speed = f"{speed:,.15g} updates per second"
        if now - since >= SPEED_SECONDS:
            self._mark = (now, progress.update)
        self.progress_bar.setMaximum(progress.epochs)
        self.progress_bar.setValue(progress.epoch)
        where = f"Epoch {progress.epoch:,} of {progress.epochs:,}"
        self.progress_label.setText(f"{where}: loss {format_number(progress.loss)}\n{self._speed or self._preparing}")

    def summary(self) -> str:
        """How long a run is."""
        epochs = self.document.project.settings.epochs
        return f"{epochs:,} epoch{'' if epochs == 1 else 's'}"
