"""The command nnviz: what it prints, its exit codes, and that it needs no Qt for what needs no window."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.dataset import Dataset
from core.network import Network
from core.project import Project
from core.project_file import load_project, save_project
from core.settings import Settings
from nnviz_app import __version__, app, cli, trace_command
from nnviz_app.cli import main
from nnviz_app.examples import examples, first_example

ROOT = Path(__file__).parents[2]
TWO = str(first_example().path)
BATCH = str(next(e.path for e in examples() if e.name == "batch"))

QT = re.compile(r"PySide6|shiboken6|pyqtgraph|ziamath")
# What a trace has no need of, and would only wait for: training, data from elsewhere, what is found out about a
# network, the compiled loop, and the larger modules of the standard library that numpy does without as well.
NOT_FOR_A_TRACE = re.compile(
    r"core\.(training|training_loop|timeline|history|fast_\w+|generators|samplers|digits|table_file|import_table"
    r"|metrics|evaluation|diagnostics|decision|landscape|gradient_check|advice)"
    r"|numba|nnviz_app\.(?!cli|command|trace_command)\w+|resources|asyncio|bz2|csv|email|json|logging|lzma|multiprocessing|random|shutil"
    r"|statistics|subprocess|tempfile|unittest"
)


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A Python process of its own."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False, text=True, encoding="utf-8", timeout=600, **streams
    )


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """`nnviz` with these arguments in a process of its own."""
    return python("-m", "nnviz_app", *arguments, **options)


def modules_after(code: str) -> list[str]:
    """The modules that a process has imported when it has run `code`."""
    done = python("-c", f"{code}\nimport sys; print('MODULES', *sys.modules)")
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("MODULES ")[2].split()


def relu_at_its_kink(path: Path) -> str:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y", activation="relu")
    network.connect("x", "y", id="w")
    save_project(Project(network, Dataset({"x": [1.0], "y": [1.0]})), path)
    return str(path)


def wrong_gradient(path: Path) -> str:
    """Binary cross-entropy of an output beyond 1, where the loss is cut off and its gradient is not."""
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y")
    network.connect("x", "y", id="w", weight=2.0)
    settings = Settings(loss="binary_cross_entropy")
    save_project(Project(network, Dataset({"x": [1.0], "y": [1.0]}), settings), path)
    return str(path)


# trace


def test_trace_prints_every_step_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", TWO]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for heading in ("Forward pass, row 1", "Loss, row 1", "Backward pass, row 1", "Update", "Summary"):
        assert heading in out.splitlines()
    assert "∂L/∂w5 = 0.138499 × 0.59327 ≈ 0.082167" in out
    assert "loss before the update: 0.2983711087600027" in out
    assert re.search(r"^  w5 +0\.4 +0\.08216704056423\d+ +0\.3589164797178846\d*$", out, re.MULTILINE)


def test_trace_with_more_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", TWO, "--digits", "10"]) == 0
    assert "≈ 0.08216704056" in capsys.readouterr().out


def test_trace_in_another_notation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", TWO, "--notation", "pre_activation=net, activation=out,loss=E,weights=ends"]) == 0
    out = capsys.readouterr().out
    for line in ("net(h1) = 0.0075 + 0.02 + 0.35 = 0.3775", "∂E/∂w(h1,o1) = 0.138499 × 0.59327 ≈ 0.082167"):
        assert line in out
    assert "∂L" not in out


def test_trace_rounded_like_a_book(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", TWO, "--round", "4"]) == 0
    out = capsys.readouterr().out
    # By hand: 0.2373 + 0.2686 + 0.6, and each number after it from rounded ones.
    for line in ("z(o1) = 0.2373 + 0.2686 + 0.6 = 1.1059", "new w5 = 0.4 − 0.5 × 0.0822 = 0.3589"):
        assert line in out
    assert "Summary, every step rounded to 4 decimals" in out.splitlines()
    assert re.search(r"^  w5 +0\.4 +0\.0822 +0\.3589$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "rows"), [([], [1, 2, 3, 4]), (["--batch"], [1, 2, 3, 4]), (["--sample", "3"], [3])]
)
def test_trace_of_one_row_or_all(capsys: pytest.CaptureFixture[str], options: list[str], rows: list[int]) -> None:
    assert main(["trace", BATCH, *options]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^Forward pass, row (\d+)$", out, re.MULTILINE) == [str(row) for row in rows]


def test_trace_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", TWO, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "nnviz-trace"
    assert data["rows"] == [1]
    assert data["summary"]["loss"] == pytest.approx(0.2983711087600027, rel=1e-12)
    assert data["summary"]["new_value"]["w5"] == pytest.approx(0.35891647971788465, rel=1e-12)
    step = next(step for step in data["steps"] if step["kind"] == "weight_grad" and step["edge"] == "w5")
    assert step["phase"] == "backward"
    assert step["value"] == pytest.approx(0.08216704056423077, rel=1e-12)
    first, second = step["operands"]
    assert first["value"] * second["value"] == step["value"]
    assert {key for step in data["steps"] for key in step} == {
        "step", "phase", "kind", "name", "row", "neuron", "edge", "value", "operands"
    }  # fmt: skip


def test_json_stays_json_when_numbers_overflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = load_project(TWO)
    project.network.set_values({"w1": 1e300, "w5": 1e300})
    project.network.set_activation("h1", "linear")
    project.network.set_activation("o1", "linear")
    project.dataset.set_value(0, "i1", 1e300)
    save_project(project, tmp_path / "huge.nnviz")
    assert main(["trace", str(tmp_path / "huge.nnviz"), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["summary"]["loss"] is None


def test_the_docs_name_every_key_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    main(["trace", BATCH, "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    operands = [operand for step in data["steps"] for operand in step["operands"]]
    words = {*data, *data["summary"], *data["steps"][0], *operands[0]}
    words |= {step["kind"] for step in data["steps"]} | {step["phase"] for step in data["steps"]}
    words |= {operand["kind"] for operand in operands}
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


# check


def test_check_of_right_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BATCH]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(r"^Worst relative error: \d\.\de-\d\d \(.*\), limit 1e-6; 9 gradients over 4 rows: passed\.$",
                     out, re.MULTILINE)  # fmt: skip
    assert "bias of h1" in out


def test_check_of_wrong_gradients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", wrong_gradient(tmp_path / "wrong.nnviz")]) == 1
    out = capsys.readouterr().out
    assert "Worst relative error: 1.0e+00" in out
    assert "2 gradients over 1 row: failed." in out
    assert "binary cross-entropy needs outputs between 0 and 1" in out


def test_check_names_a_kink(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", relu_at_its_kink(tmp_path / "kink.nnviz")]) == 0
    out = capsys.readouterr().out
    assert "w is not counted: the ReLU of y is at its kink" in out
    assert "There is no parameter to compare." in out


def test_check_lists_the_worst_of_many(capsys: pytest.CaptureFixture[str]) -> None:
    many = next(e.path for e in examples() if e.name == "three-classes")
    assert main(["check", str(many)]) == 0
    assert "... and 1 parameter with smaller errors" in capsys.readouterr().out


# Bad usage


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trace"], "nnviz trace: the following arguments are required: FILE"),
        (["trace", TWO, "--frobnicate"], "nnviz trace: unrecognized arguments: --frobnicate"),
        (["trace", TWO, "--sample", "0"], "“0” is not a whole number, 1 or more"),
        (["trace", TWO, "--sample", "x"], "“x” is not a whole number, 1 or more"),
        (["trace", TWO, "--sample", "2"], "There is no sample 2: the data has 1 row."),
        (["trace", TWO, "--sample", "1", "--batch"], "not allowed with argument"),
        (["trace", TWO, "--digits", "18"], "“18” is not a whole number, 1 to 17"),
        (["trace", TWO, "--round", "13"], "“13” is not a whole number, 1 to 12"),
        (["trace", TWO, "--notation", "net"], "“net” is not KEY=VALUE with a key of pre_activation, activation,"),
        (["trace", TWO, "--notation", "loss=E,z=net"], "“z=net” is not KEY=VALUE"),
        (["trace", TWO, "--notation", "loss=Q"], "loss is one of L, E, C, J, not 'Q'"),
        (["trace", TWO, "--format", "json", "--round", "4"], "--notation and --round are for lines to read, not for"),
        (["trace", TWO, "--format", "xml"], "invalid choice: 'xml'"),
        (["trace", "gone.nnviz"], "gone.nnviz does not exist: check the name."),
        (["check", "gone.nnviz"], "gone.nnviz does not exist: check the name."),
        (["check"], "nnviz check: the following arguments are required: FILE"),
        (["--frobnicate"], "nnviz: unrecognized arguments: --frobnicate (see nnviz --help)"),
        (["one", "two"], "nnviz: unrecognized arguments: two"),
        (["gone.nnviz"], "gone.nnviz does not exist: check the name."),
    ],
)
def test_bad_usage_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert len(err.splitlines()) == 1


def test_a_broken_file_is_one_sentence_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.nnviz"
    path.write_text(Path(TWO).read_text(encoding="utf-8")[:700], encoding="utf-8")
    for command in ("trace", "check"):
        assert main([command, str(path)]) == 2
        assert re.fullmatch(r"broken\.nnviz: line \d+, column \d+: .*\n", capsys.readouterr().err)


@pytest.mark.parametrize("command", ["trace", "check"])
def test_an_empty_project_is_one_sentence_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    save_project(Project(), tmp_path / "empty.nnviz")
    for options in [[], ["--batch"]] if command == "trace" else [[]]:
        assert main([command, str(tmp_path / "empty.nnviz"), *options]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nnviz {__version__}\n"
    for arguments in (["--help"], ["trace", "--help"], ["check", "--help"]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert "FILE" in out
        assert "my.nnviz" in out or "exit codes:" in out
        assert max(map(len, out.splitlines())) <= 110


# The window


def test_the_window_opens_on_a_file_or_on_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path | None] = []

    def run_app(path: Path | None = None) -> int:
        opened.append(path)
        return 7

    monkeypatch.setattr(app, "run_app", run_app)
    monkeypatch.chdir(tmp_path)
    save_project(Project(), tmp_path / "trace")
    save_project(Project(), tmp_path / "-x")
    assert main([]) == 7
    assert main([TWO]) == 7
    assert main(["./trace"]) == 7
    assert main(["--", "-x"]) == 7
    assert opened == [None, Path(TWO), Path("trace"), Path("-x")]


# A process of its own


def test_trace_and_check_never_import_qt() -> None:
    code = (
        "from nnviz_app.cli import main\n"
        f"assert main(['trace', {TWO!r}]) == 0\n"
        f"assert main(['trace', {TWO!r}, '--format', 'json']) == 0\n"
        f"assert main(['check', {TWO!r}]) == 0\n"
        "assert main(['--help']) == 0"
    )
    modules = modules_after(code)
    assert "core.trace" in modules
    assert [name for name in modules if QT.match(name)] == []


def test_trace_imports_no_more_than_it_needs() -> None:
    code = f"from nnviz_app.cli import main; assert main(['trace', {TWO!r}]) == 0"
    loaded = sorted({*modules_after(code)} - {*modules_after("import numpy")})
    assert "core.trace" in loaded
    assert [name for name in loaded if NOT_FOR_A_TRACE.fullmatch(name)] == []
    # numpy loads some of its parts when they are first used, numpy.random for one.
    assert [name for name in loaded if re.match(r"numpy\.(?!typing|_typing)", name)] == []


def test_the_collector_passes_over_imports_in_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        f"import gc, sys; from nnviz_app.cli import main; sys.argv = ['nnviz', 'trace', {TWO!r}]; main()\n"
        "sys.exit(0 if gc.isenabled() and gc.get_freeze_count() > 1000 else 1)"
    )
    assert python("-c", code).returncode == 0
    frozen = gc.get_freeze_count()
    assert main(["trace", TWO]) == 0
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_help_needs_no_numpy() -> None:
    code = "import sys; from nnviz_app.cli import main; main(['trace', '--help']); sys.exit('numpy' in sys.modules)"
    assert python("-c", code).returncode == 0


def test_exit_codes_of_the_process(tmp_path: Path) -> None:
    assert run("check", TWO).returncode == 0
    assert run("check", wrong_gradient(tmp_path / "wrong.nnviz")).returncode == 1
    done = run("trace", "gone.nnviz")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "gone.nnviz does not exist: check the name.\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_output_into_a_file_is_utf_8_whatever_the_terminal_s_encoding(encoding: str) -> None:
    done = run("trace", TWO, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert "∂L/∂w5" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("options", [[], ["--format", "json"]])
def test_a_reader_that_goes_away_is_no_error(options: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "nnviz_app", "trace", BATCH, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == cli.PIPE_CLOSED


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    with open("/dev/full", "wb") as full:
        done = run("trace", TWO, stdout=full)
    assert (done.returncode, done.stderr) == (2, "The output cannot be written (No space left on device).\n")


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(trace_command, "run", interrupt)
    assert main(["trace", TWO]) == cli.INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_output_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["trace", TWO]) == 0
    assert "Summary" in stream.getvalue()


@pytest.mark.parametrize("name", ["a" * 300, "nobody-here.nnviz"])
def test_a_file_that_cannot_be_opened_gets_one_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name]) == 2
    assert capsys.readouterr().err.count("\n") == 1
