"""`nnviz worksheet`: what it writes, says and refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.project_file import load_project
from core.worksheet import Group
from nnviz_app import command, worksheet_command
from nnviz_app.cli import main
from nnviz_app.examples import examples, first_example

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def file() -> str:
    return str(next(one.path for one in examples() if "one-sigmoid" in str(one.path)))


def test_a_folder_is_written_and_named(tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sheets"
    assert main(["worksheet", file, "--variants", "2", "--seed", "3", "--to", "md", "-o", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "2 worksheets, each" in said
    assert str(folder) in said
    assert {"worksheet-01.md", "key-02.md", "project-02.nnviz"} <= {path.name for path in folder.iterdir()}


def test_what_is_asked_for_and_how_is_chosen(tmp_path: Path, file: str) -> None:
    chosen = ["--blank", "backward,gradients", "--hide", "all", "--by", "term", "--round", "3", "--sample", "1"]
    style = ["--notation", "pre_activation=net,loss=E"]
    assert main(["worksheet", file, "--to", "md", "-o", str(tmp_path / "a"), *chosen, *style]) == 0
    text = (tmp_path / "a" / "worksheet.md").read_text(encoding="utf-8")
    assert "Round each number to 3 decimals" in text
    assert "net" in text
    key = (tmp_path / "a" / "key.md").read_text(encoding="utf-8")
    assert "Gradient |" in key
    # Sheet and key end with the gradients.
    assert "New value" not in text + key
    assert "falls from" not in text + key


def test_without_anything_chosen_all_is_asked_for(tmp_path: Path, file: str) -> None:
    assert main(["worksheet", file, "--to", "html", "-o", str(tmp_path / "a")]) == 0
    assert (tmp_path / "a" / "worksheet.html").is_file()
    assert load_project(tmp_path / "a" / "project.nnviz").network.values == load_project(file).network.values


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--blank", "everything"], "“everything” is none of forward, loss"),
        (["--variants", "0"], "“0” is not a whole number, 1 to 500"),
        (["--to", "docx"], "--to"),
        (["--to", "md", "--paper", "Letter"], "--paper does not go with --to md: leave it out"),
        (["--sample", "9"], "There is no sample 9"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, file: str, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worksheet", file, "-o", str(tmp_path / "a"), *arguments]) == 2
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_project_itself_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "project.nnviz"
    shutil.copy(first_example().path, own)
    before = own.read_bytes()
    assert main(["worksheet", str(own), "--to", "md", "-o", str(tmp_path)]) == 2
    assert "project.nnviz is the project itself" in capsys.readouterr().err
    assert own.read_bytes() == before


def test_the_choices_are_those_of_the_engine() -> None:
    from core.solution import GRANULARITIES
    from nnviz_app.export import pages, worksheet

    assert pages.PAPERS == command.PAPERS
    assert tuple(Group) == worksheet_command.GROUPS
    assert tuple(GRANULARITIES) == worksheet_command.SIZES
    assert worksheet.FORMS == worksheet_command.FORMS
    assert worksheet.MOST_VARIANTS == worksheet_command.MOST_VARIANTS
