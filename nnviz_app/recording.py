"""Recording: what is on show becomes a moment of the project's walkthrough. Each change is one undo entry."""

from __future__ import annotations

from collections.abc import Hashable

from msgspec.structs import replace
from PySide6.QtCore import QObject

from core.moments import comes_from
from core.project import Project
from core.quantities import Kind, Quantity
from core.references import reference
from core.training import Run
from core.walkthrough import END, START, Moment, Walkthrough, refuse_broken
from nnviz_app.guide import Guide, waiting


class Recorder(QObject):
    """Adds, changes and orders moments.

    All methods raise ProjectError, with a sentence for the person, where a moment would not fit its network, and
    TrainingError during a run; the walkthrough then stays what it was.
    """

    def __init__(self, guide: Guide, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.guide = guide

    def add(self) -> None:
        """Put a moment that shows what is on show after the present one."""
        guide = self.guide
        place = guide.place + 1 if guide.count else 0
        moment, scene = self.capture()
        self._change(f"Add moment {place + 1}", guide.walkthrough.insert(place, moment, scene))
        guide.stay(place)

    def retake(self) -> None:
        """Let the present moment show what is on show now; its caption and its panel stay."""
        guide, place = self.guide, self.guide.place
        former = guide.moment
        if former is None:
            return
        moment, scene = self.capture()
        moment = replace(moment, caption=former.caption, panel=former.panel)
        changed = guide.walkthrough.insert(place, moment, scene).remove(place + 1)
        self._change(f"Change moment {place + 1}", changed)
        guide.stay(place)

    def set_caption(self, caption: str) -> None:
        """Give the present moment this caption; what is typed without a pause in between is one undo entry."""
        place = self.guide.place
        self._replace(f"Caption of moment {place + 1}", merge=("caption", place), caption=caption)

    def set_panel(self, title: str) -> None:
        """Choose the panel that the present moment brings forward; "" for none."""
        self._replace(f"Panel of moment {self.guide.place + 1}", panel=title)

    def take_parts(self) -> None:
        """Let the present moment highlight and hide what is highlighted and hidden now."""
        spot = self.guide.spotlight
        self._replace(
            f"Highlights of moment {self.guide.place + 1}",
            highlight=tuple(sorted(spot.highlighted)),
            hide=tuple(sorted(spot.hidden)),
        )

    def duplicate(self) -> None:
        """Put a copy of the present moment after it."""
        guide, place = self.guide, self.guide.place
        walkthrough, moment = guide.walkthrough, guide.moment
        if moment is not None:
            scene = walkthrough.scenes[moment.scene]
            self._change(f"Duplicate moment {place + 1}", walkthrough.insert(place + 1, moment, scene))
            guide.show(place + 1)

    def remove(self) -> None:
        """Remove the present moment."""
        guide, place = self.guide, self.guide.place
        if guide.count:
            self._change(f"Remove moment {place + 1}", guide.walkthrough.remove(place))
            guide.show(min(place, guide.count - 1))

    def move(self, place: int, to: int) -> None:
        """Move the moment at `place` to the place `to`; it is the one on show then."""
        guide = self.guide
        if place != to and 0 <= place < guide.count and 0 <= to < guide.count:
            self._change(f"Move moment {place + 1}", guide.walkthrough.move(place, to))
            guide.show(to)

    # How it is done

    def _replace(self, text: str, *, merge: Hashable = None, **changes: object) -> None:
        guide = self.guide
        if guide.moment is not None:
            self._change(text, guide.walkthrough.change(guide.place, replace(guide.moment, **changes)), merge=merge)

    def _change(self, text: str, walkthrough: Walkthrough, *, merge: Hashable = None) -> None:
        refuse_broken(walkthrough)
        former = self.guide.walkthrough
        if (walkthrough.moments, walkthrough.scenes) == (former.moments, former.scenes):
            return
        with self.guide.document.edit(text, merge=merge) as draft:
            draft.walkthrough = walkthrough if walkthrough.moments else None

    def capture(self) -> tuple[Moment, Project]:
        """What is on show as a moment without a caption, and the scene that it is set in.

        A scene that leads to the present network by its own training is used again, else one is made: from the
        beginning of the training where that leads here, else with the network as it is.
        """
        guide, project = self.guide, self.guide.document.project
        scene = self._find_scene(project)
        row, spot = guide.player.row, guide.spotlight
        moment = Moment(
            update=project.updates - scene.updates,
            row=row,
            position=self._position(),
            operation=guide.player.operation,
            ask=tuple(map(self._reference, guide.inquiry.trail)),
            select=tuple(guide.selection.ids),
            highlight=tuple(sorted(spot.highlighted)),
            hide=tuple(sorted(spot.hidden)),
        )
        return moment, scene

    def _find_scene(self, project: Project) -> Project:
        guide = self.guide
        with waiting(project.updates > 0):
            for scene in guide.walkthrough.scenes:
                if comes_from(scene, guide.run_of(scene), project):
                    return scene
            beginning = _scene_of(project)
            beginning.network.set_values(project.start_values())
            beginning.begin_anew()
            if project.updates and comes_from(beginning, Run(beginning), project):
                return beginning
        return _scene_of(project)

    def _position(self) -> str:
        player = self.guide.player
        if player.step is None:
            return START
        if player.index == player.length:
            return END
        return self._reference(player.step.quantity)

    def _reference(self, quantity: Quantity) -> str:
        """A quantity as text; one of the sample on show is that of whichever row the moment shows."""
        own = quantity.sample == self.guide.player.sample
        return reference(Quantity(quantity.kind, quantity.subject, 0) if own else quantity)

    # What a caption may refer to

    def offered(self) -> str:
        """The reference to what is asked about or selected, else to what the last step has revealed; or ""."""
        guide = self.guide
        network = guide.document.project.network
        if guide.inquiry.quantity is not None:
            return self._reference(guide.inquiry.quantity)
        for subject in reversed(guide.selection.ids):
            if subject in network.edges:
                return reference(Quantity(Kind.WEIGHT, subject))
            is_input = subject in {neuron.id for neuron in network.inputs}
            return reference(Quantity(Kind.INPUT if is_input else Kind.ACTIVATION, subject))
        return self._reference(guide.player.step.quantity) if guide.player.step is not None else ""


def _scene_of(project: Project) -> Project:
    """The project without what is not part of a scene."""
    scene = project.copy()
    scene.walkthrough, scene.breakpoints = None, ()
    scene.title = scene.source = scene.notes = ""
    return scene
