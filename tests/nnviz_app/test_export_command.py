"""`nnviz export`: every format written from the command line, and what is refused."""

from __future__ import annotations

import argparse
import csv
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import ExportError
from core.jobs import Job, Progress, Written, finish
from core.project_file import load_project, save_project
from core.whole_files import new_file
from nnviz_app import command
from nnviz_app.cli import main
from nnviz_app.examples import examples
from nnviz_app.export.entries import ENTRIES
from nnviz_app.export.subject import Subject
from nnviz_app.export_command import ANIMATIONS, MODELS, OF_A_PASS, OF_THE_EXPORT, PICTURES, PLOTS, add_arguments

TWO = str(next(e.path for e in examples() if e.name == "two-two-two"))
SKIP = str(next(e.path for e in examples() if e.name == "skip-connection"))


def test_weights_are_written_with_their_ending_and_what_was_checked_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", SKIP, "--to", "npz", "-o", str(tmp_path / "weights")]) == 0
    said = capsys.readouterr().out
    assert "free-form" in said
    assert "the greatest difference from the engine is" in said
    assert f"Written to {tmp_path / 'weights.npz'}." in said
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        assert arrays["layers.0.weight"].dtype == np.float64


def test_the_precision_can_be_chosen_where_a_format_has_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "weights.npz"
    assert main(["export", TWO, "--to", "npz", "--precision", "float32", "-o", str(path)]) == 0
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["layers.0.weight"].dtype == np.float32
    capsys.readouterr()
    assert main(["export", TWO, "--to", "csv", "--precision", "float32", "-o", str(tmp_path / "w.csv")]) == 2
    assert capsys.readouterr().err == "CSV table is written in float64 only: leave the precision out.\n"


@pytest.mark.parametrize(
    ("form", "ending", "begins"),
    [("svg", "svg", b"<?xml"), ("pdf", "pdf", b"%PDF"), ("png", "png", b"\x89PNG"), ("tikz", "tex", b"%")],
)
def test_a_picture_after_a_step(
    form: str, ending: str, begins: bytes, qapp: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = ["--step", "14", "--dark", "--transparent"]
    assert main(["export", TWO, "--to", form, *looks, "-o", str(tmp_path / "drawing")]) == 0
    assert (tmp_path / f"drawing.{ending}").read_bytes().startswith(begins)
    capsys.readouterr()


def test_the_picture_follows_step_notation_and_digits(qapp: object, tmp_path: Path) -> None:
    path = tmp_path / "drawing.svg"
    arguments = ["--digits", "6", "--notation", "pre_activation=net", "--step", "20", "-o", str(path)]
    assert main(["export", TWO, "--to", "svg", *arguments]) == 0
    text = path.read_text(encoding="utf-8")
    assert "net 0.3775" in text
    assert "0.59327" in text
    assert main(["export", TWO, "--to", "svg", "--no-numbers", "-o", str(path)]) == 0
    assert "0.15" not in path.read_text(encoding="utf-8")


def test_plots_need_a_form_of_their_own_and_the_csv_has_the_engine_s_losses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], qapp: object
) -> None:
    with_history = tmp_path / "trained.nnviz"
    save_project(load_project(TWO), with_history)
    assert main(["train", str(with_history), "--epochs", "3"]) == 0
    assert main(["export", str(with_history), "--plot", "loss", "--to", "csv", "-o", str(tmp_path / "loss.csv")]) == 0
    with (tmp_path / "loss.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["update"] for row in rows] == ["0", "1", "2", "3"]
    assert float(rows[0]["loss"]) == pytest.approx(0.298371109, abs=1e-9)
    capsys.readouterr()
    assert main(["export", TWO, "--plot", "map", "--to", "pdf", "-o", str(tmp_path / "map.pdf")]) == 2
    assert "a plot is written as svg, png, csv, not as pdf" in capsys.readouterr().err


def test_there_is_an_export_for_each_name_and_none_without() -> None:
    names = (*MODELS, *PICTURES, *ANIMATIONS, *PLOTS)
    assert sorted(names) == sorted(set(ENTRIES) - {"solution", "worksheets"})
    arguments = argparse.ArgumentParser()
    add_arguments(arguments)
    asked = arguments.parse_args(["my.nnviz", "--to", "svg", "-o", "x"])
    assert {name: getattr(asked, name) for name in OF_THE_EXPORT} == dict.fromkeys(OF_THE_EXPORT)
    assert all(hasattr(asked, name) for name in OF_A_PASS)


def test_without_a_choice_it_is_as_in_the_dialog(qapp: object, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    subject = Subject(load_project(TWO))
    values = {option.name: option.default for option in ENTRIES["png"].options(subject)}
    finish(ENTRIES["png"].write(subject, path, values))
    assert main(["export", TWO, "--to", "png", "-o", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b.png").read_bytes() == path.read_bytes()


def test_a_scale_is_a_resolution(qapp: object, tmp_path: Path) -> None:
    for name, *size in (("a", "--dpi", "144"), ("b", "--scale", "1.5")):
        assert main(["export", TWO, "--to", "png", "--step", "0", *size, "-o", str(tmp_path / name)]) == 0
        assert main(["export", TWO, "--plot", "map", "--to", "png", *size, "-o", str(tmp_path / f"map-{name}")]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "map-a.png").read_bytes() == (tmp_path / "map-b.png").read_bytes()


def test_a_map_can_show_a_hidden_neuron(qapp: object, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    assert (
        main(["export", TWO, "--plot", "map", "--to", "csv", "--neuron", "h1", "--sample", "1", "-o", str(path)]) == 0
    )
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["i1", "i2", "h1"]


@pytest.mark.parametrize(
    ("axes", "names"),
    [("i2,i1", ["i2", "i1", "o1", "o2"]), ("i1, i2", ["i1", "i2", "o1", "o2"]), ("i2", ["i2", "o1", "o2"])],
)
def test_a_map_is_over_the_inputs_that_are_named(axes: str, names: list[str], qapp: object, tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    assert main(["export", TWO, "--plot", "map", "--to", "csv", "--axes", axes, "-o", str(path)]) == 0
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == names


def test_the_last_frame_lasts_as_long_as_is_said(
    qapp: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = ["--seconds", "0.5", "--last-seconds", "7"]
    small = ["--width", "320", "--by", "pass"]
    assert main(["export", TWO, "--to", "gif", *small, *times, "-o", str(tmp_path / "a.gif")]) == 0
    assert ", 8.5 seconds." in capsys.readouterr().out


@pytest.mark.parametrize("place", [".", "folder", "folder/"])
def test_where_a_folder_is_named_the_file_goes_into_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["export", TWO, "--to", "npz", "-o", place]) == 0
    written = Path(place) / f"{Path(TWO).stem}.npz"
    assert written.is_file()
    assert f"Written to {written}." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("form", "place", "sentence"),
    [
        ("npz", "none/", "There is no folder none/: make it first, or leave the slash at its end out.\n"),
        ("npz", "-", "nnviz export: argument -o/--out: “-” is no place to write to: name a file (see"),
        ("pytorch", "", "nnviz export: argument -o/--out: “” is no place to write to: name a file (see"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(
    form: str,
    place: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", TWO, "--to", form, "-o", place]) == 2
    assert capsys.readouterr().err.startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_that_one_is_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command.print_written(Written((Path(),)))
    assert capsys.readouterr().out == f"Written to {tmp_path}.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "npz", "--dark"], "--dark does not go with --to npz: leave it out"),
        (["--to", "csv", "--digits", "3"], "--digits does not go with --to csv: leave it out"),
        (["--to", "pytorch", "--step", "0"], "--step does not go with --to pytorch"),
        (["--to", "svg", "--precision", "float32"], "--precision does not go with --to svg"),
        (["--to", "svg", "--dpi", "300"], "--dpi does not go with --to svg"),
        (["--to", "gif", "--step", "3"], "--step does not go with --to gif"),
        (["--to", "svg", "--plot", "map", "--scale", "3"], "--scale does not go with --plot map --to svg"),
        (["--to", "csv", "--plot", "loss", "--sample", "1"], "--sample does not go with --plot loss --to csv"),
        (["--to", "csv", "--plot", "map", "--batch"], "--batch does not go with --plot map"),
        (["--to", "csv", "--plot", "map", "--neuron", "q"], "There is no neuron q to plot"),
        (["--to", "csv", "--plot", "map", "--axes", "q"], "There is no input q to plot over"),
        (["--to", "csv", "--plot", "map", "--axes", "i1,"], "“i1,” is not one or two inputs"),
        (["--to", "csv", "--plot", "loss", "--axes", "i1"], "--axes does not go with --plot loss --to csv"),
        (["--to", "png", "--last-seconds", "2"], "--last-seconds does not go with --to png"),
        (["--to", "svg", "--step", "9999"], "There is no step 9,999"),
        (["--to", "svg", "--sample", "7"], "There is no sample 7"),
        (["--to", "png", "--dpi", "x"], "“x” is not a whole number"),
        (["--to", "png", "--scale", "0"], "“0” is not a number above 0"),
        (["--to", "gif", "--width", "5"], "An animation is"),
        (["--to", "doc"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(
    arguments: list[str], sentence: str, qapp: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", TWO, *arguments, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_it_needs_no_display(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "nnviz_app", "export", TWO, "--to", "svg", "-o", str(tmp_path / "drawing.svg")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "drawing.svg").exists()


# Following a job


def slow_job(path: Path, *, fails: bool = False) -> Job:
    with new_file(path) as temporary:
        for done in range(3):
            yield Progress(done, 3, f"Part {done + 1}")
            temporary.write_text("half")
        if fails:
            raise ExportError("It cannot be.")
    return Written((path,), ("All is well.",))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_shows_how_far_it_is_and_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(command, "REDRAW", 0.0)
    assert command.follow(slow_job(tmp_path / "a.txt")).sentences == ("All is well.",)
    bars = stream.getvalue().split("\r")
    assert f"[{'█' * 8}{'·' * 16}] Part 2" in bars
    assert bars[-2].strip() == bars[-1] == ""


def test_ctrl_c_stops_a_job_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_bar: object, progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(command._Bar, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        command.follow(slow_job(tmp_path / "a.txt"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """Ctrl+C interrupts, as in a terminal; a shell's jobs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize("fails", [False, True])
def test_ctrl_c_waits_for_the_end_of_what_is_painted(tmp_path: Path, fails: bool) -> None:
    painted = []

    def paint() -> Job:
        with new_file(tmp_path / "a.txt") as temporary:
            signal.raise_signal(signal.SIGINT)
            temporary.write_text("half")
            painted.append(True)
            if fails:
                # As of a program that has heard it too.
                raise ExportError("It has ended.")
            yield Progress(0, 2, "Painting")
            painted.append(True)
        return Written(())

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        command.follow(paint())
    assert painted == [True]
    assert signal.getsignal(signal.SIGINT) is before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("hears_ctrl_c")
def test_a_second_ctrl_c_does_not_wait() -> None:
    def hang() -> Job:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError
        yield

    with pytest.raises(KeyboardInterrupt):
        command.follow(hang())


@pytest.mark.usefixtures("hears_ctrl_c")
def test_what_is_complete_when_ctrl_c_comes_is_said() -> None:
    def end() -> Job:
        yield Progress(1, 1, "Ending")
        signal.raise_signal(signal.SIGINT)
        return Written((Path("a"),))

    assert command.follow(end()).paths == (Path("a"),)


def test_a_process_that_is_asked_to_end_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from nnviz_app import command\n"
        "from core.jobs import Progress, Written\n"
        "from core.whole_files import new_file\n"
        "from pathlib import Path\n"
        "def job(path):\n"
        "    with new_file(path) as temporary:\n"
        "        temporary.write_text('half')\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        yield Progress(0, 1, 'Half')\n"
        "    return Written((path,))\n"
        f"command.follow(job(Path({str(tmp_path / 'a.txt')!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (command.TERMINATED, "Stopped: nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ExportError):
        command.follow(slow_job(path, fails=True))
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
