"""How a person likes to see numbers: kept between starts, never part of a project."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, QSettings, Signal


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

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        store = QSettings()
        digits = str(store.value("view/digits", 4))
        self._digits = min(max(int(digits), 2), 8) if digits.isdecimal() else 4
        mode = str(store.value("view/edge_labels", LabelMode.AUTO))
        self._label_mode = LabelMode(mode) if mode in set(LabelMode) else LabelMode.AUTO
        self._wheel_zooms = _is_true(store.value("view/wheel_zooms", "false"))
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
        QSettings().setValue(key, value)
        self.changed.emit()


def _is_true(stored: object) -> bool:
    return str(stored) == "true"
