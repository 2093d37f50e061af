"""Learning by trial and error beside gradient descent: the same start, and as many passes over the data for both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.batches import Batches
from core.errors import TrainingError
from core.learning import Learner, rate_of, refuse_updated_weights
from core.plan import compile_network
from core.project import Project

# Independent of what else is drawn with the same seed.
_STREAM = 5
# A backward pass costs about as much as a forward pass, so a gradient counts as two losses over the same rows.
UPDATE_COST = 2


class RandomSearch:
    """Random search and gradient descent from the parameters at update 0, each for `budget` loss evaluations.

    One evaluation is the loss over all training rows, without dropout. Random search makes one for each trial: in
    the mode "change" a trial adds a normal number of standard deviation `spread` to every parameter that training
    may change, and is kept if the loss falls; in the mode "fresh" it draws these parameters anew, normal numbers
    of standard deviation `spread`, whatever was before. Gradient descent uses the project's own settings; an update
    on b of n rows costs UPDATE_COST · b / n evaluations, an epoch as much as two. Looking at its loss for the plot
    is free. Penalties take part in the descent's updates, but the loss shown is that without.

    `search_losses`, shape (budget,), holds the best loss after 1, 2, ... evaluations, the first being the start's;
    `descent_losses` the loss at the costs `descent_evaluations`, one shape. NaN stands for what is not computed
    yet. `descent_problem` says why the descent ended early, where it did. The project is left as it is.

    Raises TrainingError when there is no loss, nothing to change, when budget or spread are not above 0, and
    where gradient descent cannot be made with the settings.
    """

    def __init__(
        self, project: Project, *, budget: int, seed: int, spread: float, mode: Literal["change", "fresh"] = "change"
    ) -> None:
        network, dataset, settings = project.network, project.dataset, project.settings
        rows = dataset.training_rows
        if not network.outputs or not len(rows):
            raise TrainingError("A search needs an output neuron and a training row of data with its target.")
        if budget < 1 or not (spread > 0.0 and np.isfinite(spread)):
            raise TrainingError("A search needs at least one evaluation and a spread above 0.")
        self.budget, self.spread, self.mode = budget, spread, mode
        self.settings = settings
        self.plan = compile_network(network)
        self._rows = rows
        self._x = dataset.matrix([n.id for n in network.inputs])
        self._targets = dataset.matrix([n.id for n in network.outputs])
        self._start = project.start_values()
        trainable = self.plan.trainable(update_biases=settings.update_biases)
        places = self.plan.name_positions
        self._changed = places if trainable is None else places[trainable[places] == 1.0]
        if not len(self._changed):
            raise TrainingError("Every parameter is frozen, so there is nothing to search for: thaw one.")
        self._rng = np.random.default_rng([seed, _STREAM])
        self._batches = Batches(rows, settings.batch_size, shuffle=settings.shuffle, seed=settings.seed)
        refuse_updated_weights(network, settings, self._batches.size)

        self.search_evaluations = np.arange(1, budget + 1, dtype=np.float64)
        self.search_losses = np.full(budget, np.nan)
        # How many trials were kept.
        self.kept = 0
        self.best: dict[str, float] = dict(self._start)
        self._costs = self._measured_costs()
        self.descent_evaluations = np.array([0.0, *(cost for _, cost in self._costs)])
        self.descent_losses = np.full(len(self.descent_evaluations), np.nan)
        self.descent_problem = ""

    def _measured_costs(self) -> list[tuple[int, float]]:
        """After which updates the descent's loss is looked at, and what it has cost then: once an evaluation."""
        rows, count = len(self._rows), self._batches.count
        # The rows used when each batch of an epoch is done.
        ends = np.array([stop for _, stop in self._batches.all_bounds])
        # The first update by which 1, 2, ... evaluations are used up: not by counting, as updates may be millions.
        needed = -(-np.arange(1, self.budget + 1) * rows // UPDATE_COST)
        epoch, within = np.divmod(needed - 1, rows)
        batch = np.searchsorted(ends, within + 1)
        updates, first = np.unique(epoch * count + batch + 1, return_index=True)
        costs = UPDATE_COST * (epoch * rows + ends[batch])[first] / rows
        return [pair for pair in zip(updates.tolist(), costs.tolist(), strict=True) if pair[1] <= self.budget]

    def _learner(self) -> Learner:
        learner = Learner(self.plan, self.settings)
        learner.load(self._start)
        return learner

    def _loss(self, learner: Learner) -> float:
        return learner.evaluate(self._x, self._targets, self._rows)[0]

    def compute(self) -> Iterator[int]:
        """Fill the arrays, both curves side by side; yield now and then how many evaluations both have made."""
        search, descent = self._search(), self._descend()
        for done in range(1, self.budget + 1):
            next(search)
            while (reached := next(descent, None)) is not None and reached < done:
                pass
            yield done
        for _ in descent:
            yield self.budget

    def _search(self) -> Iterator[None]:
        learner = self._learner()
        parameters = learner.engine.parameters
        best, best_loss = parameters.copy(), self._loss(learner)
        self.search_losses[0] = best_loss
        yield
        for place in range(1, self.budget):
            drawn = self._rng.normal(scale=self.spread, size=len(self._changed))
            parameters[:] = best
            if self.mode == "fresh":
                parameters[self._changed] = drawn
            else:
                parameters[self._changed] += drawn
            for positions in self.plan.ties:
                parameters[positions] = parameters[positions[0]]
            loss = self._loss(learner)
            # A start that overflows is left for any finite loss.
            if loss < best_loss or (np.isnan(best_loss) and not np.isnan(loss)):
                best[:], best_loss = parameters, loss
                self.kept += 1
                self.best = self.plan.unpack(best, kept=(self._start,))
            self.search_losses[place] = best_loss
            yield

    def _descend(self) -> Iterator[float]:
        """The updates one by one; yields the cost whenever the loss has been looked at."""
        learner, batches, settings = self._learner(), self._batches, self.settings
        self.descent_losses[0] = self._loss(learner)
        made = 0
        for place, (update, cost) in enumerate(self._costs, start=1):
            for number in range(made + 1, update + 1):
                epoch, batch = divmod(number - 1, batches.count)
                learner.bind(self._x, self._targets, batches.order(epoch))
                learner.updates(batches, batch, 1, number=number, rate=rate_of(settings, epoch))
            made = update
            loss = self._loss(learner)
            if not (np.isfinite(loss) and np.isfinite(learner.engine.parameters).all()):
                self.descent_problem = f"Gradient descent overflows before update {made}: try a smaller learning rate."
                return
            self.descent_losses[place] = loss
            yield cost


Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def random_search(
    project: Project, *, budget: int, seed: int, spread: float, mode: Literal["change", "fresh"] = "change"
) -> tuple[Curve, Curve]:
    """The whole of a `RandomSearch` at once: (evaluations, losses) of the search and of gradient descent."""
    search = RandomSearch(project, budget=budget, seed=seed, spread=spread, mode=mode)
    for _ in search.compute():
        pass
    return (search.search_evaluations, search.search_losses), (search.descent_evaluations, search.descent_losses)
