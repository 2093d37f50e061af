"""The page on exports: what it says how to write and load is done, word by word."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.export.formats import FORMATS
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
    assert len(code.splitlines()) <= 3
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
