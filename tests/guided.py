"""The shipped walkthroughs, moment by moment: their projects, traces and captions."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.moments import advance_run, fill_caption, in_sample, project_of, steps_done
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.references import read_reference
from core.style import Notation, Style
from core.trace import Trace
from core.training import Run
from core.walkthrough import Moment, Walkthrough

FOLDER = Path(str(importlib.resources.files("resources").joinpath("walkthroughs")))
EXAMPLES = Path(__file__).parent / "data" / "worked_examples.json"
GOLDEN = {e["name"]: e for e in json.loads(EXAMPLES.read_text(encoding="utf-8"))}
# Symbols that are not the usual ones, to see that captions follow.
OTHER = Style(Notation("net", "out", "derivative", "α", "ends", "E"), 6)


@dataclass(frozen=True)
class Shown:
    """A moment brought about: its project and trace, the steps done, and the caption as it is read."""

    moment: Moment
    project: Project
    trace: Trace
    sample: int
    done: int
    caption: str

    def value(self, reference: str) -> float:
        return self.trace.value(in_sample(read_reference(reference, self.project.network), self.sample))

    def says(self, *numbers: tuple[str, float]) -> None:
        """The caption has these numbers, and each is the value beside it to all its digits."""
        for printed, value in numbers:
            assert re.search(rf"(?<![\d.−]){re.escape(printed)}(?!\d|\.\d)", self.caption), (printed, self.caption)
            decimals = len(printed.partition(".")[2])
            assert float(printed.replace("−", "-")) == pytest.approx(value, abs=0.5 * 10.0**-decimals + 1e-12)


class Guided:
    """A walkthrough file whose moments are brought about one after the other; each scene's run is made once."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / f"{name}.nnviz"
        self.project = load_project(self.path)
        assert self.project.walkthrough is not None
        self.walkthrough: Walkthrough = self.project.walkthrough
        self.runs = [Run(scene) for scene in self.walkthrough.scenes]

    def project_after(self, scene: int, update: int) -> Project:
        """A scene after so many updates."""
        start = self.walkthrough.scenes[scene]
        self.runs[scene] = advance_run(start, self.runs[scene], update)
        return project_of(start, self.runs[scene], update)

    def loss_after(self, shown: Shown, update: int) -> float:
        """The mean loss over the data of a moment's scene after so many updates."""
        self.project_after(shown.moment.scene, update)
        return self.runs[shown.moment.scene].table_loss(update)

    @functools.cache  # noqa: B019 - as many as there are moments
    def show(self, place: int) -> Shown:
        """The moment at `place`, counted from 1."""
        moment = self.walkthrough.moments[place - 1]
        project = self.project_after(moment.scene, moment.update)
        rows = project.batch_rows(moment.row)
        sample = int(np.flatnonzero(rows == moment.row)[0])
        trace = trace_project(project, rows)
        caption = fill_caption(moment.caption, trace, Style(), sample)
        return Shown(moment, project, trace, sample, steps_done(trace, moment.position, sample), caption)

    def titled(self, words: str) -> Shown:
        """The one moment whose heading ends with these words, else the one that has them."""
        places = [k for k, heading in enumerate(self.headings, 1) if heading.endswith(words)]
        places = places or [k for k, heading in enumerate(self.headings, 1) if words in heading]
        assert len(places) == 1, f"{words}: {places}"
        return self.show(places[0])

    @property
    def headings(self) -> list[str]:
        return [moment.caption.partition("\n")[0] for moment in self.walkthrough.moments]


@functools.cache
def guided(name: str) -> Guided:
    return Guided(name)
