"""What is written on the canvas: every number as text, with the colour that it has at rest.

The items paint these texts and nothing else, so what they say here is what a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.activations import ACTIVATIONS
from core.losses import LOSSES
from core.network import Network, Role
from core.notation import Names, term_of
from core.numbers import NOT_COMPUTED, format_number
from core.quantities import PARAMETER_KINDS, TERM_KINDS, Kind, Phase, Quantity
from core.style import Notation
from nnviz_app.canvas.lettering import elided, pill_width
from nnviz_app.canvas.parts import Focus, PartKind
from nnviz_app.comparison import Comparison
from nnviz_app.document import Document
from nnviz_app.player import Player
from nnviz_app.preferences import LabelMode, Preferences

# An edge's name takes no more room than this in its label.
NAME_WIDTH = 52.0
# What an update computes of a parameter between its gradient and its new value.
_ON_THE_WAY = frozenset({Kind.PENALIZED_GRAD, *TERM_KINDS})
# The characters of a number as people type them, such as 0.25.
SHORT = 4
# Of more parameters than these, some at equal distances tell whether most numbers are long.
MANY = 1000
_SHARES = {
    "half_squared_error": "½(t−a)²", "half_mean_squared_error": "½(t−a)²", "squared_error": "(t−a)²",
    "mean_squared_error": "(t−a)²", "mean_absolute_error": "|t−a|", "huber": "huber", "binary_cross_entropy": "BCE",
    "summed_binary_cross_entropy": "BCE", "cross_entropy": "−t·ln a",
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """One number as text: `color` names the palette's colour that it has at rest, `quantity` is what it shows."""

    text: str
    color: str = "text"
    quantity: Quantity | None = None

    @property
    def is_known(self) -> bool:
        """Whether the number has been computed."""
        return not self.text.endswith(NOT_COMPUTED)


class CanvasTexts:
    """Reads document, player and preferences and says what stands where."""

    def __init__(self, document: Document, player: Player, preferences: Preferences) -> None:
        self.document, self.player, self.preferences = document, player, preferences
        self.comparison: Comparison | None = None
        # Neurons, edges and sorts of numbers that are left out: those of core.walkthrough.HIDEABLE, and "results",
        # what a pass makes of them: products, an output's share of the loss, the loss.
        self.hidden: frozenset[str] = frozenset()
        self._long_numbers: tuple[dict[str, float], int, bool] | None = None

    @property
    def network(self) -> Network:
        """The network on show."""
        return self.document.project.network

    def number(self, value: float | None, digits: int | None = None) -> str:
        """A number with the chosen digits; "–" for what is not computed yet."""
        return NOT_COMPUTED if value is None else format_number(value, digits or self.preferences.style.digits)

    @property
    def notation(self) -> Notation:
        """The symbols."""
        return self.preferences.notation

    @property
    def _places(self) -> int:
        """How many digits numbers usually have."""
        rounding = self.preferences.rounding
        return rounding.places if rounding is not None else self.preferences.digits

    def _quantity(self, kind: Kind, subject: str = "") -> Quantity:
        """A quantity of the sample on show."""
        once = kind in PARAMETER_KINDS or kind in (Kind.WEIGHT, Kind.BIAS)
        return Quantity(kind, subject, 0 if once else self.player.sample)

    def _parameter(self, kind: Kind, subject: str) -> float:
        """A weight or a bias, as the trace has it: rounded where its numbers are."""
        trace = self.player.trace
        known = trace is not None and (subject in trace.network.edges or subject in trace.network.neurons)
        if self.preferences.rounding is not None and trace is not None and known:
            return trace.value(Quantity(kind, subject))
        return self.network.weight(subject) if kind is Kind.WEIGHT else self.network.bias(subject)

    # Comparing

    @property
    def is_comparing(self) -> bool:
        """Whether differences are shown."""
        return self.comparison is not None and self.comparison.is_on

    def difference(self, parameter: str, digits: int | None = None) -> Text | None:
        """How much a parameter differs from the comparison's reference; None while nothing is compared."""
        if self.comparison is None or not self.is_comparing:
            return None
        value = self.comparison.differences.get(parameter)
        if not value:
            return Text(f"Δ {self.number(value, digits)}", "muted")
        sign, color = ("+", "positive") if value > 0 else ("", "negative")
        return Text(f"Δ {sign}{self.number(value, digits)}", color)

    def given(self, neuron_id: str) -> float | None:
        """An input's value or a target, as the network sees it."""
        dataset = self.document.project.dataset
        row = self.player.row
        if neuron_id not in dataset.columns or not 0 <= row < dataset.rows:
            return None
        trace = self.player.trace
        if self.preferences.rounding is not None and trace is not None and neuron_id in trace.network.neurons:
            is_input = self.network.neurons[neuron_id].role is Role.INPUT
            return trace.value(self._quantity(Kind.INPUT if is_input else Kind.TARGET, neuron_id))
        return float(dataset.seen(neuron_id)[row])

    # Neurons

    def value(self, neuron_id: str, digits: int | None = None) -> Text:
        """The number inside a neuron: an input's value, which is given, or the activation."""
        is_input = self.network.neurons[neuron_id].role is Role.INPUT
        if "values" in self.hidden:
            return Text("")
        if is_input:
            return Text(self.number(self.given(neuron_id), digits), quantity=self._quantity(Kind.INPUT, neuron_id))
        dropped = self.player.known(Kind.DROPOUT, neuron_id) is not None
        quantity = self._quantity(Kind.DROPOUT if dropped else Kind.ACTIVATION, neuron_id)
        return Text(self.number(self._passed_on(neuron_id), digits), quantity=quantity)

    def _passed_on(self, neuron_id: str) -> float | None:
        """The activation; where dropout has been at work, what is left of it."""
        dropped = self.player.known(Kind.DROPOUT, neuron_id)
        return self.player.known(Kind.ACTIVATION, neuron_id) if dropped is None else dropped

    def is_value_revealed(self, neuron_id: str) -> bool:
        """Whether the number inside a neuron has been reached by a step."""
        is_input = self.network.neurons[neuron_id].role is Role.INPUT
        return self.player.known(Kind.INPUT if is_input else Kind.ACTIVATION, neuron_id) is not None

    def symbol(self, neuron_id: str) -> str:
        """The sign of a neuron's activation function; nothing for an input."""
        neuron = self.network.neurons[neuron_id]
        if neuron.role is Role.INPUT:
            return ""
        symbol = "linear" if neuron.activation == "linear" else ACTIVATIONS[neuron.activation].symbol
        if "results" in self.hidden or self.player.known(Kind.DROPOUT, neuron_id) is None:
            return symbol
        mask = self.player.known(Kind.MASK, neuron_id)
        return f"{symbol} × {self.number(mask, 3)}" if mask else "dropped"

    def pre_activation(self, neuron_id: str) -> Text | None:
        """z, from the weighted sum on until the backward pass reaches the neuron."""
        if "values" in self.hidden or self.player.phase in (Phase.BACKWARD, Phase.UPDATE):
            return None
        z = self.player.known(Kind.WEIGHTED_SUM, neuron_id)
        if z is None:
            return None
        quantity = self._quantity(Kind.WEIGHTED_SUM, neuron_id)
        return Text(f"{self.notation.pre_activation} {self.number(z)}", "forward", quantity)

    def activation_gradient(self, neuron_id: str) -> Text | None:
        """dL/da, until dL/dz takes its place."""
        if "gradients" in self.hidden or self.player.known(Kind.PRE_ACTIVATION_GRAD, neuron_id) is not None:
            return None
        letters = ((self.notation.activation, Kind.ACTIVATION_GRAD), (self.notation.dropped, Kind.DROPOUT_GRAD))
        for letter, kind in letters:
            grad = self.player.known(kind, neuron_id)
            if grad is not None:
                name = f"∂{self.notation.loss}/∂{letter}"
                return Text(f"{name} {self.number(grad)}", "backward", self._quantity(kind, neuron_id))
        return None

    def delta(self, neuron_id: str) -> Text | None:
        """dL/dz, once it is computed."""
        delta = self.player.known(Kind.PRE_ACTIVATION_GRAD, neuron_id)
        if delta is None or "gradients" in self.hidden:
            return None
        quantity = self._quantity(Kind.PRE_ACTIVATION_GRAD, neuron_id)
        return Text(f"{self.notation.delta_word} {self.number(delta)}", "backward", quantity)

    def bias(self, neuron_id: str) -> Text | None:
        """The bias, and what the update makes of it."""
        if not self.network.has_bias(neuron_id) or "biases" in self.hidden:
            return None
        text = f"b {self.number(self._parameter(Kind.BIAS, neuron_id))}"
        new = self._new_value(neuron_id)
        if new is None:
            return Text(text, quantity=Quantity(Kind.BIAS, neuron_id))
        return Text(f"{text} → {self.number(new)}", quantity=Quantity(Kind.UPDATE, neuron_id))

    def bias_gradient(self, neuron_id: str) -> Text | None:
        """dL/db once computed; it makes way for the new bias. While comparing, the difference outside of its steps."""
        if self.hidden & {"biases", "gradients"}:
            return None
        step = self.player.step
        is_at_work = step is not None and step.phase in (Phase.BACKWARD, Phase.UPDATE)
        if step is None or not is_at_work or step.quantity.subject != neuron_id:
            difference = self.difference(neuron_id)
            if difference is not None:
                return difference
        if self._new_value(neuron_id) is not None:
            return None
        term = self._optimizer_term(neuron_id)
        if term is not None:
            return term
        grad = self._parameter_gradient(neuron_id)
        if grad is not None:
            quantity = Quantity(Kind.PARAMETER_GRAD, neuron_id)
            return Text(f"{self._gradient_sign()} {self.number(grad)}", "backward", quantity)
        grad = self.player.known(Kind.BIAS_GRAD, neuron_id)
        if grad is None:
            return None
        return Text(f"∂ {self.number(grad)}", "backward", self._quantity(Kind.BIAS_GRAD, neuron_id))

    def target(self, neuron_id: str) -> Text | None:
        """The target of an output."""
        if "targets" in self.hidden or self.network.neurons[neuron_id].role is not Role.OUTPUT:
            return None
        return Text(f"t {self.number(self.given(neuron_id))}", quantity=self._quantity(Kind.TARGET, neuron_id))

    def share(self, neuron_id: str) -> Text | None:
        """An output's share of the loss, with its formula."""
        if self.hidden & {"loss", "results"} or self.network.neurons[neuron_id].role is not Role.OUTPUT:
            return None
        share = self.number(self.player.known(Kind.LOSS_SHARE, neuron_id))
        return Text(f"{self._share_formula()} {share}", "muted", self._quantity(Kind.LOSS_SHARE, neuron_id))

    def _share_formula(self) -> str:
        name = self.document.project.settings.loss
        outputs = len(self.network.outputs)
        formula = _SHARES.get(name, name).replace("a", self.notation.activation)
        return f"{formula}/{outputs}" if LOSSES[name].mean and outputs > 1 else formula

    def loss(self) -> Text | None:
        """The loss of the sample on show."""
        if not self.network.outputs:
            return None
        if "results" in self.hidden:
            return Text("")
        return Text(self.number(self.player.known(Kind.LOSS)), quantity=self._quantity(Kind.LOSS))

    def _new_value(self, parameter: str) -> float | None:
        return self.player.known(Kind.UPDATE, parameter)

    def _parameter_gradient(self, parameter: str) -> float | None:
        return self.player.known(Kind.PARAMETER_GRAD, parameter)

    def _optimizer_term(self, parameter: str) -> Text | None:
        """What the last step has computed of this parameter on the way to its new value."""
        step, trace = self.player.step, self.player.trace
        if step is None or trace is None or step.kind not in _ON_THE_WAY or step.quantity.subject != parameter:
            return None
        return Text(f"{term_of(trace, step.kind).symbol} {self.number(step.value)}", "backward", step.quantity)

    def _gradient_sign(self) -> str:
        """How the gradient of the whole batch, or of tied weights, differs in writing from a single one."""
        return "mean ∂" if self.gradient_name() == "mean" else "Σ∂"

    def gradient_name(self) -> str:
        """What the gradient that an update takes is of those of the samples and the edges: their mean, or their sum."""
        trace = self.player.trace
        return "mean" if trace is not None and trace.batch > 1 and trace.mean else "sum of"

    # Edges

    def name(self, edge_id: str) -> str:
        """An edge's name, shortened for its label."""
        return elided("pill", Names(self.network, self.notation).edge(edge_id), NAME_WIDTH)

    @property
    def mode(self) -> LabelMode:
        """The label mode in force: AUTO made plain by the phase."""
        chosen = self.preferences.label_mode
        if chosen is not LabelMode.AUTO:
            return chosen
        phase = self.player.phase
        if phase is Phase.BACKWARD:
            return LabelMode.GRADIENT
        return LabelMode.UPDATE if phase is Phase.UPDATE else LabelMode.PRODUCT

    def weight(
        self, edge_id: str, *, width: float | None = None, wide: bool = True, focus: Focus | None = None
    ) -> Text:
        """The upper number of a label: the weight; in the update phase the old and the new one, or the new one alone.

        The first where `wide`, and where there is a `width`, if it is no wider: all labels are then written alike.
        """
        weight = self._parameter(Kind.WEIGHT, edge_id)
        color = "negative" if weight < 0 else "positive"
        if "weights" in self.hidden:
            return Text(self.name(edge_id), "muted")
        plain = f"{self.name(edge_id)} {self.number(weight)}"
        is_at_work = focus is not None and (PartKind.WEIGHT, edge_id) in focus.active
        new = self._new_value(self.network.edges[edge_id].parameter)
        if new is None or (self.preferences.label_mode is not LabelMode.AUTO and not is_at_work):
            return Text(plain, color, Quantity(Kind.WEIGHT, edge_id))
        updated = Quantity(Kind.UPDATE, self.network.edges[edge_id].parameter)
        both = f"{plain} → {self.number(new)}"
        if width is None or (wide and pill_width(both) <= width):
            return Text(both, color, updated)
        return Text(f"{self.name(edge_id)} → {self.number(new)}", color, updated)

    def single(self, edge_id: str, *, named: bool, width: float) -> tuple[PartKind, Text]:
        """The one number of a label that has room for no more, with as many of the digits as `width` allows."""
        asked = self.preferences.style.digits
        for digits in range(asked, 1, -1):
            kind, text = self._single(edge_id, named=named, digits=digits)
            if pill_width(text.text) <= width:
                break
        return kind, text

    def _single(self, edge_id: str, *, named: bool, digits: int) -> tuple[PartKind, Text]:
        def number(value: float) -> str:
            return format_number(value, digits)

        chosen, mode = self.preferences.label_mode, self.mode
        parameter = self.network.edges[edge_id].parameter
        difference = self.difference(parameter, digits)
        if difference is not None:
            return PartKind.GRADIENT, difference
        if "weights" in self.hidden:
            return PartKind.WEIGHT, Text(self.name(edge_id), "muted")
        weight = self._parameter(Kind.WEIGHT, edge_id)
        name = f"{self.name(edge_id)} " if named else ""
        color = "negative" if weight < 0 else "positive"
        new = self._new_value(parameter) if mode is LabelMode.UPDATE else None
        if new is not None:
            return PartKind.WEIGHT, Text(f"→ {number(new)}", color, Quantity(Kind.UPDATE, parameter))
        if mode is LabelMode.PRODUCT and chosen is LabelMode.PRODUCT:
            product = self.player.known(Kind.PRODUCT, edge_id)
            if product is not None:
                quantity = self._quantity(Kind.PRODUCT, edge_id)
                return PartKind.GRADIENT, Text(f"→ {number(product)}", "forward", quantity)
        if mode is LabelMode.GRADIENT or (mode is LabelMode.UPDATE and chosen is LabelMode.AUTO):
            grad, quantity = self._parameter_gradient(parameter), Quantity(Kind.PARAMETER_GRAD, parameter)
            if grad is None:
                grad = self.player.known(Kind.WEIGHT_GRAD, edge_id)
                quantity = self._quantity(Kind.WEIGHT_GRAD, edge_id)
            if grad is not None:
                return PartKind.GRADIENT, Text(f"∂ {number(grad)}", "backward", quantity)
        return PartKind.WEIGHT, Text(f"{name}{number(weight)}", color, Quantity(Kind.WEIGHT, edge_id))

    def lower(self, edge_id: str, focus: Focus) -> Text | None:
        """The lower number of a label: what the step needs of this edge, else what the label mode asks for."""
        known = self.player.known
        is_backward = focus.is_backward or self.mode in (LabelMode.GRADIENT, LabelMode.UPDATE)
        if "results" in self.hidden or ("gradients" in self.hidden and is_backward):
            return None
        if focus.lights(PartKind.GRADIENT, edge_id):
            if not focus.is_backward:
                return self._product(edge_id)
            # Of a whole neuron or layer the gradients matter more than what each edge passes on.
            if focus.kind in (Kind.CONTRIBUTION, Kind.ACTIVATION_GRAD) and not focus.is_unit:
                back = self._quantity(Kind.CONTRIBUTION, edge_id)
                return Text(f"← {self.number(known(Kind.CONTRIBUTION, edge_id))}", "backward", back)
            return self._gradient(edge_id)
        difference = self.difference(self.network.edges[edge_id].parameter)
        if difference is not None:
            return difference
        match self.mode:
            case LabelMode.WEIGHT:
                return None
            case LabelMode.PRODUCT:
                product = self._product(edge_id)
                is_automatic = self.preferences.label_mode is LabelMode.AUTO
                return None if is_automatic and not product.is_known else product
            case LabelMode.UPDATE if self.preferences.label_mode is LabelMode.UPDATE:
                parameter = self.network.edges[edge_id].parameter
                new, quantity = self._new_value(parameter), Quantity(Kind.UPDATE, parameter)
                return Text(f"→ {self.number(new)}", "muted" if new is None else "backward", quantity)
            case _:
                return self._gradient(edge_id)

    def _product(self, edge_id: str) -> Text:
        product = self.player.known(Kind.PRODUCT, edge_id)
        color = "muted" if product is None else "forward"
        return Text(f"→ {self.number(product)}", color, self._quantity(Kind.PRODUCT, edge_id))

    def _gradient(self, edge_id: str) -> Text:
        term = self._optimizer_term(self.network.edges[edge_id].parameter)
        if term is not None:
            return term
        parameter = self.network.edges[edge_id].parameter
        grad = self._parameter_gradient(parameter)
        if grad is not None:
            quantity = Quantity(Kind.PARAMETER_GRAD, parameter)
            return Text(f"{self._gradient_sign()} {self.number(grad)}", "backward", quantity)
        grad = self.player.known(Kind.WEIGHT_GRAD, edge_id)
        quantity = self._quantity(Kind.WEIGHT_GRAD, edge_id)
        return Text(f"∂ {self.number(grad)}", "muted" if grad is None else "backward", quantity)

    @property
    def has_lower(self) -> bool:
        """Whether labels have a lower number."""
        return self.preferences.label_mode is not LabelMode.WEIGHT or self.is_comparing

    def widest_lower(self, *, signed: bool = True) -> str:
        """A text as wide as a lower number usually gets: room is kept for it, so that labels do not jump."""
        trace = self.player.trace
        sign = self._gradient_sign() if signed and trace is not None and trace.batch > 1 else "∂"
        return f"{sign} {'−0.0' if signed else '0.0'}{'0' * self._places}"

    def widest_weight(self, edge_id: str, level: int) -> str:
        """A text as wide as an upper number usually gets at a level of detail (0 most, 3 least)."""
        weight = self._parameter(Kind.WEIGHT, edge_id)
        number = self._stand_in(weight)
        new = number if self._has_long_numbers() else f"{'−' if weight < 0 else ''}0.{'0' * self._places}"
        name = self.name(edge_id)
        ways = {
            0: (f"{name} {number} → {new}",),
            1: (f"{name} {number}", f"{name} → {new}"),
            2: (f"{name} {number}", f"→ {new}"),
        }.get(level, (number, new))
        return max(ways, key=len)

    def widest_bias(self, neuron_id: str) -> str:
        """A text as wide as the bias."""
        return f"b {self._stand_in(self._parameter(Kind.BIAS, neuron_id))}"

    def widest_beside(self) -> str:
        """A text as wide as an output's share of the loss usually gets."""
        return f"{self._share_formula()} 0.0{'0' * self._places}"

    def _stand_in(self, value: float) -> str:
        """A text as wide as a parameter: the number itself where numbers are short, as people type them.

        Where most have all their digits, any of so many digits: another digit or sign then moves no label.
        """
        if self._has_long_numbers():
            return f"−0.{'0' * self._places}"
        return self.number(value)

    def _has_long_numbers(self) -> bool:
        values, digits = self.network.values, self._places
        known = self._long_numbers
        if known is None or known[0] is not values or known[1] != digits:
            some = list(values.values())[:: len(values) // MANY + 1]
            long = sum(len(self.number(value).lstrip("−")) > SHORT for value in some)
            known = self._long_numbers = (values, digits, 2 * long > len(some))
        return known[2]
