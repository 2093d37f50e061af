"""A box with one parameter in it, which follows what is selected, asked about, or at work."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from core.network import Network
from core.notation import Names
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.forms import ElidedBox, WheelGuard
from nnviz_app.panels.parameter_boxes import MOST_LISTED
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection

# In a network with more edges, steps are not followed: what is shown of each parameter takes a while.
MOST_FOLLOWED = 10_000


class ParameterBox(ElidedBox):
    """The selected weight or bias, else what the inquiry or the player's step is about, else the first.

    What a person chooses here stays until they select or ask about something else. `chosen` comes when they do;
    `sync` is to be called before `parameter` is read.
    """

    chosen = Signal()

    def __init__(
        self,
        player: Player,
        selection: Selection,
        inquiry: Inquiry,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.player, self.selection, self.inquiry, self.preferences = player, selection, inquiry, preferences
        self.parameter = ""
        self._picked = ""
        self._listed: object = None
        self.setAccessibleName("Parameter")
        self.setToolTip("A weight or bias; it can also be selected on the canvas")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(WheelGuard(self))
        keep_keys(self)
        self.activated.connect(self._pick)
        selection.changed.connect(self._forget_pick)
        inquiry.changed.connect(self._forget_pick)

    @property
    def title(self) -> str:
        """The parameter's name in the notation in force: w5, or b(h1)."""
        network = self.player.document.project.network
        return Names(network, self.preferences.notation).parameter(self.parameter) if self.parameter else ""

    def sync(self) -> None:
        """Follow the network, the selection, the inquiry and the player."""
        network = self.player.document.project.network
        self.parameter = self._find(network)
        names = list(network.values)
        if len(names) > MOST_LISTED:
            names = [self.parameter]
        listed = (names, self.preferences.notation)
        with QSignalBlocker(self):
            if listed != self._listed:
                self._listed = listed
                self.clear()
                writer = Names(network, self.preferences.notation)
                for name in names:
                    self.addItem(writer.parameter(name) if name else "–", name)
            self.setCurrentIndex(names.index(self.parameter) if self.parameter in names else -1)

    def _find(self, network: Network) -> str:
        asked = self.inquiry.quantity
        step = self.player.step if len(network.edges) <= MOST_FOLLOWED else None
        subjects = [
            self._picked,
            *self.selection.ids,
            asked.subject if asked is not None else "",
            step.quantity.subject if step is not None else "",
            self.parameter,
        ]
        for subject in subjects:
            name = network.edges[subject].parameter if subject in network.edges else subject
            if name in network.values:
                return name
        return next((name for name in network.values if name in network.edges), next(iter(network.values), ""))

    def _pick(self) -> None:
        self._picked = self.currentData() or ""
        self.chosen.emit()

    def _forget_pick(self) -> None:
        self._picked = ""
