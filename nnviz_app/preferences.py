"""How a person likes to see numbers: kept between starts, never part of a project."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, QSettings, Signal

from core.style import CHOICES, MOST_PLACES, ROUNDINGS, Notation, Rounding, Style

# The symbols of well-known books and courses, by their titles.
NOTATIONS: dict[str, Notation] = {
    "nnviz": Notation(),
    "Mazur's article": Notation(pre_activation="net", activation="out", loss="E"),
    "deeplearning.ai": Notation(delta="derivative", rate="α"),
    "Nielsen's book": Notation(weights="ends", loss="C"),
}
OWN = "Your own"


class LabelMode(StrEnum):
    """Which number an edge carries. AUTO follows the phase: weight and product, then gradient, then update."""

    AUTO = "auto"
    WEIGHT = "weight"
    PRODUCT = "product"
    GRADIENT = "gradient"
    UPDATE = "update"


class Preferences(QObject):
    """Significant digits on the canvas, the edges' label mode, what neurons show, and what the wheel does."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None, *, is_kept: bool = True) -> None:
        """Those of the person; with `is_kept` False the usual ones, which are neither read nor stored."""
        super().__init__(parent)
        self._is_kept = is_kept
        store = QSettings() if is_kept else _NoSettings()
        digits = str(store.value("view/digits", 4))
        self._digits = min(max(int(digits), 2), 8) if digits.isdecimal() else 4
        mode = str(store.value("view/edge_labels", LabelMode.AUTO))
        self._label_mode = LabelMode(mode) if mode in set(LabelMode) else LabelMode.AUTO
        self._wheel_zooms = _is_true(store.value("view/wheel_zooms", "false"))
        self._notation = _stored_notation(store)
        self._rounding = _stored_rounding(store)
        self._shows_exact = False
        self._shows_maps = _is_true(store.value("view/maps_in_neurons", "false"))
        self._shows_health = _is_true(store.value("view/neuron_health", "true"))

    @property
    def digits(self) -> int:
        """Significant digits of the numbers on the canvas and in the formulas: 2 to 8."""
        return self._digits

    def set_digits(self, digits: int) -> None:
        """Choose the significant digits."""
        self._digits = digits
        self._keep("view/digits", digits)

    @property
    def notation(self) -> Notation:
        """The symbols of canvas, formulas and captions."""
        return self._notation

    def set_notation(self, notation: Notation) -> None:
        """Choose the symbols."""
        self._notation = notation
        if self._is_kept:
            for name in CHOICES:
                QSettings().setValue(f"notation/{name}", getattr(notation, name))
        self.changed.emit()

    @property
    def rounding(self) -> Rounding | None:
        """How each step is rounded, as a printed book does; None where numbers are exact."""
        return self._rounding

    def set_rounding(self, rounding: Rounding | None) -> None:
        """Round at each step, or not."""
        self._rounding = rounding
        self._keep("view/rounding", str(rounding) if rounding else "")

    @property
    def style(self) -> Style:
        """How formulas and numbers are written; what is rounded already is shown with all its digits."""
        is_rounded = self._rounding is not None and not self._shows_exact
        return Style(self._notation, 15 if is_rounded else self._digits)

    @property
    def exact_style(self) -> Style:
        """How numbers are written that stay exact while others are rounded."""
        return Style(self._notation, self._digits)

    def set_shows_exact(self, exact: bool) -> None:
        """Whether the numbers on show are exact although rounding is chosen, as in a network too large for it."""
        if exact != self._shows_exact:
            self._shows_exact = exact
            self.changed.emit()

    @property
    def label_mode(self) -> LabelMode:
        """Which number an edge carries."""
        return self._label_mode

    def set_label_mode(self, mode: LabelMode) -> None:
        """Choose which number an edge carries."""
        self._label_mode = mode
        self._keep("view/edge_labels", str(mode))

    @property
    def wheel_zooms(self) -> bool:
        """Whether the wheel alone zooms and Ctrl+wheel scrolls, rather than the other way round."""
        return self._wheel_zooms

    def set_wheel_zooms(self, zooms: bool) -> None:
        """Choose what the wheel does."""
        self._wheel_zooms = zooms
        self._keep("view/wheel_zooms", "true" if zooms else "false")

    @property
    def shows_maps(self) -> bool:
        """Whether neurons carry a small map of their activation over two inputs."""
        return self._shows_maps

    def set_shows_maps(self, shown: bool) -> None:
        """Show the maps in the neurons or not."""
        self._shows_maps = shown
        self._keep("view/maps_in_neurons", "true" if shown else "false")

    @property
    def shows_health(self) -> bool:
        """Whether dead and saturated neurons and vanishing and exploding gradients are marked on the canvas."""
        return self._shows_health

    def set_shows_health(self, shown: bool) -> None:
        """Mark sick neurons on the canvas or not."""
        self._shows_health = shown
        self._keep("view/neuron_health", "true" if shown else "false")

    def _keep(self, key: str, value: object) -> None:
        if self._is_kept:
            QSettings().setValue(key, value)
        self.changed.emit()


class _NoSettings:
    """Stands for settings in which nothing was ever stored."""

    def value(self, _key: str, usual: object) -> object:
        """The usual value."""
        return usual


def _stored_notation(store: QSettings | _NoSettings) -> Notation:
    chosen = {name: str(store.value(f"notation/{name}", choices[0])) for name, choices in CHOICES.items()}
    return Notation(**{name: value for name, value in chosen.items() if value in CHOICES[name]})


def _stored_rounding(store: QSettings | _NoSettings) -> Rounding | None:
    places, _, kind = str(store.value("view/rounding", "")).partition(" ")
    if not places.isdecimal() or kind not in ROUNDINGS or not 1 <= int(places) <= MOST_PLACES:
        return None
    return Rounding(int(places), kind)


def _is_true(stored: object) -> bool:
    return str(stored) == "true"
