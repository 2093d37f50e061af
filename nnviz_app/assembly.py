"""Making the parts of the main window and joining them: imported after its first paint, as it takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QUndoView, QVBoxLayout, QWidget

from nnviz_app.actions import Actions
from nnviz_app.assets import app_icon, themed_icon
from nnviz_app.canvas.view import CanvasView
from nnviz_app.comparison import Comparison
from nnviz_app.docks import Docks
from nnviz_app.document import Change, Document
from nnviz_app.editing import Editing
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
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from nnviz_app.main_window import MainWindow


def assemble(window: MainWindow) -> None:
    """Give the window its parts, each an attribute of it."""
    _make_models(window)
    _make_centre(window)
    _make_docks(window)
    window.actions_by_name = Actions(window)
    # The window may have been opened as full screen.
    window.actions_by_name["full_screen"].setChecked(window.isFullScreen())
    window.menus = Menus(window)
    _make_status_bar(window)
    _connect(window)
    window.follow_rounding()
    window.follow_document(Change(*[True] * 7))


def _make_models(window: MainWindow) -> None:
    window.setWindowIcon(app_icon())
    window.setAcceptDrops(True)
    window.document = Document(window)
    window.player = Player(window.document, window)
    window.selection = Selection(window.document, window)
    window.preferences = Preferences(window)
    window.inquiry = Inquiry(window.player, window)
    window.spotlight = Spotlight(window.document, window)
    window.guide = Guide(
        window.document,
        window.player,
        window.selection,
        window.inquiry,
        window.spotlight,
        window.preferences,
        window,
    )
    window.trainer = Trainer(window.document, window.player, window)
    window.editing = Editing(window.document, window.selection, window.player, window)
    window.files = FileActions(window.document, window)
    window.runs = RunShelf(window.document, window)
    window.comparison = Comparison(window.document, window.runs, window)


def _make_centre(window: MainWindow) -> None:
    window.view = CanvasView(window.document, window.player, window.selection, window.preferences, window.editing)
    window.view.set_comparison(window.comparison)
    window.view.set_inquiry(window.inquiry)
    window.view.set_spotlight(window.spotlight)
    window.notice = NoticeBar()
    window.transport = TransportBar(window.document, window.player, window.preferences)
    centre = QWidget()
    layout = QVBoxLayout(centre)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(window.notice)
    layout.addWidget(window.view, 1)
    layout.addWidget(window.transport)
    window.setCentralWidget(centre)


def _make_docks(window: MainWindow) -> None:
    window.examples_panel = ExamplesPanel()
    window.training_panel = TrainingPanel(window.document, window.player, window.trainer)
    window.inspector = InspectorPanel(window.document, window.player, window.selection, window.preferences)
    window.explain = ExplainPanel(window.player, window.preferences, window.inquiry)
    window.inside = InsidePanel(window.player, window.selection, window.preferences)
    questions = (window.document, window.player, window.selection, window.inquiry)
    window.check = CheckPanel(*questions, window.spotlight, window.preferences)
    window.nudge = NudgePanel(*questions, window.preferences)
    window.random_search = RandomSearchPanel(window.document, window.preferences)
    window.conventions = ConventionsPanel(window.document, window.player, window.preferences)
    window.walkthrough = WalkthroughPanel(window.guide)
    window.steps = StepsPanel(window.player, window.preferences)
    window.data = DataPanel(window.document, window.player)
    window.loss_plot = LossPlotPanel(window.document, window.player, window.trainer, window.runs)
    window.confusion = ConfusionPanel(window.document, window.player, window.trainer)
    window.time_machine = TimeMachinePanel(
        window.document, window.player, window.trainer, window.runs, window.comparison, window.preferences
    )
    window.breakpoints = BreakpointsPanel(
        window.document, window.player, window.trainer, window.selection, window.preferences
    )
    shared = (window.document, window.player, window.selection, window.trainer)
    window.map = DecisionMapPanel(*shared)
    window.histograms = HistogramsPanel(*shared)
    window.landscape = LandscapePanel(*shared, window.preferences)
    window.history = QUndoView(window.document.undo_stack)
    window.history.setEmptyLabel("As opened")
    window.history.setAccessibleName("History of changes")
    window.docks = Docks(
        window,
        {
            "Examples": window.examples_panel,
            "Walkthrough": window.walkthrough,
            "Train": window.training_panel,
            "Conventions": window.conventions,
            "Explain": window.explain,
            "Check": window.check,
            "Nudge": window.nudge,
            "Inspector": window.inspector,
            "Steps": window.steps,
            "Inside": window.inside,
            "History": window.history,
            "Data": window.data,
            "Time machine": window.time_machine,
            "Breakpoints": window.breakpoints,
            "Loss": window.loss_plot,
            "Confusion": window.confusion,
            "Map": window.map,
            "Histograms": window.histograms,
            "Surface": window.landscape,
            "Random search": window.random_search,
        },
    )
    window.walkthrough.set_panel_titles(window.docks)


def _make_status_bar(window: MainWindow) -> None:
    window.counts_label, window.state_label = QLabel(), QLabel()
    for label in (window.counts_label, window.state_label):
        label.setProperty("role", "muted")
    window.statusBar().addWidget(window.counts_label)
    window.statusBar().addPermanentWidget(window.state_label)


def _connect(window: MainWindow) -> None:
    window.document.changed.connect(window.follow_document)
    window.document.path_changed.connect(window.show_state)
    window.document.undo_stack.cleanChanged.connect(window.show_state)
    window.preferences.changed.connect(window.menus.show_preferences)
    window.player.granularity_changed.connect(window.menus.show_preferences)
    window.player.playing_changed.connect(
        lambda playing: themed_icon(window.actions_by_name["play"], "pause" if playing else "play")
    )
    theme().changed.connect(window.menus.show_preferences)
    window.preferences.changed.connect(window.follow_rounding)
    window.player.moved.connect(window.follow_rounding)
    window.selection.changed.connect(window.follow_selection)
    window.inquiry.changed.connect(window.follow_inquiry)
    window.inside.asked.connect(window.inquiry.ask)
    window.inspector.asked.connect(window.inquiry.ask)
    window.guide.panel_requested.connect(window.show_panel_of_moment)
    window.guide.network_replaced.connect(window.view.fit)
    window.guide.refused.connect(window.show_error)
    window.walkthrough.examples_requested.connect(window.show_walkthroughs)
    window.walkthrough.present_requested.connect(window.present)
    window.walkthrough.record_button.toggled.connect(window.make_room_to_record)
    window.trainer.running_changed.connect(window.follow_running)
    window.trainer.finished.connect(lambda text: window.statusBar().showMessage(text, 8000))
    window.view.message.connect(lambda text: window.statusBar().showMessage(text, 8000))
    window.files.saved.connect(lambda text: window.statusBar().showMessage(text, 5000))
    # What the canvas, the keys and the steps are refused, the canvas says itself.
    for refused in (window.trainer.refused, window.files.failed):
        refused.connect(window.show_error)
    window.files.recent_changed.connect(window.menus.fill_recent)
    window.document.undo_stack.indexChanged.connect(window.notice.hide)
    window.player.moved.connect(window.notice.hide)
    window.examples_panel.requested.connect(window.open_example)
    window.breakpoints.stopped.connect(lambda text: window.notice.show_message(text, "info"))
    window.data.choose_requested.connect(window.choose_data)
    window.data.import_requested.connect(window.import_data)
    window.view.examples_requested.connect(window.show_examples)
    window.view.zoom_changed.connect(window.menus.show_zoom)
    window.view.role_changed.connect(window.menus.show_role)
    window.player.long_epoch.connect(lambda: window.trainer.start(1))
    window.view.new_network_requested.connect(window.new_network)
    window.view.add_layer_requested.connect(window.add_layer)
    window.view.tool_changed.connect(lambda name: window.actions_by_name[f"tool_{name}"].setChecked(True))
