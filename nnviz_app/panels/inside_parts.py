"""The parts that a drawing of a neuron's inside is made of: boxes, names, wires and the numbers at them."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF

from core.quantities import Quantity


@dataclass(frozen=True, slots=True)
class Box:
    """A box with its symbol. It may stand for several operations; the last one gives its value.

    `about` is what it does, for a box of several.
    """

    rect: QRectF
    symbol: str
    operations: tuple[int, ...]
    quantity: Quantity | None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a quantity at the end of a wire."""

    rect: QRectF
    text: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers at a wire: above it in `rect` a value, below it a derivative; None where there never is one.

    `source` is whose value it is. `back` is the operation whose gradient it is, or the operation and the place of
    the operand that it is passed back to. The quantities are the trace's names for both.
    """

    rect: QRectF
    source: int | Quantity
    value: float | None
    back: int | tuple[int, int]
    grad: float | None
    quantity: Quantity | None = None
    grad_quantity: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """A line from point to point; where it leads into a box or to a name with an arrow."""

    points: tuple[QPointF, ...]
    has_arrow: bool = True


@dataclass(slots=True)
class Layout:
    """All that is drawn, in pixels."""

    boxes: list[Box] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    numbers: list[Numbers] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def box_of(self, operation: int) -> Box | None:
        """The box that stands for an operation."""
        return next((box for box in self.boxes if operation in box.operations), None)
