"""The drawing as a picture: the canvas itself, in every form."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from graph_strategies import networks
from hypothesis import HealthCheck, given, settings
from PySide6.QtCore import QRectF, QSettings
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from core.dataset import Dataset
from core.errors import ExportError
from core.jobs import finish
from core.network import Network
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from core.style import Notation, Rounding, Style
from nnviz_app.canvas.edge_layer import AT_ONCE
from nnviz_app.canvas.scene import CanvasScene
from nnviz_app.comparison import Comparison
from nnviz_app.document import Document
from nnviz_app.examples import examples
from nnviz_app.export.picture import CanvasPicture, Look
from nnviz_app.export.picture_files import ENDINGS, write_picture
from nnviz_app.inquiry import Inquiry
from nnviz_app.palette import LIGHT
from nnviz_app.player import Player
from nnviz_app.preferences import LabelMode, Preferences
from nnviz_app.runs import RunShelf
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import theme

pytestmark = pytest.mark.usefixtures("qapp")
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
SVG = "{http://www.w3.org/2000/svg}"


def example(number: int) -> Project:
    return load_project(examples()[number - 1].path)


@pytest.fixture
def draw() -> Iterator[Callable[..., CanvasPicture]]:
    """Makes pictures that are closed after the test."""
    made: list[CanvasPicture] = []

    def make(project: Project | int, **options: object) -> CanvasPicture:
        made.append(CanvasPicture(example(project) if isinstance(project, int) else project, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for picture in made:
        picture.close()


@pytest.fixture
def scene() -> Iterator[CanvasScene]:
    """A canvas as a window has it, with the first example in the middle of its pass."""
    theme().set_mode("light")
    document = Document()
    document.open_project(example(1))
    player = Player(document)
    scene = CanvasScene(document, player, Selection(document), Preferences())
    scene.set_spotlight(Spotlight(document))
    player.go_to(35)
    yield scene
    theme().set_mode("light")
    scene.deleteLater()


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).astype(int)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg.encode()).iter(f"{SVG}text")]


# The same canvas


def show_maps_in_the_dark(scene: CanvasScene) -> None:
    theme().set_mode("dark")
    scene.preferences.set_shows_maps(True)


def light_a_path(scene: CanvasScene) -> None:
    scene.spotlight.show_path(["w1", "w5"])


def hide_and_highlight(scene: CanvasScene) -> None:
    scene.spotlight.show_parts(highlighted=["h2"], hidden=["biases", "w3"])


def ask_about_a_number(scene: CanvasScene) -> None:
    scene.set_inquiry(Inquiry(scene.player, scene))
    scene.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w5"))


def compare(scene: CanvasScene) -> None:
    scene.document.apply_update(0)
    comparison = Comparison(scene.document, RunShelf(scene.document, scene), scene)
    scene.set_comparison(comparison)
    comparison.with_start()


def step_by_layers(scene: CanvasScene) -> None:
    scene.player.set_granularity(Granularity.LAYER)


@pytest.mark.parametrize(
    "change",
    [
        lambda scene: None,
        show_maps_in_the_dark,
        light_a_path,
        hide_and_highlight,
        ask_about_a_number,
        step_by_layers,
        compare,
        lambda scene: scene.player.go_to(scene.player.length),
        lambda scene: scene.preferences.set_label_mode(LabelMode.PRODUCT),
        lambda scene: scene.preferences.set_digits(7),
    ],
)
def test_what_the_window_shows_is_what_is_painted(scene: CanvasScene, change: Callable[[CanvasScene], None]) -> None:
    change(scene)
    index = scene.player.index
    with CanvasPicture.of_window(scene) as picture:
        assert picture.shown == index
        found = picture.image(index, scale=1.0)
        rect = picture.rect()
    shown = QImage(found.size(), QImage.Format.Format_RGB32)
    painter = QPainter(shown)
    scene.render(painter, QRectF(shown.rect()), rect)
    painter.end()
    differs = (np.abs(pixels(found) - pixels(shown)).max(axis=2) > 12).nonzero()
    # The canvas has a dot at every twentieth unit, which a picture has not.
    down, across = (place + int(start) for place, start in zip(differs, (rect.top(), rect.left()), strict=True))
    beside = (np.abs((across + 10) % 20 - 10) > 2) | (np.abs((down + 10) % 20 - 10) > 2)
    assert not beside.any()


def test_what_is_chosen_in_the_window_is_in_the_picture(scene: CanvasScene) -> None:
    scene.preferences.set_notation(Notation(delta="derivative", loss="E"))
    scene.preferences.set_digits(6)
    scene.spotlight.show_parts(hidden=["o1"])
    with CanvasPicture.of_window(scene) as picture:
        found = texts(picture.svg(picture.shown))
    assert "∂E/∂z −0.0380982" in found
    assert "o2" in found
    assert "o1" not in found
    assert "w5 0.4" not in found


def test_what_is_selected_and_pointed_at_is_not(scene: CanvasScene) -> None:
    with CanvasPicture.of_window(scene) as picture:
        before = picture.svg(35)
    scene.selection.set(["h1", "w5"])
    scene.set_hovered(None)
    with CanvasPicture.of_window(scene) as picture:
        assert picture.svg(35) == before


def test_a_picture_changes_nothing_in_the_window(scene: CanvasScene) -> None:
    heard: list[object] = []
    theme().changed.connect(lambda: heard.append("theme"))
    scene.player.moved.connect(lambda: heard.append("player"))
    scene.preferences.changed.connect(lambda: heard.append("preferences"))
    scene.document.changed.connect(heard.append)
    stored = {key: QSettings().value(key) for key in QSettings().allKeys()}
    project = scene.document.project
    with CanvasPicture.of_window(scene, mode="dark") as picture:
        picture.image(None, scale=1.0)
        picture.svg(3)
    assert not heard
    assert not theme().is_dark
    assert scene.document.project is project
    assert {key: QSettings().value(key) for key in QSettings().allKeys()} == stored


def test_a_picture_of_a_project_does_not_follow_the_persons_settings(draw: Callable[..., CanvasPicture]) -> None:
    before = draw(1).svg(20)
    Preferences().set_digits(8)
    Preferences().set_notation(Notation(pre_activation="net"))
    theme().set_mode("dark")
    theme().set_text_scale(2.0)
    try:
        assert draw(1).svg(20) == before
    finally:
        theme().set_mode("light")
        theme().set_text_scale(1.0)


# What it looks like


@pytest.mark.parametrize("number", range(1, len(examples()) + 1))
def test_nothing_is_cut_off_at_any_moment(draw: Callable[..., CanvasPicture], number: int) -> None:
    picture = draw(number, look=Look(transparent=True))
    assert picture.trace is not None
    for index in (None, *range(0, len(picture.trace) + 1, max(1, len(picture.trace) // 6))):
        alpha = pixels(picture.image(index, scale=0.5))[:, :, 3]
        rim = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert not rim.any()
        assert alpha.any()


def test_the_rectangle_is_the_same_at_every_moment(draw: Callable[..., CanvasPicture]) -> None:
    picture = draw(6)
    before = picture.rect()
    picture.image(30, scale=0.5)
    assert picture.rect() == before == draw(6).rect()


def test_light_and_dark(draw: Callable[..., CanvasPicture]) -> None:
    light, dark = (pixels(draw(1, look=Look(mode=mode)).image(20, scale=0.5)) for mode in ("light", "dark"))
    assert light[0, 0, :3].min() > 240
    assert dark[0, 0, :3].max() < 40


def test_a_transparent_picture_has_no_background_but_filled_pills(draw: Callable[..., CanvasPicture]) -> None:
    picture = draw(1, look=Look(transparent=True))
    alpha = pixels(picture.image(20, scale=1.0))[:, :, 3]
    assert alpha[0, 0] == 0
    assert (alpha == 255).mean() > 0.05
    assert "background" not in picture.svg(20)


def test_without_numbers_names_stay(draw: Callable[..., CanvasPicture]) -> None:
    picture = draw(1, look=Look(numbers=False))
    assert picture.trace is not None
    for index in (None, 10, len(picture.trace)):
        found = texts(picture.svg(index))
        assert {"i1", "h1", "o2", "w5", "σ", "L"} <= set(found)
        assert not [text for text in found if re.search(r"\d\.\d|–|=", text)]


def test_the_plain_drawing_has_weights_and_biases_but_nothing_of_a_pass(draw: Callable[..., CanvasPicture]) -> None:
    found = texts(draw(1).svg(None))
    assert {"w5 0.4", "b 0.35", "h1", "L"} <= set(found)
    assert not [text for text in found if "–" in text or text.startswith(("t ", "½", "∂"))]
    assert "0.05" not in found


def test_numbers_come_as_they_are_revealed(draw: Callable[..., CanvasPicture]) -> None:
    picture = draw(1)
    assert picture.trace is not None
    reached = picture.trace.index_of(Quantity(Kind.ACTIVATION, "h1")) + 1
    assert "0.5933" not in texts(picture.svg(reached - 1))
    assert "0.5933" in texts(picture.svg(reached))
    assert "0.5933" not in texts(picture.svg(0))


def test_rows_digits_symbols_and_rounding_are_as_asked(draw: Callable[..., CanvasPicture]) -> None:
    style = Style(Notation(delta="derivative", loss="C"), digits=6)
    assert "∂C/∂z 0.138499" in texts(draw(1, look=Look(style=style)).svg(53))
    rounded = draw(1, rounding=Rounding(2))
    assert "0.59" in texts(rounded.svg(53))
    third = draw(8, rows=[2])
    assert third.trace is not None
    assert third.trace.batch == 1
    assert "row 3, step 0" in third.svg(0)


def test_a_project_without_rows_has_the_plain_drawing_only(draw: Callable[..., CanvasPicture], tmp_path: Path) -> None:
    project = Project()
    project.network.add_neuron("input")
    project.dataset.follow(project.network)
    project.dataset.delete_rows([0])
    picture = draw(project)
    assert picture.trace is None
    assert texts(picture.svg(None))
    with pytest.raises(ExportError, match=r"no row in the data.* Choose the plain drawing"):
        finish(write_picture(lambda: CanvasPicture(project), tmp_path / "p.svg", index=1))


def test_an_empty_network_and_a_row_that_is_not_there_are_refused() -> None:
    with pytest.raises(ExportError, match="no neuron"):
        CanvasPicture(Project())
    with pytest.raises(ExportError, match="There is no row 9 in the data: choose one from 1 to 1"):
        CanvasPicture(example(1), rows=[8])


# SVG


@pytest.mark.parametrize("number", [1, 6, 9, 10])
def test_the_svg_looks_as_the_image_does(draw: Callable[..., CanvasPicture], number: int) -> None:
    picture = draw(number, look=Look(maps=True))
    for index in (None, 20):
        image = picture.image(index, scale=1.0)
        rendered = QImage(image.size(), QImage.Format.Format_RGB32)
        rendered.fill(0xFFFFFFFF)
        painter = QPainter(rendered)
        QSvgRenderer(picture.svg(index).encode()).render(painter)
        painter.end()
        difference = np.abs(pixels(image) - pixels(rendered)).mean(axis=2)
        # Letters stand a fraction of a pixel elsewhere.
        assert (difference > 60).mean() < 0.01


def test_the_svg_is_short_named_and_always_the_same(draw: Callable[..., CanvasPicture]) -> None:
    svg = draw(1).svg(20)
    assert svg == draw(1).svg(20)
    root = ElementTree.fromstring(svg.encode())
    assert root.findtext(f"{SVG}title") == example(1).title
    assert "step 20 of 53" in (root.findtext(f"{SVG}desc") or "")
    groups = [group.findtext(f"{SVG}title") for group in root.findall(f"{SVG}g")]
    assert groups[:3] == ["background", "edges", "loss"]
    assert {"neuron i1", "neuron o2", "numbers on edges"} <= set(groups)
    assert "transform" not in svg
    assert "sans-serif" in root.attrib["font-family"]
    assert len(svg) < 20_000
    assert all(text.attrib.get("text-anchor") == "middle" for text in root.iter(f"{SVG}text") if text.text == "0.5933")


def test_names_with_any_characters_stay_valid(draw: Callable[..., CanvasPicture]) -> None:
    project = example(1)
    project.rename("h1", "Ж'_1")
    project.title = "a < b & \x01"
    svg = draw(project).svg(20)
    assert "Ж'_1" in texts(svg)
    assert ElementTree.fromstring(svg.encode()).findtext(f"{SVG}title") == "a < b & "


@pytest.mark.parametrize("name", ["β₁", "скр", "隠れ層", "w2 β ж 1"])
def test_a_name_in_any_script_is_written_once_and_whole(draw: Callable[..., CanvasPicture], name: str) -> None:
    project = example(1)
    plain = draw(project).svg(None)
    project.rename("h1", name)
    svg = draw(project).svg(None)
    group = next(g for g in ElementTree.fromstring(svg.encode()) if g.findtext(f"{SVG}title") == f"neuron {name}")
    assert (group.findtext(f"{SVG}text") or "").startswith(name[:3])
    assert len(texts(svg)) == len(texts(plain))


def test_the_description_says_what_the_last_step_has_done(draw: Callable[..., CanvasPicture]) -> None:
    picture = draw(1)
    assert picture.describe(None) == "6 neurons, 8 edges."
    assert picture.describe(0).endswith("row 1, step 0 of 53: nothing is computed yet.")
    assert picture.describe(4).startswith("6 neurons, 8 edges; row 1, step 4 of 53: ")


def test_tikz_calls_the_colours_by_what_they_are_for(draw: Callable[..., CanvasPicture]) -> None:
    for mode in ("light", "dark"):
        names = re.findall(r"\\definecolor\{(\w+)\}", draw(6, look=Look(mode=mode)).tikz(None))
        assert {"nnvizcanvas", "nnvizpositive", "nnviznegative", "nnviztext"} <= set(names)
        assert not [name for name in names if re.fullmatch("nnviz[0-9a-f]{6}", name)]


def test_a_map_fills_the_neuron_it_belongs_to(draw: Callable[..., CanvasPicture]) -> None:
    root = ElementTree.fromstring(draw(8, look=Look(maps=True)).svg(None).encode())
    patterns = {pattern.attrib["id"]: pattern for pattern in root.iter(f"{SVG}pattern")}
    circles = [circle for circle in root.iter(f"{SVG}circle") if circle.attrib["fill"].startswith("url(#")]
    assert circles
    for circle in circles:
        pattern = patterns[circle.attrib["fill"][5:-1]]
        middle = float(pattern.attrib["x"]) + float(pattern.attrib["width"]) / 2
        assert middle == pytest.approx(float(circle.attrib["cx"]), abs=0.05)
        image = pattern.find(f"{SVG}image")
        assert image is not None
        assert image.attrib["width"] == pattern.attrib["width"]


@settings(max_examples=settings.default.max_examples // 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=networks())
def test_any_network_has_a_picture_in_every_form(network: Network) -> None:
    project = Project(network)
    if not network.neurons:
        return
    with CanvasPicture(project) as picture:
        ElementTree.fromstring(picture.svg(None).encode())
        assert picture.tikz(None).endswith("\\end{tikzpicture}")
        assert not picture.image(None, scale=0.3).isNull()


# Files


def write(
    path: Path, number: int = 1, *, index: int | None = 20, scale: float = 2.0, **look: object
) -> tuple[str, ...]:
    made = lambda: CanvasPicture(example(number), look=Look(**look))  # type: ignore[arg-type] # noqa: E731
    written = finish(write_picture(made, path, index=index, scale=scale))
    assert written.paths == (path,)
    return written.sentences


def test_a_png_has_the_asked_size_and_says_its_resolution(tmp_path: Path) -> None:
    path = tmp_path / "drawing.png"
    sentences = write(path, scale=300 / 96)
    image = QImage(str(path))
    assert f"{image.width():,} × {image.height():,} pixels, 300 dpi." in sentences
    assert image.dotsPerMeterX() == round(300 / 0.0254)
    assert image.text("Title") == example(1).title


def test_an_image_that_is_too_large_is_refused_with_the_largest_scale(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"choose a scale of at most 18\.\d .*dpi\), or SVG or PDF"):
        write(tmp_path / "drawing.png", scale=60)
    assert not list(tmp_path.iterdir())


@needs_poppler
def test_a_pdf_is_one_page_of_the_drawings_size_with_text_and_embedded_fonts(tmp_path: Path) -> None:
    path = tmp_path / "drawing.pdf"
    write(path, index=35)
    words = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    for word in ("w5", "0.5933", "δ", "h2"):
        assert word in words
    about = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Title: +2-2-2 network", about)
    assert re.search(r"Pages: +1\b", about)
    with CanvasPicture(example(1)) as picture:
        width, height = picture.rect().width() * 0.75, picture.rect().height() * 0.75
    size = re.search(r"Page size: +([\d.]+) x ([\d.]+)", about)
    assert size is not None
    assert 0 <= float(size[1]) - width <= 1
    assert 0 <= float(size[2]) - height <= 1
    fonts = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(re.search(r"yes (yes|no) +yes +\d+ +0$", font) for font in fonts), fonts
    images = subprocess.run(["pdfimages", "-list", str(path)], capture_output=True, text=True, check=True).stdout
    assert len(images.splitlines()) == 2


@needs_latex
@needs_poppler
@pytest.mark.parametrize(
    ("number", "index", "words"),
    [(1, 35, ["w5", "0.5933", "0.4"]), (6, 40, ["linear", "ReLU"]), (9, 20, ["softmax", "red"]), (10, 60, ["h1"]),
     (11, None, ["tanh"])],
)  # fmt: skip
def test_tikz_compiles_as_it_is(tmp_path: Path, number: int, index: int | None, words: list[str]) -> None:
    path = tmp_path / "drawing.tex"
    sentences = write(path, number, index=index, maps=True, mode="dark" if number == 9 else "light")
    assert any("maps in the neurons are left out" in sentence for sentence in sentences)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.search("Missing character|Warning|Overfull", done.stdout)
    found = subprocess.run(
        ["pdftotext", str(path.with_suffix(".pdf")), "-"], capture_output=True, text=True, check=True
    ).stdout
    for word in words:
        assert word in found
    about = subprocess.run(
        ["pdfinfo", str(path.with_suffix(".pdf"))], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"Pages: +1\b", about)


def test_tikz_says_what_pdflatex_cannot_write(tmp_path: Path) -> None:
    project = example(1)
    project.rename("h1", "Ж")
    written = finish(write_picture(lambda: CanvasPicture(project), tmp_path / "d.tex"))
    assert any("pdfLaTeX has no sign for Ж: compile it with LuaLaTeX" in sentence for sentence in written.sentences)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_job_that_is_stopped_leaves_nothing(tmp_path: Path, ending: str) -> None:
    job = write_picture(lambda: CanvasPicture(example(1)), tmp_path / f"drawing{ending}")
    next(job)
    next(job)
    job.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".svg", ".tex"])
def test_the_window_answers_while_a_large_network_is_drawn(tmp_path: Path, ending: str) -> None:
    network = Network()
    levels = [
        [network.add_neuron(role).id for _ in range(size)]
        for role, size in (("input", 20), ("hidden", 12), ("output", 5))
    ]
    for sources, targets in itertools.pairwise(levels):
        for source, target in itertools.product(sources, targets):
            network.connect(source, target)
    project = Project(network, Dataset({n.id: [0.5] for n in (*network.inputs, *network.outputs)}))
    look = Look(mode="dark")
    slices = 0
    for _ in write_picture(lambda: CanvasPicture(project, look=look), tmp_path / f"drawing{ending}"):
        slices += 1
        # The window is painted in between, in its own colours.
        assert not theme().is_dark
    assert slices > 20


def test_a_large_image_is_packed_while_the_window_answers(tmp_path: Path) -> None:
    job = write_picture(lambda: CanvasPicture(example(1)), tmp_path / "drawing.png", scale=10.0)
    told = [next(job).what for _ in range(5)]
    assert told == ["Drawing the network"] + 4 * ["Writing drawing.png"]
    job.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, ending: str) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        write(tmp_path / "nowhere" / f"drawing{ending}")


def test_other_endings_and_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"drawing.bmp is no picture: .*\.svg, \.pdf, \.tex, \.png"):
        write(tmp_path / "drawing.bmp")
    with pytest.raises(ExportError, match="There is no step 54: choose one from 0 to 53"):
        write(tmp_path / "drawing.svg", index=54)


def test_closing_frees_the_canvas(draw: Callable[..., CanvasPicture]) -> None:
    from shiboken6 import isValid

    picture = CanvasPicture(example(1))
    scene = picture._scene
    picture.close()
    QApplication.processEvents()
    assert not isValid(scene)


def crowded() -> Project:
    """30 inputs, 40 hidden neurons and 10 outputs: 1,600 edges, some of them negative."""
    network = Network()
    layers = [
        [network.add_neuron(role, position=(300 * place, 60 * k)).id for k in range(size)]
        for place, (role, size) in enumerate([("input", 30), ("hidden", 40), ("output", 10)])
    ]
    for sources, targets in itertools.pairwise(layers):
        for n, (source, target) in enumerate(itertools.product(sources, targets)):
            network.connect(source, target, weight=0.01 * (n % 37 - 18))
    project = Project(network)
    project.dataset.follow(network)
    return project


def test_a_large_picture_is_painted_a_few_lines_at_a_time(
    draw: Callable[..., CanvasPicture], monkeypatch: pytest.MonkeyPatch
) -> None:
    theme().set_mode("light")
    picture = draw(crowded(), look=Look(mode="dark"))
    at_once = picture.image(0)
    monkeypatch.setattr("nnviz_app.export.picture.AT_A_TIME", 0.0)
    made: list[QImage] = []

    def making() -> Iterator[None]:
        made.append((yield from picture.make_image(0)))

    # The window may paint itself after each slice.
    colors = [theme().palette.canvas for _ in making()]
    assert made == [at_once]
    assert all(color == LIGHT.canvas for color in colors)
    assert len(colors) > 1600 / AT_ONCE + 80


def test_painting_that_is_stopped_leaves_the_painter_as_it_was(
    draw: Callable[..., CanvasPicture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnviz_app.export.picture.AT_A_TIME", 0.0)
    picture = draw(1)
    whole = picture.image(3)
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        work = picture.painting(painter, QRectF(0, 0, 200, 100), 3)
        next(work)
        assert not painter.worldTransform().isIdentity()
        work.close()
        assert painter.worldTransform().isIdentity()
    making = picture.make_image(3)
    next(making)
    making.close()
    assert picture.image(3) == whole
