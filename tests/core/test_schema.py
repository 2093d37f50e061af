"""The JSON Schema in docs: it is the code's own, it accepts what is shipped and rejects what is broken."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.errors import ProjectError
from core.file_records import SettingsRecord
from core.project_file import project_from_text, project_schema
from core.settings import Settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "nnviz.schema.json"
EXAMPLES = sorted((ROOT / "resources" / "examples").glob("*.nnviz"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(EXAMPLES[0].read_text(encoding="utf-8"))
    return loaded


def test_the_schema_in_the_docs_is_the_code_s_own() -> None:
    expected = json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text(encoding="utf-8") == expected, (
        "docs/nnviz.schema.json is out of date: write project_schema() there with json.dumps(..., indent=2, "
        "ensure_ascii=False) and a line break at the end"
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_shipped_example_fits_the_schema(validator: jsonschema.Draft202012Validator, path: Path) -> None:
    validator.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_file_has_the_same_settings_with_the_same_defaults_as_a_project() -> None:
    record = SettingsRecord()
    assert {f.name: getattr(record, f.name) for f in dataclasses.fields(Settings)} == dataclasses.asdict(Settings())
    assert set(SettingsRecord.__struct_fields__) == {f.name for f in dataclasses.fields(Settings)}


def test_the_example_in_the_docs_is_a_project_and_names_every_key(validator: jsonschema.Draft202012Validator) -> None:
    text = (ROOT / "docs" / "file-format.md").read_text(encoding="utf-8")
    match = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert match
    validator.validate(json.loads(match[1]))
    assert project_from_text(match[1]).network.weight("w") == 3.0
    for record in project_schema()["$defs"].values():
        for key, part in record["properties"].items():
            for word in (key, *(choice for choice in part.get("enum", []) if isinstance(choice, str))):
                assert re.search(rf"[`\"]{word}[`\"]|\.{word}`", text), f"{word} is not in docs/file-format.md"


def _edge(project: dict[str, Any]) -> dict[str, Any]:
    edge: dict[str, Any] = project["network"]["edges"][0]
    return edge


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "no format": lambda p: p.pop("format"),
    "another format": lambda p: p.update(format="other"),
    "a newer version": lambda p: p.update(version=2),
    "no network": lambda p: p.pop("network"),
    "no data": lambda p: p.pop("data"),
    "an unknown key": lambda p: p.update(colour="red"),
    "a weight as text": lambda p: _edge(p).update(weight="0.15"),
    "a weight of null": lambda p: _edge(p).update(weight=None),
    "no weight": lambda p: _edge(p).pop("weight"),
    "a weight and a tie": lambda p: _edge(p).update(tied_to="w2"),
    "a frozen tie": lambda p: (_edge(p).pop("weight"), _edge(p).update(tied_to="w2", frozen=True)),
    "an input with a bias": lambda p: p["network"]["neurons"][0].update(bias=1.0),
    "a hidden softmax": lambda p: p["network"]["neurons"][2].update(activation="softmax"),
    "an unknown activation": lambda p: p["network"]["neurons"][2].update(activation="sigmod"),
    "an unknown role": lambda p: p["network"]["neurons"][2].update(role="middle"),
    "an empty id": lambda p: p["network"]["neurons"][2].update(id=""),
    "an unknown loss": lambda p: p["settings"].update(loss="guess"),
    "a negative learning rate": lambda p: p["settings"].update(learning_rate=-0.1),
    "half an epoch": lambda p: p["settings"].update(epochs=0.5),
    "no epoch": lambda p: p["settings"].update(epochs=0),
    "a row of text": lambda p: p["data"]["rows"].append(["1", "2", "3", "4"]),
    "a flat list of data": lambda p: p["data"].update(rows=[1, 2, 3, 4]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_schema_rejects_broken_files_and_so_does_the_code(
    validator: jsonschema.Draft202012Validator, project: dict[str, Any], name: str
) -> None:
    broken = copy.deepcopy(project)
    BROKEN[name](broken)
    assert not validator.is_valid(broken)
    with pytest.raises(ProjectError):
        project_from_text(json.dumps(broken))
