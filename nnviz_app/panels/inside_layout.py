"""Where the operations inside a neuron stand: the sum with its products above, the activation below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF

from core.notation import Writer
from core.numbers import NOT_COMPUTED, format_number
from core.operation_graph import End, Operation, Operations
from core.quantities import Kind, Quantity
from nnviz_app.panels.inside_parts import Box, Layout, Name, Numbers, Wire
from nnviz_app.theme import theme

# More products are drawn as one box.
MOST_PRODUCTS = 6


def arrange(operations: Operations, writer: Writer, measure: Callable[[str], float], width: float) -> Layout:
    """Arrange a neuron's operations; `measure` gives the width of a small text in pixels.

    What would be wider than `width` goes on below, where a single wire leads on; else it is wider.
    """
    drawing = _Drawing(operations, writer, measure, width)
    if operations.z is not None:
        drawing.draw_sum()
        drawing.draw_activation()
    return drawing.layout


@dataclass(slots=True)
class _Chain:
    """The boxes of an activation: the operations of each, its level and its lane, and where its wires leave."""

    groups: list[tuple[int, ...]]
    levels: list[int]
    lanes: list[float]
    rects: dict[int, QRectF] = field(default_factory=dict)
    # By the operation whose result it is; z among them.
    rights: dict[int, tuple[float, float]] = field(default_factory=dict)
    bottoms: dict[int, tuple[float, float]] = field(default_factory=dict)

    def level_of(self, operation: int) -> int:
        """The level of the box that an operation is in; 0 for z."""
        return next((at for at, members in zip(self.levels, self.groups, strict=True) if operation in members), 0)


class _Drawing:
    """A layout being made."""

    def __init__(self, operations: Operations, writer: Writer, measure: Callable[[str], float], width: float) -> None:
        self.operations, self.writer, self.measure, self.width = operations, writer, measure, width
        self.layout = Layout()
        space = theme().space
        self.line = float(space(1.3))
        self.gap = float(space(0.35))
        self.arrow = float(space(0.6))
        self.margin = float(space(0.4))
        self.box_height = float(space(1.9))
        sequence = operations.sequence
        self.passed = {(m.operation, m.operand) for m in sequence if m.operand is not None}
        self.has_backward = bool(self.passed)
        # Of the activation: the row's middle, and how far lanes are apart.
        self.middle = 0.0
        self.pitch = 2.0 * self.line + 2.0 * self.gap

    # Parts

    def text_width(self, *numbers: float | None) -> float:
        """As wide as the widest of these numbers, shown or not yet."""
        texts = [NOT_COMPUTED, *(self.format(number) for number in numbers if number is not None)]
        return max(map(self.measure, texts)) + 2.0 * self.gap

    def format(self, number: float) -> str:
        """A number as it stands at a wire."""
        return format_number(number, self.writer.digits)

    def box(self, x: float, y: float, operations: tuple[int, ...], *, symbol: str = "", about: str = "") -> Box:
        """A box whose left side stands at x and whose middle at y."""
        last = self.operations[operations[-1]]
        symbol = symbol or last.symbol
        rect = QRectF(x, y - self.box_height / 2.0, self.box_width(symbol), self.box_height)
        box = Box(rect, symbol, operations, last.quantity, about)
        self.layout.boxes.append(box)
        self.grow(rect)
        return box

    def box_width(self, symbol: str) -> float:
        """As wide as its symbol asks for, but no narrower than it is high."""
        return max(self.measure(symbol) + 3.0 * self.gap, self.box_height)

    def name(self, x: float, y: float, quantity: Quantity) -> Name:
        """A name whose left side stands at x."""
        text = self.writer.name(quantity)
        name = Name(QRectF(x, y - self.line / 2.0, self.measure(text), self.line), text, quantity)
        self.layout.names.append(name)
        self.grow(name.rect)
        return name

    def wire(self, *points: tuple[float, float], has_arrow: bool = True) -> None:
        """A wire from point to point."""
        self.layout.wires.append(Wire(tuple(QPointF(x, y) for x, y in points), has_arrow))

    def result_numbers(self, index: int, x: float, y: float, width: float) -> None:
        """Value and gradient of an operation at its wire."""
        operations = self.operations
        operation = operations[index]
        grad_quantity = None
        if operations.end is End.LOSS and operation.quantity is not None:
            kinds = {Kind.WEIGHTED_SUM: Kind.PRE_ACTIVATION_GRAD, Kind.ACTIVATION: Kind.ACTIVATION_GRAD}
            kind, subject = kinds.get(operation.quantity.kind), operation.quantity.subject
            grad_quantity = Quantity(kind, subject, operations.sample) if kind is not None else None
            if grad_quantity is not None and not operations.trace.has_step(grad_quantity):
                grad_quantity = None
        grad = operation.grad if self.has_backward else None
        rect = QRectF(x, y - self.line, width, 2.0 * self.line)
        self.add(Numbers(rect, index, operation.value, index, grad, operation.quantity, grad_quantity))

    def source_numbers(self, index: int, place: int, x: float, y: float, width: float) -> None:
        """Value and derivative of an operand from outside at its wire."""
        operations = self.operations
        operation, operand = operations[index], operations[index].operands[place]
        assert isinstance(operand, Quantity)
        grad = operation.passed[place] if (index, place) in self.passed else None
        grad_quantity = None
        if operations.end is End.LOSS and grad is not None:
            if operand.kind is Kind.BIAS:
                grad_quantity = Quantity(Kind.BIAS_GRAD, operand.subject, operations.sample)
            elif operation.quantity is not None:
                kind = Kind.WEIGHT_GRAD if operand.kind is Kind.WEIGHT else Kind.CONTRIBUTION
                grad_quantity = Quantity(kind, operation.quantity.subject, operations.sample)
        rect = QRectF(x, y - self.line, width, 2.0 * self.line)
        self.add(Numbers(rect, operand, operations.value(operand), (index, place), grad, operand, grad_quantity))

    def add(self, numbers: Numbers) -> None:
        """Put numbers at a wire."""
        self.layout.numbers.append(numbers)
        self.grow(numbers.rect)

    def grow(self, rect: QRectF) -> None:
        """The drawing holds this too."""
        self.layout.width = max(self.layout.width, rect.right() + self.margin)
        self.layout.height = max(self.layout.height, rect.bottom() + self.margin)

    # The sum: a row for each product, the additions below one another at their right

    def draw_sum(self) -> None:
        """The products, the sums and the bias."""
        operations = self.operations
        assert operations.z is not None
        last = operations.z
        count = sum(operation.name == "multiply" for operation in operations.all[:last])
        shown = range(count) if count <= MOST_PRODUCTS else range(0)
        sources = [(k, place) for k in shown for place in (0, 1)] + [(last, 1 if count else 0)]
        names = [
            self.writer.name(q) for k, place in sources if isinstance(q := operations[k].operands[place], Quantity)
        ]
        name_right = self.margin + max(map(self.measure, names)) + self.gap
        source_width = max(
            self.text_width(operations.value(operations[k].operands[p]), operations[k].passed[p]) for k, p in sources
        )
        box_left = name_right + source_width + self.arrow
        product_left = box_left + self.box_width("×")
        if count > MOST_PRODUCTS:
            product_left = self.margin + self.box_width(self.products_symbol(count))
        products = [operations[k] for k in shown] or ([operations[last - 1]] if count else [])
        product_width = max((self.text_width(p.value, p.grad) for p in products), default=0.0)
        add_left = max(product_left + product_width, box_left) + self.arrow
        y = self.margin + self.line
        # Where the sum so far leaves the row above.
        above: tuple[float, float] | None = None
        add_middle = add_left + self.box_height / 2.0
        if count > MOST_PRODUCTS:
            about = "All products added; the Explain panel lists them."
            box = self.box(self.margin, y, tuple(range(last)), symbol=self.products_symbol(count), about=about)
            self.result_numbers(last - 1, box.rect.right(), y, product_width)
            above = (box.rect.right(), y)
            y += 2.0 * self.line + self.box_height / 2.0 + self.gap
        for k in shown:
            middle = y + 1.1 * self.line
            for place, at in ((0, y), (1, y + 2.2 * self.line)):
                self.source(k, place, at, name_right, source_width, box_left)
            box = self.box(box_left, middle, (k,))
            box.rect.setTop(y - self.line / 2.0)
            box.rect.setBottom(y + 2.7 * self.line)
            self.result_numbers(k, box.rect.right(), middle, product_width)
            start = (box.rect.right(), middle)
            above = start if above is None else self.sum_row(count + k - 1, start, above, add_left)
            y += 4.3 * self.line + self.gap
        if len(shown) > 1:
            y += self.line
        place = 1 if count else 0
        self.source(last, place, y, name_right, source_width, add_left)
        if above is not None:
            self.down(above, (add_middle, y))
        box = self.box(add_left, y, (last,))
        z = operations[last]
        width = self.text_width(z.value, z.grad)
        self.result_numbers(last, box.rect.right(), y, width)
        end = box.rect.right() + width + self.arrow
        self.wire((box.rect.right(), y), (end, y))
        assert z.quantity is not None
        beside, length = end + self.gap / 2.0, self.measure(self.writer.name(z.quantity))
        if beside + length + self.margin > self.width:
            self.name(end - length, y + 1.5 * self.line, z.quantity)
        else:
            self.name(beside, y, z.quantity)

    @staticmethod
    def products_symbol(count: int) -> str:
        """What stands in the box of many products."""
        return f"Σ of {count:,} products"

    def source(self, index: int, place: int, y: float, name_right: float, width: float, end: float) -> None:
        """A quantity from outside with the wire to its operation."""
        quantity = self.operations[index].operands[place]
        assert isinstance(quantity, Quantity)
        name = self.writer.name(quantity)
        self.name(name_right - self.gap - self.measure(name), y, quantity)
        self.source_numbers(index, place, name_right, y, width)
        self.wire((name_right - self.gap / 2.0, y), (end, y))

    def sum_row(
        self, index: int, product: tuple[float, float], above: tuple[float, float], left: float
    ) -> tuple[float, float]:
        """The addition of one more product; gives where its result leaves."""
        middle = left + self.box_height / 2.0
        box = self.box(left, product[1], (index,))
        self.wire(product, (left, product[1]))
        self.down(above, (middle, product[1]))
        operation = self.operations[index]
        # Beside the wire that leads down.
        y = box.rect.bottom() + self.line + self.gap / 2.0
        self.result_numbers(index, middle + self.gap / 2.0, y, self.text_width(operation.value, operation.grad))
        return middle, box.rect.bottom()

    def down(self, start: tuple[float, float], middle: tuple[float, float]) -> None:
        """A wire into the top of the box around `middle`."""
        end = (middle[0], middle[1] - self.box_height / 2.0)
        self.wire(start, (middle[0], start[1]), end)

    # The activation: from left to right, what comes from the same operation above one another

    def draw_activation(self) -> None:
        """The operations from z to the activation."""
        operations = self.operations
        z, a = operations.z, operations.a
        if z is None or a is None or z == a:
            return
        groups = self.activation_groups(z, a)
        chain = _Chain(groups, *self.place_groups(groups, z))
        result, activation = operations[z].quantity, operations[a].quantity
        assert result is not None
        assert activation is not None
        self.middle = self.layout.height + 1.5 * self.line - min(0.0, *chain.lanes) * self.pitch
        name = self.name(self.margin, self.middle, result).rect
        chain.rights[z] = (name.right() + self.gap, self.middle)
        chain.bottoms[z] = (name.center().x(), name.bottom())
        x = chain.rights[z][0] + self.text_width(operations[z].value, operations[z].grad)
        self.result_numbers(z, chain.rights[z][0], self.middle, x - chain.rights[z][0])
        # At the end there is the activation's name as well.
        end_name = self.measure(self.writer.name(activation)) + self.gap + self.margin
        for level in range(1, max(chain.levels) + 1):
            x = self.draw_level(chain, level, x + self.arrow, end_name if level == max(chain.levels) else 0.0)
        for group in range(len(groups)):
            self.connect(chain, group)
        right, y = chain.rights[a]
        self.wire((right, y), (x + self.arrow, y))
        self.name(x + self.arrow + self.gap, y, activation)

    def draw_level(self, chain: _Chain, level: int, x: float, more: float) -> float:
        """The boxes of a level with their numbers; gives where these end. `more` room is wanted beyond that."""
        here = [group for group, at in enumerate(chain.levels) if at == level]
        results = [chain.groups[group][-1] for group in here]
        widest = max(self.box_width(self.symbol(chain.groups[group])) for group in here)
        width = max(self.text_width(self.operations[k].value, self.operations[k].grad) for k in results)
        if level > 1 and x + widest + width + self.arrow + more > self.width:
            x = self.fold(chain, level, x)
        for group, result in zip(here, results, strict=True):
            members = chain.groups[group]
            symbol = self.symbol(members)
            about = "The exponentials of all outputs, added." if len(members) > 1 else ""
            left = x + (widest - self.box_width(symbol)) / 2.0
            y = self.middle + chain.lanes[group] * self.pitch
            rect = self.box(left, y, members, symbol=symbol, about=about).rect
            chain.rects[group] = rect
            chain.rights[result] = (rect.right(), y)
            chain.bottoms[result] = (rect.center().x(), rect.bottom())
            self.result_numbers(result, rect.right(), y, x + widest + width - rect.right())
        return x + widest + width

    def fold(self, chain: _Chain, level: int, x: float) -> float:
        """Go on in a row below, if one wire alone leads to this level and beyond; gives where."""
        later = [group for group, at in enumerate(chain.levels) if at >= level]
        members = {index for group in later for index in chain.groups[group]}
        sources = {source for group in later for source in self.outside(chain.groups[group])} - members
        if len(sources) > 1:
            return x
        (source,) = sources
        start, y = chain.rights[source]
        between = self.layout.height + self.gap
        self.middle = between + 1.5 * self.line - min(0.0, *(chain.lanes[group] for group in later)) * self.pitch
        corner = self.margin
        path = [(start, y), (x, y), (x, between), (corner, between), (corner, self.middle)]
        self.wire(*path, (corner + self.arrow, self.middle), has_arrow=False)
        chain.rights[source] = (corner + self.arrow, self.middle)
        return corner + 2.0 * self.arrow

    def activation_groups(self, z: int, a: int) -> list[tuple[int, ...]]:
        """The operations that share a box: each alone, but those of the other neurons of a softmax and its sum."""
        operations = self.operations
        quantity = operations[a].quantity
        softmax = quantity is not None and operations.trace.network.neurons[quantity.subject].activation == "softmax"
        if not softmax:
            return [(index,) for index in range(z + 1, len(operations))]
        power, total = operations[a].operands
        assert isinstance(power, int)
        assert isinstance(total, int)
        before = operations[power].operands[0]
        own = [power] if before == z else [before, power]
        groups: list[tuple[int, ...]] = [(index,) for index in own if isinstance(index, int)]
        others = [index for index in range(z + 1, len(operations)) if index not in (*own, a, total)]
        # The sum comes last: it gives the box's value. Of a single neuron the exponential is the sum.
        if total != power:
            groups.append((*others, total))
        return [*groups, (a,)]

    def symbol(self, members: tuple[int, ...]) -> str:
        """What stands in a box."""
        return self.operations[members[-1]].symbol if len(members) == 1 else "Σ exp"

    def place_groups(self, groups: list[tuple[int, ...]], z: int) -> tuple[list[int], list[float]]:
        """Level (1 for the first after z) and lane of each box: 0 in the middle, below it positive."""
        of = {index: group for group, members in enumerate(groups) for index in members}
        levels, lanes = [0] * len(groups), [0.0] * len(groups)
        before: list[list[int]] = []
        for group, members in enumerate(groups):
            sources = self.outside(members)
            before.append([of[index] for index in sources if index in of and of[index] != group])
            levels[group] = 1 + max((levels[g] for g in before[group]), default=0)
        for level in range(1, max(levels) + 1):
            here = [group for group, at in enumerate(levels) if at == level]
            for place, group in enumerate(here):
                known = [lanes[g] for g in before[group]]
                lanes[group] = sum(known) / len(known) if known else 0.0
                if len(here) > 1:
                    lanes[group] = place - (len(here) - 1) / 2.0
        return levels, lanes

    def outside(self, members: tuple[int, ...]) -> list[int]:
        """The operations that a box takes its operands from, in the order of the operands, each wire for itself."""
        found = [q for index in members for q in self.operations[index].operands if isinstance(q, int)]
        return [index for index in found if index not in members]

    def connect(self, chain: _Chain, group: int) -> None:
        """The wires into a box; one that passes others by goes below them, with what it passes back."""
        rect, level = chain.rects[group], chain.levels[group]
        for source in dict.fromkeys(self.outside(chain.groups[group])):
            right, y = chain.rights[source]
            passed = [
                chain.rects[other].bottom()
                for other, at in enumerate(chain.levels)
                if chain.level_of(source) < at < level and chain.rects[other].top() < y < chain.rects[other].bottom()
            ]
            if not passed:
                self.wire((right, y), (rect.left() - self.arrow, y), (rect.left(), rect.center().y()))
                continue
            x, bottom = chain.bottoms[source]
            lane = max(passed) + 0.9 * self.line
            end = rect.center().x()
            self.wire((x, bottom), (x, lane), (end, lane), (end, rect.bottom()))
            self.passed_numbers(chain.groups[group], source, (x + end) / 2.0, lane)

    def passed_numbers(self, members: tuple[int, ...], source: int, x: float, y: float) -> None:
        """What comes back along one of several wires from an operation."""
        for index in members:
            operation: Operation = self.operations[index]
            for place, operand in enumerate(operation.operands):
                if operand == source and (index, place) in self.passed:
                    width = self.text_width(operation.passed[place])
                    rect = QRectF(x - width / 2.0, y - self.line, width, 2.0 * self.line)
                    self.add(Numbers(rect, source, None, (index, place), operation.passed[place]))
                    return
