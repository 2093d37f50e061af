"""The one field of the canvas that is being typed over: opening, committing, refusing, going on to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QRectF, Qt, Slot

from core.errors import NnvizError
from nnviz_app.canvas.editor import CanvasEditor, Field, fields_in_order
from nnviz_app.canvas.scene import PartKind
from nnviz_app.document import Change

if TYPE_CHECKING:
    from nnviz_app.canvas.view import CanvasView


class InPlaceEditor(QObject):
    """Lays the editor over a number or name of the canvas and takes over what is typed."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self.view = view
        self.field: Field | None = None
        self._is_committing = False
        self.line = CanvasEditor(view.viewport())
        self.line.commit_requested.connect(self.commit)
        self.line.cancelled.connect(self.cancel)

    @property
    def is_open(self) -> bool:
        """Whether something is being typed."""
        return self.field is not None

    def open(self, field: Field) -> None:
        """Type over this field, if the project has it."""
        view = self.view
        project = view.document.project
        if not field.exists(project):
            return
        view.overlay.hide_message()
        view.selection.set([field.id])
        view.reveal(self._scene_rect(field))
        self.field = field
        view.canvas_scene.set_edited(view.canvas_scene.part(field.kind, field.id))
        self.line.open(field.text(project), self._rect(field), view.zoom)

    def place(self) -> None:
        """Follow the canvas, which has been scrolled or zoomed."""
        if self.field is not None and not self._is_committing:
            self.line.place_over(self._rect(self.field), self.view.zoom)

    def _scene_rect(self, field: Field) -> QRectF:
        part = self.view.canvas_scene.part(field.kind, field.id)
        return part.rect if part is not None and not part.rect.isEmpty() else self.view.place_of(field.id)

    def _rect(self, field: Field) -> QRect:
        return self.view.mapFromScene(self._scene_rect(field)).boundingRect()

    @Slot()
    def cancel(self) -> None:
        """Leave what was there."""
        if self.field is not None:
            self.field = None
            self.view.overlay.hide_message()
            self._close()

    def _close(self) -> None:
        had_focus = self.line.hasFocus()
        self.line.hide()
        self.view.canvas_scene.set_edited(None)
        if had_focus:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(int)
    def commit(self, step: int = 0) -> bool:
        """Take over what was typed and go on by `step` fields; False when it is refused and the line stays."""
        field = self.field
        if field is None or self._is_committing:
            return True
        text = self.line.text()
        self._is_committing = True
        try:
            # Where nothing was typed nothing is checked either: the number or name is what it was.
            done = text == field.text(self.view.document.project) or field.commit(self.view.editing, text)
        except NnvizError as error:
            done = False
            self.view.show_message(str(error))
        finally:
            self._is_committing = False
        if not done:
            self.line.refuse(self.view.overlay.message)
            return False
        following = self._following(field, text, step) if step else None
        self.field = None
        self.view.overlay.hide_message()
        self._close()
        if following is not None:
            self.open(following)
        return True

    def _following(self, field: Field, text: str, step: int) -> Field | None:
        is_name = field.kind is PartKind.NAME
        here = Field(field.kind, text.strip() if is_name else field.id, 0 if is_name else field.row)
        order = fields_in_order(self.view.document.project.network, field.kind, field.row)
        return order[(order.index(here) + step) % len(order)] if here in order else None

    def follow(self, change: Change) -> None:
        """Close when what is being typed over is gone."""
        if self.field is None or self._is_committing:
            return
        if change.project or not self.field.exists(self.view.document.project):
            self.cancel()
        else:
            self.place()
