"""The same exercise with other numbers: nice ones, with which every line of the calculation is worth making."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset
from core.losses import LOSSES
from core.network import Network, Role
from core.passes import trace_project
from core.plan import Plan, compile_network
from core.project import Project
from core.trace import Trace

# Weights are multiples of STEP up to 1, for neurons with many sources up to less; biases up to LARGEST_BIAS.
STEP = 0.05
LARGEST_BIAS = 0.6
# Tables with more rows than this are data of their own: their rows change places instead of their numbers.
MOST_DRAWN_ROWS = 8
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


def variant(project: Project, seed: int, number: int, *, rows: Sequence[int] | None = None) -> Project:
    """Variant `number` (from 1) of this seed: the last one of so many `variants`."""
    return next(itertools.islice(variants(project, seed, rows=rows), number - 1, None))


def variants(project: Project, seed: int, *, rows: Sequence[int] | None = None) -> Iterator[Project]:
    """Projects with other weights, inputs and targets, each unlike those before it where that is possible.

    Structure, settings, frozen parameters and tied weights stay. Inputs that are all 0 or 1 stay as they are (with
    the targets, where there are several rows: a truth table), targets of 0 and 1 stay classes, and the rows of larger
    tables change places. The pass of these `rows` (of the first batch without them) is one to calculate by hand
    (`flaws`), as far as can be. The same seed gives the same variants in the same order.
    """
    plan = compile_network(project.network)
    seen: set[tuple[object, ...]] = set()
    for number in itertools.count(1):
        for repeat in range(MOST_REPEATS):
            found = _best(project, plan, np.random.default_rng([seed, number, repeat]), rows)
            key = _key(found)
            if key not in seen:
                break
        seen.add(key)
        found.title = f"{project.title or 'Network'}, variant {number}"
        found.source = f"Variant {number} of seed {seed}"
        yield found


def flaws(trace: Trace) -> float:
    """How many numbers of a trace are not worth calculating by hand, 0 at best.

    Those are pre-activations so large that the activation is saturated, gradients of 0 or almost 0 that the structure
    does not ask for, outputs that are right already, and a very large loss. A layer of ReLUs that are all inactive
    counts for more than all others.
    """
    network = trace.network
    if not network.outputs:
        return 0.0
    count = 0.0
    for sample in range(trace.batch):
        numbers = trace.sample_pass(sample)
        count += sum(
            abs(numbers.pre_activation(name)) > LARGEST_Z
            for name, n in network.neurons.items()
            if n.role is not Role.INPUT
        )
        count += sum(abs(numbers.activation(n.id) - numbers.targets[n.id]) < LEAST_DIFFERENCE for n in network.outputs)
        for level in trace.network.levels():
            rectified = [name for name in level if network.neurons[name].activation == "relu"]
            if rectified and not any(numbers.pre_activation(name) > 0 for name in rectified):
                count += len(network.values) + 1
    if not np.isfinite(trace.loss) or trace.loss > LARGEST_LOSS:
        count += 1
    return count + sum(
        not abs(gradient) >= LEAST_GRADIENT for name, gradient in trace.gradient.items() if _can_learn(trace, name)
    )


def _can_learn(trace: Trace, parameter: str) -> bool:
    """Whether a gradient of 0 would be one of these numbers alone: not if an input is 0, say."""
    network = trace.network
    edges = network.edges_of_parameter(parameter) if parameter in network.edges else []
    places = {neuron.id: place for place, neuron in enumerate(network.inputs)}
    if edges and all(e.source in places and not trace.x[:, places[e.source]].any() for e in edges):
        return False
    starts = [edge.target for edge in edges] or [parameter]
    return any(_reaches_output(network, start) for start in starts)


def _reaches_output(network: Network, start: str) -> bool:
    """Whether a gradient can come back from an output to this neuron: past no step function."""
    queue, seen = [start], {start}
    while queue:
        neuron = network.neurons[queue.pop()]
        if neuron.activation == "step":
            continue
        if neuron.role is Role.OUTPUT:
            return True
        new = [edge.target for edge in network.outgoing(neuron.id) if edge.target not in seen]
        seen.update(new)
        queue += new
    return False


def _key(project: Project) -> tuple[object, ...]:
    columns = project.dataset.columns
    return (*project.network.values.values(), *(column.tobytes() for column in columns.values()))


def _best(project: Project, plan: Plan, rng: Draw, rows: Sequence[int] | None) -> Project:
    best, fewest = project, np.inf
    schedule = None
    attempts = max(1, min(ATTEMPTS, MOST_WORK // max(1, len(project.network.values))))
    for _ in range(attempts):
        candidate = _draw(project, rng)
        if not candidate.dataset.rows:
            return candidate
        trace = trace_project(candidate, rows, plan=plan, schedule=schedule)
        schedule = trace.schedule
        found = flaws(trace)
        if found < fewest:
            best, fewest = candidate, found
        if not found:
            break
    return best


def _draw(project: Project, rng: Draw) -> Project:
    drawn = project.copy()
    drawn.begin_anew()
    drawn.notes, drawn.walkthrough, drawn.breakpoints = "", None, ()
    drawn.network.set_values(_draw_values(project.network, rng, update_biases=project.settings.update_biases))
    drawn.dataset = _draw_data(project, rng)
    return drawn


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
    # A single 0 or 1 is a number like any other.
    bits = _are_binary(inputs) and len(inputs) * dataset.rows > 1
    if bits and several:
        return drawn
    columns = {
        name: column if bits or (several and _is_binary(column)) else _draw_inputs(column, rng)
        for name, column in inputs.items()
    }
    columns |= _draw_targets(project, targets, rng)
    drawn.set_values(_cells(columns))
    return drawn


def _cells(columns: Mapping[str, NDArray[np.float64]]) -> dict[tuple[int, str], float]:
    return {(row, name): float(value) for name, column in columns.items() for row, value in enumerate(column)}


def _is_binary(column: NDArray[np.float64]) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def _are_binary(columns: Mapping[str, NDArray[np.float64]]) -> bool:
    return all(_is_binary(column) for column in columns.values())


def _draw_inputs(column: NDArray[np.float64], rng: Draw) -> NDArray[np.float64]:
    """Numbers of the column's own sort: whole ones stay whole, ones below 0 occur where they did."""
    largest = float(np.abs(column).max())
    is_whole = largest > 1.0 and bool((column == np.round(column)).all())
    step = 1.0 if is_whole else STEP if largest <= 1.0 else 0.1 if largest <= 10.0 else 1.0
    low, high = max(1, round(0.1 / step)), max(2, round(max(largest, 1.0) / step))
    sizes = rng.integers(low, high + 1, size=len(column)) * step
    signs = np.where((column.min() < 0) & (rng.random(len(column)) < 0.5), -1.0, 1.0)
    return np.array([_nice(value) for value in sizes * signs])


def _draw_targets(
    project: Project, columns: Mapping[str, NDArray[np.float64]], rng: Draw
) -> dict[str, NDArray[np.float64]]:
    if not columns:
        return {}
    table = np.stack(list(columns.values()), axis=1)
    if _are_binary(columns) or LOSSES[project.settings.loss].joint_activation == "softmax":
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
