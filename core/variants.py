"""The same exercise with other numbers: nice ones, with which every line of the calculation is worth making."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset
from core.learning import Learner, rate_of
from core.losses import LOSSES
from core.network import Edge, Network, Role
from core.plan import compile_network
from core.project import Project

# Weights are multiples of STEP up to 1, for neurons with many sources up to less; biases up to LARGEST_BIAS.
STEP = 0.05
LARGEST_BIAS = 0.6
# Tables with more rows than this are data of their own: their rows change places instead of their numbers.
MOST_DRAWN_ROWS = 8
# Of so many numbers others are chosen for inputs that are equal.
MOST_CHOICES = 1000
# So often numbers are drawn anew while a line of the calculation is not worth making; then the best ones are taken.
ATTEMPTS = 400
# What all attempts together may take, in parameters: large networks get fewer of them.
MOST_WORK = 200_000
# Without a new variant in so many attempts there is none.
MOST_REPEATS = 20

# What is readable with 4 digits and neither saturated nor almost 0.
LARGEST_Z = 3.5
LEAST_GRADIENT = 1e-4
LEAST_DIFFERENCE = 0.02
LARGEST_LOSS = 10.0

# Where the outputs of these activations lie.
_RANGES = {"sigmoid": (0.05, 0.95), "softmax": (0.05, 0.95), "tanh": (-0.95, 0.95), "relu": (0.1, 1.0)}

Draw = np.random.Generator
# Parameters by id, and the data.
Numbers = tuple[dict[str, float], Dataset]


class Variants:
    """Projects with other weights, inputs and targets, each unlike those before it where that is possible.

    Structure, settings, frozen parameters and tied weights stay. Inputs that are all 0 or 1 stay as they are (with
    the targets, where there are several rows: a truth table), unless nothing but 0 has been entered; targets of 0 and
    1 stay classes, and the rows of larger tables change places. The pass of these `rows` (of the first batch without
    them) is one to calculate by hand (`Critic`), as far as can be. The same seed gives the same variants in the same
    order.
    """

    def __init__(self, project: Project, seed: int, *, rows: Sequence[int] | None = None) -> None:
        self._project = project
        self._seed = seed
        self._critic = Critic(project, rows)
        self._seen: set[tuple[object, ...]] = set()
        self._number = 0

    def find(self) -> Generator[None, None, Project]:
        """Look for the next variant; it yields after each attempt, since all of them together take a while."""
        project, number = self._project, self._number + 1
        for repeat in range(MOST_REPEATS):
            values, dataset = yield from self._best(np.random.default_rng([self._seed, number, repeat]))
            key = (*values.values(), *(column.tobytes() for column in dataset.columns.values()))
            if key not in self._seen:
                break
        self._seen.add(key)
        self._number = number
        found = project.copy()
        found.begin_anew()
        found.notes, found.walkthrough, found.breakpoints = "", None, ()
        found.network.set_values(values)
        found.dataset = dataset
        found.title = f"{project.title or 'Network'}, variant {number}"
        found.source = f"Variant {number} of seed {self._seed}"
        return found

    def _best(self, rng: Draw) -> Generator[None, None, Numbers]:
        network = self._project.network
        attempts = max(1, min(ATTEMPTS, MOST_WORK // max(1, len(network.values))))
        best, fewest = None, np.inf
        for _ in range(attempts):
            numbers = _draw(self._project, rng)
            found = self._critic.flaws(*numbers)
            if best is None or found < fewest:
                best, fewest = numbers, found
            if not found:
                break
            yield
        assert best is not None
        return best


class Critic:
    """Counts how many numbers of a project's pass are not worth calculating by hand.

    `rows` are those whose pass it is, the first batch without them. It passes each attempt with the engine alone:
    hundreds are made for one variant.
    """

    def __init__(self, project: Project, rows: Sequence[int] | None = None) -> None:
        network = project.network
        plan = compile_network(network)
        self._network, self._settings, self._rows = network, project.settings, rows
        self._learner = Learner(plan, project.settings)
        self._inputs, self._outputs = ([n.id for n in of] for of in (network.inputs, network.outputs))
        neurons = network.neurons
        self._computed = [plan.rows[name] for name, n in neurons.items() if n.role is not Role.INPUT]
        self._rectified = [
            places
            for level in network.levels()
            if (places := [plan.rows[name] for name in level if neurons[name].activation == "relu"])
        ]
        edges: dict[str, list[Edge]] = {}
        for edge in network.edges.values():
            edges.setdefault(edge.parameter, []).append(edge)
        live = _reaching_output(network)
        self._can_learn = np.array(
            [any(n in live for n in ([e.target for e in edges.get(name, ())] or [name])) for name in plan.names],
            dtype=bool,
        )
        # Weights that nothing but inputs is multiplied with: which weight, and which input.
        place_of = {name: place for place, name in enumerate(self._inputs)}
        pairs = [
            (weight, place_of[edge.source])
            for weight, name in enumerate(plan.names)
            if all(edge.source in place_of for edge in edges.get(name, ()))
            for edge in edges.get(name, ())
        ]
        self._of_inputs = np.array(pairs, dtype=np.intp).reshape(-1, 2)

    def flaws(self, values: Mapping[str, float], dataset: Dataset) -> float:
        """The count for these parameters and data, 0 at best.

        Those are pre-activations so large that the activation is saturated, gradients of 0 or almost 0 that the
        structure does not ask for, outputs that are right already, and a very large loss. A layer of ReLUs that are
        all inactive counts for more than all others. Raises TrainingError where the pass cannot be computed.
        """
        settings, learner, plan = self._settings, self._learner, self._learner.plan
        # Which rows are the first batch depends on the places of the test rows.
        chosen = Project(dataset=dataset, settings=settings).first_rows if self._rows is None else self._rows
        rows = np.asarray(chosen, dtype=np.intp)
        if not self._outputs or not len(rows):
            return 0.0
        x, targets = dataset.matrix(self._inputs, rows), dataset.matrix(self._outputs, rows)
        # As the trace of a project at its start has it (core.passes).
        training = not dataset.test[rows].any()
        learner.load(values)
        loss = learner.gradient(
            x,
            targets,
            masks=learner.masks(1, len(x)) if training else None,
            rate=rate_of(settings, 0) if training else None,
        )
        work = learner.engine.workspace
        count = float((np.abs(work.z[self._computed]) > LARGEST_Z).sum())
        count += float((np.abs(work.raw[plan.output_rows] - targets.T) < LEAST_DIFFERENCE).sum())
        inactive = sum(int((~(work.z[places] > 0).any(axis=0)).sum()) for places in self._rectified)
        count += inactive * (len(self._network.values) + 1)
        if not np.isfinite(loss) or loss > LARGEST_LOSS:
            count += 1
        gradient = learner.engine.gradient[plan.name_positions]
        return count + float((self._learning(x) & ~(np.abs(gradient) >= LEAST_GRADIENT)).sum())

    def _learning(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Of which parameters a gradient of 0 would be one of these numbers: not where an input is 0, say."""
        weights, inputs = self._of_inputs.T
        is_fed = np.ones(len(self._can_learn), dtype=bool)
        is_fed[weights] = False
        is_fed[weights[np.isin(inputs, np.flatnonzero(x.any(axis=0)))]] = True
        learning: NDArray[np.bool_] = self._can_learn & is_fed
        return learning


def _reaching_output(network: Network) -> set[str]:
    """The neurons to which a gradient can come back from an output: past no step function."""
    found: set[str] = set()
    for level in reversed(network.levels()):
        for name in level:
            neuron = network.neurons[name]
            is_end = neuron.role is Role.OUTPUT
            if neuron.activation != "step" and (is_end or any(e.target in found for e in network.outgoing(name))):
                found.add(name)
    return found


def _draw(project: Project, rng: Draw) -> Numbers:
    drawn = _draw_values(project.network, rng, update_biases=project.settings.update_biases)
    return {**project.network.values, **drawn}, _draw_data(project, rng)


def _draw_values(network: Network, rng: Draw, *, update_biases: bool) -> dict[str, float]:
    free = [name for name in network.values if name not in network.frozen]
    weights = [name for name in free if name in network.edges]
    biases = [name for name in free if name not in network.edges]
    if not (update_biases or any(network.values[name] for name in biases)):
        # A network without biases stays one.
        biases = []
    values: dict[str, float] = {}
    by_limit: dict[float, list[str]] = {LARGEST_BIAS: biases} if biases else {}
    for name in weights:
        limit = _largest_weight(len(network.incoming(network.edges[name].target)))
        by_limit.setdefault(limit, []).append(name)
    for limit, names in by_limit.items():
        values |= zip(names, _distinct(rng, limit, len(names)), strict=True)
    return values


def _largest_weight(sources: int) -> float:
    return 1.0 if sources <= 4 else 0.6 if sources <= 12 else 0.3


def _distinct(rng: Draw, limit: float, count: int) -> list[float]:
    """Multiples of STEP up to `limit`, two thirds of them positive, none of them 0, of as few repeated as can be."""
    sizes = np.arange(1, round(limit / STEP) + 1)
    # The smallest ones make gradients too small.
    sizes = sizes[sizes * STEP >= 0.1] if limit > 0.1 else sizes
    drawn: list[int] = []
    while len(drawn) < count:
        drawn += rng.permutation(sizes).tolist()
    signs = np.where(rng.random(count) < 1 / 3, -1, 1)
    return [_nice(sign * size * STEP) for sign, size in zip(signs.tolist(), drawn, strict=False)]


def _nice(value: float) -> float:
    """Without the rounding error of a multiple; never −0."""
    return round(float(value), 2) + 0.0


def _draw_data(project: Project, rng: Draw) -> Dataset:
    network, dataset = project.network, project.dataset
    inputs = {n.id: dataset.columns[n.id] for n in network.inputs}
    targets = {n.id: dataset.columns[n.id] for n in network.outputs}
    drawn = dataset.copy()
    if not dataset.rows:
        return drawn
    if dataset.rows > MOST_DRAWN_ROWS:
        order = rng.permutation(dataset.rows)
        marks = dataset.test[order]
        drawn.set_values(_cells({name: column[order] for name, column in dataset.columns.items()}))
        drawn.set_test(np.flatnonzero(marks))
        drawn.set_test(np.flatnonzero(~marks), test=False)
        return drawn
    several = dataset.rows > 1
    # Nobody has entered anything in rows of zeros, such as those of an imported network.
    are_inputs_new = not any(column.any() for column in inputs.values())
    are_new = are_inputs_new and not any(column.any() for column in targets.values())
    # A single 0 or 1 is a number like any other.
    bits = not are_inputs_new and _are_binary(inputs) and len(inputs) * dataset.rows > 1
    if bits and several:
        return drawn
    new = [
        name for name, column in inputs.items() if not (bits or (several and not are_inputs_new and _is_binary(column)))
    ]
    columns = {name: _draw_inputs(column, rng) if name in new else column for name, column in inputs.items()}
    _tell_apart(columns, {name: _choices(inputs[name]) for name in new}, rng)
    columns |= _draw_targets(project, targets, rng, are_new=are_new)
    drawn.set_values(_cells(columns))
    return drawn


def _cells(columns: Mapping[str, NDArray[np.float64]]) -> dict[tuple[int, str], float]:
    return {(row, name): float(value) for name, column in columns.items() for row, value in enumerate(column)}


def _is_binary(column: NDArray[np.float64]) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def _are_binary(columns: Mapping[str, NDArray[np.float64]]) -> bool:
    return all(_is_binary(column) for column in columns.values())


def _input_steps(column: NDArray[np.float64]) -> tuple[float, int, int]:
    """The step of the numbers that a column's are drawn from, and the least and the largest of them in steps."""
    largest = float(np.abs(column).max())
    is_whole = largest > 1.0 and bool((column == np.round(column)).all())
    step = 1.0 if is_whole else STEP if largest <= 1.0 else 0.1 if largest <= 10.0 else 1.0
    return step, max(1, round(0.1 / step)), max(2, round(max(largest, 1.0) / step))


def _draw_inputs(column: NDArray[np.float64], rng: Draw) -> NDArray[np.float64]:
    """Numbers of the column's own sort: whole ones stay whole, ones below 0 occur where they did."""
    step, low, high = _input_steps(column)
    sizes = rng.integers(low, high + 1, size=len(column)) * step
    signs = np.where((column.min() < 0) & (rng.random(len(column)) < 0.5), -1.0, 1.0)
    return np.array([_nice(value) for value in sizes * signs])


def _choices(column: NDArray[np.float64]) -> list[float]:
    """What `_draw_inputs` chooses from, but for what is out of all proportion."""
    step, low, high = _input_steps(column)
    sizes = [_nice(size * step) for size in range(low, min(high, low + MOST_CHOICES) + 1)]
    return [*sizes, *(-size for size in sizes if column.min() < 0)]


def _tell_apart(columns: Mapping[str, NDArray[np.float64]], choices: Mapping[str, Sequence[float]], rng: Draw) -> None:
    """Draw again where two inputs of a row are equal, or all those of two rows, as far as there are `choices` enough.

    Equal inputs make equal gradients, and equal rows the same calculation twice. `choices` names the new columns.
    """
    seen: set[tuple[float, ...]] = set()
    for row in range(max(map(len, columns.values()), default=0)):
        numbers = {name: float(column[row]) for name, column in columns.items()}
        taken = {value for name, value in numbers.items() if name not in choices}
        for name in choices:
            if numbers[name] in taken:
                free = sorted({*choices[name]} - {*numbers.values()})
                numbers[name] = float(rng.choice(free)) if free else numbers[name]
            taken.add(numbers[name])
        for name in choices:
            if tuple(numbers.values()) not in seen:
                break
            others = {value for other, value in numbers.items() if other != name}
            free = [v for v in choices[name] if v not in others and tuple((numbers | {name: v}).values()) not in seen]
            numbers[name] = float(rng.choice(free)) if free else numbers[name]
        seen.add(tuple(numbers.values()))
        for name in choices:
            columns[name][row] = numbers[name]


def _draw_targets(
    project: Project, columns: Mapping[str, NDArray[np.float64]], rng: Draw, *, are_new: bool
) -> dict[str, NDArray[np.float64]]:
    if not columns:
        return {}
    table = np.stack(list(columns.values()), axis=1)
    are_shares = LOSSES[project.settings.loss].joint_activation == "softmax"
    if are_shares or (_are_binary(columns) and (len(columns) == 1 or not are_new)):
        if are_shares and are_new:
            table[:, 0] = 1.0
        if table.shape[1] == 1:
            return {name: rng.integers(0, 2, size=len(column)).astype(float) for name, column in columns.items()}
        # Each row keeps its probabilities, given to other classes.
        shuffled = np.array([rng.permutation(row) for row in table]).reshape(table.shape)
        return dict(zip(columns, shuffled.T, strict=True))
    largest = float(np.abs(table).max())
    drawn = {}
    for name, column in columns.items():
        low, high = _RANGES.get(project.network.neurons[name].activation, (-1.0, 1.0))
        if LOSSES[project.settings.loss].probabilities:
            low, high = _RANGES["sigmoid"]
        elif name not in _bounded(project.network):
            # A regression keeps the size and the sign of its targets.
            low, high = (-1.0 if table.min() < 0 else 0.1) * max(largest, 1.0), max(largest, 1.0)
        step = STEP if high <= 1.0 else 0.1 if high <= 10.0 else 1.0
        sizes = rng.integers(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1, size=len(column))
        drawn[name] = np.array([_nice(value) for value in sizes * step])
    return drawn


def _bounded(network: Network) -> set[str]:
    return {n.id for n in network.outputs if n.activation in ("sigmoid", "softmax", "tanh")}
