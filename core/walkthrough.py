"""A walkthrough: an ordered list of moments, each a caption beside the network in a certain state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from core.errors import ProjectError
from core.network import Network
from core.references import read_reference

if TYPE_CHECKING:
    from core.project import Project

START, END = "start", "end"
# A reference in a caption: its symbol, or with = its number, with so many digits.
REFERENCE = re.compile(r"\[\[([^\[\]=]+)(=(\d{0,2}))?\]\]")
# No scene is trained further than this for a moment: one has to wait for it.
MOST_UPDATES = 20_000
# What a moment may hide besides neurons and edges: all numbers of a sort.
HIDEABLE = ("weights", "biases", "values", "gradients", "targets", "loss")


class Moment(Struct, frozen=True):
    """One moment: what is said, and what is on show meanwhile.

    `caption`: Markdown with formulas between dollar signs and references to quantities in double square brackets:
    ``[[dL/dw(w5)]]`` is its symbol, ``[[dL/dw(w5)=]]`` its number, ``[[dL/dw(w5)=8]]`` with so many digits.
    `scene`: which of the walkthrough's networks; `update`: the updates made since its beginning; `row`: the row of
    its data, from 0. `position`: how far that row is stepped through: "start", "end", a number of steps, or a
    reference (core.references) to the quantity that the last step has revealed. `operation`: how many of the
    elementary operations of the step after that are done. `ask`: references, the trail of a "Why?".
    `select`, `highlight`: ids of neurons and edges; `hide`: ids, or names in HIDEABLE. `panel`: the title of
    the panel to bring forward.
    """

    caption: str = ""
    scene: int = 0
    update: int = 0
    row: int = 0
    position: str = START
    operation: int = 0
    ask: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    highlight: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    panel: str = ""


class Walkthrough(Struct, frozen=True, eq=False):
    """Moments in their order, and the scenes that they are set in: projects without a walkthrough of their own.

    Immutable: each change gives another walkthrough, so that it can be undone.
    """

    moments: tuple[Moment, ...] = ()
    scenes: tuple[Project, ...] = ()

    def insert(self, place: int, moment: Moment, scene: Project) -> Walkthrough:
        """A moment put at `place`, set in `scene`, which is kept once however many moments share it."""
        found = next((i for i, known in enumerate(self.scenes) if known is scene), len(self.scenes))
        scenes = self.scenes if found < len(self.scenes) else (*self.scenes, scene)
        moment = replace(moment, scene=found)
        return Walkthrough((*self.moments[:place], moment, *self.moments[place:]), scenes)

    def change(self, place: int, moment: Moment) -> Walkthrough:
        """Another moment instead of the one at `place`."""
        return replace(self, moments=(*self.moments[:place], moment, *self.moments[place + 1 :]))

    def move(self, place: int, to: int) -> Walkthrough:
        """The moment at `place` moved to the place `to`."""
        moments = list(self.moments)
        moments.insert(to, moments.pop(place))
        return replace(self, moments=tuple(moments))

    def remove(self, place: int) -> Walkthrough:
        """Without the moment at `place`; scenes that no moment is set in any more are dropped."""
        return Walkthrough((*self.moments[:place], *self.moments[place + 1 :]), self.scenes).tidy()

    def tidy(self) -> Walkthrough:
        """Without scenes that no moment is set in."""
        used = sorted({moment.scene for moment in self.moments})
        moments = tuple(replace(moment, scene=used.index(moment.scene)) for moment in self.moments)
        return Walkthrough(moments, tuple(self.scenes[i] for i in used))


def references_in(caption: str) -> list[str]:
    """The references in a caption, as they are written."""
    return [found[1] for found in REFERENCE.finditer(caption)]


def refuse_broken(walkthrough: Walkthrough) -> None:
    """Raise ProjectError, naming the moment and the remedy, where one does not fit its network."""
    for place, moment in enumerate(walkthrough.moments, 1):
        if not 0 <= moment.scene < len(walkthrough.scenes):
            raise ProjectError(f"Moment {place} is set in scene {moment.scene + 1}, which the walkthrough lacks.")
        try:
            _refuse_broken(moment, walkthrough.scenes[moment.scene])
        except ProjectError as error:
            raise ProjectError(f"Moment {place} of the walkthrough: {error}") from None


def _refuse_broken(moment: Moment, scene: Project) -> None:
    network = scene.network
    if not 0 <= moment.row < max(1, scene.dataset.rows):
        raise ProjectError(f"its row {moment.row + 1} is none of the {scene.dataset.rows} rows of the data.")
    for text in (*references_in(moment.caption), *moment.ask):
        read_reference(text, network)
    if moment.position not in (START, END) and not moment.position.isdecimal():
        read_reference(moment.position, network)
    for what, names in (("selects", moment.select), ("highlights", moment.highlight), ("hides", moment.hide)):
        for name in names:
            if not _is_known(name, network) and not (what == "hides" and name in HIDEABLE):
                raise ProjectError(f"it {what} “{name}”, which is no neuron or edge of its network.")


def _is_known(name: str, network: Network) -> bool:
    return name in network.neurons or name in network.edges
