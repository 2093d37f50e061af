"""Quantities as texts: each kind is written and read back, and what names nothing is refused with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ProjectError
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.references import read_reference, reference

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(EXAMPLES / "02-two-two-two-biases.nnviz")


def test_every_step_of_a_trace_can_be_written_and_read_back(project: Project) -> None:
    trace = trace_project(project, project.batch_rows(0))
    quantities = [trace.quantity_at(index) for index in range(len(trace))]
    assert len({reference(quantity) for quantity in quantities}) == len(quantities) == 57
    for quantity in quantities:
        assert read_reference(reference(quantity), project.network) == quantity


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_text(project: Project, kind: Kind) -> None:
    written = []
    # The loss alone is of no part of the network.
    for subject in ("",) if kind is Kind.LOSS else ("w5", "i1", "h1", "o1"):
        quantity = Quantity(kind, subject)
        try:
            found = read_reference(reference(quantity), project.network)
        except ProjectError:
            continue
        assert found == quantity
        written.append(subject)
    assert written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("z(h1)", Quantity(Kind.WEIGHTED_SUM, "h1")),
        (" a(o2) ", Quantity(Kind.ACTIVATION, "o2")),
        ("dL/dw(w5)", Quantity(Kind.WEIGHT_GRAD, "w5")),
        ("delta(h1)", Quantity(Kind.PRE_ACTIVATION_GRAD, "h1")),
        ("L", Quantity(Kind.LOSS, "")),
        ("L(o1)", Quantity(Kind.LOSS_SHARE, "o1")),
        ("z(h1)@2", Quantity(Kind.WEIGHTED_SUM, "h1", 1)),
        ("new(h1)", Quantity(Kind.UPDATE, "h1")),
    ],
)
def test_texts_as_a_person_writes_them(project: Project, text: str, expected: Quantity) -> None:
    assert read_reference(text, project.network) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names no quantity"),
        ("weight of w5", "names no quantity"),
        ("z", "no neuron called"),
        ("z(h9)", "“z(h9)”: the network has no neuron called “h9”."),
        ("w(h1)", "“w(h1)”: the network has no edge called “h1”."),
        ("new(x)", "no edge or neuron called “x”"),
        ("a(i1)", "its value is x(i1)"),
        ("x(h1)", "its value is a(h1)"),
        ("t(h1)", "h1 is no output"),
    ],
)
def test_what_names_nothing_is_refused_with_the_remedy(project: Project, text: str, sentence: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_reference(text, project.network)
    assert sentence in str(caught.value)


def test_a_network_without_output_has_no_loss() -> None:
    with pytest.raises(ProjectError, match="no output"):
        read_reference("L", Project().network)
