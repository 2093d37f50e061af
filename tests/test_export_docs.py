"""The page on exports: what it says how to write and load is done, word by word."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from core.export.form import model_form
from core.export.formats import FORMATS
from core.project_file import load_project
from nnviz_app.cli import main
from nnviz_app.examples import examples
from nnviz_app.export_command import MODELS

PAGE = (Path(__file__).parents[1] / "docs" / "export.md").read_text(encoding="utf-8")
# The sections that say how a format is written and loaded.
SECTIONS = {
    title: body
    for title, body in re.findall(r"^### ([^\n]+)\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    if "```python" in body and "nnviz export" in body
}
TOOLS = {"ONNX": ("onnx", "onnxruntime"), "PyTorch": ("torch",), "Keras": ("keras", "torch")}


def blocks(body: str, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)


def test_every_format_of_weights_and_models_is_in_the_table_and_has_a_section() -> None:
    assert tuple(FORMATS) == MODELS
    assert re.findall(r"^\| `(\w+)` \|", PAGE.partition("The arrays are called")[0], re.MULTILINE) == list(FORMATS)
    written = [re.search(r"--to (\w+)", body)[1] for body in SECTIONS.values()]  # type: ignore[index]
    assert written == list(FORMATS)


@pytest.mark.parametrize("title", SECTIONS)
def test_what_it_says_works(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in TOOLS.get(title, ()):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    shutil.copy(next(e.path for e in examples() if e.name == "xor"), tmp_path / "xor.nnviz")
    monkeypatch.chdir(tmp_path)
    for line in blocks(SECTIONS[title])[0].splitlines():
        program, *arguments = line.split()
        if program == "cd":
            monkeypatch.chdir(tmp_path / arguments[0])
        else:
            assert main(arguments) == 0
    (code,) = blocks(SECTIONS[title], "python")
    assert len([line for line in code.splitlines() if line]) <= 3
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_snippet_for_scikit_learn_brings_its_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    x = np.random.default_rng(0).normal(size=(40, 3))
    y = (x.sum(axis=1) > 0).astype(int) + (x[:, 0] > 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        m = neural.MLPClassifier((4,), activation="tanh", max_iter=20, random_state=0).fit(x, y)
    monkeypatch.chdir(tmp_path)
    body = PAGE.partition("### From scikit-learn")[2]
    exec(blocks(body, "python")[0], {"np": np, "m": m})
    line = re.search(r"`nnviz (import --new mlp.npz [^`]+)`", body)
    assert line is not None
    assert main(line[1].split()) == 0
    network = load_project("mlp.nnviz").network
    found = model_form(network).outputs_of(x)
    assert found == pytest.approx(m.predict_proba(x), abs=1e-9)


def test_the_snippet_for_a_sequential_brings_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2), torch.nn.Softmax(1))
    monkeypatch.chdir(tmp_path)
    body = PAGE.partition("### From PyTorch")[2]
    exec(blocks(body, "python")[0], {"model": model})
    line = re.search(r"`nnviz (import --new net.safetensors [^`]+)`", body)
    assert line is not None
    assert main(line[1].split()) == 0
    x = np.random.default_rng(0).normal(size=(5, 3))
    expected = model(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    assert model_form(load_project("net.nnviz").network).outputs_of(x) == pytest.approx(expected, abs=1e-6)


def commands() -> list[str]:
    """The lines of the page that write something of `my.nnviz`."""
    return re.findall(r"^nnviz (.*my\.nnviz.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in commands() if "--variants" not in line])
def test_every_other_command_of_the_page_works(
    line: str, qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "mp4" in line and shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    shutil.copy(next(e.path for e in examples() if e.name == "and"), tmp_path / "my.nnviz")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "my.nnviz", "--epochs", "3"]) == 0
    # The rows of a step or a sample are there.
    assert main(shlex.split(line)) == 0
    (target,) = re.findall(r"-o (\S+)", line)
    assert (tmp_path / target).exists()
