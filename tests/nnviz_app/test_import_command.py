"""`nnviz import`: what it prints and saves, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.project import Project
from core.project_file import load_project, save_project
from nnviz_app.cli import main
from nnviz_app.layers import NewNetwork, replace_network

Said = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A 2-3-1 network."""
    made = Project()
    replace_network(made, NewNetwork((2, 3, 1)))
    path = tmp_path / "my.nnviz"
    save_project(made, path)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """What fits it by order."""
    path = tmp_path / "mlp.npz"
    arrays = {"coefs_0": np.arange(6.0).reshape(2, 3), "coefs_1": np.ones((3, 1))}
    np.savez(path, **arrays, intercepts_0=np.zeros(3), intercepts_1=np.zeros(1), activation="tanh",
             out_activation="logistic")  # fmt: skip
    return path


def test_weights_are_shown_taken_and_saved(project: Path, weights: Path, capsys: Said) -> None:
    before = load_project(project).network.values
    assert main(["import", str(project), str(weights), "--dry-run", "--lines", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Parameter", "Now", "New", "From"]
    assert lines[1].split() == ["bias", "of", "h1", "0", "the", "same", "intercepts_0[0]"]
    assert lines[5] == "and 9 more"
    assert lines[6].startswith("13 parameters by order, 9 of them with another value.")
    assert lines[7] == "Nothing was saved (--dry-run)."
    assert load_project(project).network.values == before
    assert main(["import", str(project), str(weights)]) == 0
    assert capsys.readouterr().out.endswith(f"Saved in {project}.\n")
    found = load_project(project).network
    # A row a source: the first holds the weights of i1.
    assert [found.weight(found.edge_between("i1", f"h{k}").id) for k in (1, 2, 3)] == [0.0, 1.0, 2.0]  # type: ignore[union-attr]


def test_names_in_a_file_do_not_steer_the_terminal(project: Path, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "evil.npz"
    arrays = {
        "\x1b[2J0.weight": np.ones((3, 2)),
        "0.bias\x07": np.ones(3),
        "\u202e1": np.ones((1, 3)),
        "b\r": np.ones(1),
    }
    np.savez(path, **arrays)
    assert main(["import", str(project), str(path), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "\ufffd[2J0.weight[0, 0]" in said
    np.savez(path, **{"\x1b[2Jx": np.ones((7, 7))})
    assert main(["import", str(project), str(path)]) == 2
    assert main(["import", "--new", str(path), "--dry-run"]) == 2
    said += "".join(capsys.readouterr())
    assert not set("\x1b\x07\u202e\r") & set(said)


def test_how_much_stayed_is_said_where_it_is_saved(project: Path, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"parameters": {"w1": 0.5, "o1": -1, "w77": 3}}')
    assert main(["import", str(project), str(path), "--lines", "0"]) == 0
    summary, saved = capsys.readouterr().out.splitlines()
    assert summary.startswith("2 of 13 parameters by name, 2 of them with another value. The other 11 are not in the ")
    assert "stay: the bias of h1, the bias of h2, the bias of h3, w2 (i2 → h1) and 7 more." in summary
    assert saved == f"Saved in {project}: 2 parameters taken, 11 left as they were."
    path.write_text('{"parameters": {"w1": 0.25}}')
    assert main(["import", str(project), str(path), "--lines", "0"]) == 0
    assert capsys.readouterr().out.endswith(f"Saved in {project}: 1 parameter taken, 12 left as they were.\n")


def test_what_changes_nothing_is_saved_only_where_another_file_is_named(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "same.json"
    path.write_text('{"parameters": {"h1": 0}}')
    before = project.stat().st_mtime_ns
    assert main(["import", str(project), str(path)]) == 0
    assert project.stat().st_mtime_ns == before
    assert main(["import", str(project), str(path), "--out", str(tmp_path / "copy.nnviz")]) == 0
    assert load_project(tmp_path / "copy.nnviz").network.values == load_project(project).network.values


def test_the_project_stays_where_another_file_is_named(project: Path, weights: Path, tmp_path: Path) -> None:
    before = project.read_bytes()
    assert main(["import", str(project), str(weights), "--out", str(tmp_path / "out.nnviz")]) == 0
    assert project.read_bytes() == before
    assert load_project(tmp_path / "out.nnviz").network.values != load_project(project).network.values


def test_a_new_project_is_laid_out_and_named_after_its_file(weights: Path, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "new.nnviz"
    assert main(["import", "--new", str(weights), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "A network of 6 neurons (2-3-1) and 9 edges." in said
    assert "Its activations are in the file: tanh, sigmoid." in said
    made = load_project(out)
    assert made.title == "mlp"
    assert made.settings.loss == "binary_cross_entropy"
    assert len(set(made.network.positions.values())) == 6
    xs = [made.network.positions[name][0] for name in ("i1", "h1", "o1")]
    assert xs == sorted(set(xs))
    # It comes back into itself by order, and its activations can be chosen.
    assert main(["import", str(out), str(weights), "--by", "order", "--rows", "sources", "--lines", "0"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("13 parameters by order, none of them with another value: nothing would change.")
    assert said.endswith("Nothing was saved: there is nothing to change.\n")
    assert main(["import", "--new", str(weights), "--activations", "relu, linear", "--dry-run"]) == 0
    assert "those you chose: relu, linear." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my.nnviz"], "name the PROJECT and the file of WEIGHTS"),
        (["--new", "mlp.npz"], "--new needs --out FILE"),
        (["my.nnviz", "--new", "mlp.npz", "--out", "x.nnviz"], "leave out PROJECT"),
        (["my.nnviz", "mlp.npz", "--activations", "relu"], "goes with --new"),
        (["my.nnviz", "mlp.npz", "--by", "name"], "nothing in it is one of this network's parameters by name"),
        (["my.nnviz", "mlp.npz", "--rows", "neurons"], "do not fit with a row a neuron"),
        (["--new", "mlp.npz", "--dry-run", "--lines", "3"], "--lines does not go with --new"),
        (["--new", "mlp.npz", "--out", "mlp.npz"], "mlp.npz would pass for a file of weights: end it in .nnviz"),
        (["my.nnviz", "mlp.npz", "--out", "mlp.JSON"], "mlp.JSON would pass for a file of weights"),
        (["my.nnviz", "no.npz"], "cannot be read (No such file"),
        (["my.nnviz", "my.nnviz"], "end in .npz"),
        (["--new", "mlp.npz", "--out", "no/x.nnviz"], "there is no folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    project: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(project.parent)
    before = project.read_bytes()
    assert main(["import", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert project.read_bytes() == before
    assert sorted(path.name for path in project.parent.iterdir()) == ["mlp.npz", "my.nnviz"]


def test_a_choice_of_rows_that_would_make_no_difference_is_refused(project: Path, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"parameters": {"w1": 0.5}}')
    assert main(["import", str(project), str(path), "--rows", "sources"]) == 2
    assert "--rows matters by order, and these weights go by name" in capsys.readouterr().err
    exported = tmp_path / "mine.npz"
    assert main(["export", str(project), "--to", "npz", "-o", str(exported)]) == 0
    for arguments in (["--new", str(exported), "--dry-run"], [str(project), str(exported), "--by", "order"]):
        assert main(["import", *arguments, "--rows", "sources"]) == 2
        assert "mine.npz: it says itself which weight belongs where" in capsys.readouterr().err


def test_no_window_library_is_needed(project: Path, weights: Path) -> None:
    code = (
        "import sys; from nnviz_app.cli import main; "
        f"code = main(['import', {str(project)!r}, {str(weights)!r}, '--dry-run']); "
        "heavy = [name for name in ('PySide6', 'torch', 'onnx', 'safetensors') if name in sys.modules]; "
        "sys.exit(code or bool(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
