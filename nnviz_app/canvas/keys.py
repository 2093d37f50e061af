"""The keys of the canvas. Those that the window has as shortcuts come here only where there is no window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent

from core.network import Role
from nnviz_app.arrange import GRID
from nnviz_app.canvas.tools import ToolName

if TYPE_CHECKING:
    from nnviz_app.canvas.view import CanvasView

NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key
Handler = Callable[["CanvasView"], object]


def _add(role: Role) -> Handler:
    return lambda view: view.add_neuron(role)


def _nudge(x: int, y: int) -> Handler:
    return lambda view: view.editing.nudge(x * GRID, y * GRID)


KEYS: dict[tuple[Qt.KeyboardModifier, Qt.Key], Handler] = {
    (NONE, Key.Key_V): lambda view: view.set_tool(ToolName.SELECT),
    (NONE, Key.Key_N): lambda view: view.set_tool(ToolName.NEURON),
    (NONE, Key.Key_C): lambda view: view.start_connecting(),
    (NONE, Key.Key_I): _add(Role.INPUT),
    (NONE, Key.Key_H): _add(Role.HIDDEN),
    (NONE, Key.Key_O): _add(Role.OUTPUT),
    (NONE, Key.Key_F): lambda view: view.fit(),
    (NONE, Key.Key_F2): lambda view: view.edit_selected(),
    (NONE, Key.Key_Delete): lambda view: view.editing.delete(),
    (NONE, Key.Key_Backspace): lambda view: view.editing.delete(),
    (NONE, Key.Key_Escape): lambda view: view.cancel(),
    (NONE, Key.Key_Menu): lambda view: view.open_menu(),
    (SHIFT, Key.Key_F10): lambda view: view.open_menu(),
    (CTRL, Key.Key_A): lambda view: view.editing.select_all(),
    (CTRL, Key.Key_C): lambda view: view.editing.copy(),
    (CTRL, Key.Key_X): lambda view: view.editing.cut(),
    (CTRL, Key.Key_V): lambda view: view.paste(),
    (CTRL, Key.Key_D): lambda view: view.editing.duplicate(),
    (CTRL, Key.Key_K): lambda view: view.editing.connect_selection(),
    (CTRL, Key.Key_L): lambda view: view.request_layer(),
    (CTRL, Key.Key_0): lambda view: view.zoom_to(1.0),
    (CTRL, Key.Key_Plus): lambda view: view.zoom_in(),
    (CTRL, Key.Key_Equal): lambda view: view.zoom_in(),
    (CTRL, Key.Key_Minus): lambda view: view.zoom_out(),
    (ALT, Key.Key_Left): _nudge(-1, 0),
    (ALT, Key.Key_Right): _nudge(1, 0),
    (ALT, Key.Key_Up): _nudge(0, -1),
    (ALT, Key.Key_Down): _nudge(0, 1),
}


def handle_key(view: CanvasView, event: QKeyEvent) -> bool:
    """Do what the key stands for; False when it stands for nothing here, so that it goes on to the window."""
    combination: QKeyCombination = event.keyCombination()
    modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = combination.key()
    if key in (Key.Key_Return, Key.Key_Enter) and modifiers == NONE:
        view.overlay.hide_message()
        return view.tool.confirm() or view.edit_selected()
    handler = KEYS.get((modifiers, key))
    if handler is None and modifiers == CTRL | SHIFT and key == Key.Key_Plus:
        handler = KEYS[CTRL, Key.Key_Plus]
    if handler is None:
        return False
    view.overlay.hide_message()
    handler(view)
    return True
