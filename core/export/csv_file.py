"""A CSV table, one row a parameter: name, source, target, value.

A weight's row has its edge's source and target; edges that share a weight each have their row. A bias's row has its
neuron as name and target, and no source. Activations and loss are not in it, nor what no edge tells: see _left_out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.export.checked_file import write_checked
from core.export.form import ModelForm, model_form
from core.export.verify import Precision
from core.imports.assignments import listed
from core.jobs import Job, Written
from core.network import Network, Role
from core.project import Project

HEADER = ("name", "source", "target", "value")


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the parameters as a table. Raises ExportError."""
    network = project.network

    def put(form: ModelForm, file: Path) -> None:
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(_rows(network))

    def compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
        with file.open(encoding="utf-8", newline="") as opened:
            values = {(row["source"], row["target"]): float(row["value"]) for row in csv.DictReader(opened)}
        return _filled(model_form(network), values).outputs_of(x)

    written = yield from write_checked(
        project, path, precision=precision, put=put, compute=compute, where="read back as a table"
    )
    sentence = "The table holds the parameters alone: activations and loss are not in it."
    return Written(written.paths, (sentence, *_left_out(project), *written.sentences[1:]))


def _left_out(project: Project) -> tuple[str, ...]:
    """A sentence on what else of the network its table does not bring back, if anything."""
    network = project.network
    edges = network.edges.values()
    read = {edge.source for edge in edges}
    inputs = [neuron.id for neuron in network.inputs if neuron.id in read]
    if not inputs:
        return ("No edge leads from an input, so it cannot be imported as a new network.",)
    outputs = [neuron.id for neuron in network.outputs if neuron.id not in read]
    # Neurons come as the rows name them: sources and targets of edges first, then those of biases.
    named = dict.fromkeys([*(name for edge in edges for name in (edge.source, edge.target)), *network.neurons])
    places = {name: place for place, name in enumerate(named)}
    lost = {
        "inputs without edges are left out": [one.id for one in network.inputs if one.id not in read],
        "hidden neurons that lead nowhere become outputs": [
            one.id for one in network.with_role(Role.HIDDEN) if one.id not in read
        ],
        "outputs that lead on become hidden neurons": [one.id for one in network.outputs if one.id in read],
        "inputs or outputs come in another order": [
            name
            for names in (inputs, outputs)
            for name, other in zip(names, sorted(names, key=places.__getitem__), strict=True)
            if name != other
        ],
        "weights are shared no more": [edge.id for edge in edges if edge.tied_to],
        "parameters are frozen no more": sorted(network.frozen),
        "columns are scaled no more": list(dict.fromkeys(one.neuron for one in project.dataset.scalings)),
    }
    parts = [f"{what} ({listed(tuple(names))})" for what, names in lost.items() if names]
    return (f"Imported as a new network it differs: {', '.join(parts)}.",) if parts else ()


def _rows(network: Network) -> Iterator[tuple[str, str, str, str]]:
    for edge in network.edges.values():
        yield edge.id, edge.source, edge.target, repr(network.weight(edge.id))
    for neuron in network.neurons:
        if network.has_bias(neuron):
            yield neuron, "", neuron, repr(network.bias(neuron))


def _filled(form: ModelForm, values: dict[tuple[str, str], float]) -> ModelForm:
    """The form with the numbers of a table, by source and target."""
    names = form.names
    layers = []
    for layer in form.layers:
        sources = [names[place] for place in layer.sources]
        weight = [[values.get((source, neuron), 0.0) for source in sources] for neuron in layer.neurons]
        bias = [values["", neuron] for neuron in layer.neurons]
        layers.append(replace(layer, weight=np.array(weight), bias=np.array(bias)))
    return replace(form, layers=tuple(layers))
