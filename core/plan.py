"""A network compiled for the engine: levels of dense blocks over one flat parameter vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.activations import ACTIVATIONS, Activation, Array
from core.network import Network

Index = slice | NDArray[np.intp]

# A block over a contiguous range of sources needs no gathering, but carries a zero for each absent edge.
# Up to this many times the gathered block's size, or this many entries, the range is the quicker one.
SPAN_WASTE = 4
SPAN_FREE = 4096
# A block is split by rows when its size passes this many entries per edge.
BLOCK_WASTE = 16
BLOCK_FREE = 65536
# Masked blocks up to this many entries apart are masked together.
MASK_GAP = 4096


class Block(Struct, frozen=True):
    """A dense product: z[rows] = W · a[sources], W the parameters from `offset` on, shape (rows, sources).

    The first source is a row of ones, so that the first column of W holds the biases. `mask` is None when
    every entry is a parameter, else 1 where it is one. `feeds_back`: some source needs its gradient.
    """

    rows: slice
    sources: Index
    offset: int
    shape: tuple[int, int]
    mask: NDArray[np.float64] | None
    feeds_back: bool

    @property
    def size(self) -> int:
        """The number of entries of W."""
        return self.shape[0] * self.shape[1]


class Segment(Struct, frozen=True):
    """Neighbouring rows of one level with one activation."""

    rows: slice
    activation: Activation
    # The outputs among them whose gradient comes from the loss alone.
    last: bool


class Level(Struct, frozen=True):
    """The rows of one depth, their blocks and their activations."""

    rows: slice
    blocks: tuple[Block, ...]
    segments: tuple[Segment, ...]


class Plan(Struct, frozen=True, eq=False):
    """The compiled network. Values and gradients are arrays with one row per neuron, in level order.

    `rows[id]` is a neuron's row; each level starts with a row of ones of its own. `weight_position[edge]` and
    `bias_position[neuron]` index the flat parameter vector of length `size`, in which absent edges are zeros.
    `ties` lists the positions that share one parameter.
    """

    network: Network
    levels: tuple[Level, ...]
    row_count: int
    size: int
    rows: dict[str, int]
    ones: NDArray[np.intp]
    input_rows: Index
    output_rows: Index
    weight_position: dict[str, int]
    bias_position: dict[str, int]
    ties: tuple[NDArray[np.intp], ...]
    # How many rows the first level has (a row of ones and the inputs), and whether nobody but the first blocks,
    # each by a slice, reads the inputs among them.
    first_rows: int
    reads_inputs_first: bool
    # The neurons with dropout in the order of their rows, those rows, and their dropout.
    dropout_neurons: tuple[str, ...]
    dropout_rows: NDArray[np.intp]
    dropout_rates: NDArray[np.float64]
    names: list[str]
    name_positions: NDArray[np.intp]

    def pack(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """The flat parameter vector that holds `values`."""
        parameters = np.zeros(self.size)
        parameters[self.name_positions] = [values[name] for name in self.names]
        for positions in self.ties:
            parameters[positions] = parameters[positions[0]]
        return parameters

    def unpack(self, parameters: Array, *, kept: Iterable[Mapping[str, float]] = ()) -> dict[str, float]:
        """The value of each parameter by its id.

        Of float32 parameters those that are no more than a value in `kept`, rounded, have that value: what no update
        has changed, or what has come back to where it was, is so to the bit. The later ones in `kept` come first.
        """
        values: dict[str, float] = dict(zip(self.names, parameters[self.name_positions].tolist(), strict=True))
        if parameters.dtype != np.float64:
            rounded, numbers = parameters.dtype.type, dict(values)
            for known in kept:
                values |= {n: known[n] for n, value in numbers.items() if n in known and rounded(known[n]) == value}
        return values

    def gradient_masks(self) -> list[tuple[int, int, NDArray[np.float64]]]:
        """Where absent edges are: ranges (start, stop) of the flat vector, and 1 where a parameter is.

        Blocks that are near each other share a range, for a call costs more than a small block.
        """
        ranges: list[tuple[int, int]] = []
        whole = np.ones(self.size)
        for block in (block for level in self.levels for block in level.blocks):
            if block.mask is None:
                continue
            start, stop = block.offset, block.offset + block.size
            whole[start:stop] = block.mask.ravel()
            if ranges and start - ranges[-1][1] <= MASK_GAP:
                start, _ = ranges.pop()
            ranges.append((start, stop))
        return [(start, stop, whole[start:stop]) for start, stop in ranges]

    def weights(self) -> NDArray[np.float64]:
        """1 where the flat vector holds the weight of an edge, else 0; shape (size,)."""
        mask = np.zeros(self.size)
        mask[list(self.weight_position.values())] = 1.0
        return mask

    def trainable(self, *, update_biases: bool) -> NDArray[np.float64] | None:
        """1 where an update may change the flat vector, else 0; None when it may everywhere."""
        held = [
            position
            for name, position in zip(self.names, self.name_positions.tolist(), strict=True)
            if name in self.network.frozen or (name in self.bias_position and not update_biases)
        ]
        if not held:
            return None
        mask = np.ones(self.size)
        mask[held] = 0.0
        for positions in self.ties:
            mask[positions] = mask[positions[0]]
        return mask


def as_index(rows: list[int]) -> Index:
    """A slice where the rows follow one another, else an index array."""
    if rows and rows == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return np.array(rows, dtype=np.intp)


def compile_network(network: Network) -> Plan:
    """Sort the neurons by level and lay their parameters out in dense blocks."""
    rows: dict[str, int] = {}
    level_of_row: list[int] = []
    ordered_levels: list[list[str]] = []
    ones: list[int] = []
    order = {name: place for place, name in enumerate(ACTIVATIONS)}
    for depth, members in enumerate(network.levels()):
        ones.append(len(level_of_row))
        level_of_row.append(depth)
        # Outputs that feed nothing stand last, so that they make segments of their own.
        last = {n for n in members if network.neurons[n].role == "output" and not network.outgoing(n)}
        if depth:
            # Softmax has the last place in the order, so that its outputs stand together whatever they feed.
            softmax = {n for n in members if ACTIVATIONS[network.neurons[n].activation].coupled}
            members.sort(key=lambda n: (n in last or n in softmax, order[network.neurons[n].activation]))
        for neuron_id in members:
            rows[neuron_id] = len(level_of_row)
            level_of_row.append(depth)
        ordered_levels.append(members)

    layout = _Layout(network, rows, ones, level_of_row)
    levels = [layout.add_level(members) for members in ordered_levels[1:]]
    names = [*layout.bias_position, *(e.id for e in network.edges.values() if e.tied_to is None)]
    positions = [layout.bias_position.get(n, layout.weight_position.get(n, -1)) for n in names]
    tied: dict[str, list[int]] = {}
    for edge in network.edges.values():
        if edge.tied_to is not None:
            owner = tied.setdefault(edge.tied_to, [layout.weight_position[edge.tied_to]])
            owner.append(layout.weight_position[edge.id])
    first_rows = ones[1] if len(ones) > 1 else len(level_of_row)
    dropout = [n for n in (network.neurons[name] for name in rows) if n.dropout]
    return Plan(
        network=network,
        levels=tuple(levels),
        first_rows=first_rows,
        reads_inputs_first=_reads_inputs_first(levels, first_rows),
        dropout_neurons=tuple(n.id for n in dropout),
        dropout_rows=np.array([rows[n.id] for n in dropout], dtype=np.intp),
        dropout_rates=np.array([n.dropout for n in dropout]),
        row_count=len(level_of_row),
        size=layout.size,
        rows=rows,
        ones=np.array(ones, dtype=np.intp),
        input_rows=as_index([rows[n.id] for n in network.inputs]),
        output_rows=as_index([rows[n.id] for n in network.outputs]),
        weight_position=layout.weight_position,
        bias_position=layout.bias_position,
        ties=tuple(np.array(group, dtype=np.intp) for group in tied.values()),
        names=names,
        name_positions=np.array(positions, dtype=np.intp),
    )


def _reads_inputs_first(levels: list[Level], first_rows: int) -> bool:
    if levels and any(not isinstance(block.sources, slice) for block in levels[0].blocks):
        return False
    for block in (block for level in levels[1:] for block in level.blocks):
        if isinstance(block.sources, slice):
            if block.sources.start < first_rows:
                return False
        # The first row of all holds ones whatever the batch.
        elif ((block.sources > 0) & (block.sources < first_rows)).any():
            return False
    return True


class _Layout:
    """Hands out the flat vector's positions, level by level."""

    def __init__(self, network: Network, rows: dict[str, int], ones: list[int], level_of_row: list[int]) -> None:
        self.network = network
        self.rows = rows
        self.ones = ones
        self.level_of_row = level_of_row
        self.size = 0
        self.weight_position: dict[str, int] = {}
        self.bias_position: dict[str, int] = {}

    def add_level(self, members: list[str]) -> Level:
        first = self.rows[members[0]]
        blocks: list[Block] = []
        self._add_blocks(members, blocks)
        segments: list[Segment] = []
        for neuron_id in members:
            row = self.rows[neuron_id]
            neuron = self.network.neurons[neuron_id]
            activation = ACTIVATIONS[neuron.activation]
            last = neuron.role == "output" and not self.network.outgoing(neuron_id)
            # A softmax is one segment whatever its neurons feed: their activations belong together.
            if segments and segments[-1].activation is activation and (activation.coupled or segments[-1].last == last):
                former = segments.pop()
                segments.append(Segment(slice(former.rows.start, row + 1), activation, former.last and last))
            else:
                segments.append(Segment(slice(row, row + 1), activation, last))
        return Level(slice(first, first + len(members)), tuple(blocks), tuple(segments))

    def _add_blocks(self, members: list[str], blocks: list[Block]) -> None:
        network, rows = self.network, self.rows
        sources = sorted({rows[edge.source] for member in members for edge in network.incoming(member)})
        edge_count = sum(len(network.incoming(member)) for member in members)
        start = self.ones[self.level_of_row[sources[0]]] if sources else 0
        stop = sources[-1] + 1 if sources else 1
        gathered = len(members) * (len(sources) + 1)
        spanned = len(members) * (stop - start)
        if gathered > BLOCK_WASTE * edge_count + BLOCK_FREE and len(members) > 1:
            half = len(members) // 2
            self._add_blocks(members[:half], blocks)
            self._add_blocks(members[half:], blocks)
            return
        columns: list[int]
        if spanned <= max(SPAN_WASTE * gathered, SPAN_FREE):
            columns = list(range(start, stop))
            index: Index = slice(start, stop)
        else:
            columns = [0, *sources]
            index = np.array(columns, dtype=np.intp)
        column_of = {row: column for column, row in enumerate(columns)}
        shape = (len(members), len(columns))
        mask = np.zeros(shape)
        for r, member in enumerate(members):
            mask[r, 0] = 1.0
            self.bias_position[member] = self.size + r * shape[1]
            for edge in network.incoming(member):
                column = column_of[rows[edge.source]]
                mask[r, column] = 1.0
                self.weight_position[edge.id] = self.size + r * shape[1] + column
        blocks.append(
            Block(
                rows=slice(rows[members[0]], rows[members[-1]] + 1),
                sources=index,
                offset=self.size,
                shape=shape,
                mask=None if mask.all() else mask,
                feeds_back=any(self.level_of_row[row] > 0 for row in sources),
            )
        )
        self.size += shape[0] * shape[1]
