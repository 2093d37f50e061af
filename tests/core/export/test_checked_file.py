"""What the formats of one file have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from export_examples import free_form, layered, write

import core.export.checked_file
from core.errors import ExportError
from core.export.formats import FORMATS
from core.export.verify import Trial, make_trial
from core.project import Project

NAMES = ["npz", "safetensors", "json", "csv", "numpy", "onnx"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "onnx":
        pytest.importorskip("onnx", reason="the extra onnx is not installed")
    return str(request.param)


def test_the_check_and_the_form_are_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{FORMATS[name].suffix}"
    for project, form in ((layered(), "Written as 2 dense layers."), (free_form(), "free-form")):
        written = write(name, project, path)
        assert written.paths == (path,)
        assert name == "csv" or form in written.sentences[0]
        assert any("the greatest difference from the engine is" in sentence for sentence in written.sentences)
    assert list(tmp_path.iterdir()) == [path]


def test_any_ending_may_be_chosen(name: str, tmp_path: Path) -> None:
    write(name, layered(), tmp_path / "model.weights")
    assert [path.name for path in tmp_path.iterdir()] == ["model.weights"]


def test_a_file_that_computes_something_else_never_gets_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_trial(project: Project) -> Trial:
        trial = make_trial(project)
        return Trial(trial.x, trial.y + 1.0, trial.is_random)

    monkeypatch.setattr(core.export.checked_file, "make_trial", wrong_trial)
    path = tmp_path / f"model{FORMATS[name].suffix}"
    path.write_text("former")
    with pytest.raises(ExportError, match="Nothing was written"):
        write(name, layered(), path)
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stopped_export_leaves_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{FORMATS[name].suffix}"
    steps = len(list(FORMATS[name].write(layered(), path)))
    path.unlink()
    for count in range(steps + 1):
        job = FORMATS[name].write(layered(), path)
        for _ in range(count):
            next(job)
        job.close()
        assert list(tmp_path.iterdir()) == []


def test_progress_goes_to_the_end(name: str, tmp_path: Path) -> None:
    progress = list(FORMATS[name].write(layered(), tmp_path / "model"))
    assert [step.done for step in progress] == list(range(len(progress)))
    assert progress[-1].done == progress[-1].total


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_parameters_that_are_no_numbers_are_refused(name: str, tmp_path: Path, value: float) -> None:
    project = layered()
    project.network.set_value("w1", value)
    with pytest.raises(ExportError, match="n10"):
        write(name, project, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_overflow_is_told_and_no_warning(name: str, tmp_path: Path) -> None:
    project = layered(("linear", "sigmoid"))
    for weight in project.network.edges:
        project.network.set_value(weight, 1e300)
    written = write(name, project, tmp_path / "model")
    assert any("a pre-activation overflows" in sentence for sentence in written.sentences)


def test_formats_are_loaded_when_they_are_used() -> None:
    code = (
        "import sys, core.export.onnx_model, core.export.safetensors, core.export.npz; "
        "print([m for m in sys.modules if m.split('.')[0] in ('onnx', 'safetensors')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
