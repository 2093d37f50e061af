"""Walkthroughs as lists of moments: adding, changing, moving, removing, files, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import ProjectError
from core.project import Project
from core.project_file import load_project, project_from_text, project_to_text
from core.references import read_reference
from core.walkthrough import Moment, Walkthrough, references_in, refuse_broken

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


@pytest.fixture
def scene() -> Project:
    return load_project(EXAMPLES / "01-two-two-two.nnviz")


def captions(walkthrough: Walkthrough) -> list[str]:
    return [moment.caption for moment in walkthrough.moments]


def three(scene: Project) -> Walkthrough:
    made = Walkthrough()
    for place, caption in enumerate("abc"):
        made = made.insert(place, Moment(caption), scene)
    return made


def test_a_scene_that_moments_share_is_kept_once(scene: Project) -> None:
    other = load_project(EXAMPLES / "08-xor.nnviz")
    made = three(scene)
    assert len(made.scenes) == 1
    mixed = made.insert(1, Moment("x"), other)
    assert captions(mixed) == ["a", "x", "b", "c"]
    assert [moment.scene for moment in mixed.moments] == [0, 1, 0, 0]
    assert captions(made) == ["a", "b", "c"]


def test_changing_moving_and_removing_give_other_walkthroughs(scene: Project) -> None:
    made = three(scene)
    assert captions(made.change(1, Moment("B"))) == ["a", "B", "c"]
    assert captions(made.move(0, 2)) == ["b", "c", "a"]
    assert captions(made.move(2, 0)) == ["c", "a", "b"]
    assert captions(made.remove(1)) == ["a", "c"]
    assert captions(made) == ["a", "b", "c"]


def test_a_scene_without_a_moment_goes(scene: Project) -> None:
    other = load_project(EXAMPLES / "08-xor.nnviz")
    made = Walkthrough().insert(0, Moment("a"), other).insert(1, Moment("b"), scene)
    left = made.remove(0)
    assert left.scenes == (scene,)
    assert left.moments[0].scene == 0


def test_references_of_a_caption_in_their_order() -> None:
    caption = "[[w(w5)]] is [[w(w5)=]], to twelve digits [[dL/dw(w5)=12]]; $[[z(h1)]] = 1$, [not one](https://a.b)"
    assert references_in(caption) == ["w(w5)", "w(w5)", "dL/dw(w5)", "z(h1)"]


def test_a_file_keeps_every_part_of_a_moment(scene: Project) -> None:
    moment = Moment(
        caption="**Look** at $[[w(w5)]]$ – “it” is [[w(w5)=6]].\n\nAnd then?",
        update=7,
        position="dL/dw(w5)",
        operation=1,
        ask=("dL/dw(w5)", "dL/dz(o1)"),
        select=("w5",),
        highlight=("h1", "w5"),
        hide=("targets", "w1"),
        panel="Explain",
    )
    scene.walkthrough = three(load_project(EXAMPLES / "01-two-two-two.nnviz")).change(1, moment)
    text = project_to_text(scene)
    read = project_from_text(text)
    assert read.walkthrough is not None
    assert read.walkthrough.moments == scene.walkthrough.moments
    assert read.walkthrough.scenes[0].network.values == scene.network.values
    assert project_to_text(read) == text


def with_moment(**changes: Any) -> Walkthrough:
    scene = load_project(EXAMPLES / "01-two-two-two.nnviz")
    return Walkthrough((replace(Moment(), **changes),), (scene,))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scene": 1}, "Moment 1 is set in scene 2, which the walkthrough lacks."),
        ({"row": 1}, "its row 2 is none of the 1 rows"),
        ({"caption": "[[z(h9)=]]"}, "“z(h9)”: the network has no neuron called “h9”."),
        ({"ask": ("what",)}, "“what” names no quantity"),
        ({"position": "z(i1)"}, "its value is x(i1)"),
        ({"select": ("h9",)}, "it selects “h9”, which is no neuron or edge"),
        ({"highlight": ("weights",)}, "it highlights “weights”"),
        ({"hide": ("everything",)}, "it hides “everything”"),
    ],
)
def test_what_does_not_fit_its_network_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProjectError) as caught:
        refuse_broken(with_moment(**changes))
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("Moment 1")


def test_what_fits_is_not_refused() -> None:
    refuse_broken(with_moment(caption="[[L=]]", position="12", ask=("L",), hide=("weights", "w1"), select=("o1",)))


def test_a_broken_file_is_refused_with_the_moment_s_number(scene: Project) -> None:
    scene.walkthrough = three(load_project(EXAMPLES / "01-two-two-two.nnviz"))
    content = json.loads(project_to_text(scene))
    content["walkthrough"]["moments"][2]["caption"] = "[[w(nowhere)]]"
    with pytest.raises(ProjectError, match=r"Moment 3 .*“w\(nowhere\)”"):
        project_from_text(json.dumps(content))


def test_the_walkthrough_in_the_docs_is_one() -> None:
    docs = Path(__file__).parents[2] / "docs"
    project = re.search(r"```json\n(.*?)```", (docs / "file-format.md").read_text(encoding="utf-8"), re.DOTALL)
    part = re.search(r"```json\n(.*?)```", (docs / "walkthroughs.md").read_text(encoding="utf-8"), re.DOTALL)
    assert project
    assert part
    content = json.loads(project[1]) | json.loads("{" + part[1] + "}")
    walkthrough = project_from_text(json.dumps(content)).walkthrough
    assert walkthrough is not None
    assert [moment.position for moment in walkthrough.moments] == ["start", "dL/dw(w)"]


def test_the_references_in_the_docs_can_be_read(scene: Project) -> None:
    page = (Path(__file__).parents[2] / "docs" / "walkthroughs.md").read_text(encoding="utf-8")
    table = page.partition("| reference | quantity |")[2].partition("\n\n")[0]
    found = re.findall(r"`([^`]+)`", table)
    assert len(found) == 16
    for text in found:
        read_reference(text, scene.network)


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (Moment("x" * 20_001), "The project cannot be saved: moment 2: caption: too long"),
        (Moment(update=20_001), "The project cannot be saved: moment 2: update: expected 20000 or less"),
        (Moment("[[z(nowhere)]]"), "Moment 2 of the walkthrough: “z(nowhere)”"),
    ],
)
def test_what_could_not_be_opened_is_not_saved(scene: Project, moment: Moment, sentence: str) -> None:
    scene.walkthrough = three(load_project(EXAMPLES / "01-two-two-two.nnviz")).change(1, moment)
    with pytest.raises(ProjectError, match=re.escape(sentence)):
        project_to_text(scene)


def test_more_moments_than_a_file_may_hold_are_not_saved(scene: Project) -> None:
    scene.walkthrough = Walkthrough((Moment(),) * 1001, (load_project(EXAMPLES / "01-two-two-two.nnviz"),))
    with pytest.raises(ProjectError, match="1,001 moments: a file holds at most 1,000"):
        project_to_text(scene)
