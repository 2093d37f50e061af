"""Moments brought about: the network after so many updates, the step, and captions with symbols and numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ProjectError
from core.moments import advance_run, agree, comes_from, fill_caption, have_same_data, project_of, steps_done
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.style import Notation, Style
from core.trace import Trace
from core.training import Run

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


def example(name: str) -> Project:
    return load_project(next(EXAMPLES.glob(f"*-{name}.nnviz")))


def trace_of(project: Project, row: int = 0) -> Trace:
    return trace_project(project, project.batch_rows(row))


# The network


def test_a_scene_after_updates_is_what_single_updates_make_of_it() -> None:
    scene = example("xor")
    run = advance_run(scene, Run(scene), 7)
    single = Run(scene)
    for update in range(7):
        single = single.advance(update, single.next_batch(update, scene.settings), scene.settings)
    made = project_of(scene, run, 7)
    assert made.updates == 7
    assert made.network.values == pytest.approx(single.parameters_at(7), rel=1e-12)
    assert made.start == scene.network.values
    # What is there already is not made again, and one can look back.
    assert advance_run(scene, run, 3) is run
    assert run.last >= 7
    assert project_of(scene, run, 0).network.values == scene.network.values


def test_a_scene_does_not_stop_where_a_person_s_run_would() -> None:
    scene = example("xor")
    scene.settings = replace(scene.settings, stop_loss=1e9, patience=1)
    run = advance_run(scene, Run(scene), 40)
    assert run.last == 40


# The step


@pytest.mark.parametrize(
    ("position", "steps"),
    [("start", 0), ("end", 57), ("12", 12), ("999", 57)],
)
def test_positions_by_number(position: str, steps: int) -> None:
    assert steps_done(trace_of(example("two-two-two-biases")), position, 0) == steps


def test_a_position_is_just_after_its_quantity() -> None:
    trace = trace_of(example("two-two-two-biases"))
    steps = steps_done(trace, "dL/dw(w5)", 0)
    assert trace[steps - 1].quantity == Quantity(Kind.WEIGHT_GRAD, "w5")


def test_in_a_batch_the_row_on_show_is_meant() -> None:
    project = example("batch")
    trace = trace_of(project)
    assert trace.batch > 1
    neuron = project.network.outputs[0].id
    for sample in range(trace.batch):
        steps = steps_done(trace, f"z({neuron})", sample)
        assert trace[steps - 1].quantity == Quantity(Kind.WEIGHTED_SUM, neuron, sample)
        assert trace.sample_at(max(1, steps_done(trace, "start", sample))) == sample


def test_a_position_that_no_step_reveals_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"“w\(w5\)”: no step reveals this"):
        steps_done(trace_of(example("two-two-two")), "w(w5)", 0)


# The caption


def test_symbols_and_numbers_in_words_and_in_formulas() -> None:
    trace = trace_of(example("two-two-one"))
    text = "Here [[dL/dw(w5)]] is [[dL/dw(w5)=]], exactly [[dL/dw(w5)=14]]; $[[z(h1)]] = [[z(h1)=3]]$."
    filled = fill_caption(text, trace, Style())
    # The printed value of the source agrees to twelve of these digits.
    assert r"$\frac{\partial L}{\partial w_{5}}$ is −0.05969, exactly −0.059693437674" in filled
    value = trace.value(Quantity(Kind.WEIGHTED_SUM, "h1"))
    assert value == pytest.approx(-0.35, abs=1e-12)
    assert filled.endswith("; $z_{h1} = -0.35$.")


def test_a_caption_follows_the_notation() -> None:
    trace = trace_of(example("two-two-two"))
    plain = fill_caption("[[z(h1)]] [[w(w5)]]", trace, Style())
    other = fill_caption("[[z(h1)]] [[w(w5)]]", trace, Style(Notation(pre_activation="net")))
    assert plain != other
    assert "net" in other


def test_what_is_not_there_stays_as_it_is_written() -> None:
    trace = trace_of(example("two-two-two"))
    assert fill_caption("about [[z(h9)=]] and [[nothing]]", trace, Style()) == "about z(h9) and nothing"
    assert fill_caption("no trace: [[z(h1)]]", None, Style()) == "no trace: [[z(h1)]]"


@pytest.mark.parametrize(
    "text", ["z(h1)@2", "L@999999999", "former1(w1)", "term1(w1)", "penalized(w1)", "m(h1)", "new(i1)"]
)
def test_what_this_trace_does_not_have_stays_as_it_is_written(text: str) -> None:
    trace = trace_of(example("two-two-two"))
    assert fill_caption(f"[[{text}]] [[{text}=]] $[[{text}]]$", trace, Style()) == f"{text} {text} ${text}$"


def test_no_number_is_shown_for_what_no_step_computes() -> None:
    project = example("two-two-two")
    project.settings = replace(project.settings, loss="binary_cross_entropy")
    assert fill_caption("[[dL/da(o1)=]]", trace_of(project), Style()) == "dL/da(o1)"


def test_digits_asked_for_are_few() -> None:
    trace = trace_of(example("two-two-two"))
    assert fill_caption("[[w(w1)=0]]", trace, Style()) == "0.1"
    for text in ("[[w(w1)=100]]", "[[w(w1)=" + "9" * 5000 + "]]"):
        assert fill_caption(text, trace, Style()) == text


def test_a_step_of_another_sample_than_there_is_is_refused() -> None:
    trace = trace_of(example("two-two-two"))
    with pytest.raises(ProjectError, match="no step reveals this"):
        steps_done(trace, "L@9", 0)


def test_numbers_of_a_caption_are_those_of_the_sample_on_show() -> None:
    project = example("batch")
    trace, neuron = trace_of(project), project.network.outputs[0].id
    texts = {fill_caption(f"[[z({neuron})=12]]", trace, Style(), sample) for sample in range(trace.batch)}
    assert len(texts) == trace.batch
    assert fill_caption(f"[[z({neuron})@2=12]]", trace, Style(), 0) == fill_caption(
        f"[[z({neuron})=12]]", trace, Style(), 1
    )


# Whether two projects are the same


def test_projects_agree_by_their_numbers_not_by_their_layout() -> None:
    one, other = example("xor"), example("xor")
    other.network.move({"h1": (500.0, 500.0)})
    assert have_same_data(one.dataset, other.dataset)
    assert agree(one, other)
    other.network.set_values({**other.network.values, next(iter(other.network.values)): 9.0})
    assert not agree(one, other)
    third = example("xor")
    third.settings = replace(third.settings, learning_rate=0.123)
    assert not agree(one, third)
    assert not agree(one, example("and"))


def test_a_project_comes_from_the_scene_that_its_training_began_with() -> None:
    scene = example("xor")
    trained = project_of(scene, advance_run(scene, Run(scene), 25), 25)
    assert comes_from(scene, Run(scene), trained)
    assert comes_from(scene, Run(scene), scene)
    other = trained.copy()
    other.network.set_values({**other.network.values, next(iter(other.network.values)): 9.0})
    assert not comes_from(scene, Run(scene), other)
    slower = example("xor")
    slower.settings = replace(slower.settings, learning_rate=0.001)
    assert not comes_from(slower, Run(slower), trained)
    assert not comes_from(trained, Run(trained), scene)
