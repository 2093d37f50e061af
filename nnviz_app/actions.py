"""Every action of the window by name: its text, key, icon and what it calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from core.activations import ACTIVATIONS
from core.network import Role
from nnviz_app.assets import themed_icon
from nnviz_app.help_dialog import HelpDialog, about

if TYPE_CHECKING:
    from nnviz_app.main_window import MainWindow

Keys = str | list[str] | None
ALIGNMENTS = ("left", "center", "right", "top", "middle", "bottom")
AXES = ("horizontal", "vertical")

# What can be done while nothing is selected, but not while a run is under way.
WHEN_FREE = (
    "new", "new_network", "open", "choose_data", "import_data", "save", "save_as", "paste", "add_input", "add_hidden",
    "add_output", "add_layer", "tidy", "first", "back", "forward", "last", "back_larger", "forward_larger", "play",
    "apply", "run", "run_epoch", "reset", "dice", "add_row", "delete_rows", "import_weights", "export",
)  # fmt: skip

# The entries of "Export as", and what the dialog begins with: one of its entries or groups.
EXPORTS = {
    "export_picture": ("&Picture...", "Pictures"),
    "export_animation": ("&Animation...", "Animation"),
    "export_plot": ("P&lot...", "Plots"),
    "export_solution": ("Worked &solution...", "solution"),
    "export_worksheets": ("Wor&ksheets...", "worksheets"),
    "export_weights": ("&Weights...", "Weights"),
    "export_code": ("&Code...", "Code"),
}


class Actions(dict[str, QAction]):
    """The actions of a window by name, each added to it so that its key works wherever the focus is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.window = window
        self._make()

    def _add(
        self,
        name: str,
        text: str,
        slot: Callable[..., object],
        *,
        keys: Keys = None,
        icon: str = "",
        tip: str = "",
        checkable: bool = False,
    ) -> None:
        action = QAction(text, self.window)
        action.setObjectName(name)
        if keys:
            action.setShortcuts([QKeySequence(key) for key in ([keys] if isinstance(keys, str) else keys)])
        if icon:
            themed_icon(action, icon)
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        plain = tip or text.replace("&", "").rstrip(".")
        action.setStatusTip(tip)
        action.setToolTip(f"{plain} ({shown})" if shown else plain)
        action.setCheckable(checkable)
        # The argument "checked" is of no interest to what is called.
        action.triggered.connect(lambda _checked=False: slot())
        self.window.addAction(action)
        self[name] = action

    def _make(self) -> None:
        window = self.window
        edit, view, transport = window.editing, window.view, window.transport
        add = self._add
        add("new", "&New", window.new_project, keys="Ctrl+N", icon="new", tip="New empty project")
        add(
            "new_network",
            "New ne&twork...",
            window.new_network,
            keys="Ctrl+Shift+N",
            tip="Draw whole layers: 2-4-1, say",
        )
        add("open", "&Open...", window.open_file, keys="Ctrl+O", icon="open", tip="Open a project")
        add(
            "choose_data",
            "New from &data...",
            window.choose_data,
            keys="Ctrl+G",
            icon="",
            tip="Generated and real data",
        )
        add("import_data", "&Import data...", window.import_data, keys="Ctrl+I", tip="A table: CSV or text")
        add(
            "import_weights", "Import &weights...", window.import_weights, tip="Weights or a model from another program"
        )
        add(
            "export",
            "&Export...",
            window.export,
            keys="Ctrl+Shift+E",
            icon="export",
            tip="Weights, code, pictures, plots, worked solutions and worksheets",
        )
        for name, (text, start) in EXPORTS.items():
            add(name, text, lambda n=start: window.export(n))
        add("save", "&Save", window.save, keys="Ctrl+S", icon="save", tip="Save the project")
        add("save_as", "Save &as...", window.save_as, keys="Ctrl+Shift+S")
        add("quit", "&Quit", window.close, keys="Ctrl+Q")

        undo = window.document.undo_stack.createUndoAction(window, "Undo")
        redo = window.document.undo_stack.createRedoAction(window, "Redo")
        undo.setShortcuts([QKeySequence("Ctrl+Z")])
        redo.setShortcuts([QKeySequence("Ctrl+Y"), QKeySequence("Ctrl+Shift+Z")])
        for name, action in (("undo", undo), ("redo", redo)):
            themed_icon(action, name)
            window.addAction(action)
            self[name] = action
        add("cut", "Cu&t", edit.cut, keys="Ctrl+X")
        add("copy", "&Copy", edit.copy, keys="Ctrl+C", icon="copy")
        add("paste", "&Paste", window.paste, keys="Ctrl+V", icon="paste")
        add("duplicate", "&Duplicate", edit.duplicate, keys="Ctrl+D")
        add("delete", "De&lete", edit.delete, keys=["Del", "Backspace"], icon="delete")
        add("select_all", "Select &all", edit.select_all, keys="Ctrl+A")
        add("select_none", "Select &none", view.cancel, keys="Esc")
        add(
            "edit_number",
            "&Edit number",
            view.edit_selected,
            keys="F2",
            tip="Edit the weight, bias or value where it stands",
        )

        add("zoom_in", "Zoom &in", view.zoom_in, keys=["Ctrl++", "Ctrl+="], icon="zoom-in")
        add("zoom_out", "Zoom &out", view.zoom_out, keys="Ctrl+-", icon="zoom-out")
        add("zoom_100", "&100 %", lambda: view.zoom_to(1.0), keys="Ctrl+0", tip="Zoom to 100 %")
        add("fit", "&Fit", view.fit, keys="F", icon="fit", tip="Fit the network into the window")
        add("present", "&Present", window.present, keys="F5", tip="Canvas and caption alone on the whole screen")
        add("full_screen", "F&ull screen", window.toggle_full_screen, keys="F11", checkable=True)
        add("reset_panels", "&Reset panels", window.reset_panels)

        add(
            "tool_select",
            "Select",
            lambda: window.choose_tool("select"),
            keys="V",
            icon="select",
            checkable=True,
            tip="Select and move",
        )
        add(
            "tool_neuron",
            "Neuron",
            lambda: window.choose_tool("neuron"),
            keys="N",
            icon="neuron",
            checkable=True,
            tip="Click to add a neuron",
        )
        add(
            "tool_connect",
            "Connect",
            lambda: window.choose_tool("connect"),
            keys="C",
            icon="connect",
            checkable=True,
            tip="Drag from one neuron to another",
        )
        tools = QActionGroup(window)
        for name in ("tool_select", "tool_neuron", "tool_connect"):
            tools.addAction(self[name])
        self["tool_select"].setChecked(True)

        for role, key in ((Role.INPUT, "I"), (Role.HIDDEN, "H"), (Role.OUTPUT, "O")):
            add(f"add_{role}", f"Add {role} neuron", lambda r=role: view.add_neuron(r), keys=key)
            add(f"role_{role}", role.capitalize(), lambda r=role: edit.set_role(r))
        add("add_layer", "Add &layer...", window.add_layer, keys="Ctrl+L", icon="add-layer")
        add(
            "connect_selection",
            "&Connect to the last selected",
            edit.connect_selection,
            keys="Ctrl+K",
            tip="Connect the first selected neurons to the last one",
        )
        for activation in ACTIVATIONS.values():
            add(
                f"activation_{activation.name}",
                activation.title,
                lambda n=activation.name: edit.set_activation(n),
                tip=activation.note,
            )
        add(
            "freeze", "&Freeze", lambda: edit.set_frozen(True), icon="lock", tip="Updates leave frozen parameters alone"
        )
        add("thaw", "T&haw", lambda: edit.set_frozen(False), icon="unlock")
        add("tie", "&Tie weights", edit.tie, tip="Let the selected edges share one weight")
        add("untie", "&Untie weights", edit.untie)
        for kind in ALIGNMENTS:
            icon = f"align-{kind}" if kind in ("left", "center", "top", "middle") else ""
            add(f"align_{kind}", f"Align {kind}", lambda k=kind: edit.align(k), icon=icon)
        for axis in AXES:
            add(
                f"distribute_{axis}",
                f"Distribute {axis}ly",
                lambda a=axis: edit.distribute(a),
                icon=f"distribute-{axis}",
            )
        add("tidy", "Tid&y layout", edit.tidy, keys="Ctrl+T", icon="tidy", tip="Arrange the neurons by layer")

        add("first", "&First step", transport.first, keys="Home", icon="first")
        add("back", "Step &back", transport.back, keys="Left", icon="back")
        add("forward", "Step &forward", transport.forward, keys="Right", icon="forward")
        add("last", "&Last step", transport.last, keys="End", icon="last")
        add("back_larger", "Step back, one size larger", transport.back_larger, keys="Shift+Left")
        add(
            "forward_larger",
            "Step forward, one size larger",
            transport.forward_larger,
            keys="Shift+Right",
        )
        add("play", "&Play or pause", transport.toggle_play, keys="Space", icon="play")
        add(
            "apply",
            "&Apply update",
            window.training_panel.apply_update,
            keys="U",
            icon="update",
            tip="One update of gradient descent, then the next batch",
        )
        add("run", "&Run epochs", window.training_panel.run, keys="Ctrl+R", icon="run")
        add("run_epoch", "Run one e&poch", window.training_panel.run_epoch, keys="Ctrl+E")
        add("stop", "&Stop", window.trainer.stop, keys="Ctrl+.", icon="stop")
        add(
            "reset",
            "Reset to the &start",
            window.training_panel.reset,
            keys="R",
            icon="reset",
            tip="The parameters of update 0 again",
        )
        add("dice", "New random &weights", window.training_panel.draw_next, keys="Ctrl+Shift+R", icon="dice")
        add("add_row", "&Add row", window.data.add_row, icon="add-row")
        add("delete_rows", "&Delete rows", window.data.delete_rows, icon="delete-row")
        add("keys", "&Keys and gestures", lambda: HelpDialog(window).open(), keys="F1", icon="help")
        add("about", "&About nnviz", lambda: about(window))

    def enable(self) -> None:
        """Enable what can be done with the present selection, and, during a run, only what a run allows."""
        window = self.window
        neurons, edges = window.selection.neurons, window.selection.edges
        free = not window.document.busy
        one, two, three = (len(neurons) >= count for count in (1, 2, 3))
        conditions = {
            **dict.fromkeys((*WHEN_FREE, *EXPORTS), True),
            **dict.fromkeys(("delete", "freeze", "thaw", "edit_number"), one or bool(edges)),
            **dict.fromkeys(("cut", "duplicate", *(f"role_{role}" for role in Role)), one),
            **dict.fromkeys((f"activation_{name}" for name in ACTIVATIONS), one),
            **dict.fromkeys(("connect_selection", *(f"align_{kind}" for kind in ALIGNMENTS)), two),
            **dict.fromkeys((f"distribute_{axis}" for axis in AXES), three),
            "tie": len(edges) > 1,
            "untie": bool(edges),
        }
        for name, condition in conditions.items():
            self[name].setEnabled(condition and free)
        self["copy"].setEnabled(one)
        self["stop"].setEnabled(not free)
        stack = window.document.undo_stack
        self["undo"].setEnabled(free and stack.canUndo())
        self["redo"].setEnabled(free and stack.canRedo())
