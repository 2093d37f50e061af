"""The main window: menus, toolbar, canvas with its transport, and the panels around them.

What is not needed to show an empty frame is imported inside functions: see `MainWindow`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMainWindow, QWidget

from nnviz_app.theme import theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLabel, QUndoView

    from core.network import Role
    from nnviz_app.actions import Actions
    from nnviz_app.canvas.view import CanvasView
    from nnviz_app.comparison import Comparison
    from nnviz_app.docks import Docks
    from nnviz_app.document import Change, Document
    from nnviz_app.editing import Editing
    from nnviz_app.examples import Example
    from nnviz_app.file_actions import FileActions
    from nnviz_app.guide import Guide
    from nnviz_app.inquiry import Inquiry
    from nnviz_app.menus import Menus
    from nnviz_app.notice import NoticeBar
    from nnviz_app.panels.breakpoints import BreakpointsPanel
    from nnviz_app.panels.check import CheckPanel
    from nnviz_app.panels.confusion import ConfusionPanel
    from nnviz_app.panels.conventions import ConventionsPanel
    from nnviz_app.panels.data import DataPanel
    from nnviz_app.panels.decision_map import DecisionMapPanel
    from nnviz_app.panels.examples import ExamplesPanel
    from nnviz_app.panels.explain import ExplainPanel
    from nnviz_app.panels.histograms import HistogramsPanel
    from nnviz_app.panels.inside import InsidePanel
    from nnviz_app.panels.inspector import InspectorPanel
    from nnviz_app.panels.landscape import LandscapePanel
    from nnviz_app.panels.loss_plot import LossPlotPanel
    from nnviz_app.panels.nudge import NudgePanel
    from nnviz_app.panels.random_search import RandomSearchPanel
    from nnviz_app.panels.steps import StepsPanel
    from nnviz_app.panels.time_machine import TimeMachinePanel
    from nnviz_app.panels.training import TrainingPanel
    from nnviz_app.panels.transport import TransportBar
    from nnviz_app.panels.walkthrough import WalkthroughPanel
    from nnviz_app.player import Player
    from nnviz_app.preferences import Preferences
    from nnviz_app.runs import RunShelf
    from nnviz_app.selection import Selection
    from nnviz_app.spotlight import Spotlight
    from nnviz_app.trainer import Trainer

# What is imported as a table when it is dropped.
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
# Weights can be a .csv too, which is taken for a table when it is dropped.
MODEL_SUFFIXES = (".npz", ".safetensors", ".json", ".onnx")

# Raised when the docks change, so that an older arrangement is not forced upon them.
LAYOUT_VERSION = 3


class MainWindow(QMainWindow):
    """Puts the parts together; what happens in one reaches the others through document, player and selection.

    With `fill_later` it is an empty frame at first, which needs neither numpy nor the engine and so is on the screen
    at once. It asks to be filled when it has been painted; until then it has none of its parts.
    """

    painted_first = Signal()

    document: Document
    player: Player
    selection: Selection
    preferences: Preferences
    inquiry: Inquiry
    spotlight: Spotlight
    guide: Guide
    trainer: Trainer
    editing: Editing
    files: FileActions
    runs: RunShelf
    comparison: Comparison
    view: CanvasView
    notice: NoticeBar
    transport: TransportBar
    examples_panel: ExamplesPanel
    training_panel: TrainingPanel
    inspector: InspectorPanel
    explain: ExplainPanel
    check: CheckPanel
    nudge: NudgePanel
    inside: InsidePanel
    steps: StepsPanel
    data: DataPanel
    loss_plot: LossPlotPanel
    confusion: ConfusionPanel
    time_machine: TimeMachinePanel
    breakpoints: BreakpointsPanel
    map: DecisionMapPanel
    histograms: HistogramsPanel
    landscape: LandscapePanel
    random_search: RandomSearchPanel
    conventions: ConventionsPanel
    walkthrough: WalkthroughPanel
    history: QUndoView
    docks: Docks
    actions_by_name: Actions
    menus: Menus
    counts_label: QLabel
    state_label: QLabel

    def __init__(self, *, fill_later: bool = False) -> None:
        super().__init__()
        self.is_filled = False
        self._was_shown = False
        self._has_layout = False
        self.setWindowTitle("nnviz")
        self._restore_geometry()
        if fill_later:
            self.setCentralWidget(_EmptyCanvas(self.painted_first.emit))
        else:
            self.fill()

    def fill(self) -> None:
        """Make the parts; `show` shows them, also where the frame is on the screen already."""
        from nnviz_app.assembly import assemble
        from nnviz_app.shortcut_guard import ShortcutGuard

        # In a window that Qt takes for visible each part would be shown and laid out as it comes, and make the window
        # larger. On the screen the frame stays: these marks are Qt's own notes only, which `show` renews.
        self.setAttribute(Qt.WidgetAttribute.WA_WState_Visible, False)
        self.setAttribute(Qt.WidgetAttribute.WA_WState_Hidden, True)
        assemble(self)
        self._restore_layout()
        self._guard = ShortcutGuard(self)
        self._application().installEventFilter(self._guard)
        self.is_filled = True

    # What the actions do

    def show_error(self, sentence: str) -> None:
        """One sentence above the canvas, until the next step or change."""
        self.notice.show_message(sentence)

    def new_project(self) -> None:
        """Begin an empty project."""
        if self._may_leave():
            self._opened(self.files.new())

    def open_file(self) -> None:
        """Ask for a project file and open it."""
        if self._may_leave():
            self._opened(self.files.open())

    def open_path(self, path: Path) -> bool:
        """Open a project file."""
        return self._may_leave() and self._opened(self.files.open_path(path))

    def open_example(self, example: Example) -> bool:
        """Open one of the examples that come with the program."""
        opened = self._may_leave() and self._opened(self.files.open_example(example))
        self._mark_example()
        return opened

    def _may_leave(self) -> bool:
        """End a run, keeping what was learned, and take over what is being typed; False when that is refused."""
        self.trainer.shutdown()
        return self._finish_typing()

    def _finish_typing(self) -> bool:
        """Take over what is being typed, on the canvas or in a panel; False when it is refused."""
        line = QApplication.focusWidget()
        if isinstance(line, QLineEdit) and line.isModified() and line is not self.view.in_place.line:
            # A field of a panel takes over what was typed when it is left.
            self.view.setFocus()
            if line.isVisible():
                line.setFocus()
            return not line.property("invalid")
        return self.view.finish_editing()

    def _opened(self, done: bool) -> bool:
        if done:
            self.notice.hide()
            self.view.fit()
            if self.document.project.walkthrough is not None:
                self.docks.give_room("Walkthrough")
            # The next key steps, whatever was clicked to get here.
            self.view.setFocus()
        return done

    def choose_data(self) -> None:
        """Offer generated and well-known data: with a network that learns it, or for the present network."""
        from nnviz_app.data_dialog import DataDialog
        from nnviz_app.panels.fields import try_edit

        dialog = DataDialog(self.document.project.network, self.document.project.settings.seed, self)
        accepted = dialog.exec()
        choice = dialog.choice() if accepted else None
        if choice is None:
            return
        if not choice.with_network:
            problem = try_edit(self.document, self.player, choice.text, choice.put_into)
            if problem:
                self.show_error(problem)
        elif self._may_leave() and self.files.may_discard():
            self.document.open_project(choice.make_project())
            self._opened(True)

    def import_data(self) -> None:
        """Ask for a file that holds a table, and import it."""
        patterns = " ".join(f"*{suffix}" for suffix in TABLE_SUFFIXES)
        name, _ = QFileDialog.getOpenFileName(
            self, "Import data", self.files.folder(), f"Tables ({patterns});;All files (*)"
        )
        if name:
            self.import_path(Path(name))

    def import_path(self, path: Path) -> None:
        """Show how a file is read as a table, and import it."""
        from nnviz_app.import_dialog import import_file

        self._import(lambda: import_file(self.document, path, self))

    def paste(self) -> None:
        """Paste what was copied; a table from another program into an empty project becomes its data."""
        from core.table_file import is_table
        from nnviz_app.import_dialog import import_text

        text = QApplication.clipboard().text()
        if not self.document.project.network.neurons and is_table(text):
            self._import(lambda: import_text(self.document, text, parent=self))
        else:
            self.view.paste()

    def _import(self, ask: Callable[[], bool]) -> None:
        from core.errors import NnvizError

        if not self._may_leave():
            return
        try:
            imported = ask()
        except NnvizError as error:
            self.show_error(str(error))
            return
        if imported:
            self.selection.clear()
            self._opened(True)

    def show_examples(self) -> None:
        self.docks["Examples"].show()
        self.docks["Examples"].raise_()
        self.examples_panel.list.setFocus()

    def save(self) -> None:
        """Save the project, with what is being typed."""
        if self._finish_typing():
            self.files.save()

    def save_as(self) -> None:
        """Ask where to save, and save, with what is being typed."""
        if self._finish_typing():
            self.files.save_as()

    def export(self, name: str = "") -> None:
        """Offer all that can be made of the project; `name` is the kind to begin with, else the last one."""
        from nnviz_app.export.dialog import ExportDialog
        from nnviz_app.export.subject import subject_of

        if self._finish_typing():
            self.player.pause()
            dialog = ExportDialog(subject_of(self), Path(self.files.folder()), name, self)
            dialog.exec()
            dialog.deleteLater()
            self.view.setFocus()

    def import_weights(self) -> None:
        """Ask for a file of weights or a model, and take it in."""
        from nnviz_app.weights_dialog import ask_for_weights

        path = ask_for_weights(self.files.folder(), self)
        if path is not None:
            self.import_weights_path(path)

    def import_weights_path(self, path: Path) -> None:
        """Show what would become of a file of weights or a model, and take it in."""
        from nnviz_app.weights_dialog import import_weights

        self._import(lambda: import_weights(self.document, path, may_discard=self.files.may_discard, parent=self))

    def new_network(self) -> None:
        """Ask for the sizes of the layers and draw the network."""
        from nnviz_app.dialogs import NewNetworkDialog

        dialog = NewNetworkDialog(self.document.project.settings, self)
        if dialog.exec():
            self.editing.new_network(dialog.choice())
            self.view.fit()
        self.view.setFocus()

    def add_layer(self) -> None:
        """Ask for a layer and add it."""
        from nnviz_app.dialogs import AddLayerDialog

        dialog = AddLayerDialog(self.document.project.network, self.selection.ids, self)
        if dialog.exec():
            self.editing.add_layer(dialog.choice())
            self.view.fit()
        self.view.setFocus()

    def reset_panels(self) -> None:
        """All panels where they were at first."""
        self.docks.arrange()
        self.docks.resize()

    def choose_role(self, role: Role) -> None:
        """Choose the role that the Neuron tool gives, and the tool."""
        self.view.set_role(role)
        self.choose_tool("neuron")

    def choose_tool(self, name: str) -> None:
        """Take another tool; the toolbar shows the one in hand also where the change was refused."""
        if name == "connect":
            self.view.start_connecting()
        else:
            self.view.set_tool(name)
        self.actions_by_name[f"tool_{self.view.tool.name}"].setChecked(True)

    def toggle_full_screen(self) -> None:
        """The whole screen, or the window again."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # Following

    def follow_document(self, change: Change) -> None:
        network = self.document.project.network
        counts = (len(network.neurons), len(network.edges), len(network.values))
        words = ("neuron", "edge", "parameter")
        if not self.document.busy:
            # What was said of the former state holds no longer.
            self.statusBar().clearMessage()
        self.counts_label.setText(
            ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in zip(counts, words, strict=True))
        )
        if change.project:
            self._mark_example()
        self.show_state()
        if change.structure or change.project:
            self.actions_by_name.enable()
        if change.project:
            self.menus.show_preferences()
            self.menus.fill_recent()

    def _mark_example(self) -> None:
        self.examples_panel.mark(self.document.project.title if self.document.path is None else "")

    def show_state(self) -> None:
        project, path = self.document.project, self.document.path
        name = path.name if path else project.title or "Untitled"
        self.setWindowTitle(f"{name}[*] – nnviz")
        self.setWindowModified(self.document.is_modified)
        saved = "modified" if self.document.is_modified else "saved" if path else "not saved yet"
        self.state_label.setText(f"{saved} · update {project.updates} · seed {project.settings.seed}")

    def show_panel(self, title: str) -> None:
        """Bring a panel forward; a title that no panel has is passed over, as in a file from another version."""
        dock = self.docks.get(title)
        if dock is not None:
            dock.show()
            dock.raise_()

    def show_panel_of_moment(self, title: str) -> None:
        """Bring forward what a moment asks for, but where that would hide its own caption."""
        if title in self.docks and not self.docks.would_hide(title, "Walkthrough"):
            self.show_panel(title)

    def show_walkthroughs(self) -> None:
        """Show the list of the walkthroughs that come with the program."""
        self.show_panel("Examples")
        self.examples_panel.show_walkthroughs()

    def make_room_to_record(self, recording: bool) -> None:
        """A recorder needs more of the height than a reader."""
        self.docks.give_room("Walkthrough", 88 if recording else 62)

    def present(self) -> None:
        """Canvas and caption alone on the whole screen, until Esc."""
        from nnviz_app.presenter import Presenter

        # Not a second time: the canvas is away while it is presented.
        if self.view.window() is self:
            Presenter(self, self.guide).begin()

    def follow_inquiry(self) -> None:
        """Bring the answer forward when a number is asked about."""
        if self.inquiry.trail and self.docks["Explain"].isVisible():
            self.docks["Explain"].raise_()

    def follow_rounding(self) -> None:
        """Numbers as a person has chosen to see them: exact, or rounded at each step."""
        self.player.set_rounding(self.preferences.rounding)
        self.preferences.set_shows_exact(bool(self.player.rounding_refused))

    def follow_selection(self) -> None:
        self.actions_by_name.enable()
        # What was clicked is what one wants to know about, unless Inside is in front, which opens the neuron itself,
        # or a caption that is being read.
        looks_inside = self.selection.neurons and not self.docks["Inside"].visibleRegion().isEmpty()
        reads = self.docks.would_hide("Inspector", "Walkthrough")
        if len(self.selection) and self.docks["Inspector"].isVisible() and not (looks_inside or reads):
            self.docks["Inspector"].raise_()

    def follow_running(self, running: bool) -> None:
        if not running:
            self.player.follow_order()
        self.history.setEnabled(not running)
        self.actions_by_name.enable()

    # Events

    @staticmethod
    def _application() -> QApplication:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        return application

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        from nnviz_app.file_actions import SUFFIX

        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        kinds = {
            SUFFIX: self.open_path,
            **dict.fromkeys(MODEL_SUFFIXES, self.import_weights_path),
            **dict.fromkeys(TABLE_SUFFIXES, self.import_path),
        }
        take = kinds.get(paths[0].suffix.lower()) if len(paths) == 1 else None
        if take is None:
            names = ", ".join(path.name for path in paths)
            tables, models = ", ".join(TABLE_SUFFIXES), ", ".join(MODEL_SUFFIXES)
            self.show_error(
                f"{names}: drop one {SUFFIX} file to open it, or one table ({tables}) or file of weights ({models}) to "
                "import it."
            )
        else:
            # The question about unsaved work must not keep the other program's drag waiting.
            QTimer.singleShot(0, lambda: take(paths[0]))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self.is_filled and event.type() == QEvent.Type.WindowStateChange:
            self.actions_by_name["full_screen"].setChecked(self.isFullScreen())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.is_filled and not self._was_shown:
            self._was_shown = True
            if not self._has_layout:
                self.docks.resize()
            self.view.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.is_filled:
            event.accept()
            return
        if self.view.window() is not self:
            # While it is presented: the canvas has to be home before the window goes.
            self.view.window().close()
        if not self._may_leave() or not self.files.may_discard():
            event.ignore()
            return
        self.player.pause()
        store = QSettings()
        store.setValue("window/geometry", self.saveGeometry())
        store.setValue("window/state", self.saveState(LAYOUT_VERSION))
        self._application().removeEventFilter(self._guard)
        event.accept()

    def _restore_geometry(self) -> None:
        geometry = QSettings().value("window/geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            screen = self.screen().availableSize()
            self.resize(min(1440, screen.width()), min(900, screen.height()))

    def _restore_layout(self) -> None:
        state = QSettings().value("window/state")
        self._has_layout = isinstance(state, QByteArray) and self.restoreState(state, LAYOUT_VERSION)
        if not self._has_layout:
            # Before the window is shown: an arrangement too wide for the screen would make it as wide.
            self.docks.resize()


class _EmptyCanvas(QWidget):
    """What is in the middle of the window until it is filled; says when it has been painted for the first time."""

    def __init__(self, painted: Callable[[], object]) -> None:
        super().__init__()
        self._painted: Callable[[], object] | None = painted

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), theme().palette.canvas)
        if self._painted is not None:
            # Later, when what was painted has reached the screen.
            QTimer.singleShot(0, self._painted)
            self._painted = None
