"""`nnviz train`: what it prints and saves, and what it says when it cannot."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from core.project_file import load_project, save_project
from nnviz_app.cli import main
from nnviz_app.gallery import GALLERY, make_project
from nnviz_app.train_command import train


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def xor(tmp_path: Path) -> Path:
    path = tmp_path / "xor.nnviz"
    save_project(make_project(GALLERY["xor"]), path)
    return path


def test_the_course_s_network_prints_its_cost_every_thousand_updates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "planar.nnviz"
    project = make_project(GALLERY["planar_course"])
    assert (project.settings.learning_rate, project.settings.epochs, project.settings.batch_size) == (1.2, 10_000, 0)
    save_project(project, path)
    assert main(["train", str(path), "--every", "1000"]) == 0
    said = capsys.readouterr()
    lines = re.findall(r"epoch ([\d,]+), loss ([\d.]+), accuracy ([\d.]+) %", said.err)
    assert [int(epoch.replace(",", "")) for epoch, _, _ in lines] == list(range(1000, 10_001, 1000))
    costs = [float(cost) for _, cost, _ in lines]
    assert costs == sorted(costs, reverse=True)
    assert 89.0 <= float(lines[-1][2]) <= 92.0
    assert said.out.startswith("10,000 updates: loss 0.693")


def test_it_goes_on_from_where_the_project_is(xor: Path, tmp_path: Path) -> None:
    whole, half, rest = (tmp_path / f"{name}.nnviz" for name in ("whole", "half", "rest"))
    stream = StringIO()
    train(xor, stream, epochs=60, every=None, out=whole)
    train(xor, stream, epochs=25, every=None, out=half)
    train(half, stream, epochs=35, every=None, out=rest)
    assert load_project(whole).network.values == load_project(rest).network.values
    assert load_project(rest).updates == load_project(whole).updates
    assert load_project(rest).start == load_project(xor).network.values
    assert load_project(xor).updates == 0


def test_on_a_terminal_a_bar_is_drawn(xor: Path) -> None:
    stream = Terminal()
    sentence = train(xor, stream, epochs=30, every=None, out=None)
    drawn = stream.getvalue().split("\r")
    assert "epoch 30 of 30" in drawn[-1]
    assert drawn[-1].startswith("[████████████████████████]")
    assert re.fullmatch(r"\d+ updates: loss [\d.e-]+ → [\d.e-]+, accuracy [\d.]+ %\. Saved in .*xor\.nnviz\.", sentence)
    assert load_project(xor).epoch == 30


def test_ctrl_c_saves_what_was_learned(xor: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped.nnviz"
    command = [sys.executable, "-m", "nnviz_app", "train", str(xor), "--out", str(out), "--epochs", "100000000"]
    process = subprocess.Popen(
        [*command, "--every", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        # Where the tests themselves run in the background, Ctrl+C is ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch 1,")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 0
    assert said.startswith("Stopped. ")
    project = load_project(out)
    assert 0 < project.updates < 100_000_000
    assert project.network.values != load_project(xor).network.values


def test_a_run_that_explodes_keeps_the_last_good_parameters(xor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = load_project(xor)
    for neuron in [*project.network.neurons.values()]:
        if neuron.role != "input":
            project.network.set_activation(neuron.id, "linear")
    project.settings = replace(
        project.settings, loss="squared_error", optimizer="sgd", optimizer_options={}, learning_rate=1e30
    )
    save_project(project, xor)
    code = main(["train", str(xor), "--epochs", "50"])
    said = capsys.readouterr()
    assert "infinite" in said.out + said.err
    assert code in (0, 2)
    assert all(abs(value) < 1e308 for value in load_project(xor).network.values.values())


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--epochs", "many"], ["--every", "-1"]])
def test_a_wrong_argument_gets_one_line(xor: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(xor), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "whole number" in said


def test_what_cannot_be_trained_or_saved_is_said(xor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "none.nnviz")]) == 2
    assert "does not exist" in capsys.readouterr().err
    project = load_project(xor)
    project.dataset.set_test(range(project.dataset.rows))
    save_project(project, xor)
    assert main(["train", str(xor)]) == 2
    assert "training row" in capsys.readouterr().err
    save_project(make_project(GALLERY["xor"]), xor)
    assert main(["train", str(xor), "--epochs", "2", "--out", str(tmp_path / "no" / "x.nnviz")]) == 2
    said = capsys.readouterr()
    assert "there is no folder" in said.err
    assert not said.out
