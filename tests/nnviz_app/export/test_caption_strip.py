"""The strip beneath an animation: what it says, and that nothing in it is ever cut off."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind
from core.style import Notation, Style
from core.trace import Trace
from nnviz_app.examples import examples
from nnviz_app.export.caption_strip import MARGIN, CaptionStrip, caption_of, set_formula
from nnviz_app.theme import theme

pytestmark = pytest.mark.usefixtures("qapp")
LONG = Style(Notation(pre_activation="net", activation="out", weights="ends", delta="derivative"), 8)
AROUND = 0xFF00FF


@pytest.fixture(scope="module")
def wide() -> Trace:
    """Nine inputs, four neurons with long names, two outputs."""
    project = Project()
    network = project.network
    inputs = [network.add_neuron("input").id for _ in range(9)]
    hidden = [network.add_neuron("hidden", id=f"feature_{place}").id for place in range(4)]
    outputs = [network.add_neuron("output", activation="softmax").id for _ in range(2)]
    rng = np.random.default_rng(1)
    for sources, targets in ((inputs, hidden), (hidden, outputs)):
        for source in sources:
            for target in targets:
                network.connect(source, target, weight=float(rng.normal()))
    project.dataset.follow(network)
    project.dataset.insert_rows(0, [{name: float(rng.normal()) for name in project.dataset.columns}])
    return trace_project(project)


def moments(trace: Trace) -> list[int]:
    """The number of steps done after the first step of each kind."""
    first: dict[Kind, int] = {}
    for index in range(len(trace)):
        first.setdefault(trace.quantity_at(index).kind, index + 1)
    return list(first.values())


def test_it_says_phase_step_sentence_and_formula() -> None:
    trace = trace_project(load_project(examples()[0].path))
    start = caption_of(trace, 0, Style())
    assert (start.phase, start.counter, start.parts) == ("START", "0 / 53", ())
    forward = caption_of(trace, 5, Style())
    assert (forward.phase, forward.hue, forward.counter) == ("FORWARD", "forward", "5 / 53")
    assert forward.sentence == "The pre-activation of h1: the 2 products that arrive there, plus its bias."
    (symbols, ink), (numbers, hue), (result, _) = forward.parts
    assert (symbols, ink) == (r"z_{h1} = w_{1} \, a_{i1} + w_{2} \, a_{i2} + b_{h1}", "text")
    assert (numbers, result, hue) == ("= 0.0075 + 0.02 + 0.35", "= 0.3775", "forward")
    assert caption_of(trace, 53, Style()).phase == "UPDATE"


def test_of_a_batch_it_says_which_sample_it_is() -> None:
    trace = trace_project(load_project(examples()[9].path))
    assert caption_of(trace, 1, Style()).phase == f"FORWARD · sample 1 of {trace.batch}"
    assert caption_of(trace, len(trace), Style()).phase == "UPDATE"


@pytest.mark.parametrize("width", [240, 400, 960, 1920])
def test_long_formulas_fit_into_their_room(wide: Trace, width: int) -> None:
    em = max(9.0, width / 62)
    for index in moments(wide):
        parts = caption_of(wide, index, LONG).parts
        formula = set_formula(parts, em=em, width=width - 2 * em, height=4 * em)
        assert formula.height <= 4 * em
        # Every piece of it is there, in order.
        joined = "".join(piece.latex.removeprefix("{} ") for line in formula.lines for piece in line)
        assert joined == "".join(latex for latex, _ in parts)


@pytest.mark.parametrize("width", [240, 640, 960])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_nothing_is_painted_beyond_the_margins(wide: Trace, width: int, mode: str) -> None:
    strip = CaptionStrip(width, max(9.0, width / 62))
    margin = round(0.5 * MARGIN * strip.em)
    for index in (0, *moments(wide)):
        image = QImage(width + 40, strip.height + 40, QImage.Format.Format_RGB32)
        image.fill(AROUND)
        with theme().borrowed(mode):  # type: ignore[arg-type]
            painter = QPainter(image)
            strip.paint(painter, 0, caption_of(wide, index, LONG))
            painter.end()
            panel = theme().palette.panel.rgb()
        pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
        beyond = np.concatenate([pixels[strip.height :].ravel(), pixels[:, width:].ravel()])
        assert set((beyond & 0xFFFFFF).tolist()) == {AROUND}
        inside = pixels[1 : strip.height]
        rim = [inside[:, :margin], inside[:, width - margin : width], inside[-round(0.3 * strip.em) :, :width]]
        assert all((part == panel).all() for part in rim), index


def test_a_formula_on_one_line_is_as_large_as_any(wide: Trace) -> None:
    parts = (("a_{1} = x_{1}", "text"), ("= 0.5", "forward"))
    formula = set_formula(parts, em=16, width=900, height=64)
    assert len(formula.lines) == 1
    long = caption_of(wide, moments(wide)[2], Style()).parts
    broken = set_formula(long, em=16, width=900, height=64)
    assert len(broken.lines) == 2
    assert broken.size == formula.size
