"""The written-out pass: numbered lines for people, full precision for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given, settings

from core.dataset import Dataset
from core.errors import TrainingError
from core.network import Network
from core.numbers import parse_number
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.report import HEADINGS, data_report, text_report
from core.settings import Settings
from core.style import Style

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "resources" / "examples").glob("*.nnviz"))
DOCS = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
STEP = re.compile(r" +(\d+)  (.+?)  +(\S.*)")


def project_of(case: Case) -> Project:
    network = case.network
    columns: dict[str, np.ndarray] = {n.id: case.x[:, k] for k, n in enumerate(network.inputs)}
    columns |= {n.id: case.targets[:, k] for k, n in enumerate(network.outputs)}
    return Project(network, Dataset(columns), Settings(loss=case.loss, batch_mean=case.mean, batch_size=0))


def split(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Headings, lines of steps, lines of the summary."""
    end = lines.index("Summary") if "Summary" in lines else len(lines)
    headings = [line for line in lines[:end] if line and not line.startswith(" ")]
    return headings, [line for line in lines[:end] if line.startswith(" ")], lines[end + 1 :]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_lines_are_numbered_and_the_summary_is_exact(path: Path) -> None:
    project = load_project(path)
    trace = trace_project(project)
    lines = list(text_report(project))
    headings, steps, summary = split(lines)
    matches = [STEP.fullmatch(line) for line in steps]
    assert all(matches)
    assert [int(match[1]) for match in matches if match] == list(range(1, len(trace) + 1))
    for match, step in zip(matches, trace, strict=True):
        assert match
        assert parse_number(re.split(" [=≈] ", match[2])[-1]) == pytest.approx(step.value, rel=1e-5)
    assert [heading.partition(",")[0] for heading in headings] == [
        *[HEADINGS[phase] for phase in list(HEADINGS)[:3]] * trace.batch,
        "Update",
    ]
    loss, header, *rows = summary
    assert parse_number(loss.rpartition(": ")[2]) == trace.loss
    assert header.split() == ["parameter", "value", "gradient", "new", "value"]
    read = {cells[0]: cells for cells in (re.split(r"  +", row.strip()) for row in rows)}
    names = {name if name in trace.network.edges else f"bias of {name}": name for name in trace.values}
    assert set(read) == set(names)
    for shown, name in names.items():
        assert parse_number(read[shown][2]) == trace.gradient[name]
        assert parse_number(read[shown][3]) == trace.new_values[name]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_data_are_the_trace_s_own_numbers(path: Path) -> None:
    project = load_project(path)
    trace = trace_project(project)
    data = data_report(project)
    check_structure(data)
    assert data["rows"] == [row + 1 for row in project.batch_rows(0)]
    assert data["loss"] == project.settings.loss
    assert data["learning_rate"] == project.settings.learning_rate
    assert data["update_biases"] == project.settings.update_biases
    assert data["summary"] == {
        "loss": trace.loss,
        "gradient": trace.gradient,
        "value": trace.values,
        "new_value": trace.new_values,
    }
    steps = data["steps"]
    assert isinstance(steps, list)
    assert [step["value"] for step in steps] == [step.value for step in trace]
    assert [[o["value"] for o in step["operands"]] for step in steps] == [
        [trace.value(q) for q in step.operands] for step in trace
    ]


def documented(heading: str) -> set[str]:
    """The keys that the first column of the table after these words names."""
    table = DOCS.partition(heading)[2].lstrip().split("\n\n")[0]
    first = "\n".join(line.split("|")[1] for line in table.splitlines())
    return set(re.findall(r"`(\w+)`", first))


def check_structure(data: Mapping[str, object]) -> None:
    """What docs/command-line.md says about the JSON."""
    assert set(data) == documented("The JSON is one object:")
    assert (data["format"], data["version"]) == ("nnviz-trace", 1)
    steps = data["steps"]
    assert isinstance(steps, list)
    kinds = set(re.findall(r"`(\w+)`", next(line for line in DOCS.splitlines() if line.startswith("| `kind`"))))
    phases = set(re.findall(r"`(\w+)`", next(line for line in DOCS.splitlines() if line.startswith("| `phase`"))))
    assert len(kinds) == 19
    for number, step in enumerate(steps, start=1):
        assert set(step) == documented("Each step is an object:")
        assert step["step"] == number
        assert step["kind"] in kinds - {"kind"}
        assert step["phase"] in phases - {"phase"}
        assert (step["row"] is None) == (step["phase"] == "update")
        for operand in step["operands"]:
            assert set(operand) == {"kind", "subject", "value"}
            assert operand["kind"] in kinds | {"weight", "bias", "target"}


@given(case=cases(max_neurons=12, max_batch=3))
@settings(max_examples=settings.default.max_examples // 6)
def test_any_network_can_be_reported(case: Case) -> None:
    project = project_of(case)
    data = data_report(project)
    check_structure(data)
    _, steps, _ = split(list(text_report(project, style=Style(digits=3))))
    assert [int(line.split()[0]) for line in steps] == list(range(1, len(steps) + 1))
    assert len(steps) == len(data["steps"])  # type: ignore[arg-type]


def test_chosen_rows_are_named_as_in_the_table() -> None:
    project = load_project(next(path for path in EXAMPLES if path.stem.endswith("-batch")))
    lines = list(text_report(project, range(2, 3)))
    assert "Forward pass, row 3" in lines
    assert data_report(project, range(1, 3))["rows"] == [2, 3]
    assert any("mean loss over 2 samples before" in line for line in text_report(project, range(1, 3)))


def test_without_an_output_there_is_no_summary() -> None:
    network = Network()
    network.add_neuron("input", id="i1")
    network.add_neuron("hidden", id="h1")
    network.connect("i1", "h1")
    project = Project(network, Dataset({"i1": [1.0]}))
    assert "Summary" not in list(text_report(project))
    assert data_report(project)["summary"] == {}


def test_nothing_to_report_is_one_sentence() -> None:
    with pytest.raises(TrainingError, match="no neuron"):
        list(text_report(Project()))
    network = Network()
    network.add_neuron("output", id="o1")
    with pytest.raises(TrainingError, match="add a row"):
        data_report(Project(network, Dataset({"o1": []})))
