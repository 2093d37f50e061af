"""Project files: they come back bit for bit, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import os
import stat
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graph_strategies import networks
from hypothesis import example, given
from hypothesis import strategies as st

from core import file_writing
from core.dataset import Dataset
from core.errors import ProjectError
from core.file_reading import project_from_bytes
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.network import Network
from core.project import Project
from core.project_file import load_project, project_from_text, project_to_text, save_project
from core.settings import Settings

EXAMPLES = sorted((Path(__file__).parents[2] / "resources" / "examples").glob("*.nnviz"))
TEXT = EXAMPLES[0].read_text(encoding="utf-8")
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

finite = st.floats(allow_nan=False, allow_infinity=False)
# Halves of characters are stored as a replacement, see below.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Projects with every kind of number, text and setting."""
    network = draw(networks(max_neurons=12))
    for parameter in network.values:
        network.values[parameter] = draw(finite)
    network.move({i: (draw(finite), draw(finite)) for i in network.neurons})
    rows = draw(st.integers(0, 4))
    names = [n.id for n in network.inputs] + [n.id for n in network.outputs]
    dataset = Dataset({i: draw(st.lists(finite, min_size=rows, max_size=rows)) for i in names}, rows=rows)
    count = st.integers(0, 2**31 - 1)
    settings = Settings(
        loss=draw(st.sampled_from(list(LOSSES))),
        learning_rate=abs(draw(finite)),
        batch_size=draw(count),
        batch_mean=draw(st.booleans()),
        update_biases=draw(st.booleans()),
        seed=draw(st.integers(0, 2**63 - 1)),
        initializer=draw(st.sampled_from(list(INITIALIZERS))),
        initializer_scale=draw(finite),
        epochs=draw(st.integers(1, 2**31 - 1)),
    )
    updates = draw(count)
    start = {i: draw(finite) for i in network.values} if updates else None
    return Project(network, dataset, settings, updates, start, draw(texts), draw(texts), draw(texts))


def bits(value: object) -> object:
    """`value` with floats as their bytes: unlike ==, this tells 0.0 from -0.0."""
    if isinstance(value, float):
        return struct.pack("d", value)
    if isinstance(value, dict):
        return [(key, bits(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return value


def parts(project: Project) -> list[object]:
    """Everything that a project holds, in order."""
    network, dataset = project.network, project.dataset
    return [
        list(network.neurons.values()),
        list(network.edges.values()),
        # Which order the values of tied edges have depends on how the network was made.
        bits(dict(sorted(network.values.items()))),
        network.frozen,
        bits(dict(network.positions)),
        dataset.rows,
        bits({i: column.tolist() for i, column in dataset.columns.items()}),
        bits([getattr(project.settings, name) for name in Settings.__dataclass_fields__]),
        project.updates,
        bits(dict(sorted(project.start.items())) if project.start is not None else None),
        project.title,
        project.source,
        project.notes,
    ]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The text of the 2-2-2 example with a change."""
    loaded = json.loads(TEXT)
    change(loaded)
    return json.dumps(loaded)


def refusal(text: str) -> str:
    """The sentence with which a text is refused."""
    with pytest.raises(ProjectError) as caught:
        project_from_text(text, "two.nnviz")
    sentence = str(caught.value)
    assert sentence.startswith("two.nnviz")
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert sentence.endswith(".")
    return sentence


# What is kept


@given(projects())
def test_a_project_comes_back_bit_for_bit(project: Project) -> None:
    text = project_to_text(project)
    again = project_from_text(text)
    assert parts(again) == parts(project)
    assert project_to_text(again) == text


@pytest.mark.parametrize(
    "number",
    [-0.0, 0.1 + 0.2, 5e-324, 2.2250738585072014e-308, 1e308, -1.7976931348623157e308, 1e22, 2.0**53 + 2, 1 / 3],
)
def test_no_number_changes_by_a_bit(number: float) -> None:
    network = Network()
    network.add_neuron("output", id="o", bias=number, position=(number, -number))
    again = project_from_text(project_to_text(Project(network, Dataset({"o": [number]}))))
    assert bits(again.network.bias("o")) == bits(number)
    assert bits(again.network.positions["o"]) == bits((number, -number))
    assert bits(again.dataset.value(0, "o")) == bits(number)


def test_an_empty_project_comes_back() -> None:
    assert parts(project_from_text(project_to_text(Project()))) == parts(Project())


def test_the_text_is_for_people() -> None:
    lines = TEXT.splitlines()
    assert lines[:3] == ["{", '  "format": "nnviz",', '  "version": 1,']
    assert '      {"id": "i1", "role": "input", "x": -260, "y": -105},' in lines
    assert '      {"id": "w8", "source": "h2", "target": "o2", "weight": 0.55}' in lines
    assert "      [0.05, 0.1, 0.01, 0.99]" in lines
    assert TEXT.endswith("\n}\n")


def test_one_change_changes_one_line() -> None:
    project = project_from_text(TEXT)
    project.network.set_value("w3", 0.26)
    before, after = TEXT.splitlines(), project_to_text(project).splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_only_what_says_something_is_written() -> None:
    text = project_to_text(Project())
    for key in ("title", "source", "notes", "updates", "start", "frozen"):
        assert key not in text


def test_frozen_tied_and_trained_parts_are_written() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="tanh")
    network.add_neuron("output", id="o")
    network.connect("x", "h", id="w", weight=0.5)
    network.connect("h", "o", id="v", tied_to="w")
    network.set_frozen("w")
    network.set_frozen("h")
    project = Project(network, updates=3, start={"h": 0.0, "o": 1.0, "w": 0.25, "gone": 4.0})
    text = project_to_text(project)
    assert '{"id": "h", "role": "hidden", "activation": "tanh", "bias": 0, "x": 0, "y": 0, "frozen": true}' in text
    assert '{"id": "w", "source": "x", "target": "h", "weight": 0.5, "frozen": true}' in text
    assert '{"id": "v", "source": "h", "target": "o", "tied_to": "w"}' in text
    again = project_from_text(text)
    assert again.network.frozen == {"h", "w"}
    assert again.network.weight("v") == 0.5
    # A parameter that is no longer there is forgotten.
    assert again.start == {"h": 0.0, "o": 1.0, "w": 0.25}
    assert again.updates == 3


def test_an_edge_may_be_tied_to_a_later_one() -> None:
    def tie(p: dict[str, Any]) -> None:
        del p["network"]["edges"][0]["weight"]
        p["network"]["edges"][0]["tied_to"] = "w8"

    network = project_from_text(changed(tie)).network
    assert network.weight("w1") == 0.55
    assert list(network.edges) == [f"w{i}" for i in range(1, 9)]


def test_columns_stay_with_their_neurons() -> None:
    def reorder(p: dict[str, Any]) -> None:
        p["data"] = {"columns": ["o2", "i2", "i1", "o1"], "rows": [[4, 2, 1, 3], [8, 6, 5, 7]]}

    dataset = project_from_text(changed(reorder)).dataset
    assert list(dataset.columns) == ["i1", "i2", "o1", "o2"]
    assert dataset.matrix(list(dataset.columns)).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_settings_may_be_left_out() -> None:
    assert project_from_text(changed(lambda p: p.pop("settings"))).settings == Settings()
    some = project_from_text(changed(lambda p: p.update(settings={"epochs": 7}))).settings
    assert some == Settings(epochs=7)


def test_data_follows_the_network_when_it_is_written() -> None:
    project = project_from_text(TEXT)
    project.network.add_neuron("input", id="new")
    assert project_from_text(project_to_text(project)).dataset.value(0, "new") == 0.0
    assert "new" not in project.dataset.columns


def test_half_a_character_does_not_keep_a_project_from_being_saved() -> None:
    project = Project(title="broken \ud83d", notes="whole \ud83d\ude00")
    again = project_from_text(project_to_text(project))
    assert again.title == "broken \ufffd"
    assert again.notes == "whole 😀"


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "two.nnviz"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert parts(load_project(path)) == parts(project_from_text(TEXT))


def test_what_an_optimizer_remembers_may_be_nothing_or_have_a_sign_where_it_is_no_square() -> None:
    for slot, number in (("first_moment", -0.125), ("second_moment", 0.0)):
        memory = project_from_text(changed(_remembered(slot, number))).memory
        assert memory is not None
        assert memory.slots[slot] == {"w1": number}


# What is refused


def _neuron(p: dict[str, Any], index: int, **values: Any) -> None:
    p["network"]["neurons"][index].update(values)


def _edge(p: dict[str, Any], index: int, **values: Any) -> None:
    p["network"]["edges"][index].update(values)


def _scaling(column: str, scale: float) -> dict[str, Any]:
    return {"column": column, "kind": "range", "shift": 0, "scale": scale}


def _remembered(slot: str, number: float) -> Callable[[dict[str, Any]], object]:
    """Adam's memory with this number of w1 in one slot."""

    def remember(p: dict[str, Any]) -> None:
        slots: dict[str, dict[str, float]] = {"first_moment": {"w1": -0.5}, "second_moment": {"w1": 0.25}}
        slots[slot]["w1"] = number
        p["settings"].update(optimizer="adam")
        p.update(updates=1, memory={"updates": 1, "slots": slots})

    return remember


REFUSED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda p: p.update(version=2), "was saved in version 2 of the file format, and this program reads version 1"),
    (lambda p: p.update(version="1"), "version: expected the whole number 1"),
    (lambda p: p.update(version=0), "version: expected the whole number 1"),
    (lambda p: p.update(version=True), "version: expected the whole number 1"),
    (lambda p: p.pop("version"), "version: expected the whole number 1"),
    (lambda p: p.pop("format"), "is not an nnviz project"),
    (lambda p: p.update(format="other"), "is not an nnviz project"),
    (lambda p: p.pop("network"), "the file: the key “network” is missing"),
    (lambda p: p.update(colour=1), "the file: the key “colour” is unknown"),
    (lambda p: _edge(p, 3, weight="0.3"), "network.edges[3].weight: expected a number, got text"),
    (lambda p: _edge(p, 3, weight=None), "network.edges[3].weight: expected a number, got null"),
    (lambda p: _edge(p, 3, weight=True), "network.edges[3].weight: expected a number, got true or false"),
    (lambda p: p["network"].update(edges={}), "network.edges: expected a list, got an object"),
    (lambda p: _edge(p, 3, tied_to="w1"), "network.edges[3]: it needs either the key “weight” or the key “tied_to”"),
    (lambda p: p["network"]["edges"][3].pop("weight"), "network.edges[3]: it needs either"),
    (lambda p: p["network"]["edges"][3].pop("source"), "network.edges[3]: the key “source” is missing"),
    (lambda p: _edge(p, 3, source="q"), "network.edges[3].source: there is no neuron “q”"),
    (lambda p: _edge(p, 3, id="w1"), "network.edges[3].id: “w1” is the id of network.edges[0] already"),
    (lambda p: _edge(p, 3, id="o1"), "network.edges[3].id: “o1” is the id of network.neurons[4] already"),
    (lambda p: _edge(p, 3, source="i1"), "network: w4: There is already an edge from i1 to h2"),
    (lambda p: _edge(p, 3, target="i1"), "network: w4: i1 is an input"),
    (lambda p: _edge(p, 3, source="h2"), "network: w4: h2 cannot feed itself"),
    (lambda p: _edge(p, 3, source="o1"), "network: The edges form a cycle"),
    (lambda p: _neuron(p, 1, id="i1"), "network.neurons[1].id: “i1” is the id of network.neurons[0] already"),
    (lambda p: _neuron(p, 1, bias=1), "network.neurons[1]: the key “bias” is unknown"),
    (lambda p: _neuron(p, 2, role="middle"), "network.neurons[2].role: 'middle' is not known here"),
    (lambda p: _neuron(p, 2, id=""), "network.neurons[2].id: it is empty"),
    (lambda p: _neuron(p, 2, id="h" * 41), "network.neurons[2].id: too long, the limit is 40 characters"),
    (lambda p: _neuron(p, 2, activation="sigmod"), "network.neurons[2].activation: “sigmod” is not one of linear, "),
    (lambda p: _neuron(p, 2, activation="softmax"), "network: h1 is hidden: softmax goes over output neurons only"),
    (lambda p: p["network"]["neurons"][2].pop("bias"), "network.neurons[2]: the key “bias” is missing"),
    (lambda p: p["data"].update(columns=["i1", "i2", "o1"]), "data.columns: there is no column for “o2”"),
    (lambda p: p["data"]["columns"].append("o2"), "data.columns[4]: “o2” is named twice"),
    (lambda p: p["data"]["columns"].append("h1"), "data.columns[4]: there is no input and no output “h1”"),
    (lambda p: p["data"]["rows"].append([1, 2, 3]), "data.rows[1]: expected 4 numbers, one a column, got 3"),
    (lambda p: p["data"]["rows"][0].__setitem__(2, "x"), "data.rows[0][2]: expected a number, got text"),
    (lambda p: p["settings"].update(loss="guess"), "settings.loss: “guess” is not one of half_squared_error, "),
    (lambda p: p["settings"].update(initializer="he"), "settings.initializer: “he” is not one of zeros, "),
    (lambda p: p["settings"].update(learning_rate=-1), "settings.learning_rate: expected 0.0 or more"),
    (lambda p: p["settings"].update(batch_size=-1), "settings.batch_size: expected 0 or more"),
    (lambda p: p["settings"].update(batch_size=2**31), "settings.batch_size: expected 2147483647 or less"),
    (lambda p: p["settings"].update(epochs=0), "settings.epochs: expected 1 or more"),
    (lambda p: p["settings"].update(epochs=1.5), "settings.epochs: expected a whole number, got a number"),
    (lambda p: p["settings"].update(seed=-1), "settings.seed: expected 0 or more"),
    (lambda p: p["settings"].update(momentum=0.9), "settings: the key “momentum” is unknown"),
    (lambda p: _neuron(p, 2, dropout=1), "network.neurons[2].dropout: expected less than 1.0"),
    (lambda p: p["data"].update(test=[2]), "data.test[0]: there is no row 2"),
    (lambda p: p["data"].update(scalings=[_scaling("i1", 0)]), "data.scalings[0].scale: nothing can be divided by 0"),
    (
        lambda p: p["data"].update(scalings=[_scaling("i1", 1e-320)]),
        "data.scalings: they make numbers of “i1” infinite",
    ),
    (lambda p: p["data"].update(scalings=[_scaling("h1", 1)]), "data.scalings[0].column: there is no column “h1”"),
    (lambda p: p.update(updates=-1), "updates: expected 0 or more"),
    (lambda p: p.update(start={"w1": 1}), "start: it belongs to a project with updates"),
    (
        _remembered("second_moment", -1e-9),
        "memory.slots.second_moment.w1: the second moment is never negative: choose 0 or more",
    ),
    (lambda p: p.update(updates=1, start={"w9": 1}), "start.w9: there is no such parameter"),
    (lambda p: p.update(updates=1, start={"w1": 1, "w2": "x"}), "start.w2: expected a number, got text"),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_wrong_is_refused_with_its_place(change: Callable[[dict[str, Any]], object], expected: str) -> None:
    assert expected in refusal(changed(change))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "nan"])
def test_numbers_that_are_none_are_refused(literal: str) -> None:
    sentence = refusal(TEXT.replace("0.55}", literal + "}"))
    line = next(n for n, text in enumerate(TEXT.splitlines(), 1) if "0.55}" in text)
    assert f"line {line}, column " in sentence
    assert f"{literal} is not a number that a project can hold" in sentence


@pytest.mark.parametrize("literal", ["1e999", "-1e309", "9" * 400])
def test_numbers_that_are_too_large_are_refused(literal: str) -> None:
    assert "network.edges[7].weight: the number is too large" in refusal(TEXT.replace("0.55}", literal + "}"))


@pytest.mark.parametrize("length", [1, 10, 100, len(TEXT) // 2, len(TEXT) - 3])
def test_a_truncated_file_is_refused_with_line_and_column(length: int) -> None:
    text = TEXT[:length]
    assert f"line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}: " in refusal(text)


def test_columns_are_counted_in_characters() -> None:
    assert "line 2, column 14: this is not JSON" in refusal('{"format":\n "é😀ß", "a": ,')


@pytest.mark.parametrize("text", ["", "  \n", "hello", "[]", "3", '"nnviz"', "null", "{}", '{"a": 1}', "\0" * 50])
def test_other_files_are_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize("bomb", ["[" * 1_000_000, '{"a":' * 300_000])
@pytest.mark.parametrize(
    "place", ["", '{"zz":', '{"format":"nnviz","version":1,"settings":', '{"format":"nnviz","version":1,"zz":']
)
def test_deep_nesting_is_refused(place: str, bomb: str) -> None:
    refusal(place + bomb)


def test_a_name_in_the_middle_of_a_long_text_is_cut() -> None:
    refusal(changed(lambda p: p.update({"k" * 10_000: 1})))
    refusal(changed(lambda p: _edge(p, 0, source="k\n" * 10_000)))


def test_half_a_character_in_a_text_is_refused() -> None:
    refusal(TEXT.replace("2-2-2", "\ud83d"))


def _many(neurons: int, edges: int = 0, rows: int = 0, *, tied: bool = False, frozen: bool = False) -> str:
    half = neurons // 2
    own = {"frozen": True} if frozen else {}
    return json.dumps(
        {
            "format": "nnviz",
            "version": 1,
            "network": {
                "neurons": [{"id": f"i{n}", "role": "input", "x": 0, "y": n} for n in range(half)]
                + [
                    {"id": f"h{n}", "role": "hidden", "activation": "tanh", "bias": 0, "x": 1, "y": n}
                    for n in range(neurons - half)
                ],
                "edges": [
                    {"id": f"w{n}", "source": f"i{n // 100}", "target": f"h{n % 100}"}
                    | ({"tied_to": "w0"} if tied and n else {"weight": 0.5} | own)
                    for n in range(edges)
                ],
            },
            "data": {"columns": [f"i{n}" for n in range(half)], "rows": [[0] * half] * rows},
        }
    )


def test_what_is_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "network.neurons: too long, the limit is 5000 entries" in refusal(_many(5001))
    assert "data.rows: too many numbers, the limit is 4000000" in refusal(_many(4500, rows=2001))
    project = project_from_text(TEXT)
    for limit, what in (("MAX_NEURONS", "neurons"), ("MAX_EDGES", "edges"), ("MAX_CELLS", "numbers in its data")):
        with monkeypatch.context() as patch:
            patch.setattr(file_writing, limit, 3)
            with pytest.raises(ProjectError, match=f"The project has . {what}: a file holds at most 3"):
                project_to_text(project)


@pytest.mark.parametrize("kind", [{}, {"tied": True}, {"frozen": True}])
def test_many_edges_open(kind: dict[str, bool]) -> None:
    project = project_from_text(_many(300, edges=10_000, **kind))
    assert len(project.network.edges) == 10_000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_cannot_be_opened_again_is_not_saved(value: float) -> None:
    project = project_from_text(TEXT)
    project.network.set_value("w3", value)
    with pytest.raises(ProjectError, match=r"cannot be saved while the weight of w3 is -?(nan|inf)"):
        project_to_text(project)
    with pytest.raises(ProjectError, match=r"cannot be saved: settings.learning_rate: expected 0.0 or more"):
        project_to_text(Project(settings=Settings(learning_rate=-1.0)))
    with pytest.raises(ProjectError, match=r"cannot be saved: updates: expected 0 or more"):
        project_to_text(Project(updates=-1))


# Whatever happens to a file, the answer is a project or a ProjectError


@given(st.integers(0, len(EXAMPLES) - 1), st.data())
def test_a_damaged_file_gives_a_project_or_a_sentence(index: int, data: st.DataObject) -> None:
    original = bytearray(EXAMPLES[index].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(original)))
        match data.draw(st.sampled_from(["cut", "replace", "insert", "delete", "repeat"])):
            case "cut":
                del original[at:]
            case "replace":
                piece = data.draw(st.binary(min_size=1, max_size=3))
                original[at : at + len(piece)] = piece
            case "insert":
                tokens = [
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b'"',
                    b"null",
                    b"NaN",
                    b"1e999",
                    b"-0.0",
                    b"\\ud800",
                    b"0",
                ]
                original[at:at] = data.draw(st.sampled_from(tokens))
            case "delete":
                del original[at : at + data.draw(st.integers(1, 40))]
            case _:
                original[at:at] = original[at : at + data.draw(st.integers(1, 200))]
    assert_project_or_sentence(bytes(original))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(["i1", "w1", "o2", "tanh"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=6,
)


@given(st.data())
def test_any_value_in_any_place_gives_a_project_or_a_sentence(data: st.DataObject) -> None:
    loaded = json.loads(TEXT)
    for _ in range(data.draw(st.integers(1, 3))):
        here = loaded
        while True:
            key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
            inner = here[key]
            if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 3)) == 0:
                break
            here = inner
        here[key] = data.draw(json_values)
    assert_project_or_sentence(json.dumps(loaded).encode())


@given(st.binary(max_size=200))
@example(b"\xff\xfe{\x00}\x00")
@example(b"PK\x03\x04")
def test_any_bytes_give_a_sentence(data: bytes) -> None:
    assert_project_or_sentence(data)


def assert_project_or_sentence(data: bytes) -> None:
    try:
        project = project_from_bytes(data, "two.nnviz")
    except ProjectError as error:
        sentence = str(error)
    else:
        assert parts(project_from_text(project_to_text(project))) == parts(project)
        return
    assert sentence.startswith("two.nnviz")
    assert "\n" not in sentence


# Files


def test_saving_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "zwei é.nnviz"
    project = project_from_text(TEXT)
    save_project(project, path)
    assert path.read_text(encoding="utf-8") == TEXT
    assert parts(load_project(str(path))) == parts(project)
    save_project(Project(), path)
    assert parts(load_project(path)) == parts(Project())
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "two.nnviz"
    path.write_text(TEXT[:500], encoding="utf-8")
    with pytest.raises(ProjectError, match=r"^two\.nnviz: line \d+, column \d+: the file breaks off here"):
        load_project(path)
    path.write_bytes(TEXT.encode("utf-16"))
    with pytest.raises(ProjectError, match=r"^two\.nnviz is not text in UTF-8"):
        load_project(path)
    path.write_bytes(b"%PDF-1.4")
    with pytest.raises(ProjectError, match=r"^two\.nnviz is not an nnviz project: choose"):
        load_project(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"gone\.nnviz does not exist: check the name"):
        load_project(tmp_path / "gone.nnviz")
    with pytest.raises(ProjectError, match="is a folder: choose a project file"):
        load_project(tmp_path)
    with pytest.raises(ProjectError, match=r"does not exist|cannot be read"):
        load_project(tmp_path / "a\0b")
    with pytest.raises(ProjectError, match=r"does not exist|cannot be read"):
        load_project(tmp_path / ("n" * 300))
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError, match="does not exist"):
        load_project(tmp_path / "file" / "two.nnviz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProjectError, match="is not an ordinary file"):
        load_project(tmp_path / "pipe")


@pytest.mark.skipif(IS_ROOT or sys.platform == "win32", reason="permissions do not bind this user")
def test_permissions_are_respected(tmp_path: Path) -> None:
    path = tmp_path / "two.nnviz"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0)
    with pytest.raises(ProjectError, match="you have no permission to read it"):
        load_project(path)
    path.chmod(0o400)
    with pytest.raises(ProjectError, match="you have no permission to write there"):
        save_project(Project(), path)
    assert path.read_text(encoding="utf-8") == TEXT


def test_a_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "two.nnviz"
    save_project(project_from_text(TEXT), path)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(ProjectError, match="you have no permission to write there"):
        save_project(Project(), path)
    assert path.read_text(encoding="utf-8") == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.nnviz"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    tracemalloc.start()
    try:
        with pytest.raises(ProjectError, match=r"is too large for a project \(3072 MB\): the limit is 128 MB"):
            load_project(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


def test_saving_to_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is a folder: choose a file name in it"):
        save_project(Project(), tmp_path)
    with pytest.raises(ProjectError, match="there is no folder"):
        save_project(Project(), tmp_path / "gone" / "two.nnviz")
    with pytest.raises(ProjectError, match="cannot be written"):
        save_project(Project(), tmp_path / "a\0b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "two.nnviz"
    save_project(project_from_text(TEXT), path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(ProjectError, match=r"two\.nnviz cannot be written \(No space left on device\)"):
        save_project(Project(), path)
    assert path.read_text(encoding="utf-8") == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "two.nnviz"
    project = project_from_text(TEXT)
    save_project(project, path)
    project.network.set_value("w1", float("nan"))
    with pytest.raises(ProjectError):
        save_project(project, path)
    assert path.read_text(encoding="utf-8") == TEXT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_stay_and_links_are_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "two.nnviz", tmp_path / "link.nnviz"
    save_project(project_from_text(TEXT), path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path)
    save_project(Project(), link)
    assert link.is_symlink()
    assert parts(load_project(path)) == parts(Project())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
