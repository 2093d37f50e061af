"""The dialog that makes something to take away: weights, code, pictures, plots, worked solutions and worksheets."""

from __future__ import annotations

import os
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import ExportError
from core.jobs import Progress, Written
from nnviz_app.dialogs import fit_to_screen
from nnviz_app.export.dialog_forms import EntryList, OptionsForm
from nnviz_app.export.dialog_preview import FormAndPreview, PreviewArea
from nnviz_app.export.entry import Entry, Preview
from nnviz_app.export.options import write_value
from nnviz_app.export.run import JobRunner
from nnviz_app.export.subject import Subject
from nnviz_app.panels.fields import PanelArea
from nnviz_app.theme import set_style_property, theme

FIRST = "svg"


class ExportDialog(QDialog):
    """Choose what to make and where it goes, watch it being made, and read what is to be said of it.

    `name` is the entry, or the group, to begin with; without it the dialog begins with the last choice. Files go beside
    the project's own file (to `folder` where it has none), until another folder was chosen for it.
    """

    def __init__(self, subject: Subject, folder: Path, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.subject = subject
        self.runner = JobRunner(self)
        # What was typed for an entry: it is there again when one comes back to it.
        self._typed: dict[str, str] = {}
        # The options as they were until now: what changes is kept for the next time.
        self._former: dict[str, Any] = {}
        # What has made the picture on show.
        self._previewed: Preview | None = None
        # Why what is chosen cannot be made, as its preview has found out: of which entry and options, and a sentence.
        self._refused: tuple[str, dict[str, Any], str] = ("", {}, "")
        self._folder = self._first_folder(folder)
        self._written: Written | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        if not (self.list.select(name) or self.list.select(str(QSettings().value("export/last", FIRST)))):
            self.list.select(FIRST)
        fit_to_screen(self, 76, 61)
        self.list.setFocus()

    def _first_folder(self, folder: Path) -> Path:
        store, file = QSettings(), self.subject.file
        if file is not None and str(store.value("export/project", "")) != str(file):
            return file.parent
        return Path(str(store.value("export/folder", folder)))

    # The parts

    def _make_parts(self) -> None:
        self.list = EntryList()
        self.title, self.about, self.keeps = QLabel(), QLabel(), QLabel()
        set_style_property(self.title, "role", "title")
        set_style_property(self.keeps, "role", "muted")
        self.form = OptionsForm()
        self.preview = PreviewArea()
        self.body = FormAndPreview(self.form, self.preview)
        self.path_field = QLineEdit()
        self.path_label = QLabel("Save &to")
        self.path_label.setBuddy(self.path_field)
        self.browse_button = QPushButton("&Browse...")
        self.sentence = QLabel()
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.doing = QLabel()
        set_style_property(self.doing, "role", "muted")
        for label in (self.about, self.keeps, self.sentence, self.doing):
            # They quote names and paths, which are not to be taken for markup.
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.stop_button = QPushButton("&Stop")
        self.folder_button = QPushButton("&Open folder")
        self.close_button = QPushButton("&Close")
        self.export_button = QPushButton("&Export")
        set_style_property(self.export_button, "primary", True)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(True)
        self.export_button.setDefault(True)

    def _lay_out(self) -> None:
        space = theme().space
        content = QWidget()
        parts = QVBoxLayout(content)
        parts.setContentsMargins(0, 0, space(0.5), 0)
        parts.setSpacing(space(0.6))
        for part in (self.title, self.about, self.keeps):
            parts.addWidget(part)
        parts.addWidget(self.body, 1)
        self.progress = QWidget()
        progress = QHBoxLayout(self.progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.setSpacing(space(0.8))
        progress.addWidget(self.bar, 1)
        progress.addWidget(self.doing, 1)
        progress.addWidget(self.stop_button)
        # Beside the list, which keeps its height whatever there is to say.
        right = QVBoxLayout()
        right.setSpacing(space(0.8))
        right.addWidget(PanelArea(content), 1)
        right.addWidget(self.sentence)
        right.addWidget(self.progress)
        middle = QHBoxLayout()
        middle.setSpacing(space(1.2))
        middle.addWidget(self.list)
        middle.addLayout(right, 1)
        where = QHBoxLayout()
        where.setSpacing(space(0.6))
        where.addWidget(self.path_label)
        where.addWidget(self.path_field, 1)
        where.addWidget(self.browse_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(space(0.6))
        buttons.addWidget(self.folder_button)
        buttons.addStretch()
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.export_button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(space(1.2), space(1.2), space(1.2), space(1.2))
        outer.setSpacing(space(0.8))
        outer.addLayout(middle, 1)
        outer.addLayout(where)
        outer.addLayout(buttons)
        self.progress.hide()
        self.folder_button.hide()

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._show_entry)
        self.list.itemDoubleClicked.connect(self._export_if_possible)
        self.form.changed.connect(self._follow_options)
        self.path_field.textEdited.connect(self._follow_typing)
        self.browse_button.clicked.connect(self._browse)
        self.export_button.clicked.connect(self.export)
        self.stop_button.clicked.connect(self.runner.stop)
        self.close_button.clicked.connect(self.reject)
        self.folder_button.clicked.connect(self._open_folder)
        self.preview.failed.connect(self._follow_refusal)
        self.runner.progressed.connect(self._show_progress)
        self.runner.finished.connect(self._show_written)
        self.runner.failed.connect(self._show_failure)
        self.runner.stopped.connect(lambda: self._show_end("Stopped: nothing was written.", "info"))

    # What is chosen

    @property
    def entry(self) -> Entry:
        """What is to be made."""
        return self.list.entry

    @property
    def values(self) -> dict[str, Any]:
        """The options as they are chosen."""
        return self.form.values()

    @property
    def path(self) -> Path:
        """Where it goes: what was typed, in the folder that was chosen last, with the right ending."""
        typed = self._folder / os.path.expanduser(self.path_field.text().strip())
        return self.entry.path(typed, self.subject, self.values)

    def _show_entry(self) -> None:
        entry, store = self.entry, QSettings()
        store.setValue("export/last", entry.name)
        self.title.setText(entry.title)
        self.about.setText(entry.about)
        self.keeps.setText(entry.keeps)
        options = entry.options(self.subject)
        values: dict[str, Any] = {}
        for option in options:
            kept = store.value(f"export/{entry.name}/{option.name}", "")
            values[option.name] = option.read(str(kept)) if option.kept else option.default
        self.form.show_options(options, values)
        self._former = self.values
        if entry.preview is not self._previewed:
            self.preview.clear()
        self._previewed = entry.preview
        # What is made anew comes last by itself.
        for one, other in pairwise((self.list, *self.form.focus_chain(), self.path_field, self.browse_button)):
            self.setTabOrder(one, other)
        self._show_path()
        self._refresh()

    def _show_path(self) -> None:
        typed = self._typed.get(self.entry.name, self.entry.default_name(self.subject, self.values))
        self.path_field.setText(str(self._folder / typed))

    def _follow_options(self) -> None:
        values = self.values
        for name, value in values.items():
            if value != self._former[name]:
                QSettings().setValue(f"export/{self.entry.name}/{name}", write_value(value))
        self._former = values
        typed, suffix = Path(self.path_field.text()), self.entry.suffix(self.values)
        if suffix and typed.suffix in self.entry.suffixes and typed.suffix != suffix:
            self.path_field.setText(str(typed.with_suffix(suffix)))
        self._refresh()

    def _follow_typing(self, text: str) -> None:
        self._typed[self.entry.name] = text
        suffix = Path(text).suffix.lower()
        if "form" in self.form.fields and suffix in self.entry.suffixes:
            self.form.set_value("form", suffix[1:])
        self._refresh()

    def _follow_refusal(self, sentence: str) -> None:
        """What has no preview for a reason could not be made either."""
        self._refused = (self.entry.name, self.values, sentence)
        self._refresh()

    def _what_is_missing(self) -> str:
        entry, values = self.entry, self.values
        name, refused, sentence = self._refused
        return entry.why_not(self.subject, values) or (sentence if (name, refused) == (entry.name, values) else "")

    def _refresh(self) -> None:
        """Say what stands in the way, and show what would be made."""
        entry = self.entry
        missing, note = self._look()
        self._say(missing or note, "warning" if missing else "info")
        self.export_button.setEnabled(not missing and bool(self.path_field.text().strip()))
        self.folder_button.hide()
        if entry.preview is not None and not missing:
            self.preview.ask(partial(entry.preview, self.subject, self.values))
        else:
            self.preview.clear()

    def _look(self) -> tuple[str, str]:
        """What stands in the way, and what would be replaced; the button says whether anything would."""
        missing, note = self._what_is_missing(), ""
        if not missing:
            try:
                note = self._replaces()
            except ExportError as error:
                missing = str(error)
        self.export_button.setText("&Replace" if note else "&Export")
        return missing, note

    def _replaces(self) -> str:
        path = self.path
        if os.path.isfile(path):
            return f"{path.name} exists already and would be replaced."
        return self.entry.replaces(path) if os.path.isdir(path) else ""

    # Hands

    def _browse(self) -> None:
        entry, path = self.entry, str(self.path)
        if entry.suffixes:
            suffix = entry.suffix(self.values)
            chosen, _ = QFileDialog.getSaveFileName(self, f"Export: {entry.title}", path, f"*{suffix};;All files (*)")
        else:
            # A folder that is to be made cannot be chosen in a dialog for folders.
            chosen = QFileDialog.getExistingDirectory(self, f"{entry.title}: where to put it", str(self._folder))
            chosen = str(Path(chosen) / Path(path).name) if chosen else ""
        if chosen:
            self.path_field.setText(chosen)
            self._follow_typing(chosen)

    def _export_if_possible(self) -> None:
        if self.export_button.isEnabled():
            self.export()

    def export(self) -> None:
        """Begin to make what is chosen."""
        path = self.path
        self._typed[self.entry.name] = str(path)
        self.path_field.setText(str(path))
        self.preview.stop()
        job = self.entry.write(self.subject, path, self.values)
        self._set_running(True)
        self._show_progress(Progress(0, 0, "Starting"))
        self.stop_button.setFocus()
        self.runner.start(job)

    def _open_folder(self) -> None:
        if self._written is not None:
            first = self._written.paths[0]
            folder = first if first.is_dir() else first.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def reject(self) -> None:
        """Esc: stop what is under way; close when nothing is."""
        if self.runner.is_running:
            self.runner.stop()
        else:
            self.preview.stop()
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.preview.stop()
        self.runner.stop()
        super().closeEvent(event)

    # What is said

    def _set_running(self, running: bool) -> None:
        for part in (self.list, self.form, self.path_label, self.path_field, self.browse_button, self.export_button):
            part.setEnabled(not running)
        self.progress.setVisible(running)
        if running:
            self.sentence.hide()
            self.folder_button.hide()

    def _show_progress(self, progress: Progress) -> None:
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self.doing.setText(progress.what)

    def _show_written(self, written: Written) -> None:
        self._written = written
        # Only now: a folder that there is not is not to be offered again.
        self._folder = self.path.parent
        QSettings().setValue("export/folder", str(self._folder))
        QSettings().setValue("export/project", str(self.subject.file or ""))
        names = ", ".join(path.name for path in written.paths[:4])
        more = f" and {len(written.paths) - 4} more" if len(written.paths) > 4 else ""
        self._show_end("\n".join((f"Written: {names}{more}.", *written.sentences)), "success")
        self.folder_button.show()
        self.close_button.setFocus()

    def _show_failure(self, sentence: str) -> None:
        self._show_end(sentence, "error")
        if str(self.path.parent) in sentence:
            # It is the place that is at fault.
            self.path_field.setFocus()

    def _show_end(self, text: str, kind: str) -> None:
        self._set_running(False)
        self._look()
        self.export_button.setFocus()
        self._say(text, kind)

    def _say(self, text: str, kind: str) -> None:
        self.sentence.setText(text)
        set_style_property(self.sentence, "message", kind)
        self.sentence.setVisible(bool(text))
