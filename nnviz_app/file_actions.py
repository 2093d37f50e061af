"""Opening and saving: the dialogs, the recent files, and the question before unsaved work would go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from core.errors import NnvizError
from core.project import Project
from core.project_file import load_project, save_project
from nnviz_app.document import Document
from nnviz_app.examples import Example

SUFFIX = ".nnviz"
FILTER = "nnviz projects (*.nnviz);;All files (*)"
RECENT_COUNT = 8


class FileActions(QObject):
    """What the File menu does. Whatever fails is one sentence through `failed`, and the document stays as it was."""

    failed = Signal(str)
    saved = Signal(str)
    recent_changed = Signal()

    def __init__(self, document: Document, window: QWidget) -> None:
        super().__init__(window)
        self.document = document
        self.window = window

    def new(self) -> bool:
        """An empty project, unless unsaved work would be lost; return whether it is there."""
        if not self.may_discard():
            return False
        self.document.open_project(Project())
        return True

    def open(self) -> bool:
        """Ask for a file and open it; return whether it is open."""
        path, _ = QFileDialog.getOpenFileName(self.window, "Open a project", self.folder(), FILTER)
        return bool(path) and self.open_path(Path(path))

    def open_path(self, path: Path) -> bool:
        """Open this file, unless it cannot be read or unsaved work would be lost; return whether it is open."""
        try:
            project = load_project(path)
        except NnvizError as error:
            self.failed.emit(str(error))
            return False
        if not self.may_discard():
            return False
        self.document.open_project(project, path.absolute())
        self._remember(path.absolute())
        return True

    def open_example(self, example: Example) -> bool:
        """Open an example as a new project, so that saving asks where."""
        if not self.may_discard():
            return False
        self.document.open_project(load_project(example.path))
        return True

    def save(self) -> bool:
        """Save to the project's file, or ask where; return whether it is saved."""
        path = self.document.path
        return self.save_path(path) if path else self.save_as()

    def save_as(self) -> bool:
        """Ask where to save, and save; return whether it is saved."""
        start = self.document.path or Path(self.folder()) / f"network{SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(self.window, "Save the project", str(start), FILTER)
        if not path:
            return False
        chosen = Path(path if path.lower().endswith(SUFFIX) else path + SUFFIX)
        # The dialog has asked about the name that was typed, not about the one with the ending.
        if chosen != Path(path) and chosen.exists() and not self._may_replace(chosen):
            return False
        return self.save_path(chosen)

    def _may_replace(self, path: Path) -> bool:
        buttons = QMessageBox.StandardButton
        text = f"{path.name} exists already. Replace it?"
        answer = QMessageBox.question(self.window, "Save the project", text, buttons.Yes | buttons.No, buttons.No)
        return answer == buttons.Yes

    def save_path(self, path: Path) -> bool:
        """Save to this file; return whether it is saved."""
        try:
            save_project(self.document.project, path)
        except NnvizError as error:
            self.failed.emit(str(error))
            return False
        self.document.saved_as(path.absolute())
        self._remember(path.absolute())
        self.saved.emit(f"Saved to {path}.")
        return True

    def may_discard(self) -> bool:
        """Whether the present project may go: it is saved, or the person has said so."""
        if not self.document.is_modified:
            return True
        box = QMessageBox(self.window)
        box.setWindowTitle("Unsaved changes")
        name = self.document.path.name if self.document.path else "This project"
        box.setText(f"{name} has changes that are not saved.")
        box.setIcon(QMessageBox.Icon.Question)
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        if answer == buttons.Save:
            return self.save()
        return answer == buttons.Discard

    # Recent files

    def recent(self) -> list[Path]:
        """The files opened or saved last that are still there."""
        stored = QSettings().value("files/recent", [])
        # One path comes back as a text rather than a list.
        paths = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return [Path(path) for path in paths if Path(path).is_file()]

    def _remember(self, path: Path) -> None:
        paths = [path, *(other for other in self.recent() if other != path)][:RECENT_COUNT]
        QSettings().setValue("files/recent", [str(p) for p in paths])
        self.recent_changed.emit()

    def folder(self) -> str:
        recent = self.recent()
        return str(self.document.path.parent if self.document.path else recent[0].parent if recent else Path.home())
