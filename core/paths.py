"""The chain rule written out: a gradient as the sum over all paths from a parameter to the loss.

Each path multiplies local derivatives, one for each arrow that it goes along. Backpropagation adds up the same
products without ever listing them, which is why it is quick; here they are listed.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from core.activations import ACTIVATIONS
from core.errors import TrainingError
from core.local_derivatives import local_derivatives
from core.network import Role
from core.notation import Writer
from core.quantities import Kind, Quantity
from core.style import Style
from core.trace import Trace

# How many paths are listed unless told otherwise.
LIMIT = 200


@dataclass(frozen=True, slots=True)
class Factor:
    """One local derivative of a path: what it reads, its symbol as text and as LaTeX, its value."""

    quantities: tuple[Quantity, ...]
    text: str
    latex: str
    value: float


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a parameter to the loss: its edges and neurons in order, and the product of its factors.

    A path may go from one softmax output to another without an edge: their activations belong together.
    """

    edges: tuple[str, ...]
    neurons: tuple[str, ...]
    factors: tuple[Factor, ...]
    product: float


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths from a parameter to one sample's loss.

    `paths` are those with the largest products, by absolute value, the largest first; `shown_total` is their sum.
    `count` and `total` are over all paths. `notes` says what a reader has to know of the factors.
    """

    parameter: str
    sample: int
    paths: tuple[Path, ...]
    count: int
    total: float
    shown_total: float
    notes: tuple[str, ...]


def parameter_of(trace: Trace, subject: str) -> str:
    """The parameter that a neuron's bias or an edge's weight is; raises TrainingError where there is none."""
    network = trace.network
    if subject in network.edges:
        return network.edges[subject].parameter
    if subject not in network.values:
        raise TrainingError(f"“{subject}” is not a parameter of this network: choose a weight or a bias.")
    return subject


def find_paths(
    trace: Trace,
    parameter: str,
    *,
    sample: int = 0,
    limit: int = LIMIT,
    style: Style = Style(),  # noqa: B008 - frozen
) -> Paths:
    """All paths from a parameter (an edge's id for its weight, a neuron's for its bias) to one sample's loss.

    Their products add up to the gradient of that sample's loss. The weights are those of the forward pass. Paths of
    a weight that edges share are those of all these edges. At most `limit` are listed; how many there are and what
    they add up to is found without listing them, in a time that grows with the number of edges.

    Raises TrainingError when there is no such parameter, or when a number on the way is infinite or NaN.
    """
    parameter = parameter_of(trace, parameter)
    return _Search(trace, parameter, sample, style).run(limit)


def parameter_gradient(trace: Trace, parameter: str, sample: int) -> float:
    """The engine's gradient of one sample's loss with respect to a parameter; tied edges are added up."""
    numbers = trace.sample_pass(sample)
    if parameter in trace.network.edges:
        return sum(numbers.weight_grad(edge.id) for edge in trace.network.edges_of_parameter(parameter))
    return numbers.pre_activation_grad(parameter)


# What a factor is: its sort and the neurons or the edge that it belongs to.
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Move:
    """From the pre-activation of one neuron to that of the next, or (`following` is "") to the loss."""

    value: float
    following: str
    edge: str
    head: str
    keys: tuple[_Key, ...]


class _Search:
    def __init__(self, trace: Trace, parameter: str, sample: int, style: Style) -> None:
        self.trace, self.network = trace, trace.network
        self.parameter, self.sample = parameter, sample
        self.writer = Writer(trace, style)
        self.edges = self.network.edges_of_parameter(parameter)
        starts = [edge.target for edge in self.edges] or [parameter]
        self.local = local_derivatives(trace, [sample], starts)
        # Of the ways on from each neuron: how many, their sum, the largest by absolute value.
        self.counts: dict[str, int] = {"": 1}
        self.sums: dict[str, float] = {"": 1.0}
        self.largest: dict[str, float] = {"": 1.0}
        self.moves: dict[str, list[_Move]] = {}

    def run(self, limit: int) -> Paths:
        for neuron in reversed(self.local.neurons):
            self._look_on(neuron)
        starts = self._starts()
        count = sum(self.counts[start.following] for start in starts)
        total = sum(start.value * self.sums[start.following] for start in starts)
        bound = max((abs(start.value) * self.largest[start.following] for start in starts), default=0.0)
        if not (math.isfinite(total) and math.isfinite(bound)):
            raise TrainingError(
                "A number on the way to the loss is not finite, so its paths have no sum: use smaller weights."
            )
        paths = sorted(self._best(starts, limit), key=lambda path: -abs(path.product))
        return Paths(
            parameter=self.parameter,
            sample=self.sample,
            paths=tuple(paths),
            count=count,
            total=total,
            shown_total=sum(path.product for path in paths),
            notes=self._notes(),
        )

    def _value(self, key: _Key) -> float:
        local = self.local
        match key:
            case ("output", neuron):
                return float(local.outputs[neuron][0])
            case ("slope", neuron, head):
                return float(local.slopes[neuron, head][0])
            case ("mask", neuron):
                return float(local.masks[neuron][0])
            case ("weight", edge):
                return float(local.weights[edge][0])
            case ("share", neuron):
                return float(local.shares[neuron][0])
            case ("joint", neuron):
                return float(local.joint[neuron][0])
            case _:
                return 1.0

    def _starts(self) -> list[_Move]:
        """dz/dw, or dz/db, then all ways on."""
        if not self.edges:
            starts = [_Move(1.0, self.parameter, "", "", (("bias", self.parameter),))]
        else:
            starts = []
            for edge in self.edges:
                key = "output", edge.source
                starts.append(_Move(self._value(key), edge.target, edge.id, edge.source, (key,)))
        return [start for start in starts if self.counts[start.following]]

    def _look_on(self, neuron: str) -> None:
        moves = []
        if neuron in self.local.joint:
            key = "joint", neuron
            moves.append(_Move(self._value(key), "", "", "", (key,)))
        for head in self.local.heads(neuron):
            keys: tuple[_Key, ...] = (("slope", neuron, head),)
            if head in self.local.masks:
                keys = (*keys, ("mask", head))
            value = math.prod(map(self._value, keys))
            crossed = head if head != neuron else ""
            if head in self.local.shares:
                end = "share", head
                moves.append(_Move(value * self._value(end), "", "", crossed, (*keys, end)))
            for edge in self.network.outgoing(head):
                if self.counts[edge.target]:
                    step = "weight", edge.id
                    moves.append(_Move(value * self._value(step), edge.target, edge.id, crossed, (*keys, step)))
        self.moves[neuron] = moves
        self.counts[neuron] = sum(self.counts[move.following] for move in moves)
        self.sums[neuron] = sum(move.value * self.sums[move.following] for move in moves)
        self.largest[neuron] = max((abs(move.value) * self.largest[move.following] for move in moves), default=0.0)

    def _best(self, starts: list[_Move], limit: int) -> list[Path]:
        """The `limit` paths with the largest products.

        What is begun is gone on with in the order of the largest product that it can end with. Of equal ones the
        longest goes first, so that each path is finished at once: the time grows with `limit`, not with `count`.
        """
        # (-bound, -length, a number so that nothing else is compared, the moves as a chain, last one first)
        queue: list[tuple[float, int, int, tuple[_Move, object]]] = []
        pushed = 0
        for start in starts:
            pushed += 1
            bound = abs(start.value) * self.largest[start.following]
            heapq.heappush(queue, (-bound, -1, pushed, (start, None)))
        found: list[Path] = []
        while queue and len(found) < limit:
            negative, length, _, chain = heapq.heappop(queue)
            here = chain[0].following
            if not here:
                found.append(self._path(chain))
                continue
            for move in self.moves[here]:
                pushed += 1
                # As a share of the largest, so that the best way on has the same bound to the last bit.
                best = self.largest[here]
                share = abs(move.value) * self.largest[move.following] / best if best else 1.0
                heapq.heappush(queue, (negative * share, length - 1, pushed, (move, chain)))
        return found

    def _path(self, chain: tuple[_Move, object]) -> Path:
        moves: list[_Move] = []
        link: object = chain
        while isinstance(link, tuple):
            moves.append(link[0])
            link = link[1]
        moves.reverse()
        neurons: list[str] = []
        for move in moves:
            neurons += [n for n in (move.head, move.following) if n]
        factors = tuple(self._write(key) for move in moves for key in move.keys)
        return Path(
            edges=tuple(move.edge for move in moves if move.edge),
            neurons=tuple(neurons),
            factors=factors,
            product=math.prod(factor.value for factor in factors),
        )

    # How factors are written

    def _write(self, key: _Key) -> Factor:
        writer, s = self.writer, self.sample
        quantities = self._read_by(key)
        match key:
            case ("bias", _):
                text = latex = "1"
            case ("slope", neuron, head) if self.network.neurons[neuron].activation == "softmax":
                above, below = Quantity(Kind.ACTIVATION, head, s), Quantity(Kind.WEIGHTED_SUM, neuron, s)
                text = f"∂{writer.name(above)}/∂{writer.name(below)}"
                latex = rf"\frac{{\partial {writer.symbol(above)}}}{{\partial {writer.symbol(below)}}}"
            case ("slope", neuron, _):
                z = Quantity(Kind.WEIGHTED_SUM, neuron, s)
                text, latex = slope_symbol(self.network.neurons[neuron].activation)
                text, latex = f"{text}({writer.name(z)})", f"{latex}({writer.symbol(z)})"
            case ("share" | "joint" as sort, neuron):
                whole = sort == "joint" and self.network.neurons[neuron].activation == "softmax"
                above = Quantity(Kind.LOSS, "", s) if whole else Quantity(Kind.LOSS_SHARE, neuron, s)
                below = Quantity(Kind.ACTIVATION if sort == "share" else Kind.WEIGHTED_SUM, neuron, s)
                text = f"∂{writer.name(above)}/∂{writer.name(below)}"
                latex = rf"\frac{{\partial {writer.symbol(above)}}}{{\partial {writer.symbol(below)}}}"
            case _:
                text, latex = writer.name(quantities[0]), writer.symbol(quantities[0])
        return Factor(quantities, text, latex, self._value(key))

    def _read_by(self, key: _Key) -> tuple[Quantity, ...]:
        """The quantities of the trace that a factor is computed from."""
        s, neurons = self.sample, self.network.neurons
        match key:
            case ("output", neuron):
                if neurons[neuron].role is Role.INPUT:
                    return (Quantity(Kind.INPUT, neuron, s),)
                return (
                    Quantity(Kind.DROPOUT if neuron in self.trace.schedule.dropped else Kind.ACTIVATION, neuron, s),
                )
            case ("slope", neuron, head) if neurons[neuron].activation == "softmax":
                return tuple(Quantity(Kind.ACTIVATION, n, s) for n in dict.fromkeys((head, neuron)))
            case ("slope", neuron, _):
                return Quantity(Kind.WEIGHTED_SUM, neuron, s), Quantity(Kind.ACTIVATION, neuron, s)
            case ("mask", neuron):
                return (Quantity(Kind.MASK, neuron, s),)
            case ("weight", edge):
                return (Quantity(Kind.WEIGHT, edge),)
            case ("share" | "joint", neuron):
                return Quantity(Kind.ACTIVATION, neuron, s), Quantity(Kind.TARGET, neuron, s)
            case _:
                return ()

    def _notes(self) -> tuple[str, ...]:
        notes, reached = [], [self.network.neurons[n] for n in self.local.neurons]
        if self.local.joint:
            softmax = any(n.activation == "softmax" for n in reached)
            names = "Softmax and cross-entropy" if softmax else "Sigmoid and binary cross-entropy"
            notes.append(f"{names} are taken together: a path into such an output ends with one factor for both.")
        elif any(n.activation == "softmax" for n in reached):
            notes.append("Each activation of a softmax depends on all its pre-activations: paths cross between them.")
        if self.local.masks:
            notes.append("Dropout: the masks are those of this update, and a mask of 0 ends a path with 0.")
        if len(self.edges) > 1:
            notes.append(f"{len(self.edges)} edges share this weight: the paths are those of all of them.")
        return tuple(notes)


def slope_symbol(activation: str) -> tuple[str, str]:
    """The derivative of an activation as text and as LaTeX: σ′, tanh′, ReLU′; f′ where it has no letters."""
    symbol = {"linear": "f"}.get(activation, ACTIVATIONS[activation].symbol)
    latex = {"σ": r"\sigma", "f": "f"}.get(symbol, rf"\mathrm{{{symbol}}}")
    return f"{symbol}′", f"{latex}'"
