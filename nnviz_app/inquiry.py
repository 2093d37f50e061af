"""What the person asks about: the number whose derivation is open, how they got there, and what they point at."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.quantities import Quantity
from nnviz_app.player import Player


class Inquiry(QObject):
    """A trail of quantities, the last of which is on show; none while the panel explains the player's step.

    It meets canvas, panels and formulas: whoever shows a number asks here, whoever explains or lights follows.
    `pointed` is what the pointer is on, in a formula, on the canvas or in a list. A step of the player ends it.
    """

    changed = Signal()
    pointed_changed = Signal()

    def __init__(self, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.player = player
        self._trail: tuple[Quantity, ...] = ()
        self._pointed: Quantity | None = None
        self._index = player.index
        player.moved.connect(self._follow)

    @property
    def trail(self) -> tuple[Quantity, ...]:
        """From the number first asked about to the one on show."""
        return self._trail

    @property
    def quantity(self) -> Quantity | None:
        """The number on show; None while nothing is asked, or where the present trace no longer has it."""
        return self._known(self._trail[-1]) if self._trail else None

    @property
    def pointed(self) -> Quantity | None:
        """What the pointer is on."""
        return self._known(self._pointed)

    def _known(self, quantity: Quantity | None) -> Quantity | None:
        # Others may hear of a change before this object does.
        return quantity if quantity is not None and _is_there(quantity, self.player) else None

    def ask(self, quantity: Quantity) -> None:
        """Why is this number what it is? A new trail begins; none where the trace has no such number."""
        self._set((quantity,) if _is_there(quantity, self.player) else ())

    def follow(self, operand: Quantity) -> None:
        """Go on to something that the number on show is made of; without one, it begins at the player's step."""
        if not _is_there(operand, self.player):
            return
        trail = self._trail
        if not trail and self.player.step is not None:
            trail = (self.player.step.quantity,)
        # What was already on the way is gone back to.
        self._set((*trail[: trail.index(operand)], operand) if operand in trail else (*trail, operand))

    def go_back(self, place: int = -2) -> None:
        """Back along the trail, to the number at `place`: by one unless told. At its beginning the inquiry ends."""
        self._set(self._trail[: place % len(self._trail) + 1] if len(self._trail) >= -place else ())

    def end(self) -> None:
        """Ask nothing any more: the player's step is explained again."""
        self._set(())

    def point_at(self, quantity: Quantity | None) -> None:
        """The pointer is on this number, or on none."""
        if quantity != self._pointed:
            self._pointed = quantity
            self.pointed_changed.emit()

    def _set(self, trail: tuple[Quantity, ...]) -> None:
        if trail != self._trail:
            self._trail = trail
            self.changed.emit()

    def _follow(self) -> None:
        trace = self.player.trace
        stale = trace is None or any(not _is_there(quantity, self.player) for quantity in self._trail)
        if stale or self.player.index != self._index:
            self._index = self.player.index
            self.point_at(None)
            self.end()


def _is_there(quantity: Quantity, player: Player) -> bool:
    """Whether a trace still has this quantity, after a change of the network or of the batch."""
    trace = player.trace
    return trace is not None and trace.has(quantity)
