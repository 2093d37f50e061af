"""A network that grows neuron by neuron out of sums, until it is as large as can be drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from core.file_records import MAX_EDGES, MAX_NEURONS
from core.imports.records import MOST_NUMBERS, LayerNotes, NamedArrays, Notes, as_numbers, refuse


class Sum(Struct, frozen=True):
    """A pre-activation: the weights of neurons, by their places among all, and the bias."""

    terms: dict[int, float]
    bias: float = 0.0


# A row that is a neuron is its place.
Row = int | Sum


class GrowingNetwork:
    """Neurons by their places, each with its activation and what it sums up; `name` is the file's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sums: list[Sum] = []
        # "" for inputs.
        self.activations: list[str] = []
        # The places of neurons that came into being together.
        self.groups: list[list[int]] = []
        self.terms_left = MAX_EDGES + MAX_NEURONS

    def check_count(self, count: int) -> None:
        """Refuse so many neurons at once where they are too many."""
        if len(self.sums) + count > MAX_NEURONS:
            refuse(self.name, f"its graph has more than {MAX_NEURONS:,} neurons, which is more than can be drawn.")

    def spend(self, terms: int) -> None:
        """Refuse sums with more terms than there can be edges, before they take memory."""
        self.terms_left -= terms
        if self.terms_left < 0:
            refuse(self.name, f"its graph has more than {MAX_EDGES:,} edges, which is more than can be drawn.")

    def add(self, sums: Sequence[Sum], activation: str) -> list[int]:
        """New neurons, by their places."""
        self.check_count(len(sums))
        places = list(range(len(self.sums), len(self.sums) + len(sums)))
        self.sums += sums
        self.activations += [activation] * len(sums)
        if activation and places:
            self.groups.append(places)
        return places

    def described(self, outputs: list[int]) -> NamedArrays:
        """The network as a file of our own has it; `outputs` are places of neurons that are no inputs."""
        names = self._names(outputs)
        layers, arrays = [], {}
        number = 1
        # By order the first row is the first output, and the first column the first source, whatever came first here.
        output = {place: i for i, place in enumerate(outputs)}
        groups = [sorted(places, key=lambda place: output.get(place, -1)) for places in self.groups]
        inputs = [place for place, activation in enumerate(self.activations) if not activation]
        rank = {place: i for i, place in enumerate([*inputs, *(place for places in groups for place in places)])}
        for k, places in enumerate(groups):
            sources = sorted({source for place in places for source in self.sums[place].terms}, key=rank.__getitem__)
            if len(places) * len(sources) > MOST_NUMBERS:
                refuse(self.name, "a layer of it reads too many others to be drawn.")
            is_dense = all(len(self.sums[place].terms) == len(sources) for place in places)
            edges: list[list[str]] = []
            weight = np.zeros((len(places), len(sources)))
            for i, place in enumerate(places):
                terms = self.sums[place].terms
                weight[i] = [terms.get(source, 0.0) for source in sources]
                if not is_dense:
                    edges.append([f"w{number + j}" if source in terms else "" for j, source in enumerate(sources)])
                    number += len(sources)
            arrays[f"layers.{k}.weight"] = as_numbers(weight, name=self.name, array=f"layer {k + 1}")
            bias = np.array([self.sums[place].bias for place in places])
            arrays[f"layers.{k}.bias"] = as_numbers(bias, name=self.name, array=f"the bias of layer {k + 1}")
            layers.append(
                LayerNotes(
                    self.activations[places[0]],
                    [names[place] for place in places],
                    [names[source] for source in sources],
                    edges,
                )
            )
        notes = Notes(
            inputs=[names[place] for place in inputs],
            outputs=[names[place] for place in outputs],
            layers=layers,
            made_up=True,
        )
        return NamedArrays(self.name, arrays=arrays, notes=notes)

    def _names(self, outputs: list[int]) -> list[str]:
        places = {place: f"o{number}" for number, place in enumerate(outputs, 1)}
        counts = Counter[str]()
        names = []
        for place, activation in enumerate(self.activations):
            prefix = "h" if activation else "i"
            if place not in places:
                counts[prefix] += 1
            names.append(places.get(place, f"{prefix}{counts[prefix]}"))
        return names
