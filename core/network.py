"""The network that a person draws: neurons, edges, their parameters, and the rules that hold between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct
from msgspec.structs import replace

from core.activations import ACTIVATIONS
from core.errors import NetworkError


class Role(StrEnum):
    """What a neuron is for."""

    INPUT = "input"
    HIDDEN = "hidden"
    OUTPUT = "output"


# How new neurons are named: i1, h1, o1, as in most worked examples.
ROLE_PREFIX = {Role.INPUT: "i", Role.HIDDEN: "h", Role.OUTPUT: "o"}
_ID = re.compile(r"[^\W_]([\w.\-' ]{0,38}[\w.\-'])?")


class Neuron(Struct, frozen=True):
    """A neuron. `id` is its name; an input has no activation of its own (it is "linear") and no bias.

    `dropout` is the share of samples for which training leaves a hidden neuron out, from 0 to below 1.
    """

    id: str
    role: Role
    activation: str = "linear"
    dropout: float = 0.0


class Edge(Struct, frozen=True):
    """An edge from the neuron `source` to the neuron `target`. `tied_to` names the edge whose weight it shares."""

    id: str
    source: str
    target: str
    tied_to: str | None = None

    @property
    def parameter(self) -> str:
        """The id of the parameter that is this edge's weight."""
        return self.tied_to or self.id


Position = tuple[float, float]


class Network:
    """A free acyclic graph of neurons.

    Ids are unique among neurons and edges together. A parameter has the id of the neuron whose bias, or of
    the edge whose weight, it is: `values[id]` is its value, `frozen` holds the ids of those that an update
    leaves alone. `positions` holds where each neuron is drawn (scene units).

    Neurons and edges are immutable records, so a `copy` is cheap and never changes with the original.
    Every change that the rules refuse raises NetworkError and leaves the network as it was.
    """

    def __init__(self) -> None:
        self.neurons: dict[str, Neuron] = {}
        self.edges: dict[str, Edge] = {}
        self.values: dict[str, float] = {}
        self.frozen: frozenset[str] = frozenset()
        self.positions: dict[str, Position] = {}
        self._incoming: dict[str, tuple[str, ...]] = {}
        self._outgoing: dict[str, tuple[str, ...]] = {}

    # Reading

    def copy(self) -> Network:
        """A network that can be changed without changing this one."""
        twin = Network()
        twin.neurons = dict(self.neurons)
        twin.edges = dict(self.edges)
        twin.values = dict(self.values)
        twin.frozen = self.frozen
        twin.positions = dict(self.positions)
        twin._incoming = dict(self._incoming)
        twin._outgoing = dict(self._outgoing)
        return twin

    def share_unchanged(self, former: Network) -> None:
        """Take over each part that equals `former`'s, so that "unchanged" can be asked with ``is``."""
        for part in ("neurons", "edges", "values", "frozen", "positions"):
            theirs = getattr(former, part)
            ours = getattr(self, part)
            # dict equality ignores order, but the order of neurons and edges is part of a network.
            if ours == theirs and (part == "frozen" or list(ours) == list(theirs)):
                setattr(self, part, theirs)

    def neuron(self, neuron_id: str) -> Neuron:
        """The neuron with this id, or NetworkError."""
        try:
            return self.neurons[neuron_id]
        except KeyError:
            raise NetworkError(f"There is no neuron “{neuron_id}”.") from None

    def edge(self, edge_id: str) -> Edge:
        """The edge with this id, or NetworkError."""
        try:
            return self.edges[edge_id]
        except KeyError:
            raise NetworkError(f"There is no edge “{edge_id}”.") from None

    def with_role(self, role: Role) -> list[Neuron]:
        """The neurons with this role, in drawing order."""
        return [neuron for neuron in self.neurons.values() if neuron.role is role]

    @property
    def inputs(self) -> list[Neuron]:
        """The input neurons, in drawing order: the order of the features."""
        return self.with_role(Role.INPUT)

    @property
    def outputs(self) -> list[Neuron]:
        """The output neurons, in drawing order: the order of the targets."""
        return self.with_role(Role.OUTPUT)

    def incoming(self, neuron_id: str) -> list[Edge]:
        """The edges that end at this neuron, in drawing order."""
        return [self.edges[edge_id] for edge_id in self._incoming[neuron_id]]

    def outgoing(self, neuron_id: str) -> list[Edge]:
        """The edges that start at this neuron, in drawing order."""
        return [self.edges[edge_id] for edge_id in self._outgoing[neuron_id]]

    def edge_between(self, source: str, target: str) -> Edge | None:
        """The edge from `source` to `target`, if there is one."""
        return next((edge for edge in self.outgoing(source) if edge.target == target), None)

    def has_bias(self, neuron_id: str) -> bool:
        """Whether this neuron has a bias: all have one but the inputs."""
        return self.neurons[neuron_id].role is not Role.INPUT

    def bias(self, neuron_id: str) -> float:
        """The bias of this neuron."""
        return self.values[neuron_id]

    def weight(self, edge_id: str) -> float:
        """The weight of this edge."""
        return self.values[self.edges[edge_id].parameter]

    def edges_of_parameter(self, parameter: str) -> list[Edge]:
        """The edges that share this weight; empty for a bias."""
        return [edge for edge in self.edges.values() if edge.parameter == parameter]

    def levels(self) -> list[list[str]]:
        """The neurons by depth: inputs first, each neuron one level after the deepest of its sources.

        The output neurons that use softmax stand on one level, since each needs all their pre-activations.
        Raises NetworkError naming the neurons where a path leads from one of them to another.
        """
        depth: dict[str, int] = {}
        for group in self._sorted_groups():
            members = group if isinstance(group, tuple) else (group,)
            level = max(
                (depth[self.edges[edge].source] + 1 for member in members for edge in self._incoming[member]),
                default=0 if all(self.neurons[m].role is Role.INPUT for m in members) else 1,
            )
            for member in members:
                depth[member] = level
        levels: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for neuron_id in self.neurons:
            levels[depth[neuron_id]].append(neuron_id)
        return levels

    def _sorted_groups(self) -> Iterator[str | tuple[str, ...]]:
        softmax = tuple(neuron.id for neuron in self.neurons.values() if neuron.activation == "softmax")
        group_of: dict[str, str | tuple[str, ...]] = dict.fromkeys(softmax, softmax)
        graph: dict[str | tuple[str, ...], set[str | tuple[str, ...]]] = {}
        for neuron_id in self.neurons:
            sources = graph.setdefault(group_of.get(neuron_id, neuron_id), set())
            for edge_id in self._incoming[neuron_id]:
                source = self.edges[edge_id].source
                sources.add(group_of.get(source, source))
        try:
            yield from TopologicalSorter(graph).static_order()
        except CycleError as error:
            cycle = error.args[1]
            names = " → ".join("/".join(group) if isinstance(group, tuple) else group for group in cycle)
            if any(isinstance(group, tuple) for group in cycle):
                raise NetworkError(
                    f"A path leads from one softmax output to another ({names}): softmax needs all their "
                    "pre-activations at once, so take away an edge or choose another activation."
                ) from None
            raise NetworkError(f"The edges form a cycle: {names}. Take one of them away.") from None

    def free_id(self, prefix: str, number: int = 1) -> str:
        """The first of prefix1, prefix2, ... (from `number` on) that no neuron and no edge has."""
        while f"{prefix}{number}" in self.neurons or f"{prefix}{number}" in self.edges:
            number += 1
        return f"{prefix}{number}"

    # Changing

    def add_neuron(
        self,
        role: Role | str,
        *,
        id: str | None = None,
        activation: str | None = None,
        bias: float = 0.0,
        position: Position = (0.0, 0.0),
    ) -> Neuron:
        """Add a neuron and return it. Without `id` it is named i1, h1 or o1; without `activation` it is linear.

        Raises NetworkError for a taken or unusable id, an unknown activation, or softmax on a hidden neuron.
        """
        role = Role(role)
        neuron_id = self.free_id(ROLE_PREFIX[role]) if id is None else id
        self._check_new_id(neuron_id)
        neuron = Neuron(neuron_id, role, activation or "linear")
        self._check_activation(neuron)
        self.neurons[neuron_id] = neuron
        self.positions[neuron_id] = (float(position[0]), float(position[1]))
        self._incoming[neuron_id] = ()
        self._outgoing[neuron_id] = ()
        if role is not Role.INPUT:
            self.values[neuron_id] = float(bias)
        return neuron

    def connect(
        self,
        source: str,
        target: str,
        *,
        weight: float = 0.0,
        id: str | None = None,
        tied_to: str | None = None,
    ) -> Edge:
        """Add an edge from `source` to `target` and return it; without `id` it is named w1, w2, ...

        Raises NetworkError with `why_not_connect`'s reason, or for a taken or unusable id.
        """
        reason = self.why_not_connect(source, target)
        if reason:
            raise NetworkError(reason)
        return self._insert_edge(source, target, weight=weight, id=id, tied_to=tied_to)

    def why_not_connect(self, source: str, target: str) -> str | None:
        """Why an edge from `source` to `target` cannot be, in one sentence; None when it can."""
        self.neuron(source)
        second = self.neuron(target)
        if source == target:
            return f"{source} cannot feed itself: the network has no cycles."
        if second.role is Role.INPUT:
            return f"{target} is an input: its value is typed, so no edge can lead into it."
        if self.edge_between(source, target):
            return f"There is already an edge from {source} to {target}."
        path = self._path(target, source)
        if path:
            return f"An edge from {source} to {target} would close a cycle: {' → '.join([*path, target])}."
        softmax = [neuron.id for neuron in self.neurons.values() if neuron.activation == "softmax"]
        before = next((n for n in softmax if self._path(n, source)), None)
        after = next((n for n in softmax if self._path(target, n)), None)
        if before and after:
            return f"{before} and {after} share one softmax, so no path can lead from one to the other."
        return None

    def _path(self, start: str, end: str) -> list[str] | None:
        """The neurons on one path along the edges from `start` to `end`, both included."""
        came_from: dict[str, str] = {start: start}
        queue = [start]
        while queue:
            here = queue.pop()
            if here == end:
                path = [here]
                while came_from[here] != here:
                    here = came_from[here]
                    path.append(here)
                return path[::-1]
            for edge_id in self._outgoing[here]:
                following = self.edges[edge_id].target
                if following not in came_from:
                    came_from[following] = here
                    queue.append(following)
        return None

    def _insert_edge(self, source: str, target: str, *, weight: float, id: str | None, tied_to: str | None) -> Edge:
        edge_id = self.free_id("w") if id is None else id
        self._check_new_id(edge_id)
        if tied_to is not None:
            tied_to = self.edge(tied_to).parameter
        edge = Edge(edge_id, source, target, tied_to)
        self.edges[edge_id] = edge
        self._outgoing[source] += (edge_id,)
        self._incoming[target] += (edge_id,)
        if tied_to is None:
            self.values[edge_id] = float(weight)
        return edge

    def remove_neuron(self, neuron_id: str) -> None:
        """Take away a neuron with its edges."""
        self.neuron(neuron_id)
        self.remove_edges((*self._incoming[neuron_id], *self._outgoing[neuron_id]))
        del self.neurons[neuron_id], self.positions[neuron_id]
        del self._incoming[neuron_id], self._outgoing[neuron_id]
        self._drop_parameter(neuron_id)

    def remove_edge(self, edge_id: str) -> None:
        """Take away an edge. When others share its weight, the first of them keeps the value."""
        self.remove_edges([edge_id])

    def remove_edges(self, edge_ids: Iterable[str]) -> None:
        """Take away edges, as `remove_edge` does, but looking through all others only once."""
        gone = {edge_id: self.edge(edge_id) for edge_id in edge_ids}
        for index, ends in (
            (self._outgoing, {edge.source for edge in gone.values()}),
            (self._incoming, {edge.target for edge in gone.values()}),
        ):
            for neuron_id in ends:
                index[neuron_id] = tuple(e for e in index[neuron_id] if e not in gone)
        for edge_id in gone:
            del self.edges[edge_id]
        heirs: dict[str, str] = {}
        for edge in [e for e in self.edges.values() if e.tied_to in gone]:
            heir = heirs.setdefault(edge.parameter, edge.id)
            self.edges[edge.id] = replace(edge, tied_to=None if heir == edge.id else heir)
        for edge_id in gone:
            if edge_id in heirs:
                self._rename_parameter(edge_id, heirs[edge_id])
            self._drop_parameter(edge_id)

    def set_role(self, neuron_id: str, role: Role | str) -> None:
        """Make a neuron an input, hidden or output neuron; an input loses its bias and activation.

        Raises NetworkError when a neuron with incoming edges is to become an input.
        """
        neuron, role = self.neuron(neuron_id), Role(role)
        if role is neuron.role:
            return
        if role is Role.INPUT:
            if self._incoming[neuron_id]:
                edge = self.edges[self._incoming[neuron_id][0]]
                raise NetworkError(
                    f"{neuron_id} cannot become an input while edges lead into it: "
                    f"delete {edge.id} from {edge.source} first."
                )
            self._drop_parameter(neuron_id)
            self.neurons[neuron_id] = Neuron(neuron_id, role)
            return
        keeps = neuron.activation != "softmax" or role is Role.OUTPUT
        self.neurons[neuron_id] = Neuron(neuron_id, role, neuron.activation if keeps else "linear")
        self.values.setdefault(neuron_id, 0.0)

    def set_activation(self, neuron_id: str, activation: str) -> None:
        """Give a neuron another activation. Raises NetworkError where it cannot have it."""
        former = self.neuron(neuron_id)
        neuron = replace(former, activation=activation)
        self._check_activation(neuron)
        self.neurons[neuron_id] = neuron
        if activation == "softmax":
            try:
                self.levels()
            except NetworkError:
                self.neurons[neuron_id] = former
                raise

    def set_dropout(self, neuron_id: str, dropout: float) -> None:
        """Set the share of samples for which training leaves a hidden neuron out; it must be below 1."""
        neuron = replace(self.neuron(neuron_id), dropout=float(dropout))
        self._check_dropout(neuron)
        self.neurons[neuron_id] = neuron

    def set_value(self, parameter: str, value: float) -> None:
        """Set a bias (by its neuron's id) or a weight (by its edge's id, tied or not)."""
        self.values[self._parameter(parameter, "to set")] = float(value)

    def set_values(self, values: Mapping[str, float]) -> None:
        """Set every parameter named in `values`."""
        for name in values.keys() - self.values.keys():
            raise NetworkError(f"“{name}” is not a parameter.")
        self.values = {**self.values, **values}

    def set_frozen(self, parameter: str, frozen: bool = True) -> None:
        """Freeze a parameter, so that updates leave it alone, or thaw it."""
        parameter = self._parameter(parameter, "to freeze")
        self.frozen = self.frozen | {parameter} if frozen else self.frozen - {parameter}

    def _parameter(self, name: str, purpose: str) -> str:
        parameter = self.edges[name].parameter if name in self.edges else name
        if parameter not in self.values:
            raise NetworkError(f"“{parameter}” has no parameter {purpose}: inputs have no bias.")
        return parameter

    def tie(self, edge_id: str, to: str) -> None:
        """Let the edge share the weight of the edge `to`; the gradients of both are then added."""
        edge, owner = self.edge(edge_id), self.edge(to).parameter
        if edge.parameter == owner:
            return
        self.untie(edge_id)
        for other in [self.edges[edge_id], *(e for e in self.edges.values() if e.tied_to == edge_id)]:
            self.edges[other.id] = replace(other, tied_to=owner)
        self._drop_parameter(edge_id)

    def untie(self, edge_id: str) -> None:
        """Give a tied edge a weight of its own, with the value that it shared, and frozen if that was."""
        edge = self.edge(edge_id)
        if edge.tied_to is None:
            return
        self.values[edge_id] = self.values[edge.tied_to]
        if edge.tied_to in self.frozen:
            self.frozen = self.frozen | {edge_id}
        self.edges[edge_id] = replace(edge, tied_to=None)

    def rename(self, old: str, new: str) -> None:
        """Give a neuron or an edge another id, which must be free."""
        if old == new:
            return
        if old not in self.neurons and old not in self.edges:
            raise NetworkError(f"There is no neuron and no edge “{old}”.")
        self._check_new_id(new)
        renamed = {old: new}
        if old in self.neurons:
            self.neurons = {renamed.get(i, i): replace(n, id=new) if i == old else n for i, n in self.neurons.items()}
            self.positions = {renamed.get(i, i): p for i, p in self.positions.items()}
            self._incoming = {renamed.get(i, i): edges for i, edges in self._incoming.items()}
            self._outgoing = {renamed.get(i, i): edges for i, edges in self._outgoing.items()}
            for edge in [e for e in self.edges.values() if old in (e.source, e.target)]:
                self.edges[edge.id] = replace(
                    edge,
                    source=renamed.get(edge.source, edge.source),
                    target=renamed.get(edge.target, edge.target),
                )
        else:
            self.edges = {
                renamed.get(i, i): replace(
                    e, id=renamed.get(e.id, e.id), tied_to=renamed.get(e.tied_to or "", e.tied_to)
                )
                if old in (e.id, e.tied_to)
                else e
                for i, e in self.edges.items()
            }
            for index in (self._incoming, self._outgoing):
                for neuron_id, edge_ids in index.items():
                    if old in edge_ids:
                        index[neuron_id] = tuple(renamed.get(e, e) for e in edge_ids)
        self._rename_parameter(old, new)

    def move(self, positions: Mapping[str, Position]) -> None:
        """Place neurons elsewhere."""
        for neuron_id in positions:
            self.neuron(neuron_id)
        self.positions = {**self.positions, **positions}

    # The rules

    def _check_new_id(self, new_id: str) -> None:
        if not _ID.fullmatch(new_id):
            raise NetworkError(
                f"“{new_id}” cannot be a name: begin with a letter or digit, then letters, digits, spaces and . - _ ' "
                "up to 40 characters."
            )
        if new_id in self.neurons or new_id in self.edges:
            kind = "neuron" if new_id in self.neurons else "edge"
            raise NetworkError(f"The name “{new_id}” is taken by another {kind}: choose another name.")

    def _check_activation(self, neuron: Neuron) -> None:
        if neuron.activation not in ACTIVATIONS:
            raise NetworkError(
                f"{neuron.id}: there is no activation “{neuron.activation}”; choose one of {', '.join(ACTIVATIONS)}."
            )
        if neuron.role is Role.INPUT and neuron.activation != "linear":
            raise NetworkError(f"{neuron.id} is an input: its value is typed, so it has no activation.")
        if neuron.activation == "softmax" and neuron.role is not Role.OUTPUT:
            raise NetworkError(f"{neuron.id} is hidden: softmax goes over output neurons only.")

    @staticmethod
    def _check_dropout(neuron: Neuron) -> None:
        if not 0.0 <= neuron.dropout < 1.0:
            raise NetworkError(f"{neuron.id}: a dropout of {neuron.dropout:g} is not possible: choose 0 to below 1.")
        if neuron.dropout and neuron.role is not Role.HIDDEN:
            raise NetworkError(f"{neuron.id} is an {neuron.role}: only hidden neurons can be dropped out.")

    def _rename_parameter(self, old: str, new: str) -> None:
        if old in self.values:
            self.values = {new if i == old else i: value for i, value in self.values.items()}
        if old in self.frozen:
            self.frozen = self.frozen - {old} | {new}

    def _drop_parameter(self, parameter: str) -> None:
        self.values.pop(parameter, None)
        if parameter in self.frozen:
            self.frozen -= {parameter}

    @classmethod
    def build(
        cls,
        neurons: Iterable[tuple[Neuron, float, Position]],
        edges: Iterable[tuple[Edge, float]],
        frozen: Iterable[str] = (),
    ) -> Network:
        """A network from its records: (neuron, bias, position) and (edge, weight).

        The same rules as for `add_neuron` and `connect`, but cycles are looked for once at the end, so that a
        large file opens quickly. An edge may be tied to one that comes later. Raises NetworkError.
        """
        network = cls()
        for neuron, bias, position in neurons:
            network.add_neuron(neuron.role, id=neuron.id, activation=neuron.activation, bias=bias, position=position)
            if neuron.dropout:
                network.set_dropout(neuron.id, neuron.dropout)
        edges = list(edges)
        pairs: set[tuple[str, str]] = set()
        for edge, weight in edges:
            target = network.neuron(edge.target)
            network.neuron(edge.source)
            if target.role is Role.INPUT or edge.source == edge.target or (edge.source, edge.target) in pairs:
                raise NetworkError(f"{edge.id}: {network.why_not_connect(edge.source, edge.target)}")
            pairs.add((edge.source, edge.target))
            network._insert_edge(edge.source, edge.target, weight=weight, id=edge.id, tied_to=None)
        # Not by `tie` and `set_frozen`: once for each of many edges they would take minutes.
        owners = {edge.id for edge, _ in edges if edge.tied_to is None}
        for edge, _ in edges:
            if edge.tied_to is not None:
                network.edge(edge.tied_to)
                if edge.tied_to not in owners:
                    raise NetworkError(f"{edge.id} is tied to {edge.tied_to}, which has no weight of its own.")
                network.edges[edge.id] = edge
                del network.values[edge.id]
        network.frozen = frozenset(network._parameter(name, "to freeze") for name in frozen)
        network.levels()
        return network
